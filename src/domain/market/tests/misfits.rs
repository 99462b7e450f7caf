//! What does not fit, and that it changes nothing.

use super::*;

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
    assert_eq!(allowed, crate::domain::phase::MOVES.len());
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
