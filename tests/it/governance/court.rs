//! A chain, a database, engines that govern quickly, and what tests of governance ask of all three.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Mutex,
};

use futures_util::future::join_all;
use serde_json::Value;
use solana_sdk::signature::Keypair;
use zmart::domain::{
    event::Outcome,
    ids::{MarketAddress, TxSignature},
    phase::Phase,
    tally::VoteKind,
};
use zmart_testkit::{
    audit, ballots,
    chain::{Chain, ChainClient, SOL},
    engine::Engine,
    patience::wait_for,
    postgres::Database,
};

/// Every period as short as the engine takes it.
const QUICK: &[(&str, &str)] = &[
    ("COVERAGE_INTERVAL_MS", "500"),
    ("VOTE_AGGREGATION_INTERVAL", "1000"),
    ("MARKET_MONITOR_CRON", "* * * * * *"),
    ("MIN_PROPOSAL_VOTES", "3"),
    ("RESEND_MS", "300"),
    ("SLOT_MS", "20"),
];

/// Instructions that only the authorities can give.
const GOVERNING: [&str; 4] =
    ["aggregate_proposal_votes", "approve_proposal", "aggregate_dispute_votes", "finalize_market"];

/// It was approved, once.
pub const APPROVED: (&str, usize) = ("approve_proposal", 1);
/// It was finalized, once.
pub const FINALIZED: (&str, usize) = ("finalize_market", 1);

/// In seconds.
pub const HOUR: i64 = 3_600;

/// See the module. The engine goes first when it is dropped.
#[derive(Debug)]
pub struct Court {
    /// The engine, with both authorities' keys.
    pub engine: Engine,
    /// Its database.
    pub database: Database,
    /// Its chain.
    pub chain: Chain,
    /// A client of the chain, without anything between.
    pub client: ChainClient,
    /// Who proposes, activates, resolves and disputes all markets.
    pub creator: Keypair,
    /// What the test itself sent as an authority.
    by_hand: Mutex<HashSet<TxSignature>>,
}

impl Court {
    /// With an engine that has these settings beside the quick ones.
    pub async fn set(settings: &[(&str, &str)]) -> Self {
        let mut court = Self::empty(Chain::start().await, Database::fresh().await, settings).await;
        court.open().await;
        court
    }

    /// With an engine that has not been started, on a migrated database.
    pub async fn empty(chain: Chain, database: Database, settings: &[(&str, &str)]) -> Self {
        let client = chain.client().clone();
        let creator = client.funded_wallet().await;
        let engine = quick_engine(&chain, &database, settings);
        let migrated = engine.run(&["migrate"]).await;
        assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
        Self { engine, database, chain, client, creator, by_hand: Mutex::default() }
    }

    /// Starts the engine.
    pub async fn open(&mut self) {
        self.engine.start().await;
        self.engine.ready().await;
    }

    /// So many proposals, once the journal has them.
    pub async fn proposed<const N: usize>(&self) -> [MarketAddress; N] {
        let propose = || self.client.proposed_market(&self.creator, 100 * SOL);
        let markets = join_all(std::iter::repeat_with(propose).take(N)).await;
        self.all_in_journal(&markets, Phase::Proposed).await;
        markets.try_into().unwrap()
    }

    /// So many markets whose outcome YES is proposed, approved by hand.
    pub async fn resolving<const N: usize>(&self) -> [MarketAddress; N] {
        let propose = async || {
            let market = self.client.proposed_market(&self.creator, 100 * SOL).await;
            self.sent_by_hand(self.chain.approve(market).await);
            market
        };
        let markets = join_all(std::iter::repeat_with(propose).take(N)).await;
        self.resolve(&markets).await;
        markets.try_into().unwrap()
    }

    /// So many markets whose outcome YES is disputed.
    pub async fn disputed<const N: usize>(&self) -> [MarketAddress; N] {
        let markets = self.resolving().await;
        self.dispute(&markets).await;
        markets
    }

    /// The outcome YES is proposed of these, which are approved.
    pub async fn resolve(&self, markets: &[MarketAddress]) {
        join_all(markets.iter().map(|market| self.client.activate(*market, &self.creator))).await;
        self.client.travel(2).await;
        join_all(markets.iter().map(|market| self.client.resolve(*market, &self.creator, Outcome::Yes))).await;
        self.all_in_journal(markets, Phase::Resolving).await;
    }

    /// The outcome of these is disputed.
    pub async fn dispute(&self, markets: &[MarketAddress]) {
        self.client.travel(2).await;
        join_all(markets.iter().map(|market| self.client.dispute(*market, &self.creator))).await;
        self.all_in_journal(markets, Phase::Disputed).await;
    }

    /// The test itself sent this as an authority.
    pub fn sent_by_hand(&self, signature: TxSignature) {
        self.by_hand.lock().unwrap().insert(signature);
    }

    /// So many strangers vote beside the chain: those against first, so that nothing is decided before all have voted.
    pub async fn vote(&self, kind: VoteKind, market: MarketAddress, in_favour: usize, against: usize) {
        for (count, vote) in [(against, false), (in_favour, true)] {
            if count > 0 {
                ballots::cast(&self.database, kind, market, &ballots::strangers(count), vote).await.unwrap();
            }
        }
    }

