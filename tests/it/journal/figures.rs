//! Candles and figures beside a naive twin that looks at every trade: after batches of any size, after roll-backs, and at
//! any time of the window.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;
use zmart::{
    domain::{amount::ShareUnits, event::Outcome, ids::Wallet},
    journal::{
        read::charts::{self, Window},
        stats,
        write::WriterLife,
    },
};
use zmart_testkit::postgres::Database;

use super::{leased, prepare, settings, story::Story};

/// A trade that stands, as its row says.
struct Trade {
    market: String,
    at: i64,
    place: (i64, i64),
    price: i64,
    volume: i128,
    wallet: String,
}

async fn standing(client: &Client) -> Vec<Trade> {
    const SQL: &str = "SELECT market::text, block_time_unix, slot, seq, price_yes,
                              (CASE trade_type WHEN 'buy' THEN cost ELSE amount_before_fees END)::text, user_wallet::text
                       FROM trades WHERE NOT orphaned";
    let rows = client.query(SQL, &[]).await.unwrap();
    let trade = |row: &tokio_postgres::Row| Trade {
        market: row.get(0),
        at: row.get(1),
        place: (row.get(2), row.get(3)),
        price: row.get(4),
        volume: row.get::<_, String>(5).parse().unwrap(),
        wallet: row.get(6),
    };
    let mut trades: Vec<_> = rows.iter().map(trade).collect();
    trades.sort_by_key(|trade| trade.place);
    trades
}

type Candle = (i64, i64, i64, i64, String, i64);

/// (market, step, bucket) -> open, high, low, close, volume, trades.
async fn naive_candles(client: &Client) -> BTreeMap<(String, i32, i64), Candle> {
    let mut candles: BTreeMap<(String, i32, i64), Vec<Trade>> = BTreeMap::new();
    for step in [60, 3_600] {
        for trade in standing(client).await {
            let bucket = trade.at.div_euclid(i64::from(step)) * i64::from(step);
            candles.entry((trade.market.clone(), step, bucket)).or_default().push(trade);
        }
    }
    let candle = |trades: Vec<Trade>| {
        let prices: Vec<i64> = trades.iter().map(|trade| trade.price).collect();
        let volume: i128 = trades.iter().map(|trade| trade.volume).sum();
        let (high, low) = (*prices.iter().max().unwrap(), *prices.iter().min().unwrap());
        (prices[0], high, low, prices[prices.len() - 1], volume.to_string(), prices.len() as i64)
    };
    candles.into_iter().map(|(key, trades)| (key, candle(trades))).collect()
}

