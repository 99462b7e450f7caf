//! The wall clock of an engine's host, moved while the engine runs: forward or back, by seconds, at once.
//!
//! A few lines of C that the dynamic linker puts before libc's own functions, compiled when a test asks for them (whoever
//! can link Rust has `cc`). Only on Linux, and only for a program that is linked dynamically, as the engine's tests are.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    process::Command,
    time::{Duration, SystemTime},
};

use crate::{engine::Engine, folder::Folder};

/// See the module.
#[derive(Debug)]
pub struct HostClock {
    folder: Folder,
    offset: File,
}

impl HostClock {
    /// A clock that is right.
    pub fn new() -> Self {
        let folder = Folder::new("clock");
        let source = folder.path().join("host_clock.c");
        fs::write(&source, include_str!("host_clock.c")).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(folder.path().join("host_clock.so")).arg(source);
        let made = cc.output().unwrap_or_else(|error| panic!("{cc:?}: {error}"));
        assert!(made.status.success(), "cc: {}", String::from_utf8_lossy(&made.stderr));
        let offset = File::create(folder.path().join("offset")).unwrap();
        offset.write_all_at(&0_i64.to_ne_bytes(), 0).unwrap();
        Self { folder, offset }
    }

    /// An engine will see this clock, from its next start on.
    pub fn shown_to(&self, engine: &mut Engine) {
        for (name, file) in [("LD_PRELOAD", "host_clock.so"), ("HOST_CLOCK_OFFSET", "offset")] {
            engine.set(name, &self.folder.path().join(file).display().to_string());
        }
    }

    /// It is so many seconds ahead of the right time; behind, if they are negative.
    pub fn is_ahead_by(&self, seconds: i64) {
        self.offset.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }
}

impl Default for HostClock {
    fn default() -> Self {
        Self::new()
    }
}

/// By how many seconds the clock of whoever dated this (an HTTP answer's `Date`) is ahead of `now`; `None` if it is no date.
pub fn seconds_ahead(date: &str, now: SystemTime) -> Option<i64> {
    let told = httpdate::parse_http_date(date).ok()?;
    let signed = |seconds: Duration| i64::try_from(seconds.as_secs()).ok();
    match told.duration_since(now) {
        Ok(ahead) => signed(ahead),
        Err(behind) => signed(behind.duration()).map(|seconds| -seconds),
    }
}

#[test]
fn a_clock_that_is_moved_is_told_by_the_date_of_an_answer() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let ahead = |date| seconds_ahead(date, now);
    assert_eq!(ahead("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
    assert_eq!(ahead("Sun, 06 Nov 1994 09:49:37 GMT"), Some(3_600));
    assert_eq!(ahead("Sun, 06 Nov 1994 07:49:37 GMT"), Some(-3_600));
    assert_eq!(ahead("yesterday"), None);
}
