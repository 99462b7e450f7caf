//! What is done with a transaction, by what is known of it.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::*;
use crate::{
    chain::{
        anchor::events::encode_event,
        model::{LOG_TRUNCATED, RawInvocation},
    },
    domain::{
        amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
        event::{ConfigUpdated, MarketCreated, ProgramEvent, SharesBought},
        ids::{MarketSeed, Slot, TxSignature, Wallet},
    },
};

const PROGRAM: ProgramId = ProgramId([7; 32]);
const OTHER: ProgramId = ProgramId([8; 32]);

fn bought(seed: u8) -> ProgramEvent {
    SharesBought {
        market_id: MarketSeed([seed; 32]),
        user: Wallet([1; 32]),
        outcome: true,
        shares: ShareUnits(1),
        cost: Lamports(2),
        new_price_yes: PriceE9(500_000_000),
        timestamp: UnixSeconds(9),
    }
    .into()
}

fn created(seed: u8) -> ProgramEvent {
    let (market_id, creator) = (MarketSeed([seed; 32]), Wallet([1; 32]));
    MarketCreated { market_id, creator, b_parameter: 100_000_000_000, state: 0, timestamp: UnixSeconds(9) }.into()
}

fn fees_changed(protocol: u16) -> ProgramEvent {
    ConfigUpdated {
        protocol_fee_bps: Bps(protocol),
        resolver_reward_bps: Bps(200),
        liquidity_provider_fee_bps: Bps(500),
        proposal_approval_threshold: Bps(7_000),
        dispute_success_threshold: Bps(6_000),
        min_resolution_delay: 0,
        dispute_period: 0,
        timestamp: UnixSeconds(9),
    }
    .into()
}

fn frame(program: ProgramId, event: &ProgramEvent) -> Vec<String> {
    vec![
        format!("Program {program} invoke [1]"),
        format!("Program data: {}", BASE64_STANDARD.encode(encode_event(event))),
        format!("Program {program} success"),
    ]
}

fn live(logs: Vec<String>) -> RawTransaction {
    RawTransaction {
        signature: TxSignature([3; 64]),
        slot: 50,
        index_in_block: None,
        block_time: None,
        failed: false,
        logs: Some(logs),
        invocations: None,
    }
}

fn read(logs: Vec<String>, invocations: Vec<RawInvocation>) -> RawTransaction {
    RawTransaction { invocations: Some(invocations), ..live(logs) }
}

fn sort(transaction: &RawTransaction) -> Sorted {
    Sorter::new(PROGRAM).sort(transaction, &mut FeeTimeline::default())
}

fn lane_of(seed: u8) -> Lane {
    Lane::Market(ProgramAddresses::new(PROGRAM).market(MarketSeed([seed; 32])).0)
}

#[test]
fn events_go_to_their_streams_in_order_with_the_fees_in_force() {
    let logs = [bought(1), fees_changed(777), bought(2), bought(1)].iter().flat_map(|e| frame(PROGRAM, e)).collect();
    let Sorted::Streams(streams) = sort(&live(logs)) else { panic!("streams") };
    let told: Vec<(Lane, Vec<(u16, u16)>)> = streams
        .into_iter()
        .map(|(lane, deliveries)| {
            (lane, deliveries.iter().map(|d| (d.event.id.n, d.schedule.protocol.0)).collect::<Vec<_>>())
        })
        .collect();
    let mut expected =
        vec![(Lane::Config, vec![(1, 777)]), (lane_of(1), vec![(0, 300), (3, 777)]), (lane_of(2), vec![(2, 777)])];
    expected.sort();
    assert_eq!(told, expected);
}

#[test]
fn remembered_addresses_are_those_that_are_derived_and_bounded() {
    let sorter = Sorter::new(PROGRAM);
    // Wrong on purpose, so that it shows whether they are remembered or derived.
    let full = (0..ADDRESSES_MAX as u64).map(|n| {
        let mut seed = [9; 32];
        seed[..8].copy_from_slice(&n.to_be_bytes());
        (MarketSeed(seed), MarketAddress([0; 32]))
    });
    sorter.markets.borrow_mut().extend(full);
    for _ in 0..2 {
        assert_eq!(Lane::Market(sorter.market(MarketSeed([1; 32]))), lane_of(1));
    }
    assert_eq!(sorter.markets.borrow().len(), 1, "past the bound all are forgotten");
}

