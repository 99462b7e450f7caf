//! Adopting accounts, and the entries that go with it.

use super::*;

#[test]
fn contained_entries_count_trades_and_move_nothing_else() {
    let market = traded();
    // An event that would fit no longer, by a sample's price: what it contains is known from the account.
    let bought = buy(&active(), Outcome::Yes, 50_000_000_000).unwrap();
    let body = market.plan_contained(&bought, TEN_PERCENT);
    let EntryBody::Contained { figures: Some(figures), .. } = &body else { panic!("{body:?}") };
    let EntryBody::Trade { figures: original, .. } = plan(&active(), &bought).unwrap() else { panic!() };
    assert_eq!((figures.amount_before_fees, figures.fees), (original.amount_before_fees, original.fees));
    assert_eq!((figures.shares_yes, figures.price_yes), (market.shares_yes, original.price_yes));
    let after = Market::advance(Some(market.clone()), &body).unwrap();
    assert_eq!(after, Market { trades_count: market.trades_count + 1, ..market.clone() });

    let sold = market.plan_contained(&sell(&market, Outcome::Yes, 1_000_000_000).unwrap(), TEN_PERCENT);
    assert!(matches!(sold, EntryBody::Contained { figures: None, .. }));
    let after = Market::advance(Some(after), &sold).unwrap();
    assert_eq!(after.trades_count, market.trades_count + 2);

    let resolved = market.plan_contained(&resolution(true), TEN_PERCENT);
    assert_eq!(Market::advance(Some(market.clone()), &resolved), Ok(market.clone()));
    assert_eq!(Market::begin(&resolved), Err(Misfit::Unknown));
    let mut wrong = body;
    if let EntryBody::Contained { figures: Some(figures), .. } = &mut wrong {
        figures.fees.lp.0 += 1;
    }
    assert_eq!(Market::advance(Some(market), &wrong), Err(Misfit::Disagrees));
}

/// The account of a market, as the chain would show it.
fn account(market: &Market) -> MarketAccount {
    let resolved = market.proposed_outcome.is_some();
    MarketAccount {
        market_id: market.seed,
        creator: market.creator,
        state: market.phase.code(),
        b_parameter: market.b_parameter.0,
        initial_liquidity: market.initial_liquidity,
        current_liquidity: market.current_liquidity,
        shares_yes: market.shares_yes,
        shares_no: market.shares_no,
        total_volume: market.total_volume,
        created_at: market.created_at,
        approved_at: market.approved_at,
        activated_at: market.activated_at,
        resolution_proposed_at: market.resolution_proposed_at,
        resolved_at: market.resolved_at,
        finalized_at: market.finalized_at,
        resolver: market.resolver,
        proposed_outcome: market.proposed_outcome.map(bool::from),
        final_outcome: market.final_outcome.map(bool::from),
        ipfs_evidence_hash: if resolved { market.evidence_hash } else { market.question_hash },
        dispute_initiated_at: market.dispute_initiated_at,
        dispute_initiator: market.dispute_initiator,
        accumulated_protocol_fees: Lamports(0),
        accumulated_resolver_fees: market.accumulated_resolver_fees,
        accumulated_lp_fees: market.accumulated_lp_fees,
        proposal_likes: market.proposal_likes,
        proposal_dislikes: market.proposal_dislikes,
        proposal_total_votes: market.proposal_total_votes,
        resolution_agree: 0,
        resolution_disagree: 0,
        resolution_total_votes: 0,
        dispute_agree: market.dispute_agree,
        dispute_disagree: market.dispute_disagree,
        dispute_total_votes: market.dispute_total_votes,
        was_disputed: market.was_disputed,
        is_cancelled: false,
        cancelled_at: market.cancelled_at,
        is_locked: false,
        reserved: [0; 119],
        bump: 255,
    }
}

#[test]
fn an_adopted_market_equals_its_account() {
    for journal in [
        market(),
        traded(),
        disputed(),
        moved(market(), &[cancellation()]),
        moved(disputed(), &[finalization(Some(false), Some((1, 0)))]),
    ] {
        let account = account(&journal);
        assert_eq!(journal.differences(&account), []);
        let adopted = Market::from_account(ADDRESS, &account, journal.lamports, Some(&journal)).unwrap();
        assert_eq!(adopted, journal);
        // Without a journal, only the forgotten hash and the count of trades are lost.
        let unknown = Market::from_account(ADDRESS, &account, journal.lamports, None).unwrap();
        let resolved = journal.proposed_outcome.is_some();
        let question_hash = if resolved { IpfsHash::EMPTY } else { journal.question_hash };
        assert_eq!(unknown, Market { question_hash, trades_count: 0, ..journal });
    }
}

#[test]
fn every_field_that_events_explain_is_compared() {
    let journal = traded();
    let mut account = account(&journal);
    account.shares_yes.0 += 1;
    account.cancelled_at = Some(at(5));
    account.ipfs_evidence_hash = EVIDENCE;
    account.is_locked = true;
    account.accumulated_protocol_fees = Lamports(1);
    let found: Vec<_> = journal.differences(&account).into_iter().map(|d| (d.field, d.chain)).collect();
    let expected = [
        ("shares_yes", account.shares_yes.0.to_string()),
        ("cancelled_at", "1970-01-01T00:00:05.000Z".to_owned()),
        ("question_hash", "E".repeat(46)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_state_byte_that_is_no_phase_is_refused_and_shown() {
    let journal = traded();
    let account = MarketAccount { state: 7, ..account(&journal) };
    let adopted = Market::from_account(ADDRESS, &account, Lamports(0), None);
    assert_eq!(adopted, Err(AccountError::UnknownState(7)));
    let found: Vec<_> = journal.differences(&account).into_iter().map(|d| (d.field, d.journal, d.chain)).collect();
    assert_eq!(found, [("phase", "ACTIVE".to_owned(), "7".to_owned())]);
}

#[test]
fn a_resync_replaces_the_state_it_names() {
    let (journal, chain) = (market(), traded());
    let body = Market::plan_resync(Some(&journal), chain.clone(), "a test".to_owned(), Slot(1));
    assert_eq!(Market::advance(Some(journal.clone()), &body), Ok(chain.clone()));
    // It speaks of another state before it, or of a market that was known.
    assert_eq!(Market::advance(Some(chain.clone()), &body), Err(Misfit::Disagrees));
    assert_eq!(Market::begin(&body), Err(Misfit::Disagrees));
    let first = Market::plan_resync(None, chain.clone(), "a test".to_owned(), Slot(1));
    assert_eq!(Market::begin(&first), Ok(chain.clone()));
    let other = Market { address: MarketAddress([9; 32]), ..chain };
    let body = Market::plan_resync(Some(&journal), other, "a test".to_owned(), Slot(1));
    assert_eq!(Market::advance(Some(journal), &body), Err(Misfit::OtherStream));
}
