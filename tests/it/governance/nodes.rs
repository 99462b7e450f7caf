//! Several engines: whoever of them governs, dies or sleeps, each decision lands once, and nobody writes in another's term.

use serde_json::Value;
use zmart::domain::{phase::Phase, tally::VoteKind};
use zmart_testkit::{
    chain::Chain, engine::Engine, patience::wait_for, postgres::Database, process::signal, redis::Redis,
};

use super::court::{APPROVED, Court, FINALIZED, HOUR, quick_engine};

/// Two engines that could both govern, and the court that the first is of.
struct Bench {
    court: Court,
    second: Engine,
    _redis: Option<Redis>,
}

impl Bench {
    async fn set(with_redis: bool) -> Self {
        Self::on(Chain::start().await, with_redis).await
    }

    async fn on(chain: Chain, with_redis: bool) -> Self {
        let redis = if with_redis { Some(Redis::start().await) } else { None };
        let url = redis.as_ref().map(|redis| redis.url.clone());
        let mut settings = vec![("WORKERS", "1")];
        settings.extend(url.as_deref().map(|url| ("REDIS_URL", url)));
        let first = [settings.as_slice(), &[("NODE_ID", "first")]].concat();
        let mut court = Court::empty(chain, Database::fresh().await, &first).await;
        court.open().await;
        let mut second = quick_engine(&court.chain, &court.database, &settings);
        second.set("NODE_ID", "second");
        second.start().await;
        second.ready().await;
        Self { court, second, _redis: redis }
    }

    /// Who governs, and in which term, once somebody other than `not` does.
    async fn governs(&self, not: &str) -> (String, i64) {
        const SQL: &str = "SELECT node, term FROM leases WHERE name = 'governance' AND expires_at > clock_timestamp()";
        wait_for("somebody to govern", || async {
            let row = self.court.database.connect().await.query_opt(SQL, &[]).await.unwrap();
            let found = row.map(|row| (row.get::<_, String>(0), row.get::<_, i64>(1)));
            found.filter(|(node, _)| node != not).ok_or("nobody, or the one before")
        })
        .await
    }

    fn named(&mut self, node: &str) -> &mut Engine {
        if node == "first" { &mut self.court.engine } else { &mut self.second }
    }
}

async fn two_engines_and_the_one_that_governs_killed_in_the_middle(with_redis: bool) {
    let mut bench = Bench::set(with_redis).await;
    let (before, term) = bench.governs("").await;
    let court = &bench.court;
    let proposals: [_; 4] = court.proposed().await;
    let [undisputed, disputed] = court.resolving().await;
    court.dispute(&[disputed]).await;
    court.vote(VoteKind::Dispute, disputed, 3, 1).await;
    court.tally_is(VoteKind::Dispute, disputed, 3, 1).await;
    for market in &proposals[..2] {
        court.vote(VoteKind::Proposal, *market, 3, 0).await;
    }
    court.all_are(&proposals[..2], Phase::Approved).await;
    court.client.travel(73 * HOUR).await;
    for market in &proposals[2..] {
        court.vote(VoteKind::Proposal, *market, 3, 0).await;
    }
    // In the middle of four decisions.
    bench.named(&before).kill();
    let (after, next) = bench.governs(&before).await;
    assert!(after != before && next > term);
    let court = &bench.court;
    court.all_are(&proposals, Phase::Approved).await;
    court.all_are(&[undisputed, disputed], Phase::Finalized).await;
    bench.named(&before).start().await;
    let court = &bench.court;
    court.has_looked_again().await;
    court.is_in_order().await;
    for market in proposals {
        court.landed(market, &[APPROVED]).await;
    }
    for market in [undisputed, disputed] {
        court.landed(market, &[APPROVED, FINALIZED]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_on_one_database_land_each_decision_once_though_the_one_that_governs_dies() {
    two_engines_and_the_one_that_governs_killed_in_the_middle(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_with_redis_land_each_decision_once_though_the_one_that_governs_dies() {
    two_engines_and_the_one_that_governs_killed_in_the_middle(true).await;
}

/// Who governs is stopped at a point of an approval, another governs and approves, the first is woken: it lands nothing more
/// and writes nothing. Answers what was sent of it before and after somebody else governed.
async fn who_governed_is_woken(bench: &mut Bench, point: &str) -> [Vec<Value>; 2] {
    let (before, term) = bench.governs("").await;
    let [market] = bench.court.proposed().await;
    bench.named(&before).stop_at(point).await;
    bench.court.vote(VoteKind::Proposal, market, 3, 0).await;
    bench.named(&before).has_stopped().await;
    let left = bench.court.submissions(market).await;
    let (_, next) = bench.governs(&before).await;
    assert!(next > term);
    bench.court.all_are(&[market], Phase::Approved).await;
    bench.court.all_settled().await;
    let rows = bench.court.submissions(market).await;
    let id = bench.named(&before).id();
    signal("CONT", id);
    // It goes on where it stood, and finds that it governs no more.
    bench.court.has_looked_again().await;
    bench.named(&before).ready().await;
    assert_eq!(bench.court.submissions(market).await, rows, "{point}: it wrote in a term that was over");
    assert_eq!(bench.governs("").await.1, next, "{point}: it took nothing back");
    bench.court.landed(market, &[APPROVED]).await;
    bench.court.is_in_order().await;
    [left, rows]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_governed_and_is_woken_after_signing_keeps_and_sends_nothing() {
    let mut bench = Bench::set(true).await;
    let (_, term) = bench.governs("").await;
    let [left, rows] = who_governed_is_woken(&mut bench, "submitter:signed").await;
    assert_eq!(left, Vec::<Value>::new(), "nothing was kept");
    assert!(rows.iter().all(|row| row["term"].as_i64() > Some(term)), "{rows:#?}");
}

/// A blockhash of the usual chain here is over before anybody else can govern: then nothing that is woken could land. This
/// one's lasts for 22 seconds, so that whoever governs next sends the very bytes that were kept.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_and_not_sent_is_sent_by_who_governs_next_and_lands_nothing_twice_when_its_signer_is_woken() {
    let mut bench = Bench::on(Chain::with_slots_of("150").await, true).await;
    let [left, rows] = who_governed_is_woken(&mut bench, "submitter:kept").await;
    let [kept] = &left[..] else { panic!("{left:#?}") };
    let same: Vec<_> = rows.iter().filter(|row| row["purpose"] == kept["purpose"]).collect();
    let [one] = same[..] else { panic!("another attempt was made: {rows:#?}") };
    assert_eq!((&one["signature"], &one["status"]), (&kept["signature"], &"finalized".into()), "{rows:#?}");
}
