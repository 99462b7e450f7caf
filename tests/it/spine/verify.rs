//! `zmart verify`: agrees while all is well, even under trade. (What it finds where it is not: `tests/it/verify`.)

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
async fn verify_agrees_under_trade() {
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
}
