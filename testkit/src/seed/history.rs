//! A year of a program's life, put straight into a journal: markets, trades and wallets with a realistic skew, and all that
//! is derived of them.
//!
//! A few price paths are made by the domain itself, trade by trade. Each market takes the beginning of one: the figures,
//! entries and states are then what the chain would have said, only wallets, times and names are its own. PostgreSQL makes
//! the millions of rows. Trades are spread over markets and wallets by power laws (the first market of 20,000 has some
//! 60,000 of 2,000,000 trades), and over each market's life evenly. Triggers and foreign keys do not run meanwhile; what
//! they would have done is done here.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_postgres::Client;
use zmart::{
    actors::stream::life::Life,
    domain::{
        amount::{Bps, Lamports, ShareUnits, UnixSeconds},
        entry::{Entry, FeeSchedule},
        event::{
            ChainEvent, InstructionFacts, IpfsHash, MarketActivated, MarketCreated, Outcome, ProgramEvent,
            ProposalAggregated, ProposalApproved, SharesBought, SharesSold,
        },
        ids::{ChainPosition, Epoch, EventId, MarketAddress, MarketSeed, Slot, TxSignature, Wallet},
        market::Market,
    },
    journal::{
        rows::{TradeRow, kind},
        stats,
        write::HeadRow,
    },
};

/// How much there is to be.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Markets.
    pub markets: u64,
    /// Trades of all of them, about.
    pub trades: u64,
    /// Wallets.
    pub wallets: u64,
}

impl Size {
    /// What the API is measured on.
    pub const FULL: Self = Self { markets: 20_000, trades: 2_000_000, wallets: 100_000 };
}

/// Price paths that markets follow.
const PATHS: usize = 4;
/// Trades that one statement makes, about.
const CHUNK: u64 = 100_000;
/// Exponent of the power law over markets.
const SKEW: f64 = 0.8;
const FEES: FeeSchedule = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };
const LIQUIDITY: Lamports = Lamports(500_000_000_000);
const RECORDED_MS: i64 = 1_760_000_000_000;

// What stands for a market's own names in a path; each is found and replaced as text.
const ADDRESS: MarketAddress = MarketAddress([77; 32]);
const SEED: MarketSeed = MarketSeed([78; 32]);
const WALLET: Wallet = Wallet([80; 32]);
const CREATOR: Wallet = Wallet([9; 32]);
const MOMENT: UnixSeconds = UnixSeconds(1_999_999_999);
const SLOT: Slot = Slot(987_654_321_012_345);

/// Trades of the market of a rank, from 0.
#[allow(clippy::float_arithmetic)] // a load, no money
fn trades_of(size: Size) -> Vec<u64> {
    let weights: Vec<f64> = (1..=size.markets).map(|rank| (rank as f64).powf(-SKEW)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| ((weight / sum) * size.trades as f64) as u64 + 1).collect()
}

/// A path: what each entry is, and the rows of the markets that end at some of its trades.
struct Path {
    entries: Vec<Value>,
    ends: BTreeMap<u64, Value>,
}

fn signature(path: usize, number: u64) -> TxSignature {
    let mut bytes = [79; 64];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8] = path as u8;
    TxSignature(bytes)
}

