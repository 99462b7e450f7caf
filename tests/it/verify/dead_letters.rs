//! The life of a dead letter: kept, listed, tried again, resolved by what it was kept for, or dropped with a reason.

use serde_json::{Value, json};
use zmart::domain::{
    event::Outcome,
    ids::{TxSignature, Wallet},
};
use zmart_testkit::{chain::SOL, engine::Engine, patience::wait_for, stage::Stage};

use super::{said, told};

const KEEP: &str = "INSERT INTO dead_letters (source, signature, stream, reason, detail) \
                    VALUES ($1, $2, $3, $4, 'of a test') RETURNING id";

/// Every letter, by its number.
async fn letter(engine: &Engine, id: i64) -> Value {
    let (code, letters) = told(engine, &["dead-letters", "list", "--all", "--json"]).await;
    assert_eq!(code, 0);
    letters.into_iter().find(|letter| letter["id"] == id).expect("no letter is ever deleted")
}

/// Waits until a letter is tried no more; is it resolved, and how often was it tried?
async fn tried(engine: &Engine, id: i64) -> (bool, u64, Value) {
    wait_for("a letter to be answered", || async {
        let letter = letter(engine, id).await;
        if letter["trying"] == true {
            return Err(letter);
        }
        Ok((!letter["resolved_at"].is_null(), letter["tries"].as_u64().unwrap(), letter))
    })
    .await
}