    /// Waits until the tally that is shown is that.
    pub async fn tally_is(&self, kind: VoteKind, market: MarketAddress, in_favour: i64, against: i64) {
        wait_for("the tally", || async {
            let found = self.tally(kind, market).await;
            if found == (in_favour, against) { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }

    /// The tally that is shown: in favour, against.
    pub async fn tally(&self, kind: VoteKind, market: MarketAddress) -> (i64, i64) {
        const SQL: &str = "SELECT in_favour, against FROM vote_tallies WHERE market = $1::text AND kind = $2";
        let row = self.database.connect().await.query_opt(SQL, &[&market.to_string(), &kind.as_str()]).await.unwrap();
        row.map(|row| (row.get(0), row.get(1))).unwrap_or_default()
    }

    /// Waits until the chain has these counts of a proposal: likes, dislikes.
    pub async fn counts_on_chain(&self, market: MarketAddress, likes: u32, dislikes: u32) {
        wait_for("the counts on the chain", || async {
            let found = self.client.market(market).await;
            let found = (found.proposal_likes, found.proposal_dislikes);
            if found == (likes, dislikes) { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }

    /// The phases of these on the chain.
    pub async fn phases<const N: usize>(&self, markets: [MarketAddress; N]) -> [Phase; N] {
        let found = join_all(markets.iter().map(|market| self.client.market(*market))).await;
        let phases: Vec<Phase> = found.iter().map(|market| Phase::from_code(market.state).unwrap()).collect();
        phases.try_into().unwrap()
    }

    /// Waits until these are in a phase, on the chain and in the journal.
    pub async fn all_are(&self, markets: &[MarketAddress], phase: Phase) {
        wait_for(&format!("{markets:?} to be {} on the chain", phase.as_str()), || async {
            let found = join_all(markets.iter().map(|market| self.client.market(*market))).await;
            let states: Vec<u8> = found.iter().map(|market| market.state).collect();
            if states.iter().all(|state| *state == phase.code()) { Ok(()) } else { Err(format!("{states:?}")) }
        })
        .await;
        self.all_in_journal(markets, phase).await;
    }

    /// Waits until these are in a phase in the journal.
    pub async fn all_in_journal(&self, markets: &[MarketAddress], phase: Phase) {
        let names: Vec<String> = markets.iter().map(ToString::to_string).collect();
        let sql = "SELECT count(*) FROM markets WHERE phase = $1 AND address::text = ANY ($2)";
        wait_for(&format!("{names:?} to be {} in the journal", phase.as_str()), || async {
            let Some(rows) = self.database.try_connect().await else { return Err("no database".to_owned()) };
            let found: i64 = rows.query_one(sql, &[&i16::from(phase.code()), &names]).await.unwrap().get(0);
            if found as usize == names.len() { Ok(()) } else { Err(format!("{found} of {}", names.len())) }
        })
        .await;
    }

    /// What the engine sent about a market, oldest first, as its table has it.
    pub async fn submissions(&self, market: MarketAddress) -> Vec<Value> {
        const SQL: &str = "SELECT to_jsonb(s) FROM chain_submissions s WHERE market = $1::text ORDER BY id";
        let rows = self.database.connect().await.query(SQL, &[&market.to_string()]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Waits for a submission about a market of which that is true.
    pub async fn submission(&self, market: MarketAddress, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("a submission that is {what}"), || async {
            let all = self.submissions(market).await;
            all.iter().find(|one| is(one)).cloned().ok_or_else(|| format!("{all:#?}"))
        })
        .await
    }

    /// Waits until the newest alert of that kind and subject (there is one) stands open, or is over and no other stands open.
    pub async fn alert(&self, kind: &str, subject: &str, open: bool) -> Value {
        const SQL: &str = "SELECT alert FROM (SELECT to_jsonb(a) AS alert, resolved_at IS NULL AS open FROM alerts a \
                           WHERE kind = $1 AND subject = $2 ORDER BY id DESC LIMIT 1) newest WHERE open = $3";
        wait_for(&format!("an alert {kind} of {subject}, open: {open}"), || async {
            let rows = self.database.connect().await;
            match rows.query_opt(SQL, &[&kind, &subject, &open]).await.unwrap() {
                Some(row) => Ok(row.get::<_, Value>(0)),
                None => Err(format!("{:#?}", self.alerts().await)),
            }
        })
        .await
    }

    /// All alerts there ever were: kind, subject, whether it is open.
    pub async fn alerts(&self) -> Vec<(String, String, bool)> {
        const SQL: &str = "SELECT kind, subject, resolved_at IS NULL FROM alerts ORDER BY id";
        let rows = self.database.connect().await.query(SQL, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    /// What the authorities' instructions did to a market: every one that landed is of one submission of the engine's or
    /// was sent by hand, every submission that is done landed, what landed without an effect is known as failed, no decision landed twice, and of those that end a phase
    /// (`wanted`) so many landed.
    pub async fn landed(&self, market: MarketAddress, wanted: &[(&str, usize)]) {
        self.all_settled().await;
        let landed = self.client.landed(market).await;
        let done: Vec<_> = landed.iter().filter(|one| one.error.is_null()).collect();
        let submissions = self.submissions(market).await;
        let told = format!("{market}: {landed:#?}\n{submissions:#?}");
        let by_hand = self.by_hand.lock().unwrap().clone();
        let of_authorities = |with_effect: bool| {
            let some = landed.iter().filter(move |one| one.error.is_null() == with_effect);
            let some = some.filter(|one| one.instructions.iter().any(|name| GOVERNING.contains(name)));
            some.map(|one| one.signature).filter(|one| !by_hand.contains(one)).map(|one| one.to_string())
        };
        let by_engine: BTreeSet<String> = of_authorities(true).collect();
        let finalized = submissions.iter().filter(|one| one["status"] == "finalized");
        let finalized: BTreeSet<String> =
            finalized.map(|one| one["signature"].as_str().unwrap_or_default().to_owned()).collect();
        assert_eq!(by_engine, finalized, "what landed is not what was sent: {told}");
        let had_no_effect = of_authorities(false).collect::<BTreeSet<_>>();
        let failed = submissions.iter().filter(|one| one["status"] == "failed");
        let failed: BTreeSet<String> = failed.filter_map(|one| Some(one["signature"].as_str()?.to_owned())).collect();
        assert!(had_no_effect.is_subset(&failed), "what landed and failed is not known as that: {told}");
        let decisions = submissions.iter().filter(|one| one["status"] == "finalized");
        let decisions: BTreeSet<String> = decisions.map(|one| one["intent_hash"].to_string()).collect();
        assert_eq!(decisions.len(), finalized.len(), "one decision landed twice: {told}");
        for name in &GOVERNING[1..] {
            let times = done.iter().flat_map(|one| &one.instructions).filter(|found| *found == name).count();
            let expected = wanted.iter().find(|(wanted, _)| wanted == name).map_or(0, |(_, times)| *times);
            assert_eq!(times, expected, "{name} on {told}");
        }
    }

    /// What must hold whatever happened: every submission is settled, `zmart verify` finds no difference, the journal's
    /// rules hold, nothing is dead.
    pub async fn is_in_order(&self) {
        self.all_settled().await;
        wait_for("verify to agree", || async {
            let checked = self.engine.run(&["verify"]).await;
            if checked.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&checked.stdout).into_owned()) }
        })
        .await;
        wait_for("the journal's rules to hold", || async {
            let breaches = audit::breaches(&self.database).await;
            if breaches.is_empty() { Ok(()) } else { Err(format!("{breaches:#?}")) }
        })
        .await;
        assert_eq!(audit::dead_letters(&self.database).await, []);
        assert_eq!(audit::adoptions(&self.database).await, 0, "all of the history was there");
    }

    /// Waits until every submission is settled.
    pub async fn all_settled(&self) {
        const SQL: &str = "SELECT to_jsonb(s)::text FROM chain_submissions s WHERE NOT settled";
        wait_for("every submission to be settled", || async {
            let open = self.database.connect().await.query(SQL, &[]).await.unwrap();
            match open.first() {
                None => Ok(()),
                Some(row) => Err(row.get::<_, String>(0)),
            }
        })
        .await;
    }

    /// Waits until every entry of a market is marked as final.
    pub async fn is_final_in_the_journal(&self, market: MarketAddress) {
        const SQL: &str = "SELECT last_seq - finalized_seq FROM markets WHERE address = $1::text";
        wait_for("all of it to be final", || async {
            let row = self.database.connect().await.query_one(SQL, &[&market.to_string()]).await.unwrap();
            match row.get::<_, i64>(0) {
                0 => Ok(()),
                open => Err(format!("{open} entries are not")),
            }
        })
        .await;
    }

    /// Waits until the monitor has made a whole pass that began after this was called.
    pub async fn has_been_monitored_again(&self) {
        const SQL: &str = "SELECT xmin::text FROM scheduled_runs WHERE name = 'monitor'";
        let mut last = None;
        // The first may be of a pass that was on its way; and so the second's began after the call.
        for _ in 0..3 {
            let known = last.clone();
            last = wait_for("the monitor to have made a pass", || async {
                let row = self.database.connect().await.query_opt(SQL, &[]).await.unwrap();
                let found = row.map(|row| row.get::<_, String>(0));
                if found.is_some() && found != known { Ok(found) } else { Err("not yet") }
            })
            .await;
        }
    }

    /// Waits until the aggregator has looked at proposals once more: it approves one that was made after this was called.
    pub async fn has_looked_again(&self) {
        let [market] = self.proposed().await;
        self.vote(VoteKind::Proposal, market, 10, 0).await;
        self.all_are(&[market], Phase::Approved).await;
    }
}

/// An engine that governs quickly, not started.
pub fn quick_engine(chain: &Chain, database: &Database, settings: &[(&str, &str)]) -> Engine {
    let mut engine = Engine::on(chain, database);
    for (name, value) in QUICK.iter().chain(settings) {
        engine.set(name, value);
    }
    engine
}
