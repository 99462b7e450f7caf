//! Who may vote is decided once more before a vote becomes an entry: whoever writes past the API meets the same rule.

use std::time::Duration;

use solana_sdk::signature::Keypair;
use zmart::domain::{
    event::Outcome,
    ids::{MarketAddress, Wallet},
};
use zmart_testkit::{
    chain::{Chain, SOL, wallet_of},
    engine::Engine,
    http::get,
    patience::wait_for,
    postgres::Database,
    proxy::{Bad, Methods, Proxy, When},
};

use super::written::{comment_as, nobody, number, tally_is, vote_as, write_as};

/// A reading of the chain's clock serves for so long.
const FRESH: Duration = zmart::actors::chain_clock::FRESH;

struct Poll {
    engine: Engine,
    database: Database,
    chain: Chain,
    proxy: Proxy,
    market: MarketAddress,
    creator: Keypair,
}

impl Poll {
    async fn open(eligibility: &str) -> Self {
        let (chain, database) = (Chain::start().await, Database::fresh().await);
        let proxy = Proxy::before(&chain.client().rpc_url, &chain.ws_url).await;
        let mut engine = Engine::on(&chain, &database);
        engine.set("SOLANA_RPC_URL", &proxy.rpc_url);
        engine.set("VOTE_ELIGIBILITY", eligibility);
        // The votes are counted here, and nowhere else.
        engine.set("ROLES", "api,ws,indexer");
        engine.start().await;
        engine.ready().await;
        let creator = chain.client().funded_wallet().await;
        let market = chain.client().proposed_market(&creator, 100 * SOL).await;
        let poll = Self { engine, database, chain, proxy, market, creator };
        poll.shows(market).await;
        poll
    }

    async fn shows(&self, market: MarketAddress) {
        wait_for("the market to be shown", || async {
            match get(&self.engine.api, &format!("/api/markets/{market}")).await {
                answer if answer.status == 200 => Ok(()),
                answer => Err(answer.status),
            }
        })
        .await;
    }

    async fn vote(&self, wallet: Wallet, vote: bool) {
        vote_as(&self.database, wallet, self.market, vote).await;
    }

    async fn vote_on_dispute(&self, market: MarketAddress, wallet: Wallet) {
        const SQL: &str = "INSERT INTO dispute_votes (market, vote) VALUES ($1::text, true)";
        assert_eq!(write_as(&self.database, wallet, SQL, &[&market.to_string()]).await.unwrap(), 1);
    }

