//! The audit trail, and the script that holds it against the chain: it agrees with what was decided by the votes, and finds
//! whatever was bent.

use std::{path::Path, process::Output, sync::Arc};

use futures_util::future::join_all;
use serde_json::{Value, json};
use solana_sdk::signature::{Keypair, Signer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::Command,
};
use zmart::domain::{
    ids::MarketAddress,
    phase::Phase,
    tally::VoteKind::{self, Dispute, Proposal},
    user_write::vote_message,
};
use zmart_testkit::{ballots, chain::wallet_of, http::get, patience::wait_for, signed_in::SignedInClient};

use super::court::{Court, HOUR};

/// Runs `scripts/recompute` against a server, with the chain itself beside it.
async fn recompute(court: &Court, url: &str, market: MarketAddress) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/recompute");
    let market = market.to_string();
    let run = Command::new(script).args([url, &market, "--rpc", &court.client.rpc_url]).output().await.unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(!said.contains("Node"), "scripts/recompute needs Node, and so does this test: {said}");
    run
}

fn said(run: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr))
}

/// The script agrees, though the engine may still be hearing of what the chain has.
async fn agrees(court: &Court, market: MarketAddress) -> String {
    let run = recompute(court, &court.engine.api, market).await;
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    said(&run)
}

/// A server in front of the engine that tells its trail otherwise.
async fn bent(court: &Court, bend: impl Fn(&mut Value) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (api, bend) = (court.engine.api.clone(), Arc::new(bend));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (api, bend) = (api.clone(), bend.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    if socket.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let mut page = get(&api, head.split(' ').nth(1).unwrap()).await.json();
                bend(&mut page);
                let body = page.to_string();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}

/// A moment of a dispute's decision, so many hours later. Others are left alone.
fn moved(moment: &mut Value, hours: i64) {
    let Some(text) = moment.as_str() else { return };
    let moved = chrono::DateTime::parse_from_rfc3339(text).unwrap() + chrono::Duration::hours(hours);
    *moment = json!(moved.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
}

/// The trail lists exactly what the dispute's decision counted, and why it did not count the others.
async fn late_votes_are_told_and_not_counted(court: &Court, market: MarketAddress) {
    let path = format!("/api/markets/{market}/governance?type=dispute");
    let trail = get(&court.engine.api, &path).await.json();
    let votes = trail["votes"].as_array().unwrap();
    let late: Vec<_> = votes.iter().filter(|vote| vote["not_counted"] == "after_window").collect();
    assert!(
        late.len() == 2 && late.iter().all(|vote| vote["source"] == "onchain" && vote["counted"] == false),
        "{trail}"
    );
    let counted: Vec<_> = votes.iter().filter(|vote| vote["counted"] == true).collect();
    assert_eq!((votes.len(), counted.len()), (7, 5), "{trail}");
    let decision =
        trail["decisions"].as_array().unwrap().iter().find(|one| one["purpose"] == "finalize_dispute").unwrap();
    let listed = get(&court.engine.api, &format!("{path}&decision={}", decision["id"].as_str().unwrap())).await.json();
    assert!(listed["votes"].as_array().unwrap().iter().eq(counted), "{listed}");
}

/// One way of bending a trail, and what has to be said about it.
type Bend = (&'static str, Box<dyn Fn(&mut Value) + Send + Sync>);

fn bends() -> Vec<Bend> {
    let each_vote = |change: fn(&mut Value)| {
        move |page: &mut Value| {
            if let Some(votes) = page["votes"].as_array_mut() {
                votes.iter_mut().for_each(change);
            }
        }
    };
    let without = |is: fn(&Value) -> bool| {
        move |page: &mut Value| {
            if let Some(votes) = page["votes"].as_array_mut() {
                votes.retain(|vote| !is(vote));
            }
        }
    };
    let decided = |change: fn(&mut Value)| {
        move |page: &mut Value| {
            if let Some(decisions) = page["decisions"].as_array_mut() {
                decisions.iter_mut().filter(|decision| decision["grounds"].is_object()).for_each(change);
            }
        }
    };
    vec![
        // An unsigned vote the other way: nothing proves it, but the counts do not follow any more.
        (
            "reported",
            Box::new(each_vote(|vote| {
                if vote["source"] == "offchain" && vote["signature"].is_null() && vote["counted"] == true {
                    vote["vote"] = json!(!vote["vote"].as_bool().unwrap());
                }
            })),
        ),
        (
            "the record says",
            Box::new(each_vote(|vote| {
                if vote["source"] == "onchain" {
                    vote["vote"] = json!(!vote["vote"].as_bool().unwrap());
                }
            })),
        ),
        (
            "the signature is not",
            Box::new(each_vote(|vote| {
                if vote["signature"].is_string() {
                    vote["vote"] = json!(!vote["vote"].as_bool().unwrap());
                }
            })),
        ),
        (
            "the signature is not",
            Box::new(each_vote(|vote| {
                if vote["signature"].is_string() {
                    vote["signature"] = json!(Keypair::new().sign_message(b"another text").to_string());
                }
            })),
        ),
        ("reported", Box::new(without(|vote| vote["source"] == "offchain" && vote["signature"].is_null()))),
        ("left out", Box::new(without(|vote| vote["source"] == "onchain"))),
        (
            "the transaction reports",
            Box::new(decided(|decision| {
                if decision["counts"].is_object() {
                    decision["counts"]["likes"] = json!(decision["counts"]["likes"].as_u64().unwrap() + 1);
                }
            })),
        ),
        // The window as if it had ended later, or sooner: other votes would have been in time.
        ("reported", Box::new(decided(|decision| moved(&mut decision["grounds"]["due_at"], 24)))),
        ("that came after the window", Box::new(decided(|decision| moved(&mut decision["grounds"]["due_at"], -72)))),
        // A vote that came too late, told as one that came in time.
        (
            "the record is of another time",
            Box::new(each_vote(|vote| {
                if vote["not_counted"] == "after_window" {
                    moved(&mut vote["voted_at"], -24);
                }
            })),
        ),
        ("in force was", Box::new(decided(|decision| decision["grounds"]["threshold_bps"] = json!(4_000)))),
        (
            "no decision about it is told",
            Box::new(|page: &mut Value| {
                if page["decisions"].is_array() {
                    page["decisions"] = json!([]);
                }
            }),
        ),
        // Up to an early entry, though by the time at which the window was over.
        (
            "came in time and were not waited for",
            Box::new(|page: &mut Value| {
                let votes = page["votes"].as_array().into_iter().flatten();
                let first = votes.filter(|vote| vote["vote_type"] == "dispute").map(|vote| vote["seq"].clone()).next();
                let decisions = page["decisions"].as_array_mut().into_iter().flatten();
                for decision in decisions.filter(|one| one["purpose"] == "finalize_dispute") {
                    decision["grounds"]["seq"] = first.clone().unwrap();
                }
            }),
        ),
        // The window was over when it began.
        (
            "no time was left to vote",
            Box::new(|page: &mut Value| {
                let began = page["market"]["dispute_initiated_at"].clone();
                let decisions = page["decisions"].as_array_mut().into_iter().flatten();
                for decision in decisions.filter(|one| one["purpose"] == "finalize_dispute") {
                    decision["grounds"]["due_at"] = began.clone();
                }
            }),
        ),
        ("is marked as counted", Box::new(each_vote(|vote| vote["counted"] = json!(true)))),
    ]
}

/// A wallet votes through the API, and signs what it votes.
async fn vote_signed(court: &Court, kind: VoteKind, market: MarketAddress, key: Keypair, vote: bool) {
    let text = vote_message(market, kind, vote, wallet_of(&key));
    let signature = key.sign_message(text.as_bytes()).to_string();
    let client = SignedInClient::with_key(&court.engine.api, key).await;
    let body = json!({"market_id": market, "vote": vote, "signature": signature});
    let answer = client.post(&format!("/api/votes/{}", kind.as_str()), &body).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_distrusts_the_operator_can_recompute_what_was_decided_and_finds_whatever_was_bent() {
    // Nothing is decided before the last of ten wallets has voted.
    let mut court = Court::set(&[("MIN_PROPOSAL_VOTES", "10"), ("RATE_LIMITS", "off")]).await;
    let client = &court.client.clone();
    let [market] = court.proposed().await;
    // It votes here and on the chain, where it says otherwise.
    let both = client.funded_wallet().await;
    ballots::cast(&court.database, Proposal, market, &[wallet_of(&both)], false).await.unwrap();
    client.vote(market, &both, true).await;
    for vote in [false, true] {
        vote_signed(&court, Proposal, market, Keypair::new(), vote).await;
    }
    client.vote_together(Proposal, market, &client.funded_wallets(2).await, true).await;
    court.vote(Proposal, market, 4, 1).await;
    court.all_are(&[market], Phase::Approved).await;
    let told = agrees(&court, market).await;
    assert!(told.contains("(approve_proposal): 8 : 2, 80.00 %"), "{told}");
    assert!(told.contains("6 votes cast here rest on the operator's word"), "{told}");

    court.resolve(&[market]).await;
    court.dispute(&[market]).await;
    vote_signed(&court, Dispute, market, Keypair::new(), true).await;
    client.vote_together(Dispute, market, &client.funded_wallets(2).await, true).await;
    // Two vote on the chain when the window is over and nothing is decided yet: one of them had voted here, in time.
    let late = client.funded_wallets(2).await;
    ballots::cast(&court.database, Dispute, market, &[wallet_of(&late[0])], false).await.unwrap();
    court.vote(Dispute, market, 0, 1).await;
    court.tally_is(Dispute, market, 3, 2).await;
    court.engine.kill();
    client.travel(73 * HOUR).await;
    client.vote_together(Dispute, market, &late, true).await;
    court.open().await;
    court.all_are(&[market], Phase::Finalized).await;
    court.all_settled().await;
    let told = agrees(&court, market).await;
    assert!(told.contains("(finalize_dispute): 3 : 2, 60.00 %"), "{told}");
    assert!(told.contains("dispute: 4 votes on the chain, 3 cast at the server"), "{told}");
    late_votes_are_told_and_not_counted(&court, market).await;

    let runs = bends().into_iter().map(|(word, bend)| {
        let court = &court;
        async move {
            let run = recompute(court, &bent(court, bend).await, market).await;
            let told = said(&run);
            assert_eq!(run.status.code(), Some(1), "{word}: {told}");
            assert!(told.contains(word), "{word}: {told}");
        }
    });
    join_all(runs).await;
    // Nothing else than the bending was found.
    let run = recompute(&court, &bent(&court, |_| {}).await, market).await;
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    // What has to be there is asked for by its name.
    let run = recompute(&court, &bent(&court, |page| page["rules"] = Value::Null).await, market).await;
    let told = said(&run);
    assert!(run.status.code() == Some(2) && told.contains("rules is no object"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_acts_past_the_engine_is_seen() {
    let court = Court::set(&[]).await;
    let [market] = court.proposed().await;
    court.vote(Proposal, market, 1, 1).await;
    court.tally_is(Proposal, market, 1, 1).await;
    let signature = court.chain.approve(market).await;
    court.all_are(&[market], Phase::Approved).await;
    let path = format!("/api/markets/{market}/governance");
    let trail = get(&court.engine.api, &path).await.json();
    let others: Vec<_> = trail["decisions"].as_array().unwrap().iter().filter(|one| one["by"] == "other").collect();
    let purposes: Vec<_> = others.iter().map(|one| one["purpose"].as_str().unwrap()).collect();
    assert_eq!(purposes, ["aggregate_proposal", "approve_proposal"], "{trail}");
    assert!(others.iter().all(|one| one["signature"] == signature.to_string() && one["grounds"].is_null()), "{trail}");
    assert_eq!((&others[0]["counts"]["likes"], &others[0]["counts"]["dislikes"]), (&json!(10), &json!(0)));
    let run = recompute(&court, &court.engine.api, market).await;
    let told = said(&run);
    assert!(run.status.code() == Some(1) && told.contains("past the engine"), "{told}");
    assert!(told.contains("reported 10 : 0, but the votes up to entry"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_vote_is_told_once_in_its_order_and_why_it_was_not_counted() {
    let court = Court::set(&[("MIN_PROPOSAL_VOTES", "1000")]).await;
    let client = &court.client;
    let [market] = court.proposed().await;
    let both = client.funded_wallet().await;
    ballots::cast(&court.database, Proposal, market, &[wallet_of(&both)], false).await.unwrap();
    court.tally_is(Proposal, market, 0, 1).await;
    client.vote(market, &both, true).await;
    court.tally_is(Proposal, market, 1, 0).await;
    court.vote(Proposal, market, 3, 1).await;
    court.tally_is(Proposal, market, 4, 1).await;
    let api = &court.engine.api;
    let path = format!("/api/markets/{market}/governance");
    let first = get(api, &path).await;
    let trail = first.json();
    let told = |trail: &Value, field: &str| -> Vec<Value> {
        trail["votes"].as_array().unwrap().iter().map(|vote| vote[field].clone()).collect()
    };
    assert_eq!(told(&trail, "counted"), [false, true, true, true, true, true].map(Value::from), "{trail}");
    assert_eq!(trail["votes"][0]["not_counted"], "overridden", "{trail}");
    assert_eq!(trail["votes"][0]["overridden_by"], trail["votes"][1]["seq"], "{trail}");
    assert_eq!(trail["votes"][1]["vote_record"].as_str().map(str::is_empty), Some(false), "{trail}");
    assert_eq!((&trail["market"]["state"], &trail["count"]), (&json!("PROPOSED"), &json!(6)), "{trail}");
    assert_eq!(trail["thresholds"]["proposal_approval_bps"], 7_000, "{trail}");
    assert_eq!(
        [("min_votes", 1_000), ("dispute_voting_seconds", 259_200), ("finalization_delay_seconds", 172_800)]
            .map(|(rule, is)| trail["rules"][rule] == is),
        [true; 3],
        "{trail}"
    );
    // The same without a body, for who has it already.
    let etag = first.header("etag").unwrap().to_owned();
    let again = zmart_testkit::http::request("GET", api, &path, &[("If-None-Match", &etag)], b"").await;
    assert_eq!(again.status, 304);

    // Page by page it is the same, and each page is that list alone.
    let (mut next, mut seqs) = (format!("{path}?limit=4"), Vec::new());
    loop {
        let page = get(api, &next).await.json();
        seqs.extend(told(&page, "seq"));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{path}?limit=4&cursor={cursor}");
        assert_eq!(get(api, &next).await.json()["decisions"], Value::Null);
    }
    assert_eq!(seqs, told(&trail, "seq"));
    let disputes = get(api, &format!("{path}?type=dispute")).await.json();
    assert_eq!((&disputes["count"], &disputes["next_cursor"]), (&json!(0), &Value::Null));

    // A vote that is written down after the decision is told, and not counted in it.
    court.chain.approve(market).await;
    court.all_are(&[market], Phase::Approved).await;
    const LATE: &str = "INSERT INTO outbox (market, kind, payload) VALUES ($1::text, 'proposal_vote', $2)";
    let late = json!({"wallet": ballots::strangers(1)[0], "vote": true, "voted_at_ms": 1_760_000_000_000_i64});
    court.database.connect().await.execute(LATE, &[&market.to_string(), &late]).await.unwrap();
    let trail = wait_for("the late vote", || async {
        let trail = get(api, &path).await.json();
        if trail["count"] == 7 { Ok(trail) } else { Err(trail) }
    })
    .await;
    assert_eq!(trail["votes"][6]["not_counted"], "after_decision", "{trail}");
    assert_eq!(told(&trail, "counted")[..6], [false, true, true, true, true, true].map(Value::from), "{trail}");

    for (query, field) in [
        ("limit=501", "limit"),
        ("type=both", "type"),
        ("decision=0", "decision"),
        ("decision=entry-1-2", "decision"),
        ("cursor=x", "cursor"),
        ("decisions_cursor=x", "decisions_cursor"),
    ] {
        let refused = get(api, &format!("{path}?{query}")).await;
        assert_eq!((refused.status, &refused.json()["details"][0]["field"]), (400, &json!(field)), "{query}");
    }
    assert_eq!(get(api, &format!("{path}?decision=999999")).await.status, 404);
}

#[tokio::test]
async fn the_script_reads_what_the_program_writes_to_the_byte() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [root.join("scripts/trail/check.mjs"), root.join("tests/fixtures/codec.jsonl")];
    let run = Command::new("node").args(&files).output().await.expect("this test needs Node (scripts/node.sh gets it)");
    assert!(run.status.success(), "{}", said(&run));
}
