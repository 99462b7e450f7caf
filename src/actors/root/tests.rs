//! Root with actors that do nothing but live and die: roles, restarts, orders, the end.

use std::{sync::Mutex, time::Duration};

use super::*;
use crate::{journal::lease::Term, telemetry::health::PartState};

type Lives = Arc<Mutex<Vec<(Role, DeathGuard)>>>;

/// A kind whose lives end when they are taken out of the list; `obeys`: also when they are retired.
fn sleeper(runs: Runs, obeys: bool) -> (Lives, Kind) {
    let lives = Lives::default();
    let (kept, ended) = (Arc::clone(&lives), Arc::clone(&lives));
    let start = Box::new(move |role, guard| kept.lock().unwrap().push((role, guard)));
    let retire = Box::new(move || drop(obeys.then(|| ended.lock().unwrap().pop())));
    (lives, Kind { name: "sleeper", runs, gauge: Arc::default(), start, retire })
}

async fn runs_as(lives: &Lives, roles: &[Role]) {
    let now = || lives.lock().unwrap().iter().map(|(role, _)| *role).collect::<Vec<_>>();
    for _ in 0..1_000 {
        if now() == roles {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}, not {roles:?}", now());
}

#[test]
fn once_the_end_is_wanted_nobody_is_started_again() {
    System::new().block_on(async {
        let (lives, kind) = sleeper(Runs::Always, true);
        let root = Root::new(vec![kind], Health::new()).start();
        runs_as(&lives, &[Role::Following]).await;
        let first = lives.lock().unwrap().remove(0);
        drop(first);
        // Its place was emptied: the next life fills it again.
        runs_as(&lives, &[Role::Following]).await;
        root.send(Ending).await.unwrap();
        lives.lock().unwrap().clear();
        tokio::time::sleep(RestartRule::DEFAULT.pause_after(2) * 4).await;
        runs_as(&lives, &[]).await;
    });
}

#[test]
fn one_that_an_operator_restarts_and_that_does_not_end_holds_up_nobody_but_the_next_role() {
    System::new().block_on(async {
        let (stuck, mut first) = sleeper(Runs::Leading, false);
        first.name = "stuck";
        let (other, second) = sleeper(Runs::Leading, true);
        let root = Root::new(vec![first, second], Health::new()).start();
        let led = Role::Leading(Term(1));
        root.send(Become(Office::Engine, led)).await.unwrap();
        runs_as(&other, &[led]).await;
        root.send(Ordered { name: "stuck".into(), order: Order::Restart }).await.unwrap().unwrap();
        // It dies, and lives again beside the one that does not end.
        other.lock().unwrap().clear();
        runs_as(&other, &[led]).await;
        let next = Role::Leading(Term(2));
        root.send(Become(Office::Engine, next)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        runs_as(&other, &[]).await;
        stuck.lock().unwrap().clear();
        runs_as(&other, &[next]).await;
        runs_as(&stuck, &[next]).await;
    });
}

#[test]
fn at_the_end_whoever_brings_something_new_goes_first_and_the_writer_works_it_off() {
    System::new().block_on(async {
        let (source, first) = sleeper(Runs::Leading, true);
        let (writer, second) = sleeper(Runs::Holding, true);
        let root = Root::new(vec![first, second], Health::new()).start();
        let led = Role::Leading(Term(1));
        root.send(Become(Office::Engine, led)).await.unwrap();
        runs_as(&source, &[led]).await;
        root.send(EndSources).await.unwrap();
        runs_as(&source, &[]).await;
        runs_as(&writer, &[led]).await;
        root.send(Ending).await.unwrap();
        runs_as(&writer, &[]).await;
    });
}

#[test]
fn a_role_begins_only_when_the_last_of_the_one_before_is_gone() {
    System::new().block_on(async {
        let (always, first) = sleeper(Runs::Always, true);
        let (leading, second) = sleeper(Runs::Leading, false);
        let (following, third) = sleeper(Runs::Following, true);
        let (each, fourth) = sleeper(Runs::InEach, true);
        let (holding, fifth) = sleeper(Runs::Holding, true);
        let root = Root::new(vec![first, second, third, fourth, fifth], Health::new()).start();
        runs_as(&always, &[Role::Following]).await;
        for none in [&leading, &following, &each, &holding] {
            runs_as(none, &[]).await;
        }
        let led = Role::Leading(Term(1));
        root.send(Become(Office::Engine, led)).await.unwrap();
        runs_as(&leading, &[led]).await;
        runs_as(&each, &[led]).await;
        runs_as(&holding, &[led]).await;
        runs_as(&following, &[]).await;
        // A lapse ends what works by itself, and nothing else; renewed, it begins again.
        root.send(Lapse(Office::Engine)).await.unwrap();
        leading.lock().unwrap().clear();
        root.send(Lapse(Office::Engine)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        runs_as(&leading, &[]).await;
        for kept in [&holding, &each] {
            runs_as(kept, &[led]).await;
        }
        root.send(Become(Office::Engine, led)).await.unwrap();
        runs_as(&leading, &[led]).await;
        // One that does not end when it should holds up the next role, and only that.
        root.send(Become(Office::Engine, Role::Following)).await.unwrap();
        runs_as(&each, &[]).await;
        runs_as(&following, &[]).await;
        leading.lock().unwrap().clear();
        runs_as(&following, &[Role::Following]).await;
        runs_as(&each, &[Role::Following]).await;
        runs_as(&leading, &[]).await;
        runs_as(&holding, &[]).await;
        runs_as(&always, &[Role::Following]).await;
        assert_eq!(always.lock().unwrap().len(), 1);
    });
}

#[test]
fn an_office_begins_and_ends_with_its_own_lease_and_neither_office_waits_for_the_other() {
    System::new().block_on(async {
        let (leading, first) = sleeper(Runs::Leading, false);
        let (governing, second) = sleeper(Runs::Governing, false);
        let (each, third) = sleeper(Runs::InEach, true);
        let root = Root::new(vec![first, second, third], Health::new()).start();
        let (led, governed) = (Role::Leading(Term(3)), Role::Leading(Term(7)));
        // One that does not lead may govern; each kind is told its own office's term.
        root.send(Become(Office::Engine, Role::Following)).await.unwrap();
        root.send(Become(Office::Governance, governed)).await.unwrap();
        runs_as(&governing, &[governed]).await;
        runs_as(&leading, &[]).await;
        root.send(Become(Office::Engine, led)).await.unwrap();
        runs_as(&leading, &[led]).await;
        runs_as(&governing, &[governed]).await;
        // One of the engine's that does not end holds up the engine's next role, and nothing of governance.
        root.send(Become(Office::Engine, Role::Following)).await.unwrap();
        runs_as(&each, &[]).await;
        let next = Role::Leading(Term(8));
        root.send(Become(Office::Governance, next)).await.unwrap();
        governing.lock().unwrap().clear();
        runs_as(&governing, &[next]).await;
        runs_as(&each, &[]).await;
        // And the other way round. A lapse of governance is no affair of the engine's either.
        root.send(Lapse(Office::Governance)).await.unwrap();
        leading.lock().unwrap().clear();
        runs_as(&each, &[Role::Following]).await;
        runs_as(&governing, &[next]).await;
        // Renewed, it begins again, but only when the last of before is gone.
        root.send(Become(Office::Governance, next)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(governing.lock().unwrap().len(), 1, "two of one office at once");
        governing.lock().unwrap().clear();
        runs_as(&governing, &[next]).await;
        root.send(Ending).await.unwrap();
        governing.lock().unwrap().clear();
        tokio::time::sleep(Duration::from_millis(50)).await;
        runs_as(&governing, &[]).await;
    });
}

#[test]
fn what_a_leaders_actor_says_on_its_way_out_is_not_what_a_follower_says() {
    System::new().block_on(async {
        let (holding, first) = sleeper(Runs::Holding, false);
        let (leading, second) = sleeper(Runs::Leading, true);
        let health = Health::new();
        let root = Root::new(vec![first, second], health.clone()).start();
        let led = Role::Leading(Term(1));
        root.send(Become(Office::Engine, led)).await.unwrap();
        runs_as(&holding, &[led]).await;
        health.up(Part::Journal);
        root.send(Lapse(Office::Engine)).await.unwrap();
        runs_as(&leading, &[]).await;
        root.send(Become(Office::Engine, led)).await.unwrap();
        runs_as(&leading, &[led]).await;
        assert_eq!(health.parts()[&Part::Journal], PartState::Up, "a lapse ends no role");
        root.send(Become(Office::Engine, Role::Following)).await.unwrap();
        runs_as(&leading, &[]).await;
        // It is still there, and has something to say.
        health.down(Part::Journal, "the lease of term 1 is over");
        holding.lock().unwrap().clear();
        for _ in 0..1_000 {
            if matches!(health.parts()[&Part::Journal], PartState::Off { .. }) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:?}", health.parts()[&Part::Journal]);
    });
}

/// Lives of a kind that dies as soon as it begins, counted.
fn mayfly(name: &'static str) -> (Arc<Mutex<usize>>, Kind) {
    let lives = Arc::<Mutex<usize>>::default();
    let counted = Arc::clone(&lives);
    let start = Box::new(move |_, guard| {
        *counted.lock().unwrap() += 1;
        drop(guard);
    });
    (lives, Kind { name, runs: Runs::Always, gauge: Arc::default(), start, retire: Box::new(|| {}) })
}

fn three() -> Restarts {
    let mut source = crate::config::Source::new(|name| (name == "RESTARTS").then(|| "3/60/1..2".to_owned()));
    crate::config::ops::read(&mut source, Some(crate::config::Environment::Test)).unwrap().restarts
}

#[test]
fn a_kind_that_dies_at_every_start_uses_up_its_restarts() {
    let system = System::new();
    let (lives, kind) = mayfly("listener");
    let health = Health::new();
    system.block_on(async { drop(Root::new(vec![kind], health.clone()).under(&three()).start()) });
    assert_eq!(system.run_with_code().unwrap(), EXIT_CODE);
    assert_eq!(*lives.lock().unwrap(), 4, "the first life, and three restarts");
    let record = health.census().find("listener").unwrap();
    assert_eq!((record.status(), record.restarts()), (Status::Failed, 3));
}

#[test]
fn one_that_the_process_can_do_without_waits_for_an_operator_and_all_else_goes_on() {
    System::new().block_on(async {
        let (lives, kind) = mayfly("sweeper");
        let (others, other) = sleeper(Runs::Always, true);
        let health = Health::new();
        let root = Root::new(vec![kind, other], health.clone()).under(&three()).start();
        let record = health.census().find("sweeper").unwrap();
        status_becomes(&record, Status::Failed).await;
        assert_eq!(*lives.lock().unwrap(), 4);
        runs_as(&others, &[Role::Following]).await;
        assert!(matches!(health.parts()[&Part::Restarts], PartState::Degraded { .. }));
        // By his word it has all its restarts again.
        let ordered = root.send(Ordered { name: "sweeper".into(), order: Order::Start }).await.unwrap();
        assert_eq!(ordered, Ok(Status::Running));
        status_becomes(&record, Status::Failed).await;
        assert_eq!(*lives.lock().unwrap(), 8);
    });
}

async fn status_becomes(record: &Record, status: Status) {
    for _ in 0..1_000 {
        if record.status() == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}, not {status:?}", record.status());
}

#[test]
fn who_is_stopped_by_hand_stays_so_through_every_role_until_it_is_started_by_hand() {
    System::new().block_on(async {
        let (lives, kind) = sleeper(Runs::InEach, true);
        let health = Health::new();
        let root = Root::new(vec![kind], health.clone()).start();
        let order = async |order| root.send(Ordered { name: "sleeper".into(), order }).await.unwrap();
        assert!(matches!(order(Order::Restart).await, Err(NotNow::Refused(_))), "it is not to run yet");
        root.send(Become(Office::Engine, Role::Following)).await.unwrap();
        runs_as(&lives, &[Role::Following]).await;
        order(Order::Stop).await.unwrap();
        let record = health.census().find("sleeper").unwrap();
        status_becomes(&record, Status::Stopped).await;
        let led = Role::Leading(Term(1));
        root.send(Become(Office::Engine, led)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        runs_as(&lives, &[]).await;
        assert_eq!(order(Order::Start).await, Ok(Status::Running));
        runs_as(&lives, &[led]).await;
        assert!(matches!(order(Order::Start).await, Err(NotNow::Refused(_))), "it runs");
        assert_eq!(order(Order::Restart).await, Ok(Status::Starting));
        status_becomes(&record, Status::Running).await;
        assert_eq!(record.restarts(), 1);
        let unknown = root.send(Ordered { name: "nobody".into(), order: Order::Stop }).await.unwrap();
        assert_eq!(unknown, Err(NotNow::Unknown));
    });
}

#[test]
fn in_another_life_of_the_journal_all_that_know_the_old_one_begin_anew_once() {
    System::new().block_on(async {
        let (always, always_kind) = sleeper(Runs::Always, true);
        let (each, each_kind) = sleeper(Runs::InEachLife, true);
        let (leading, leading_kind) = sleeper(Runs::Leading, true);
        let root = Root::new(vec![always_kind, each_kind, leading_kind], Health::new()).start();
        let first = Role::Leading(Term(1));
        root.send(Become(Office::Engine, first)).await.unwrap();
        runs_as(&leading, &[first]).await;
        root.send(Reborn(Epoch(2))).await.unwrap();
        runs_as(&leading, &[]).await;
        runs_as(&each, &[Role::Following]).await;
        let second = Role::Leading(Term(1));
        root.send(Become(Office::Engine, second)).await.unwrap();
        runs_as(&leading, &[second]).await;
        // The other keeper says it, too.
        root.send(Reborn(Epoch(2))).await.unwrap();
        runs_as(&leading, &[second]).await;
        runs_as(&always, &[Role::Following]).await;
        root.send(Reborn(Epoch(3))).await.unwrap();
        runs_as(&leading, &[]).await;
    });
}
