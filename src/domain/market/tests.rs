//! The rules of a market's moves, through its public functions only.

use proptest::prelude::*;

use super::{
    super::{
        account::MarketAccount,
        amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
        entry::{EntryBody, FeeSchedule},
        error::ProgramError,
        event::*,
        ids::{MarketAddress, MarketSeed, Slot, Wallet},
        misfit::Misfit,
        payout::MARKET_RENT,
        phase::{Phase, Step, after},
    },
    AccountError, Market,
    sample::{ADDRESS, CREATOR, SEED, TEN_PERCENT, creation, event, market},
};

const B: u64 = 1_000_000_000_000;
const ADMIN: Wallet = Wallet([8; 32]);
const USER: Wallet = Wallet([4; 32]);
const EVIDENCE: IpfsHash = IpfsHash([b'E'; 46]);

fn at(seconds: i64) -> UnixSeconds {
    UnixSeconds(seconds)
}

fn tally(likes: u32, dislikes: u32) -> ChainEvent {
    let approved = likes > dislikes;
    event(ProposalAggregated {
        market_id: SEED,
        likes,
        dislikes,
        approval_percentage: 0,
        approved,
        timestamp: at(2_000),
    })
}

fn approval() -> ChainEvent {
    event(ProposalApproved { market_id: SEED, approved_by: ADMIN, timestamp: at(3_000) })
}

fn activation() -> ChainEvent {
    let initial_liquidity = Lamports(50_000_000_000);
    event(MarketActivated { market_id: SEED, creator: CREATOR, initial_liquidity, timestamp: at(4_000) })
}

fn resolution(outcome: bool) -> ChainEvent {
    event(MarketResolved { market_id: SEED, resolver: USER, outcome, evidence_hash: EVIDENCE, timestamp: at(5_000) })
}

fn dispute() -> ChainEvent {
    let disputed_outcome = Some(true);
    event(DisputeInitiated { market_id: SEED, initiator: ADMIN, disputed_outcome, timestamp: at(6_000) })
}

fn dispute_tally(agrees: u32, disagrees: u32, dispute_succeeded: bool) -> ChainEvent {
    let (market_id, agreement_percentage, timestamp) = (SEED, 0, at(7_000));
    event(DisputeAggregated { market_id, agrees, disagrees, agreement_percentage, dispute_succeeded, timestamp })
}

fn finalization(outcome: Option<bool>, votes: Option<(u32, u32)>) -> ChainEvent {
    let (was_disputed, timestamp) = (votes.is_some(), at(8_000));
    let facts =
        votes.map(|(agree, disagree)| InstructionFacts::Finalization { agree: Some(agree), disagree: Some(disagree) });
    ChainEvent { facts, ..event(MarketFinalized { market_id: SEED, final_outcome: outcome, was_disputed, timestamp }) }
}

fn claim(outcome: Option<bool>, amount: u64) -> ChainEvent {
    let (user, amount, timestamp) = (USER, Lamports(amount), at(9_000));
    event(WinningsClaimed { market: ADDRESS, user, outcome, amount, timestamp })
}

fn withdrawal(amount: u64) -> ChainEvent {
    let amount = Lamports(amount);
    event(LiquidityWithdrawn { market_id: SEED, creator: CREATOR, amount, timestamp: at(10_000) })
}

fn cancellation() -> ChainEvent {
    event(MarketCancelled { market_id: SEED, cancelled_by: ADMIN, cancelled_at: at(11_000) })
}

fn vote(on_dispute: bool) -> ChainEvent {
    let (market_id, user, vote, timestamp) = (SEED, USER, true, at(1_500));
    if on_dispute {
        event(DisputeVoteSubmitted { market_id, user, vote, timestamp })
    } else {
        event(ProposalVoteSubmitted { market_id, user, vote, timestamp })
    }
}

