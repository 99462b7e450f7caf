//! The pinning service fails in every way: nothing is lost, nothing is there twice, nobody else waits.

use std::time::Duration;

use zmart::{
    actors::snapshotter::{
        market::give_up,
        pass::{self, Which},
    },
    ipfs::provider::{PinataKey, ProviderSettings},
};
use zmart_testkit::pins::{Fault, JWT, PAIR};

use super::{PATIENT, by_pinata, rig, text};
use crate::gateway::market as another_market;

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_service_is_waited_for_and_a_broken_one_is_asked_again_with_the_same_document() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 3).await;
    rig.pins.next([Fault::Status(429, Some(1)), Fault::Status(500, None)]);
    assert_eq!((rig.pass().await.pinned, rig.pins.uploads().len()), (1, 3), "within one pass");
    let rows = rig.anchors(market).await;
    assert_eq!(
        (&rows[0]["attempts"], text(&rows[0], "answer"), text(&rows[0], "provider")),
        (&3.into(), "taken", "pinata")
    );

    rig.say(market, 10, 1).await;
    rig.pins.always(Some(Fault::Status(502, None)));
    let made = rig.pass().await;
    assert_eq!((made.pinned, made.is_whole), (0, true), "{made:?}");
    let waiting = rig.anchors(market).await;
    assert_eq!((text(&waiting[1], "status"), &waiting[1]["attempts"]), ("pending", &3.into()));
    assert!(rig.alerts().await[0].1.contains("502"), "{:?}", rig.alerts().await);
    // What is said meanwhile is the next document's.
    rig.say(market, 20, 1).await;
    rig.pins.always(None);
    assert_eq!(rig.pass().await.pinned, 2);
    let rows = rig.anchors(market).await;
    assert_eq!((&rows[1]["cid"], &rows[2]["previous_cid"]), (&waiting[1]["cid"], &waiting[1]["cid"]));
    assert_eq!(rig.alerts().await, [], "it is over");

    // One that wants to be left alone for long is, and says for how long.
    rig.say(market, 30, 1).await;
    rig.pins.next([Fault::Status(429, Some(60))]);
    let (made, uploads) = (rig.pass().await, rig.pins.uploads().len());
    assert_eq!(made.away.unwrap().retry_after, Some(Duration::from_secs(60)));
    assert_eq!(rig.pass().await.pinned, 1);
    assert_eq!(rig.pins.uploads().len(), uploads + 1, "nothing was tried in between");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_taken_and_not_answered_is_made_again_and_is_there_once() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 3).await;
    for fault in [Fault::Hang, Fault::Trickle, Fault::Nonsense] {
        rig.pins.always(Some(fault.clone()));
        let made = rig.pass_within(Duration::from_millis(400)).await;
        assert!(made.away.is_some() && made.pinned == 0, "{fault:?}: {made:?}");
        assert_eq!(text(&rig.anchors(market).await[0], "status"), "pending", "{fault:?}");
    }
    // A machine that is busy enough may have sent none of them in time.
    let was_there = !rig.pins.files().is_empty();
    rig.pins.always(None);
    assert_eq!(rig.pass().await.pinned, 1);
    let rows = rig.anchors(market).await;
    assert_eq!((rows.len(), rig.pins.files().len()), (1, 1));
    assert_eq!(text(&rows[0], "answer"), if was_there { "it was there already" } else { "taken" });
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_id_is_an_alert_and_never_pinned_as_ours() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 2).await;
    rig.pins.next([Fault::AnotherCid]);
    let made = rig.pass().await;
    assert_eq!((made.pinned, made.stuck.len(), made.is_whole), (0, 1, true), "{made:?}");
    let rows = rig.anchors(market).await;
    assert_eq!((text(&rows[0], "status"), &rows[0]["pinned_at"]), ("failed", &serde_json::Value::Null));
    let alerts = rig.alerts().await;
    assert_eq!(alerts[0].0, market.to_string());
    assert!(alerts[0].1.contains("the service calls it Qm"), "{alerts:?}");
    assert!(rig.pins.files().is_empty(), "nor left there under that name");
    assert_eq!(rig.pass().await.pinned, 1, "the next scheduled pass tries it again");
    assert_eq!((text(&rig.anchors(market).await[0], "status"), rig.alerts().await.len()), ("pinned", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_market_whose_document_is_refused_holds_up_no_other() {
    let (rig, refused) = rig().await;
    let other = another_market(&rig.database, 2, 0).await;
    rig.say(refused, 1, 2).await;
    rig.pins.next([Fault::Status(413, None)]);
    rig.pass().await;
    rig.pins.next([Fault::Status(413, None)]);
    rig.say(other, 10, 2).await;
    let made = rig.pass().await;
    // Either was sent first.
    assert_eq!((made.markets, made.pinned, made.stuck.len()), (2, 1, 1), "{made:?}");
    assert_eq!(rig.pass().await.pinned, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_know_us_is_not_asked_again_and_again_and_is_an_alert() {
    let (rig, _) = rig().await;
    for n in 1..=9 {
        let market = another_market(&rig.database, 10 + n, 0).await;
        rig.say(market, 100 * i32::from(n), 1).await;
    }
    let parts = rig.parts(&by_pinata(&rig.pins.url, PinataKey::Jwt("wrong".parse().unwrap())), PATIENT);
    let made = pass::make(&parts, Which::All).await.unwrap();
    assert!(!made.is_whole && made.markets < 9 && made.away.as_ref().unwrap().reason.contains("401"), "{made:?}");
    pass::tell(&rig.leased, &made, u32::MAX).await.unwrap();
    assert_eq!(rig.alerts().await[0].0, "snapshots");
    // Those that it was tried for in vain come last: the others' turn comes.
    for _ in 0..2 {
        pass::make(&parts, Which::All).await.unwrap();
    }
    let tried = "SELECT count(*) FROM ipfs_anchors WHERE attempts > 0";
    assert_eq!(rig.database.connect().await.query_one(tried, &[]).await.unwrap().get::<_, i64>(0), 9);
    let pair = PinataKey::Pair(PAIR.0.parse().unwrap(), PAIR.1.parse().unwrap());
    let parts = rig.parts(&by_pinata(&rig.pins.url, pair), PATIENT);
    // What is on its way first, as a new life does.
    let made = pass::make(&parts, Which::OnTheirWay).await.unwrap();
    assert_eq!(made.pinned, 9, "{made:?}");
    let rest = pass::make(&parts, Which::All).await.unwrap();
    assert_eq!((rest.pinned, rest.is_whole), (0, true));
    pass::tell(&rig.leased, &rest, 0).await.unwrap();
    assert_eq!(rig.alerts().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_made_is_an_alert_until_it_can_or_is_given_up() {
    let (rig, market) = rig().await;
    let client = rig.database.connect().await;
    rig.say(market, 1, 2).await;
    let parts = rig.parts(&by_pinata(&rig.pins.url, PinataKey::Jwt(JWT.parse().unwrap())), PATIENT);
    let on_their_way = async || {
        let made = pass::make(&parts, Which::OnTheirWay).await.unwrap();
        pass::tell(&rig.leased, &made, 0).await.unwrap();
        made.markets
    };
    // It has no row that would say so.
    client.execute("UPDATE journal SET payload = payload || '{\"wallet\": \"x\"}' WHERE payload ->> 'id' = lpad('2', 32, '0')::uuid::text", &[]).await.unwrap();
    assert_eq!(rig.pass().await.stuck.len(), 1);
    assert_eq!((on_their_way().await, rig.alerts().await.len()), (0, 1));
    let mended = "UPDATE journal j SET payload = payload || jsonb_build_object('wallet', d.wallet) FROM discussions d \
                  WHERE j.payload ->> 'id' = d.id::text AND d.id = lpad('2', 32, '0')::uuid";
    client.execute(mended, &[]).await.unwrap();
    rig.pins.always(Some(Fault::Status(503, None)));
    assert!(rig.pass().await.stuck.is_empty());

    // A later engine wrote its row.
    client.execute("UPDATE ipfs_anchors SET version = 2", &[]).await.unwrap();
    rig.pins.always(None);
    assert_eq!(on_their_way().await, 1);
    assert_eq!(text(&rig.anchors(market).await[0], "status"), "failed", "it is not tried each second");
    assert_eq!((on_their_way().await, rig.alerts().await.len()), (0, 1));
    assert!(rig.alerts().await[0].1.contains("form 2"), "{:?}", rig.alerts().await);
    assert_eq!(rig.pass().await.stuck.len(), 1);
    assert_eq!(give_up(&parts, market).await.unwrap(), Ok(true));
    assert_eq!(give_up(&parts, market).await.unwrap(), Ok(false));
    assert_eq!((rig.pass().await.pinned, rig.alerts().await), (1, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_kubos_rpc_pins_the_same_document() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 3).await;
    let project = Some((PAIR.0.parse().unwrap(), PAIR.1.parse().unwrap()));
    let kubo = ProviderSettings::Kubo { url: format!("{}/", rig.pins.url).parse().unwrap(), project };
    let parts = rig.parts(&kubo, PATIENT);
    rig.pins.next([Fault::Status(500, None)]);
    let made = pass::make(&parts, Which::One(market)).await.unwrap();
    assert_eq!(made.pinned, 1, "{made:?}");
    let rows = rig.anchors(market).await;
    assert_eq!(text(&rows[0], "provider"), "ipfs-rpc");
    assert!(rig.pins.files().contains_key(text(&rows[0], "cid")));
    // What was taken without a word is forgotten there, too, and what was not taken does not have to be.
    for (n, fault) in [(50, Fault::Nonsense), (60, Fault::Status(500, None))] {
        rig.say(market, n, 2).await;
        rig.pins.always(Some(fault));
        assert!(pass::make(&parts, Which::All).await.unwrap().away.is_some());
        rig.unsay(market, n).await;
        rig.pins.always(None);
        assert_eq!(pass::make(&parts, Which::All).await.unwrap().pinned, 2);
        assert!(rig.pins.files().values().all(|file| !file.contains(&format!("words of {n} "))), "{n}");
    }
    let stranger = ProviderSettings::Kubo { url: rig.pins.url.parse().unwrap(), project: None };
    rig.say(market, 10, 1).await;
    let made = pass::make(&rig.parts(&stranger, PATIENT), Which::All).await.unwrap();
    assert!(made.away.unwrap().reason.contains("401"));
    let jwt = by_pinata(&rig.pins.url, PinataKey::Jwt(JWT.parse().unwrap()));
    assert_eq!(pass::make(&rig.parts(&jwt, PATIENT), Which::All).await.unwrap().pinned, 1, "another service goes on");
}
