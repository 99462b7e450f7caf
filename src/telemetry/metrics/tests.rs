//! The figures as they are served, and that what is deployed beside the engine knows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::{
    domain::{alert::AlertKind, ids::Slot},
    http::ws::codes::Close,
    journal::lease::Office,
    telemetry::{census::Service, health::Part},
};

const DASHBOARD: &str = include_str!("../../../deploy/grafana/dashboard.json");
const ALERTS: &str = include_str!("../../../deploy/prometheus/alerts.yml");
const LIST: &str = include_str!("../../../docs/metrics.md");

fn text(health: &Health) -> String {
    String::from_utf8(health.metrics().text(health).unwrap()).unwrap()
}

#[test]
fn what_is_counted_and_what_is_known_stands_in_the_text_with_its_help() {
    let health = Health::new();
    health.covered(Slot(70), Slot(72));
    health.up(Part::Database);
    health.metrics().note(|counts| counts.journal_entries.inc_by(3));
    health.clone().metrics().note(|counts| counts.journal_entries.inc());
    let text = text(&health);
    for line in [
        "zmart_journal_entries_total 4",
        "zmart_covered_slot 70",
        "zmart_chain_slot 72",
        "zmart_chain_lag_slots 2",
        "zmart_ready 0",
        "zmart_part_up{part=\"database\"} 1",
        "zmart_part_up{part=\"journal\"} 0",
        "zmart_office_held{office=\"engine\"} 0",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} in {text}");
    }
    let names = text.lines().filter(|line| line.starts_with("# TYPE "));
    for name in names.filter_map(|line| line.split(' ').nth(2)) {
        assert!(name.starts_with("zmart_"), "{name}");
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
}

#[test]
fn every_figure_is_served_by_its_name_and_kind_once_it_has_a_value() {
    let health = Health::new();
    let served = text(&health);
    let mut names = BTreeSet::new();
    for figure in described() {
        assert!(names.insert(figure.name()), "{} stands twice", figure.name());
        assert_eq!(figure.kind == "counter", figure.name.ends_with("_total"), "{}", figure.name);
        let help = figure.help;
        assert!(help.ends_with('.') && !help.contains('|'), "{help}");
        if figure.labels.is_empty() {
            assert!(served.contains(&format!("# TYPE {} {}\n", figure.name(), figure.kind)), "{}", figure.name);
        }
    }
}

#[test]
fn another_process_of_the_same_machine_counts_alone() {
    let (one, other) = (Health::new(), Health::new());
    one.metrics().note(|counts| counts.journal_entries.inc());
    let text = text(&other);
    assert!(text.contains("zmart_journal_entries_total 0\n"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_measured() {
    let text = text(&Health::new());
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.split(' ').nth(1)?.parse::<i64>().ok()).unwrap()
    };
    for name in ["resident_bytes", "open_files", "open_files_max", "threads"] {
        assert!(value(&format!("zmart_process_{name}")) > 0, "{name} in {text}");
    }
}

/// No stranger chooses a label's value: nothing that is one of very many stands in one.
#[test]
fn no_label_names_a_market_a_wallet_or_an_address() {
    let allowed = [
        "action",
        "authority",
        "cache",
        "code",
        "kind",
        "level",
        "method",
        "node",
        "office",
        "outcome",
        "part",
        "pool",
        "purpose",
        "reason",
        "route",
        "service",
        "source",
        "state",
        "status",
    ];
    for figure in described() {
        for label in figure.labels {
            assert!(allowed.contains(label), "{label} of {}", figure.name);
        }
    }
}

#[test]
fn the_list_of_figures_is_the_one_in_the_documents() {
    assert_eq!(LIST, markdown(), "run: cargo run -p zmart -- metrics > docs/metrics.md");
}

/// A condition on a label: `status=~"5.."` is of the label `status`, and asks for `5..` by `=~`.
#[derive(Debug)]
struct Filter<'a> {
    label: &'a str,
    value: &'a str,
}

/// Words of an expression that are names of ours, each with what it is filtered by.
fn names_in(expression: &str) -> Vec<(String, Vec<Filter<'_>>)> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find("zmart_") {
        let from = &rest[at..];
        let end = from.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(from.len());
        let (name, after) = from.split_at(end);
        let filter = after.strip_prefix('{').and_then(|inside| inside.split_once('}')).map_or("", |(filter, _)| filter);
        let filters = filter.split(',').filter_map(|part| {
            let (label, asked) = part.split_at(part.find(['=', '!'])?);
            Some(Filter { label: label.trim(), value: asked.trim_start_matches(['=', '!', '~']).trim_matches('"') })
        });
        found.push((name.to_owned(), filters.collect()));
        rest = after;
    }
    found
}

