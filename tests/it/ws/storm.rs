//! Everybody comes back at once, after a restart that took what the engine had in memory: all get everything, and
//! PostgreSQL hears next to nothing of it.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{
    network::Network,
    patience::within,
    postgres::Database,
    raw_socket::{Heard, RawSocket, is_of_clock, seq_of, text},
    socket::subscription,
};

use super::Scene;

const CLIENTS: usize = 5_000;
const MARKETS: u32 = 2;
/// On each market more than it remembers (1,024 entries).
const TRADES: u64 = 2_400;
/// Entries that most are behind, at most; they are served from what markets remember.
const BEHIND: u64 = 40;
/// One in so many is further behind than that, and is served from the journal.
const FAR_BEHIND: usize = 100;
/// Connections that are being made at a time.
const CONNECTING: usize = 400;
/// Statements that the storm may take, at most: one for ten clients, beside what the engine asks by itself meanwhile.
const STATEMENTS_MAX: usize = CLIENTS / 10;
/// What the engine asks by itself is measured for so long.
const QUIET: Duration = Duration::from_secs(3);
/// Frames of a trade.
const FRAMES: u64 = 2;

/// Resumes and reads everything up to the head; stays connected.
async fn resume(url: &str, market: MarketAddress, since: (u64, u64), head: u64) -> RawSocket {
    let ask = text(&subscription(&json!(1), market, Some(since)).to_string());
    let opened = RawSocket::try_open(url, None, &ask);
    let mut socket = within("a handshake in the storm", opened).await.unwrap();
    let (mut newest, mut frames, mut is_answered) = (since.1, 0, false);
    let due = (head - since.1) * FRAMES;
    while !is_answered || frames < due {
        let heard = socket.next().await;
        let Heard::Text(heard) = heard else { panic!("at {newest} of {head} the connection ended: {heard:?}") };
        if heard.starts_with(r#"{"type":"subscribed""#) {
            assert!(heard.contains(r#""recovered":true"#), "{heard}");
            is_answered = true;
        } else if heard.starts_with(r#"{"type":"trade_executed""#) || heard.starts_with(r#"{"type":"price_update""#) {
            let seq = seq_of(&heard).unwrap();
            // A trade's two frames: its first is of the next entry, its second of the same.
            assert_eq!(seq, since.1 + 1 + frames / FRAMES, "after {newest}");
            newest = seq;
            frames += 1;
        } else {
            assert!(heard.starts_with(r#"{"type":"welcome""#) || is_of_clock(&heard), "{heard}");
        }
    }
    assert_eq!(newest, head);
    // Nothing comes twice: the next thing is the answer to this.
    socket.send(&text("ping")).await.unwrap();
    let next = socket.next_but_clocks().await;
    assert_eq!(next.json().map(|pong| pong["type"].clone()), Some("pong".into()), "{next:?}");
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_clients_that_resume_at_once_get_everything_and_ask_the_database_next_to_nothing() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let database = Database::fresh().await;
    let network = Network::before(&database).await;
    let mut scene = Scene::behind(&database, &network.database(), MARKETS, TRADES as u32).await;
    scene.feeder.run_unpaced(TRADES).await;
    let heads = scene.heads().await;
    scene.engine.kill();
    // What the engine asks by itself is not what is counted: it looks for gaps when it starts, and then seldom; and it does
    // not govern.
    scene.engine.set("COVERAGE_INTERVAL_MS", "30000");
    scene.engine.set("ROLES", "api,ws,indexer");
    scene.engine.start().await;
    scene.engine.ready().await;

    let url = scene.engine.ws.as_str();
    let places = (0..CLIENTS).map(|number| {
        let of_the_far = number / FAR_BEHIND;
        let place = (of_the_far + number) % scene.markets.len();
        let (market, (epoch, head)) = (scene.markets[place], heads[place]);
        let since = if number.is_multiple_of(FAR_BEHIND) {
            // Everyone elsewhere, not before the market's first trade.
            4 + 2 * of_the_far as u64
        } else {
            head - number as u64 / 7 % BEHIND
        };
        (market, (epoch, since), head)
    });
    let places: Vec<_> = places.collect();
    assert!(heads.iter().all(|(_, head)| *head > 1_024 + 100), "nobody is behind what markets remember: {heads:?}");
    let before = network.asked();
    assert!(before > 0, "nothing is counted");
    tokio::time::sleep(QUIET).await;
    let by_itself = network.asked() - before;
    let (before, began) = (network.asked(), Instant::now());
    let resumed = places.iter().map(|(market, since, head)| resume(url, *market, *since, *head));
    let connected: Vec<RawSocket> = stream::iter(resumed).buffer_unordered(CONNECTING).collect().await;
    let asked = network.asked() - before;
    assert_eq!(connected.len(), CLIENTS);
    // On a slow machine the storm lasts longer, and the engine's own questions go on; some are asked once in many seconds.
    // Never so many are let pass as one for each client would be.
    let lasted = began.elapsed().as_secs() as usize;
    let meanwhile = (2 * by_itself * lasted / QUIET.as_secs() as usize).min(3 * STATEMENTS_MAX);
    assert!(
        asked <= STATEMENTS_MAX + meanwhile,
        "{asked} statements for {CLIENTS} clients in {lasted} s, {by_itself} in {QUIET:?} before"
    );
}