/// The event of a buy as the chain would emit it.
fn buy(market: &Market, outcome: Outcome, target: u64) -> Result<ChainEvent, ProgramError> {
    let quote = market.quote_buy(outcome, Lamports(target), TEN_PERCENT, false)?;
    Ok(event(SharesBought {
        market_id: SEED,
        user: USER,
        outcome: outcome.into(),
        shares: quote.shares,
        cost: quote.total_cost,
        new_price_yes: quote.price_yes_after,
        timestamp: at(4_500),
    }))
}

fn sell(market: &Market, outcome: Outcome, shares: u64) -> Result<ChainEvent, ProgramError> {
    let shares = ShareUnits(shares);
    let quote = market.quote_sell(shares, outcome, shares, Lamports(0), TEN_PERCENT, false)?;
    Ok(event(SharesSold {
        market_id: SEED,
        user: USER,
        outcome: outcome.into(),
        shares,
        proceeds: quote.net,
        new_price_yes: quote.price_yes_after,
        timestamp: at(4_600),
    }))
}

fn plan(market: &Market, event: &ChainEvent) -> Result<EntryBody, Misfit> {
    Market::plan(Some(market), ADDRESS, event, TEN_PERCENT)
}

/// The market after events that fit.
fn moved(mut market: Market, events: &[ChainEvent]) -> Market {
    for (index, event) in events.iter().enumerate() {
        let body = plan(&market, event).unwrap_or_else(|misfit| panic!("event {index}: {misfit}"));
        market.apply(&body).unwrap();
        if let EntryBody::Event { market: stored, .. } = &body {
            assert_eq!(**stored, market);
        }
    }
    market
}

fn active() -> Market {
    moved(market(), &[tally(7, 3), approval(), activation()])
}

fn traded() -> Market {
    let market = active();
    let first = buy(&market, Outcome::Yes, 50_000_000_000).unwrap();
    moved(market, &[first])
}

fn disputed() -> Market {
    moved(traded(), &[resolution(true), dispute()])
}

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

/// The first trade of the recorded traces with b = 100 shares (`trade_traces.jsonl`, line 1, step 2).
#[test]
fn a_purchase_moves_what_the_chain_moves() {
    let creation = creation(100_000_000_000);
    let market = Market::begin(&Market::plan(None, ADDRESS, &creation, TEN_PERCENT).unwrap()).unwrap();
    let market = moved(market, &[tally(7, 3), approval(), activation()]);
    let body = plan(&market, &buy(&market, Outcome::Yes, 2_971_100_363).unwrap()).unwrap();
    let EntryBody::Trade { figures, .. } = &body else { panic!("{body:?}") };
    assert_eq!((figures.price_yes_before, figures.price_yes), (PriceE9(500_000_000), PriceE9(513_376_857)));
    assert_eq!((figures.amount_before_fees, figures.fees.protocol), (Lamports(2_700_764_000), Lamports(81_022_920)));
    let after = Market::advance(Some(market.clone()), &body).unwrap();
    let expected = Market {
        shares_yes: ShareUnits(5_452_020_265),
        total_volume: Lamports(2_970_840_400),
        current_liquidity: Lamports(50_000_000_000 + 59_171_308_851 - 58_982_255_371),
        accumulated_resolver_fees: Lamports(54_015_280),
        accumulated_lp_fees: Lamports(135_038_200),
        lamports: Lamports(2_894_104_840),
        trades_count: 1,
        price_yes: Some(PriceE9(513_376_857)),
        ..market
    };
    assert_eq!(after, expected);
}

#[test]
fn a_sale_takes_net_and_protocol_fee_out_of_the_market() {
    let before = traded();
    let event = sell(&before, Outcome::Yes, 1_000_000_000).unwrap();
    let ProgramEvent::SharesSold(sold) = &event.event else { panic!() };
    let after = moved(before.clone(), std::slice::from_ref(&event));
    let EntryBody::Trade { figures, .. } = plan(&before, &event).unwrap() else { panic!() };
    assert_eq!(figures.amount_before_fees.0, sold.proceeds.0 + figures.fees.total.0);
    let payout = sold.proceeds.0 + figures.fees.protocol.0;
    assert_eq!(before.lamports.0 - after.lamports.0, payout);
    assert_eq!(before.current_liquidity.0 - after.current_liquidity.0, payout);
    assert_eq!(before.shares_yes.0 - after.shares_yes.0, 1_000_000_000);
    assert_eq!(after.total_volume.0 - before.total_volume.0, figures.amount_before_fees.0);
    assert_eq!(after.accumulated_lp_fees.0 - before.accumulated_lp_fees.0, figures.fees.lp.0);
    assert_eq!(after.trades_count, before.trades_count + 1);
}

