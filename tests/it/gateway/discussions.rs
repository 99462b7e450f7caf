//! Comments: told once, kept in order with everything else of their market, and replayed as they were.

use serde_json::{Value, json};
use zmart_testkit::{
    http::get,
    signed_in::{SignedInClient, post},
    socket::Connection,
};

use super::written::{comment_as, listening, nobody, number, proposed, vote_as, write_as};

/// The frames of the next so many entries, to the byte.
async fn entries(connection: &mut Connection, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let text = connection.next_text().await.unwrap();
        let frame: Value = serde_json::from_str(&text).unwrap();
        if matches!(frame["type"].as_str(), Some("vote_update" | "discussion")) {
            texts.push(text);
        }
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_and_comments_are_replayed_to_the_byte_from_memory_and_from_the_journal() {
    let (mut stage, market, _creator) = proposed().await;
    let mut connection = Connection::open(&stage.engine.ws).await;
    let subscribed = connection.subscribe(market, None).await;
    let at = (subscribed["epoch"].as_u64().unwrap(), subscribed["seq"].as_u64().unwrap());
    let since = Some(at);
    comment_as(&stage.database, nobody(1), market, "  First \u{1f327}, with \"quotes\"\n ").await;
    vote_as(&stage.database, nobody(1), market, true).await;
    comment_as(&stage.database, nobody(2), market, "Second").await;
    const DELETE: &str = "UPDATE discussions SET deleted_at = now() WHERE content = 'Second'";
    assert_eq!(write_as(&stage.database, nobody(1), DELETE, &[]).await.unwrap(), 0, "it is not theirs");
    assert_eq!(write_as(&stage.database, nobody(2), DELETE, &[]).await.unwrap(), 1);
    let live = entries(&mut connection, 4).await;
    let frames: Vec<Value> = live.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let seqs: Vec<u64> = frames.iter().map(|frame| frame["seq"].as_u64().unwrap()).collect();
    let first = at.1 + 1;
    assert_eq!(seqs, (first..first + 4).collect::<Vec<_>>());
    assert_eq!(frames[0]["data"]["action"], "added");
    assert_eq!(frames[0]["data"]["content"], "First \u{1f327}, with \"quotes\"");
    assert_eq!((&frames[3]["data"]["action"], &frames[3]["data"]["id"]), (&"deleted".into(), &frames[2]["data"]["id"]));
    assert_eq!(frames[3]["data"]["content"], Value::Null);

    let mut again = Connection::open(&stage.engine.ws).await;
    assert_eq!(again.subscribe(market, since).await["recovered"], true);
    assert_eq!(entries(&mut again, 4).await, live, "from memory");
    stage.engine.kill();
    stage.engine.start().await;
    stage.engine.ready().await;
    let mut again = Connection::open(&stage.engine.ws).await;
    assert_eq!(again.subscribe(market, since).await["recovered"], true);
    assert_eq!(entries(&mut again, 4).await, live, "from the journal");
    assert_eq!(number(&stage.database, "SELECT count(*) FROM outbox").await, 0);
    // It goes on after them.
    let mut listening = listening(&stage, market).await;
    comment_as(&stage.database, nobody(3), market, "Third").await;
    assert_eq!(listening.next_of("discussion").await["seq"], first + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_written_listed_and_deleted_by_their_author_only() {
    let (stage, market, _creator) = proposed().await;
    let mut connection = listening(&stage, market).await;
    let api = &stage.engine.api;
    let (author, other) = (SignedInClient::new(api).await, SignedInClient::new(api).await);
    let on_market = format!("/api/discussions/{market}");
    let first = author.post_once(&on_market, "first", &json!({"content": "  First.\n"})).await;
    let comment = first.json();
    assert_eq!((first.status, &comment["content"]), (201, &json!("First.")), "{comment}");
    assert_eq!(comment["user_wallet"], json!(author.wallet()));
    let again = author.post_once(&on_market, "first", &json!({"content": "  First.\n"})).await;
    assert_eq!(again.json(), comment, "once");
    let frame = connection.next_of("discussion").await;
    assert_eq!((&frame["data"]["id"], &frame["data"]["created_at"]), (&comment["id"], &comment["created_at"]));
    for n in 0..4 {
        let body = json!({"market_id": market, "content": format!("Comment {n}")});
        assert_eq!(other.post("/api/discussions", &body).await.status, 201);
    }
    let long = "ü".repeat(1_001);
    for (path, body, status) in [
        (on_market.as_str(), json!({"content": " \n "}), 400),
        (on_market.as_str(), json!({"content": long}), 400),
        (on_market.as_str(), json!({"content": "a\u{0}b"}), 400),
        (on_market.as_str(), json!({"content": "x", "wallet": "y"}), 400),
        ("/api/discussions", json!({"content": "x"}), 400),
        ("/api/discussions/x", json!({"content": "x"}), 400),
        ("/api/discussions/11111111111111111111111111111111", json!({"content": "x"}), 404),
    ] {
        assert_eq!(author.post(path, &body).await.status, status, "{path} {body}");
    }
    assert_eq!(post(api, &on_market, None, &json!({"content": "x"}), &[]).await.status, 401);

    let delete = format!("/api/discussions/{}", comment["id"].as_str().unwrap());
    assert_eq!(other.send("DELETE", &delete, None, &[]).await.status, 404, "it is another's");
    assert_eq!(post(api, &delete, None, &json!({}), &[]).await.status, 401);
    assert_eq!(author.send("DELETE", "/api/discussions/x", None, &[]).await.status, 404);
    let listed = |page: &Value| -> Vec<String> {
        page["discussions"].as_array().unwrap().iter().map(|one| one["content"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&get(api, &on_market).await.json()).len(), 5);
    assert_eq!(author.send("DELETE", &delete, None, &[]).await.status, 204);
    assert_eq!(author.send("DELETE", &delete, None, &[]).await.status, 404, "it is deleted once");
    let (mut path, mut found) = (format!("/api/markets/{market}/discussions?limit=2"), Vec::new());
    loop {
        let page = get(api, &path).await.json();
        found.extend(listed(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/markets/{market}/discussions?limit=2&cursor={cursor}");
    }
    assert_eq!(found, ["Comment 3", "Comment 2", "Comment 1", "Comment 0"]);
    // Its own author does not see it either.
    assert_eq!(listed(&author.get(&on_market).await.json()).len(), 4);
}
