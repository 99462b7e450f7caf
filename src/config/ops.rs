//! Operating: the port of operators, how often who dies is started again, and how long the end may take.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use super::{Environment, Source};
use crate::{actors::kinds::NAMES, config::SecretText};

/// Shortest token that production takes, in characters.
const TOKEN_MIN: usize = 24;

/// See the module.
#[derive(Debug, Clone)]
pub struct OpsConfig {
    /// Address of the port; a loopback one unless a token is set.
    pub bind: String,
    /// The port; 0 = any free port.
    pub port: u16,
    /// Who shows it may operate. `None`: anybody who reaches the port may, on a developer's machine and in tests only.
    pub token: Option<SecretText>,
    /// The port is served.
    pub is_served: bool,
    /// How often who dies is started again.
    pub restarts: Restarts,
    /// The end of the process takes no longer.
    pub stop_within: Duration,
}

/// How often a kind of actor is started again, and after which pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartRule {
    /// Restarts within the window; one death more is one too many.
    pub most: usize,
    /// See there.
    pub window: Duration,
    /// Half of the pause after the first death; each death within the window doubles it.
    pub pause_min: Duration,
    /// The longest pause.
    pub pause_max: Duration,
}

impl RestartRule {
    /// Twenty a minute, with pauses of 40 ms to 2 s.
    pub const DEFAULT: Self = Self {
        most: 20,
        window: Duration::from_secs(60),
        pause_min: Duration::from_millis(20),
        pause_max: Duration::from_secs(2),
    };

    /// How long to wait after so many deaths within the window.
    pub fn pause_after(&self, deaths: usize) -> Duration {
        let factor = u32::try_from(deaths.min(20)).map_or(u32::MAX, |deaths| 1 << deaths);
        self.pause_min.saturating_mul(factor).min(self.pause_max)
    }

    /// A kind that dies at every start uses it up: its first deaths are not forgotten before the last.
    fn can_be_used_up(&self) -> bool {
        (1..=self.most).map(|deaths| self.pause_after(deaths)).sum::<Duration>() < self.window
    }
}

/// `MOST/WINDOW_SECONDS/PAUSE_MIN_MS..PAUSE_MAX_MS`
impl FromStr for RestartRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || "MOST/SECONDS/MS..MS, as 20/60/20..2000".to_owned();
        let mut parts = text.trim().split('/');
        let (Some(most), Some(window), Some(pauses), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wanted());
        };
        let (min, max) = pauses.split_once("..").ok_or_else(wanted)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| wanted());
        let rule = Self {
            most: number(most)? as usize,
            window: Duration::from_secs(number(window)?.into()),
            pause_min: Duration::from_millis(number(min)?.into()),
            pause_max: Duration::from_millis(number(max)?.into()),
        };
        let is_fit = rule.most <= 1_000 && rule.pause_min <= rule.pause_max && rule.can_be_used_up();
        is_fit.then_some(rule).ok_or_else(|| "pauses that add up to less than the window".to_owned())
    }
}

/// The rule of each kind of actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarts {
    usual: RestartRule,
    of_kinds: BTreeMap<String, RestartRule>,
}

impl Default for Restarts {
    fn default() -> Self {
        Self { usual: RestartRule::DEFAULT, of_kinds: BTreeMap::new() }
    }
}

impl Restarts {
    /// The rule of a kind.
    pub fn of(&self, kind: &str) -> RestartRule {
        self.of_kinds.get(kind).copied().unwrap_or(self.usual)
    }
}

/// `NAME=RULE,NAME=RULE`
struct OfKinds(BTreeMap<String, RestartRule>);

impl FromStr for OfKinds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |part: &str| {
            let (name, rule) = part.split_once('=').ok_or("NAME=RULE")?;
            Ok::<_, String>((name.trim().to_owned(), rule.parse()?))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "none");
        parts.map(one).collect::<Result<_, _>>().map(Self)
    }
}

