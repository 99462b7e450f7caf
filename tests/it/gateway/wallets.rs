//! Sign-in by the wallets' own library, in Node: `scripts/check-wallets` installs it and runs this.

use std::process::Command;

use zmart_testkit::{patience::within, stage::Stage};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and packages of npm: run scripts/check-wallets"]
async fn wallets_sign_in_with_their_own_library() {
    let check = std::env::var_os("ZMART_WALLETS_CHECK").expect("ZMART_WALLETS_CHECK, as scripts/check-wallets sets it");
    let stage = Stage::set().await;
    let mut node = Command::new("node");
    node.arg(check).arg(&stage.engine.api);
    let run = tokio::task::spawn_blocking(move || node.output());
    let output = within("the wallets to sign in", run).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" passed, 0 failed"), "{said}");
}
