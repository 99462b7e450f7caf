//! Live notifications from a scripted node on the loopback interface.

use futures_util::SinkExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::*;

const PROGRAM: ProgramId = ProgramId([9; 32]);
const LOGS: u64 = 22;
const SLOTS: u64 = 11;

fn notification(subscription: u64, result: Value) -> Value {
    let method = if subscription == LOGS { "logsNotification" } else { "slotNotification" };
    json!({ "jsonrpc": "2.0", "method": method, "params": { "result": result, "subscription": subscription } })
}

fn slot(slot: u64) -> Value {
    notification(SLOTS, json!({ "slot": slot, "parent": 0, "root": 0 }))
}

fn logs(signature: &str, err: Value) -> Value {
    let value = json!({ "signature": signature, "err": err, "logs": ["Program log: x"] });
    notification(LOGS, json!({ "context": { "slot": 5 }, "value": value }))
}

/// A node that acknowledges both subscriptions, says its lines, and then closes the socket or keeps it open. What it was
/// asked comes back.
async fn node(script: Vec<Value>, keep_open: bool) -> (String, oneshot::Receiver<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let (asked_sender, asked) = oneshot::channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let mut requests = Vec::new();
        while requests.len() < 2 {
            let Some(Ok(Message::Text(text))) = socket.next().await else { return };
            let request: Value = serde_json::from_str(&text).unwrap();
            let id = if request["method"] == "logsSubscribe" { LOGS } else { SLOTS };
            let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": id });
            socket.send(Message::text(answer.to_string())).await.unwrap();
            requests.push(request);
        }
        for line in script {
            socket.send(Message::text(line.to_string())).await.unwrap();
        }
        if keep_open {
            // Answers nothing; ends when the other side closes.
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() {
                    break;
                }
            }
        } else {
            let _ = socket.close(None).await;
        }
        let _ = asked_sender.send(requests);
    });
    (url, asked)
}

fn options(url: String) -> LiveOptions {
    LiveOptions {
        url,
        program: PROGRAM,
        connect_timeout: Duration::from_secs(5),
        silent_after: Duration::from_millis(300),
    }
}

/// Follows until the end; what came, and the end.
async fn run(options: LiveOptions, capacity: usize) -> (Vec<LiveInput>, LiveEnd) {
    let (sender, mut receiver) = mpsc::channel(capacity);
    let (_stop, stopped) = oneshot::channel();
    let end = follow(options, sender, stopped).await;
    let mut inputs = Vec::new();
    while let Ok(input) = receiver.try_recv() {
        inputs.push(input);
    }
    (inputs, end)
}

fn signature(byte: u8) -> String {
    TxSignature([byte; 64]).to_string()
}

#[tokio::test]
async fn logs_and_slots_come_after_both_subscriptions_stand_and_placeholders_of_signatures_do_not() {
    let failed = json!({ "InstructionError": [0, { "Custom": 6018 }] });
    // Neither what is no signature nor the placeholder of one names a transaction.
    let nobody = [logs("x", Value::Null), logs(&signature(0), Value::Null)];
    let script = vec![slot(6), logs(&signature(1), Value::Null), logs(&signature(2), failed)];
    let script = script.into_iter().chain(nobody).collect();
    let (url, asked) = node(script, true).await;
    let (inputs, end) = run(options(url), 16).await;
    assert_eq!(end, LiveEnd::Silent(Duration::from_millis(300)));
    let transaction = |byte, failed| {
        LiveInput::Logs(RawTransaction {
            signature: TxSignature([byte; 64]),
            slot: 5,
            index_in_block: None,
            block_time: None,
            failed,
            logs: Some(vec!["Program log: x".into()]),
            invocations: None,
        })
    };
    assert_eq!(inputs[0], LiveInput::Subscribed);
    assert!(inputs.contains(&LiveInput::Slot(Slot(6))));
    let logs: Vec<_> = inputs.into_iter().filter(|input| matches!(input, LiveInput::Logs(_))).collect();
    assert_eq!(logs, [transaction(1, false), transaction(2, true)]);

    let asked = asked.await.unwrap();
    let subscription = asked.iter().find(|request| request["method"] == "logsSubscribe").unwrap();
    assert_eq!(subscription["params"], json!([{ "mentions": [PROGRAM] }, { "commitment": "confirmed" }]));
    assert!(asked.iter().any(|request| request["method"] == "slotSubscribe"));
}

