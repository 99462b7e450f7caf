//! Golden frames: the bytes that clients get, and that a stored entry gives the same ones.

use crate::domain::{
    amount::{Bps, Lamports, UnixSeconds},
    config::ProgramConfig,
    entry::{FeeSchedule, TradeFigures},
    event::{
        ConfigUpdated, IpfsHash, MarketActivated, MarketCreated, ProposalVoteSubmitted, SharesBought, WinningsClaimed,
    },
    fees::Fees,
    ids::{ChainPosition, EventId, MarketSeed, Wallet},
};
use crate::journal::rows::TradeRow;
use crate::view::trade::TradeStatus;

use super::*;

const RECORDED_AT_MS: i64 = 1_760_000_000_007;

fn market_address() -> MarketAddress {
    MarketAddress([7; 32])
}

fn id() -> EventId {
    EventId { signature: TxSignature([9; 64]), n: 2 }
}

fn position() -> ChainPosition {
    ChainPosition { slot: Slot(77), transaction_index: None, n: 2 }
}

fn market(phase: Phase) -> Market {
    Market {
        address: market_address(),
        seed: MarketSeed([0xab; 32]),
        creator: Wallet([1; 32]),
        phase,
        b_parameter: ShareUnits(100_000_000_000),
        initial_liquidity: Lamports(69_314_718_000),
        current_liquidity: Lamports(69_314_718_000),
        shares_yes: ShareUnits(u64::MAX),
        shares_no: ShareUnits(0),
        total_volume: Lamports(5),
        created_at: UnixSeconds(1_760_000_000),
        approved_at: UnixSeconds(0),
        activated_at: UnixSeconds(0),
        resolution_proposed_at: UnixSeconds(0),
        resolved_at: UnixSeconds(0),
        finalized_at: UnixSeconds(0),
        cancelled_at: None,
        resolver: Wallet::default(),
        proposed_outcome: None,
        final_outcome: None,
        question_hash: IpfsHash([b'Q'; 46]),
        evidence_hash: IpfsHash::EMPTY,
        dispute_initiated_at: UnixSeconds(0),
        dispute_initiator: Wallet::default(),
        accumulated_resolver_fees: Lamports(0),
        accumulated_lp_fees: Lamports(0),
        proposal_likes: 0,
        proposal_dislikes: 0,
        proposal_total_votes: 0,
        dispute_agree: 0,
        dispute_disagree: 0,
        dispute_total_votes: 0,
        was_disputed: false,
        lamports: Lamports(0),
        trades_count: 3,
        price_yes: Some(PriceE9(500_000_000)),
        vanished: false,
    }
}

fn bought() -> ProgramEvent {
    SharesBought {
        market_id: MarketSeed([0xab; 32]),
        user: Wallet([2; 32]),
        outcome: true,
        shares: ShareUnits(1_000),
        cost: Lamports(1_100),
        new_price_yes: PriceE9(512_345_678),
        timestamp: UnixSeconds(1_760_000_000),
    }
    .into()
}

fn figures() -> TradeFigures {
    TradeFigures {
        amount_before_fees: Lamports(1_000),
        fees: Fees { protocol: Lamports(30), resolver: Lamports(20), lp: Lamports(50), total: Lamports(100) },
        schedule: FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) },
        price_yes_before: PriceE9(500_000_000),
        price_yes: PriceE9(512_345_678),
        shares_yes: ShareUnits(1_000),
        shares_no: ShareUnits(0),
    }
}

fn config() -> ProgramConfig {
    ProgramConfig {
        admin: Wallet([3; 32]),
        backend_authority: Wallet([4; 32]),
        protocol_fee_wallet: Wallet([5; 32]),
        fees: figures().schedule,
        proposal_approval_threshold: Bps(7_000),
        dispute_success_threshold: Bps(6_000),
        min_resolution_delay_seconds: 86_400,
        dispute_period_seconds: 259_200,
        is_paused: false,
        updated_at: UnixSeconds(1_760_000_000),
        vanished: false,
    }
}

fn event(event: ProgramEvent, old_phase: Option<Phase>, market: Market) -> EntryBody {
    EntryBody::Event {
        id: id(),
        position: position(),
        event,
        facts: None,
        old_phase,
        market: Box::new(market),
        tally: None,
    }
}