async fn stored_candles(client: &Client) -> BTreeMap<(String, i32, i64), Candle> {
    const SQL: &str = "SELECT market, step, bucket_unix, open, high, low, close, volume::text, trades FROM candles";
    let rows = client.query(SQL, &[]).await.unwrap();
    let candle = |row: &tokio_postgres::Row| {
        let key = (row.get(0), row.get(1), row.get(2));
        (key, (row.get(3), row.get(4), row.get(5), row.get(6), row.get(7), row.get(8)))
    };
    rows.iter().map(candle).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn candles_are_those_of_the_standing_trades_whatever_is_taken_back() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    // As the journal's writer has it: its plans are its own.
    let pool = leased(settings(&database.url).writer_pool().unwrap());
    let client = database.connect().await;
    let mut writer = WriterLife::begin(&pool).await.unwrap();
    let mut stories = [Story::begin(1, epoch), Story::begin(2, epoch)];
    let mut batch = 0;
    for round in 0..14_usize {
        for (number, story) in stories.iter_mut().enumerate() {
            // Some batches are inserted, some copied.
            for step in 0..(if round == 3 { 300 } else { 3 + round * 3 % 11 }) {
                let (wallet, outcome) = (Wallet([4 + (step % 3) as u8; 32]), Outcome::from((step + number) % 2 == 0));
                story.buy(wallet, outcome, 1_000_000_000 + (round * 1_000 + step) as u64);
                if step % 4 == 3 {
                    story.sell(wallet, outcome, ShareUnits(1_000_000));
                }
            }
        }
        batch += 1;
        let appends: Vec<_> = stories.iter_mut().map(Story::append).collect();
        writer.commit(&pool, batch, &appends).await.unwrap();
        if round % 3 == 1 {
            let head = stories[0].seq();
            let back = [1, 4, 80][round / 3 % 3];
            let first = zmart::domain::ids::Seq(head.0.saturating_sub(back).max(5));
            assert!(!stories[0].roll_back_from(first).is_empty());
            batch += 1;
            writer.commit(&pool, batch, &[stories[0].append()]).await.unwrap();
        }
        assert_eq!(stored_candles(&client).await, naive_candles(&client).await, "round {round}");
    }
    let default: i64 = client.query_one("SELECT count(*) FROM candles_default", &[]).await.unwrap().get(0);
    assert_eq!(default, 0, "the writer makes the partitions that it needs");
    let spans: BTreeSet<i64> = stored_candles(&client).await.keys().map(|(_, _, bucket)| *bucket).collect();
    assert!(spans.len() > 3, "several buckets: {spans:?}");
    let orphans: i64 = client.query_one("SELECT count(*) FROM trades WHERE orphaned", &[]).await.unwrap().get(0);
    assert!(orphans > 10, "{orphans} trades were taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_window_at_every_time() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = leased(settings(&database.url).pool(2).unwrap());
    let mut client = database.connect().await;
    let mut writer = WriterLife::begin(&pool).await.unwrap();
    let mut stories = [Story::begin(1, epoch), Story::begin(2, epoch)];
    for step in 0..150_u64 {
        let story = &mut stories[usize::from(step % 5 == 0)];
        story.buy(Wallet([(step % 7) as u8 + 1; 32]), Outcome::from(step % 3 > 0), 1_000_000_000 + step);
    }
    let appends: Vec<_> = stories.iter_mut().map(Story::append).collect();
    writer.commit(&pool, 1, &appends).await.unwrap();

    // One keeper at a time: a category's figures are added to by what was read before.
    let mut other = database.connect().await;
    let (first, second) = (client.transaction().await.unwrap(), other.transaction().await.unwrap());
    second.batch_execute("SET LOCAL lock_timeout = '2s'").await.unwrap();
    assert!(stats::pass(&first, 2_200).await.unwrap().markets > 0);
    assert_eq!(stats::pass(&second, 2_200).await.unwrap(), stats::Pass { markets: 0, more: false });
    drop((first, second));

    let day = 86_400;
    // While all is in the window, while some has left it, when all is gone, and much later.
    for now in [2_200, 2_000 + day, 2_060 + day, 2_090 + day, 2_150 + day, 3_600 + day, 4_000 + 2 * day, 9 * day] {
        let tx = client.transaction().await.unwrap();
        while stats::pass(&tx, now).await.unwrap().more {}
        tx.commit().await.unwrap();
        let since = Window::at(now).since;
        let trades = standing(&client).await;
        for story in &stories {
            let market = story.address().to_string();
            let of_market: Vec<_> = trades.iter().filter(|trade| trade.market == market).collect();
            let inside: Vec<_> = of_market.iter().filter(|trade| trade.at >= since).collect();
            let wallets: BTreeSet<&str> = inside.iter().map(|trade| trade.wallet.as_str()).collect();
            let before = of_market.iter().rfind(|trade| trade.at < since).map_or(500_000_000, |trade| trade.price);
            let volume: i128 = inside.iter().map(|trade| trade.volume).sum();
            let score = 6 * volume + 4_000_000_000 * wallets.len() as i128;
            const SQL: &str = "SELECT volume_24h::text, trades_24h, traders_24h, price_yes_before, score::text,
                                      volume::text, phase FROM market_stats WHERE market = $1";
            let row = client.query_one(SQL, &[&market]).await.unwrap();
            let stored: (String, i64, i64, i64, String) = (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
            let naive = (volume.to_string(), inside.len() as i64, wallets.len() as i64, before, score.to_string());
            assert_eq!(stored, naive, "{market} at {now}");
            assert_eq!(row.get::<_, String>(5), story.market().total_volume.to_string());
            assert_eq!(row.get::<_, i16>(6), 2, "ACTIVE");
            let extremes =
                charts::extremes(&client, story.address(), since, Window::at(now).whole_hours).await.unwrap();
            let prices = inside.iter().map(|trade| trade.price as u64);
            assert_eq!(extremes, prices.clone().max().zip(prices.min()), "{market} at {now}");
        }
        let due: i64 = client.query_one("SELECT count(*) FROM stats_due", &[]).await.unwrap().get(0);
        assert_eq!(due, 0);
    }
    let idle = "SELECT count(*) FROM market_stats WHERE due_at_unix IS NOT NULL";
    assert_eq!(client.query_one(idle, &[]).await.unwrap().get::<_, i64>(0), 0, "nobody is looked at for nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_makes_of_trades_that_are_there_what_batches_make_of_them() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = leased(settings(&database.url).pool(2).unwrap());
    let client = database.connect().await;
    let mut writer = WriterLife::begin(&pool).await.unwrap();
    let mut story = Story::begin(1, epoch);
    for step in 0..150_u64 {
        story.buy(Wallet([(step % 7) as u8 + 1; 32]), Outcome::from(step % 3 > 0), 1_000_000_000 + step);
    }
    writer.commit(&pool, 1, &[story.append()]).await.unwrap();
    let head = story.seq();
    assert!(!story.roll_back_from(zmart::domain::ids::Seq(head.0 - 5)).is_empty());
    writer.commit(&pool, 2, &[story.append()]).await.unwrap();
    // Every column, the places of the trades among them.
    let all = "SELECT jsonb_agg(c ORDER BY market, step, bucket_unix) FROM candles c";
    let by_batches: serde_json::Value = client.query_one(all, &[]).await.unwrap().get(0);
    assert!(by_batches.as_array().unwrap().len() > 3);
    let migration = include_str!("../../../sql/V5__reads.sql");
    let fill = &migration[migration.find("INSERT INTO candles").unwrap()..];
    let fill = &fill[..=fill.find(';').unwrap()];
    client.batch_execute(&format!("DELETE FROM candles; {fill}")).await.unwrap();
    let by_migration: serde_json::Value = client.query_one(all, &[]).await.unwrap().get(0);
    assert_eq!(by_migration, by_batches);
}
