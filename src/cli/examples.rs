//! What `--help` shows last: how a command is called, line by line.
//!
//! A table of its own, because a test reads it: every line is understood by the commands as they are, and every command has
//! one. Never says what an option means: that stands at the option.

use clap::{Command, CommandFactory};

use super::Arguments;

/// A market, as examples name one.
macro_rules! market {
    () => {
        "28yK2K8TrQx4eUrwmQQFwhdZiCKdsriuV6SyqP1UYGCg"
    };
}

/// Commands, and how they are called: what is before `#` is the call.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("serve", &["zmart serve", "ROLES=api,ws API_PORT=4010 zmart serve  # a second node of the same database"]),
    ("migrate", &["zmart migrate"]),
    ("backfill", &["zmart backfill", "zmart backfill --json"]),
    ("verify", &["zmart verify", concat!("zmart verify --market ", market!(), " --repair")]),
    ("replay", &[concat!("zmart replay --market ", market!())]),
    (
        "dead-letters",
        &["zmart dead-letters list", "zmart dead-letters retry --all", "zmart dead-letters drop 7 --reason \"a test\""],
    ),
    ("monitor", &["zmart monitor --once --dry-run  # only looks"]),
    ("journal", &["zmart journal new-epoch"]),
    ("snapshot", &["zmart snapshot", "zmart snapshot --verify"]),
    ("webhook", &["zmart webhook list", "zmart webhook register --url https://host.example/api/webhooks/helius"]),
    ("demo", &["zmart demo", "zmart demo --markets 2 --duration-seconds 60"]),
    ("vectors", &["zmart vectors recorded.json"]),
    ("openapi", &["zmart openapi > docs/openapi.json"]),
    ("asyncapi", &["zmart asyncapi > docs/asyncapi.json"]),
    ("metrics", &["zmart metrics > docs/metrics.md"]),
    (
        "config",
        &[
            "zmart config check",
            "zmart config print --changed",
            "zmart config example > .env.example",
            "zmart config env > engine.env  # without the secrets",
        ],
    ),
    ("ps", &["zmart ps", "zmart ps --watch --actors", "zmart ps --json"]),
    ("show", &["zmart show event-indexer", "zmart show \"journal writer\" --json"]),
    (
        "restart",
        &["zmart restart vote-aggregator", "zmart restart all", "zmart restart listener --reason \"it stands still\""],
    ),
    ("stop", &["zmart stop market-monitor"]),
    ("start", &["zmart start market-monitor"]),
    ("logs", &["zmart logs event-indexer --lines 50", "zmart logs all --follow"]),
    ("audit", &["zmart audit", "zmart audit --lines 200 --json"]),
    ("doctor", &["zmart doctor", "zmart doctor --json"]),
    (
        "keys",
        &[
            "zmart keys new .zmart/keys/backend.json",
            "zmart keys pubkey .zmart/keys/backend.json",
            "zmart keys airdrop .zmart/keys/backend.json 2.5",
            "zmart keys balance 7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS --json",
        ],
    ),
    (
        "completions",
        &["zmart completions bash > /etc/bash_completion.d/zmart", "zmart completions zsh > ~/.zfunc/_zmart"],
    ),
    ("man", &["zmart man > zmart.1", "zmart man --into /usr/local/share/man/man1"]),
];

/// The commands, with their examples.
pub fn command() -> Command {
    EXAMPLES.iter().fold(Arguments::command(), |command, (name, lines)| {
        let text = lines.iter().fold("Examples:".to_owned(), |text, line| format!("{text}\n  {line}"));
        command.mut_subcommand(name, |command| command.after_help(text))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn every_command_has_an_example() {
        let command = command();
        command.clone().debug_assert();
        for subcommand in command.get_subcommands() {
            assert!(subcommand.get_after_help().is_some(), "{}", subcommand.get_name());
        }
        let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        for (name, _) in EXAMPLES {
            assert!(known.contains(name), "{name} is no command");
        }
    }

    #[test]
    fn every_example_is_understood() {
        for (name, lines) in EXAMPLES {
            for line in *lines {
                // What is set before it, what comes after it, and quotes are the shell's.
                let end = line.find(['#', '>']).unwrap_or(line.len());
                let quoted = line[..end].split('"').enumerate();
                let words: Vec<&str> = quoted
                    .flat_map(|(at, part)| match at % 2 {
                        0 => part.split_whitespace().collect(),
                        _ => vec![part],
                    })
                    .skip_while(|word| word.contains('='))
                    .collect();
                assert!(words.contains(name), "{line}");
                Arguments::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }
}
