//! A child process whose output goes to files: read while it runs, shown when a test fails.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::{folder::Folder, patience::wait_for};

/// How much of a log is shown.
const TAIL_LINES: usize = 60;

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts it; `name` is unique in the folder.
    pub fn start(name: &str, mut command: Command, logs: &Folder) -> Self {
        let file = |kind: &str| logs.path().join(format!("{name}.{kind}"));
        let (stdout, stderr) = (file("out"), file("err"));
        let child = command
            .stdin(Stdio::piped())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { name: name.to_owned(), child, stdout, stderr }
    }

    /// Waits for a line of its output that starts with a word; gives the line.
    pub async fn line_that_starts_with(&mut self, word: &str) -> String {
        enum Look {
            Line(String),
            Ended(ExitStatus),
        }
        let what = format!("a line `{word} …` of {}", self.name);
        let look = wait_for(&what, || {
            let text = fs::read_to_string(&self.stdout).unwrap_or_default();
            // Only whole lines: the last one may still be being written.
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let line = whole.lines().find(|line| line.starts_with(word)).map(str::to_owned);
            let ended = self.child.try_wait().unwrap();
            let found = match (line, ended) {
                (Some(line), _) => Ok(Look::Line(line)),
                (None, Some(status)) => Ok(Look::Ended(status)),
                (None, None) => Err("no such line yet"),
            };
            std::future::ready(found)
        })
        .await;
        match look {
            Look::Line(line) => line,
            Look::Ended(status) => panic!("{} ended with {status} before it was ready\n{}", self.name, self.log()),
        }
    }

    /// True if it has printed a line that starts with a word.
    pub fn has_said(&self, word: &str) -> bool {
        fs::read_to_string(&self.stdout).unwrap_or_default().lines().any(|line| line.starts_with(word))
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("a standard input");
        writeln!(input, "{line}").unwrap_or_else(|error| panic!("{}: {error}\n{}", self.name, self.log()));
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a crash would, and waits until it is gone.
    pub fn kill(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits for it.
    pub async fn terminate(&mut self) -> ExitStatus {
        signal("TERM", self.id());
        // A program that still waits for a line would not end before it comes.
        drop(self.child.stdin.take());
        self.end().await
    }

    /// Waits until it ends.
    pub async fn end(&mut self) -> ExitStatus {
        let what = format!("{} to end", self.name);
        wait_for(&what, || std::future::ready(self.child.try_wait().unwrap().ok_or("still running"))).await
    }

    /// True while it runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// True if any thread of it panicked.
    pub fn panicked(&self) -> bool {
        fs::read_to_string(&self.stderr).unwrap_or_default().contains("panicked at")
    }

    /// The end of what it printed and logged.
    pub fn log(&self) -> String {
        let tail = |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
        };
        format!("--- {0} stdout\n{1}\n--- {0} stderr\n{2}\n", self.name, tail(&self.stdout), tail(&self.stderr))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// CPU time that a process has used, of all its threads, in user mode and in the kernel; nothing where there is no
/// `/proc`.
pub fn cpu_time(pid: u32) -> Duration {
    stat(pid).map_or(Duration::ZERO, |stat| stat.own)
}

/// CPU time that a process's children have used, those included that have ended and were waited for.
pub fn children_cpu_time(pid: u32) -> Duration {
    let ended = stat(pid).map_or(Duration::ZERO, |stat| stat.ended_children);
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let live = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(stat);
    live.filter(|stat| stat.parent == u64::from(pid)).fold(ended, |sum, stat| sum + stat.own)
}

/// A part of what the kernel tells of a process.
struct Stat {
    parent: u64,
    own: Duration,
    ended_children: Duration,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in brackets, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let at = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // Ticks are hundredths of a second.
    let time = |user: usize, system: usize| Some(Duration::from_millis((at(user)? + at(system)?) * 10));
    Some(Stat { parent: at(1)?, own: time(11, 12)?, ended_children: time(13, 14)? })
}

/// Resident memory of a process, in bytes; nothing where there is no `/proc`.
pub fn resident_bytes(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:")
}

/// The most that it has been.
pub fn peak_resident_bytes(pid: u32) -> u64 {
    status_bytes(pid, "VmHWM:")
}

fn status_bytes(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() * 1_024
}

/// TCP connections of this machine that are bound to that local port and that a process still holds.
pub fn connections_on(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let is_held = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let local = fields.get(1).and_then(|place| place.rsplit_once(':')).map(|(_, port)| port);
        // A listener's state is 0A; a socket that its process closed has no inode.
        local == Some(&format!("{port:04X}")) && fields.get(3) != Some(&"0A") && fields.get(9) != Some(&"0")
    };
    table.lines().filter(is_held).count()
}

/// Sends a signal by name; a process that is gone is no error.
pub fn signal(name: &str, pid: u32) {
    // The shell's own `kill`: not every machine has the program.
    let _ = Command::new("sh").args(["-c", &format!("kill -{name} {pid} 2>/dev/null")]).status();
}

/// The value of `key=value` in a line.
pub fn field(line: &str, key: &str) -> String {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {key}= in {line:?}"))
        .to_owned()
}