fn frames_of(channel: Channel, body: EntryBody) -> Vec<String> {
    let entry = Entry { seq: Seq(12), recorded_at_ms: RECORDED_AT_MS, body };
    let live = FramePack::of(channel, Epoch(1), &entry);
    assert_eq!((live.channel, live.epoch, live.seq), (channel, Epoch(1), Seq(12)));

    // What PostgreSQL keeps of it, read again.
    let stored = serde_json::to_value(&entry.body).unwrap();
    let read = Entry { body: serde_json::from_value(stored).unwrap(), ..entry };
    assert_eq!(FramePack::of(channel, Epoch(1), &read), live, "a replay equals the live frames byte for byte");
    live.texts().map(ToOwned::to_owned).collect()
}

fn market_frames(body: EntryBody) -> Vec<String> {
    frames_of(Channel::Market(market_address()), body)
}

const HEAD: &str = r#""channel":"market:US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx","market_id":"US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx","epoch":1,"seq":12,"slot":77,"timestamp":"2025-10-09T08:53:20.007Z""#;

fn signature() -> String {
    TxSignature([9; 64]).to_string()
}

fn trade_json(tail: &str, fees: &str) -> String {
    format!(
        r#"{{"type":"trade_executed",{HEAD},"data":{{"id":"{0}:2","market_id":"{1}","user_wallet":"{2}","trade_type":"buy","outcome":"YES","shares":"1000","cost":"1100","fees":{fees},"price_after":"0.512345678","tx_signature":"{0}","slot":77,"block_time":"2025-10-09T08:53:20.000Z","created_at":"2025-10-09T08:53:20.007Z","seq":12,"status":"confirmed"{tail}}}}}"#,
        signature(),
        market_address(),
        Wallet([2; 32]),
    )
}

const FEES: &str = r#"{"protocol":"30","resolver":"20","lp":"50","total":"100"}"#;

#[test]
fn a_trade_gives_the_trade_and_then_the_price() {
    let body = EntryBody::Trade { id: id(), position: position(), event: bought(), figures: figures() };
    assert_eq!(
        market_frames(body),
        [
            trade_json("", FEES),
            format!(
                r#"{{"type":"price_update",{HEAD},"data":{{"price_yes":"0.512345678","price_no":"0.487654322","shares_yes":"1000","shares_no":"0","previous_price_yes":"0.500000000","cause":"trade"}}}}"#
            ),
        ]
    );
}

