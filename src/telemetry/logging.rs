//! Logs: `log` in the code, `env_logger` behind it, lines on the standard error, the newest of them in memory for operators.
//!
//! Owns the form of a line (text for people, JSON for machines), which levels are shown, and the ring of the last lines. Every
//! line tells the request that it belongs to, where it belongs to one, and the service. Levels are per module and can be set
//! while the process runs. Of libraries nothing below `info` is ever shown, whatever is set: their debug lines hold what they
//! carry (tokio-postgres tells the parameters of statements, HTTP clients tell headers), and that may be a secret.
//!
//! What comes from outside can't forge a line: control characters are escaped, and in text the second line of a message is
//! indented. The process has one logger, as `log` wants it, so this is the one place with a global.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, Write as _},
    str::FromStr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use env_logger::{Target, fmt::Formatter};
use log::{Level, LevelFilter, Log, Metadata, Record};
use serde::Serialize;
use uuid::Uuid;

use super::request;

/// Lines in memory; the oldest make room.
pub const RECENT_MAX: usize = 2_000;
/// Bytes of their messages.
pub const RECENT_BYTES_MAX: usize = 4 << 20;
/// The longest message, in bytes; the rest of a longer one is left out, and that is said.
pub const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// The longest text of levels, in bytes.
pub const LEVELS_BYTES_MAX: usize = 1_024;
/// See the module.
const OF_LIBRARIES: Level = Level::Info;

static LOGGING: OnceLock<Arc<Shared>> = OnceLock::new();

/// Why levels are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LevelsError {
    /// See [`LEVELS_BYTES_MAX`].
    #[error("longer than {LEVELS_BYTES_MAX} bytes")]
    TooLong,
    /// Of this part nobody can say what it means.
    #[error("{0:?} is neither a level (off, error, warn, info, debug, trace) nor module=level")]
    Part(String),
    /// This process was started without logs.
    #[error("there are no logs here")]
    NotStarted,
}

/// Which levels are shown: `info`, or `info,zmart::journal=debug`. A level alone is everybody's, and without one the others
/// show nothing; of two that fit a module the longer one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels(String);

impl Levels {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.0
    }

    fn filter(&self) -> env_filter::Filter {
        // Its own parser can't meet anything that ours has let through and it does not know.
        env_filter::Builder::new().parse(&self.0).build()
    }
}

impl FromStr for Levels {
    type Err = LevelsError;

    /// Stricter than `env_logger`, which takes any word for a module and shows nothing of the others then.
    fn from_str(text: &str) -> Result<Self, LevelsError> {
        if text.len() > LEVELS_BYTES_MAX {
            return Err(LevelsError::TooLong);
        }
        let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
        let is_module = |word: &str| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
            !word.is_empty() && word.chars().all(is_part)
        };
        for part in text.split(',') {
            let fits = match part.split_once('=') {
                Some((module, level)) => is_module(module.trim()) && is_level(level.trim()),
                None => is_level(part.trim()),
            };
            if !fits {
                return Err(LevelsError::Part(part.to_owned()));
            }
        }
        Ok(Self(text.split_whitespace().collect()))
    }
}

/// A line, as operators and machines see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// RFC 3339 in UTC, with milliseconds.
    pub timestamp: String,
    /// ERROR to TRACE.
    pub level: &'static str,
    /// The module.
    pub target: String,
    /// One of the six names that operators know, where the module is one's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'static str>,
    /// The request in whose answer it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// What is said.
    pub message: String,
}

impl Line {
    fn of(record: &Record<'_>) -> Self {
        let mut message = record.args().to_string();
        if message.len() > MESSAGE_BYTES_MAX {
            let left_out = message.len() - MESSAGE_BYTES_MAX;
            message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
            let _ = write!(message, " … ({left_out} bytes more)");
        }
        Self {
            timestamp: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            level: record.level().as_str(),
            target: record.target().to_owned(),
            service: service_of(record.target()),
            request_id: request::current(),
            message,
        }
    }

    fn write_json(&self, out: &mut Formatter) -> io::Result<()> {
        let text = serde_json::to_string(self).map_err(io::Error::other)?;
        writeln!(out, "{text}")
    }

    fn write_text(&self, level: Level, out: &mut Formatter) -> io::Result<()> {
        let style = out.default_level_style(level);
        write!(out, "[{} {style}{:<5}{style:#} {}", self.timestamp, self.level, self.target)?;
        if let Some(id) = self.request_id {
            write!(out, " {id}")?;
        }
        writeln!(out, "] {}", as_text(&self.message))
    }
}

/// A message as text shows it.
fn as_text(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for c in message.chars() {
        match c {
            '\n' => text.push_str("\n    "),
            '\t' => text.push(c),
            c if c.is_control() => text.extend(c.escape_default()),
            c => text.push(c),
        }
    }
    text
}