#[test]
fn a_creation_is_read_before_it_is_used_and_its_place_is_kept() {
    let logs: Vec<String> = [bought(2), created(1)].iter().flat_map(|e| frame(PROGRAM, e)).collect();
    let Sorted::Read(lanes) = sort(&live(logs)) else { panic!("to be read") };
    let mut expected = vec![lane_of(1), lane_of(2)];
    expected.sort();
    assert_eq!(lanes, expected);
}

#[test]
fn look_alikes_of_other_programs_leave_no_trace() {
    let ours = format!("Program {PROGRAM} invoke [1]");
    let table: Vec<(&str, Vec<String>)> = vec![
        ("no log of ours", frame(OTHER, &bought(1))),
        ("our lines, as another program prints them", {
            let mut logs = frame(OTHER, &bought(1));
            logs.insert(1, format!("Program log: {ours}"));
            logs.insert(3, format!("Program log: Program {PROGRAM} success"));
            logs
        }),
        ("only mentioned", vec![format!("Program {OTHER} invoke [1]"), format!("Program {OTHER} success")]),
    ];
    for (name, logs) in table {
        assert!(matches!(sort(&live(logs.clone())), Sorted::Nothing), "{name}, live");
        assert!(matches!(sort(&read(logs, Vec::new())), Sorted::Nothing), "{name}, read");
    }
}

#[test]
fn a_failure_is_believed_only_where_the_transaction_was_read() {
    let mut failed = frame(PROGRAM, &bought(1));
    failed[2] = format!("Program {PROGRAM} failed: custom program error: 0x1");
    let cut = frame(PROGRAM, &bought(1))[..2].to_vec();
    assert!(matches!(sort(&live(failed.clone())), Sorted::LeaveToCoverage));
    assert!(matches!(sort(&live(cut.clone())), Sorted::LeaveToCoverage));
    assert!(matches!(sort(&RawTransaction { failed: true, ..live(Vec::new()) }), Sorted::LeaveToCoverage));
    assert!(matches!(sort(&read(failed, Vec::new())), Sorted::Nothing));
    assert!(matches!(sort(&RawTransaction { failed: true, ..read(Vec::new(), Vec::new()) }), Sorted::Nothing));
    // The node says that it succeeded: then the log was cut.
    let Sorted::Unusable { reason, .. } = sort(&read(cut, Vec::new())) else { panic!("unusable") };
    assert_eq!(reason, "log without an end");
}

#[test]
fn what_can_not_be_decoded_is_read_first_and_then_kept_as_a_dead_letter() {
    let mut garbage = frame(PROGRAM, &bought(1));
    garbage[1] = "Program data: AAAA".into();
    let mut truncated = frame(PROGRAM, &bought(1));
    truncated.push(LOG_TRUNCATED.into());
    for (logs, expected) in [(garbage, "undecodable"), (truncated, "log truncated")] {
        assert!(matches!(sort(&live(logs.clone())), Sorted::Read(lanes) if lanes.is_empty()), "{expected}");
        let call = RawInvocation { program: PROGRAM, accounts: Vec::new(), data: vec![1, 2], stack_height: Some(1) };
        match sort(&read(logs, vec![call])) {
            Sorted::Unusable { reason, touched, .. } => {
                assert_eq!(reason, expected);
                assert_eq!(touched, Touched::default(), "no instruction of ours can be read in it");
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn only_config_events_move_the_fees() {
    let mut fees = FeeTimeline::default();
    let sorter = Sorter::new(PROGRAM);
    sorter.sort(&live(frame(PROGRAM, &bought(1))), &mut fees);
    assert_eq!(fees, FeeTimeline::default());
    sorter.sort(&live(frame(PROGRAM, &fees_changed(400))), &mut fees);
    assert_eq!((fees.at(Slot(50)).protocol, fees.at(Slot(9_999)).protocol), (Bps(400), Bps(400)));
    // The same event again, as coverage may bring it, changes nothing.
    let before = fees.clone();
    sorter.sort(&live(frame(PROGRAM, &fees_changed(400))), &mut fees);
    assert_eq!(fees, before);
}
