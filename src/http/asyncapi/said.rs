//! What a client may say, for readers of the document: each variant is an action, its comment the description there.
//!
//! `ws::protocol` and `ws::commands` read messages by hand, to name what is wrong with them; nothing here is ever made. What
//! commands take are the bodies of their routes, so these can't differ; the rest is held against the parser by tests.
#![allow(dead_code)] // descriptions

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    domain::{
        ids::{TxSignature, Wallet},
        tally::VoteKind,
    },
    http::{
        routes::{
            markets::{create::CreateBody, resolve::ResolveBody, steps::StepBody},
            trades::{buy::BuyBody, sell::SellBody},
            transactions::submit::SubmitBody,
            votes::cast::VoteBody,
        },
        ws::messages::Position,
    },
    view::{frame::described::Schemas, quote::TradeSide},
};

/// An action, without its `id`.
#[derive(ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
enum Said {
    /// Frames of these channels, each once. Names `market_id`, or `channels`, or both; answered by `subscribed` for each.
    Subscribe {
        market_id: Option<String>,
        channels: Option<Vec<String>>,
        /// Where to resume: the newest place that is known, by channel, named as it is subscribed to.
        since: Option<BTreeMap<String, Position>>,
        /// One price for several, at most every `interval_ms`; everything else as it comes.
        conflate: Option<bool>,
        /// From 50 to 5,000; 250 unless said otherwise.
        #[schema(minimum = 50, maximum = 5_000)]
        interval_ms: Option<u64>,
    },
    /// No more frames of these channels, or no more of a quote stream, or nothing more where nothing is named; answered by
    /// `reply`.
    Unsubscribe {
        market_id: Option<String>,
        channels: Option<Vec<String>>,
        /// The id of a quote stream.
        quote: Option<Value>,
    },
    /// Which channels am I subscribed to? Answered by `reply`.
    List {},
    /// Signs the connection in, or on: answered by `reply`. A connection is one wallet's.
    Auth {
        /// An access token of POST /api/auth/login or /refresh.
        token: String,
    },
    /// What a trade would do now; answered by `quote`. For `shares`, or what `spend` buys.
    Quote {
        market_id: String,
        trade_type: TradeSide,
        /// YES or NO.
        outcome: String,
        /// Base units, a decimal string.
        shares: Option<String>,
        /// Lamports, a decimal string; of buys only.
        spend: Option<String>,
        /// Again whenever it is another one; the stream is named by the id.
        stream: Option<bool>,
    },
    /// A signed transaction, to be brought to the chain (signed in), as POST /api/transactions; answered by `reply`.
    Submit {
        #[serde(flatten)]
        body: SubmitBody,
        idempotency_key: Option<String>,
    },
    /// A vote on a proposal or a dispute (signed in), as POST /api/votes/…; answered by `reply`.
    Vote {
        vote_type: VoteKind,
        #[serde(flatten)]
        body: VoteBody,
        idempotency_key: Option<String>,
    },
    /// Are you there? Answered by `pong`; so is the bare text `ping`.
    Ping {},
    /// I am here. Not answered.
    Pong {},
}

/// `build`, by `op`.
#[derive(ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Build {
    /// A buy as an unsigned transaction (signed in), as POST /api/trades/buy.
    Buy {
        #[serde(flatten)]
        body: BuyBody,
    },
    /// A sell as an unsigned transaction (signed in), as POST /api/trades/sell.
    Sell {
        #[serde(flatten)]
        body: SellBody,
    },
    /// A new market as an unsigned transaction (signed in), as POST /api/markets.
    CreateMarket {
        #[serde(flatten)]
        body: CreateBody,
        idempotency_key: Option<String>,
    },
    /// A proposed outcome as an unsigned transaction (signed in), as POST /api/markets/{market}/resolve.
    Resolve {
        market_id: String,
        #[serde(flatten)]
        body: ResolveBody,
    },
    /// A dispute as an unsigned transaction (signed in), as POST /api/markets/{market}/dispute.
    Dispute {
        market_id: String,
        #[serde(flatten)]
        body: StepBody,
    },
    /// The opening of trade as an unsigned transaction (signed in), as POST /api/markets/{market}/activate.
    Activate {
        market_id: String,
        #[serde(flatten)]
        body: StepBody,
    },
    /// A claim of winnings as an unsigned transaction (signed in), as POST /api/markets/{market}/claim.
    Claim {
        market_id: String,
        #[serde(flatten)]
        body: StepBody,
    },
    /// A withdrawal of liquidity as an unsigned transaction (signed in), as POST /api/markets/{market}/withdraw.
    Withdraw {
        market_id: String,
        #[serde(flatten)]
        body: StepBody,
    },
}

