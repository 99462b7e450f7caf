//! What a delivery brings: the chain's own word on a transaction, whatever the delivery says of it.

use std::sync::atomic::{AtomicU8, Ordering};

use futures_util::future::join_all;
use serde_json::json;
use zmart::domain::{event::Outcome, ids::TxSignature};
use zmart_testkit::{
    audit,
    chain::{Chain, SOL},
    engine::Engine,
    helius::{AUTH, Form, Sender, body, claim, enhanced, landed, raw},
    http::get,
    patience::wait_for,
    postgres::Database,
    proxy::{Methods, When},
};

use super::{Deaf, recorded, settled};

#[tokio::test(flavor = "multi_thread")]
async fn what_only_deliveries_tell_of_is_recorded_once_as_the_chain_has_it() {
    let deaf = Deaf::set(Database::fresh().await, &[]).await;
    let (client, sender) = (&deaf.client, deaf.sender());
    let buyer = client.funded_wallet().await;
    let mut trades = Vec::new();
    for _ in 0..5 {
        trades.push(client.buy(deaf.market, &buyer, Outcome::Yes, SOL).await);
    }
    let mut told = Vec::new();
    for signature in &trades {
        told.push(landed(&client.rpc_url, *signature).await);
    }

    // Raw, enhanced, alone without an array, and both forms of one in one array; the older ones last.
    let deliveries = [
        body(&[raw(&told[3]), enhanced(&told[4])]),
        serde_json::to_vec(&raw(&told[2])).unwrap(),
        serde_json::to_vec(&enhanced(&told[1])).unwrap(),
        body(&[enhanced(&told[0]), raw(&told[0]), raw(&told[1])]),
    ];
    for delivery in &deliveries {
        let answer = sender.deliver(delivery).await;
        assert_eq!((answer.status, answer.body["status"].as_str()), (200, Some("taken")), "{answer:?}");
    }
    // Once more, by both paths: known, and nothing more is stored.
    for path in ["/api/webhooks/helius", "/helius/webhook"] {
        let again = sender.clone().at(path).deliver(&deliveries[0]).await;
        assert_eq!((again.status, again.body["status"].as_str()), (200, Some("known")), "{again:?}");
    }
    let known = deaf.has(&trades).await;
    let outcomes = settled(&deaf.database, deliveries.len()).await;
    let known_of = |n: usize| outcomes[n]["known"].as_u64().unwrap();
    assert_eq!([0, 1, 2, 3].map(known_of), [2, 1, 1, 2], "{outcomes:?}");
    assert_eq!(known[known.len() - trades.len()..], trades[..], "each once, in the chain's order");

    // What they say is not what counts: logs of another trade under a genuine signature, a failure that was none.
    let genuine = client.buy(deaf.market, &buyer, Outcome::No, 2 * SOL).await;
    let mut forged = raw(&landed(&client.rpc_url, genuine).await);
    forged["meta"]["logMessages"] = told[0]["meta"]["logMessages"].clone();
    forged["meta"]["fee"] = json!(1);
    assert_eq!(sender.deliver(&body(&[forged])).await.status, 200);
    deaf.has(&[genuine]).await;
    let verified = deaf.engine.run(&["verify"]).await;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    assert_eq!(audit::breaches(&deaf.database).await, Vec::<String>::new());

    // By nothing else: the engine hears of none of them by itself once the passes of its start are over.
    wait_for("a delivery to be the first to tell", || async {
        let trade = client.buy(deaf.market, &buyer, Outcome::Yes, SOL).await;
        sender.until_taken(&body(&[enhanced(&landed(&client.rpc_url, trade).await)])).await;
        deaf.has(&[trade]).await;
        let text = figures(&deaf).await;
        if text.contains("zmart_webhook_transactions_total{outcome=\"brought\"}") { Ok(()) } else { Err(text) }
    })
    .await;
    let line = r#"zmart_webhook_deliveries_total{outcome="known"} 2"#;
    wait_for("what was known to be counted", || async {
        let text = figures(&deaf).await;
        if text.lines().any(|own| own == line) { Ok(()) } else { Err(format!("{line} in {text}")) }
    })
    .await;
}

