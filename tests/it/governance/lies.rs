//! Nodes that lie, blockhashes that expire, rules that change in the middle, a host whose clock is wrong: a decision lands
//! once, or not at all if the chain's rules are against it by then.

use std::time::Duration;

use zmart::{
    chain::program::ProgramAddresses,
    domain::{
        ids::MarketAddress,
        phase::Phase::{Approved, Finalized, Proposed, Resolving},
        tally::VoteKind,
    },
};
use zmart_testkit::{
    chain::{Chain, Rules},
    host_clock::HostClock,
    patience::wait_for,
    postgres::Database,
    proxy::{Bad, Delay, Methods, Proxy, When},
};

use super::court::{APPROVED, Court, FINALIZED, HOUR};

const SEND: Methods = Methods::Of(&["sendTransaction"]);
const DAY: i64 = 24 * HOUR;

/// A court whose engine sees the chain through a proxy.
async fn court_behind_a_proxy() -> (Court, Proxy) {
    court_behind_a_proxy_with(&[]).await
}

async fn court_behind_a_proxy_with(settings: &[(&str, &str)]) -> (Court, Proxy) {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let proxy = Proxy::before(&chain.client().rpc_url, &chain.ws_url).await;
    let servers = [("SOLANA_RPC_URL", &*proxy.rpc_url), ("SOLANA_WS_URL", &*proxy.ws_url)];
    let settings = [settings, &servers].concat();
    let mut court = Court::empty(chain, database, &settings).await;
    court.open().await;
    (court, proxy)
}