/// `get`, by `what`.
#[derive(ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
enum Get {
    /// A market, as GET /api/markets/{market}.
    Market { market_id: String },
    /// A page of markets, as GET /api/markets.
    Markets {
        state: Option<String>,
        category: Option<String>,
        creator: Option<Wallet>,
        search: Option<String>,
        ending_before: Option<String>,
        sort: Option<String>,
        order: Option<String>,
        limit: Option<u32>,
        offset: Option<u32>,
        cursor: Option<String>,
    },
    /// What is in force on the chain, as GET /api/config.
    Config {},
    /// Both tallies of a market, as GET /api/votes/{market}.
    Votes { market_id: String },
    /// A wallet's positions, or one's own, as GET /api/users/{wallet}/positions.
    Positions { wallet: Option<Wallet>, limit: Option<u32>, offset: Option<u32>, cursor: Option<String> },
    /// A wallet's portfolio, or one's own, as GET /api/users/{wallet}/portfolio.
    Portfolio { wallet: Option<Wallet>, window: Option<String>, points: Option<u32> },
    /// One's own trades (signed in), as GET /api/trades/history.
    Trades { limit: Option<u32>, offset: Option<u32>, cursor: Option<String> },
    /// One's own transaction (signed in), as GET /api/transactions/{signature}.
    Transaction { signature: TxSignature },
}

/// An action, for readers; one that is of several kinds is told once for each.
#[derive(Debug, Clone)]
pub struct DescribedAction {
    /// Its key in the document: the action, and its kind if it is of several.
    pub key: String,
    /// The action.
    pub action: String,
    /// The whole of it, as parts.
    pub schema: Value,
}

/// All of them; the schemas that they name are added to `schemas`.
pub fn actions(schemas: &mut Schemas) -> Vec<DescribedAction> {
    Said::schemas(schemas);
    Build::schemas(schemas);
    Get::schemas(schemas);
    let mut all = variants(&value(&Said::schema()), "action", None);
    all.extend(variants(&value(&Build::schema()), "op", Some("build")));
    all.extend(variants(&value(&Get::schema()), "what", Some("get")));
    all
}

/// The variants of a tagged enum, with what any message has.
fn variants(whole: &Value, tag: &str, of: Option<&str>) -> Vec<DescribedAction> {
    let variants = whole.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let told = variants.filter_map(|variant| {
        let kind = tag_of(variant, tag)?;
        let action = of.unwrap_or(&kind).to_owned();
        let any = json!({
            "type": "object",
            "required": ["action"],
            "properties": {
                "id": {"description": "Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer."},
                "action": {"type": "string", "enum": [action]},
            },
        });
        let mut parts = match variant.get("allOf").and_then(Value::as_array) {
            Some(parts) => parts.clone(),
            None => vec![variant.clone()],
        };
        parts.push(any);
        let key = of.map_or_else(|| kind.clone(), |of| format!("{of}_{kind}"));
        Some(DescribedAction { key, action, schema: json!({"allOf": parts, "description": variant["description"]}) })
    });
    told.collect()
}

