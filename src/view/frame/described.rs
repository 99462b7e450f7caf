//! What the WebSocket's document says of frames and channels: two tables, and nothing that could say otherwise than the
//! code: the schema of a frame is that of the struct it is written from.
//!
//! A new type of frame, or an old one on a new channel, is a line of [`frames`]; without one it does not compile.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::{
    Channel, ConfigRollback, ConfigUpdate, DiscussionFrame, Frame, FrameType, MarketRollback, MarketUpdate, PriceUpdate,
    TradeView, VoteView,
};

/// Schemas by name, as `$ref`s name them.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// A kind of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// A market's.
    Market,
    /// The config's.
    Config,
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
    /// Its frames bear the market's address.
    pub has_market: bool,
}

impl ChannelKind {
    /// All.
    pub const ALL: [Self; 2] = [Self::Market, Self::Config];

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
                has_market: true,
            },
            Self::Config => DescribedChannel {
                key: "config",
                address: "config",
                pattern: "^config$",
                parameters: &[],
                about: "Fees, thresholds, periods and the pause flag of the program. Its frames also come to every \
                        connection that has any subscription.",
                has_market: false,
            },
        }
    }
}

/// A frame, for readers.
#[allow(missing_debug_implementations)] // schemas have none
pub struct DescribedFrame {
    /// Its `type`.
    pub frame_type: String,
    /// The channel that it comes on.
    pub channel: ChannelKind,
    /// What it tells.
    pub about: &'static str,
    /// The whole of it.
    pub schema: RefOr<Schema>,
}

macro_rules! frames {
    ($($kind:ident on $channel:ident: $data:ty, $about:literal;)+) => {
        /// Every type of frame on every kind of channel; the schemas that they name are added to `schemas`.
        pub fn frames(schemas: &mut Schemas) -> Vec<DescribedFrame> {
            vec![$({
                Frame::<'static, $data>::schemas(schemas);
                schemas.push((<$data>::name().into_owned(), <$data>::schema()));
                DescribedFrame {
                    frame_type: type_of(FrameType::$kind),
                    channel: ChannelKind::$channel,
                    about: $about,
                    schema: Frame::<'static, $data>::schema(),
                }
            }),+]
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
    PriceUpdate on Market: PriceUpdate, "The price after a trade, a resync or a roll-back.";
    MarketUpdate on Market: MarketUpdate, "A step of the market's life, an adopted state, or what the market is about.";
    VoteUpdate on Market: VoteView, "A vote, and what is counted after it.";
    Discussion on Market: DiscussionFrame<'static>, "A comment that was written or deleted.";
    Rollback on Market: MarketRollback<'static>, "Entries that are not what the chain holds, and the state that holds now.";
    ConfigUpdate on Config: ConfigUpdate, "The config in force.";
    Rollback on Config: ConfigRollback<'static>, "Entries that are not what the chain holds, and the config that holds now.";
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
