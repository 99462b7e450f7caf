//! `.ci/run` leaves nothing out because a tool is missing: it fails with what to install. Only words of a developer leave out.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What the run needs before it looks for tools, of this machine.
const SYSTEM: [&str; 10] = ["bash", "cat", "dirname", "env", "id", "ls", "mkdir", "mktemp", "sort", "uname"];
/// Programs of the toolchain: that they are there is all that is asked before.
const TOOLCHAIN: [&str; 4] = ["cargo", "cc", "make", "perl"];

/// A machine on which nothing but that is installed, and from which nothing can be fetched.
struct Bare(PathBuf);

impl Bare {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("zmart-bare-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("bin")).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        for program in SYSTEM {
            let found = std::env::split_paths(&path).map(|place| place.join(program)).find(|place| place.exists());
            symlink(found.unwrap_or_else(|| panic!("no {program}")), folder.join("bin").join(program)).unwrap();
        }
        for program in TOOLCHAIN {
            symlink(folder.join("bin/env"), folder.join("bin").join(program)).unwrap();
        }
        Self(folder)
    }

    fn run(&self, without: &str) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run");
        let mut command = Command::new(self.0.join("bin/bash"));
        command.arg(script).env_clear().env("PATH", self.0.join("bin")).env("HOME", &self.0);
        command.env("CARGO_TARGET_DIR", self.0.join("target")).env("CI_WITHOUT", OsStr::new(without));
        command.output().unwrap()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_missing_tool_fails_the_run_with_what_to_install_and_only_known_words_leave_a_check_out() {
    let bare = Bare::new();
    let said = |without: &str| {
        let output = bare.run(without);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, err) = said("");
    assert_eq!((code, out.contains("== format")), (Some(1), false), "{out}{err}");
    assert!(err.contains("Node 20 or newer and npm are not installed") && err.contains("apt-get install"), "{err}");
    let (code, _, err) = said("deny consle");
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("consle") && err.contains("web3js wallets cids client console browser"), "{err}");
    // Nothing that needs Node is left: the run goes on, to where cargo itself is asked.
    let (_, out, err) = said("web3js wallets cids client console");
    assert!(out.contains("== format") && !err.contains("Node"), "{out}{err}");
}
