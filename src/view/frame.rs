//! Frames: what WebSocket clients get for a journal entry.
//!
//! Typed structs whose field order is the order of the text: the same entry gives the same bytes, live, in a replay and
//! on every node. Nothing here looks at a clock or at another entry.

pub mod described;

use bytestring::ByteString;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use super::{channel::Channel, pack::FramePack};
use super::{
    config::ConfigView,
    market::MarketView,
    social::{DiscussionAction, DiscussionFrame, TalliesView, VoteView},
    trade::TradeView,
};
use crate::{
    domain::{
        amount::{PriceE9, ShareUnits},
        counted::Counted,
        entry::{Entry, EntryBody},
        event::ProgramEvent,
        ids::{AccountAddress, Epoch, MarketAddress, Seq, Slot, TxSignature},
        market::Market,
        phase::Phase,
    },
    journal::rows::timestamp,
};

impl FramePack {
    /// The frames of an entry on the channel of its stream, at least one: a pure function of it, the same live and in a
    /// replay, on every node.
    pub fn of(channel: Channel, epoch: Epoch, entry: &Entry) -> Self {
        let market_id = channel.market();
        Self::made(channel, epoch, entry.seq, market_id, entry)
    }

    /// The same of an entry's number `seq` on a channel over many markets: without the price, and with the entry's own
    /// number as `market_seq`.
    pub fn counted(channel: Counted, epoch: Epoch, seq: Seq, stream: AccountAddress, entry: &Entry) -> Self {
        Self::made(Channel::Counted(channel), epoch, seq, Some(MarketAddress(stream.0)), entry)
    }

    fn made(channel: Channel, epoch: Epoch, seq: Seq, market_id: Option<MarketAddress>, entry: &Entry) -> Self {
        let recorded_at = timestamp(entry.recorded_at_ms);
        let maker = Maker::of(channel, market_id, epoch, seq, entry, &recorded_at);
        Self::new(channel, epoch, seq, &frames(&maker, entry))
    }
}

/// The price that holds after an entry, as the ticker tells it: without a number of the channel's own.
pub fn ticker_price(epoch: Epoch, stream: AccountAddress, entry: &Entry) -> Option<ByteString> {
    let recorded_at = timestamp(entry.recorded_at_ms);
    let market_id = Some(MarketAddress(stream.0));
    Maker::of(Channel::Ticker, market_id, epoch, entry.seq, entry, &recorded_at).price(entry)
}

fn frames(maker: &Maker<'_>, entry: &Entry) -> Vec<ByteString> {
    // On the config's stream there is no market, and no trade.
    let trade = || maker.market_id.and_then(|market_id| TradeView::of(market_id, entry));
    match &entry.body {
        EntryBody::Trade { event, id, .. } => match trade() {
            Some(trade) => {
                let mut frames = vec![maker.frame(FrameType::TradeExecuted, &trade)];
                frames.extend(maker.price(entry));
                frames
            }
            // No entry is silent: a hole in what a client sees would look like a loss.
            None => vec![maker.bare_update(event, id.signature, false)],
        },
        EntryBody::Event { event, id, old_phase, market, tally, .. } => {
            match VoteView::onchain(event, id.signature, false, *tally) {
                Some(vote) => vec![maker.frame(FrameType::VoteUpdate, &vote)],
                None => vec![maker.frame(
                    FrameType::MarketUpdate,
                    &MarketUpdate {
                        action: Action::after(*old_phase),
                        reason: reason(event),
                        old_state: *old_phase,
                        new_state: Some(market.phase),
                        market: Some(maker.market(market)),
                        tx_signature: Some(id.signature),
                        contained: false,
                    },
                )],
            }
        }
        EntryBody::Contained { event, id, tally, .. } => {
            match (trade(), VoteView::onchain(event, id.signature, true, *tally)) {
                (Some(trade), _) => vec![maker.frame(FrameType::TradeExecuted, &trade)],
                (None, Some(vote)) => vec![maker.frame(FrameType::VoteUpdate, &vote)],
                (None, None) => vec![maker.bare_update(event, id.signature, true)],
            }
        }
        EntryBody::Resync { old_phase, market, .. } => {
            let mut frames = vec![maker.frame(
                FrameType::MarketUpdate,
                &MarketUpdate {
                    action: Action::after(*old_phase),
                    reason: "resync",
                    old_state: *old_phase,
                    new_state: Some(market.phase),
                    market: Some(maker.market(market)),
                    tx_signature: None,
                    contained: false,
                },
            )];
            frames.extend(maker.price(entry));
            frames
        }
        EntryBody::Config { event, id, config, .. } => vec![maker.frame(
            FrameType::ConfigUpdate,
            &ConfigUpdate { reason: reason(event), config: (&**config).into(), tx_signature: Some(id.signature) },
        )],
        EntryBody::ConfigResync { config, .. } => vec![maker.frame(
            FrameType::ConfigUpdate,
            &ConfigUpdate { reason: "resync", config: (&**config).into(), tx_signature: None },
        )],
        EntryBody::Rollback { reverted, old_phase, market, tallies, .. } => {
            let mut frames = vec![maker.frame(
                FrameType::Rollback,
                &MarketRollback {
                    reverted_seqs: reverted,
                    old_state: *old_phase,
                    new_state: (!market.vanished).then_some(market.phase),
                    market: maker.market(market),
                    tallies: tallies.map(TalliesView::from),
                },
            )];
            frames.extend(maker.price(entry));
            frames
        }
        // Those who follow no more than the config's updates get one, too.
        EntryBody::ConfigRollback { reverted, config, .. } => {
            let view = (!config.vanished).then(|| ConfigView::from(&**config));
            let mut frames = vec![
                maker.frame(FrameType::Rollback, &ConfigRollback { reverted_seqs: reverted, config: view.as_ref() }),
            ];
            frames.extend(view.map(|config| {
                let update = ConfigUpdate { reason: "rollback", config, tx_signature: None };
                maker.frame(FrameType::ConfigUpdate, &update)
            }));
            frames
        }
        EntryBody::Vote { vote_kind, wallet, vote, signature, voted_at_ms, tally, .. } => vec![maker.frame(
            FrameType::VoteUpdate,
            &VoteView::offchain(*vote_kind, *wallet, *vote, *signature, *voted_at_ms, *tally),
        )],
        EntryBody::Comment { id, wallet, content, created_at_ms, .. } => {
            let created_at = Some(timestamp(*created_at_ms));
            let (action, content) = (DiscussionAction::Added, Some(content.as_str()));
            let added = DiscussionFrame { action, id: *id, user_wallet: *wallet, content, created_at };
            vec![maker.frame(FrameType::Discussion, &added)]
        }
        EntryBody::CommentDeleted { id, wallet, .. } => {
            let action = DiscussionAction::Deleted;
            let deleted = DiscussionFrame { action, id: *id, user_wallet: *wallet, content: None, created_at: None };
            vec![maker.frame(FrameType::Discussion, &deleted)]
        }
        EntryBody::Metadata { metadata, market, .. } => vec![maker.frame(
            FrameType::MarketUpdate,
            &MarketUpdate {
                action: Action::Updated,
                reason: "metadata",
                old_state: Some(market.phase),
                new_state: Some(market.phase),
                market: Some(maker.market(market).with_metadata(Some(metadata))),
                tx_signature: None,
                contained: false,
            },
        )],
    }
}

