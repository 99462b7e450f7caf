//! The client against a scripted node on the loopback interface.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    chain::anchor::accounts::{AccountKind, encode_account},
    domain::{
        account::VoteRecordAccount,
        amount::UnixSeconds,
        ids::{MarketAddress, TxSignature},
    },
};

/// One scripted answer: a status line with headers, and a body. `None`: the connection is closed without an answer.
pub(crate) type Answer = Option<(&'static str, Value)>;

pub(crate) struct Node {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

/// A node that gives each call the next answer of its script, and the last one for ever.
pub(super) async fn node(script: Vec<Answer>) -> Node {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    tokio::spawn(async move {
        let mut next = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(request) = read_request(&mut stream).await else { continue };
            seen.lock().unwrap().push(request);
            if let Some((head, body)) = &script[next.min(script.len() - 1)] {
                let body = body.to_string();
                let answer =
                    format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
            next += 1;
        }
    });
    Node { url, asked }
}

async fn read_request(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
        if let Ok(request) = serde_json::from_str(body) {
            return Some(request);
        }
    }
}

pub(super) const PROGRAM: ProgramId = ProgramId([9; 32]);
const OK: &str = "200 OK";

pub(crate) fn result(value: Value) -> Answer {
    Some((OK, json!({ "jsonrpc": "2.0", "id": 1, "result": value })))
}

pub(crate) fn refusal(code: i64, data: Value) -> Answer {
    Some((OK, json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": "words", "data": data } })))
}

fn client(url: &str) -> ChainRpc {
    let options = RpcOptions {
        attempt_timeout: Duration::from_millis(500),
        call_timeout: Duration::from_secs(4),
        attempts: 3,
        ..RpcOptions::new(url, PROGRAM)
    };
    ChainRpc::new(options, RpcBudget::new(NonZeroU32::new(1000).unwrap())).unwrap()
}

pub(crate) async fn asked_of(script: Vec<Answer>) -> (Node, ChainRpc) {
    let node = node(script).await;
    let client = client(&node.url);
    (node, client)
}

impl Node {
    pub(super) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_read_is_repeated_past_passing_failures() {
    let script = vec![Some(("503 Service Unavailable", json!({}))), refusal(-32005, json!({})), result(json!(77))];
    let (node, client) = asked_of(script).await;
    assert_eq!(client.slot(Commitment::Finalized).await.unwrap(), Slot(77));
    assert_eq!(node.count(), 3);
    let asked = node.asked.lock().unwrap();
    assert_eq!(asked[2]["method"], "getSlot");
    assert_eq!(asked[2]["params"], json!([{ "commitment": "finalized" }]));
}

#[tokio::test]
async fn a_read_ends_after_its_attempts() {
    let (node, client) = asked_of(vec![None]).await;
    let error = client.slot(Commitment::Confirmed).await.unwrap_err();
    assert!(matches!(error, ChainReadError::Unavailable { method: "getSlot", .. }), "{error}");
    assert_eq!(node.count(), 3);
}

#[tokio::test]
async fn a_refusal_and_a_bad_answer_are_not_repeated() {
    let (node, client) =
        asked_of(vec![refusal(-32602, json!(null)), result(json!("x")), refusal(-32011, json!(null))]).await;
    let slot = || client.slot(Commitment::Confirmed);
    assert!(matches!(slot().await.unwrap_err(), ChainReadError::Refused { code: -32602, .. }));
    assert!(matches!(slot().await.unwrap_err(), ChainReadError::BadAnswer { .. }));
    assert!(matches!(slot().await.unwrap_err(), ChainReadError::HistoryGone { .. }));
    assert_eq!(node.count(), 3);
}

#[tokio::test]
async fn too_many_requests_pause_every_call_as_long_as_the_node_asks() {
    let limited = Some(("429 Too Many Requests\r\nretry-after: 1", json!({})));
    let (_node, client) = asked_of(vec![limited, result(json!(5))]).await;
    let start = Instant::now();
    let other = client.clone();
    let (slot, height) = tokio::join!(client.slot(Commitment::Confirmed), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.block_height(Commitment::Confirmed).await
    });
    assert_eq!((slot.unwrap(), height.unwrap()), (Slot(5), 5));
    assert!(start.elapsed() >= Duration::from_millis(990), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_pause_that_outlasts_the_call_is_told_at_once() {
    let limited = Some(("429 Too Many Requests\r\nretry-after: 60", json!({})));
    let (node, client) = asked_of(vec![limited]).await;
    let start = Instant::now();
    let error = client.slot(Commitment::Confirmed).await.unwrap_err();
    assert!(matches!(error, ChainReadError::RateLimited { retry_after, .. } if retry_after > Duration::from_secs(50)));
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(node.count(), 1, "nothing is asked during a pause");
}

#[tokio::test]
async fn a_node_that_hangs_costs_a_bounded_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    let start = Instant::now();
    let error = client.slot(Commitment::Confirmed).await.unwrap_err();
    assert!(matches!(error, ChainReadError::Unavailable { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_address_with_a_key_is_in_no_text() {
    let client = client("http://127.0.0.1:1/?api-key=SECRET");
    let error = client.slot(Commitment::Confirmed).await.unwrap_err();
    assert!(!format!("{error} {error:?} {client:?}").contains("SECRET"), "{error:?}");
    let options = RpcOptions::new("ftp://SECRET", PROGRAM);
    let error = ChainRpc::new(options, RpcBudget::new(NonZeroU32::MIN)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

#[tokio::test]
async fn a_transaction_is_sent_once_and_its_end_is_told_apart() {
    let wire = [1, 2, 3];
    let data = json!({ "err": { "InstructionError": [0, { "Custom": 6018 }] }, "logs": ["a"] });
    let script = vec![
        result(json!(TxSignature([7; 64]))),
        refusal(-32002, data),
        refusal(-32002, json!({ "err": "AlreadyProcessed" })),
        None,
        Some(("500 Internal Server Error", json!({}))),
    ];
    let (node, client) = asked_of(script).await;
    let send = || client.send_transaction(&wire, SendOptions { skip_preflight: false, max_retries: Some(0) });
    assert_eq!(send().await.unwrap(), TxSignature([7; 64]));
    let failure = TransactionFailure::Custom { instruction: 0, code: 6018 };
    assert!(
        matches!(send().await, Err(ChainSendError::Rejected { failure: f, logs }) if f == failure && logs == ["a"])
    );
    let failure = TransactionFailure::AlreadyProcessed;
    assert!(matches!(send().await, Err(ChainSendError::Rejected { failure: f, .. }) if f == failure));
    assert!(matches!(send().await, Err(ChainSendError::OutcomeUnknown { .. })));
    assert!(matches!(send().await, Err(ChainSendError::OutcomeUnknown { .. })));
    assert_eq!(node.count(), 5);
    let asked = node.asked.lock().unwrap()[0].clone();
    assert_eq!(
        asked["params"],
        json!(["AQID", {
            "encoding": "base64", "skipPreflight": false, "preflightCommitment": "confirmed", "maxRetries": 0
        }])
    );
    let nobody = self::client("http://127.0.0.1:1");
    let sent = nobody.send_transaction(&wire, SendOptions::default()).await;
    assert!(matches!(sent, Err(ChainSendError::NotSent { .. })), "{sent:?}");
}

#[tokio::test]
async fn a_page_of_signatures_is_asked_for_as_confirmed_and_bounded() {
    let (node, client) = asked_of(vec![result(json!([]))]).await;
    let page = client.signatures_before(AccountAddress(PROGRAM.0), Some(TxSignature([7; 64])), 5_000).await.unwrap();
    assert_eq!(page, SignaturePage { found: vec![], processed_left_out: 0, oldest: None });
    let config = json!({ "commitment": "confirmed", "limit": 1000, "before": TxSignature([7; 64]) });
    assert_eq!(node.asked.lock().unwrap()[0]["params"], json!([PROGRAM, config]));
}

#[tokio::test]
async fn a_transaction_that_nobody_knows_is_none_and_another_one_is_refused() {
    let (_node, client) = asked_of(vec![result(json!(null))]).await;
    assert_eq!(client.transaction(TxSignature([7; 64])).await.unwrap(), None);
    let other = json!({
        "slot": 1, "blockTime": null, "meta": { "err": null },
        "transaction": {
            "signatures": [TxSignature([6; 64])],
            "message": { "accountKeys": [], "instructions": [] },
        },
    });
    let (_node, client) = asked_of(vec![result(other)]).await;
    let error = client.transaction(TxSignature([7; 64])).await.unwrap_err();
    assert!(matches!(error, ChainReadError::BadAnswer { .. }), "{error}");
}

#[tokio::test]
async fn statuses_are_as_many_as_were_asked_for() {
    let known = json!({ "slot": 9, "confirmations": null, "err": null, "confirmationStatus": "finalized" });
    let failed = json!({ "slot": 9, "confirmations": 1, "err": "AccountInUse", "confirmationStatus": "confirmed" });
    let old = json!({ "slot": 9, "confirmations": 3, "err": null });
    let value = json!({ "context": { "slot": 10 }, "value": [known, null, failed, old] });
    let (_node, client) = asked_of(vec![result(value)]).await;
    let statuses = client.signature_statuses(&[TxSignature([7; 64]); 4], true).await.unwrap();
    let seen: Vec<_> =
        statuses.iter().map(|status| status.as_ref().map(|s| (s.commitment, s.failure.is_some()))).collect();
    let expected = [
        Some((Commitment::Finalized, false)),
        None,
        Some((Commitment::Confirmed, true)),
        Some((Commitment::Processed, false)),
    ];
    assert_eq!(seen, expected);
    assert!(client.signature_statuses(&[TxSignature([7; 64]); 3], true).await.is_err());
}

fn vote(market: MarketAddress) -> VoteRecordAccount {
    VoteRecordAccount { market, user: Wallet([2; 32]), vote_type: 0, vote: true, voted_at: UnixSeconds(1), bump: 255 }
}

fn wire_account(owner: ProgramId, data: &[u8]) -> Value {
    use base64::{Engine, prelude::BASE64_STANDARD};
    json!({ "owner": owner, "lamports": 42, "data": [BASE64_STANDARD.encode(data), "base64"] })
}

#[tokio::test]
async fn an_account_is_ours_and_decodes_or_is_not_there() {
    let record = vote(MarketAddress([1; 32]));
    let bytes = encode_account(&record);
    let one = |value: Value| result(json!({ "context": { "slot": 3 }, "value": [value] }));
    let script = vec![
        one(wire_account(PROGRAM, &bytes)),
        one(Value::Null),
        one(wire_account(ProgramId([0; 32]), &[])),
        one(wire_account(PROGRAM, &bytes[..82])),
        result(json!({ "context": { "slot": 3 }, "value": [] })),
    ];
    let (_node, client) = asked_of(script).await;
    let read = || client.account::<VoteRecordAccount>(AccountAddress([5; 32]));
    let found = AccountAt { account: record, lamports: Lamports(42), slot: Slot(3) };
    assert_eq!(read().await.unwrap(), Some(found));
    assert_eq!(read().await.unwrap(), None);
    assert_eq!(read().await.unwrap(), None);
    assert!(matches!(read().await, Err(ChainReadError::Undecodable { .. })));
    assert!(matches!(read().await, Err(ChainReadError::BadAnswer { .. })));
    let many = vec![AccountAddress([5; 32]); 101];
    assert!(matches!(client.accounts(&many).await, Err(ChainReadError::Refused { .. })));
}

#[tokio::test]
async fn program_accounts_are_only_those_that_were_asked_for() {
    let market = MarketAddress([1; 32]);
    let keyed = |key: u8, owner: ProgramId, data: &[u8]| json!({ "pubkey": AccountAddress([key; 32]), "account": wire_account(owner, data) });
    let wanted = encode_account(&vote(market));
    let list = json!([
        keyed(1, PROGRAM, &wanted),
        keyed(2, PROGRAM, &encode_account(&vote(MarketAddress([3; 32])))),
        keyed(3, ProgramId([0; 32]), &wanted),
        keyed(4, PROGRAM, &[0; 83]),
    ]);
    let with_context = json!({ "context": { "slot": 3 }, "value": list });
    let (node, client) = asked_of(vec![result(list), result(with_context)]).await;
    for _ in 0..2 {
        let found = client.program_accounts(AccountKind::VoteRecord, Some(market)).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, AccountAddress([1; 32]));
    }
    let filters = node.asked.lock().unwrap()[0]["params"][1]["filters"].clone();
    let start = bs58::encode(AccountKind::VoteRecord.discriminator()).into_string();
    assert_eq!(
        filters,
        json!([
            { "dataSize": 83 },
            { "memcmp": { "offset": 0, "bytes": start, "encoding": "base58" } },
            { "memcmp": { "offset": 8, "bytes": market, "encoding": "base58" } },
        ])
    );
}

#[tokio::test]
async fn the_chains_time_is_asked_of_its_clock_at_the_commitment_that_is_wanted() {
    let clock = |owner: &str, data: &[u8]| {
        let data = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, data);
        let account = json!({
            "owner": owner, "lamports": 1, "data": [data, "base64"], "executable": false, "rentEpoch": 0, "space": 40,
        });
        result(json!({ "context": { "slot": 90 }, "value": [account] }))
    };
    let mut data = [0; 40];
    data[..8].copy_from_slice(&88_u64.to_le_bytes());
    data[32..].copy_from_slice(&1_700_000_000_i64.to_le_bytes());
    let sysvars = "Sysvar1111111111111111111111111111111111111";
    let nothing = result(json!({ "context": { "slot": 90 }, "value": [null] }));
    let script = vec![clock(sysvars, &data), nothing, clock(sysvars, &data[1..]), clock(&PROGRAM.to_string(), &data)];
    let (node, client) = asked_of(script).await;
    let time = client.clock(Commitment::Finalized).await.unwrap();
    assert_eq!((time.slot, time.unix_timestamp), (Slot(88), UnixSeconds(1_700_000_000)), "not the answer's slot");
    for none in ["no account", "a short one", "another program's"] {
        let error = client.clock(Commitment::Confirmed).await.unwrap_err();
        assert!(matches!(error, ChainReadError::BadAnswer { .. }), "{none}: {error}");
    }
    let asked = node.asked.lock().unwrap();
    assert_eq!(asked[0]["params"][0], json!(["SysvarC1ock11111111111111111111111111111111"]));
    assert_eq!([&asked[0], &asked[1]].map(|call| &call["params"][1]["commitment"]), ["finalized", "confirmed"]);
    assert_eq!(asked.len(), 4, "a bad answer is not asked for again");
}