async fn retry(engine: &Engine, id: i64) -> Value {
    let (_, mut lines) = told(engine, &["dead-letters", "retry", &id.to_string(), "--json"]).await;
    lines.pop().unwrap()["outcome"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_tried_again_is_resolved_by_what_it_was_kept_for_and_else_open_with_one_more_try() {
    let stage = Stage::set().await;
    let (engine, client) = (&stage.engine, stage.chain.client());
    let trader = client.funded_wallet().await;
    let market = stage.chain.active_market(&trader, 100 * SOL).await;
    stage.shown_active(market).await;
    let landed = client.buy(market, &trader, Outcome::Yes, SOL).await;
    let rows = stage.database.connect().await;
    let keep = async |source: &str, signature: Option<TxSignature>, reason: &str| -> i64 {
        let stream: Option<String> = signature.is_none().then(|| market.to_string());
        let signature = signature.map(|signature| signature.to_string());
        rows.query_one(KEEP, &[&source, &signature, &stream, &reason]).await.unwrap().get(0)
    };
    // The transaction is there, and the engine has settled it long ago: it is read anew all the same.
    let whole = keep("decoder", Some(landed), "malformed").await;
    // Nobody has this one.
    let nowhere = keep("coverage", Some(TxSignature([7; 64])), "absent").await;
    let unfillable = keep("coverage", Some(landed), "unfillable").await;
    let refused = keep("journal", None, "refused").await;

    let (code, letters) = told(engine, &["dead-letters", "list", "--json"]).await;
    assert_eq!((code, letters.len()), (0, 4), "{letters:?}");
    let (_, page) =
        told(engine, &["dead-letters", "list", "--json", "--after", &whole.to_string(), "--limit", "1"]).await;
    assert_eq!((page.len(), &page[0]["id"]), (1, &json!(nowhere)));
    let (_, page) = told(engine, &["dead-letters", "list", "--json", "--stream", &market.to_string()]).await;
    assert_eq!((page.len(), &page[0]["id"]), (1, &json!(refused)));

    assert_eq!(retry(engine, whole).await, "again");
    assert_eq!(retry(engine, nowhere).await, "again");
    for id in [unfillable, refused] {
        assert_eq!(retry(engine, id).await, "not_retriable");
    }
    assert_eq!(retry(engine, 1_000_000).await, "unknown");
    let (is_resolved, tries, letter) = tried(engine, whole).await;
    assert_eq!((is_resolved, tries), (true, 1), "{letter}");
    let (is_resolved, tries, letter) = tried(engine, nowhere).await;
    assert_eq!((is_resolved, tries), (false, 1), "{letter}");
    assert_eq!(retry(engine, whole).await, "closed");
    // It was read, and given up by what came of that.
    const VAIN: &str = "slot 0: the node does not have it";
    assert_eq!(letter["detail"], VAIN);
    // What is tried again in vain holds up nobody: coverage goes on.
    engine.ready().await;
    let staged: i64 = rows.query_one("SELECT count(*) FROM staged_signatures", &[]).await.unwrap().get(0);
    assert_eq!(staged, 0);

    // All at once, and nothing of what can't be. It is read once more.
    rows.execute("UPDATE dead_letters SET detail = 'of a test' WHERE id = $1", &[&nowhere]).await.unwrap();
    let (code, all) = told(engine, &["dead-letters", "retry", "--all", "--json"]).await;
    assert_eq!((code, &all[0]), (0, &json!({"again": 1, "not_retriable": 2, "under_way": 0})));
    let (is_resolved, tries, letter) = tried(engine, nowhere).await;
    assert_eq!((is_resolved, tries, &letter["detail"]), (false, 2, &json!(VAIN)), "{letter}");

    // Dropped with a reason, and kept with it.
    for wrong in [vec!["drop", "1"], vec!["drop", "1", "--reason", ""], vec!["drop", "1", "--reason", " "]] {
        let output = engine.run(&[vec!["dead-letters"], wrong].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    }
    let (one, other) = (nowhere.to_string(), unfillable.to_string());
    let arguments = ["dead-letters", "drop", &one, &other, "--reason", "nobody has it", "--json"];
    let (code, dropped) = told(engine, &arguments).await;
    assert!(code == 0 && dropped.iter().all(|line| line["outcome"] == "dropped"), "{dropped:?}");
    assert_eq!(self::letter(engine, nowhere).await["dropped_reason"], "nobody has it");
    assert_eq!(retry(engine, nowhere).await, "closed");
    let (_, open) = told(engine, &["dead-letters", "list", "--json"]).await;
    assert_eq!((open.len(), &open[0]["id"]), (1, &json!(refused)), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_row_goes_back_to_the_outbox_as_it_was() {
    let stage = Stage::set().await;
    let engine = &stage.engine;
    let creator = stage.chain.client().funded_wallet().await;
    let market = stage.chain.client().proposed_market(&creator, 100 * SOL).await;
    stage.shown(market).await;
    let rows = stage.database.connect().await;
    const WRITE: &str =
        "INSERT INTO outbox (market, kind, payload) VALUES ($1::text, 'proposal_vote', $2) RETURNING id";
    let poison = json!({"wallet": "nobody", "vote": true});
    let row: i64 = rows.query_one(WRITE, &[&market.to_string(), &poison]).await.unwrap().get(0);
    let id: i64 = wait_for("the row to be refused", || async {
        let (_, letters) = told(engine, &["dead-letters", "list", "--json", "--source", "outbox"]).await;
        letters.first().and_then(|letter| letter["id"].as_i64()).ok_or("not yet")
    })
    .await;

    assert_eq!(retry(engine, id).await, "again");
    let (is_resolved, tries, letter) = tried(engine, id).await;
    assert_eq!((is_resolved, tries, &letter["signature"]), (false, 1, &json!(format!("outbox:{row}"))), "{letter}");
    // What was wrong with it is no more: it becomes an entry, once.
    let mended = json!({"wallet": Wallet([9; 32]), "vote": true});
    rows.execute("UPDATE dead_letters SET raw = $1 WHERE id = $2", &[&mended, &id]).await.unwrap();
    assert_eq!(retry(engine, id).await, "again");
    let (is_resolved, tries, letter) = tried(engine, id).await;
    assert_eq!((is_resolved, tries), (true, 2), "{letter}");
    let votes: i64 = rows.query_one("SELECT count(*) FROM journal WHERE kind = 'vote'", &[]).await.unwrap().get(0);
    assert_eq!(votes, 1);

    // One that an engine before kept can't be: it did not note what it was.
    rows.execute("UPDATE dead_letters SET kind = NULL, resolved_at = NULL WHERE id = $1", &[&id]).await.unwrap();
    assert_eq!(retry(engine, id).await, "not_retriable");
}
