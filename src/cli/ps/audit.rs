//! `zmart audit`: what operators did, on all nodes of a database, as it was written down.

use std::process::ExitCode;

use crate::{
    cli::{
        line::{printable, tell},
        ops_client::{OpsAddress, OpsClient, OpsError},
        table::Table,
    },
    journal::operator_actions::Noted,
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// So many of the newest.
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    lines: u32,
    /// Those before that number.
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// As JSON: an object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: OpsAddress,
}

/// Asks, and prints; the newest is the last line.
pub async fn print(arguments: &Arguments) -> Result<ExitCode, OpsError> {
    let mut actions = OpsClient::new(&arguments.address)?.audit(arguments.lines, arguments.before).await?;
    actions.reverse();
    if arguments.json {
        for action in &actions {
            let line = serde_json::to_string(action).map_err(|error| OpsError::Unusable(error.to_string()))?;
            if !tell(&line) {
                break;
            }
        }
    } else {
        tell(&table(&actions));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(actions: &[Noted]) -> String {
    let mut table = Table::new(["ID", "WHEN", "WHO", "FROM", "NODE", "ACTION", "WHAT", "OUTCOME", "WHY"]);
    let text = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), printable);
    for action in actions {
        let outcome = match &action.detail {
            Some(detail) => format!("{}: {}", printable(&action.outcome), printable(detail)),
            None => printable(&action.outcome),
        };
        table.row([
            action.id.to_string(),
            action.at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            text(&action.by),
            text(&action.peer),
            printable(&action.node),
            printable(&action.action),
            printable(&action.subject),
            outcome,
            text(&action.reason),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_a_line_with_nothing_that_a_terminal_obeys() {
        let noted = Noted {
            id: 7,
            at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            by: None,
            peer: Some("127.0.0.1".to_owned()),
            action: "restart".to_owned(),
            subject: "market:\u{1b}[2J".to_owned(),
            reason: Some("it hangs".to_owned()),
            outcome: "refused".to_owned(),
            detail: Some("nobody".to_owned()),
            node: "n".to_owned(),
        };
        let text = table(&[noted]);
        let line = text.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(line, "7 2026-01-02T03:04:05Z - 127.0.0.1 n restart market:\u{fffd}[2J refused: nobody it hangs");
    }
}
