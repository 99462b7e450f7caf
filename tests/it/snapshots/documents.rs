//! Documents: a chain without gaps, the same bytes whoever makes them, and no words that were taken back.

use serde_json::{Value, json};
use zmart::domain::snapshot::ENTRIES_MAX;

use super::{Rig, rig, text};
use crate::gateway::market as another_market;

fn contents(document: &Value) -> Vec<Option<&str>> {
    document["discussions"].as_array().unwrap().iter().map(|said| said["content"].as_str()).collect()
}

async fn cids(rig: &Rig, market: zmart::domain::ids::MarketAddress) -> Vec<String> {
    rig.anchors(market).await.iter().map(|row| text(row, "cid").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn much_discussion_is_a_chain_of_bounded_documents_and_the_same_journal_gives_the_same_bytes() {
    let (mut rig, market) = rig().await;
    let most = i32::try_from(ENTRIES_MAX).unwrap();
    rig.say(market, 1, 2 * most + 100).await;
    let made = rig.pass().await;
    assert_eq!((made.markets, made.pinned, made.is_whole), (1, 3, true), "{made:?}");
    let (rows, documents) = (rig.anchors(market).await, rig.documents(market).await);
    assert_eq!(documents.iter().map(|one| contents(one).len()).collect::<Vec<_>>(), [ENTRIES_MAX, ENTRIES_MAX, 100]);
    assert_eq!(documents.iter().map(|one| &one["number"]).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(documents[0]["previous"], Value::Null);
    for (before, after) in rows.iter().zip(&documents[1..]) {
        assert_eq!(before["cid"], after["previous"]);
        assert_eq!(before["to_seq"].as_i64().unwrap() + 1, after["period"]["from"]["seq"].as_i64().unwrap());
    }
    let said: Vec<_> = documents.iter().flat_map(contents).collect();
    assert!(said.iter().zip(1..).all(|(said, n)| *said == Some(&format!("words of {n} \u{20ac}"))), "oldest first");
    let first = &documents[0]["discussions"][0];
    assert_eq!((text(first, "created_at"), &first["deleted_at"]), ("2026-01-01T00:00:01.001Z", &Value::Null));
    assert_eq!(documents[2]["period"]["to"]["time"], "2026-01-01T00:35:02.105Z");

    let again = rig.pass().await;
    assert_eq!((again.markets, again.pinned, rig.pins.uploads().len()), (0, 0, 3), "nothing is new");

    let client = rig.database.connect().await;
    assert!(client.execute("UPDATE ipfs_anchors SET size_bytes = 1", &[]).await.is_err(), "what is pinned is pinned");

    // Another node, another day, nothing but the journal.
    let before = cids(&rig, market).await;
    rig.database.connect().await.execute("DELETE FROM ipfs_anchors", &[]).await.unwrap();
    rig.pins = zmart_testkit::pins::Pins::open().await;
    assert_eq!(rig.pass().await.pinned, 3);
    assert_eq!(cids(&rig, market).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_before_is_not_pinned_and_what_is_deleted_after_is_told() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 4).await;
    rig.unsay(market, 2).await;
    assert_eq!(rig.pass().await.pinned, 1);
    let documents = rig.documents(market).await;
    let words = |n: i32| format!("words of {n} \u{20ac}");
    assert_eq!(contents(&documents[0]), [Some(&*words(1)), None, Some(&*words(3)), Some(&*words(4))]);
    assert_eq!(text(&documents[0]["discussions"][1], "deleted_at"), "2026-02-01T00:00:00.000Z");
    assert_eq!(documents[0]["deletions"], json!([]), "it is told with its comment");

    rig.unsay(market, 3).await;
    assert_eq!(rig.pass().await.pinned, 1, "a deletion alone is news");
    let documents = rig.documents(market).await;
    assert_eq!(documents[1]["discussions"], json!([]));
    assert_eq!(documents[1]["deletions"][0]["id"], documents[0]["discussions"][2]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_is_deleted_while_its_document_waits_is_not_pinned_and_is_forgotten_where_it_was_taken() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 3).await;
    rig.pins.always(Some(zmart_testkit::pins::Fault::Status(503, None)));
    let made = rig.pass().await;
    assert!(made.away.is_some() && made.pinned == 0, "{made:?}");
    let waiting = rig.anchors(market).await;
    assert_eq!(waiting.iter().map(|row| text(row, "status")).collect::<Vec<_>>(), ["pending"]);
    // Now it is taken, and not answered: the service has it, and nobody knows.
    rig.pins.always(Some(zmart_testkit::pins::Fault::Nonsense));
    assert_eq!(rig.pass().await.pinned, 0);
    assert!(rig.pins.files().contains_key(text(&waiting[0], "cid")));
    rig.unsay(market, 2).await;
    // Until the service has forgotten it, the row names it.
    rig.pins.always(Some(zmart_testkit::pins::Fault::Status(503, None)));
    assert!(rig.pass().await.away.is_some());
    assert_eq!(rig.anchors(market).await[0]["cid"], waiting[0]["cid"]);
    rig.pins.always(None);
    assert_eq!(rig.pass().await.pinned, 2, "it, and the one that tells of the deletion");
    let rows = rig.anchors(market).await;
    assert_ne!(rows[0]["cid"], waiting[0]["cid"]);
    assert_eq!((&rows[0]["from_seq"], &rows[0]["to_seq"]), (&waiting[0]["from_seq"], &waiting[0]["to_seq"]));
    assert!(rig.pins.files().values().all(|file| !file.contains("words of 2 ")), "its words are nowhere");
    assert_eq!(contents(&rig.documents(market).await[0])[1], None);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_were_deleted_and_the_journal_does_not_know_it_yet_are_not_sent() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 3).await;
    rig.unsay_to_users(2).await;
    for _ in 0..2 {
        let made = rig.pass().await;
        assert_eq!((made.pinned, made.behind, made.away.is_none()), (0, 1, true), "{made:?}");
    }
    assert_eq!(rig.pins.uploads().len(), 0);
    assert!(rig.alerts().await[0].1.contains("wait for the journal"), "{:?}", rig.alerts().await);
    rig.unsay_to_journal(market, 2).await;
    assert_eq!(rig.pass().await.pinned, 2, "it, and the one that tells of the deletion");
    assert!(rig.pins.files().values().all(|file| !file.contains("words of 2 ")), "its words are nowhere");
    assert_eq!(rig.alerts().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_without_discussion_and_one_that_vanished_have_no_document() {
    let (rig, market) = rig().await;
    let quiet = another_market(&rig.database, 2, 0).await;
    let gone = another_market(&rig.database, 3, 0).await;
    rig.say(market, 1, 1).await;
    rig.say(gone, 10, 1).await;
    let client = rig.database.connect().await;
    client.execute("UPDATE markets SET vanished = true WHERE address = $1::text", &[&gone.to_string()]).await.unwrap();
    assert_eq!(rig.pass().await.pinned, 1);
    assert!(rig.anchors(quiet).await.is_empty() && rig.anchors(gone).await.is_empty());
}