#[test]
fn a_purchase_of_nothing_for_nothing_fits() {
    let before = traded();
    let nothing = event(SharesBought {
        market_id: SEED,
        user: USER,
        outcome: false,
        shares: ShareUnits(0),
        cost: Lamports(0),
        new_price_yes: before.price_yes.unwrap(),
        timestamp: at(4_700),
    });
    let after = moved(before.clone(), &[nothing]);
    assert_eq!(after, Market { trades_count: 2, ..before });
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

/// Every event in every phase: what the table has happens, and everything else is a gap.
#[test]
fn events_happen_only_where_the_table_has_them() {
    let base = traded();
    let claimable = |phase, outcome: Option<bool>| {
        let proposed_outcome = Some(Outcome::Yes);
        Market { phase, proposed_outcome, final_outcome: outcome.map(Outcome::from), ..base.clone() }
    };
    let left = base.lamports.0 - MARKET_RENT.0 - 10_000;
    let events = [
        vote(false),
        vote(true),
        tally(7, 3),
        approval(),
        activation(),
        buy(&base, Outcome::No, 900_000_000_000).unwrap(),
        sell(&base, Outcome::Yes, 1_000_000_000).unwrap(),
        resolution(true),
        dispute(),
        dispute_tally(9, 1, true),
        dispute_tally(1, 9, false),
        finalization(Some(true), None),
        finalization(Some(false), Some((9, 1))),
        claim(Some(true), 1_000),
        withdrawal(left),
        cancellation(),
    ];
    let mut allowed = 0;
    for phase in Phase::ALL {
        let market = claimable(phase, Some(true));
        for event in &events {
            let step = Step::of(&event.event).unwrap();
            let planned = plan(&market, event);
            match after(Some(phase), step) {
                Some(next) => {
                    let after = Market::advance(Some(market.clone()), &planned.unwrap()).unwrap();
                    assert_eq!(after.phase, next, "{step:?} in {phase:?}");
                    allowed += 1;
                }
                None => assert_eq!(planned, Err(Misfit::Phase { phase, step })),
            }
        }
        assert_eq!(plan(&market, &creation(B)), Err(Misfit::AlreadyExists));
    }
    // All moves of the table but the creation, and the two kinds of trade.
    assert_eq!(allowed, super::phase::MOVES.len());
    for event in &events {
        assert_eq!(Market::plan(None, ADDRESS, event, TEN_PERCENT), Err(Misfit::Unknown));
    }
}

#[test]
fn an_event_that_says_otherwise_than_the_state_is_a_gap() {
    let finalized = || moved(traded(), &[resolution(true), finalization(Some(true), None)]);
    let field = |field| Misfit::Field { field };
    let bought = |change: &dyn Fn(&mut SharesBought)| {
        let mut event = buy(&traded(), Outcome::Yes, 50_000_000_000).unwrap();
        if let ProgramEvent::SharesBought(bought) = &mut event.event {
            change(bought);
        }
        event
    };
    let with = |event: ChainEvent, change: &dyn Fn(&mut ProgramEvent)| {
        let mut event = event;
        change(&mut event.event);
        event
    };
    let other_creator = with(activation(), &|event| {
        if let ProgramEvent::MarketActivated(event) = event {
            event.creator = USER;
        }
    });
    let other_liquidity = with(activation(), &|event| {
        if let ProgramEvent::MarketActivated(event) = event {
            event.initial_liquidity.0 += 1;
        }
    });
    let approved = || moved(market(), &[tally(1, 0), approval()]);
    let rows: Vec<(Market, ChainEvent, Misfit)> = vec![
        (market(), approval(), field("proposal_total_votes")),
        (market(), tally(u32::MAX, 1), Misfit::Arithmetic(ProgramError::OverflowError)),
        (approved(), other_creator, field("creator")),
        (approved(), other_liquidity, field("initial_liquidity")),
        (moved(traded(), &[resolution(false)]), dispute(), field("disputed_outcome")),
        (moved(traded(), &[resolution(true)]), finalization(Some(false), None), field("final_outcome")),
        (moved(traded(), &[resolution(true)]), finalization(None, None), field("final_outcome")),
        (disputed(), finalization(None, Some((1, 0))), field("final_outcome")),
        (disputed(), ChainEvent { facts: None, ..finalization(Some(true), Some((1, 0))) }, Misfit::LacksFacts),
        (finalized(), claim(Some(false), 1_000), field("outcome")),
        (finalized(), claim(None, 1_000), field("outcome")),
        (finalized(), claim(Some(true), 0), field("amount")),
        (finalized(), claim(Some(true), finalized().current_liquidity.0 + 1), field("amount")),
        // Less than the events account for: a claim is missing.
        (finalized(), withdrawal(1_000), field("amount")),
        (
            traded(),
            bought(&|e| e.new_price_yes.0 += 1),
            Misfit::Price { computed: buy_price(&traded()), told: PriceE9(buy_price(&traded()).0 + 1) },
        ),
        (traded(), bought(&|e| e.cost.0 = 10), Misfit::NoCost { total: Lamports(10) }),
        // As many shares of the side that trails cost less.
        (
            traded(),
            bought(&|e| e.outcome = false),
            Misfit::Amount { computed: Lamports(41_581_404_000), told: Lamports(45_454_230_000) },
        ),
        (traded(), bought(&|e| e.shares.0 = u64::MAX), Misfit::Arithmetic(ProgramError::OverflowError)),
        (
            Market { total_volume: Lamports(u64::MAX), ..traded() },
            bought(&|_| ()),
            Misfit::Arithmetic(ProgramError::OverflowError),
        ),
        (
            Market { current_liquidity: Lamports(1), ..traded() },
            sell(&traded(), Outcome::Yes, 1_000_000_000).unwrap(),
            { Misfit::Negative { field: "current_liquidity" } },
        ),
        (active(), sell(&traded(), Outcome::Yes, 2_000_000_000).unwrap(), Misfit::Negative { field: "shares" }),
        (Market { seed: MarketSeed([9; 32]), ..traded() }, bought(&|_| ()), Misfit::OtherStream),
        (Market { address: MarketAddress([9; 32]), ..finalized() }, claim(Some(true), 1_000), Misfit::OtherStream),
        (
            traded(),
            event(ProtocolPauseStatusChanged { is_paused: true, paused_by: ADMIN, timestamp: at(1) }),
            Misfit::OtherStream,
        ),
    ];
    for (row, (market, event, expected)) in rows.into_iter().enumerate() {
        assert_eq!(Market::plan(Some(&market), market.address, &event, TEN_PERCENT), Err(expected), "row {row}");
    }
    let no_facts = ChainEvent { facts: None, ..creation(B) };
    assert_eq!(Market::plan(None, ADDRESS, &no_facts, TEN_PERCENT), Err(Misfit::LacksFacts));
}

fn buy_price(market: &Market) -> PriceE9 {
    market.quote_buy(Outcome::Yes, Lamports(50_000_000_000), TEN_PERCENT, false).unwrap().price_yes_after
}

#[test]
fn a_trade_under_other_fees_is_a_gap() {
    let market = traded();
    let event = buy(&market, Outcome::Yes, 50_000_000_000).unwrap();
    let plan = |protocol| {
        let schedule = FeeSchedule { protocol: Bps(protocol), ..TEN_PERCENT };
        Market::plan(Some(&market), ADDRESS, &event, schedule)
    };
    assert!(plan(300).is_ok());
    for protocol in [0, 299, 301, 1_000] {
        assert!(matches!(plan(protocol), Err(Misfit::NoCost { .. } | Misfit::Amount { .. })), "{protocol}");
    }
    let none = FeeSchedule { protocol: Bps(0), resolver: Bps(0), lp: Bps(0) };
    assert!(matches!(Market::plan(Some(&market), ADDRESS, &event, none), Err(Misfit::NoCost { .. })));
}

#[test]
fn an_entry_that_does_not_follow_from_its_event_is_refused_and_changes_nothing() {
    let before = traded();
    let refused = |body: EntryBody, expected: Misfit| {
        let mut market = before.clone();
        assert_eq!(market.apply(&body), Err(expected));
        assert_eq!(market, before);
    };
    let trade = plan(&before, &buy(&before, Outcome::Yes, 50_000_000_000).unwrap()).unwrap();
    for change in 0..4 {
        let mut body = trade.clone();
        if let EntryBody::Trade { figures, .. } = &mut body {
            match change {
                0 => figures.amount_before_fees.0 += 1,
                1 => figures.shares_no.0 += 1,
                2 => figures.price_yes_before.0 += 1,
                _ => figures.fees.lp.0 += 1,
            }
        }
        refused(body, Misfit::Disagrees);
    }
    let resolved = plan(&before, &resolution(true)).unwrap();
    for change in 0..3 {
        let mut body = resolved.clone();
        if let EntryBody::Event { market, old_phase, .. } = &mut body {
            match change {
                0 => market.shares_yes.0 += 1,
                1 => market.phase = Phase::Finalized,
                _ => *old_phase = None,
            }
        }
        refused(body, Misfit::Disagrees);
    }
    refused(Market::plan(None, ADDRESS, &creation(B), TEN_PERCENT).unwrap(), Misfit::AlreadyExists);
    // An entry of the state before, a second time.
    let mut market = before.clone();
    market.apply(&trade).unwrap();
    let once = market.clone();
    assert!(market.apply(&trade).is_err());
    assert_eq!(market, once);
}

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

#[test]
fn quotes_ask_phase_and_pause_first() {
    use ProgramError::{InsufficientShares, InvalidMarketState, OverflowError, ProtocolPaused};
    let quote = |market: &Market, paused| market.quote_buy(Outcome::Yes, Lamports(0), TEN_PERCENT, paused).unwrap_err();
    assert_eq!(quote(&market(), true), InvalidMarketState);
    assert_eq!(quote(&active(), true), ProtocolPaused);
    let sell = |market: &Market, held, shares| {
        let (held, shares) = (ShareUnits(held), ShareUnits(shares));
        market.quote_sell(held, Outcome::Yes, shares, Lamports(0), TEN_PERCENT, false).map(|quote| quote.shares.0)
    };
    assert_eq!(sell(&market(), 0, 1), Err(InvalidMarketState));
    assert_eq!(sell(&traded(), 1_000_000_000, 1_000_000_001), Err(InsufficientShares));
    assert_eq!(sell(&traded(), 1_000_000_001, 1_000_000_001), Ok(1_000_000_001));
    let full = Market { total_volume: Lamports(u64::MAX), ..traded() };
    let overflow = full.quote_buy(Outcome::Yes, Lamports(50_000_000_000), TEN_PERCENT, false);
    assert_eq!(overflow, Err(OverflowError));
}

/// What a trade has to move, counted in wide integers beside the market.
#[derive(Default)]
struct Naive {
    yes: i128,
    no: i128,
    volume: i128,
    liquidity: i128,
    lamports: i128,
}

impl Naive {
    fn of(market: &Market) -> Self {
        Self {
            yes: market.shares_yes.0.into(),
            no: market.shares_no.0.into(),
            volume: market.total_volume.0.into(),
            liquidity: market.current_liquidity.0.into(),
            lamports: market.lamports.0.into(),
        }
    }

    fn trade(&mut self, outcome: Outcome, shares: i128, gross: i128, buying: bool) {
        let fees = gross * 1_000 / 10_000;
        let protocol = fees * 300 / 1_000;
        *(if outcome == Outcome::Yes { &mut self.yes } else { &mut self.no }) += shares;
        if buying {
            self.volume += gross + fees;
            self.liquidity += fees - protocol;
            self.lamports += gross + fees - protocol;
        } else {
            self.volume += gross;
            self.liquidity -= gross - fees + protocol;
            self.lamports = (self.lamports - (gross - fees + protocol)).max(MARKET_RENT.0.into());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_sequence_of_trades_replays_to_the_same_market(
        b in 100_000_000_000u64..1_000_000_000_000_000,
        trades in prop::collection::vec((any::<bool>(), any::<bool>(), 10u32..3_000, 1u64..1_000_000), 1..12),
    ) {
        let begun = Market::begin(&Market::plan(None, ADDRESS, &creation(b), TEN_PERCENT).unwrap()).unwrap();
        let begun = moved(begun, &[tally(7, 3), approval(), activation()]);
        let (mut live, mut entries, mut naive) = (begun.clone(), Vec::new(), Naive::of(&begun));
        for (buying, yes, per_mille, odd) in trades {
            let outcome = Outcome::from(yes);
            let amount = b / 1_000 * u64::from(per_mille) + odd;
            let held = live.quantities().of(outcome).0;
            let event = if buying { buy(&live, outcome, amount) } else { sell(&live, outcome, held / 3) };
            let Ok(event) = event else { continue };
            let body = plan(&live, &event).unwrap();
            // The event alone gives back what the program computed.
            let EntryBody::Trade { figures, .. } = &body else { panic!("{body:?}") };
            let shares = i128::from(figures.shares_yes.0) - naive.yes + i128::from(figures.shares_no.0) - naive.no;
            naive.trade(outcome, shares, figures.amount_before_fees.0.into(), buying);
            live.apply(&body).unwrap();
            prop_assert_eq!(live.price_yes, live.current_price_yes());
            entries.push(body);
        }
        prop_assert_eq!(i128::from(live.shares_yes.0), naive.yes);
        prop_assert_eq!(i128::from(live.shares_no.0), naive.no);
        prop_assert_eq!(i128::from(live.total_volume.0), naive.volume);
        prop_assert_eq!(i128::from(live.current_liquidity.0), naive.liquidity);
        prop_assert_eq!(i128::from(live.lamports.0), naive.lamports);
        prop_assert_eq!(live.trades_count, entries.len() as u64);
        // Stored and read again, the entries make the same market.
        let replayed = entries.iter().try_fold(begun, |market, body| {
            let stored: EntryBody = serde_json::from_str(&serde_json::to_string(body).unwrap()).unwrap();
            Market::advance(Some(market), &stored)
        });
        prop_assert_eq!(replayed, Ok(live));
    }

    #[test]
    fn no_event_makes_plan_panic_and_a_misfit_changes_nothing(
        shares in any::<u64>(), cost in any::<u64>(), price in any::<u64>(), selling in any::<bool>(),
        rates in any::<[u16; 3]>(), shift in 0u32..64,
    ) {
        let mut market = traded();
        let (market_id, user, outcome, timestamp) = (SEED, USER, true, at(0));
        let (shares, amount, new_price_yes) = (ShareUnits(shares >> shift), Lamports(cost >> shift), PriceE9(price));
        let event = if selling {
            event(SharesSold { market_id, user, outcome, shares, proceeds: amount, new_price_yes, timestamp })
        } else {
            event(SharesBought { market_id, user, outcome, shares, cost: amount, new_price_yes, timestamp })
        };
        let [protocol, resolver, lp] = rates.map(Bps);
        let schedule = FeeSchedule { protocol, resolver, lp };
        let before = market.clone();
        if let Ok(body) = Market::plan(Some(&market), ADDRESS, &event, schedule) {
            market.apply(&body).unwrap();
        } else {
            prop_assert_eq!(&market, &before);
        }
        let contained = before.plan_contained(&event, schedule);
        prop_assert!(Market::advance(Some(before), &contained).is_ok());
    }
}
