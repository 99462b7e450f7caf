//! Votes: many, late, doubled, rolled back; whenever they come, the decision is the one that the counted ones make.

use std::time::Duration;

use serde_json::json;
use solana_sdk::signature::Keypair;
use zmart::domain::{
    ids::{MarketAddress, Wallet},
    phase::Phase,
    tally::VoteKind,
};
use zmart_testkit::{
    ballots,
    chain::{Chain, wallet_of},
    postgres::Database,
    proxy::Proxy,
    signed_in::SignedInClient,
};

use super::court::{APPROVED, Court, FINALIZED, HOUR};

/// Slots long enough for a transaction to be recorded, and hidden, before it is final.
const LONG_SLOT_MS: &str = "150";
/// The API reads the chain's clock so often, and a little more.
const CLOCK_READ_EVERY: Duration = Duration::from_millis(3_500);

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_counts_the_votes_up_to_the_entry_that_it_names_and_those_that_come_meanwhile_stay_in_the_tally() {
    let court = Court::set(&[("MIN_PROPOSAL_VOTES", "8")]).await;
    let markets: [_; 4] = court.proposed().await;
    let mut voting = Vec::new();
    for market in markets {
        let database = court.database.clone();
        // Votes without end, every fifth against, until the phase is over.
        voting.push(tokio::spawn(async move {
            for (number, voter) in ballots::strangers(5_000).into_iter().enumerate() {
                let vote = number % 5 != 2;
                if let Err(refused) = ballots::cast(&database, VoteKind::Proposal, market, &[voter], vote).await {
                    assert_eq!(refused.code().unwrap().code(), "ZM001");
                    return number;
                }
            }
            panic!("{market} was not approved");
        }));
    }
    for (market, voting) in markets.into_iter().zip(voting) {
        let taken = voting.await.unwrap();
        court.all_are(&[market], Phase::Approved).await;
        court.all_settled().await;
        let approval = |one: &serde_json::Value| one["purpose"] == "approve_proposal" && one["status"] == "finalized";
        let sent = court.submission(market, "an approval", approval).await;
        const COUNTED: &str = "SELECT count(*) FILTER (WHERE (payload -> 'vote')::boolean), \
                                      count(*) FILTER (WHERE NOT (payload -> 'vote')::boolean) \
                               FROM journal WHERE stream = $1::text AND kind = 'vote' AND epoch = $2 AND seq <= $3";
        let place = |name: &str| sent["grounds"][name].as_i64().unwrap();
        let epoch = i32::try_from(place("epoch")).unwrap();
        let rows = court.database.connect().await;
        let row = rows.query_one(COUNTED, &[&market.to_string(), &epoch, &place("seq")]).await.unwrap();
        let counted: (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(
            (sent["in_favour"].as_i64(), sent["against"].as_i64()),
            (Some(counted.0), Some(counted.1)),
            "{sent}"
        );
        assert!(counted.0 + counted.1 >= 8 && counted.0 * 10_000 / (counted.0 + counted.1) >= 7_000, "{sent}");
        court.counts_on_chain(market, counted.0 as u32, counted.1 as u32).await;
        let against = (0..taken).filter(|number| number % 5 == 2).count() as i64;
        court.tally_is(VoteKind::Proposal, market, taken as i64 - against, against).await;
        court.landed(market, &[APPROVED]).await;
    }
    court.is_in_order().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_votes_on_one_market_are_counted_to_the_last_one_and_hold_up_no_other_market() {
    let court = Court::set(&[]).await;
    let [flooded, small] = court.proposed().await;
    // One below the threshold: 34,999 of 49,999 are 6,999 basis points.
    let kind = VoteKind::Proposal;
    let against = ballots::strangers(15_000);
    let for_it = ballots::strangers(34_999);
    // One after the other: those for it, counted alone, would decide.
    ballots::cast(&court.database, kind, flooded, &against, false).await.unwrap();
    ballots::cast(&court.database, kind, flooded, &for_it[..17_000], true).await.unwrap();
    // The other market's votes can be read together with the last 17,999, and stand behind all of them.
    let few = ballots::strangers(3);
    let last = [(flooded, &for_it[17_000..]), (small, &few[..])];
    let last = last.map(|(market, voters)| ballots::Bloc { kind, market, voters, vote: true });
    ballots::cast_at_once(&court.database, &last).await.unwrap();
    court.all_are(&[small], Phase::Approved).await;
    court.tally_is(VoteKind::Proposal, flooded, 34_999, 15_000).await;
    let behind = counted_after(&court, flooded, small).await;
    assert!(behind > 9_000, "the other market's votes waited for all but {behind} of the flood");
    // Counts are told to the chain once an hour: those of then have to be all, and none may be on their way.
    court.all_settled().await;
    court.is_final_in_the_journal(flooded).await;
    court.client.travel(2 * HOUR).await;
    court.counts_on_chain(flooded, 34_999, 15_000).await;
    court.has_looked_again().await;
    assert_eq!(court.phases([flooded]).await, [Phase::Proposed], "69.99 % are not 70 %");
    court.vote(VoteKind::Proposal, flooded, 1, 0).await;
    court.all_are(&[flooded], Phase::Approved).await;
    court.counts_on_chain(flooded, 35_000, 15_000).await;
    for market in [flooded, small] {
        court.landed(market, &[APPROVED]).await;
    }
    court.is_in_order().await;
}

/// Votes on a market that became entries after the newest on another one did.
async fn counted_after(court: &Court, market: MarketAddress, other: MarketAddress) -> i64 {
    const SQL: &str = "SELECT count(*) FROM journal WHERE stream = $1::text AND kind = 'vote' AND recorded_at >
                              (SELECT max(recorded_at) FROM journal WHERE stream = $2::text AND kind = 'vote')";
    let row = court.database.connect().await.query_one(SQL, &[&market.to_string(), &other.to_string()]).await;
    row.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_after_the_window_of_a_dispute_is_refused_with_the_reason_and_decides_nothing() {
    let court = Court::set(&[]).await;
    let [market] = court.disputed().await;
    let voter = SignedInClient::new(&court.engine.api).await;
    court.client.travel(73 * HOUR).await;
    // Nobody has voted: it stays disputed, and its window is over.
    court.alert("dispute_without_votes", &market.to_string(), true).await;
    tokio::time::sleep(CLOCK_READ_EVERY).await;
    let refused = voter.post("/api/votes/dispute", &json!({"market_id": market, "vote": true})).await;
    let told = refused.json();
    let began = court.client.market(market).await.dispute_initiated_at.0;
    let end = chrono::DateTime::from_timestamp(began + 72 * HOUR, 0).unwrap();
    let end = end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(refused.status, 409, "{told}");
    assert!(told["message"].as_str().unwrap().contains(end.trim_end_matches('Z')), "{end}: {told}");
    court.has_looked_again().await;
    assert_eq!(court.tally(VoteKind::Dispute, market).await, (0, 0));
    assert_eq!(court.phases([market]).await, [Phase::Disputed]);
    court.landed(market, &[APPROVED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_votes_on_both_sides_counts_once_and_the_chain_wins() {
    let court = Court::set(&[("MIN_PROPOSAL_VOTES", "6")]).await;
    let client = &court.client;
    let [market, disputed] = {
        let [disputed] = court.disputed().await;
        let [market] = court.proposed().await;
        [market, disputed]
    };
    for (kind, market) in [(VoteKind::Proposal, market), (VoteKind::Dispute, disputed)] {
        let voters: Vec<Keypair> = client.funded_wallets(3).await;
        let wallets: Vec<Wallet> = voters.iter().map(wallet_of).collect();
        ballots::cast(&court.database, kind, market, &wallets, true).await.unwrap();
        court.tally_is(kind, market, 3, 0).await;
        client.vote_together(kind, market, &voters, false).await;
        court.tally_is(kind, market, 0, 3).await;
    }
    // 6 of 9 are too few; were the three counted twice, or here, it would be enough.
    court.vote(VoteKind::Proposal, market, 6, 0).await;
    court.tally_is(VoteKind::Proposal, market, 6, 3).await;
    court.vote(VoteKind::Dispute, disputed, 4, 0).await;
    court.tally_is(VoteKind::Dispute, disputed, 4, 3).await;
    client.travel(72 * HOUR).await;
    court.all_are(&[disputed], Phase::Finalized).await;
    let ended = client.market(disputed).await;
    assert_eq!((ended.final_outcome, ended.dispute_agree, ended.dispute_disagree), (Some(true), 4, 3));
    court.counts_on_chain(market, 6, 3).await;
    court.vote(VoteKind::Proposal, market, 1, 0).await;
    court.all_are(&[market], Phase::Approved).await;
    court.counts_on_chain(market, 7, 3).await;
    court.landed(market, &[APPROVED]).await;
    court.landed(disputed, &[APPROVED, FINALIZED]).await;
    court.is_in_order().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_vote_that_is_rolled_back_decides_nothing_and_one_that_becomes_final_does() {
    let (chain, database) = (Chain::with_slots_of(LONG_SLOT_MS).await, Database::fresh().await);
    let proxy = Proxy::before(&chain.client().rpc_url, &chain.ws_url).await;
    let servers = [("SOLANA_RPC_URL", &*proxy.rpc_url), ("SOLANA_WS_URL", &*proxy.ws_url)];
    let mut court = Court::empty(chain, database, &servers).await;
    court.open().await;
    let [market] = court.proposed().await;
    court.vote(VoteKind::Proposal, market, 2, 0).await;
    let voter = court.client.funded_wallet().await;
    let frozen = proxy.handle().freeze().await;
    // The third vote crosses the threshold, confirmed only.
    let third = court.client.vote(market, &voter, true).await;
    court.tally_is(VoteKind::Proposal, market, 3, 0).await;
    frozen.hide(third).await;
    court.tally_is(VoteKind::Proposal, market, 2, 0).await;
    // What is made after it becomes final, and is decided: it would have been, had it not vanished.
    court.has_looked_again().await;
    assert_eq!(court.phases([market]).await, [Phase::Proposed]);
    frozen.land_again(third, court.client.slot().await);
    frozen.notify_again(third).await;
    court.all_are(&[market], Phase::Approved).await;
    court.counts_on_chain(market, 3, 0).await;
    court.landed(market, &[APPROVED]).await;
    court.is_in_order().await;
}
