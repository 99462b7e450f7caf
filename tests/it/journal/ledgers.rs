//! Ledgers and all that is summed up from them: after any trades, roll-backs and deaths of the keeper they are what a naive
//! twin makes of the trades that stand.

use std::collections::BTreeMap;

use deadpool_postgres::Pool;
use rust_decimal::Decimal;
use tokio_postgres::Client;
use zmart::{
    domain::{
        amount::{ShareUnits, UnixSeconds},
        event::Outcome,
        ids::Wallet,
        ledger::UnixHour,
    },
    journal::{
        ledgers::{move_windows, work_off},
        write::WriterLife,
    },
};
use zmart_testkit::postgres::Database;

use super::{prepare, settings, story::Story};

const ALICE: Wallet = Wallet([41; 32]);
const BOB: Wallet = Wallet([42; 32]);
const SHARE: u64 = 1_000_000_000;

/// (trades, volume, realised) of each wallet and hour.
type Hours = BTreeMap<(String, i64), (i64, i128, i128)>;

fn whole(row: &tokio_postgres::Row, at: usize) -> i128 {
    row.get::<_, Decimal>(at).mantissa()
}

/// The naive twin: every trade that stands, in order, by average cost.
async fn twin(client: &Client) -> Hours {
    const SQL: &str = "SELECT market::text, user_wallet::text, trade_type, outcome, shares::numeric, cost::numeric,
                              amount_before_fees::numeric, block_time_unix
                       FROM trades WHERE NOT orphaned ORDER BY market, epoch, seq";
    let mut held: BTreeMap<(String, String, String), (i128, i128)> = BTreeMap::new();
    let mut hours = Hours::new();
    for row in client.query(SQL, &[]).await.unwrap() {
        let (market, wallet, outcome): (String, String, String) = (row.get(0), row.get(1), row.get(3));
        let (shares, cost, before_fees) = (whole(&row, 4), whole(&row, 5), whole(&row, 6));
        let hour = hours.entry((wallet.clone(), row.get::<_, i64>(7).div_euclid(3_600))).or_default();
        let (has, paid) = held.entry((market, wallet, outcome)).or_default();
        hour.0 += 1;
        if row.get::<_, &str>(2) == "buy" {
            *has += shares;
            *paid += cost;
            hour.1 += cost;
        } else {
            let given = if shares >= *has { *paid } else { *paid * shares / *has };
            *has -= shares;
            *paid -= given;
            hour.1 += before_fees;
            hour.2 += cost - given;
        }
    }
    hours
}

async fn kept(client: &Client) -> Hours {
    let sql = "SELECT wallet, hour, trades, volume, realised FROM wallet_hours";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| ((row.get(0), row.get(1)), (row.get(2), whole(row, 3), whole(row, 4)))).collect()
}

/// Works off all notes; how many there were.
async fn work(pool: &Pool) -> usize {
    let mut all = 0;
    loop {
        let done = work_off(pool).await.unwrap();
        all += done;
        if done == 0 {
            return all;
        }
    }
}

/// Hours are the twin's, and every window is the sum of its hours.
pub async fn assert_exact(client: &Client, what: &str) {
    assert_eq!(kept(client).await, twin(client).await, "{what}");
    const WRONG: &str = "
        WITH sums AS (
            SELECT p.name AS period, w.wallet, sum(w.trades) AS trades, sum(w.volume) AS volume,
                   sum(w.realised) AS realised, sum(w.decided) AS decided, sum(w.correct) AS correct
            FROM leaderboard_windows p JOIN wallet_hours w ON w.hour >= p.from_hour GROUP BY 1, 2)
        SELECT count(*) FROM sums FULL JOIN leaderboard l USING (period, wallet)
        WHERE (sums.trades, sums.volume, sums.realised, sums.decided, sums.correct)
              IS DISTINCT FROM (l.trades, l.volume, l.realised, l.decided, l.correct)";
    assert_eq!(client.query_one(WRONG, &[]).await.unwrap().get::<_, i64>(0), 0, "{what}: windows");
    const MARKETS: &str = "
        SELECT count(*) FROM (SELECT user_wallet AS wallet, count(DISTINCT market) AS markets FROM trades
                              WHERE NOT orphaned GROUP BY 1) t
        FULL JOIN (SELECT * FROM wallet_totals WHERE markets_traded <> 0) w USING (wallet)
        WHERE t.markets IS DISTINCT FROM w.markets_traded";
    assert_eq!(client.query_one(MARKETS, &[]).await.unwrap().get::<_, i64>(0), 0, "{what}: markets traded");
}

