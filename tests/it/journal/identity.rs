//! Which chain, which life, which schema.

use zmart::{
    domain::ids::{Epoch, ProgramId},
    journal::{
        identity::{IdentityError, bind_chain, check_chain, current_epoch, current_life},
        migrate,
    },
};
use zmart_testkit::{
    patience::wait_for,
    postgres::{Cluster, Database},
};

use super::{prepare, settings};

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_migrate_at_once_apply_each_migration_once() {
    let database = Database::fresh().await;
    let settings = settings(&database.url);
    let (one, two, three) = tokio::join!(migrate::run(&settings), migrate::run(&settings), migrate::run(&settings));
    let mut applied = [one, two, three].map(|result| result.unwrap().len());
    applied.sort_unstable();
    assert_eq!(applied[..2], [0, 0], "one of them did it all");
    assert!(applied[2] > 0);
    assert!(migrate::run(&settings).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_stays_with_its_chain_and_program() {
    let database = Database::fresh().await;
    prepare(&database).await;
    let client = database.connect().await;
    let (ours, other) = (ProgramId([1; 32]), ProgramId([2; 32]));
    assert!(matches!(check_chain(&client, "one", ours).await, Err(IdentityError::Empty)));
    bind_chain(&client, "one", ours).await.unwrap();
    bind_chain(&client, "one", ours).await.unwrap();
    for (genesis, program) in [("two", ours), ("one", other)] {
        let refused = bind_chain(&client, genesis, program).await.unwrap_err();
        assert!(matches!(refused, IdentityError::OtherChain { .. }), "{refused}");
        assert!(refused.to_string().contains(genesis) && refused.to_string().contains(&ours.to_string()), "{refused}");
    }
    check_chain(&client, "one", ours).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_epoch_stays_over_restarts_and_changes_with_the_database() {
    let mut cluster = Cluster::start().await;
    let database = cluster.database().await;
    let first = prepare(&database).await;
    assert!(first.0 > 200_000_000, "{first}: it comes from the clock, so no other database's first has it");
    assert_eq!(current_epoch(&database.connect().await).await.unwrap(), first);
    cluster.stop();
    cluster.up().await;
    assert_eq!(current_epoch(&database.connect().await).await.unwrap(), first, "a restart is no other database");
    let (one, other) = (database.connect().await, database.connect().await);
    let together = tokio::join!(current_epoch(&one), current_epoch(&other));
    assert_eq!((together.0.unwrap(), together.1.unwrap()), (first, first));
    drop((one, other));

    // A copy, as from a dump: the same rows in another database.
    let (server, name) = database.url.rsplit_once('/').unwrap();
    let admin = Database { url: format!("{server}/postgres") }.connect().await;
    // It can't be copied while a connection to it is still being closed.
    let copied = format!("CREATE DATABASE copied TEMPLATE {name}");
    wait_for("the copy", || async { admin.batch_execute(&copied).await }).await;
    let copy = Database { url: format!("{server}/copied") };
    let second = current_epoch(&copy.connect().await).await.unwrap();
    assert!(second > first);
    assert_eq!(current_epoch(&copy.connect().await).await.unwrap(), second);
    // A dump from before the second life is restored: what is begun then is no second again.
    let copied = format!(
        "UPDATE journal_epochs SET database_oid = 0 WHERE epoch = {first}; DELETE FROM journal_epochs WHERE epoch > {first}"
    );
    copy.connect().await.batch_execute(&copied).await.unwrap();
    wait_for("another second", || async {
        const SQL: &str = "SELECT extract(epoch FROM now())::bigint - 1577836800";
        let now: i64 = copy.connect().await.query_one(SQL, &[]).await.unwrap().get(0);
        if now > i64::from(second.0) { Ok(()) } else { Err(now) }
    })
    .await;
    let third = current_epoch(&copy.connect().await).await.unwrap();
    assert!(third > second, "{third} after {second}: no number is used twice");
    // A process that has worked in a later life goes back to no earlier one.
    let later = current_life(&copy.connect().await, Epoch(third.0 + 7)).await.unwrap();
    assert!(later.epoch.0 > third.0 + 7);
    assert_eq!(current_epoch(&database.connect().await).await.unwrap(), first, "the original goes on as it was");
}
