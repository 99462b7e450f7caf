//! Another database in the place of the first, while engines run: a standby that lagged and was promoted, a dump, and a new
//! life by hand. What clients saw and the database lost comes from the chain again, in a new epoch.

use std::time::Duration;

use serde_json::Value;
use solana_sdk::signature::Keypair;
use zmart::{
    domain::{
        event::Outcome,
        ids::{Epoch, MarketAddress, ProgramId},
    },
    http::pool::ReadPool,
    journal::{
        DatabaseSettings,
        current_life::{CurrentLife, LivingDatabase},
        gateway_login,
        identity::{IdentityError, bind_chain, current_life},
        migrate,
    },
};
use zmart_testkit::{
    audit,
    chain::{Chain, SOL},
    engine::Engine,
    patience::{wait_for, within},
    postgres::{Cluster, Database},
    socket::{Connection, subscription},
};

struct Scene {
    engines: Vec<Engine>,
    database: Database,
    chain: Chain,
    trader: Keypair,
    market: MarketAddress,
    bought: u64,
}

impl Scene {
    async fn set(cluster: &Cluster, engines: usize) -> Self {
        let (chain, database) = (Chain::start().await, cluster.database().await);
        let trader = chain.client().funded_wallet().await;
        let market = chain.active_market(&trader, 100 * SOL).await;
        let mut all = Vec::new();
        for number in 0..engines {
            let mut engine = Engine::on(&chain, &database);
            engine.set("NODE_ID", &format!("node-{number}"));
            engine.set("COVERAGE_INTERVAL_MS", "500");
            engine.set("WORKERS", "1");
            engine.set("WS_HEARTBEAT_MS", "500");
            engine.start().await;
            engine.ready().await;
            all.push(engine);
        }
        let mut scene = Self { engines: all, database, chain, trader, market, bought: 0 };
        scene.buy(3).await;
        scene.trades_are_journaled().await;
        scene
    }

    async fn buy(&mut self, times: u64) {
        for _ in 0..times {
            self.bought += 1;
            let outcome = Outcome::from(self.bought.is_multiple_of(2));
            self.chain.client().buy(self.market, &self.trader, outcome, SOL / 5 + self.bought * 1_000_003).await;
        }
    }

    /// Each trade of the chain once, and all that is derived with it.
    async fn trades_are_journaled(&self) {
        wait_for("the journal to have each trade once", || async {
            const SQL: &str = "SELECT count(*) FROM trades WHERE NOT orphaned";
            let client = self.database.try_connect().await.ok_or("nobody is there".to_owned())?;
            let row = client.query_one(SQL, &[]).await.map_err(|error| error.to_string())?;
            let count: i64 = row.get(0);
            if count == self.bought as i64 { Ok(()) } else { Err(format!("{count} of {}", self.bought)) }
        })
        .await;
    }

    /// Of the market, as the database has it just now.
    async fn newest_entry(&self) -> u64 {
        const SQL: &str = "SELECT max(seq) FROM journal WHERE stream = $1::text";
        let row = self.database.connect().await.query_one(SQL, &[&self.market.to_string()]).await.unwrap();
        u64::try_from(row.get::<_, i64>(0)).unwrap()
    }

    /// A connection to each engine that follows the market, with what its subscription was answered.
    async fn listening(&self) -> Vec<(Connection, Value)> {
        let mut all = Vec::new();
        for engine in &self.engines {
            let mut connection = Connection::open(&engine.ws).await;
            let answer = connection.subscribe(self.market, None).await;
            assert_eq!(answer["type"], "subscribed", "{answer}");
            all.push((connection, answer));
        }
        all
    }

