//! `zmart config`: what can be configured, what is, and whether it makes sense.
//!
//! Secrets are shown only where they are asked for by name (`env --with-secrets`), because what that prints is meant for a
//! file that starts an engine elsewhere. Nothing else here ever has one ([`crate::config::Setting`]).

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::{Value, json};

use super::{
    EXIT_CONFIG,
    line::{printable, tell},
    table::Table,
};
use crate::config::{Config, ConfigError, Setting, Shown};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The text of `.env.example`: every variable, its default, its meaning.
    Example,
    /// What is in force, and where it comes from; of a secret only that it is set.
    Print {
        /// Only what differs from the defaults.
        #[arg(long)]
        changed: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say whether the engine could start with it, and all that is wrong.
    Check,
    /// What is set, as lines `NAME=value` for another place (`.env`, compose's `env_file`, systemd's `EnvironmentFile`).
    Env {
        /// Also what is not set, with its default.
        #[arg(long)]
        all: bool,
        /// With the secrets, and all that may carry one: for a file that only its owner may read.
        #[arg(long)]
        with_secrets: bool,
    },
}

/// Does it.
pub fn run(arguments: &Arguments) -> ExitCode {
    if let What::Example = arguments.what {
        print!("{}", Config::example());
        return ExitCode::SUCCESS;
    }
    let (settings, outcome) = Config::settings();
    match arguments.what {
        What::Example => {}
        What::Print { changed, json } => {
            let settings: Vec<_> =
                settings.iter().filter(|setting| !changed || is_changed(setting)).map(|it| (it, origin(it))).collect();
            tell(&if json { as_json(&settings).to_string() } else { as_table(&settings) });
        }
        What::Check if outcome.is_ok() => {
            let set = settings.iter().filter(|setting| setting.value.is_some()).count();
            println!(
                "the configuration can be used: {set} of {} settings are set, the others have defaults",
                settings.len()
            );
        }
        What::Check => {}
        What::Env { all, with_secrets } => {
            tell(&as_env(&settings, all, with_secrets));
        }
    }
    said(outcome)
}

fn said(outcome: Result<(), ConfigError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// Set, and to something else than holds anyway.
fn is_changed(setting: &Setting) -> bool {
    match &setting.value {
        Some(Shown::Whole(text)) => setting.default.as_ref() != Some(text),
        value => value.is_some(),
    }
}

fn origin(setting: &Setting) -> &'static str {
    match (&setting.value, &setting.default) {
        (None, None) => "missing",
        (None, Some(_)) => "default",
        (Some(_), _) if is_of_file(&setting.name) => ".env",
        (Some(_), _) => "environment",
    }
}

/// The environment wins over `.env`, so what is the same in both is told as the file's.
fn is_of_file(name: &str) -> bool {
    let of_file: BTreeMap<String, String> = dotenvy::dotenv_iter().into_iter().flatten().flatten().collect();
    of_file.get(name).is_some_and(|text| std::env::var(name).as_ref() == Ok(text))
}

fn as_table(settings: &[(&Setting, &str)]) -> String {
    let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
    for (setting, origin) in settings {
        let value = printable(&setting.in_force().unwrap_or_default());
        table.row([setting.name.clone(), value, (*origin).to_owned()]);
    }
    table.to_string()
}

fn as_json(settings: &[(&Setting, &str)]) -> Value {
    let one = |(setting, origin): &(&Setting, &str)| {
        json!({
            "name": setting.name, "topic": setting.topic, "meaning": setting.meaning, "from": origin,
            "default": setting.default, "value": setting.in_force(),
            "is_hidden": matches!(setting.value, Some(Shown::Hidden | Shown::Address(_))),
        })
    };
    Value::Array(settings.iter().map(one).collect())
}

