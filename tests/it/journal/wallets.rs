//! What is read of wallets: with bounds that are reached, and (for `indexes`) with every question there is.

use deadpool_postgres::Pool;
use zmart::{
    domain::{
        event::Outcome,
        ids::{MarketAddress, Seq, Slot, Wallet},
        ledger::UnixHour,
        tally::VoteKind,
    },
    journal::{
        ledgers::{move_windows, work_off},
        read::wallets::{self, WalletTradePosition},
        rows::wallets::{Ranking, RankingPlace, VotePosition, VoteSource, WindowName},
        write::WriterLife,
    },
};
use zmart_testkit::postgres::Database;

use super::{prepare, settings, story::Story};

/// All that the keeper of ledgers does.
pub async fn keep_all(database: &Database) {
    let pool = settings(&database.url).writer_pool().unwrap();
    while work_off(&pool).await.unwrap() > 0 {}
    while move_windows(&pool, UnixHour(600_000)).await.unwrap() {}
    pool.close();
}

/// Everything there is to ask of a wallet.
pub async fn ask_of_wallet(pool: &Pool, wallet: Wallet) {
    let mut client = pool.get().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let market = MarketAddress([3; 32]);
    for after in [None, Some(market)] {
        wallets::positions(&tx, wallet, after, 5, 21).await.unwrap();
    }
    for after in [None, Some(WalletTradePosition { slot: Slot(u64::MAX), market, seq: Seq(9) })] {
        wallets::trades(&tx, wallet, after, 0, 21).await.unwrap();
    }
    let vote = VotePosition { created_at_us: 0, source: VoteSource::Chain, kind: VoteKind::Dispute, market };
    for after in [None, Some(vote)] {
        wallets::votes(&tx, wallet, after, 5, 21).await.unwrap();
    }
    assert_eq!(wallets::totals(&tx, wallet).await.unwrap().markets_traded, 1);
    assert_eq!(wallets::profile(&tx, wallet).await.unwrap(), None);
    for window in [WindowName::Day, WindowName::All] {
        for by in [Ranking::Profit, Ranking::Volume, Ranking::Accuracy] {
            for after in [None, Some(RankingPlace { rank: 3, value: 1, decided: 1, wallet })] {
                wallets::leaders(&tx, window, by, after, 5, 21).await.unwrap();
            }
        }
    }
    let first = wallets::first_hour(&tx, wallet).await.unwrap().unwrap();
    let (pasts, truncated) = wallets::pasts(&tx, wallet, first).await.unwrap();
    assert_eq!((pasts.len(), truncated), (1, false));
    assert!(wallets::prices(&tx, &[(pasts[0].market, UnixHour(i64::MAX))]).await.unwrap()[0].is_some());
}

#[test]
fn a_portfolio_is_made_of_so_many_positions_and_says_when_there_are_more() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let pool = settings(&database.url).writer_pool().unwrap();
        let mut life = WriterLife::begin(&pool).await.unwrap();
        let alice = Wallet([41; 32]);
        let mut appends = Vec::new();
        for number in 1..=51 {
            let mut story = Story::begin(number, epoch);
            story.buy(alice, Outcome::Yes, 1_000_000_000);
            appends.push(story.append());
        }
        life.commit(&pool, 1, &appends).await.unwrap();
        while work_off(&pool).await.unwrap() > 0 {}
        let mut client = pool.get().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let (pasts, truncated) = wallets::pasts(&tx, alice, UnixHour(0)).await.unwrap();
        assert_eq!((pasts.len(), truncated), (50, true));
        let looked_at = pasts.iter().map(|found| found.past.hours.len()).collect::<Vec<_>>();
        assert_eq!(looked_at, [1; 50]);
        // From after their only hour on: that is found as the hour before.
        let (later, _) = wallets::pasts(&tx, alice, UnixHour(1)).await.unwrap();
        assert_eq!(
            later.iter().map(|found| &found.past).collect::<Vec<_>>(),
            pasts.iter().map(|found| &found.past).collect::<Vec<_>>()
        );
        drop(tx);
        drop(client);
        pool.close();
    });
}
