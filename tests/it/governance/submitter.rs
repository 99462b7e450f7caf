//! What the submitter has to keep whatever happens between two of its steps, whoever else acts, and whatever it may not say.

use serde_json::{Value, json};
use solana_sdk::signature::Keypair;
use zmart::{
    domain::{
        ids::MarketAddress,
        phase::Phase::{Approved, Proposed},
        tally::VoteKind,
    },
    faults::POINTS,
};
use zmart_testkit::{folder::Folder, patience::wait_for, process::signal};

use super::court::{APPROVED, Court, HOUR};

/// Enough votes, all in favour.
async fn vote(court: &Court, market: MarketAddress) {
    court.vote(VoteKind::Proposal, market, 3, 0).await;
}

fn of(purpose: &str) -> impl Fn(&Value) -> bool {
    move |one| one["purpose"] == purpose
}

/// Every table as text: what anybody could ever read of them.
async fn whole_database(court: &Court) -> String {
    let rows = court.database.connect().await;
    const TABLES: &str = "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'";
    let mut text = String::new();
    for table in rows.query(TABLES, &[]).await.unwrap() {
        let sql = format!("SELECT to_jsonb(t)::text FROM {} t", table.get::<_, String>(0));
        for row in rows.query(&sql, &[]).await.unwrap() {
            text.push_str(row.get(0));
            text.push('\n');
        }
    }
    text
}

/// How a key might be shown: the secret half, or all of it.
fn shown(key: &[u8]) -> Vec<String> {
    let halves = [&key[..32], key];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let list = |bytes: &[u8], between: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(between);
    let forms = halves.iter().flat_map(|bytes| {
        [
            bs58::encode(bytes).into_string(),
            hex(bytes),
            hex(bytes).to_uppercase(),
            list(&bytes[..8], ","),
            list(&bytes[..8], ", "),
        ]
    });
    forms.collect()
}

