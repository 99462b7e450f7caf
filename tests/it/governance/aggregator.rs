//! The aggregator: what it does at once, what it waits for, and what it never sends.
//!
//! Its interval is an hour in most of these: whatever happens, happens because it was heard of, or because the chain's clock
//! came to it.

use solana_sdk::signature::Keypair;
use zmart::domain::{ids::MarketAddress, phase::Phase, tally::VoteKind};
use zmart_testkit::{chain::Chain, postgres::Database};

use super::court::{APPROVED, Court, FINALIZED, HOUR};

/// Nothing is found by looking at everything, but once at the start.
const RARELY: (&str, &str) = ("VOTE_AGGREGATION_INTERVAL", "3600000");

async fn aggregations(court: &Court, market: MarketAddress) -> usize {
    let sent = court.submissions(market).await;
    sent.iter().filter(|one| one["purpose"] == "aggregate_proposal").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_that_crosses_decides_at_once_and_counts_that_decide_nothing_are_refreshed_once_an_hour() {
    use VoteKind::Proposal;
    let court = Court::set(&[RARELY]).await;
    let [crossed, below, few] = court.proposed().await;
    court.vote(Proposal, few, 2, 0).await;
    court.vote(Proposal, below, 2, 1).await;
    court.counts_on_chain(below, 2, 1).await;
    court.vote(Proposal, crossed, 2, 0).await;
    court.tally_is(Proposal, crossed, 2, 0).await;
    court.vote(Proposal, crossed, 1, 0).await;
    court.all_are(&[crossed], Phase::Approved).await;
    court.counts_on_chain(crossed, 3, 0).await;
    // Its first refresh was less than an hour ago, by the chain's clock.
    court.vote(Proposal, below, 0, 1).await;
    court.tally_is(Proposal, below, 2, 2).await;
    court.has_looked_again().await;
    court.counts_on_chain(below, 2, 1).await;
    court.client.travel(HOUR).await;
    court.vote(Proposal, below, 0, 1).await;
    court.counts_on_chain(below, 2, 3).await;
    assert_eq!(aggregations(&court, below).await, 2);
    assert_eq!(court.submissions(few).await, Vec::<serde_json::Value>::new(), "too few votes: nothing is sent");
    assert_eq!(court.phases([below, few]).await, [Phase::Proposed; 2]);
    court.is_in_order().await;
    court.landed(crossed, &[APPROVED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_decided_when_the_chains_clock_says_so_whatever_was_forgotten_meanwhile() {
    let mut court = Court::set(&[RARELY]).await;
    let [decided, voteless] = court.disputed().await;
    court.vote(VoteKind::Dispute, decided, 3, 2).await;
    court.tally_is(VoteKind::Dispute, decided, 3, 2).await;
    court.client.travel(71 * HOUR).await;
    court.has_looked_again().await;
    assert_eq!(court.phases([decided, voteless]).await, [Phase::Disputed; 2], "the window is open");
    // What it waited for dies with it; its next life finds it.
    court.engine.crash("aggregator").await;
    court.client.travel(HOUR).await;
    court.all_are(&[decided], Phase::Finalized).await;
    let ended = court.client.market(decided).await;
    assert_eq!((ended.dispute_agree, ended.dispute_disagree, ended.final_outcome), (3, 2, Some(false)));
    court.alert("dispute_without_votes", &voteless.to_string(), true).await;
    // The program takes a vote for as long as nothing is final; one that comes now is shown, and decides nothing.
    let voter = court.client.funded_wallet().await;
    court.client.vote_together(VoteKind::Dispute, voteless, &[voter], true).await;
    court.tally_is(VoteKind::Dispute, voteless, 1, 0).await;
    court.client.all_final().await;
    court.has_looked_again().await;
    assert_eq!(court.phases([voteless]).await, [Phase::Disputed], "its one vote came after the window");
    court.alert("dispute_without_votes", &voteless.to_string(), true).await;
    assert_eq!(court.submissions(voteless).await, Vec::<serde_json::Value>::new());
    court.is_in_order().await;
    court.landed(decided, &[APPROVED, FINALIZED]).await;
    court.landed(voteless, &[APPROVED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_admins_key_the_counts_are_sent_and_an_admin_is_called_until_one_approves() {
    let court = Court::set(&[("ADMIN_KEYPAIR_PATH", "")]).await;
    let [market] = court.proposed().await;
    court.vote(VoteKind::Proposal, market, 3, 1).await;
    court.counts_on_chain(market, 3, 1).await;
    let subject = market.to_string();
    court.alert("admin_has_to_approve", &subject, true).await;
    // More votes are no reason for more transactions: the chain's counts let an admin approve.
    court.vote(VoteKind::Proposal, market, 2, 0).await;
    court.tally_is(VoteKind::Proposal, market, 5, 1).await;
    court.all_settled().await;
    assert_eq!(aggregations(&court, market).await, 1);
    assert_eq!(court.phases([market]).await, [Phase::Proposed]);
    court.sent_by_hand(court.chain.approve(market).await);
    court.all_are(&[market], Phase::Approved).await;
    court.alert("admin_has_to_approve", &subject, false).await;
    court.landed(market, &[APPROVED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_key_it_is_told_what_would_be_sent_and_no_admin_is_called_who_could_not_approve() {
    let court = Court::set(&[("ADMIN_KEYPAIR_PATH", ""), ("BACKEND_KEYPAIR_PATH", "")]).await;
    let [market] = court.proposed().await;
    court.vote(VoteKind::Proposal, market, 3, 1).await;
    let told = court.alert("submission_failing", &format!("{market}/aggregate_proposal"), true).await;
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("3 votes in favour and 1 against") && message.contains("no key of the backend"), "{told}");
    let kinds: Vec<_> = court.alerts().await.into_iter().map(|(kind, ..)| kind).collect();
    assert!(!kinds.iter().any(|kind| kind == "admin_has_to_approve"), "{kinds:?}");
    assert_eq!(court.submissions(market).await, Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_that_nobody_marked_as_final_before_all_died_decide_after_the_next_start() {
    let mut court = Court::empty(Chain::start().await, Database::fresh().await, &[]).await;
    court.engine.set("ROLES", "api,ws,indexer");
    court.open().await;
    let [market] = court.proposed().await;
    court.vote(VoteKind::Proposal, market, 3, 0).await;
    court.tally_is(VoteKind::Proposal, market, 3, 0).await;
    court.is_final_in_the_journal(market).await;
    court.engine.kill();
    // As it is where the process dies between the votes and the next pass of finality. Votes change no state.
    const UNMARK: &str = "UPDATE markets SET finalized_seq = 1 WHERE address = $1::text";
    let rows = court.database.connect().await;
    assert_eq!(rows.execute(UNMARK, &[&market.to_string()]).await.unwrap(), 1);
    court.engine.set("ROLES", "api,ws,indexer,aggregator,monitor");
    court.open().await;
    court.all_are(&[market], Phase::Approved).await;
    court.is_in_order().await;
    court.landed(market, &[APPROVED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_on_the_chain_decides_when_it_is_final_and_not_before() {
    let court = Court::set(&[RARELY]).await;
    let [market] = court.proposed().await;
    court.vote(VoteKind::Proposal, market, 2, 0).await;
    let voter: Keypair = court.client.funded_wallet().await;
    court.client.vote(market, &voter, true).await;
    court.tally_is(VoteKind::Proposal, market, 3, 0).await;
    court.all_are(&[market], Phase::Approved).await;
    // The entry that decided is at or behind the vote's, and was final then: the chain's vote is among the counted.
    let sent = court.submissions(market).await;
    let approval = sent.iter().find(|one| one["purpose"] == "approve_proposal").unwrap();
    assert_eq!((approval["in_favour"].as_i64(), approval["against"].as_i64()), (Some(3), Some(0)), "{approval}");
    const VOTE: &str = "SELECT seq, slot FROM chain_events WHERE event = 'ProposalVoteSubmitted' AND stream = $1::text";
    let vote = court.database.connect().await.query_one(VOTE, &[&market.to_string()]).await.unwrap();
    let place = |name: &str| approval["grounds"][name].as_i64().unwrap();
    assert!(place("seq") >= vote.get::<_, i64>(0), "{approval}");
    const ENDED: &str = "SELECT slot FROM chain_events WHERE event = 'ProposalApproved' AND stream = $1::text";
    let ended = court.database.connect().await.query_one(ENDED, &[&market.to_string()]).await.unwrap();
    // The development chain's finality is 31 slots behind.
    assert!(ended.get::<_, i64>(0) >= vote.get::<_, i64>(1) + 31, "{approval}");
    court.all_settled().await;
    court.landed(market, &[APPROVED]).await;
}
