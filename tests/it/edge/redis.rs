//! Limits over Redis: shared between nodes, exact, and never a reason to refuse everybody.

use futures_util::future::join_all;
use zmart_testkit::{
    chain::Chain,
    engine::Engine,
    http::{get, request},
    patience::wait_for,
    postgres::Database,
    redis::Redis,
};

const LIMIT: usize = 20;

/// A node of its own with that Redis; everybody is limited.
async fn node(chain: &Chain, redis: &Redis) -> Engine {
    let mut engine = Engine::on(chain, &Database::fresh().await);
    engine.set("REDIS_URL", &redis.url);
    engine.set("TRUSTED_CLIENTS", "none");
    engine.set("TRUSTED_PROXIES", "127.0.0.1");
    engine.set("RATE_LIMIT_ANONYMOUS", &format!("{LIMIT}/h"));
    engine.start().await;
    engine
}

async fn redis_is(engine: &Engine, wanted: &str) {
    wait_for(&format!("redis to be {wanted}"), || async {
        let part = get(&engine.api, "/ready").await.json()["parts"]["redis"].clone();
        if part["status"] == wanted { Ok(()) } else { Err(part) }
    })
    .await;
}

/// Asks as a client: the status, and what is left.
async fn ask(engine: &Engine, client: &str) -> (u16, Option<usize>) {
    let answer = request("GET", &engine.api, "/nothing", &[("X-Forwarded-For", client)], b"").await;
    let left = answer.header("ratelimit-remaining").and_then(|left| left.parse().ok());
    assert_eq!(answer.header("ratelimit-limit"), Some(LIMIT.to_string().as_str()));
    assert_eq!(answer.header("retry-after").is_some(), answer.status == 429);
    (answer.status, left)
}

/// How often a node gave Redis up because it did not answer in time.
fn late(engine: &Engine) -> usize {
    engine.said().matches("no answer within").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_a_limit_over_redis_and_count_alone_while_it_is_away() {
    let (mut redis, chain) = (Redis::start().await, Chain::start().await);
    let (first, second) = (node(&chain, &redis).await, node(&chain, &redis).await);
    // On a machine that is too busy Redis answers too late, and a node counts alone for a while: such a round says nothing.
    let mut round = 0;
    let client = loop {
        round += 1;
        redis_is(&first, "up").await;
        redis_is(&second, "up").await;
        let late_before = late(&first) + late(&second);
        // All at once on both: together exactly as many as the limit.
        let client = format!("198.51.100.{}", 100 + round);
        let asks = (0..2 * LIMIT).map(|n| ask(if n % 2 == 0 { &first } else { &second }, &client));
        let answers = join_all(asks).await;
        let allowed = answers.iter().filter(|(status, _)| *status == 404).count();
        if late(&first) + late(&second) > late_before {
            assert!(round < 20, "Redis is never in time");
            continue;
        }
        assert_eq!((allowed, answers.len() - allowed), (LIMIT, LIMIT), "{answers:?}");
        break client;
    };
    assert_eq!(ask(&first, &client).await, (429, Some(0)));
    assert_eq!(ask(&second, "198.51.100.2").await, (404, Some(LIMIT - 1)), "others have their own");
    // By its /64, whichever node is asked.
    assert_eq!(ask(&first, "2001:db8::1").await, (404, Some(LIMIT - 1)));
    assert_eq!(ask(&second, "2001:db8::2").await, (404, Some(LIMIT - 2)));
    // What is kept runs out by itself.
    let expiry = redis.command(&format!("PTTL zmart:limit:anonymous:ip4:{client}")).await.unwrap();
    assert!(expiry.trim_start_matches(':').parse::<i64>().unwrap() > 0, "{expiry}");

    // Killed in the middle of work: nobody is refused for it, and each node holds the limit by itself.
    let asking = join_all((0..LIMIT).map(|n| {
        let client = format!("198.51.100.{}", 10 + n);
        let first = &first;
        async move { ask(first, &client).await }
    }));
    redis.kill();
    assert!(asking.await.iter().all(|(status, _)| *status == 404));
    for node in [&first, &second] {
        let answers = join_all((0..2 * LIMIT).map(|_| ask(node, "198.51.100.3"))).await;
        let allowed = answers.iter().filter(|(status, _)| *status == 404).count();
        assert!((LIMIT..=LIMIT + 1).contains(&allowed), "{answers:?}");
        redis_is(node, "degraded").await;
        node.ready().await;
    }

    // Back by itself, shared again.
    redis.up().await;
    redis_is(&first, "up").await;
    redis_is(&second, "up").await;
    assert_eq!(ask(&first, "198.51.100.4").await, (404, Some(LIMIT - 1)));
    assert_eq!(ask(&second, "198.51.100.4").await, (404, Some(LIMIT - 2)));

    // Silent on open sockets: as if it were away.
    redis.hold();
    let (status, left) = ask(&first, "198.51.100.5").await;
    assert_eq!((status, left), (404, Some(LIMIT - 1)));
    redis_is(&first, "degraded").await;
    redis.release();
    redis_is(&first, "up").await;
}