/// A second or two for each point: the process is started again after each.
#[tokio::test(flavor = "multi_thread")]
async fn a_submitter_that_dies_after_any_of_its_steps_lands_each_decision_once_and_tells_no_key() {
    let mut court = Court::set(&[]).await;
    for point in POINTS.iter().filter(|point| point.starts_with("submitter:")) {
        let [market] = court.proposed().await;
        court.engine.die_at(point).await;
        vote(&court, market).await;
        court.engine.has_died().await;
        // Where the proposal is younger than what is final, its counts are sent first: another attempt with the same steps.
        let left = court.submissions(market).await;
        let statuses: Vec<_> = left.iter().map(|one| &one["status"]).collect();
        match *point {
            "submitter:decided" | "submitter:signed" => assert!(statuses.is_empty(), "{point}: {left:#?}"),
            "submitter:kept" | "submitter:sent" => assert_eq!(statuses, [&json!("signed")], "{point}: {left:#?}"),
            "submitter:settled" => assert!(statuses.contains(&&json!("finalized")), "{point}: {left:#?}"),
            _ => assert!(left.iter().any(|one| one["settled"] == false), "{point}: {left:#?}"),
        }
        court.open().await;
        court.all_are(&[market], Approved).await;
        court.all_settled().await;
        court.landed(market, &[APPROVED]).await;
        let done = court.submissions(market).await;
        let done: Vec<_> = done.iter().filter(|one| of("approve_proposal")(one)).collect();
        assert_eq!(done.len(), 1, "{point}: {done:#?}");
        assert!(done[0]["entry_seq"].is_number() && done[0]["reason"].is_null(), "{point}: {done:#?}");
    }
    court.is_in_order().await;

    court.engine.stop().await;
    let (said, rows) = (court.engine.said(), whole_database(&court).await);
    assert!(said.contains("submitter") && rows.contains("approve_proposal"), "what is searched is not empty");
    for path in [court.chain.backend_key_path(), court.chain.admin_key_path()] {
        let key: Vec<u8> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for form in shown(&key) {
            assert!(!said.contains(&form), "a key is in the log");
            assert!(!rows.contains(&form), "a key is in the database");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_is_committed_with_all_that_it_takes_before_the_first_byte_is_sent() {
    let mut court = Court::set(&[]).await;
    let [market] = court.proposed().await;
    court.engine.stop_at("submitter:kept").await;
    vote(&court, market).await;
    court.engine.has_stopped().await;
    let rows = court.submissions(market).await;
    let [row] = &rows[..] else { panic!("{rows:#?}") };
    assert_eq!((&row["status"], &row["settled"]), (&json!("signed"), &json!(false)), "{row:#}");
    assert_eq!((&row["in_favour"], &row["against"]), (&json!(3), &json!(0)), "{row:#}");
    assert!(row["term"].as_i64() > Some(0) && row["last_valid_block_height"].is_number(), "{row:#}");
    assert_eq!((&row["grounds"]["threshold"], &row["grounds"]["minimum"]), (&json!(7_000), &json!(3)), "{row:#}");
    let bytes = row["transaction"].as_str().unwrap();
    // One signature or two, the first of which is its name.
    let name: zmart::domain::ids::TxSignature = row["signature"].as_str().unwrap().parse().unwrap();
    let hex: String = name.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let begins = |count: u8| bytes.starts_with(&format!("\\x{count:02x}{hex}"));
    assert!(begins(1) || begins(2), "{row:#}");
    for instruction in ["aggregate_proposal_votes", "approve_proposal"] {
        assert_eq!(court.client.times_landed(market, instruction).await, 0, "{instruction} was sent");
    }
    signal("CONT", court.engine.id());
    court.all_are(&[market], Approved).await;
    court.all_settled().await;
    court.landed(market, &[APPROVED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_did_first_is_done() {
    let mut court = Court::set(&[]).await;
    let [market] = court.proposed().await;
    court.engine.stop_at("submitter:kept").await;
    vote(&court, market).await;
    court.engine.has_stopped().await;
    // The admin is quicker, while ours is signed and not sent.
    court.sent_by_hand(court.chain.approve(market).await);
    signal("CONT", court.engine.id());
    court.all_are(&[market], Approved).await;
    let row = court.submission(market, "settled", |one| one["settled"] == true).await;
    assert!(row["status"] == "failed" || row["status"] == "expired", "{row:#}");
    assert_eq!(row["reason"]["why"], "already_done", "{row:#}");
    court.landed(market, &[APPROVED]).await;
    court.has_looked_again().await;
    let rows = court.submissions(market).await;
    assert_eq!(rows.len(), 1, "nothing was tried again: {rows:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_config_does_not_name_signs_nothing_and_the_pause_outlives_a_restart() {
    let folder = Folder::new("keys");
    let path = folder.path().join("stranger.json");
    std::fs::write(&path, json!(Keypair::new().to_bytes().to_vec()).to_string()).unwrap();
    let path = path.display().to_string();
    let mut court = Court::set(&[("BACKEND_KEYPAIR_PATH", &path)]).await;
    let [market] = court.proposed().await;
    vote(&court, market).await;
    let refused = court.submission(market, "refused", of("approve_proposal")).await;
    assert_eq!((&refused["status"], &refused["settled"]), (&json!("failed"), &json!(true)), "{refused:#}");
    assert_eq!(refused["reason"]["why"], "unauthorized", "{refused:#}");
    assert!(refused["signature"].is_null() && refused["transaction"].is_null(), "{refused:#}");
    court.alert("authority_mismatch", "backend", true).await;
    court.engine.kill();
    court.open().await;
    // It looks again and again, and is told to wait.
    wait_for("the market to be looked at again", || {
        let said = court.engine.said();
        std::future::ready(if said.matches("not before").count() > 1 { Ok(()) } else { Err("not yet") })
    })
    .await;
    assert_eq!(court.phases([market]).await, [Proposed]);
    let rows = court.submissions(market).await;
    assert_eq!(rows.iter().filter(|one| of("approve_proposal")(one)).count(), 1, "{rows:#?}");
    court.landed(market, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_payer_can_t_pay_for_is_refused_unsigned_and_other_markets_do_not_wait_for_it() {
    let court = Court::set(&[]).await;
    let [resolving] = court.resolving().await;
    court.chain.impoverish_backend().await;
    court.client.travel(73 * HOUR).await;
    let refused = court.submission(resolving, "refused", of("finalize_undisputed")).await;
    assert_eq!((&refused["reason"]["why"], &refused["signature"]), (&json!("poor"), &Value::Null), "{refused:#}");
    court.landed(resolving, &[APPROVED]).await;
    court.client.fund(court.chain.backend()).await;
    let [other] = court.proposed().await;
    vote(&court, other).await;
    court.all_are(&[other], Approved).await;
    // Half a minute at least is the pause after the refusal: another market was begun within it, by the table's own clock.
    const WITHIN: &str = "SELECT bool_or(o.created_at < r.updated_at + interval '30 s')
                          FROM chain_submissions o, chain_submissions r
                          WHERE o.market = $1::text AND o.signature IS NOT NULL AND r.id = $2";
    let rows = court.database.connect().await;
    let id = refused["id"].as_i64().unwrap();
    let is_within: Option<bool> = rows.query_one(WITHIN, &[&other.to_string(), &id]).await.unwrap().get(0);
    assert_eq!(is_within, Some(true), "{:#?}", court.submissions(other).await);
}