#[tokio::test]
async fn a_closed_socket_and_what_is_no_json_end_the_stream() {
    let (url, _asked) = node(vec![slot(1)], false).await;
    assert_eq!(run(options(url), 16).await.1, LiveEnd::StreamEnded);
    let (url, _asked) = node(vec![json!("not an object")], true).await;
    assert_eq!(run(options(url), 16).await.1, LiveEnd::StreamEnded);
}

#[tokio::test]
async fn a_full_receiver_ends_it_and_closes_the_socket() {
    let script = (0..8).map(|byte| logs(&signature(byte), Value::Null)).collect();
    let (url, asked) = node(script, true).await;
    let (inputs, end) = run(options(url), 3).await;
    assert_eq!(end, LiveEnd::ReceiverFull);
    assert_eq!(inputs.len(), 3, "what fitted is kept");
    timeout(Duration::from_secs(5), asked).await.expect("the node sees the socket closed").unwrap();
}

#[tokio::test]
async fn slots_alone_never_fill_the_receiver() {
    let (url, _asked) = node((0..20).map(slot).collect(), true).await;
    let (inputs, end) = run(options(url), 2).await;
    assert_eq!(end, LiveEnd::Silent(Duration::from_millis(300)));
    assert_eq!(inputs, [LiveInput::Subscribed, LiveInput::Slot(Slot(0))]);
}

#[tokio::test]
async fn logs_do_not_keep_a_socket_without_slots_alive() {
    let (url, _asked) = node(vec![logs(&signature(1), Value::Null)], true).await;
    let (inputs, end) = run(options(url), 16).await;
    assert_eq!((inputs.len(), end), (2, LiveEnd::Silent(Duration::from_millis(300))));
}

#[tokio::test]
async fn a_node_that_is_not_there_or_never_answers_is_told() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", nobody.local_addr().unwrap());
    let impatient = LiveOptions { connect_timeout: Duration::from_millis(200), ..options(url.clone()) };
    assert_eq!(run(impatient, 16).await.1, LiveEnd::ConnectFailed("no answer in time".into()));
    drop(nobody);
    assert!(matches!(run(options(url), 16).await.1, LiveEnd::ConnectFailed(_)));
    assert!(matches!(run(options("no address".into()), 16).await.1, LiveEnd::ConnectFailed(_)));
}

#[tokio::test]
async fn it_stops_when_asked_and_when_nobody_listens() {
    let (url, _asked) = node(vec![], true).await;
    let patient = LiveOptions { silent_after: Duration::from_secs(60), ..options(url) };
    let (sender, mut receiver) = mpsc::channel(16);
    let (stop, stopped) = oneshot::channel();
    let following = tokio::spawn(follow(patient, sender, stopped));
    assert_eq!(receiver.recv().await, Some(LiveInput::Subscribed));
    stop.send(()).unwrap();
    assert_eq!(following.await.unwrap(), LiveEnd::Stopped);

    let (url, _asked) = node(vec![], true).await;
    let patient = LiveOptions { silent_after: Duration::from_secs(60), ..options(url) };
    let (sender, mut receiver) = mpsc::channel(16);
    let (_stop, stopped) = oneshot::channel();
    let following = tokio::spawn(follow(patient, sender, stopped));
    assert_eq!(receiver.recv().await, Some(LiveInput::Subscribed));
    drop(receiver);
    assert_eq!(following.await.unwrap(), LiveEnd::ReceiverClosed);
}

#[test]
fn the_logs_are_asked_for_as_confirmed() {
    assert_eq!(serde_json::to_value(confirmed_logs()).unwrap(), json!({ "commitment": "confirmed" }));
}
