//! `zmart logs NAME|all`: the newest lines that a running engine has logged.
//!
//! The engine keeps so many in memory, and no more: what is older is where its standard error goes.

use std::{collections::VecDeque, process::ExitCode, time::Duration};

use serde_json::Value;

use super::{ALL, until_interrupted};
use crate::cli::{
    line::{printable, tell},
    ops_client::{OpsAddress, OpsClient, OpsError},
};

/// How often it is asked what is new.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// Lines that are asked for at most.
const LINES_MAX: u64 = 2_000;

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A service, or all.
    #[arg(value_name = "NAME|all", default_value = ALL)]
    name: String,
    /// So many of the newest.
    #[arg(long, short = 'n', default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=LINES_MAX))]
    lines: u64,
    /// Go on with what is logged from now on, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// As JSON: an object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: OpsAddress,
}

/// Asks, and prints.
pub async fn print(arguments: &Arguments) -> Result<ExitCode, OpsError> {
    let client = OpsClient::new(&arguments.address)?;
    if arguments.follow { until_interrupted(lines(&client, arguments)).await } else { lines(&client, arguments).await }
}

async fn lines(client: &OpsClient, arguments: &Arguments) -> Result<ExitCode, OpsError> {
    let service = (arguments.name != ALL).then_some(arguments.name.as_str());
    let lines = usize::try_from(arguments.lines).unwrap_or(usize::MAX);
    let mut seen = VecDeque::new();
    loop {
        let told = lines_of(client.logs(lines, service).await?)?;
        let (new, is_gap) = unseen(&seen, &told);
        if is_gap {
            eprintln!("some lines were lost in between: more were logged than the engine keeps");
        }
        for line in new {
            if !tell(&if arguments.json { line.to_string() } else { text_of(line) }) {
                return Ok(ExitCode::SUCCESS);
            }
        }
        seen = told;
        if !arguments.follow {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
}

/// `{"lines": […]}`, or the array itself; a line is an object or a text.
fn lines_of(answer: Value) -> Result<VecDeque<Value>, OpsError> {
    let lines = match answer {
        Value::Object(mut answer) => answer.remove("lines"),
        lines => Some(lines),
    };
    match lines {
        Some(Value::Array(lines)) => Ok(lines.into()),
        _ => Err(OpsError::Unusable("there are no lines in it".to_owned())),
    }
}

/// What of a list is behind what was seen before, and whether something may be missing between them. The longest end of the
/// old list with which the new one begins is what both have.
fn unseen<'a>(seen: &VecDeque<Value>, told: &'a VecDeque<Value>) -> (Vec<&'a Value>, bool) {
    let common = (0..=seen.len().min(told.len()))
        .rev()
        .find(|count| seen.iter().skip(seen.len() - count).eq(told.iter().take(*count)))
        .unwrap_or(0);
    (told.iter().skip(common).collect(), common == 0 && !seen.is_empty() && !told.is_empty())
}

fn text_of(line: &Value) -> String {
    let field = |name: &str| line.get(name).and_then(Value::as_str);
    match (line, field("message")) {
        (Value::String(text), _) => printable(text),
        (_, Some(message)) => {
            let of = |names: [&str; 2]| names.into_iter().find_map(field).unwrap_or("-");
            let said = [of(["timestamp", "at"]), of(["level", "level"]), of(["target", "module"])];
            printable(&format!("[{}] {message}", said.join(" ")))
        }
        _ => printable(&line.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(lines: &[u64]) -> VecDeque<Value> {
        lines.iter().map(|line| json!(line)).collect()
    }

    #[test]
    fn what_follows_is_told_once_and_a_gap_is_said() {
        for (seen, told, new, is_gap) in [
            (&[][..], &[1, 2][..], &[1, 2][..], false),
            (&[1, 2], &[1, 2, 3], &[3], false),
            (&[1, 2], &[2, 3, 4], &[3, 4], false),
            (&[1, 2], &[1, 2], &[], false),
            (&[1, 2], &[5, 6], &[5, 6], true),
            (&[1, 1], &[1, 1, 1], &[1], false),
            (&[1, 2, 3], &[], &[], false),
        ] {
            let (seen, told) = (list(seen), list(told));
            let (found, gap) = unseen(&seen, &told);
            assert_eq!((found, gap), (list(new).iter().collect(), is_gap), "{seen:?} {told:?}");
        }
    }

    #[test]
    fn a_line_is_a_line_whatever_it_is_told_as() {
        assert_eq!(text_of(&json!("a\u{1b}b")), "a\u{fffd}b");
        let line = json!({ "timestamp": "t", "level": "INFO", "target": "zmart::x", "message": "said\nso" });
        assert_eq!(text_of(&line), "[t INFO zmart::x] said\u{fffd}so");
        assert_eq!(lines_of(json!({ "lines": ["a"] })).unwrap().len(), 1);
        assert_eq!(lines_of(json!(["a", "b"])).unwrap().len(), 2);
        assert!(lines_of(json!({ "error": 1 })).is_err());
    }
}
