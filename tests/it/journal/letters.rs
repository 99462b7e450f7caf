//! Dead letters that are tried again: a retry is over when what it put back leaves, in one transaction, and never before.

use serde_json::json;
use zmart::{
    domain::ids::{AccountAddress, Slot, TxSignature},
    journal::{
        dead_letters::{self, Handled, Letter, LetterFilter},
        lease::Leased,
        staging::{self, DeadLetter, Staged},
    },
};
use zmart_testkit::postgres::Database;

use super::{leased, prepare, settings};

async fn prepared() -> (Database, Leased) {
    let database = Database::fresh().await;
    prepare(&database).await;
    let pool = leased(settings(&database.url).pool(4).unwrap());
    (database, pool)
}

fn letter(source: &'static str, signature: TxSignature, detail: &str) -> DeadLetter {
    let (n, stream, raw) = (None, None, None);
    DeadLetter { source, signature: Some(signature), n, stream, reason: "absent", detail: detail.to_owned(), raw }
}

async fn letters(pool: &Leased) -> Vec<Letter> {
    dead_letters::list(pool.pool(), LetterFilter::default(), 0, 100).await.unwrap()
}

async fn retry(pool: &Leased, letter: &Letter) -> Handled {
    dead_letters::retry(pool.pool(), &[letter.id]).await.unwrap().remove(0).1
}

async fn staged(pool: &Leased) -> Vec<Staged> {
    staging::staged(pool.pool(), None, 100).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_being_tried_as_long_as_something_is_staged_for_it_and_no_longer() {
    let (_database, pool) = prepared().await;
    let (one, listed) = (TxSignature([1; 64]), TxSignature([2; 64]));
    let kept = [letter("coverage", one, "slot 7: gone"), letter("decoder", one, "odd"), letter("coverage", listed, "")];
    staging::bury(&pool, &kept).await.unwrap();
    let all = letters(&pool).await;
    let ids: Vec<i64> = all.iter().map(|letter| letter.id).collect();

    // Two letters of one transaction put it back once, where it was; it is known that nobody lists it.
    assert_eq!(dead_letters::retry_all(pool.pool()).await.unwrap().again, 3);
    let row = Staged { signature: one, slot: Slot(7), retried: true };
    assert!(staged(&pool).await.contains(&row));
    // What says what is wrong with it, while it is staged still, ends nothing.
    staging::bury(&pool, &kept[..1]).await.unwrap();
    assert!(letters(&pool).await.iter().all(|letter| letter.trying));
    assert_eq!(retry(&pool, &all[0]).await, Handled::UnderWay);

    // A list that has it makes it one like any other: it stands where it was listed, and is waited for.
    let found = Staged { signature: listed, slot: Slot(3), retried: false };
    staging::stage(&pool, &[found, found]).await.unwrap();
    assert_eq!(staged(&pool).await, [found, row]);
    staging::unstage(&pool, &[(listed, Slot(3))], &[]).await.unwrap();
    // And what a list has found stays so, whoever tries it again.
    staging::stage(&pool, &[found]).await.unwrap();
    assert_eq!(retry(&pool, &all[2]).await, Handled::Again);
    assert_eq!(staged(&pool).await, [found, row]);

    // Given up: all its letters are open again at the moment at which it leaves, and each retry puts it back anew.
    for tries in 1..=2 {
        let newest = letter("coverage", one, &format!("slot 7: gone {tries} times"));
        staging::unstage(&pool, &[(one, Slot(7))], std::slice::from_ref(&newest)).await.unwrap();
        assert_eq!(staged(&pool).await, [found]);
        let now = letters(&pool).await;
        let of_it: Vec<_> = now.iter().filter(|letter| letter.id != ids[2]).collect();
        assert!(of_it.len() == 2 && of_it.iter().all(|letter| !letter.trying && letter.tries == tries), "{now:?}");
        assert_eq!(now[0].detail, newest.detail);
        assert_eq!(dead_letters::retry_all(pool.pool()).await.unwrap().again, 2);
        assert_eq!(staged(&pool).await, [found, row]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_record_of_a_hole_nor_what_its_author_deleted_is_tried_again() {
    let (database, pool) = prepared().await;
    let client = database.connect().await;
    let left_out = DeadLetter { reason: "left out", ..letter("coverage", TxSignature([1; 64]), "from slot 1") };
    staging::bury(&pool, &[left_out]).await.unwrap();
    let comments = [("2b0f4f4e-0000-4000-8000-000000000001", true), ("2b0f4f4e-0000-4000-8000-000000000002", false)];
    // Of a table with rules and triggers, as it stands after them.
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    const COMMENT: &str = "INSERT INTO discussions (id, market, wallet, content, deleted_at) \
                           VALUES ($1::text::uuid, $2::text, $2::text, 'said', CASE WHEN $3 THEN now() END)";
    const KEEP: &str = "INSERT INTO dead_letters (source, signature, stream, reason, detail, kind, raw) \
                        VALUES ('outbox', $1, $2::text, 'refused', '', 'comment', $3)";
    let address = AccountAddress([9; 32]).to_string();
    for (n, (id, is_deleted)) in comments.iter().enumerate() {
        client.execute(COMMENT, &[id, &address, is_deleted]).await.unwrap();
        client.execute(KEEP, &[&format!("outbox:{}", n + 1), &address, &json!({ "id": id })]).await.unwrap();
    }
    client.execute(KEEP, &[&"outbox:3", &address, &json!({ "id": "nothing of the kind" })]).await.unwrap();
    let can: Vec<_> = letters(&pool).await.iter().map(|letter| letter.not_retriable.is_none()).collect();
    assert_eq!(can, [false, false, true, true]);
    let all = letters(&pool).await;
    for letter in &all[..2] {
        assert!(matches!(retry(&pool, letter).await, Handled::NotRetriable(_)));
    }
}