fn path(path: usize, epoch: Epoch, ends: &[u64]) -> Path {
    let mut life = Life::<Market>::unheard_of(ADDRESS.account(), epoch);
    let mut made = Path { entries: Vec::new(), ends: BTreeMap::new() };
    let market_id = SEED;
    // Deep enough for the longest path, and not the same in each.
    let b_parameter = 20_000_000_000_000 * (path as u64 + 1);
    let created = MarketCreated { market_id, creator: CREATOR, b_parameter, state: 0, timestamp: MOMENT };
    let facts = InstructionFacts::Creation {
        initial_liquidity: LIQUIDITY,
        question_hash: IpfsHash(*b"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"),
    };
    let timestamp = MOMENT;
    let tally =
        ProposalAggregated { market_id, likes: 70, dislikes: 30, approval_percentage: 70, approved: true, timestamp };
    let approved = ProposalApproved { market_id, approved_by: CREATOR, timestamp };
    let activated = MarketActivated { market_id, creator: CREATOR, initial_liquidity: LIQUIDITY, timestamp };
    let beginning: [(ProgramEvent, Option<InstructionFacts>); 4] =
        [(created.into(), Some(facts)), (tally.into(), None), (approved.into(), None), (activated.into(), None)];
    let mut number = 0;
    let mut happens = |life: &mut Life<Market>, event: ProgramEvent, facts| {
        let id = EventId { signature: signature(path, number), n: 0 };
        number += 1;
        let position = ChainPosition { slot: SLOT, transaction_index: None, n: 0 };
        life.plan(&ChainEvent { id, position, event, facts }, FEES, RECORDED_MS).unwrap();
        let entry = life.append().unwrap().entries.remove(0);
        life.release();
        entry
    };
    for (event, facts) in beginning {
        let entry = happens(&mut life, event, facts);
        made.entries.push(row_of(&entry, epoch));
    }
    let mut dice = 88_172_645_463_325_252_u64 + path as u64;
    let mut bought: Option<(Outcome, ShareUnits)> = None;
    for trade in 1..=*ends.last().unwrap_or(&0) {
        // Xorshift: the same path in each run.
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let market = life.released().state.clone().unwrap();
        let event = match bought.take().filter(|_| dice.is_multiple_of(4)) {
            // By the wallet that has just bought.
            Some((outcome, shares)) => {
                let sold = ShareUnits(shares.0 / 2);
                let quote = market.quote_sell(shares, outcome, sold, Lamports(0), FEES, false);
                quote.ok().map(|quote| {
                    ProgramEvent::from(SharesSold {
                        market_id,
                        user: WALLET,
                        outcome: outcome.into(),
                        shares: sold,
                        proceeds: quote.net,
                        new_price_yes: quote.price_yes_after,
                        timestamp,
                    })
                })
            }
            None => None,
        };
        let event = event.unwrap_or_else(|| {
            // What is behind is bought more often, so that the price stays where the curve is sound.
            let leads = market.shares_yes > market.shares_no;
            let outcome = Outcome::from(if dice >> 8 & 3 == 0 { leads } else { !leads });
            let target = Lamports(50_000_000 + (dice >> 16) % 5_000_000_000);
            let quote = market.quote_buy(outcome, target, FEES, false).unwrap();
            bought = Some((outcome, quote.shares));
            ProgramEvent::from(SharesBought {
                market_id,
                user: WALLET,
                outcome: outcome.into(),
                shares: quote.shares,
                cost: quote.total_cost,
                new_price_yes: quote.price_yes_after,
                timestamp,
            })
        });
        let entry = happens(&mut life, event, None);
        made.entries.push(row_of(&entry, epoch));
        let is_end = ends.binary_search(&trade).is_ok();
        if is_end || trade.is_multiple_of(5_000) {
            life.finalize(SLOT);
            let HeadRow::Market(row) = life.append().unwrap().row else { panic!("a market's row") };
            life.release();
            assert_eq!(row.last_seq, row.finalized_seq);
            if is_end {
                made.ends.insert(trade, json!(row));
            }
        }
    }
    made
}

/// An entry as a row of `path_entries`.
fn row_of(entry: &Entry, epoch: Epoch) -> Value {
    let trade = TradeRow::of(&ADDRESS.to_string(), epoch, entry);
    let (id, _, event) = entry.body.chain_event().unwrap();
    let is_sale = trade.as_ref().is_some_and(|trade| trade.trade_type == "sell");
    json!({
        "seq": entry.seq, "kind": kind(&entry.body), "event": event.name(), "signature": id.signature,
        "payload": serde_json::to_string(&entry.body).unwrap(), "trade": trade, "is_sale": is_sale,
    })
}