    /// Waits until that many votes were refused, and gives the reasons.
    async fn refused(&self, count: usize) -> Vec<String> {
        const SQL: &str =
            "SELECT detail FROM dead_letters WHERE source = 'outbox' AND reason = 'refused' ORDER BY detail";
        wait_for(&format!("{count} letters"), || async {
            let rows = self.database.connect().await.query(SQL, &[]).await.unwrap();
            let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            if found.len() == count { Ok(found) } else { Err(format!("{found:?}")) }
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_votes_are_of_those_who_traded_others_become_no_entry_though_they_are_written_past_the_engine() {
    let poll = Poll::open("traded").await;
    let client = poll.chain.client().clone();
    let [traded, late] = [client.funded_wallet().await, client.funded_wallet().await];
    let tradable = poll.chain.active_market(&poll.creator, 100 * SOL).await;
    for wallet in [&traded, &late] {
        client.buy(tradable, wallet, Outcome::Yes, SOL).await;
    }
    counted_is(&poll.database, "positions WHERE trades_count > 0", 2).await;
    for (wallet, vote) in [(nobody(1), false), (wallet_of(&traded), true), (nobody(2), false)] {
        poll.vote(wallet, vote).await;
    }
    assert!(poll.refused(2).await.iter().all(|why| why.contains("only wallets that have traded may vote")));
    tally_is(&poll.database, poll.market, 1, 0).await;
    assert_eq!(number(&poll.database, "SELECT count(*) FROM outbox").await, 0);

    // On a dispute a vote counts that was written before the window was over on the chain.
    poll.chain.dispute(tradable, &poll.creator, Outcome::Yes).await;
    counted_is(&poll.database, "markets WHERE phase = 4", 1).await;
    poll.vote_on_dispute(tradable, wallet_of(&traded)).await;
    counted_is(&poll.database, "journal WHERE payload ->> 'vote_kind' = 'dispute'", 1).await;
    // While the chain's clock can't be read nobody knows.
    let away = poll.proxy.handle().answer_badly(Methods::Of(&["getMultipleAccounts"]), Bad::Status(503), When::Always);
    client.travel(72 * 3_600).await;
    tokio::time::sleep(FRESH).await;
    poll.vote_on_dispute(tradable, wallet_of(&late)).await;
    comment_as(&poll.database, wallet_of(&late), tradable, "while it waits").await;
    counted_is(&poll.database, "journal WHERE kind = 'comment'", 1).await;
    counted_is(&poll.database, "outbox", 1).await;
    counted_is(&poll.database, "dead_letters", 2).await;
    away.lift();
    let refused = poll.refused(3).await;
    assert!(refused.iter().any(|why| why.contains("votes on this dispute were taken until")), "{refused:?}");
    counted_is(&poll.database, "journal WHERE payload ->> 'vote_kind' = 'dispute'", 1).await;
}

/// Waits until so many rows are of that kind.
async fn counted_is(database: &Database, rows: &str, count: i64) {
    wait_for(&format!("{count} of {rows}"), || async {
        match number(database, &format!("SELECT count(*) FROM {rows}")).await {
            found if found == count => Ok(()),
            other => Err(other),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_votes_are_cast_by_transactions_only_none_that_is_written_counts() {
    let poll = Poll::open("onchain").await;
    let voter = poll.chain.client().funded_wallet().await;
    poll.vote(wallet_of(&voter), true).await;
    assert!(poll.refused(1).await[0].contains("by transactions only"));
    poll.chain.client().vote(poll.market, &voter, false).await;
    tally_is(&poll.database, poll.market, 0, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_knows_what_a_wallet_holds_its_vote_waits_and_holds_up_nothing_else() {
    let poll = Poll::open("min_balance").await;
    let client = poll.chain.client().clone();
    let (rich, poor) = (client.funded_wallet().await, nobody(3));
    let away = poll.proxy.handle().answer_badly(Methods::Of(&["getMultipleAccounts"]), Bad::Status(503), When::Always);
    poll.vote(wallet_of(&rich), true).await;
    poll.vote(poor, false).await;
    // More than a page of them: what else was written must not be behind.
    let wallets: Vec<String> = (0..600_u16).map(|n| stranger(n).to_string()).collect();
    const SQL: &str = "INSERT INTO proposal_votes (market, wallet, vote) \
                       SELECT $1::text, wallet, false FROM unnest($2::text[]) AS voters (wallet)";
    poll.database.connect().await.execute(SQL, &[&poll.market.to_string(), &wallets]).await.unwrap();
    comment_as(&poll.database, wallet_of(&rich), poll.market, "while they wait").await;
    wait_for("the comment to be an entry", || async {
        match number(&poll.database, "SELECT count(*) FROM journal WHERE kind = 'comment'").await {
            1 => Ok(()),
            other => Err(other),
        }
    })
    .await;
    assert_eq!(number(&poll.database, "SELECT count(*) FROM outbox").await, 602, "votes wait");
    assert_eq!(number(&poll.database, "SELECT count(*) FROM dead_letters").await, 0, "and none is refused for it");
    away.lift();
    let why = poll.refused(601).await;
    assert!(why.iter().all(|why| why.contains("only wallets that hold 100000000 lamports may vote; this one holds 0")));
    tally_is(&poll.database, poll.market, 1, 0).await;
    assert_eq!(number(&poll.database, "SELECT count(*) FROM outbox").await, 0);
}

fn stranger(n: u16) -> Wallet {
    let mut bytes = [7; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Wallet(bytes)
}