#[test]
fn a_contained_trade_says_so_and_moves_no_price() {
    let contained =
        |figures| EntryBody::Contained { id: id(), position: position(), event: bought(), figures, tally: None };
    assert_eq!(market_frames(contained(Some(figures()))), [trade_json(r#","contained":true"#, FEES)]);
    assert_eq!(market_frames(contained(None)), [trade_json(r#","contained":true"#, "null")]);
}

#[test]
fn an_event_gives_the_market_after_it() {
    let created = MarketCreated {
        market_id: MarketSeed([0xab; 32]),
        creator: Wallet([1; 32]),
        b_parameter: 100_000_000_000,
        state: 0,
        timestamp: UnixSeconds(1_760_000_000),
    };
    let expected = format!(
        r#"{{"type":"market_update",{HEAD},"data":{{"action":"created","reason":"market_created","old_state":null,"new_state":"PROPOSED","market":{{"id":"{0}","on_chain_address":"{0}","market_seed":"{1}","creator_wallet":"{2}","resolver_wallet":null,"state":"PROPOSED","state_code":0,"b_parameter":"100000000000","initial_liquidity":"69314718000","current_liquidity":"69314718000","shares_yes":"18446744073709551615","shares_no":"0","total_volume":"5","current_price_yes":"0.500000000","current_price_no":"0.500000000","proposed_outcome":null,"final_outcome":null,"proposal_likes":0,"proposal_dislikes":0,"dispute_agree":0,"dispute_disagree":0,"was_disputed":false,"created_at":"2025-10-09T08:53:20.000Z","approved_at":null,"activated_at":null,"resolution_proposed_at":null,"resolved_at":null,"finalized_at":null,"cancelled_at":null,"ipfs_question_hash":"{3}","ipfs_evidence_hash":null,"trades_count":3,"seq":12,"slot":77}},"tx_signature":"{4}"}}}}"#,
        market_address(),
        "ab".repeat(32),
        Wallet([1; 32]),
        "Q".repeat(46),
        signature(),
    );
    assert_eq!(market_frames(event(created.into(), None, market(Phase::Proposed))), [expected]);
}

#[test]
fn every_kind_of_entry_gives_frames_of_its_types_and_reason() {
    let activated = MarketActivated {
        market_id: MarketSeed([0xab; 32]),
        creator: Wallet([1; 32]),
        initial_liquidity: Lamports(1),
        timestamp: UnixSeconds(1),
    };
    let claimed = WinningsClaimed {
        market: market_address(),
        user: Wallet([2; 32]),
        outcome: None,
        amount: Lamports(u64::MAX),
        timestamp: UnixSeconds(i64::MIN),
    };
    let voted = ProposalVoteSubmitted {
        market_id: MarketSeed([0xab; 32]),
        user: Wallet([2; 32]),
        vote: true,
        timestamp: UnixSeconds(1_760_000_000),
    };
    let resync = |price_yes, old_phase| EntryBody::Resync {
        reason: "history is gone".into(),
        price_yes_before: None,
        old_phase,
        market: Box::new(Market { price_yes, ..market(Phase::Active) }),
        slot: Slot(77),
    };
    let contained = |event: ProgramEvent| EntryBody::Contained {
        id: id(),
        position: position(),
        event,
        figures: None,
        tally: None,
    };
    let cases: [(EntryBody, &[&str]); 7] = [
        (
            event(activated.into(), Some(Phase::Approved), market(Phase::Active)),
            &[
                r#""type":"market_update""#,
                r#""action":"updated","reason":"market_activated","old_state":"APPROVED","new_state":"ACTIVE""#,
            ],
        ),
        (
            event(voted.clone().into(), Some(Phase::Proposed), market(Phase::Proposed)),
            &[
                r#""type":"vote_update""#,
                r#""data":{"vote_type":"proposal","user_wallet":"8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR","vote":true,"source":"onchain","tx_signature":""#,
            ],
        ),
        (contained(voted.into()), &[r#""type":"vote_update""#, r#""contained":true"#]),
        (
            contained(claimed.into()),
            &[
                r#""type":"market_update""#,
                r#""reason":"winnings_claimed","old_state":null,"new_state":null,"market":null"#,
            ],
        ),
        (resync(None, None), &[r#""type":"market_update""#, r#""action":"created","reason":"resync""#]),
        (
            resync(Some(PriceE9(1)), Some(Phase::Active)),
            &[
                r#""type":"market_update""#,
                r#""action":"updated","reason":"resync""#,
                r#""type":"price_update""#,
                r#""previous_price_yes":null,"cause":"resync""#,
            ],
        ),
        (event(bought(), Some(Phase::Active), market(Phase::Active)), &[r#""reason":"shares_bought""#]),
    ];
    for (body, expected) in cases {
        let frames = market_frames(body).join("\n");
        for part in expected {
            assert!(frames.contains(part), "{part} is missing in {frames}");
        }
    }
}

#[test]
fn a_rollback_names_what_it_takes_back_and_gives_the_state_that_holds_now() {
    let rollback = |market: Market| EntryBody::Rollback {
        reverted: vec![Seq(9), Seq(11)],
        price_yes_before: Some(PriceE9(512_345_678)),
        old_phase: Some(Phase::Active),
        market: Box::new(market),
        tallies: None,
        slot: Slot(77),
    };
    let state = serde_json::to_string(&MarketView::at(&market(Phase::Active), Seq(12), Slot(77))).unwrap();
    assert_eq!(
        market_frames(rollback(market(Phase::Active))),
        [
            format!(
                r#"{{"type":"rollback",{HEAD},"data":{{"reverted_seqs":[9,11],"old_state":"ACTIVE","new_state":"ACTIVE","market":{state}}}}}"#
            ),
            format!(
                r#"{{"type":"price_update",{HEAD},"data":{{"price_yes":"0.500000000","price_no":"0.500000000","shares_yes":"18446744073709551615","shares_no":"0","previous_price_yes":"0.512345678","cause":"rollback"}}}}"#
            ),
        ]
    );
    let vanished = Market { vanished: true, price_yes: None, ..market(Phase::Proposed) };
    let frames = market_frames(rollback(vanished));
    assert_eq!(frames.len(), 1, "nothing has no price");
    assert!(frames[0].contains(r#""old_state":"ACTIVE","new_state":null"#), "{frames:?}");
    assert!(frames[0].ends_with(r#""seq":12,"slot":77,"vanished":true}}}"#), "{frames:?}");

    let channel = Channel::Config(AccountAddress([6; 32]));
    let rollback =
        |config| EntryBody::ConfigRollback { reverted: vec![Seq(3)], config: Box::new(config), slot: Slot(77) };
    let frames = frames_of(channel, rollback(config()));
    let head = r#""channel":"config","epoch":1,"seq":12,"slot":77,"timestamp":"2025-10-09T08:53:20.007Z""#;
    let state = serde_json::to_string(&ConfigView::from(&config())).unwrap();
    assert_eq!(frames[0], format!(r#"{{"type":"rollback",{head},"data":{{"reverted_seqs":[3],"config":{state}}}}}"#));
    assert!(frames[1].contains(r#""type":"config_update""#) && frames[1].contains(r#""reason":"rollback""#));
    let frames = frames_of(channel, rollback(ProgramConfig { vanished: true, ..config() }));
    assert_eq!(frames, [format!(r#"{{"type":"rollback",{head},"data":{{"reverted_seqs":[3],"config":null}}}}"#)]);
}

#[test]
fn the_config_has_a_channel_of_its_own_and_no_market() {
    let updated = ConfigUpdated {
        protocol_fee_bps: Bps(300),
        resolver_reward_bps: Bps(200),
        liquidity_provider_fee_bps: Bps(500),
        proposal_approval_threshold: Bps(7_000),
        dispute_success_threshold: Bps(6_000),
        min_resolution_delay: 86_400,
        dispute_period: 259_200,
        timestamp: UnixSeconds(1_760_000_000),
    };
    let config_json = |reason: &str, signature: &str| {
        format!(
            r#"{{"type":"config_update","channel":"config","epoch":1,"seq":12,"slot":77,"timestamp":"2025-10-09T08:53:20.007Z","data":{{"reason":"{reason}","fees":{{"protocol_bps":300,"resolver_bps":200,"lp_bps":500}},"thresholds":{{"proposal_approval_bps":7000,"dispute_success_bps":6000}},"periods":{{"min_resolution_delay_seconds":86400,"dispute_period_seconds":259200}},"is_paused":false,"admin":"{}","backend_authority":"{}","protocol_fee_wallet":"{}","updated_at":"2025-10-09T08:53:20.000Z","tx_signature":{signature}}}}}"#,
            Wallet([3; 32]),
            Wallet([4; 32]),
            Wallet([5; 32]),
        )
    };
    let channel = Channel::Config(AccountAddress([6; 32]));
    let body = EntryBody::Config { id: id(), position: position(), event: updated.into(), config: Box::new(config()) };
    let quoted = format!("\"{}\"", signature());
    assert_eq!(frames_of(channel, body), [config_json("config_updated", &quoted)]);
    let body = EntryBody::ConfigResync { reason: "first seen".into(), config: Box::new(config()), slot: Slot(77) };
    assert_eq!(frames_of(channel, body), [config_json("resync", "null")]);
}

#[test]
fn the_trade_object_of_a_row_equals_that_of_the_frame() {
    let bodies = [
        EntryBody::Trade { id: id(), position: position(), event: bought(), figures: figures() },
        EntryBody::Contained { id: id(), position: position(), event: bought(), figures: Some(figures()), tally: None },
    ];
    for body in bodies {
        let entry = Entry { seq: Seq(12), recorded_at_ms: RECORDED_AT_MS, body };
        let row = TradeRow::of(&market_address().to_string(), Epoch(1), &entry).unwrap();
        let contained = matches!(entry.body, EntryBody::Contained { .. });
        let of_row = TradeView::of_row(&row, TradeStatus::Confirmed, contained).unwrap();
        assert_eq!(Some(of_row), TradeView::of(market_address(), &entry));
    }
}
