//! What trades move, and what a quote says of them.

use proptest::prelude::*;

use super::*;

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
