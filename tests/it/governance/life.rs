//! Whole lives: many markets at once, each to the end that its votes and the chain's time say.

use zmart::domain::{phase::Phase, tally::VoteKind};
use zmart_testkit::{ballots, chain::Rules};

use super::court::{APPROVED, Court, FINALIZED, HOUR};

#[tokio::test(flavor = "multi_thread")]
async fn every_market_comes_by_itself_to_the_end_that_its_votes_and_the_chains_time_say() {
    use VoteKind::*;
    let court = Court::set(&[]).await;
    let client = &court.client;
    let [undisputed, overturned, upheld, voteless, rejected, few, cancelled] = court.proposed().await;
    // Governance goes on while the protocol is paused: nothing of it is stopped by that.
    court.chain.toggle_pause().await;
    court.vote(Proposal, undisputed, 3, 0).await;
    client.vote_together(Proposal, overturned, &client.funded_wallets(3).await, true).await;
    // 7 of 10: exactly the threshold, with voters of both sources.
    court.vote(Proposal, upheld, 5, 3).await;
    client.vote_together(Proposal, upheld, &client.funded_wallets(2).await, true).await;
    court.vote(Proposal, voteless, 3, 0).await;
    court.vote(Proposal, rejected, 2, 1).await;
    court.vote(Proposal, few, 2, 0).await;
    court.vote(Proposal, cancelled, 2, 0).await;
    court.chain.cancel(cancelled).await;
    court.all_in_journal(&[cancelled], Phase::Cancelled).await;
    let late = ballots::cast(&court.database, Proposal, cancelled, &ballots::strangers(1), true).await.unwrap_err();
    assert_eq!(late.code().unwrap().code(), "ZM001");

    let approved = [undisputed, overturned, upheld, voteless];
    court.all_are(&approved, Phase::Approved).await;
    let counted = client.market(upheld).await;
    assert_eq!((counted.proposal_likes, counted.proposal_dislikes), (7, 3));
    court.counts_on_chain(rejected, 2, 1).await;
    court.resolve(&approved).await;
    court.dispute(&[overturned, upheld, voteless]).await;
    // 3 of 5: exactly the threshold.
    client.vote_together(Dispute, overturned, &client.funded_wallets(3).await, true).await;
    court.vote(Dispute, overturned, 0, 2).await;
    court.vote(Dispute, upheld, 5, 4).await;
    court.tally_is(Dispute, overturned, 3, 2).await;
    court.tally_is(Dispute, upheld, 5, 4).await;

    client.travel(71 * HOUR).await;
    court.chain.toggle_pause().await;
    court.has_looked_again().await;
    use Phase::*;
    assert_eq!(
        court.phases([undisputed, overturned, upheld, voteless]).await,
        [Resolving, Disputed, Disputed, Disputed]
    );
    assert!(!court.alerts().await.iter().any(|(kind, ..)| kind.starts_with("dispute")), "no window is over");
    client.travel(HOUR).await;
    court.all_are(&[undisputed, overturned, upheld], Finalized).await;
    court.alert("dispute_without_votes", &voteless.to_string(), true).await;
    court.has_looked_again().await;
    assert_eq!(court.phases([voteless, rejected, few, cancelled]).await, [Disputed, Proposed, Proposed, Cancelled]);
    for (market, outcome, was_disputed, votes) in
        [(undisputed, true, false, (0, 0)), (overturned, false, true, (3, 2)), (upheld, true, true, (5, 4))]
    {
        let ended = client.market(market).await;
        assert_eq!((ended.final_outcome, ended.was_disputed), (Some(outcome), was_disputed), "{market}");
        assert_eq!((ended.dispute_agree, ended.dispute_disagree), votes, "{market}");
        court.landed(market, &[APPROVED, FINALIZED]).await;
    }
    court.landed(voteless, &[APPROVED]).await;
    for market in [rejected, few, cancelled] {
        court.landed(market, &[]).await;
    }
    assert_eq!(court.submissions(few).await, Vec::<serde_json::Value>::new(), "fewer votes than count cost nothing");
    // A person decides what nobody voted on, and the alert is over by itself.
    court.sent_by_hand(court.chain.finalize_dispute(voteless, 0, 1).await);
    court.alert("dispute_without_votes", &voteless.to_string(), false).await;
    court.landed(voteless, &[APPROVED, FINALIZED]).await;
    court.is_in_order().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_a_minimum_and_a_period_are_met_exactly_or_not_at_all_and_are_those_of_the_chain_now() {
    use VoteKind::*;
    let court = Court::set(&[("MIN_PROPOSAL_VOTES", "4")]).await;
    let client = &court.client;
    // 4 of 6 are 6,666 basis points.
    let above = Rules { approval_bps: 6_667, dispute_bps: 6_667, dispute_period: Some(HOUR) };
    court.chain.set_rules(above).await;
    let [one_too_few, enough, below] = court.proposed().await;
    let [patient, first] = court.resolving().await;
    court.dispute(&[first]).await;
    court.vote(Proposal, one_too_few, 3, 0).await;
    court.vote(Proposal, enough, 4, 0).await;
    court.vote(Proposal, below, 4, 2).await;
    court.vote(Dispute, first, 2, 1).await;
    court.all_are(&[enough], Phase::Approved).await;

    // The chain would let it be finalized after an hour; our own delay is longer.
    client.travel(47 * HOUR).await;
    court.has_looked_again().await;
    use Phase::*;
    assert_eq!(court.phases([patient, one_too_few, below]).await, [Resolving, Proposed, Proposed]);
    client.travel(HOUR).await;
    court.all_are(&[patient], Finalized).await;
    court.counts_on_chain(below, 4, 2).await;
    assert_eq!(court.phases([first]).await, [Disputed], "votes on it are taken for 72 hours");
    client.travel(24 * HOUR).await;
    court.all_are(&[first], Finalized).await;
    assert_eq!(client.market(first).await.final_outcome, Some(true), "6,666 basis points are not 6,667");

    let [third] = court.disputed().await;
    court.vote(Dispute, third, 2, 1).await;
    court.tally_is(Dispute, third, 2, 1).await;
    court.chain.set_rules(Rules { approval_bps: 6_666, dispute_bps: 6_666, ..above }).await;
    // Nobody votes any more: what was below the threshold is at it now.
    court.all_are(&[below], Approved).await;
    client.travel(72 * HOUR).await;
    court.all_are(&[third], Finalized).await;
    assert_eq!(client.market(third).await.final_outcome, Some(false));
    assert_eq!(court.phases([one_too_few]).await, [Proposed]);
    // The one that was missing.
    court.vote(Proposal, one_too_few, 1, 0).await;
    court.all_are(&[one_too_few], Approved).await;
    for market in [enough, below, one_too_few] {
        court.landed(market, &[APPROVED]).await;
    }
    for market in [patient, first, third] {
        court.landed(market, &[APPROVED, FINALIZED]).await;
    }
    court.is_in_order().await;
}