/// Puts it all into an empty journal; `now` is the end of the year.
pub async fn put(client: &mut Client, epoch: Epoch, size: Size, now: i64) {
    let counts = trades_of(size);
    client
        .batch_execute("SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '128MB'")
        .await
        .unwrap();
    client.batch_execute(PREPARE).await.unwrap();
    for number in 0..PATHS {
        let mut ends: Vec<u64> = counts.iter().copied().skip(number).step_by(PATHS).collect();
        ends.sort_unstable();
        ends.dedup();
        let made = tokio::task::spawn_blocking(move || path(number, epoch, &ends)).await.unwrap();
        let number = i32::try_from(number).unwrap();
        for some in made.entries.chunks(2_000) {
            client.execute(PUT_ENTRIES, &[&json!(some), &number]).await.unwrap();
        }
        let ends: Vec<Value> = made.ends.into_iter().map(|(trade, row)| json!({"trades": trade, "row": row})).collect();
        for some in ends.chunks(500) {
            client.execute(PUT_ENDS, &[&json!(some), &number]).await.unwrap();
        }
    }
    let ranks: Vec<i64> = (0..counts.len() as i64).collect();
    let trades: Vec<i64> = counts.iter().map(|count| i64::try_from(*count).unwrap()).collect();
    let (wallets, paths) = (i64::try_from(size.wallets).unwrap(), PATHS as i64);
    client.execute(MAKE_WALLETS, &[&wallets]).await.unwrap();
    client.execute(MAKE_MARKETS, &[&ranks, &trades, &paths, &now, &wallets]).await.unwrap();
    client.batch_execute("ANALYZE seed_wallets, seed_markets, path_entries, path_ends").await.unwrap();
    let epoch = i32::try_from(epoch.0).unwrap();
    // In pieces of about so many trades.
    let (mut from, mut sum) = (0, 0);
    let mut pieces = Vec::new();
    for (rank, count) in counts.iter().enumerate() {
        sum += count;
        if sum >= CHUNK || rank + 1 == counts.len() {
            pieces.push((from, rank as i64));
            (from, sum) = (rank as i64 + 1, 0);
        }
    }
    for (from, to) in pieces {
        client.execute(MAKE_PIECE, &[&from, &to]).await.unwrap();
        for sql in [MAKE_JOURNAL, MAKE_EVENTS, MAKE_TRADES] {
            let sql = sql.replace("WALLET", &WALLET.to_string());
            client.execute(&named(&sql), &[&epoch]).await.unwrap();
        }
        client.batch_execute("TRUNCATE seed_piece").await.unwrap();
    }
    client.batch_execute(MAKE_POSITIONS).await.unwrap();
    let columns = super::columns(client, "markets").await;
    let values: Vec<String> = columns.iter().map(|name| format!("made_row.{name}")).collect();
    client
        .execute(&named(&MAKE_ROWS.replace("COLUMNS", &columns.join(", ")).replace("VALUES", &values.join(", "))), &[])
        .await
        .unwrap();
    client.batch_execute(MAKE_CANDLES).await.unwrap();
    client.batch_execute(MAKE_WORDS).await.unwrap();
    client.batch_execute("DROP TABLE seed_wallets, seed_markets, seed_piece, path_entries, path_ends").await.unwrap();
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
    client.batch_execute("RESET session_replication_role").await.unwrap();
    loop {
        let tx = client.transaction().await.unwrap();
        let pass = stats::pass(&tx, now).await.unwrap();
        tx.commit().await.unwrap();
        if !pass.more {
            break;
        }
    }
    // What the keeper of ledgers makes is left to it: it works as much off whenever it is started.
    let notes =
        "INSERT INTO position_changes (market, wallet) SELECT market, wallet FROM positions ORDER BY market, wallet";
    client.execute(notes, &[]).await.unwrap();
    client.batch_execute("VACUUM ANALYZE market_stats, stats_due, category_stats, position_changes").await.unwrap();
}

