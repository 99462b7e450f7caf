//! What the WebSocket's document says of frames and channels: two tables, and nothing that could say otherwise than the
//! code: the schema of a frame is that of the struct it is written from.
//!
//! A new type of frame, or an old one on a new channel, is a line of [`frames`]; without one it does not compile.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::{
    Channel, ConfigRollback, ConfigUpdate, DiscussionFrame, Frame, FrameType, MarketRollback, MarketUpdate,
    PriceUpdate, TradeView, VoteView,
};
use crate::view::order;

/// Schemas by name, as `$ref`s name them.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// A kind of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// A market's.
    Market,
    /// The config's.
    Config,
    /// What a list of markets shows of each.
    Markets,
    /// Every market's trades.
    Trades,
    /// Every market's price.
    Ticker,
    /// A wallet's own.
    Wallet,
}

/// A kind of channel, for readers.
#[derive(Debug, Clone, Copy)]
pub struct DescribedChannel {
    /// Its key in the document.
    pub key: &'static str,
    /// How it is named, with parameters in braces.
    pub address: &'static str,
    /// What its names match.
    pub pattern: &'static str,
    /// The parameters, and what they are.
    pub parameters: &'static [(&'static str, &'static str)],
    /// What comes on it.
    pub about: &'static str,
    /// Fields that its frames have, of those that some have.
    pub has: &'static [&'static str],
}

/// Fields that frames of some channels have.
const ON_SOME: [(&str, &str); 3] = [("market_id", "MarketAddress"), ("market_seq", "Seq"), ("seq", "Seq")];

impl ChannelKind {
    /// All.
    pub const ALL: [Self; 6] = [Self::Market, Self::Config, Self::Markets, Self::Trades, Self::Ticker, Self::Wallet];

    /// Its line of the table.
    pub fn described(self) -> DescribedChannel {
        match self {
            Self::Market => DescribedChannel {
                key: "market",
                address: "market:{market_id}",
                pattern: "^market:[1-9A-HJ-NP-Za-km-z]{32,44}$",
                parameters: &[(
                    "market_id",
                    "The market's account address (base58); a client may also name it by its seed (64 hexadecimal digits).",
                )],
                about: "Everything that happens to a market.",
                has: &["market_id", "seq"],
            },
            Self::Config => DescribedChannel {
                key: "config",
                address: "config",
                pattern: "^config$",
                parameters: &[],
                about: "Fees, thresholds, periods and the pause flag of the program. Its frames also come to every \
                        connection that has any subscription.",
                has: &["seq"],
            },
            Self::Markets => DescribedChannel {
                key: "markets",
                address: "markets",
                pattern: "^markets$",
                parameters: &[],
                about: "What a list of markets shows of each: its beginning, phases, metadata, votes, and what is taken back.",
                has: &["market_id", "market_seq", "seq"],
            },
            Self::Trades => DescribedChannel {
                key: "trades",
                address: "trades",
                pattern: "^trades$",
                parameters: &[],
                about: "Every market's trades, and roll-backs, which may take trades back.",
                has: &["market_id", "market_seq", "seq"],
            },
            Self::Ticker => DescribedChannel {
                key: "ticker",
                address: "ticker",
                pattern: "^ticker$",
                parameters: &[],
                about: "Every market's newest price. No numbers: what was missed is not told again, a subscription begins with \
                        a snapshot.",
                has: &["market_id", "market_seq"],
            },
            Self::Wallet => DescribedChannel {
                key: "wallet",
                address: "wallet:{wallet}",
                pattern: "^wallet:[1-9A-HJ-NP-Za-km-z]{32,44}$",
                parameters: &[("wallet", "The wallet that the connection is signed in as, base58.")],
                about: "What concerns a wallet alone, for itself. No numbers: a subscription begins with a snapshot.",
                has: &[],
            },
        }
    }
}

/// A frame, for readers.
#[derive(Debug, Clone)]
pub struct DescribedFrame {
    /// Its `type`.
    pub frame_type: String,
    /// The channel that it comes on.
    pub channel: ChannelKind,
    /// What it tells.
    pub about: &'static str,
    /// The whole of it.
    pub schema: Value,
}

