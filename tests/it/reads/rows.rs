//! Rows come back as they were written.

use zmart::{
    domain::{
        ids::{Epoch, MarketSeed, Seq},
        phase::Phase,
    },
    journal::{
        read::{self, MarketFilter, MarketPosition, TradePosition},
        rows::TradeRow,
    },
};

use super::{insert_market, insert_trade, journal, market, trade};

#[tokio::test(flavor = "multi_thread")]
async fn entries_come_back_exactly_in_order_and_in_pages() {
    let (_database, client) = journal().await;
    let shown = market(1, Phase::Active, 1_000);
    insert_market(&client, &shown, (2, 9)).await;
    let entries: Vec<_> = (1..=9).map(|seq| trade(&shown, seq, seq == 4)).collect();
    for entry in &entries {
        insert_trade(&client, &shown, Epoch(2), entry).await;
    }
    let stream = shown.address.account();
    let page = |epoch, after, limit| read::entries_after(&client, stream, Epoch(epoch), Seq(after), limit);
    assert_eq!(page(2, 0, 100).await.unwrap(), entries);
    assert_eq!(page(2, 3, 4).await.unwrap(), entries[3..7]);
    assert_eq!(page(2, 9, 4).await.unwrap(), []);
    assert_eq!(page(1, 0, 4).await.unwrap(), []);
    assert_eq!(page(2, u64::MAX, 4).await.unwrap(), []);
    assert_eq!(read::head(&client, stream, Epoch(2)).await.unwrap(), Some(Seq(9)));
    assert_eq!(read::head(&client, stream, Epoch(1)).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn markets_are_listed_newest_first_each_once() {
    let (_database, client) = journal().await;
    // Several in the same second, one before 1970.
    let made = [(1, 5), (2, 7), (3, 7), (4, 7), (5, -3), (6, 9)];
    let mut all: Vec<_> = made
        .into_iter()
        .map(|(n, at)| market(n, if n % 2 == 0 { Phase::Active } else { Phase::Cancelled }, at))
        .collect();
    for market in &all {
        insert_market(&client, market, (1, 3)).await;
    }
    all.sort_by_key(|market| std::cmp::Reverse((market.created_at, market.address.to_string())));

    let everything = MarketFilter::default();
    let listed = read::markets(&client, &everything, None, 0, 100).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|row| row.market().unwrap()).collect();
    assert_eq!(listed, all);

    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = read::markets(&client, &everything, after, 0, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(MarketPosition { created_at_unix: last.created_at_unix, address: last.address });
        paged.extend(page.iter().map(|row| row.market().unwrap()));
    }
    assert_eq!(paged, all);
    let skipped = read::markets(&client, &everything, None, 4, 100).await.unwrap();
    assert_eq!(skipped.iter().map(|row| row.address).collect::<Vec<_>>(), [all[4].address, all[5].address]);

    let active = MarketFilter { phases: vec![Phase::Active, Phase::Disputed] };
    let listed = read::markets(&client, &active, None, 0, 100).await.unwrap();
    let expected: Vec<_> = all.iter().filter(|market| market.phase == Phase::Active).cloned().collect();
    assert_eq!(listed.iter().map(|row| row.market().unwrap()).collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_is_found_by_address_and_by_seed() {
    let (_database, client) = journal().await;
    let shown = market(8, Phase::Proposed, 1_000);
    insert_market(&client, &shown, (1, 3)).await;
    let row = read::market(&client, shown.address).await.unwrap().unwrap();
    assert_eq!((row.market().unwrap(), row.last_seq), (shown.clone(), 3));
    assert_eq!(read::market_address_by_seed(&client, shown.seed).await.unwrap(), Some(shown.address));
    assert_eq!(read::market_address_by_seed(&client, MarketSeed([9; 32])).await.unwrap(), None);
    let of_both = read::market_addresses_by_seeds(&client, &[MarketSeed([9; 32]), shown.seed]).await.unwrap();
    assert_eq!(of_both, [(shown.seed, shown.address)]);
    assert!(read::market(&client, market(9, Phase::Proposed, 0).address).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_come_newest_first_across_lives_and_to_the_millisecond() {
    let (_database, client) = journal().await;
    let shown = market(1, Phase::Active, 1_000);
    insert_market(&client, &shown, (2, 2)).await;
    let mut written = Vec::new();
    for (epoch, seq) in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)] {
        let mut entry = trade(&shown, seq + u64::from(epoch) * 1_000, seq == 2);
        entry.seq = Seq(seq);
        insert_trade(&client, &shown, Epoch(epoch), &entry).await;
        let row = TradeRow::of(&shown.address.to_string(), Epoch(epoch), &entry).unwrap();
        written.insert(0, (row, seq == 2));
    }
    let from = |epoch, seq| TradePosition { epoch: Epoch(epoch), seq: Seq(seq) };
    let page = async |before, offset, limit| {
        let found = read::trades(&client, shown.address, before, offset, limit).await.unwrap();
        found.into_iter().map(|trade| (trade.row, trade.contained)).collect::<Vec<_>>()
    };
    assert_eq!(page(from(2, 3), 0, 100).await, written);
    assert_eq!(page(from(2, 2), 0, 100).await, written[1..]);
    assert_eq!(page(from(2, 1), 0, 2).await, written[2..4]);
    assert_eq!(page(from(2, 3), 3, 100).await, written[3..]);
    assert_eq!(page(from(1, 1), 0, 100).await, []);
}
