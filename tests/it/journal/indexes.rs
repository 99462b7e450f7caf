//! With very many markets in the journal nothing may read a table through: neither what the engine asks when it starts,
//! nor what a request asks. PostgreSQL counts the rows that it read so.

use zmart::{
    domain::{
        event::Outcome,
        ids::{AccountAddress, Epoch, MarketAddress, ProgramId, Seq, Slot, TxSignature, Wallet},
        phase::Phase,
        snapshot::Place,
        tally::VoteKind,
    },
    journal::{
        anchors, candles, open,
        read::{
            self, MarketFilter, MarketPosition, TradePosition,
            activity::{self, ActivityPlace, HolderPlace},
            anchors as pinned, charts, governance,
            listing::{self, ListPlace, MarketQuery, MarketSort},
        },
        staging::{self, Cursor, DeadLetter, Staged},
        stats,
        write::WriterLife,
    },
};
use zmart_testkit::{patience::wait_for, postgres::Database, seed};

use super::{leased, prepare, settings, story::Story};

const MARKETS: u64 = 2_000;
const TABLES: &str = "('markets', 'journal', 'chain_events', 'trades', 'positions', 'staged_signatures', 'dead_letters', 'candles', 'market_stats', 'stats_due',
    'position_changes', 'position_hours', 'position_ledgers', 'wallet_hours', 'wallet_totals', 'leaderboard',
    'proposal_votes', 'dispute_votes', 'users', 'chain_submissions', 'ipfs_anchors')";