macro_rules! frames {
    ($($kind:ident on $channel:ident: $data:ty, $about:literal;)+) => {
        /// Every type of frame on every kind of channel; the schemas that they name are added to `schemas`.
        pub fn frames(schemas: &mut Schemas) -> Vec<DescribedFrame> {
            let mut all = vec![$({
                Frame::<'static, $data>::schemas(schemas);
                schemas.push((<$data>::name().into_owned(), <$data>::schema()));
                let schema = serde_json::to_value(Frame::<'static, $data>::schema()).unwrap_or_default();
                described(FrameType::$kind, ChannelKind::$channel, $about, schema)
            }),+];
            all.extend(order::described(schemas).map(of_wallet));
            all
        }

        /// Says nothing: a type without a line does not compile.
        #[allow(unreachable_patterns)] // some have a line for each of several channels
        const fn _is_told(frame_type: FrameType) {
            match frame_type {
                $(FrameType::$kind => {})+
            }
        }
    };
}

frames! {
    TradeExecuted on Market: TradeView, "A trade.";
    TradeExecuted on Trades: TradeView, "A trade.";
    PriceUpdate on Market: SomePrice, "The price after a trade, a resync or a roll-back, or after several.";
    PriceUpdate on Ticker: PriceUpdate, "The price of a market after entry `market_seq` of it.";
    MarketUpdate on Market: MarketUpdate, "A step of the market's life, an adopted state, or what the market is about.";
    MarketUpdate on Markets: MarketUpdate, "A step of a market's life, an adopted state, or what a market is about.";
    VoteUpdate on Market: VoteView, "A vote, and what is counted after it.";
    VoteUpdate on Markets: VoteView, "A vote, and what is counted after it.";
    Discussion on Market: DiscussionFrame<'static>, "A comment that was written or deleted.";
    Rollback on Market: MarketRollback<'static>, "Entries that are not what the chain holds, and the state that holds now.";
    Rollback on Markets: MarketRollback<'static>,
        "Entries of a market that are not what the chain holds, and the state that holds now.";
    Rollback on Trades: MarketRollback<'static>,
        "Entries of a market that are not what the chain holds, and the state that holds now.";
    ConfigUpdate on Config: ConfigUpdate, "The config in force.";
    Rollback on Config: ConfigRollback<'static>, "Entries that are not what the chain holds, and the config that holds now.";
}

/// The data of a price as `view::pack` may rewrite it. Never written itself.
#[derive(Serialize, ToSchema)]
struct SomePrice {
    #[serde(flatten)]
    price: PriceUpdate,
    /// It stands for so many prices, of the entries from `from_seq` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    conflated: Option<u64>,
}

/// A frame with what is true of it on that channel.
fn described(frame_type: FrameType, kind: ChannelKind, about: &'static str, mut schema: Value) -> DescribedFrame {
    let (channel, name) = (kind.described(), type_of(frame_type));
    schema["description"] = about.into();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.insert("type".into(), json!({"type": "string", "enum": [name]}));
        properties.insert("channel".into(), json!({"type": "string", "pattern": channel.pattern}));
        if matches!((frame_type, kind), (FrameType::PriceUpdate, ChannelKind::Market)) {
            let about = "Where it stands for several prices: the first entry whose price it stands for.";
            properties.insert("from_seq".into(), json!({"$ref": "#/components/schemas/Seq", "description": about}));
        }
        for (field, place) in ON_SOME {
            if channel.has.contains(&field) {
                properties.insert(field.into(), json!({"$ref": format!("#/components/schemas/{place}")}));
            } else {
                properties.remove(field);
            }
        }
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.extend(channel.has.iter().map(|field| Value::from(*field)));
    }
    DescribedFrame { frame_type: name, channel: kind, about, schema }
}

/// A frame of a wallet's own channel.
fn of_wallet((frame_type, about, mut schema): (&'static str, &'static str, Value)) -> DescribedFrame {
    let channel = ChannelKind::Wallet;
    schema["description"] = about.into();
    schema["properties"]["type"] = json!({"type": "string", "enum": [frame_type]});
    schema["properties"]["channel"] = json!({"type": "string", "pattern": channel.described().pattern});
    if let Some(required) = schema["required"].as_array_mut() {
        required.push("type".into());
    }
    DescribedFrame { frame_type: frame_type.to_owned(), channel, about, schema }
}

/// As it stands in JSON.
fn type_of(frame_type: FrameType) -> String {
    serde_json::to_value(frame_type).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

impl PartialSchema for Channel {
    fn schema() -> RefOr<Schema> {
        let names: Vec<_> = ChannelKind::ALL.map(|kind| format!("({})", kind.described().pattern)).into();
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.description(Some("A channel, as the server names it.")).pattern(Some(names.join("|"))).into()
    }
}
impl ToSchema for Channel {}
