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
        identity, open,
        read::{self, TradePosition},
        write::{HeadRow, WriterLife},
    },
};
use zmart_testkit::postgres::Database;

use super::{leased, prepare, settings, story::Story};

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
    let pool = leased(settings(&database.url).pool(2).unwrap());
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

        assert_eq!(
            stored_positions(pool.pool()).await,
            naive_positions(pool.pool(), address, epoch).await,
            "round {round}"
        );
        let row = read::market(&**pool.get().await.unwrap(), address).await.unwrap().unwrap();
        assert_eq!(&row.market().unwrap(), story.market());
        assert_eq!(row.traders_count, stored_positions(pool.pool()).await.len() as u64, "round {round}");
        let newest = TradePosition { epoch, seq: Seq(u64::MAX) };
        let trades = read::trades(&**pool.get().await.unwrap(), address, newest, 0, 1_000).await.unwrap();
        assert_eq!(trades.len() as u64, row.trades_count, "round {round}: listed and counted");
        let known = open::known_events(pool.pool(), &story.told.iter().map(|event| event.id).collect::<Vec<_>>())
            .await
            .unwrap();
        let standing: Vec<_> = story.standing.iter().map(|event| event.id).collect();
        assert_eq!(known, standing, "round {round}: what was taken back is not known any more");
        // A new life is the same.
        let stored = Market::load(pool.pool(), address.account(), epoch).await.unwrap().unwrap();
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

    let (recorded, upto) = recorded_between(pool.pool(), Slot(0), Slot(10_000), 7).await.unwrap();
    assert!(recorded.len() <= 7 && upto < Slot(10_000), "a page ends at a whole slot: {upto}");
    let (all, _) = recorded_between(pool.pool(), Slot(0), Slot(10_000), 10_000).await.unwrap();
    assert_eq!(
        all.iter().map(|it| it.signature).collect::<Vec<_>>(),
        story.standing.iter().map(|event| event.id.signature).collect::<Vec<_>>()
    );
    let taken_back = taken_back_after(pool.pool(), &[address.account()], Slot(0)).await.unwrap();
    assert_eq!(taken_back.len(), orphans as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_an_earlier_life_are_taken_back_in_a_later_one() {
    let database = Database::fresh().await;
    let first = prepare(&database).await;
    let pool = leased(settings(&database.url).pool(2).unwrap());
    let mut writer = WriterLife::begin(&pool).await.unwrap();
    let mut story = Story::begin(1, first);
    for wallet in WALLETS {
        story.buy(wallet, Outcome::Yes, 1_000_000_000);
    }
    writer.commit(&pool, 1, &[story.append()]).await.unwrap();

    let client = database.connect().await;
    let second = identity::begin_by_hand(&client).await.unwrap().epoch;
    let refused = writer.commit(&pool, 2, &[]).await;
    assert!(refused.is_err(), "a term of the life before is over: {refused:?}");
    let again = "UPDATE leases SET term = 1, expires_at = now() + interval '1 day'";
    client.batch_execute(again).await.unwrap();
    story.buy(WALLETS[0], Outcome::No, 1_000_000_000);
    let reverted = story.roll_back_from(Seq(6));
    assert_eq!(reverted, [Seq(6), Seq(7)], "what is not written yet can't be taken back");
    let mut append = story.append();
    append.epoch = second;
    if let HeadRow::Market(row) = &mut append.row {
        row.epoch = second.0;
    }
    writer.commit(&pool, 2, &[append]).await.unwrap();

    let entries = async |after| {
        let client = pool.get().await.unwrap();
        read::entries_of_all_lives(&**client, story.stream(), Seq(after), 100).await.unwrap()
    };
    let all = entries(0).await;
    assert_eq!(all.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
    assert_eq!(entries(6).await, all[6..]);
    const ORPHANS: &str = "SELECT array_agg(seq ORDER BY seq) FROM trades WHERE orphaned AND epoch = $1";
    let orphans: Vec<i64> = client.query_one(ORPHANS, &[&(first.0 as i32)]).await.unwrap().get(0);
    assert_eq!(orphans, [6, 7]);
    let stored = stored_positions(pool.pool()).await;
    assert_eq!((stored[&WALLETS[1]].trades_count, stored[&WALLETS[2]].trades_count), (0, 0));
    // Restored in the new life, with what is behind the finalized point of the old one.
    let stored = Market::load(pool.pool(), story.stream(), second).await.unwrap().unwrap();
    assert_eq!(stored.tail.len(), 9, "nothing of it was final");
}