/// `None` if a value is missing or wrong; the source knows which.
pub(crate) fn read(source: &mut Source, environment: Option<Environment>) -> Option<OpsConfig> {
    source.topic("Operating (docs/operating.md)");
    let bind: Option<String> =
        source.value("OPS_BIND", "127.0.0.1", "address of the operators' port: who reaches it and has the token rules");
    let port = source.value("OPS_PORT", "4003", "the operators' port; 0 = any free port");
    let token: Option<SecretText> = source.value(
        "OPS_TOKEN",
        "",
        "what operators show (`openssl rand -hex 32`); without one the port is served to a developer's own machine only",
    );
    let token = token.map(|token| Some(token).filter(|token| !token.reveal().is_empty()));
    let usual = source.value(
        "RESTARTS",
        "20/60/20..2000",
        "restarts of an actor that dies: so many, within so many seconds, with pauses between MS..MS that double",
    );
    let of_kinds: Option<OfKinds> = source.value(
        "RESTARTS_OF",
        "snapshotter=5/300/500..30000,verifier=5/300/500..30000",
        "other rules for kinds by their names, as GET /actors has them: NAME=RULE,NAME=RULE, or none",
    );
    // A rule for nobody would be a rule that somebody relies on.
    let unknown = of_kinds.iter().flat_map(|rules| rules.0.keys()).any(|kind| !NAMES.contains(&kind.as_str()));
    if unknown {
        source.refuse("RESTARTS_OF", &format!("names of kinds are {}", NAMES.join(", ")));
    }
    let stop_ms: Option<u64> =
        source.value("STOP_WITHIN_MS", "25000", "the end of the process takes no longer, whatever does not end");
    if environment == Some(Environment::Production)
        && token.as_ref().is_some_and(|token| token.as_ref().is_some_and(|token| token.reveal().len() < TOKEN_MIN))
    {
        source.refuse("OPS_TOKEN", "at least 24 characters that nobody can guess");
    }
    let is_loopback = bind.as_deref().is_some_and(is_loopback);
    let has_token = token.as_ref().is_some_and(Option::is_some);
    if bind.is_some() && !is_loopback && !has_token {
        source.refuse("OPS_BIND", "a loopback address, unless OPS_TOKEN is set");
    }
    Some(OpsConfig {
        bind: bind?,
        port: port?,
        token: token?,
        is_served: has_token || environment? != Environment::Production,
        restarts: Restarts { usual: usual?, of_kinds: of_kinds?.0 },
        stop_within: Duration::from_millis(stop_ms?),
    })
}

/// Only who is on this machine reaches it.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(pairs: &[(&str, &str)]) -> Result<OpsConfig, String> {
        let mut source =
            Source::new(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        let environment = if pairs.contains(&("ZMART_ENV", "production")) {
            Environment::Production
        } else {
            Environment::Development
        };
        let read = read(&mut source, Some(environment));
        source.finish().map(|()| read.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_token_the_port_is_a_developers_and_stays_on_his_machine() {
        let config = read_from(&[]).unwrap();
        assert!(config.is_served && config.token.is_none());
        assert!(!read_from(&[("ZMART_ENV", "production")]).unwrap().is_served);
        let refused = read_from(&[("OPS_BIND", "0.0.0.0")]).unwrap_err();
        assert!(refused.contains("OPS_BIND"), "{refused}");
        let token = ("OPS_TOKEN", "0123456789abcdef0123456789abcdef");
        let open = read_from(&[("OPS_BIND", "0.0.0.0"), token, ("ZMART_ENV", "production")]).unwrap();
        assert!(open.is_served && !format!("{open:?}").contains("0123456789"));
        assert!(read_from(&[("OPS_TOKEN", "short"), ("ZMART_ENV", "production")]).unwrap_err().contains("OPS_TOKEN"));
    }

    #[test]
    fn each_kind_has_its_rule_and_all_others_the_usual_one() {
        let config = read_from(&[("RESTARTS_OF", "journal writer=3/10/100..500")]).unwrap();
        let writers = config.restarts.of("journal writer");
        assert_eq!((writers.most, writers.window), (3, Duration::from_secs(10)));
        assert_eq!([1, 2, 3].map(|deaths| writers.pause_after(deaths).as_millis()), [200, 400, 500]);
        assert_eq!(config.restarts.of("listener"), RestartRule::DEFAULT);
        assert!(read_from(&[("RESTARTS_OF", "none")]).unwrap().restarts.of_kinds.is_empty());
        for (name, wrong) in [("RESTARTS", "20/60"), ("RESTARTS", "x/60/1..2"), ("RESTARTS_OF", "20/60/1..2")] {
            assert!(read_from(&[(name, wrong)]).unwrap_err().contains(name), "{wrong}");
        }
    }

    #[test]
    fn a_rule_for_a_kind_that_there_is_not_is_refused_with_those_that_there_are() {
        let error = read_from(&[("RESTARTS_OF", "listner=3/10/100..500,verifier=5/300/500..30000")]).unwrap_err();
        assert!(error.contains("RESTARTS_OF") && error.contains("listener, lookout"), "{error}");
        assert!(!error.contains("listner"), "no value is shown: {error}");
    }

    #[test]
    fn a_rule_that_a_kind_that_dies_at_every_start_never_uses_up_is_refused() {
        assert!(RestartRule::DEFAULT.can_be_used_up());
        assert!("20/60/20..2000".parse() == Ok(RestartRule::DEFAULT));
        assert!("20/10/1000..2000".parse::<RestartRule>().is_err());
    }
}