/// The tag of a variant: it stands in one of its parts where something is flattened into it.
fn tag_of(schema: &Value, tag: &str) -> Option<String> {
    let own = schema.pointer(&format!("/properties/{tag}/enum/0")).and_then(Value::as_str).map(str::to_owned);
    own.or_else(|| schema.get("allOf")?.as_array()?.iter().find_map(|part| tag_of(part, tag)))
}

fn value<T: serde::Serialize>(schema: &T) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// One of each: what the document shows, and what the parser is given by a test.
pub fn examples() -> Vec<Value> {
    const MARKET: &str = "GthTyfd3EV9Y8wN6zhZeES5PgT2jQVzLrZizfZquAY5S";
    let market = format!("market:{MARKET}");
    let mut since = serde_json::Map::new();
    since.insert(market.clone(), json!({"epoch": 1, "seq": 12}));
    let signature = format!("{}", TxSignature([7; 64]));
    let step = |op: &str| json!({"id": 1, "action": "build", "op": op, "market_id": MARKET});
    vec![
        json!({"id": 1, "action": "subscribe", "channels": [market, "config"], "since": since}),
        json!({"id": 1, "action": "unsubscribe", "channels": [market]}),
        json!({"id": 1, "action": "list"}),
        json!({"id": 1, "action": "auth", "token": "eyJ…"}),
        json!({"id": 1, "action": "quote", "market_id": MARKET, "trade_type": "buy", "outcome": "YES",
               "spend": "1000000000", "stream": true}),
        json!({"id": 1, "action": "build", "op": "buy", "market_id": MARKET, "outcome": "YES", "spend": "1000000000"}),
        json!({"id": 1, "action": "build", "op": "sell", "market_id": MARKET, "outcome": "YES", "shares": "1000000000",
               "min_proceeds": "400000000"}),
        json!({"id": 1, "action": "build", "op": "create_market", "question": "Will it rain in Oslo on 1 May 2027?",
               "category": "weather", "b_parameter": "100000000000", "initial_liquidity": "10000000000"}),
        json!({"id": 1, "action": "build", "op": "resolve", "market_id": MARKET, "outcome": "YES",
               "evidence": {"summary": "It rained."}}),
        step("dispute"),
        step("activate"),
        step("claim"),
        step("withdraw"),
        json!({"id": 1, "action": "submit", "transaction": "AQAAAA…", "client_ref": "my-order-1"}),
        json!({"id": 1, "action": "vote", "vote_type": "proposal", "market_id": MARKET, "vote": true}),
        json!({"id": 1, "action": "get", "what": "market", "market_id": MARKET}),
        json!({"id": 1, "action": "get", "what": "markets", "state": "ACTIVE", "limit": 50}),
        json!({"id": 1, "action": "get", "what": "config"}),
        json!({"id": 1, "action": "get", "what": "votes", "market_id": MARKET}),
        json!({"id": 1, "action": "get", "what": "positions"}),
        json!({"id": 1, "action": "get", "what": "portfolio", "window": "7d"}),
        json!({"id": 1, "action": "get", "what": "trades", "limit": 50}),
        json!({"id": 1, "action": "get", "what": "transaction", "signature": signature}),
        json!({"id": 1, "action": "ping"}),
        json!({"action": "pong"}),
    ]
}

/// The key of what an example shows.
pub fn key_of(example: &Value) -> String {
    let text = |name: &str| example.get(name).and_then(Value::as_str);
    let action = text("action").unwrap_or_default();
    match text("op").or(text("what")) {
        Some(kind) => format!("{action}_{kind}"),
        None => action.to_owned(),
    }
}

/// By which messages an action is answered; beside `error`, and for `pong` by none.
pub fn answers(action: &str) -> &'static [&'static str] {
    match action {
        "subscribe" => &["subscribed"],
        "unsubscribe" | "list" => &["reply"],
        "auth" => &["reply_auth"],
        "quote" => &["quote"],
        "build" => &["reply_build"],
        "submit" => &["reply_submit"],
        "vote" => &["reply_vote"],
        "get" => &["reply_get"],
        "ping" => &["pong"],
        _ => &[],
    }
}
