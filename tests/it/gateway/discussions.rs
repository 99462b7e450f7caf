//! Comments: told once, kept in order with everything else of their market, and replayed as they were.

use serde_json::Value;
use zmart_testkit::socket::Connection;

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
    let since = Some((subscribed["epoch"].as_u64().unwrap(), subscribed["seq"].as_u64().unwrap()));
    comment_as(&stage.database, nobody(1), market, "  First \u{1f327}, with \"quotes\"\n ").await;
    vote_as(&stage.database, nobody(1), market, true).await;
    comment_as(&stage.database, nobody(2), market, "Second").await;
    const DELETE: &str = "UPDATE discussions SET deleted_at = now() WHERE content = 'Second'";
    assert_eq!(write_as(&stage.database, nobody(1), DELETE, &[]).await.unwrap(), 0, "it is not theirs");
    assert_eq!(write_as(&stage.database, nobody(2), DELETE, &[]).await.unwrap(), 1);
    let live = entries(&mut connection, 4).await;
    let frames: Vec<Value> = live.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let seqs: Vec<u64> = frames.iter().map(|frame| frame["seq"].as_u64().unwrap()).collect();
    let first = since.unwrap().1 + 1;
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