/// What all frames of an entry share.
struct Maker<'a> {
    channel: Channel,
    market_id: Option<MarketAddress>,
    epoch: Epoch,
    seq: Seq,
    /// The entry's own number: another one than `seq` on a channel over many markets.
    market_seq: Seq,
    slot: Slot,
    recorded_at: &'a str,
    request_id: Option<Uuid>,
}

impl<'a> Maker<'a> {
    fn of(
        channel: Channel,
        market_id: Option<MarketAddress>,
        epoch: Epoch,
        seq: Seq,
        entry: &Entry,
        recorded_at: &'a str,
    ) -> Self {
        let (market_seq, slot, request_id) = (entry.seq, entry.body.slot(), entry.body.request_id());
        Self { channel, market_id, epoch, seq, market_seq, slot, recorded_at, request_id }
    }

    fn frame<D: Serialize>(&self, frame_type: FrameType, data: &D) -> ByteString {
        let frame = Frame {
            frame_type,
            channel: self.channel,
            market_id: self.market_id,
            epoch: self.epoch,
            seq: self.channel.is_numbered().then_some(self.seq),
            market_seq: (self.channel.market().is_none() && self.market_id.is_some()).then_some(self.market_seq),
            slot: self.slot,
            timestamp: self.recorded_at,
            request_id: self.request_id,
            data,
        };
        text(&frame)
    }

    fn market(&self, market: &Market) -> MarketView {
        MarketView::at(market, self.market_seq, self.slot)
    }

    fn is_counted(&self) -> bool {
        matches!(self.channel, Channel::Counted(_))
    }

    /// The price that holds after an entry, if it tells one, on a channel that tells prices.
    fn price(&self, entry: &Entry) -> Option<ByteString> {
        let price = if self.is_counted() { None } else { PriceUpdate::of(entry) };
        price.map(|price| self.frame(FrameType::PriceUpdate, &price))
    }

    /// An entry that tells an event but no state.
    fn bare_update(&self, event: &ProgramEvent, signature: TxSignature, contained: bool) -> ByteString {
        self.frame(
            FrameType::MarketUpdate,
            &MarketUpdate {
                action: Action::Updated,
                reason: reason(event),
                old_state: None,
                new_state: None,
                market: None,
                tx_signature: Some(signature),
                contained,
            },
        )
    }
}

