//! The servers as child processes: started, told what to send, and asked what they used.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// Whose figures are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The write loop.
    Bare,
    /// uWebSockets.
    Bun,
    /// This engine.
    Engine,
}

impl Role {
    /// As on the command line and in what is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Bun => "bun",
            Self::Engine => "engine",
        }
    }

    /// Its clients shake hands and subscribe.
    pub fn speaks_websocket(self) -> bool {
        self != Self::Bare
    }

    /// Those that can be run here: bun needs `ZMART_BENCH_BUN`, a folder with its npm package.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Bare, Self::Engine];
        match bun() {
            Ok(_) => all.insert(1, Self::Bun),
            Err(error) => println!("fanout: no bun ({error})"),
        }
        all
    }

    fn command(self, markets: usize) -> Result<std::process::Command> {
        if self == Self::Bun {
            let mut command = std::process::Command::new(bun()?);
            command.arg(bun_folder()?.join("server.mjs"));
            return Ok(command);
        }
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command.args(["--role", self.name(), "--markets", &markets.to_string()]);
        Ok(command)
    }
}

fn bun_folder() -> Result<PathBuf> {
    Ok(std::env::var_os("ZMART_BENCH_BUN").context("ZMART_BENCH_BUN is not set")?.into())
}

/// The program, in the package of this platform; npm installs no other.
fn bun() -> Result<PathBuf> {
    let platforms = bun_folder()?.join("node_modules/@oven");
    let found = fs::read_dir(&platforms).with_context(|| platforms.display().to_string())?;
    let programs = found.filter_map(|platform| Some(platform.ok()?.path().join("bin/bun")));
    programs.filter(|program| program.exists()).min().context("the package has no program")
}

/// A server that was started; ends with its owner.
pub struct Server {
    pub address: SocketAddr,
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Start one, for the config's channel and so many markets; it says where it listens.
    pub fn start(role: Role, markets: usize) -> Result<Self> {
        let mut child = role.command(markets)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let commands = child.stdin.take().context("no standard input")?;
        let mut answers = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("{} said {line:?}", role.name()))?;
        Ok(Self { address, child, commands, answers })
    }

    /// Publish so many frames of the config together.
    pub fn emit(&mut self, frames: u64) -> Result<()> {
        Ok(writeln!(self.commands, "{frames}")?)
    }

    /// Publish a frame of each of these channels, and wait until it is done.
    pub fn emit_on<'a>(&mut self, at: u64, channels: impl Iterator<Item = &'a str>) -> Result<()> {
        let mut line = format!("@ {at}");
        for channel in channels {
            line.push(' ');
            line.push_str(channel);
        }
        line.push('\n');
        self.commands.write_all(line.as_bytes())?;
        self.wait()
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

/// What a server is told.
pub enum Command {
    /// Publish so many entries of the config together.
    Config(u64),
    /// Publish an entry of each of these.
    Markets { at: u64, channels: Vec<String> },
}

fn parse(line: &str) -> Result<Command> {
    let mut words = line.split_whitespace();
    match words.next() {
        Some("@") => {
            let at = words.next().context("no moment")?.parse()?;
            Ok(Command::Markets { at, channels: words.map(str::to_owned).collect() })
        }
        Some(frames) => Ok(Command::Config(frames.parse()?)),
        None => bail!("an empty command"),
    }
}

/// Lines of the standard input, a command each; `done` after each.
pub fn serve_commands(mut publish: impl FnMut(Command) -> Result<()>) -> Result<()> {
    for line in std::io::stdin().lines() {
        publish(parse(&line?)?)?;
        println!("done");
    }
    Ok(())
}