fn as_env(settings: &[Setting], all: bool, with_secrets: bool) -> String {
    let mut lines = String::new();
    for setting in settings {
        let text = match (&setting.value, &setting.default) {
            (Some(Shown::Whole(text)), _) => Some(text.clone()),
            (Some(_), _) if with_secrets => std::env::var(&setting.name).ok().map(|text| text.trim().to_owned()),
            (Some(_), _) => {
                lines.push_str(&format!("# {} is set, and left out: it is or may carry a secret\n", setting.name));
                continue;
            }
            (None, Some(default)) if all => Some(default.clone()),
            (None, _) => None,
        };
        match text.as_deref().map(env_value) {
            Some(Some(value)) => lines.push_str(&format!("{}={value}\n", setting.name)),
            Some(None) => lines.push_str(&format!("# {} has several lines, and is left out\n", setting.name)),
            None => {}
        }
    }
    lines
}

/// As it stands behind the `=`. Some readers take quotes literally (`docker run --env-file`), so there are some only where
/// others need them. `None`: no such file can have it.
fn env_value(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+=?&*".contains(c) || !c.is_ascii();
    if text.chars().any(char::is_control) {
        return None;
    }
    if text.chars().all(is_plain) {
        return Some(text.to_owned());
    }
    let escaped: String =
        text.chars().flat_map(|c| "\\\"$".contains(c).then_some('\\').into_iter().chain([c])).collect();
    Some(format!("\"{escaped}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, default: Option<&str>, value: Option<Shown>) -> Setting {
        Setting {
            topic: "a topic".to_owned(),
            name: name.to_owned(),
            default: default.map(str::to_owned),
            meaning: "a meaning".to_owned(),
            value,
        }
    }

    #[test]
    fn what_is_printed_as_an_environment_is_read_as_the_same_values() {
        let texts = ["plain", "*/5 * * * *", "a \"quoted\" one", "$HOME `x` \\ end", "http://a/?b=c&d", "naïve"];
        let settings: Vec<Setting> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| setting(&format!("VARIABLE_{at}"), None, Some(Shown::Whole((*text).to_owned()))))
            .collect();
        let printed = as_env(&settings, false, false);
        let read: Vec<String> = dotenvy::from_read_iter(printed.as_bytes()).map(|pair| pair.unwrap().1).collect();
        assert_eq!(read, texts, "{printed}");
        assert_eq!(env_value("two\nlines"), None);
    }

    #[test]
    fn only_what_is_set_is_in_an_environment_and_of_a_secret_that_it_is() {
        let settings = [
            setting("A", Some("1"), None),
            setting("B", Some("1"), Some(Shown::Whole("2".to_owned()))),
            setting("C_TOKEN", Some(""), Some(Shown::Hidden)),
            setting("D_URL", None, Some(Shown::Address("http://host/…".to_owned()))),
            setting("E", None, None),
        ];
        let printed = as_env(&settings, false, false);
        assert!(printed.contains("B=2\n") && !printed.contains("A=") && !printed.contains("http"), "{printed}");
        assert!(printed.contains("# C_TOKEN is set") && printed.contains("# D_URL is set"), "{printed}");
        assert!(as_env(&settings, true, false).contains("A=1\n"));
    }

    #[test]
    fn what_is_set_to_its_default_is_no_change() {
        let is_changed = |value| is_changed(&setting("A", Some("1"), value));
        assert!(!is_changed(None) && !is_changed(Some(Shown::Whole("1".to_owned()))));
        assert!(is_changed(Some(Shown::Whole("2".to_owned()))) && is_changed(Some(Shown::Hidden)));
    }

    #[test]
    fn what_is_missing_is_told_as_missing_and_a_default_as_one() {
        assert_eq!(origin(&setting("ZMART_NO_SUCH", None, None)), "missing");
        assert_eq!(origin(&setting("ZMART_NO_SUCH", Some("1"), None)), "default");
        let shown = as_table(&[(&setting("ZMART_NO_SUCH", None, Some(Shown::Hidden)), "environment")]);
        assert!(shown.contains("ZMART_NO_SUCH  (set, not shown)  environment"), "{shown}");
    }
}