async fn is_approved_once(court: &Court, market: MarketAddress) {
    court.all_are(&[market], Approved).await;
    court.all_settled().await;
    court.landed(market, &[APPROVED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_node_answers_to_a_transaction_or_of_its_fate_it_lands_once() {
    let (court, proxy) = court_behind_a_proxy().await;
    let node = proxy.handle();
    const FATE: Methods = Methods::Of(&[
        "getSignatureStatuses",
        "getBlockHeight",
        "getEpochInfo",
        "getTransaction",
        "getLatestBlockhash",
        "simulateTransaction",
    ]);
    let faults: &[(&str, &dyn Fn() -> zmart_testkit::proxy::Fault)] = &[
        ("executed, and no answer", &|| node.hang_up(SEND, When::Next(2))),
        ("executed, and half an answer", &|| node.answer_badly(SEND, Bad::Half, When::Next(2))),
        ("taken, and dropped", &|| node.swallow_transactions(When::Next(3))),
        ("too many requests", &|| node.answer_badly(SEND, Bad::TooMany(Some(1)), When::Next(2))),
        ("an error", &|| node.answer_badly(SEND, Bad::Error(-32603), When::Next(2))),
        ("late answers", &|| node.delay_answers(SEND, Delay::Fixed(Duration::from_secs(2)), When::Next(2))),
        ("no word of its fate", &|| node.answer_badly(FATE, Bad::Null, When::Next(6))),
        ("garbage for its fate", &|| node.answer_badly(FATE, Bad::Garbage, When::Next(6))),
        ("a node behind", &|| node.rpc_behind(60, true, When::Next(20))),
    ];
    for (what, set) in faults {
        let [market] = court.proposed().await;
        let fault = set();
        court.vote(VoteKind::Proposal, market, 3, 0).await;
        fault.has_struck(1).await;
        is_approved_once(&court, market).await;
        fault.lift();
        eprintln!("{what}: struck {} times", fault.struck());
    }
    court.is_in_order().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_tell_balances_keeps_the_monitor_from_nothing_else() {
    let (court, proxy) = court_behind_a_proxy().await;
    let refused = proxy.handle().answer_badly(Methods::Of(&["getBalance"]), Bad::Error(-32601), When::Always);
    let [stuck] = court.proposed().await;
    court.client.travel(14 * DAY).await;
    court.alert("proposal_stuck", &stuck.to_string(), true).await;
    let rows = court.database.connect().await;
    let noted = "SELECT max(last_run_at) FROM scheduled_runs WHERE name = 'monitor'";
    let last = async || rows.query_one(noted, &[]).await.unwrap().get::<_, Option<chrono::DateTime<chrono::Utc>>>(0);
    refused.has_struck(1).await;
    let before = last().await;
    wait_for("the next pass to be noted all the same", || async {
        let now = last().await;
        if now > before { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_blockhash_expired_is_followed_by_another_and_one_of_them_lands() {
    let (court, proxy) = court_behind_a_proxy().await;
    let [proposed] = court.proposed().await;
    let [resolving] = court.resolving().await;
    let dropped = proxy.handle().swallow_transactions(When::Always);
    court.client.travel(73 * HOUR).await;
    court.vote(VoteKind::Proposal, proposed, 3, 0).await;
    for market in [proposed, resolving] {
        court.submission(market, "expired", |one| one["status"] == "expired").await;
    }
    assert_eq!(court.phases([proposed, resolving]).await, [Proposed, Resolving]);
    dropped.lift();
    court.all_are(&[proposed], Approved).await;
    court.all_are(&[resolving], Finalized).await;
    court.all_settled().await;
    court.landed(proposed, &[APPROVED]).await;
    court.landed(resolving, &[APPROVED, FINALIZED]).await;
    court.is_in_order().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_change_between_decision_and_landing_are_the_ones_that_count() {
    let (court, proxy) = court_behind_a_proxy().await;
    let [proposed] = court.proposed().await;
    let [resolving] = court.resolving().await;
    court.vote(VoteKind::Proposal, proposed, 1, 1).await;
    court.tally_is(VoteKind::Proposal, proposed, 1, 1).await;
    let held = proxy.handle().swallow_transactions(When::Always);
    court.client.travel(73 * HOUR).await;
    court.vote(VoteKind::Proposal, proposed, 3, 0).await;
    // Decided by 80 % and the end of three days, and on its way.
    for (market, purpose) in [(proposed, "approve_proposal"), (resolving, "finalize_undisputed")] {
        court.submission(market, "on its way", |one| one["purpose"] == purpose && one["status"] != "failed").await;
    }
    court.chain.set_rules(Rules { approval_bps: 9_000, dispute_period: Some(7 * DAY), ..Rules::default() }).await;
    held.lift();
    // What lands fails, or nothing lands at all; what is decided anew is decided by the new rules.
    court.all_settled().await;
    court.has_looked_again().await;
    court.has_been_monitored_again().await;
    assert_eq!(court.phases([proposed, resolving]).await, [Proposed, Resolving]);
    court.vote(VoteKind::Proposal, proposed, 5, 0).await;
    is_approved_once(&court, proposed).await;
    court.counts_on_chain(proposed, 9, 1).await;
    court.client.travel(3 * DAY).await;
    court.has_been_monitored_again().await;
    assert_eq!(court.phases([resolving]).await, [Resolving]);
    court.client.travel(DAY).await;
    court.all_are(&[resolving], Finalized).await;
    court.landed(resolving, &[APPROVED, FINALIZED]).await;
    court.is_in_order().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_config_is_to_be_had_the_thresholds_of_the_environment_stand_in_and_an_operator_is_told() {
    // No monitor, which would tell of it as well.
    let settings = [("PROPOSAL_APPROVAL_THRESHOLD", "9000"), ("ROLES", "api,ws,indexer,aggregator")];
    let (court, proxy) = court_behind_a_proxy_with(&settings).await;
    let [crossed, market] = court.proposed().await;
    court.vote(VoteKind::Proposal, crossed, 8, 2).await;
    is_approved_once(&court, crossed).await;
    let config = ProgramAddresses::new(court.client.program).config().0;
    let hidden = proxy.handle().hide_account(config);
    // As it is where the journal has just begun.
    const FORGET: &str = "UPDATE program_config SET finalized_state = NULL WHERE $1";
    assert_eq!(court.database.connect().await.execute(FORGET, &[&true]).await.unwrap(), 1);
    court.alert("config_unread", "config", true).await;
    court.vote(VoteKind::Proposal, market, 8, 2).await;
    // Not approved: its counts are to be refreshed (and are refused, since the config is not there).
    let refreshed = court.submission(market, "a refresh", |one| one["purpose"] == "aggregate_proposal").await;
    assert_eq!(
        (&refreshed["grounds"]["threshold"], &refreshed["grounds"]["config_read"]),
        (&9_000.into(), &false.into())
    );
    assert_eq!(court.phases([market]).await, [Proposed], "80 % are enough for the chain alone");
    hidden.lift();
    is_approved_once(&court, market).await;
    court.alert("config_unread", "config", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_clock_jumps_by_an_hour_decides_nothing_sooner_and_stops_deciding_nothing() {
    let clock = HostClock::new();
    let mut court = Court::empty(Chain::start().await, Database::fresh().await, &[]).await;
    clock.shown_to(&mut court.engine);
    court.open().await;
    let [soon, disputed] = court.resolving().await;
    court.dispute(&[disputed]).await;
    court.vote(VoteKind::Dispute, disputed, 2, 1).await;
    court.tally_is(VoteKind::Dispute, disputed, 2, 1).await;
    court.client.travel(71 * HOUR + HOUR / 2).await;
    // For the host's clock both are due for half an hour.
    for ahead in [HOUR, -HOUR] {
        clock.is_ahead_by(ahead);
        court.has_looked_again().await;
        court.has_been_monitored_again().await;
        assert_eq!(court.phases([soon, disputed]).await, [Resolving, zmart::domain::phase::Phase::Disputed], "{ahead}");
    }
    court.client.travel(HOUR / 2).await;
    court.all_are(&[soon, disputed], Finalized).await;
    for market in [soon, disputed] {
        court.landed(market, &[APPROVED, FINALIZED]).await;
    }
    wait_for("the engine to be ready", || async {
        match court.engine.parts_down().await {
            Some(down) if down.is_empty() => Ok(()),
            down => Err(format!("{down:?}")),
        }
    })
    .await;
    court.is_in_order().await;
}
