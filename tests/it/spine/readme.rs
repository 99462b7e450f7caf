//! The transcript in README.md, played against a real engine: what it shows is what a client hears.

use zmart::domain::event::Outcome;
use zmart_testkit::{chain::SOL, socket::Connection, stage::Stage};

use super::transcript::{Line, difference, transcript, with};

/// Fields whose values are as shown; of the others only the kind is.
const EXACT: &[&str] = &[
    "id",
    "type",
    "channel",
    "market_id",
    "recovered",
    "action",
    "reason",
    "old_state",
    "new_state",
    "state",
    "cause",
    "trade_type",
    "outcome",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_transcript_of_the_readme_really_runs() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let lines = transcript(&readme, "websocket");
    let shown_market = lines
        .iter()
        .find_map(|line| match line {
            Line::Sent(sent) => sent["market_id"].as_str(),
            Line::Heard(_) => None,
        })
        .expect("a subscription")
        .to_owned();

    let stage = Stage::set().await;
    let trader = stage.chain.client().funded_wallet().await;
    let market = stage.chain.active_market(&trader, 100 * SOL).await;
    stage.shown_active(market).await;
    let mut connection = Connection::open(&stage.engine.ws).await;
    let mut traded = false;
    for line in &lines {
        match line {
            Line::Sent(sent) => connection.send(with(sent, &shown_market, &market.to_string())).await,
            Line::Heard(shown) => {
                if shown["type"] == "trade_executed" && !traded {
                    traded = true;
                    stage.chain.client().buy(market, &trader, Outcome::Yes, SOL).await;
                }
                let heard = loop {
                    let frame = connection.next().await.unwrap();
                    let in_passing = frame["type"] == "heartbeat" || frame["type"] == "commitment";
                    if !in_passing || frame["type"] == shown["type"] {
                        break frame;
                    }
                };
                let heard = with(&heard, &market.to_string(), &shown_market);
                assert_eq!(difference(shown, &heard, EXACT, ""), None, "\nshown: {shown}\nheard: {heard}");
            }
        }
    }
    assert!(traded, "the transcript shows no trade");
}
