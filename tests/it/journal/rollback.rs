//! What a roll-back does to the rows, on a real PostgreSQL: nothing is deleted from the journal; events and trades are
//! marked; positions are what the standing entries make of them.

use std::collections::BTreeMap;

use zmart::{
    actors::stream::{life::Life, subject::Subject},
    domain::{
        amount::ShareUnits,
        event::Outcome,
        ids::{Epoch, MarketAddress, Seq, Slot, Wallet},
        market::Market,
        position::{Position, PositionDelta},
        rollback::reverted_by,
    },
    journal::{
        finality::{recorded_between, taken_back_after},
        open,
        read::{self, TradePosition},
        write::WriterLife,
    },
};
use zmart_testkit::postgres::Database;

use super::{prepare, settings, story::Story};

const WALLETS: [Wallet; 3] = [Wallet([4; 32]), Wallet([5; 32]), Wallet([6; 32])];

/// Positions as the standing entries make them, one by one.
async fn naive_positions(
    pool: &deadpool_postgres::Pool,
    market: MarketAddress,
    epoch: Epoch,
) -> BTreeMap<Wallet, Position> {
    let entries =
        read::entries_after(&**pool.get().await.unwrap(), market.account(), epoch, Seq(0), 10_000).await.unwrap();
    let fallen = reverted_by(&entries);
    let mut positions = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !fallen.contains(&entry.seq)) {
        if let Some((wallet, delta)) = PositionDelta::of(&entry.body) {
            positions.entry(wallet).or_insert_with(|| Position::empty(market, wallet)).apply(&delta).unwrap();
        }
    }
    positions
}

async fn stored_positions(pool: &deadpool_postgres::Pool) -> BTreeMap<Wallet, Position> {
    let rows = read::positions(&**pool.get().await.unwrap(), None, 1_000).await.unwrap();
    rows.into_iter().map(|position| (position.user, position)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_positions_are_those_of_the_standing_entries_whatever_is_taken_back() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = settings(&database.url).pool(2).unwrap();
    let mut writer = WriterLife::begin(&pool).await.unwrap();
    let mut story = Story::begin(1, epoch);
    let address = story.address();
    writer.commit(&pool, 1, &[story.append()]).await.unwrap();
    let mut batch = 1;
    for round in 0..12_usize {
        for step in 0..(2 + round % 4) {
            let (wallet, outcome) = (WALLETS[(round * 7 + step) % 3], Outcome::from((round + step) % 2 == 0));
            story.buy(wallet, outcome, 1_000_000_000 + round as u64);
            if step % 3 == 2 {
                story.sell(wallet, outcome, ShareUnits(1_000_000 + step as u64));
            }
        }
        batch += 1;
        writer.commit(&pool, batch, &[story.append()]).await.unwrap();
        let head = story.seq();
        // Now and then only the newest, now and then all that this round made, and once all that there is but the market.
        let from = match round % 4 {
            0 => continue,
            1 => head.0,
            2 => head.0 - 2,
            _ if round == 7 => 5,
            _ => head.0 - 3,
        };
        let reverted = story.roll_back_from(Seq(from));
        assert!(!reverted.is_empty());
        batch += 1;
        writer.commit(&pool, batch, &[story.append()]).await.unwrap();

        assert_eq!(stored_positions(&pool).await, naive_positions(&pool, address, epoch).await, "round {round}");
        let row = read::market(&**pool.get().await.unwrap(), address).await.unwrap().unwrap();
        assert_eq!(&row.market().unwrap(), story.market());
        assert_eq!(row.traders_count, stored_positions(&pool).await.len() as u64, "round {round}");
        let newest = TradePosition { epoch, seq: Seq(u64::MAX) };
        let trades = read::trades(&**pool.get().await.unwrap(), address, newest, 0, 1_000).await.unwrap();
        assert_eq!(trades.len() as u64, row.trades_count, "round {round}: listed and counted");
        let known =
            open::known_events(&pool, &story.told.iter().map(|event| event.id).collect::<Vec<_>>()).await.unwrap();
        let standing: Vec<_> = story.standing.iter().map(|event| event.id).collect();
        assert_eq!(known, standing, "round {round}: what was taken back is not known any more");
        // A new life is the same.
        let stored = Market::load(&pool, address.account(), epoch).await.unwrap().unwrap();
        let life: Life<Market> = Life::restore(address.account(), epoch, stored);
        assert_eq!((life.released().seq, life.released().state.as_deref()), (story.seq(), Some(story.market())));
    }
    let counts = database
        .connect()
        .await
        .query_one(
            "SELECT (SELECT count(*) FROM journal), (SELECT max(seq) FROM journal),
                    (SELECT count(*) FROM chain_events WHERE orphaned),
                    (SELECT count(*) FROM trades t JOIN chain_events e ON (e.stream, e.epoch, e.seq) = (t.market, t.epoch, t.seq)
                     WHERE t.orphaned <> e.orphaned)",
            &[],
        )
        .await
        .unwrap();
    let (entries, last, orphans, unequal): (i64, i64, i64, i64) =
        (counts.get(0), counts.get(1), counts.get(2), counts.get(3));
    assert_eq!((entries, entries), (last, story.seq().0 as i64), "nothing is deleted, no number twice");
    assert_eq!((orphans as usize, unequal), (story.told.len() - story.standing.len(), 0));

    let (recorded, upto) = recorded_between(&pool, Slot(0), Slot(10_000), 7).await.unwrap();
    assert!(recorded.len() <= 7 && upto < Slot(10_000), "a page ends at a whole slot: {upto}");
    let (all, _) = recorded_between(&pool, Slot(0), Slot(10_000), 10_000).await.unwrap();
    assert_eq!(
        all.iter().map(|it| it.signature).collect::<Vec<_>>(),
        story.standing.iter().map(|event| event.id.signature).collect::<Vec<_>>()
    );
    let taken_back = taken_back_after(&pool, &[address.account()], Slot(0)).await.unwrap();
    assert_eq!(taken_back.len(), orphans as usize);
}
