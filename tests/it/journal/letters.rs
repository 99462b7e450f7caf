//! Dead letters that are tried again: a retry is over when what it put back leaves, in one transaction, and never before.

use zmart::{
    domain::ids::{Slot, TxSignature},
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
    staging::unstage(&pool, &[listed], &[]).await.unwrap();
    // And what a list has found stays so, whoever tries it again.
    staging::stage(&pool, &[found]).await.unwrap();
    assert_eq!(retry(&pool, &all[2]).await, Handled::Again);
    assert_eq!(staged(&pool).await, [found, row]);

    // Given up: all its letters are open again at the moment at which it leaves, and each retry puts it back anew.
    for tries in 1..=2 {
        let newest = letter("coverage", one, &format!("slot 7: gone {tries} times"));
        staging::unstage(&pool, &[one], std::slice::from_ref(&newest)).await.unwrap();
        assert_eq!(staged(&pool).await, [found]);
        let now = letters(&pool).await;
        let of_it: Vec<_> = now.iter().filter(|letter| letter.id != ids[2]).collect();
        assert!(of_it.len() == 2 && of_it.iter().all(|letter| !letter.trying && letter.tries == tries), "{now:?}");
        assert_eq!(now[0].detail, newest.detail);
        assert_eq!(dead_letters::retry_all(pool.pool()).await.unwrap().again, 2);
        assert_eq!(staged(&pool).await, [found, row]);
    }
}
