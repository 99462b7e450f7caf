//! Connections break, are refused, or say nothing more while they stay open.

use zmart_testkit::proxy::{Fault, Methods, Side, When, Which};

use super::{
    super::scene::{Cast, moment},
    TRADES, Wire,
};

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_or_are_refused_are_made_again() {
    let wire = Wire::set(Cast::default(), &[]).await;
    for side in [Side::Ws, Side::Http] {
        wire.scene.let_trade(2 * TRADES);
        let mut dropped = 0;
        for _ in 0..10 {
            dropped += wire.hand.drop_connections(side);
            moment(150).await;
        }
        assert!(dropped > 0, "{side:?}: there was nothing to drop");
        wire.scene.is_well(&format!("connections that were dropped ({side:?})")).await;

        let refused = wire.hand.refuse_connections(side);
        wire.hand.drop_connections(side);
        let part = if side == Side::Ws { "live" } else { "rpc" };
        wire.scene.let_trade(TRADES);
        wire.scene.rig.engine.down(part).await;
        wire.survives(&format!("connections that were refused ({side:?})"), &[refused]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_with_open_sockets_is_noticed_by_the_slots_that_do_not_come() {
    let wire = Wire::set(Cast::default(), &[("CHAIN_SILENT_AFTER_MS", "1500")]).await;
    wire.scene.trade(TRADES).await;
    let silence = wire.hand.silence(Side::Ws);
    let reason = wire.scene.rig.engine.down("live").await;
    assert!(reason.contains("no slot") || reason.contains("not connected"), "{reason}");
    // JSON-RPC still tells everything.
    wire.scene.let_trade(TRADES);
    wire.scene.everything_is_heard().await;
    wire.survives("a silent socket", &[silence]).await;

    let silence = wire.hand.silence(Side::Http);
    wire.scene.let_trade(TRADES);
    wire.scene.rig.engine.down("rpc").await;
    wire.survives("silent answers", &[silence]).await;

    // Slots go on, transactions don't: nothing tells but the chain's own list.
    let deaf: [Fault; 1] = [wire.hand.withhold(Which::Logs, When::Always)];
    wire.bears("a socket that tells slots only", &deaf).await;
    let mute = [wire.hand.withhold(Which::Slots, When::Always), wire.hand.hang_up(Methods::All, When::Next(3))];
    wire.survives("a socket that tells no slots", &mute).await;
}
