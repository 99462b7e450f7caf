//! Faults of connections.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use zmart::domain::ids::MarketSeed;
use zmart_testkit::proxy::{Methods, Side, When, Which};

use super::node::Rig;

const MARKET: MarketSeed = MarketSeed([1; 32]);
/// Long enough for what is not silenced to have come.
const A_MOMENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn dropped_connections_end_and_new_ones_are_taken() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    assert_eq!(rig.faults.drop_connections(Side::Ws), 1);
    assert_eq!(listener.text().await, None);
    let mut again = rig.listen().await;
    rig.execute(1, 10, MARKET);
    assert_eq!(again.name().await, 1);
}

#[tokio::test]
async fn refused_connections_are_reset_until_the_fault_is_lifted() {
    let rig = Rig::start().await;
    let mut before = rig.listen().await;
    let faults = [rig.faults.refuse_connections(Side::Ws), rig.faults.refuse_connections(Side::Http)];
    assert!(tokio_tungstenite::connect_async(&rig.proxy.ws_url).await.is_err());
    assert!(rig.ask("getSlot", json!([])).await.is_err());
    assert_eq!(faults.each_ref().map(|fault| fault.struck()), [1, 1]);
    // Open ones stay.
    rig.execute(1, 10, MARKET);
    assert_eq!(before.name().await, 1);
    faults.iter().for_each(|fault| fault.lift());
    rig.listen().await;
    assert_eq!(rig.result("getSlot", json!([])).await, 100);
}

#[tokio::test]
async fn silence_holds_everything_while_the_sockets_stay_open() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let (http, ws) = (rig.faults.silence(Side::Http), rig.faults.silence(Side::Ws));
    ws.has_struck(1).await;
    rig.execute(1, 10, MARKET);
    assert!(timeout(A_MOMENT, listener.text()).await.is_err(), "nothing comes, and nothing ends");
    assert!(timeout(A_MOMENT, rig.ask("getSlot", json!([]))).await.is_err());
    assert_eq!(http.struck(), 1);
    assert!(rig.world().asked.is_empty(), "the question did not reach the node");
    ws.lift();
    assert_eq!(listener.name().await, 1, "what came meanwhile follows");
    assert!(timeout(A_MOMENT, rig.ask("getSlot", json!([]))).await.is_err(), "the other side is still silent");
    http.lift();
    assert_eq!(rig.result("getSlot", json!([])).await, 100);
}

#[tokio::test]
async fn a_notification_is_cut_in_the_middle() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let fault = rig.faults.cut_notifications(Which::Logs, When::Next(1));
    rig.execute(1, 10, MARKET);
    assert_eq!(listener.text().await, None);
    assert_eq!(fault.struck(), 1);
    let mut again = rig.listen().await;
    rig.execute(2, 10, MARKET);
    assert_eq!(again.name().await, 2);
}

/// The head's announcement and the bytes that came.
async fn raw(rig: &Rig, questions: usize) -> (String, usize) {
    let mut stream = TcpStream::connect(rig.proxy.rpc_url.strip_prefix("http://").unwrap()).await.unwrap();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "getSlot"}).to_string();
    let mut answer = Vec::new();
    for _ in 0..questions {
        let ask = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(ask.as_bytes()).await.unwrap();
        if stream.read_buf(&mut answer).await.unwrap() == 0 {
            break;
        }
    }
    drop(stream.shutdown().await);
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_default();
    (head.to_owned(), rest.len())
}

#[tokio::test]
async fn an_answer_is_cut_in_the_middle_or_never_begins() {
    let rig = Rig::start().await;
    let cut = rig.faults.cut_answers(Methods::Of(&["getSlot"]), When::Next(1));
    let (head, came) = raw(&rig, 1).await;
    let announced: usize = head.rsplit_once("content-length: ").unwrap().1.parse().unwrap();
    assert_eq!(came, announced / 2);
    assert_eq!(cut.struck(), 1);
    cut.lift();
    let hung_up = rig.faults.hang_up(Methods::All, When::Next(1));
    assert_eq!(raw(&rig, 1).await, (String::new(), 0));
    assert_eq!(hung_up.struck(), 1);
    assert_eq!(rig.world().asked.len(), 2, "the node executed the call");
}

#[tokio::test]
async fn one_connection_carries_several_questions() {
    let rig = Rig::start().await;
    let (head, rest) = raw(&rig, 3).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(rest > 2 * head.len(), "two more answers");
    assert_eq!(rig.world().asked.len(), 3);
}