/// Rows that were read without an index, by table, once everybody else is gone: only then all is counted.
async fn read_through(database: &Database) -> Vec<(String, i64)> {
    let client = database.connect().await;
    wait_for("all others to be gone", || async {
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                      AND backend_type = 'client backend'";
        match client.query_one(others, &[]).await.unwrap().get::<_, i64>(0) {
            0 => Ok(()),
            some => Err(format!("{some} are there")),
        }
    })
    .await;
    let sql =
        format!("SELECT relname::text, seq_tup_read FROM pg_stat_user_tables WHERE relname IN {TABLES} ORDER BY 1");
    client.query(&sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn signature(n: u64) -> TxSignature {
    let mut bytes = [9; 64];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    TxSignature(bytes)
}

/// Everything there is to ask, at its worst.
async fn ask_all(database: &Database, story: &mut Story, life: &mut WriterLife, epoch: Epoch) {
    let pool = leased(settings(&database.url).pool(2).unwrap());
    let program = ProgramId([3; 32]);
    let (market, stream) = (story.address(), story.stream());

    // The start.
    let cursor =
        Cursor { signature: Some(signature(1)), slot: Slot(5), covered_slot: Slot(5), finalized_slot: Some(Slot(5)) };
    staging::save_cursor(&pool, program, cursor).await.unwrap();
    assert_eq!(staging::load_cursor(pool.pool(), program).await.unwrap(), cursor);
    open::load_config(pool.pool(), AccountAddress([255; 32]), epoch).await.unwrap();

    // Who has discussion to be pinned.
    for after in [None, Some(market)] {
        anchors::commented(pool.pool(), after, 256).await.unwrap();
    }
    anchors::pending(pool.pool(), 256).await.unwrap();
    anchors::failed(pool.pool(), 200).await.unwrap();
    anchors::last(pool.pool(), market).await.unwrap();

    // A stream's life.
    assert!(open::market_exists(pool.pool(), market).await.unwrap());
    assert!(open::load_market(pool.pool(), market.account(), epoch).await.unwrap().is_some());
    let ids: Vec<_> = story.told.iter().map(|event| event.id).collect();
    assert_eq!(open::known_events(pool.pool(), &ids).await.unwrap().len(), ids.len());
    story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
    life.commit(&pool, 2, &[story.append()]).await.unwrap();

    // Coverage.
    let found: Vec<_> =
        (10_000..10_600).map(|n| Staged { signature: signature(n), slot: Slot(n), retried: false }).collect();
    staging::stage(&pool, &found).await.unwrap();
    let (oldest, place) = staging::staged(pool.pool(), None, 256).await.unwrap();
    assert_eq!(oldest.len(), 256);
    let (next, _) = staging::staged(pool.pool(), place, 256).await.unwrap();
    assert_eq!(next.len(), 256);
    assert!(next.iter().all(|staged| !oldest.contains(staged)), "behind the last of those before");
    let mut done: Vec<_> = found.iter().map(|staged| (staged.signature, staged.slot)).collect();
    // Few, and far from each other; then those that are left, as many as follow each other.
    let few = [done.remove(100), done.remove(7)];
    staging::unstage(&pool, &few, &[]).await.unwrap();
    staging::unstage(&pool, &done, &[]).await.unwrap();
    let letter = DeadLetter {
        source: "test",
        signature: Some(signature(1)),
        n: None,
        stream: Some(stream),
        reason: "none",
        detail: String::new(),
        raw: None,
    };
    staging::bury(&pool, std::slice::from_ref(&letter)).await.unwrap();

    // Requests.
    let object = pool.get().await.unwrap();
    let client = &**object;
    read::entries_after(client, stream, epoch, Seq(3), 128).await.unwrap();
    read::head(client, stream, epoch).await.unwrap();
    read::market(client, market).await.unwrap().unwrap();
    read::market_address_by_seed(client, story.market().seed).await.unwrap().unwrap();
    read::market_addresses_by_seeds(client, &[story.market().seed]).await.unwrap();
    let at = MarketPosition { created_at_unix: 1_700_000_300, address: MarketAddress([200; 32]) };
    for phases in [vec![], vec![Phase::Disputed], vec![Phase::Proposed, Phase::Active, Phase::Finalized]] {
        for (after, offset) in [(None, 0), (None, 500), (Some(at), 20)] {
            let filter = MarketFilter { phases: phases.clone() };
            read::markets(client, &filter, after, offset, 21).await.unwrap();
        }
    }
    let newest = TradePosition { epoch, seq: Seq(u64::MAX) };
    assert_eq!(read::trades(client, market, newest, 10, 21).await.unwrap().len(), 21);
    read::position(client, market, Wallet([4; 32])).await.unwrap().unwrap();
    read::positions(client, Some((market, Wallet([4; 32]))), 50).await.unwrap();
    ask_of_markets(client, market, epoch).await;
    drop(object);
    super::wallets::ask_of_wallet(pool.pool(), Wallet([4; 32])).await;
    pool.pool().close();
}

/// Lists, charts and rankings, by every filter and order.
async fn ask_of_markets(client: &tokio_postgres::Client, market: MarketAddress, epoch: Epoch) {
    let place = |sort, descending| ListPlace { sort, descending, key: 1_700_000_300, address: market };
    for (_, sort) in MarketSort::NAMES {
        for descending in [true, false] {
            for category in [None, Some("crypto".to_owned())] {
                for phases in [vec![], vec![Phase::Disputed], vec![Phase::Proposed, Phase::Active]] {
                    let query =
                        MarketQuery { sort, descending, category: category.clone(), phases, ..MarketQuery::default() };
                    listing::markets(client, &query, None, 100, 21).await.unwrap();
                    listing::markets(client, &query, Some(place(sort, descending)), 0, 21).await.unwrap();
                }
            }
            let creator = Some(Wallet([99; 32]));
            let query = MarketQuery { sort, descending, creator, ..MarketQuery::default() };
            listing::markets(client, &query, None, 0, 21).await.unwrap();
        }
    }
    for (sort, category) in
        [(MarketSort::Ending, None), (MarketSort::Volume, None), (MarketSort::Volume, Some("crypto"))]
    {
        let category = category.map(str::to_owned);
        let query = MarketQuery { ending_before_unix: Some(0), sort, category, ..MarketQuery::default() };
        listing::markets(client, &query, None, 0, 21).await.unwrap();
    }
    assert_eq!(listing::counted(client, market).await.unwrap().0, 120);
    listing::related(client, market, 6).await.unwrap();
    listing::trending(client, 20).await.unwrap();
    for step in candles::STEPS {
        assert!(!charts::candles(client, market, step, 0, 10_000, 500).await.unwrap().is_empty());
    }
    charts::prices_before(client, market, &[0, 2_000, 5_000]).await.unwrap();
    charts::extremes(client, market, 0, 3_600).await.unwrap();
    for after in [None, Some(ActivityPlace { at_unix: 2_050, market, seq: Seq(3) })] {
        assert_eq!(activity::activity(client, after, 5, 21).await.unwrap().len(), 21);
    }
    for after in [None, Some(HolderPlace { shares: i128::MAX, wallet: Wallet([4; 32]) })] {
        assert_eq!(activity::holders(client, market, after, 5, 21).await.unwrap().len(), 21);
    }
    activity::recorded_since(client, epoch, 1_759_000_000_000, Some((market.account(), Seq(1))), 21).await.unwrap();
    activity::before_moment(client, market.account(), epoch, 1_759_000_000_000).await.unwrap();
    ask_of_governance(client, market, epoch).await;
    ask_of_snapshots(client, market, epoch).await;
}

/// The audit trail, at any place of it.
async fn ask_of_governance(client: &tokio_postgres::Client, market: MarketAddress, epoch: Epoch) {
    let head = TradePosition { epoch, seq: Seq(1_000) };
    for after in [governance::BEGINNING, TradePosition { epoch, seq: Seq(7) }] {
        governance::votes(client, market, &VoteKind::ALL, after, head, 101).await.unwrap();
        governance::others(client, market, after, head, 101).await.unwrap();
    }
    governance::attempts(client, market, 3, head, 101).await.unwrap();
    assert!(governance::attempt_by_id(client, market, 3).await.unwrap().is_none());
    let frozen = governance::frozen(client, market, head, None).await.unwrap();
    let asked = [VoteKind::Proposal, VoteKind::Dispute].map(|kind| (kind, Wallet([4; 32])));
    assert_eq!(governance::overridden(client, market, &frozen, &asked).await.unwrap(), [None, None]);
    governance::config_changes(client, AccountAddress([255; 32]), head, 100).await.unwrap();
}

/// What documents are made from.
async fn ask_of_snapshots(client: &tokio_postgres::Client, market: MarketAddress, epoch: Epoch) {
    let (from, to) = (Place { epoch, seq: Seq(1) }, Place { epoch, seq: Seq(1_000) });
    pinned::newest(client, market).await.unwrap();
    pinned::point_at(client, market, from).await.unwrap();
    pinned::entries(client, market, Some(from), to, 1_001).await.unwrap();
    pinned::deleted(client, market, from, to, &[uuid::Uuid::nil()]).await.unwrap();
    pinned::before(client, market, 5, 0, 21).await.unwrap();
    pinned::after(client, market, 0, 64).await.unwrap();
    pinned::markets(client, None, 64).await.unwrap();
}

/// The keeper's work, from the first market to the last.
async fn count_all(database: &Database) {
    let mut client = database.connect().await;
    loop {
        let tx = client.transaction().await.unwrap();
        let pass = stats::pass(&tx, 3_000).await.unwrap();
        tx.commit().await.unwrap();
        if !pass.more {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_sorts_a_bounded_number_of_markets_however_many_match() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let client = database.connect().await;
    let most = u64::from(listing::MATCHES_MAX);
    seed::markets(&client, epoch, most + 40).await;
    let about = r#"UPDATE markets SET metadata = '{"question": "rain", "description": "", "category": "weather", "tags": [],
                   "closes_at": "2030-01-01T00:00:00Z"}'"#;
    client.batch_execute(about).await.unwrap();
    client.batch_execute("INSERT INTO stats_due (market) SELECT address FROM markets").await.unwrap();
    count_all(&database).await;
    client.batch_execute("UPDATE market_stats SET phase = 2").await.unwrap();
    let asked = async |query: &MarketQuery| {
        let rows = listing::markets(&client, query, None, listing::MATCHES_MAX - 3, 21).await.unwrap();
        rows.len()
    };
    let by_volume = MarketQuery { sort: MarketSort::Volume, ..MarketQuery::default() };
    assert_eq!(asked(&by_volume).await, 21, "found without a search, all are there");
    let search = |text: &str| MarketQuery { search: Some(text.to_owned()), ..by_volume.clone() };
    assert_eq!(asked(&search("rain")).await, 3);
    for nothing in ["-snow", "snow or -hail"] {
        let rows = listing::markets(&client, &search(nothing), None, 0, 21).await.unwrap();
        assert!(rows.is_empty(), "{nothing}: that is nearly all of them");
    }
    assert_eq!(asked(&MarketQuery { ending_before_unix: Some(2_000_000_000), ..by_volume.clone() }).await, 3);
    let sort = MarketSort::Ending;
    assert_eq!(asked(&MarketQuery { ending_before_unix: Some(2_000_000_000), sort, ..by_volume }).await, 21);
}

#[test]
fn no_question_of_the_start_or_of_a_request_reads_a_table_through() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let mut story = Story::begin(1, epoch);
        for wallet in 0..120 {
            story.buy(Wallet([wallet; 32]), Outcome::from(wallet % 2 == 0), 1_000_000_000);
        }
        let client = database.connect().await;
        seed::markets(&client, epoch, MARKETS).await;
        let pool = leased(settings(&database.url).pool(2).unwrap());
        let mut life = WriterLife::begin(&pool).await.unwrap();
        life.commit(&pool, 1, &[story.append()]).await.unwrap();
        let staged: Vec<_> =
            (0..1_000).map(|n| Staged { signature: signature(n), slot: Slot(1), retried: false }).collect();
        staging::stage(&pool, &staged).await.unwrap();
        // Here the tables are small, and to read one through may be quickest: only where no index serves it happens now.
        let name = database.url.rsplit_once('/').unwrap().1;
        client.batch_execute(&format!("ANALYZE; ALTER DATABASE {name} SET enable_seqscan = off")).await.unwrap();
        drop(client);
        pool.pool().close();

        let before = read_through(&database).await;
        assert_eq!(before.len(), 21);
        count_all(&database).await;
        super::wallets::keep_all(&database).await;
        ask_all(&database, &mut story, &mut life, epoch).await;
        assert_eq!(read_through(&database).await, before);

        // The count counts.
        database.connect().await.query("SELECT count(*) FROM positions WHERE trades_count = 7", &[]).await.unwrap();
        assert_ne!(read_through(&database).await, before);
    });
}
