//! The servers as child processes: started, told what to send, and asked what they used.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

/// A server that was started; ends with its owner.
pub struct Server {
    pub address: SocketAddr,
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Start this program in a role; it says where it listens.
    pub fn start(role: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--role", role])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = child.stdin.take().context("no standard input")?;
        let mut answers = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("{role} said {line:?}"))?;
        Ok(Self { address, child, commands, answers })
    }

    /// Publish so many frames together.
    pub fn emit(&mut self, frames: u64) -> Result<()> {
        Ok(writeln!(self.commands, "{frames}")?)
    }

    /// Until they were published.
    pub fn wait(&mut self) -> Result<()> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        anyhow::ensure!(line == "done\n", "the server said {line:?}");
        Ok(())
    }

    /// CPU time since it started, of all its threads, in user mode and in the kernel.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in parentheses may hold anything; what follows is numbers.
        let (_, fields) = stat.rsplit_once(')').context("not a stat line")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |at: usize| -> Result<u64> { Ok(fields.get(at).context("a short stat line")?.parse()?) };
        let ticks_a_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 1_000 / ticks_a_second))
    }

    /// Resident memory.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1_024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As many open files as this user may have.
pub fn raise_open_files() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// Lines of the standard input, a number of frames each; `done` after each.
pub fn serve_commands(mut publish: impl FnMut(u64) -> Result<()>) -> Result<()> {
    for line in std::io::stdin().lines() {
        publish(line?.trim().parse()?)?;
        println!("done");
    }
    Ok(())
}