/// The text of a message. Our own types have string keys and nothing that JSON can't hold, so this can't fail; were it
/// to, an empty object is seen by every reader of the frame's type.
pub fn text<T: Serialize>(message: &T) -> ByteString {
    match serde_json::to_string(message) {
        Ok(text) => text.into(),
        Err(error) => {
            log::error!("a message could not be written: {error}");
            ByteString::from_static("{}")
        }
    }
}

#[derive(Serialize, ToSchema)]
struct Frame<'a, D> {
    #[serde(rename = "type")]
    frame_type: FrameType,
    channel: Channel,
    #[serde(skip_serializing_if = "Option::is_none")]
    market_id: Option<MarketAddress>,
    epoch: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    market_seq: Option<Seq>,
    slot: Slot,
    timestamp: &'a str,
    /// What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Uuid>,
    data: &'a D,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FrameType {
    TradeExecuted,
    PriceUpdate,
    MarketUpdate,
    VoteUpdate,
    Discussion,
    ConfigUpdate,
    Rollback,
}

#[derive(Serialize, ToSchema)]
struct PriceUpdate {
    price_yes: PriceE9,
    price_no: PriceE9,
    shares_yes: ShareUnits,
    shares_no: ShareUnits,
    previous_price_yes: Option<PriceE9>,
    cause: PriceCause,
}

impl PriceUpdate {
    fn of(entry: &Entry) -> Option<Self> {
        let of_state = |market: &Market, previous_price_yes: Option<PriceE9>, cause| {
            let price_yes = market.price_yes?;
            Some(Self {
                price_yes,
                price_no: price_yes.complement(),
                shares_yes: market.shares_yes,
                shares_no: market.shares_no,
                previous_price_yes,
                cause,
            })
        };
        match &entry.body {
            EntryBody::Trade { figures, .. } => Some(Self {
                price_yes: figures.price_yes,
                price_no: figures.price_yes.complement(),
                shares_yes: figures.shares_yes,
                shares_no: figures.shares_no,
                previous_price_yes: Some(figures.price_yes_before),
                cause: PriceCause::Trade,
            }),
            EntryBody::Resync { market, price_yes_before, .. } => {
                of_state(market, *price_yes_before, PriceCause::Resync)
            }
            EntryBody::Rollback { market, price_yes_before, .. } => {
                of_state(market, *price_yes_before, PriceCause::Rollback)
            }
            _ => None,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PriceCause {
    Trade,
    Resync,
    Rollback,
}

#[derive(Serialize, ToSchema)]
struct MarketUpdate {
    action: Action,
    reason: &'static str,
    old_state: Option<Phase>,
    new_state: Option<Phase>,
    market: Option<MarketView>,
    tx_signature: Option<TxSignature>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    contained: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Created,
    Updated,
}

impl Action {
    fn after(old_phase: Option<Phase>) -> Self {
        if old_phase.is_none() { Self::Created } else { Self::Updated }
    }
}

#[derive(Serialize, ToSchema)]
struct ConfigUpdate {
    reason: &'static str,
    #[serde(flatten)]
    config: ConfigView,
    tx_signature: Option<TxSignature>,
}

#[derive(Serialize, ToSchema)]
struct MarketRollback<'a> {
    reverted_seqs: &'a [Seq],
    old_state: Option<Phase>,
    new_state: Option<Phase>,
    market: MarketView,
    #[serde(skip_serializing_if = "Option::is_none")]
    tallies: Option<TalliesView>,
}

#[derive(Serialize, ToSchema)]
struct ConfigRollback<'a> {
    reverted_seqs: &'a [Seq],
    config: Option<&'a ConfigView>,
}

/// The event's name as clients know it.
fn reason(event: &ProgramEvent) -> &'static str {
    match event {
        ProgramEvent::GlobalConfigInitialized(_) => "global_config_initialized",
        ProgramEvent::ConfigUpdated(_) => "config_updated",
        ProgramEvent::ProtocolPauseStatusChanged(_) => "protocol_pause_status_changed",
        ProgramEvent::MarketCreated(_) => "market_created",
        ProgramEvent::ProposalVoteSubmitted(_) => "proposal_vote_submitted",
        ProgramEvent::ProposalAggregated(_) => "proposal_aggregated",
        ProgramEvent::ProposalApproved(_) => "proposal_approved",
        ProgramEvent::MarketActivated(_) => "market_activated",
        ProgramEvent::SharesBought(_) => "shares_bought",
        ProgramEvent::SharesSold(_) => "shares_sold",
        ProgramEvent::MarketResolved(_) => "market_resolved",
        ProgramEvent::DisputeInitiated(_) => "dispute_initiated",
        ProgramEvent::DisputeVoteSubmitted(_) => "dispute_vote_submitted",
        ProgramEvent::DisputeAggregated(_) => "dispute_aggregated",
        ProgramEvent::MarketFinalized(_) => "market_finalized",
        ProgramEvent::WinningsClaimed(_) => "winnings_claimed",
        ProgramEvent::LiquidityWithdrawn(_) => "liquidity_withdrawn",
        ProgramEvent::MarketCancelled(_) => "market_cancelled",
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