/// A third of what a wallet holds.
async fn third(client: &Client, story: &Story, wallet: Wallet, outcome: Outcome) -> ShareUnits {
    let column = if outcome == Outcome::Yes { "shares_yes" } else { "shares_no" };
    let sql = format!("SELECT {column}::numeric FROM positions WHERE market = $1::text AND wallet = $2::text");
    let row = client.query_one(&sql, &[&story.address().to_string(), &wallet.to_string()]).await.unwrap();
    ShareUnits(u64::try_from(whole(&row, 0) / 3).unwrap())
}

#[test]
fn ledgers_follow_the_trades_through_batches_and_roll_backs() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let client = database.connect().await;
        // Trades of these stories happened in 1970: in the windows all the same, or not in any but the last.
        client.execute("UPDATE leaderboard_windows SET from_hour = 0 WHERE name = '7d'", &[]).await.unwrap();
        let pool = settings(&database.url).writer_pool().unwrap();
        let mut life = WriterLife::begin(&pool).await.unwrap();
        let mut story = Story::begin(1, epoch);
        let mut other = Story::begin(2, epoch);
        story.buy(ALICE, Outcome::Yes, 5 * SHARE);
        story.buy(BOB, Outcome::No, 3 * SHARE);
        story.buy(ALICE, Outcome::Yes, 7 * SHARE);
        other.buy(ALICE, Outcome::No, 2 * SHARE);
        life.commit(&pool, 1, &[story.append(), other.append()]).await.unwrap();
        assert_eq!(work(&pool).await, 3, "a note a position and batch");
        assert_exact(&client, "buys").await;

        let kept_to = story.seq();
        let shares = third(&client, &story, ALICE, Outcome::Yes).await;
        story.sell(ALICE, Outcome::Yes, shares);
        story.buy(ALICE, Outcome::No, SHARE);
        life.commit(&pool, 2, &[story.append()]).await.unwrap();
        let shares = third(&client, &story, BOB, Outcome::No).await;
        story.sell(BOB, Outcome::No, shares);
        story.buy(Wallet([43; 32]), Outcome::Yes, SHARE);
        life.commit(&pool, 3, &[story.append()]).await.unwrap();
        work(&pool).await;
        assert_exact(&client, "sells").await;
        let realised = kept(&client).await.values().filter(|hour| hour.2 != 0).count();
        assert_eq!(realised, 2, "both sold");

        // Taken back, with one that nobody has looked at yet, and one wallet that is new again.
        story.buy(BOB, Outcome::No, SHARE);
        life.commit(&pool, 4, &[story.append()]).await.unwrap();
        let reverted = story.roll_back_from(kept_to.next());
        assert_eq!(reverted.len(), 5);
        story.buy(BOB, Outcome::Yes, 2 * SHARE);
        life.commit(&pool, 5, &[story.append()]).await.unwrap();
        work(&pool).await;
        assert_exact(&client, "a roll-back").await;

        // Everything of it.
        story.roll_back_from(zmart::domain::ids::Seq(5));
        life.commit(&pool, 6, &[story.append()]).await.unwrap();
        work(&pool).await;
        assert_exact(&client, "a roll-back of all trades").await;
        let left = client.query_one("SELECT count(*) FROM position_hours", &[]).await.unwrap();
        assert_eq!(left.get::<_, i64>(0), 1, "the other market's");
        pool.close();
    });
}

#[test]
fn a_position_with_more_trades_than_one_transaction_takes_is_kept_in_pieces() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let client = database.connect().await;
        let pool = settings(&database.url).writer_pool().unwrap();
        let mut life = WriterLife::begin(&pool).await.unwrap();
        let mut story = Story::begin(1, epoch);
        story.fill(2_500);
        life.commit(&pool, 1, &[story.append()]).await.unwrap();
        assert_eq!(work_off(&pool).await.unwrap(), 1);
        let trades = "SELECT sum(trades)::bigint FROM wallet_hours";
        assert_eq!(client.query_one(trades, &[]).await.unwrap().get::<_, i64>(0), 1_000);
        // A death here loses nothing: what is left is noted.
        work(&pool).await;
        assert_exact(&client, "in pieces").await;
        assert_eq!(client.query_one(trades, &[]).await.unwrap().get::<_, i64>(0), 2_500);
        pool.close();
    });
}