async fn figures(deaf: &Deaf) -> String {
    String::from_utf8(get(&deaf.engine.indexer, "/metrics").await.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_up_changes_nothing_holds_up_nobody_and_is_soon_not_asked_about_any_more() {
    let deaf = Deaf::set(Database::fresh().await, &[("WEBHOOK_WAITING_MAX", "6")]).await;
    let (client, sender) = (&deaf.client, deaf.sender());
    let before = recorded(&deaf.database, deaf.market).await;
    let made_up = |n: u8| TxSignature([n; 64]);
    let slot = client.slot().await;
    let forged = [
        // In a slot that is there, in none that ever will be, and as a failure.
        body(&[claim(made_up(1), slot)]),
        body(&[claim(made_up(2), u64::MAX)]),
        body(&[json!({"signature": made_up(3), "slot": slot, "transactionError": {"InstructionError": [0, "x"]}})]),
        // A genuine one in a slot where it is not.
        body(&[claim(before[0], slot + 1)]),
        // JSON that is nothing we know: kept, and told of.
        body(&[json!({"type": "something new"}), json!(7), claim(made_up(0), slot)]),
        b"[]".to_vec(),
    ];
    for delivery in &forged {
        assert_eq!(sender.deliver(delivery).await.status, 200);
    }
    // The slot of the far one is not waited for, but a while: meanwhile there may be too many.
    let one_more = body(&[claim(made_up(9), slot)]);
    let buyer = client.funded_wallet().await;
    let genuine = client.buy(deaf.market, &buyer, Outcome::Yes, SOL).await;
    let genuine = (genuine, body(&[raw(&landed(&client.rpc_url, genuine).await)]));
    sender.until_taken(&genuine.1).await;
    sender.until_taken(&one_more).await;
    deaf.has(&[genuine.0]).await;

    let outcomes = settled(&deaf.database, forged.len() + 2).await;
    let of = |n: usize, what: &str| outcomes[n][what].as_u64().unwrap();
    assert_eq!((of(0, "never_came"), of(1, "never_came"), of(2, "failed")), (1, 1, 1), "{outcomes:?}");
    assert_eq!((of(3, "known"), of(4, "unusable"), of(5, "known")), (1, 3, 0), "{outcomes:?}");
    let mut expected = before.clone();
    expected.push(genuine.0);
    assert_eq!(recorded(&deaf.database, deaf.market).await, expected);
    let letters = audit::dead_letters(&deaf.database).await;
    let of_webhook = |what: &str| {
        letters.iter().filter(|(source, reason, _)| source.starts_with("webhook:") && reason == what).count()
    };
    assert_eq!((of_webhook("never came"), of_webhook("unusable delivery")), (3, 1), "{letters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_list_lacked_until_it_was_final_is_recorded_when_a_delivery_tells_of_it() {
    let deaf = Deaf::set(Database::fresh().await, &[("COVERAGE_INTERVAL_MS", "200")]).await;
    let (client, node) = (&deaf.client, deaf.proxy.handle());
    let (creator, buyer) = (client.funded_wallet().await, client.funded_wallet().await);
    let other = deaf.chain.active_market(&creator, 100 * SOL).await;
    // Nothing is listed until the node is made to lack it.
    let unlisted = node.hang_up(Methods::Of(&["getSignaturesForAddress"]), When::Always);
    let missed = client.buy(deaf.market, &buyer, Outcome::Yes, SOL).await;
    let hole = node.forget(&[missed]);
    unlisted.lift();
    let slot = client.slot().await;
    wait_for("the next slot", || async {
        let now = client.slot().await;
        if now > slot { Ok(()) } else { Err(now) }
    })
    .await;
    let later = client.buy(other, &buyer, Outcome::Yes, SOL).await;
    wait_for("coverage to be past the hole", || async {
        const CURSOR: &str = "SELECT coalesce(max(signature::text), '') FROM chain_cursor";
        let at: String = deaf.database.connect().await.query_one(CURSOR, &[]).await.unwrap().get(0);
        if at == later.to_string() { Ok(()) } else { Err(at) }
    })
    .await;
    hole.lift();
    assert!(!recorded(&deaf.database, deaf.market).await.contains(&missed));
    deaf.sender().until_taken(&body(&[raw(&landed(&client.rpc_url, missed).await)])).await;
    let known = deaf.has(&[missed]).await;
    assert_eq!(known.last(), Some(&missed));
    let outcomes = settled(&deaf.database, 1).await;
    assert_eq!(outcomes[0]["known"], 1, "{outcomes:?}");
    assert!(figures(&deaf).await.contains("zmart_webhook_transactions_total{outcome=\"missed\"} 1"));
    let verified = deaf.engine.run(&["verify"]).await;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    assert_eq!(audit::breaches(&deaf.database).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_that_wait_are_refused_and_what_is_kept_already_is_not() {
    let deaf = Deaf::set(Database::fresh().await, &[("WEBHOOK_WAITING_MAX", "2")]).await;
    let sender = deaf.sender();
    // They wait until a slot is final that is far ahead: three seconds of the chain, or longer.
    let far = |n: u8| body(&[claim(TxSignature([n; 64]), u64::MAX)]);
    let numbers = AtomicU8::new(1);
    let (taken, (refused, answer)) = wait_for("some to be taken, and others refused", || async {
        let five: Vec<u8> = (0..5).map(|_| numbers.fetch_add(1, Ordering::SeqCst)).collect();
        let deliveries = five.iter().map(|n| async { (*n, sender.deliver(&far(*n)).await) });
        let (taken, refused): (Vec<_>, Vec<_>) =
            join_all(deliveries).await.into_iter().partition(|(_, answer)| answer.status == 200);
        match (taken.last(), refused.last()) {
            (Some(taken), Some(refused)) => Ok((taken.0, refused.clone())),
            _ => Err(format!("{} taken, {} refused", taken.len(), refused.len())),
        }
    })
    .await;
    assert_eq!((answer.status, answer.body["error"].as_str()), (503, Some("UNAVAILABLE")), "{answer:?}");
    assert!(answer.retry_after.is_some(), "{answer:?}");
    let again = sender.deliver(&far(taken)).await;
    assert_eq!((again.status, again.body["status"].as_str()), (200, Some("known")), "{again:?}");
    // What was refused is taken when there is room.
    sender.until_taken(&far(refused)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_by_webhook_notification_and_coverage_is_one() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let client = chain.client();
    let mut engine = Engine::on(&chain, &database);
    engine.set("COVERAGE_INTERVAL_MS", "200");
    engine.set("HELIUS_AUTH_HEADER", AUTH);
    engine.start().await;
    engine.ready().await;
    let sender = Sender::to(&engine.indexer);
    let following = sender.follow(&client.rpc_url, client.program, Form::Mixed);
    let (creator, buyer) = (client.funded_wallet().await, client.funded_wallet().await);
    let market = chain.active_market(&creator, 100 * SOL).await;
    let mut trades = Vec::new();
    for n in 0..12 {
        trades.push(client.buy(market, &buyer, if n % 2 == 0 { Outcome::Yes } else { Outcome::No }, SOL).await);
        if n == 5 {
            engine.kill();
            engine.start().await;
        }
    }
    engine.ready().await;
    wait_for("all trades to be recorded, and delivered", || async {
        let recorded = recorded(&database, market).await;
        let last = recorded.last() == trades.last();
        let delivered = following.delivered();
        if last && delivered >= trades.len() as u64 + 3 {
            Ok(())
        } else {
            Err(format!("{} recorded, {delivered} delivered", recorded.len()))
        }
    })
    .await;
    let mut known = recorded(&database, market).await;
    assert_eq!(known[known.len() - trades.len()..], trades[..]);
    // A transaction may have several events of the market.
    known.dedup();
    assert_eq!(known, client.signatures(market).await, "each once, in the chain's order");
    assert_eq!(audit::breaches(&database).await, Vec::<String>::new());
}