    /// In quiet: nothing of the journal's rules is broken, everything became final, and the chain agrees.
    async fn is_whole(&self) {
        self.trades_are_journaled().await;
        wait_for("all to be final", || async {
            const SQL: &str = "SELECT count(*) FROM markets WHERE finalized_seq < last_seq";
            let row = self.database.connect().await.query_one(SQL, &[]).await.unwrap();
            if row.get::<_, i64>(0) == 0 { Ok(()) } else { Err("the finalized point stands still") }
        })
        .await;
        assert_eq!(audit::breaches(&self.database).await, [] as [String; 0]);
        let verified = self.engines[0].run(&["verify"]).await;
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

fn place(frame: &Value) -> (u64, u64) {
    (frame["epoch"].as_u64().unwrap_or_default(), frame["seq"].as_u64().unwrap_or_default())
}

/// The next `subscribed` that comes by itself: the stream begins anew, in which epoch.
async fn begins_anew(connection: &mut Connection, before: u64) -> u64 {
    let anew = async {
        loop {
            let frame = connection.next_of("subscribed").await;
            let (epoch, _) = place(&frame);
            if epoch > before {
                assert_eq!((&frame["recovered"], frame.get("id")), (&Value::Bool(false), None), "{frame}");
                return epoch;
            }
        }
    };
    within("a snapshot in a new epoch", anew).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_lagged_is_promoted_under_running_engines_and_the_chain_gives_back_what_it_lacks() {
    let mut primary = Cluster::start().await;
    let mut scene = Scene::set(&primary, 2).await;
    let mut listening = scene.listening().await;
    let (first_epoch, _) = place(&listening[0].1);

    // From here on the copy falls behind; clients see what it will never have.
    let mut standby = primary.standby().await;
    scene.buy(4).await;
    scene.trades_are_journaled().await;
    let mut seen = (0, 0);
    for (connection, _) in &mut listening {
        let mut trades = 0;
        while trades < 4 {
            let frame = within("a trade", connection.next_of("trade_executed")).await;
            (trades, seen) = (trades + 1, place(&frame));
        }
        assert_eq!(seen.0, first_epoch);
    }
    primary.kill();
    scene.buy(2).await;
    // It recovers, and takes no writes yet: nobody works on it.
    standby.up_in_place_of(&primary).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    scene.buy(1).await;
    let copied = scene.newest_entry().await;
    assert!(copied < seen.1, "the copy did not lag: {copied}, {seen:?}");
    const EPOCHS: &str = "SELECT count(*) FROM journal_epochs";
    let epochs = scene.database.connect().await.query_one(EPOCHS, &[]).await.unwrap();
    assert_eq!(epochs.get::<_, i64>(0), 1, "a server that recovers is nobody's database");
    standby.promote().await;

    let mut new_epoch = 0;
    for (connection, _) in &mut listening {
        let epoch = begins_anew(connection, first_epoch).await;
        assert!(new_epoch == 0 || new_epoch == epoch, "both nodes are in one life");
        new_epoch = epoch;
        // Heartbeats say it too.
        let heartbeat = within("a heartbeat", connection.next_of("heartbeat")).await;
        let channel = &heartbeat["channels"][format!("market:{}", scene.market)];
        assert_eq!(channel["epoch"].as_u64(), Some(epoch), "{heartbeat}");
    }
    for engine in &scene.engines {
        engine.ready().await;
        // Who comes back with a place in the old life drops what he has.
        let mut late = Connection::open(&engine.ws).await;
        late.send(subscription(&"late".into(), scene.market, Some(seen))).await;
        let answer = late.answer_to(&"late".into()).await;
        assert_eq!(
            (&answer["recovered"], answer["epoch"].as_u64()),
            (&Value::Bool(false), Some(new_epoch)),
            "{answer}"
        );
    }
    scene.is_whole().await;
    scene.buy(2).await;
    scene.is_whole().await;
    const OF_THE_OLD: &str = "SELECT count(*) FROM journal WHERE epoch = $1 AND stream = $2";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&(first_epoch as i32), &scene.market.to_string()];
    let old = scene.database.connect().await.query_one(OF_THE_OLD, &values).await.unwrap().get::<_, i64>(0);
    assert!((old as u64) < seen.1, "an entry was written in the old life: {old}");
    for engine in &mut scene.engines {
        assert!(engine.is_running(), "nobody had to start it again");
    }
}

/// Takes V18 and what follows back, and has each migration that follows sleep.
const BEFORE_THE_LAST_MIGRATION: &str = "
    ALTER TABLE public.outbox DROP COLUMN request_id;
    ALTER TABLE public.submissions DROP COLUMN request_id;
    DROP TABLE public.operator_actions;
    DROP TABLE public.ipfs_anchors;
    DROP FUNCTION public.refuse_change_of_pinned();
    DO $$ DECLARE index regclass; BEGIN
        FOR index IN SELECT indexrelid FROM pg_index JOIN pg_class c ON c.oid = indexrelid
                     WHERE relname LIKE 'journal_comments%' LOOP
            EXECUTE format('DROP INDEX %s', index);
        END LOOP;
    END $$;
    DELETE FROM public.refinery_schema_history WHERE version >= 18;
    CREATE FUNCTION public.sleeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$;
    CREATE TRIGGER sleeps BEFORE INSERT ON public.refinery_schema_history
        FOR EACH ROW EXECUTE FUNCTION public.sleeps();
";

#[tokio::test(flavor = "multi_thread")]
async fn an_older_dump_is_restored_under_a_running_engine_and_a_new_life_is_begun_by_hand() {
    let cluster = Cluster::start().await;
    let mut scene = Scene::set(&cluster, 1).await;
    let mut dump = scene.database.dump().await;
    let dumped = scene.newest_entry().await;
    // Of an older release, and it takes longer to bring it up to date than a lease is waited for.
    dump.extend_from_slice(BEFORE_THE_LAST_MIGRATION.as_bytes());
    scene.buy(3).await;
    scene.trades_are_journaled().await;
    let (mut connection, answer) = scene.listening().await.remove(0);
    let (first_epoch, head) = place(&answer);

    scene.database.restore(&dump).await;
    assert!(dumped < head, "the dump is older: {dumped}, {head}");
    let second_epoch = begins_anew(&mut connection, first_epoch).await;
    scene.is_whole().await;

    // Beside an engine nothing is done by hand.
    let refused = scene.engines[0].run(&["journal", "new-epoch", "--yes"]).await;
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("node-0"));
    assert!(scene.engines[0].stop().await.success());
    let asked = scene.engines[0].run(&["journal", "new-epoch"]).await;
    assert_eq!(asked.status.code(), Some(1), "without a terminal it wants --yes");
    let begun = scene.engines[0].run(&["journal", "new-epoch", "--yes"]).await;
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
    scene.engines[0].start().await;
    scene.engines[0].ready().await;
    let (_, answer) = scene.listening().await.remove(0);
    assert!(place(&answer).0 > second_epoch, "{answer}");
    scene.buy(2).await;
    scene.is_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_leads_to_another_database_before_a_new_life_has_begun() {
    let database = Database::fresh().await;
    let settings =
        DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(5), ca_file: None };
    migrate::run(&settings).await.unwrap();
    let (genesis, program) = ("a chain", ProgramId([1; 32]));
    let client = database.connect().await;
    bind_chain(&client, genesis, program).await.unwrap();
    let first = current_life(&client, Epoch(0)).await.unwrap();
    let life = CurrentLife::new(first.clone(), genesis, program);
    let living = LivingDatabase { settings: settings.clone(), life: life.clone() };
    let (pool, looking) = (living.pool(2).unwrap(), settings.pool(1).unwrap());
    let look = async || {
        let client = looking.get().await.map_err(|error| error.to_string())?;
        let looked = async {
            let is_lived_in = life.is_lived_in(&client).await?;
            if is_lived_in { Ok(false) } else { life.begin_next(&settings).await }
        };
        looked.await.map_err(|error| match error {
            IdentityError::Empty => "empty".to_owned(),
            other => other.to_string(),
        })
    };
    let login = gateway_login::ready(&settings, None, b"0123456789abcdef0123456789abcdef").await.unwrap();
    let requests = ReadPool::new(login, 1).living_in(Some(life.clone()));
    drop(requests.get().await.unwrap());
    let kept = pool.get().await.unwrap();
    assert_eq!(look().await, Ok(false));
    let term = "UPDATE leases SET term = 7, node = 'a node', expires_at = now() + interval '1 day'";
    client.batch_execute(term).await.unwrap();
    drop((client, kept));

    // A dump takes its place; whoever was connected is cut off.
    let dump = database.dump().await;
    let (server, name) = database.url.rsplit_once('/').unwrap();
    let admin = Database { url: format!("{server}/postgres") }.connect().await;
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    wait_for("an empty database to be left alone", || async {
        match look().await {
            Err(error) if error == "empty" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    const TABLES: &str = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let tables = database.connect().await.query_one(TABLES, &[]).await.unwrap();
    assert_eq!(tables.get::<_, i64>(0), 0, "a restore may be about to begin");
    database.restore(&dump).await;
    let refused = wait_for("the other database to be seen", || async {
        let refused = pool.get().await.err().map(|error| error.to_string()).ok_or("a connection".to_owned())?;
        if refused.contains("another database") { Ok(refused) } else { Err(refused) }
    })
    .await;
    assert!(refused.contains("epoch"), "{refused}");
    let refused = requests.get().await.err().unwrap().to_string();
    assert!(refused.contains("another database"), "requests neither: {refused}");
    let other = CurrentLife::new(first.clone(), "another chain", program);
    let client = database.connect().await;
    assert!(!other.is_lived_in(&client).await.unwrap());
    let refused = other.begin_next(&settings).await;
    assert!(matches!(refused, Err(IdentityError::OtherChain { .. })), "{refused:?}");

    wait_for("a new life", || async {
        match look().await {
            Ok(true) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(look().await, Ok(false));
    assert!(life.epoch() > first.epoch);
    drop((pool.get().await.unwrap(), requests.get().await.unwrap()));
    // Of each office, held or not: the old life may have had more of them since the dump.
    let leases = "SELECT count(*) FROM leases WHERE term = $1 AND expires_at = '-infinity'";
    let ended: i64 = client.query_one(leases, &[&(i64::from(life.epoch().0) << 20)]).await.unwrap().get(0);
    assert_eq!(ended, 3, "no term of the old life is one of the new");
    // By hand, in the same database: what was connected before is not used again.
    let before = pool.get().await.unwrap().query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get::<_, i32>(0);
    zmart::journal::identity::begin_by_hand(&client).await.unwrap();
    assert_eq!(look().await, Ok(true));
    let after = pool.get().await.unwrap().query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get::<_, i32>(0);
    assert_ne!(before, after);
}