/// With what stands for a market's own names.
fn named(sql: &str) -> String {
    let moment = serde_json::to_string(&MOMENT).unwrap();
    sql.replace("ADDRESS", &ADDRESS.to_string())
        .replace("SEED", &SEED.to_string())
        .replace("CREATOR", &CREATOR.to_string())
        .replace("MOMENT", moment.trim_matches('"'))
        .replace("SLOT", &SLOT.0.to_string())
        .replace("NUMBER", &MOMENT.0.to_string())
}

const PREPARE: &str = "
    CREATE UNLOGGED TABLE path_entries (path int, seq bigint, kind text, event text, signature text, payload text,
                                        trade jsonb, is_sale boolean, PRIMARY KEY (path, seq));
    CREATE UNLOGGED TABLE path_ends (path int, trades bigint, row jsonb, PRIMARY KEY (path, trades));
    CREATE UNLOGGED TABLE seed_wallets (number bigint PRIMARY KEY, address text);
    CREATE UNLOGGED TABLE seed_markets (rank bigint PRIMARY KEY, address text, seed text, path int, trades bigint,
                                        began bigint, ends bigint, creator text, phase smallint);
    CREATE UNLOGGED TABLE seed_piece (address text, seed text, path int, seq bigint, at bigint, slot bigint, signature text,
                                      wallet text, creator text)";
const PUT_ENTRIES: &str = "
    INSERT INTO path_entries SELECT $2, * FROM jsonb_to_recordset($1) AS e (seq bigint, kind text, event text,
        signature text, payload text, trade jsonb, is_sale boolean)";
const PUT_ENDS: &str = "INSERT INTO path_ends SELECT $2, * FROM jsonb_to_recordset($1) AS e (trades bigint, row jsonb)";
/// Addresses of the length that their bytes have.
const MAKE_WALLETS: &str = "
    INSERT INTO seed_wallets
    SELECT i, 'Z' || translate(md5('w' || i), '0', 'g') || lpad(translate(i::text, '0', 'a'), 10, 'c')
    FROM generate_series(0, $1::bigint - 1) i";
/// The younger half of the markets began evenly over the year; creators are few. Some have come to an end, in their columns only.
const MAKE_MARKETS: &str = "
    INSERT INTO seed_markets
    SELECT m.rank, 'Z' || translate(md5('m' || m.rank), '0', 'g') || lpad(translate(m.rank::text, '0', 'a'), 10, 'b'),
           md5('s' || m.rank) || md5('S' || m.rank), (m.rank % $3)::int, m.trades,
           $4::bigint - 3600 - (hashint8extended(m.rank, 1) & 2147483647) % 31536000, $4::bigint, w.address,
           CASE WHEN m.rank % 20 = 19 THEN 5 WHEN m.rank % 40 = 18 THEN 3 WHEN m.rank % 200 = 17 THEN 4 ELSE 2 END
    FROM unnest($1::bigint[], $2::bigint[]) AS m (rank, trades)
    JOIN seed_wallets w ON w.number = ((hashint8extended(m.rank, 2) & 2147483647) % 2000) % $5::bigint";
/// A row an entry: when, by whom. A sale is by who bought just before.
const MAKE_PIECE: &str = "
    INSERT INTO seed_piece
    SELECT m.address, m.seed, m.path, e.seq, m.began + (m.ends - m.began) * greatest(e.seq - 4, 0) / (m.trades + 1) AS at,
           1000 + 2 * (m.began + (m.ends - m.began) * greatest(e.seq - 4, 0) / (m.trades + 1) - 1600000000) AS slot,
           'Z' || translate(md5(m.rank || 't' || e.seq) || md5(m.rank || 'u' || e.seq), '0', 'g')
               || lpad(translate(e.seq::text, '0', 'a'), 22, 'b'),
           w.address, m.creator
    FROM seed_markets m JOIN path_entries e ON e.path = m.path AND e.seq <= m.trades + 4
    JOIN seed_wallets w ON w.number = floor((SELECT count(*) FROM seed_wallets)
        * power((hashint8extended(m.rank * 1000003 + e.seq - e.is_sale::int, 3) & 2147483647) / 2147483648.0::float8, 3))::bigint
    WHERE m.rank BETWEEN $1 AND $2";
