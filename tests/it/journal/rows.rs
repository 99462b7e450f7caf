//! Appends as rows: from exactly the entry before, all or nothing, and what follows from them.

use std::collections::BTreeMap;

use zmart::{
    domain::{
        amount::ShareUnits,
        event::Outcome,
        ids::{MarketAddress, Seq, Wallet},
        position::{Position, PositionDelta},
    },
    journal::{
        open, read,
        write::{CommitFailure, StreamAppend, WriterLife},
    },
};
use zmart_testkit::postgres::Database;

use super::{entries, prepare, settings, story::Story};

fn overtaken<T>(result: Result<T, CommitFailure>) -> bool {
    matches!(result, Err(CommitFailure::Overtaken(_)))
}

fn over<T>(result: Result<T, CommitFailure>) -> bool {
    matches!(result, Err(CommitFailure::LifeOver))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_moves_a_stream_from_exactly_the_entry_before() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = settings(&database.url).writer_pool().unwrap();
    let mut life = WriterLife::begin(&pool).await.unwrap();
    let mut story = Story::begin(1, epoch);
    let first = story.append();
    story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
    let second = story.append();
    let one = std::slice::from_ref::<StreamAppend>;

    assert!(overtaken(life.commit(&pool, 1, one(&second)).await), "a stream begins at its first entry");
    life.commit(&pool, 1, one(&first)).await.unwrap();
    assert!(overtaken(life.commit(&pool, 2, one(&first)).await), "the first one doubled");
    assert!(over(life.commit(&pool, 1, one(&second)).await), "a batch's number that was used");
    assert!(over(life.commit(&pool, 3, one(&second)).await), "a batch's number that is not next");
    life.commit(&pool, 2, one(&second)).await.unwrap();
    assert!(overtaken(life.commit(&pool, 3, one(&second)).await), "doubled");
    let ahead = StreamAppend { first_seq: Seq(7), ..second.clone() };
    assert!(overtaken(life.commit(&pool, 3, &[ahead]).await), "a hole");
    // Another stream of the same batch is not written either: a batch is all or nothing.
    let mut other = Story::begin(2, epoch);
    assert!(overtaken(life.commit(&pool, 3, &[other.append(), second]).await));

    let stream = story.stream().to_string();
    assert_eq!(entries(&database).await, [(stream, 5)]);
    let stored = open::load_market(&pool, story.stream(), epoch).await.unwrap().unwrap();
    assert_eq!((stored.row.head().last_seq, stored.row.market().unwrap()), (Seq(5), story.market().clone()));
    let seqs: Vec<u64> = stored.ring.iter().map(|entry| entry.seq.0).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    assert!(life.was_committed(&pool, 3, &[]).await.unwrap().is_none());
    assert!(life.was_committed(&pool, 2, &[]).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_written_in_batches_equal_a_naive_fold_of_the_journal() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = settings(&database.url).writer_pool().unwrap();
    let mut life = WriterLife::begin(&pool).await.unwrap();
    let mut stories = [Story::begin(1, epoch), Story::begin(2, epoch)];
    let wallets = [Wallet([11; 32]), Wallet([12; 32]), Wallet([13; 32])];
    let mut batch = 0;
    for round in 0..4usize {
        for (at, story) in stories.iter_mut().enumerate() {
            for step in 0..6usize {
                let wallet = wallets[(round + at + step) % wallets.len()];
                let outcome = Outcome::from(step % 2 == 0);
                story.buy(wallet, outcome, 1_000_000_000 + (round * 10 + step) as u64);
                if step == 5 {
                    // Bought and sold within one batch.
                    story.sell(wallet, outcome, ShareUnits(1_000_000));
                }
            }
        }
        let appends: Vec<StreamAppend> = stories.iter_mut().map(Story::append).collect();
        batch += 1;
        life.commit(&pool, batch, &appends).await.unwrap();
    }

    let client = database.connect().await;
    let mut folded: BTreeMap<(String, String), Position> = BTreeMap::new();
    for story in &stories {
        let market = MarketAddress(story.stream().0);
        for entry in read::entries_after(&client, story.stream(), epoch, Seq(0), 1_000).await.unwrap() {
            if let Some((wallet, delta)) = PositionDelta::of(&entry.body) {
                let key = (market.to_string(), wallet.to_string());
                folded.entry(key).or_insert_with(|| Position::empty(market, wallet)).apply(&delta).unwrap();
            }
        }
    }
    let written: BTreeMap<(String, String), Position> = read::positions(&client, None, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|position| ((position.market.to_string(), position.user.to_string()), position))
        .collect();
    assert_eq!(written.len(), stories.len() * wallets.len());
    assert_eq!(written, folded);
    for story in &stories {
        let row = read::market(&client, MarketAddress(story.stream().0)).await.unwrap().unwrap();
        assert_eq!((row.traders_count, row.trades_count), (wallets.len() as u64, 28));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_of_shares_whose_purchase_is_not_known_stops_no_journal() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = settings(&database.url).writer_pool().unwrap();
    let mut life = WriterLife::begin(&pool).await.unwrap();
    let mut story = Story::begin(1, epoch);
    story.buy(Wallet([11; 32]), Outcome::Yes, 1_000_000_000);
    story.sell(Wallet([12; 32]), Outcome::Yes, ShareUnits(5_000_000));
    life.commit(&pool, 1, &[story.append()]).await.unwrap();
    let market = MarketAddress(story.stream().0);
    let position = read::position(&database.connect().await, market, Wallet([12; 32])).await.unwrap().unwrap();
    assert_eq!((position.shares_yes, position.trades_count), (ShareUnits(0), 1));
}