/// What may stand in a label: what the code has, or what the figure's own text names.
fn values_of(figure: &Described, label: &str) -> BTreeSet<String> {
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    match (figure.name, label) {
        (_, "office") => texts(&Office::ALL.map(Office::as_str)),
        (_, "service") => Service::ALL.map(Service::name).into_iter().chain(["ops"]).map(str::to_owned).collect(),
        (_, "level") => log::Level::iter().map(|level| level.as_str().to_owned()).collect(),
        ("ws_closed_total", "code") => {
            Close::ALL.iter().map(|close| close.code().to_string()).chain(["lost".to_owned()]).collect()
        }
        ("alerts_open", "kind") => texts(&AlertKind::ALL.map(AlertKind::as_str)),
        ("http_requests_total", "status") => (100..600).map(|status: u16| status.to_string()).collect(),
        _ => {
            let words = figure.help.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
    }
}

/// One of the alternatives of a filter is that value. Only as much of regular expressions as the rules use: `|`, and `.` for any
/// one sign.
fn asks_for(alternative: &str, value: &str) -> bool {
    let is_one = |(asked, is): (char, char)| asked == '.' || asked == is;
    alternative.chars().count() == value.chars().count() && alternative.chars().zip(value.chars()).all(is_one)
}

/// Every name in an expression is a series that is served, each label that it is filtered or grouped by one of its, and each value
/// that it is filtered by one that the label may have.
fn assert_known(expression: &str, place: &str) {
    let known: BTreeMap<String, &Described> =
        described().flat_map(|figure| figure.series().into_iter().map(move |series| (series, figure))).collect();
    let named = names_in(expression);
    assert!(!named.is_empty(), "{place}: {expression} asks for nothing of ours");
    let mut labels: BTreeSet<&str> = ["instance", "job", "le"].into();
    for (name, filtered) in &named {
        let figure = known.get(name).unwrap_or_else(|| panic!("{place}: there is no {name} ({expression})"));
        labels.extend(figure.labels);
        for Filter { label, value } in filtered {
            // Which processes there are is the deployment's.
            if ["instance", "job", "le"].contains(label) {
                continue;
            }
            assert!(figure.labels.contains(label), "{place}: {name} has no label {label} ({expression})");
            let values = values_of(figure, label);
            for alternative in value.split('|') {
                let is_known = values.iter().any(|value| asks_for(alternative, value));
                assert!(is_known, "{place}: {label} of {name} is never {alternative:?} ({expression})");
            }
        }
    }
    for grouped in expression.split(" by (").skip(1).filter_map(|rest| rest.split_once(')')) {
        for label in grouped.0.split(',').map(str::trim) {
            assert!(labels.contains(label), "{place}: nothing has the label {label} ({expression})");
        }
    }
    let balance = expression.chars().fold([0_i32; 3], |[round, square, curly], c| match c {
        '(' => [round + 1, square, curly],
        ')' => [round - 1, square, curly],
        '[' => [round, square + 1, curly],
        ']' => [round, square - 1, curly],
        '{' => [round, square, curly + 1],
        '}' => [round, square, curly - 1],
        _ => [round, square, curly],
    });
    assert_eq!(balance, [0; 3], "{place}: {expression}");
}

/// All of a dashboard's questions, with the panel that asks.
fn questions(value: &Value, panel: &str, into: &mut Vec<(String, String)>) {
    let panel = value["title"].as_str().unwrap_or(panel).to_owned();
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "expr" => into.push((panel.clone(), text.clone())),
                    _ => questions(field, &panel, into),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| questions(value, &panel, into)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_only_for_what_is_measured() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut asked = Vec::new();
    questions(&dashboard, "", &mut asked);
    assert!(asked.len() > 20, "{}", asked.len());
    for (panel, expression) in &asked {
        assert_known(expression, panel);
    }
    let ids: Vec<_> =
        dashboard["panels"].as_array().unwrap().iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "two panels have one number");
}

/// The rules, each with its lines: the file keeps to one form, so that this needs no reader of YAML.
fn rules() -> Vec<(String, Vec<&'static str>)> {
    let mut rules: Vec<(String, Vec<&str>)> = Vec::new();
    for line in ALERTS.lines() {
        match (line.trim_start().strip_prefix("- alert: "), rules.last_mut()) {
            (Some(name), _) => rules.push((name.to_owned(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line.trim()),
            _ => {}
        }
    }
    rules
}

#[test]
fn alert_rules_ask_only_for_what_is_measured_and_say_what_to_do() {
    let rules = rules();
    assert!(rules.len() > 12, "{}", rules.len());
    let names: BTreeSet<_> = rules.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), rules.len(), "a name stands twice");
    for (name, lines) in &rules {
        let field = |field: &str| {
            let found = lines.iter().find_map(|line| line.strip_prefix(&format!("{field}: ")));
            found.unwrap_or_else(|| panic!("{name} has no {field}"))
        };
        assert_known(field("expr"), name);
        assert!(["warning", "critical"].contains(&field("severity")), "{name}");
        assert!(field("for").ends_with(['s', 'm', 'h']), "{name}");
        assert!(field("summary").len() > 10 && field("description").len() > 20, "{name}");
    }
}

#[test]
fn an_unknown_name_label_or_value_is_found() {
    for bad in [
        "zmart_office_held{office=\"governing\"}",
        "rate(zmart_http_requests_total{status=~\"6..\"}[5m])",
        "rate(zmart_http_requests_total{service=\"api\"}[5m])",
        "rate(zmart_rpc_calls_total{outcome=~\"failed|limit\"}[5m])",
        "rate(zmart_alert_webhook_posts_total{outcome!=\"took\"}[5m])",
        "rate(zmart_ws_closed_total{code=\"4007\"}[5m])",
        "rate(zmart_log_lines_total{level=~\"WARN|error\"}[5m])",
        "zmart_pool_connections{state=\"busy\"}",
        "rate(zmart_no_such_thing_total[5m])",
        "zmart_http_requests_total{colour=\"red\"}",
        "sum by (colour) (zmart_ready)",
        "zmart_http_request_seconds",
        "up == 0",
        "rate(zmart_journal_entries_total[5m]",
    ] {
        assert!(std::panic::catch_unwind(|| assert_known(bad, "a test")).is_err(), "{bad}");
    }
    assert_known(
        "sum by (route, le) (rate(zmart_http_request_seconds_bucket{service=~\"api-gateway\"}[5m])) > 1",
        "a test",
    );
}
