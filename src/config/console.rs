//! The pages of port 4000: whether they are served, and from where.

use std::path::PathBuf;

use super::{Environment, Source, ops::OpsConfig};
use crate::http::console::ConsoleSettings;

/// `None` if a value is missing or wrong; the source knows which.
pub fn read(source: &mut Source, environment: Option<Environment>, ops: Option<&OpsConfig>) -> Option<ConsoleSettings> {
    source.topic("The console: pages at / of API_PORT");
    let switch: Option<String> = source.value("CONSOLE", "on", "on, or off: nothing is served at /");
    let folder: Option<String> = source.value(
        "CONSOLE_DIR",
        "",
        "a folder with the pages, for who works on them; default: those in the program",
    );
    let is_on = match switch?.as_str() {
        "on" => true,
        "off" => false,
        _ => {
            source.refuse("CONSOLE", "one of on, off");
            return None;
        }
    };
    let folder = folder?;
    Some(ConsoleSettings {
        is_on,
        folder: (!folder.is_empty()).then(|| PathBuf::from(folder)),
        // Money of a chain that gives it away: no matter of production.
        has_faucet: environment? != Environment::Production,
        ops_port: ops.filter(|ops| ops.is_served).map(|ops| ops.port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_served_unless_they_are_switched_off_and_production_gives_no_money_away() {
        for (switch, environment, expected) in [
            (None, Environment::Development, Some((true, true))),
            (Some("on"), Environment::Test, Some((true, true))),
            (None, Environment::Production, Some((true, false))),
            (Some("off"), Environment::Production, Some((false, false))),
            (Some("maybe"), Environment::Development, None),
        ] {
            let mut source = Source::new(|name| (name == "CONSOLE").then(|| switch.map(str::to_owned)).flatten());
            let settings = read(&mut source, Some(environment), None);
            assert_eq!(settings.map(|settings| (settings.is_on, settings.has_faucet)), expected, "{switch:?}");
            assert_eq!(source.finish().is_ok(), expected.is_some(), "{switch:?}");
        }
    }
}
