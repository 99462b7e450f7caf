//! What every event but a trade moves.

use super::*;

#[test]
fn a_creation_begins_a_market_with_its_phantom_shares() {
    let market = market();
    assert_eq!((market.phase, market.created_at), (Phase::Proposed, at(1_000)));
    assert_eq!((market.shares_yes, market.shares_no), (ShareUnits(1_000_000_000), ShareUnits(1_000_000_000)));
    assert_eq!((market.current_liquidity, market.lamports), (Lamports(50_000_000_000), MARKET_RENT));
    assert_eq!(market.price_yes, Some(PriceE9(500_000_000)));
    assert_eq!(market.question_hash, IpfsHash([b'Q'; 46]));
    // Below the program's smallest b there is a market, but no price.
    let small = Market::plan(None, ADDRESS, &creation(99_999_999_999), TEN_PERCENT).unwrap();
    assert_eq!(Market::begin(&small).unwrap().price_yes, None);
}

#[test]
fn approval_and_activation_set_their_times() {
    let market = active();
    assert_eq!((market.phase, market.approved_at, market.activated_at), (Phase::Active, at(3_000), at(4_000)));
    assert_eq!((market.proposal_likes, market.proposal_dislikes, market.proposal_total_votes), (7, 3, 10));
}

#[test]
fn votes_change_nothing_in_the_market() {
    assert_eq!(moved(market(), &[vote(false)]), market());
    assert_eq!(moved(disputed(), &[vote(true)]), disputed());
}

#[test]
fn a_cancelled_market_knows_when() {
    for before in [market(), moved(market(), &[tally(1, 0), approval()])] {
        let after = moved(before, &[cancellation()]);
        assert_eq!((after.phase, after.cancelled_at), (Phase::Cancelled, Some(at(11_000))));
    }
}

#[test]
fn a_resolution_keeps_the_question_and_adds_the_evidence() {
    let market = moved(traded(), &[resolution(true)]);
    assert_eq!((market.phase, market.proposed_outcome), (Phase::Resolving, Some(Outcome::Yes)));
    assert_eq!((market.resolver, market.resolution_proposed_at), (USER, at(5_000)));
    assert_eq!((market.question_hash, market.evidence_hash), (IpfsHash([b'Q'; 46]), EVIDENCE));
    assert_eq!((market.final_outcome, market.resolved_at), (None, at(0)));
}

#[test]
fn a_dispute_won_by_a_tally_leads_back_with_the_old_outcome() {
    let market = moved(disputed(), &[dispute_tally(9, 1, true)]);
    assert_eq!((market.phase, market.proposed_outcome), (Phase::Resolving, Some(Outcome::Yes)));
    assert!(market.was_disputed);
    assert_eq!((market.dispute_agree, market.dispute_disagree, market.dispute_total_votes), (9, 1, 10));
    assert_eq!((market.resolved_at, market.resolution_proposed_at), (at(0), at(5_000)));
    // A second round counts anew; a finalization without one clears the flag again.
    let again = moved(market.clone(), &[dispute()]);
    assert_eq!((again.dispute_agree, again.dispute_disagree, again.dispute_total_votes), (0, 0, 0));
    let end = moved(market, &[finalization(Some(true), None)]);
    assert_eq!((end.phase, end.was_disputed, end.dispute_total_votes), (Phase::Finalized, false, 10));
}

#[test]
fn a_dispute_lost_by_a_tally_is_the_end_without_an_outcome() {
    let market = moved(disputed(), &[dispute_tally(1, 9, false)]);
    assert_eq!((market.phase, market.final_outcome), (Phase::Finalized, None));
    assert_eq!((market.resolved_at, market.finalized_at), (at(7_000), at(0)));
    assert!(market.was_disputed);
}

#[test]
fn a_finalization_out_of_a_dispute_stores_its_counts_and_may_flip() {
    for outcome in [true, false] {
        let market = moved(disputed(), &[finalization(Some(outcome), Some((6, 4)))]);
        assert_eq!((market.phase, market.final_outcome), (Phase::Finalized, Some(Outcome::from(outcome))));
        assert_eq!((market.dispute_agree, market.dispute_disagree, market.dispute_total_votes), (6, 4, 10));
        assert_eq!((market.was_disputed, market.finalized_at, market.resolved_at), (true, at(8_000), at(0)));
    }
}

#[test]
fn the_first_claim_pays_the_resolver_too_and_a_withdrawal_leaves_the_rest() {
    let before = moved(traded(), &[resolution(true), finalization(Some(true), None)]);
    let resolver_fees = before.accumulated_resolver_fees.0;
    assert!(resolver_fees > 0);
    let one = moved(before.clone(), &[claim(Some(true), 1_000)]);
    assert_eq!(one.lamports.0, before.lamports.0 - 1_000 - resolver_fees);
    assert_eq!((one.accumulated_resolver_fees, one.current_liquidity), (Lamports(0), before.current_liquidity));
    let two = moved(one.clone(), &[claim(Some(true), 1_000)]);
    assert_eq!(two.lamports.0, one.lamports.0 - 1_000);
    let left = two.lamports.0 - MARKET_RENT.0 - 10_000;
    let end = moved(two, &[withdrawal(left)]);
    assert_eq!((end.lamports, end.current_liquidity), (Lamports(MARKET_RENT.0 + 10_000), Lamports(0)));
    assert_eq!((end.accumulated_lp_fees, end.phase), (Lamports(0), Phase::Finalized));
}

#[test]
fn a_refund_pays_no_resolver() {
    let before = moved(disputed(), &[dispute_tally(0, 1, false)]);
    let after = moved(before.clone(), &[claim(None, 1_000)]);
    assert_eq!(after.lamports.0, before.lamports.0 - 1_000);
    assert_eq!(after.accumulated_resolver_fees, before.accumulated_resolver_fees);
}

#[test]
fn payments_out_of_lamports_that_somebody_sent_fit() {
    let before = moved(active(), &[resolution(true), finalization(Some(true), None)]);
    assert_eq!(before.lamports, MARKET_RENT);
    let after = moved(before.clone(), &[claim(Some(true), 1_000)]);
    assert_eq!(after.lamports, MARKET_RENT);
    assert_eq!(moved(before, &[withdrawal(5)]).lamports, Lamports(MARKET_RENT.0 + 10_000));
}