/// Which of the services that operators know a module belongs to; `None`: to all of them, or to none.
pub fn service_of(target: &str) -> Option<&'static str> {
    const OWNERS: &[(&str, &str)] = &[
        ("zmart::http::ws", "websocket-server"),
        ("zmart::http::sockets", "websocket-server"),
        ("zmart::http::webhook", "event-indexer"),
        ("zmart::http", "api-gateway"),
        ("zmart::actors::outbox", "vote-aggregator"),
        ("zmart::actors::aggregator", "vote-aggregator"),
        ("zmart::actors::monitor", "market-monitor"),
        ("zmart::actors::submitter", "vote-aggregator"),
        ("zmart::actors::snapshotter", "ipfs-service"),
        ("zmart::ipfs", "ipfs-service"),
        ("zmart::actors::listener", "event-indexer"),
        ("zmart::actors::chain_reader", "event-indexer"),
        ("zmart::actors::deliveries", "event-indexer"),
        ("zmart::actors::verifier", "event-indexer"),
        ("zmart::chain", "event-indexer"),
    ];
    let owns = |module: &str| target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    OWNERS.iter().find(|(module, _)| owns(module)).map(|(_, service)| *service)
}

/// The last lines.
#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Ring {
    fn push(&mut self, line: Line) {
        self.bytes += line.message.len();
        self.lines.push_back(line);
        while self.lines.len() > RECENT_MAX || self.bytes > RECENT_BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.message.len();
        }
    }

    fn last(&self, most: usize, is_wanted: impl Fn(&Line) -> bool) -> Vec<Line> {
        let mut lines: Vec<_> = self.lines.iter().rev().filter(|line| is_wanted(line)).take(most).cloned().collect();
        lines.reverse();
        lines
    }
}

struct Shown {
    levels: Levels,
    filter: env_filter::Filter,
}

/// What the logger and who asks about it share.
struct Shared {
    shown: RwLock<Shown>,
    ring: Mutex<Ring>,
    /// Lines of each level, ERROR first.
    written: [AtomicU64; 5],
}

impl Shared {
    fn new(levels: &Levels) -> Self {
        let shown = Shown { filter: levels.filter(), levels: levels.clone() };
        Self { shown: RwLock::new(shown), ring: Mutex::default(), written: Default::default() }
    }

    fn show(&self, levels: &Levels) -> LevelFilter {
        let shown = Shown { filter: levels.filter(), levels: levels.clone() };
        let max = shown.filter.filter();
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
        max
    }

    fn is_shown(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let is_ours = target.strip_prefix("zmart").is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '_']));
        (is_ours || metadata.level() <= OF_LIBRARIES)
            && self.shown.read().unwrap_or_else(PoisonError::into_inner).filter.enabled(metadata)
    }

    fn keep(&self, level: Level, line: Line) {
        if let Some(count) = self.written.get(level as usize - 1) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn last(&self, most: usize, is_wanted: impl Fn(&Line) -> bool) -> Vec<Line> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).last(most, is_wanted)
    }
}

/// What `log` calls: decides what is shown, and leaves formatting and writing to `env_logger`.
struct Logger {
    writer: env_logger::Logger,
    shared: Arc<Shared>,
}

impl Logger {
    fn new(shared: Arc<Shared>, is_json: bool, target: Target) -> Self {
        let kept = Arc::clone(&shared);
        let write = move |out: &mut Formatter, record: &Record<'_>| {
            let line = Line::of(record);
            let written = if is_json { line.write_json(out) } else { line.write_text(record.level(), out) };
            kept.keep(record.level(), line);
            written
        };
        let writer = env_logger::Builder::new().filter_level(LevelFilter::Trace).target(target).format(write).build();
        Self { writer, shared }
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.shared.is_shown(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.shared.is_shown(record.metadata()) {
            self.writer.log(record);
        }
    }

    fn flush(&self) {
        self.writer.flush();
    }
}

/// Begins to log, on the standard error: the standard output stays for machines. Only the first call in a process counts.
pub fn start(levels: &Levels, is_json: bool) {
    let shared = LOGGING.get_or_init(|| Arc::new(Shared::new(levels)));
    let logger = Logger::new(Arc::clone(shared), is_json, Target::Stderr);
    // Only a second logger in the same process fails, and then there is one.
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(shared.show(levels));
    }
}

/// From now on these levels are shown, until the process ends or others are set.
///
/// # Errors
/// [`LevelsError`]: nothing has changed.
pub fn set_levels(levels: &str) -> Result<(), LevelsError> {
    let levels: Levels = levels.parse()?;
    let shared = LOGGING.get().ok_or(LevelsError::NotStarted)?;
    log::set_max_level(shared.show(&levels));
    log::warn!("log levels are now {}", levels.text());
    Ok(())
}

/// The levels that are shown; nothing where nobody logs.
pub fn levels() -> String {
    let text =
        |shared: &Arc<Shared>| shared.shown.read().unwrap_or_else(PoisonError::into_inner).levels.text().to_owned();
    LOGGING.get().map(text).unwrap_or_default()
}

/// The last lines, oldest first: as many as are wanted, and [`RECENT_MAX`] at most.
pub fn recent(most: usize) -> Vec<Line> {
    LOGGING.get().map(|shared| shared.last(most, |_| true)).unwrap_or_default()
}

/// As [`recent`], of the lines that are this service's alone.
pub fn recent_of(service: &str, most: usize) -> Vec<Line> {
    LOGGING.get().map(|shared| shared.last(most, |line| line.service == Some(service))).unwrap_or_default()
}

/// Lines that were written since the start, by level.
pub fn written() -> [(Level, u64); 5] {
    let counts = LOGGING.get().map(|shared| &shared.written);
    [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace].map(|level| {
        let count = counts.and_then(|counts| counts.get(level as usize - 1));
        (level, count.map_or(0, |count| count.load(Ordering::Relaxed)))
    })
}

#[cfg(test)]
#[path = "logging_tests.rs"]
mod tests;
