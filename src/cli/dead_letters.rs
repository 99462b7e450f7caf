//! `zmart dead-letters`: what could not be used, and what becomes of it.
//!
//! Reads and marks the table only (`journal::dead_letters`): what is tried again is put back where the leading engine finds it, so
//! it may be said beside a running engine, or before one is started.

use std::process::ExitCode;

use deadpool_postgres::Pool;
use serde::Serialize;

use super::line::printable;
use crate::{
    config::Config,
    journal::dead_letters::{self, Handled, Letter, LetterFilter, PAGE},
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show them, the oldest first.
    List {
        /// Those that are resolved or dropped, too.
        #[arg(long)]
        all: bool,
        /// Of that source only.
        #[arg(long)]
        source: Option<String>,
        /// Of that market, or the config's address.
        #[arg(long)]
        stream: Option<String>,
        /// Those after that number.
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// So many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// As JSON: a letter a line.
        #[arg(long)]
        json: bool,
    },
    /// Have the leading engine read them again.
    Retry {
        /// Their numbers.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<i64>,
        /// All that are open and can be tried again.
        #[arg(long)]
        all: bool,
        /// As JSON: a letter a line, or of all of them the counts.
        #[arg(long)]
        json: bool,
    },
    /// Close them for a reason; they are kept with it.
    Drop {
        /// Their numbers.
        #[arg(required = true)]
        ids: Vec<i64>,
        /// Why.
        #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
        reason: String,
        /// As JSON: a letter a line.
        #[arg(long)]
        json: bool,
    },
}

/// The exit code if something was not done to a letter that it was said for.
const EXIT_NOT_ALL: u8 = 1;
/// If the database could not be asked.
const EXIT_NOT_ASKED: u8 = 2;

/// Does it, and prints what came of it.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    let settings = config.database.settings();
    let done = actix::System::new().block_on(async {
        let pool = settings.pool(1)?;
        act(&pool, &arguments.what).await
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_NOT_ALL),
        Err(error) => {
            eprintln!("the letters can't be reached: {error:#}");
            ExitCode::from(EXIT_NOT_ASKED)
        }
    }
}

/// False if something was not done.
async fn act(pool: &Pool, what: &What) -> anyhow::Result<bool> {
    match what {
        What::List { all, source, stream, after, limit, json } => {
            let filter = LetterFilter { with_closed: *all, source: source.as_deref(), stream: stream.as_deref() };
            list(pool, filter, *after, *limit, *json).await?;
            Ok(true)
        }
        What::Retry { all: true, json, .. } => {
            let all = dead_letters::retry_all(pool).await?;
            if *json {
                println!("{}", serde_json::to_string(&all)?);
            } else {
                println!(
                    "{} letters are tried again, {} can't be, {} were being tried already",
                    all.again, all.not_retriable, all.under_way
                );
            }
            Ok(true)
        }
        What::Retry { ids, json, .. } => {
            let mut is_done = true;
            for ids in ids.chunks(PAGE) {
                is_done &= tell(&dead_letters::retry(pool, ids).await?, &Handled::Again, *json)?;
            }
            Ok(is_done)
        }
        What::Drop { reason, .. } if reason.trim().is_empty() => anyhow::bail!("a reason has a word"),
        What::Drop { ids, reason, json } => {
            let mut is_done = true;
            for ids in ids.chunks(PAGE) {
                is_done &= tell(&dead_letters::drop(pool, ids, reason).await?, &Handled::Dropped, *json)?;
            }
            Ok(is_done)
        }
    }
}

async fn list(pool: &Pool, filter: LetterFilter<'_>, mut after: i64, limit: usize, json: bool) -> anyhow::Result<()> {
    let mut left = limit;
    while left > 0 {
        let page = dead_letters::list(pool, filter, after, left).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        left -= page.len();
        for letter in &page {
            if json { println!("{}", serde_json::to_string(letter)?) } else { println!("{}", line(letter)) }
        }
    }
    if left == 0 && !dead_letters::list(pool, filter, after, 1).await?.is_empty() {
        eprintln!("there are more: --after {after}");
    }
    Ok(())
}

/// One line a letter.
fn line(letter: &Letter) -> String {
    let state = match letter {
        Letter { dropped_reason: Some(why), .. } => format!("dropped: {why}"),
        Letter { resolved_at: Some(_), .. } => "resolved".to_owned(),
        Letter { trying: true, .. } => "being tried".to_owned(),
        Letter { not_retriable: Some(why), .. } => format!("open, can't be tried again: {why}"),
        _ => "open".to_owned(),
    };
    let whom = [letter.signature.as_deref(), letter.stream.as_deref()];
    let whom: Vec<&str> = whom.into_iter().flatten().collect();
    let (id, source, reason, detail) = (letter.id, &letter.source, &letter.reason, printable(&letter.detail));
    let at = letter.created_at.format("%Y-%m-%dT%H:%M:%SZ");
    format!("{id} {at} {source}: {reason}: {} ({detail}), {} tries, {state}", whom.join(" of "), letter.tries)
}

#[derive(Serialize)]
struct Told<'a> {
    id: i64,
    #[serde(flatten)]
    handled: &'a Handled,
}

/// False if one of them is not what was wanted.
fn tell(handled: &[(i64, Handled)], wanted: &Handled, json: bool) -> anyhow::Result<bool> {
    for (id, handled) in handled {
        let text = match handled {
            Handled::Again => "is tried again".to_owned(),
            Handled::Dropped => "is dropped".to_owned(),
            Handled::UnderWay => "is being tried just now".to_owned(),
            Handled::Closed => "is closed".to_owned(),
            Handled::NotRetriable(why) => format!("can't be tried again: {why}"),
            Handled::Unknown => "is not there".to_owned(),
        };
        if json {
            println!("{}", serde_json::to_string(&Told { id: *id, handled })?);
        } else {
            println!("{id} {text}");
        }
    }
    Ok(handled.iter().all(|(_, handled)| handled == wanted))
}