const MAKE_JOURNAL: &str = "
    INSERT INTO journal (stream, epoch, seq, kind, slot, slot_high, recorded_at, payload)
    SELECT p.address, $1::int, p.seq, e.kind, p.slot, p.slot, to_timestamp(p.at),
           replace(replace(replace(replace(replace(replace(replace(e.payload, e.signature, p.signature), 'SEED', p.seed),
               'WALLET', p.wallet), 'CREATOR', p.creator), 'ADDRESS', p.address), 'SLOT', p.slot::text),
               'MOMENT', to_char(to_timestamp(p.at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))::jsonb
    FROM seed_piece p JOIN path_entries e ON e.path = p.path AND e.seq = p.seq";
const MAKE_EVENTS: &str = "
    INSERT INTO chain_events (signature, n, stream, epoch, seq, event, slot, transaction_index, block_time_unix)
    SELECT p.signature, 0, p.address, $1::int, p.seq, e.event, p.slot, NULL, p.at
    FROM seed_piece p JOIN path_entries e ON e.path = p.path AND e.seq = p.seq";
const MAKE_TRADES: &str = "
    INSERT INTO trades (market, epoch, seq, signature, n, user_wallet, trade_type, outcome, shares, cost,
        amount_before_fees, protocol_fee, resolver_fee, lp_fee, protocol_fee_bps, resolver_fee_bps, lp_fee_bps,
        price_yes_before, price_yes, slot, block_time_unix, recorded_at)
    SELECT p.address, $1::int, p.seq, p.signature, 0, p.wallet, t.trade_type, t.outcome, t.shares, t.cost,
        t.amount_before_fees, t.protocol_fee, t.resolver_fee, t.lp_fee, t.protocol_fee_bps, t.resolver_fee_bps,
        t.lp_fee_bps, t.price_yes_before, t.price_yes, p.slot, p.at, to_timestamp(p.at)
    FROM seed_piece p JOIN path_entries e ON e.path = p.path AND e.seq = p.seq
    CROSS JOIN LATERAL jsonb_to_record(e.trade) AS t (trade_type text, outcome text, shares numeric, cost numeric,
        amount_before_fees numeric, protocol_fee numeric, resolver_fee numeric, lp_fee numeric, protocol_fee_bps int,
        resolver_fee_bps int, lp_fee_bps int, price_yes_before bigint, price_yes bigint)
    WHERE jsonb_typeof(e.trade) = 'object'";
const MAKE_POSITIONS: &str = "
    INSERT INTO positions (market, wallet, shares_yes, shares_no, total_invested, trades_count, last_trade_at_unix,
                           has_claimed, claimed_amount)
    SELECT market, user_wallet,
           sum(CASE WHEN outcome = 'YES' THEN CASE trade_type WHEN 'buy' THEN shares ELSE -shares END ELSE 0 END),
           sum(CASE WHEN outcome = 'NO' THEN CASE trade_type WHEN 'buy' THEN shares ELSE -shares END ELSE 0 END),
           sum(CASE trade_type WHEN 'buy' THEN cost ELSE 0 END), count(*), max(block_time_unix), false, 0
    FROM trades GROUP BY market, user_wallet";
/// Each market's row is the one that its path has after as many trades; its words are made of a few.
const MAKE_ROWS: &str = "
    WITH made AS (
        SELECT m.*, p.traders, replace(replace(replace(replace(replace(replace(e.row::text, 'ADDRESS', m.address), 'SEED', m.seed),
            'CREATOR', m.creator), 'MOMENT', to_char(to_timestamp(m.began) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')),
            'NUMBER', m.began::text), 'SLOT', (1000 + 2 * (m.ends - 1600000000))::text)::jsonb AS row
        FROM seed_markets m JOIN path_ends e ON e.path = m.path AND e.trades = m.trades
        JOIN (SELECT market, count(*) AS traders FROM positions GROUP BY market) p ON p.market = m.address
    )
    INSERT INTO markets (COLUMNS)
    SELECT VALUES FROM made, LATERAL jsonb_populate_record(NULL::markets, made.row || jsonb_build_object(
        'phase', made.phase, 'traders_count', made.traders,
        'resolution_proposed_at_unix', CASE WHEN made.phase IN (3, 4, 5) THEN made.ends - 600 ELSE 0 END,
        'metadata', CASE WHEN made.rank % 50 = 49 THEN NULL ELSE jsonb_build_object(
            'question', 'Will ' || (ARRAY['bitcoin', 'ether', 'solana', 'the election', 'the champion', 'the rocket', 'the film'])
                [1 + made.rank % 7] || ' win race number ' || made.rank || '?',
            'description', 'Made for measuring; decided by nobody.',
            'category', (ARRAY['crypto', 'politics', 'sports', 'science', 'economy', 'technology', 'entertainment', 'weather'])
                [1 + (made.rank * made.rank) % 8],
            'tags', jsonb_build_array('tag' || made.rank % 100, 'measured'),
            'closes_at', to_char(to_timestamp(made.ends + 86400 * (1 + made.rank % 300)) AT TIME ZONE 'UTC',
                                 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')) END)) made_row";
/// As the migration makes them.
const MAKE_CANDLES: &str = "
    INSERT INTO candles
    SELECT t.market, step, t.block_time_unix - mod(t.block_time_unix, step) AS bucket,
           (array_agg(t.price_yes ORDER BY t.seq))[1], max(t.price_yes), min(t.price_yes),
           (array_agg(t.price_yes ORDER BY t.seq DESC))[1],
           min(t.slot), min(t.seq), max(t.slot), max(t.seq), min(t.epoch), min(t.seq),
           sum(CASE t.trade_type WHEN 'buy' THEN t.cost ELSE t.amount_before_fees END), count(*)
    FROM trades t CROSS JOIN (VALUES (60), (3600)) AS steps (step)
    GROUP BY t.market, step, bucket;
    INSERT INTO stats_due (market) SELECT address FROM markets";
const MAKE_WORDS: &str = "
    INSERT INTO users (id, wallet, created_at)
    SELECT md5(address)::uuid, address, now() - (number % 365) * interval '1 day' FROM seed_wallets;
    INSERT INTO proposal_votes (market, wallet, vote, created_at)
    SELECT m.address, w.address, i % 10 < 7, to_timestamp(m.began + i % 3600)
    FROM generate_series(1, least(200000, 10 * (SELECT count(*) FROM seed_markets))) i
    JOIN seed_markets m ON m.rank = (hashint8extended(i, 4) & 2147483647) % (SELECT count(*) FROM seed_markets)
    JOIN seed_wallets w ON w.number = (hashint8extended(i, 5) & 2147483647) % (SELECT count(*) FROM seed_wallets)
    ON CONFLICT DO NOTHING;
    INSERT INTO discussions (market, wallet, content, created_at)
    SELECT m.address, w.address, 'What is to be said of it, number ' || i, to_timestamp(m.began + i % 86400)
    FROM generate_series(1, least(100000, 5 * (SELECT count(*) FROM seed_markets))) i
    JOIN seed_markets m ON m.rank = (hashint8extended(i, 6) & 2147483647) % (SELECT count(*) FROM seed_markets)
    JOIN seed_wallets w ON w.number = (hashint8extended(i, 7) & 2147483647) % (SELECT count(*) FROM seed_wallets)";
