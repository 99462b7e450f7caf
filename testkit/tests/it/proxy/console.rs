//! The line protocol.

use serde_json::json;
use zmart::domain::ids::MarketSeed;
use zmart_testkit::proxy::console::Console;

use super::node::Rig;

#[tokio::test]
async fn a_line_sets_a_fault_that_another_counts_and_lifts() {
    let rig = Rig::start().await;
    let mut console = Console::new(rig.faults.clone());
    assert_eq!(console.say("error getSlot,getHealth -32005 next=2").await, "fault 0 bad answers");
    assert_eq!(rig.ask("getSlot", json!([])).await.unwrap().json()["error"]["code"], -32005);
    assert_eq!(console.say("faults").await, "faults 0 bad answers: 1 struck");
    assert_eq!(console.say("lift 0").await, "lifted 0 bad answers: 1 struck");
    assert_eq!(rig.result("getSlot", json!([])).await, 100);
    assert_eq!(console.say("lift 7").await, "error no such fault (say `help`)");
}

#[tokio::test]
async fn every_command_of_the_help_is_understood() {
    let rig = Rig::start().await;
    let transaction = rig.execute(1, 101, MarketSeed([1; 32]));
    let mut console = Console::new(rig.faults.clone());
    for command in zmart_testkit::proxy::console::HELP.split(" | ") {
        let line = command
            .replace("[WHEN]", "one-in=3:9")
            .replace("notifications|transactions", "transactions")
            .replace("marked|unmarked", "marked")
            .replace("head|honest", "honest")
            .replace("told|untold", "told")
            .replace("SECONDS|-", "-")
            .replace("METHODS", "getSlot")
            .replace("SIDE", "ws")
            .replace("WHICH", "logs")
            .replace("SIGNATURES", &transaction.to_string())
            .replace("SIGNATURE", &transaction.to_string())
            .replace("CODE", "-32603")
            .replace("HTTP", "502")
            .replace("MS", "1:2")
            .split(' ')
            .map(|word| if word.chars().all(|c| c.is_ascii_uppercase()) { "3" } else { word })
            .collect::<Vec<_>>()
            .join(" ");
        let answer = console.say(&line).await;
        assert!(!answer.starts_with("error"), "{line}: {answer}");
    }
    assert!(console.say("withhold nobody").await.starts_with("error"));
}
