//! What whoever started the engine is told, by the protocol of systemd: a datagram for each thing.

use std::{os::unix::net::UnixDatagram, time::Duration};

use zmart_testkit::{chain::Chain, engine::Engine, folder::Folder, postgres::Database};

/// The next messages, until one has that line; panics if none comes.
fn heard(socket: &UnixDatagram, line: &str) -> String {
    let mut buffer = [0; 4_096];
    let mut before = Vec::new();
    loop {
        let count = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("no {line} but {before:?}: {error}"));
        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
        if text.lines().any(|one| one.starts_with(line)) {
            return text;
        }
        before.push(text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_started_it_is_told_that_it_is_ready_that_it_lives_and_that_it_ends() {
    let folder = Folder::new("notify");
    let path = folder.path().join("socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(zmart_testkit::patience::PATIENCE)).unwrap();
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut engine = Engine::on(&chain, &database);
    engine.set("NOTIFY_SOCKET", &path.display().to_string());
    engine.start().await;
    heard(&socket, "READY=1");
    // What it says of itself while it lives, again and again.
    engine.ready().await;
    let ready = heard(&socket, "STATUS=ready: leader");
    assert!(ready.lines().any(|line| line == "WATCHDOG=1"), "{ready}");
    // A thread that hangs is told of, and is no reason for a kill from outside: the engine's own watchdog knows.
    engine.hang("streams-0", Duration::from_secs(7)).await;
    let hangs = heard(&socket, "STATUS=not ready (Actors:");
    assert!(hangs.contains("streams-0") && hangs.contains("WATCHDOG=1"), "{hangs}");
    heard(&socket, "STATUS=ready");
    // Paused as a whole it says nothing: that is for whoever watches over it.
    zmart_testkit::process::signal("STOP", engine.id());
    socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let mut buffer = [0; 4_096];
    while socket.recv(&mut buffer).is_ok() {}
    zmart_testkit::process::signal("CONT", engine.id());
    socket.set_read_timeout(Some(zmart_testkit::patience::PATIENCE)).unwrap();
    heard(&socket, "WATCHDOG=1");
    assert!(engine.stop().await.success());
    heard(&socket, "STOPPING=1");
}
