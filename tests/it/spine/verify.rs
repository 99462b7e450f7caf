//! `zmart verify`: agrees while all is well, even under trade, and finds a row that another hand has changed.

use std::{process::Output, sync::Arc};

use tokio::sync::Semaphore;
use zmart_testkit::{patience::wait_for, stage::Stage};

use super::load::{Load, finish};

const TRADES: usize = 80;
const CHECKS_UNDER_TRADE: usize = 3;

fn said(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_agrees_under_trade_and_finds_what_was_tampered_with() {
    let stage = Stage::set().await;
    let load = Load::prepare(&stage.chain, 2, 2, TRADES).await;

    let permits = Arc::new(Semaphore::new(0));
    let traders = load.start(stage.chain.client(), &permits);
    for _ in 0..CHECKS_UNDER_TRADE {
        permits.add_permits(TRADES / CHECKS_UNDER_TRADE);
        let checked = stage.engine.run(&["verify"]).await;
        assert!(checked.status.success(), "{}", said(&checked));
    }
    permits.add_permits(TRADES);
    finish(traders).await;

    wait_for("verify to agree when all is quiet", || async {
        let checked = stage.engine.run(&["verify"]).await;
        if checked.status.success() { Ok(()) } else { Err(said(&checked)) }
    })
    .await;

    let rows = stage.database.connect().await;
    // The row is written once more when its last entry becomes final: what is changed before that is mended by that.
    wait_for("every entry to be final", || async {
        let open: i64 =
            rows.query_one("SELECT count(*) FROM markets WHERE finalized_seq < last_seq", &[]).await.unwrap().get(0);
        if open == 0 { Ok(()) } else { Err(format!("{open} markets are not")) }
    })
    .await;
    let (market, wallet) = (load.markets[0].to_string(), load.wallets()[0].to_string());
    for (change, back, named) in [
        (
            format!("UPDATE markets SET shares_yes = shares_yes + 1 WHERE address = '{market}'"),
            format!("UPDATE markets SET shares_yes = shares_yes - 1 WHERE address = '{market}'"),
            &market,
        ),
        (
            format!("UPDATE markets SET phase = 3 WHERE address = '{market}'"),
            format!("UPDATE markets SET phase = 2 WHERE address = '{market}'"),
            &market,
        ),
        (
            format!("UPDATE positions SET total_invested = total_invested - 1 WHERE wallet = '{wallet}'"),
            format!("UPDATE positions SET total_invested = total_invested + 1 WHERE wallet = '{wallet}'"),
            &wallet,
        ),
    ] {
        rows.batch_execute(&change).await.unwrap();
        let checked = stage.engine.run(&["verify"]).await;
        assert!(!checked.status.success(), "{change}: not noticed\n{}", said(&checked));
        assert!(said(&checked).contains(named.as_str()), "{change}: {named} is not named\n{}", said(&checked));
        rows.batch_execute(&back).await.unwrap();
        let checked = stage.engine.run(&["verify"]).await;
        assert!(checked.status.success(), "{back}: {}", said(&checked));
    }
}