#[test]
fn hours_leave_the_windows_of_the_leaderboard_one_by_one() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let client = database.connect().await;
        client.execute("UPDATE leaderboard_windows SET from_hour = 0 WHERE hours IS NOT NULL", &[]).await.unwrap();
        let pool = settings(&database.url).writer_pool().unwrap();
        let mut life = WriterLife::begin(&pool).await.unwrap();
        let mut story = Story::begin(1, epoch);
        // The story's clock moves a second an event from 2,000 s on: 1,600 of them reach the next hour.
        story.fill(1_400);
        story.buy(ALICE, Outcome::Yes, 5 * SHARE);
        story.fill(300);
        story.buy(BOB, Outcome::Yes, 5 * SHARE);
        life.commit(&pool, 1, &[story.append()]).await.unwrap();
        work(&pool).await;
        assert_exact(&client, "before").await;
        let hours: Vec<i64> = kept(&client).await.keys().map(|key| key.1).collect();
        assert!(hours.contains(&0) && hours.contains(&1), "{hours:?}");

        let ranked = async |period: &str| -> Vec<String> {
            let sql = "SELECT wallet FROM leaderboard WHERE period = $1 ORDER BY volume DESC, wallet DESC";
            client.query(sql, &[&period]).await.unwrap().iter().map(|row| row.get(0)).collect()
        };
        assert_eq!(ranked("24h").await.len(), 3);
        while move_windows(&pool, UnixHour(25)).await.unwrap() {}
        assert_exact(&client, "an hour has left the shortest").await;
        assert_eq!(ranked("24h").await, [BOB.to_string()]);
        assert_eq!(ranked("7d").await.len(), 3);
        while move_windows(&pool, UnixHour::of(UnixSeconds(40 * 86_400))).await.unwrap() {}
        assert_exact(&client, "all have left all but the last").await;
        assert_eq!((ranked("30d").await.len(), ranked("all").await.len()), (0, 3));
        pool.close();
    });
}

#[test]
fn a_verdict_reaches_every_position_of_its_market_page_by_page() {
    actix::System::new().block_on(async {
        const HOLDERS: i64 = 2_300;
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let client = database.connect().await;
        let pool = settings(&database.url).writer_pool().unwrap();
        let mut life = WriterLife::begin(&pool).await.unwrap();
        let mut story = Story::begin(1, epoch);
        story.buy(ALICE, Outcome::Yes, 5 * SHARE);
        story.buy(BOB, Outcome::No, 3 * SHARE);
        life.commit(&pool, 1, &[story.append()]).await.unwrap();
        work(&pool).await;
        let market = story.address().to_string();
        // Holders of nothing, as many as more than two pages.
        let holders = "
            INSERT INTO positions SELECT market, 'Z' || translate(md5(i::text), '0', 'g'), 0, 0, 0, 0, 0, false, 0
            FROM positions, generate_series(1, $2) AS i WHERE market = $1::text AND wallet = $3::text";
        client.execute(holders, &[&market, &(HOLDERS as i32), &BOB.to_string()]).await.unwrap();
        let verdict =
            "UPDATE markets SET phase = 5, final_outcome = 'NO', finalized_at_unix = 7200 WHERE address = $1::text";
        client.execute(verdict, &[&market]).await.unwrap();
        assert_eq!(work(&pool).await as i64, 3 + HOLDERS + 2, "three pages of notes");
        let ledger = async |wallet: Wallet| {
            let sql = "SELECT verdict_realised, cost_yes + cost_no, was_right, verdict_hour FROM position_ledgers
                       WHERE wallet = $1::text";
            let row = client.query_one(sql, &[&wallet.to_string()]).await.unwrap();
            (whole(&row, 0), whole(&row, 1), row.get::<_, Option<bool>>(2), row.get::<_, Option<i64>>(3))
        };
        let (lost, paid, ..) = ledger(ALICE).await;
        assert_eq!(ledger(ALICE).await, (-paid, paid, Some(false), Some(2)));
        assert!(lost < 0);
        assert_eq!(ledger(BOB).await, (0, ledger(BOB).await.1, Some(true), Some(2)));
        let sums =
            "SELECT sum(decided)::bigint, sum(correct)::bigint, sum(realised) FROM leaderboard WHERE period = 'all'";
        let row = client.query_one(sums, &[]).await.unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), whole(&row, 2)), (2, 1, lost));

        // The verdict is rolled back.
        let undone =
            "UPDATE markets SET phase = 4, final_outcome = NULL, finalized_at_unix = 0 WHERE address = $1::text";
        client.execute(undone, &[&market]).await.unwrap();
        work(&pool).await;
        assert_exact(&client, "without the verdict").await;
        pool.close();
    });
}
