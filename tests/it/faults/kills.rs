//! The engine is killed again and again, at any moment: while it starts, while it catches up, in the middle of a batch.

use rand::{Rng, SeedableRng, rngs::StdRng};
use zmart_testkit::{chain::Chain, postgres::Database};

use super::scene::{Cast, Scene, moment};

const KILLS: usize = 50;
const TRADES: usize = 5_000;
/// Trades that may land between one kill and the next.
const TRADES_A_KILL: usize = TRADES / KILLS;
/// The longest time from a start to the next kill: about twice what a start takes.
const LIFE_MS: u64 = 1_500;
/// The moments of the kills.
const SEED: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_during_five_thousand_trades_lose_nothing_and_double_nothing() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let cast = Cast { markets: 8, wallets: 16, subscribers: 4 };
    let mut scene = Scene::set(cast, chain, database, &[]).await;
    let mut random = StdRng::seed_from_u64(SEED);
    for _ in 0..KILLS {
        // Trades go on while the engine is down, and while it comes back.
        scene.let_trade(TRADES_A_KILL);
        moment(random.random_range(0..LIFE_MS)).await;
        scene.rig.engine.kill();
        scene.rig.engine.launch();
    }
    scene.rig.engine.listening().await;
    scene.is_well("fifty kills").await;
    assert_eq!(scene.load.done(), TRADES);
}
