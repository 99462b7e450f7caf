//! The shape of the source, held by a test: who may import whom, what the domain may not touch, what no file may do.
//!
//! Needs no server, no built crate and no dependency: `.ci/run` compiles this folder alone with `rustc --test`, in seconds,
//! before anything else is built. The rules are a table; each has a sample that must be found guilty.

mod ci;
mod keys;
mod packaging;
mod paths;
mod tokens;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path as FilePath, PathBuf},
};

use paths::{Path, module_of, paths};
use tokens::{Kind, Token, without_tests};

/// A file longer than this wants splitting; lines that are compiled for tests only don't count.
const FILE_LINES_MAX: usize = 500;

/// Where `unwrap()` and `expect(` may stand outside tests: file, how often, why it can't meet anything from outside.
const PANICS_ALLOWED: &[(&str, usize, &str)] = &[];

/// What a layer may import of the crate.
enum Imports {
    /// These modules only.
    Only(&'static [&'static str]),
    /// Anything but these modules.
    AnyBut(&'static [&'static str]),
}

/// Who may import whom. Paths are prefixes of module paths.
const LAYERS: &[(&str, Imports)] = &[
    ("domain", Imports::Only(&["domain"])),
    ("view", Imports::Only(&["view", "domain"])),
    ("chain", Imports::AnyBut(&["actors", "http"])),
    // History is read through `journal::read`; the shapes of rows come with it. What `http` writes are users' own rows and
    // sign-in's, in transactions of `journal::rights`; the journal it never writes.
    ("http", Imports::AnyBut(&["journal"])),
];

/// Exceptions to [`LAYERS`]: paths that a layer may import all the same.
const ALSO_ALLOWED: &[(&str, &[&str])] = &[
    (
        "http",
        &[
            "journal::read",
            "journal::rows",
            "journal::pool",
            "journal::connector::Connector",
            "journal::rights",
            // What its connections have to lead to.
            "journal::current_life::CurrentLife",
            "journal::idempotency",
            // What a sender delivers is kept before it is answered: raw, and no part of the journal.
            "journal::deliveries",
            "journal::metadata",
            "journal::evidence",
            "journal::submissions",
            "journal::JournalError",
            "journal::sessions",
            "journal::users",
            "journal::social",
            // The operators' port, which no user reaches.
            "journal::operating",
            "journal::operator_actions",
        ],
    ),
    // Rows are plain values: a trade is shown from its row as from its entry.
    ("view", &["journal::rows", "journal::users"]),
];

/// What only some may name, and who they are: the authorities' keys, and the parts that sign with them.
const KEPT: &[(&str, &[&str])] = &[(
    "chain::keys",
    &[
        "chain::keys",
        "config::governance",
        "config::setting",
        "actors::engine",
        "actors::governing",
        "actors::submitter",
        "cli::monitor",
        // What they read of a key is whose it is.
        "cli::keys",
        "cli::doctor",
    ],
)];

/// Crates that the domain may not name: runtimes, databases, randomness.
const IMPURE_CRATES: &[&str] = &[
    "actix",
    "actix_web",
    "actix_web_actors",
    "actix_rt",
    "tokio",
    "tokio_postgres",
    "deadpool_postgres",
    "postgres",
    "refinery",
    "redis",
    "deadpool_redis",
    "rand",
    "fastrand",
    "getrandom",
    "futures_util",
];

/// Words that the domain may not use: clocks, concurrency by await, floats.
const IMPURE_WORDS: &[&str] = &["SystemTime", "Instant", "Local", "async", "await", "f32", "f64"];

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    file: String,
    line: usize,
    what: String,
}

/// A source file: its path under `src/`, with `/`.
struct Source {
    file: String,
    text: String,
}

fn within(module: &[String], layer: &str) -> bool {
    let mut own = module.iter();
    layer.split("::").all(|segment| own.next().is_some_and(|name| name == segment))
}

fn layer_violations(module: &[String], path: &Path) -> Option<String> {
    if !path.own {
        return None;
    }
    for (layer, imports) in LAYERS.iter().filter(|(layer, _)| within(module, layer)) {
        let excepted =
            ALSO_ALLOWED.iter().any(|(who, what)| who == layer && what.iter().any(|one| within(&path.segments, one)));
        // The whole crate under another name would hide everything behind it.
        let allowed = !path.segments.is_empty()
            && match imports {
                Imports::Only(layers) => layers.iter().any(|one| within(&path.segments, one)),
                Imports::AnyBut(layers) => !layers.iter().any(|one| within(&path.segments, one)),
            };
        if !allowed && !excepted {
            return Some(format!("`{layer}` may not use {}", path.text()));
        }
    }
    None
}

fn kept_violations(module: &[String], path: &Path) -> Option<String> {
    let (what, _) = KEPT.iter().find(|(what, holders)| {
        path.own && within(&path.segments, what) && !holders.iter().any(|holder| within(module, holder))
    })?;
    Some(format!("`{what}` is not for everybody: {}", path.text()))
}

fn impurities(code: &[Token], found: &[Path]) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for path in found.iter().filter(|path| !path.own) {
        let first = path.segments.first().map_or("", String::as_str);
        if IMPURE_CRATES.contains(&first) {
            all.push((path.line, format!("the domain may not use {first}")));
        }
        if path.segments.windows(2).any(|pair| pair[0] == "Utc" && pair[1] == "now") {
            all.push((path.line, "the domain has no clock: time is an argument".to_owned()));
        }
    }
    for token in code {
        match &token.kind {
            Kind::Float => all.push((token.line, "the domain knows no floats".to_owned())),
            Kind::Word(word) if IMPURE_WORDS.contains(&word.as_str()) => {
                all.push((token.line, format!("the domain may not use {word}")));
            }
            _ => {}
        }
    }
    all
}

fn has_header(text: &str) -> bool {
    let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let header = header.join(" ");
    header.contains('.') && header.split_whitespace().count() >= 4
}

/// Everything that is wrong with a file of the engine, or (for its header and length) of the development chain.
fn violations(source: &Source, is_engine: bool) -> Vec<Violation> {
    let all = tokens::tokens(&source.text);
    let (code, _) = without_tests(all.clone());
    let mut found: Vec<(usize, String)> = Vec::new();

    if !has_header(&source.text) {
        found
            .push((1, "a file starts with `//!` and at least a sentence: what it owns, what it never does".to_owned()));
    }
    let code_lines = lines_for_the_product(&source.text, &all, &code);
    if code_lines > FILE_LINES_MAX {
        found.push((1, format!("{code_lines} lines: more than {FILE_LINES_MAX}, more than one reason to open it")));
    }
    if is_engine {
        let module = module_of(&source.file);
        let named = paths(&code, &module);
        found.extend(named.iter().filter_map(|path| Some((path.line, layer_violations(&module, path)?))));
        found.extend(named.iter().filter_map(|path| Some((path.line, kept_violations(&module, path)?))));
        if within(&module, "domain") {
            found.extend(impurities(&code, &named));
        }
        found.extend(lost_messages(&code));
        found.extend(panics(&source.file, &code));
    }
    found.into_iter().map(|(line, what)| Violation { file: source.file.clone(), line, what }).collect()
}

/// All lines but those that hold nothing except tests.
fn lines_for_the_product(text: &str, all: &[Token], code: &[Token]) -> usize {
    let lines = |tokens: &[Token]| tokens.iter().map(|token| token.line).collect::<BTreeSet<_>>();
    let (all, code) = (lines(all), lines(code));
    text.lines().count() - all.difference(&code).count()
}

fn lost_messages(code: &[Token]) -> impl Iterator<Item = (usize, String)> {
    code.windows(2)
        .filter(|pair| pair[0].is("do_send") && pair[1].is_mark('('))
        .map(|pair| (pair[0].line, "do_send ignores the mailbox's bound and loses messages without a word".to_owned()))
}

fn panics(file: &str, code: &[Token]) -> Vec<(usize, String)> {
    let found: Vec<usize> = code
        .windows(4)
        .filter(|four| four[0].is_mark('.') && four[2].is_mark('('))
        .filter(|four| four[1].is("unwrap") && four[3].is_mark(')') || four[1].is("expect"))
        .map(|four| four[1].line)
        .collect();
    let allowed = PANICS_ALLOWED.iter().find(|(name, _, _)| *name == file).map_or(0, |(_, count, _)| *count);
    if found.len() == allowed {
        return Vec::new();
    }
    let what = format!("{} of unwrap() or expect(, allowed are {allowed}", found.len());
    vec![(found.first().copied().unwrap_or(1), what)]
}

fn rust_files(folder: &FilePath) -> Vec<PathBuf> {
    let mut waiting = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The sources of a package, without the files that are modules of tests only.
fn sources(folder: &str) -> Vec<Source> {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files: Vec<Source> = rust_files(&root)
        .into_iter()
        .map(|path| {
            let file = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            Source { file, text: fs::read_to_string(&path).unwrap() }
        })
        .collect();
    let (mut test_modules, mut test_files) = (Vec::new(), Vec::new());
    for source in &files {
        let folder = source.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        for module in without_tests(tokens::tokens(&source.text)).1 {
            match module.path {
                Some(path) if folder.is_empty() => test_files.push(path),
                Some(path) => test_files.push(format!("{folder}/{path}")),
                None => test_modules.push([module_of(&source.file), vec![module.name]].concat()),
            }
        }
    }
    let is_test = |source: &Source| {
        test_files.contains(&source.file)
            || test_modules.iter().any(|module| module_of(&source.file).starts_with(module))
    };
    files.into_iter().filter(|source| !is_test(source)).collect()
}

fn assert_none(found: &[Violation], folder: &str) {
    let lines: Vec<String> =
        found.iter().map(|one| format!("{folder}/{}:{}: {}", one.file, one.line, one.what)).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn the_engine_keeps_its_shape() {
    let sources = sources("src");
    assert!(sources.iter().any(|source| source.file == "domain/mod.rs"), "the walk finds nothing");
    let found: Vec<Violation> = sources.iter().flat_map(|source| violations(source, true)).collect();
    assert_none(&found, "src");
}

#[test]
fn the_development_chain_says_what_its_files_are() {
    let found: Vec<Violation> = sources("localnet/src").iter().flat_map(|source| violations(source, false)).collect();
    assert_none(&found, "localnet/src");
}

#[test]
fn no_allowance_for_panics_is_stale() {
    let files: BTreeSet<String> = sources("src").into_iter().map(|source| source.file).collect();
    for (file, count, why) in PANICS_ALLOWED {
        assert!(files.contains(*file) && *count > 0 && !why.is_empty(), "{file}");
    }
}

#[test]
fn every_rule_finds_its_culprit() {
    let header = "//! Owns nothing at all, as a sample.\n";
    for (file, code, guilty) in [
        // The domain imports nobody.
        ("domain/a.rs", "use crate::view::frame;", true),
        ("domain/a.rs", "use super::super::chain::model;", true),
        ("domain/mod.rs", "use super::http::app;", true),
        ("domain/a.rs", "fn f() -> crate::journal::Row { g() }", true),
        ("domain/a.rs", "use crate as engine;", true),
        ("domain/a.rs", "use crate::domain::b::C; use super::d::E; use std::fmt;", false),
        // The domain is pure.
        ("domain/a.rs", "use actix::prelude::*;", true),
        ("domain/a.rs", "fn f() { tokio::spawn(x) }", true),
        ("domain/a.rs", "use tokio_postgres::Row;", true),
        ("domain/a.rs", "use redis::Client;", true),
        ("domain/a.rs", "fn f() { rand::random() }", true),
        ("domain/a.rs", "use std::time::SystemTime;", true),
        ("domain/a.rs", "use std::time::{Duration, Instant};", true),
        ("domain/a.rs", "use std::time::Duration;", false),
        ("domain/a.rs", "fn f() { chrono::Utc::now(); }", true),
        ("domain/a.rs", "async fn f() {}", true),
        ("domain/a.rs", "fn f(x: f64) {}", true),
        ("domain/a.rs", "const X: u64 = (0.5 * y) as u64;", true),
        ("domain/a.rs", "// f64, tokio::spawn\nconst X: &str = \"async f32 use actix::Actor; 1.5\";", false),
        ("domain/a.rs", "#[cfg(test)] mod tests { use tokio::time::Instant; const X: f64 = 1.5; }", false),
        // The view knows the domain only.
        ("view/frame.rs", "use crate::actors::stream;", true),
        ("view/frame.rs", "use crate::journal::read;", true),
        ("view/frame.rs", "use crate::domain::entry::Entry; use crate::journal::rows::TradeRow;", false),
        // The chain knows neither actors nor http.
        ("chain/source/live.rs", "use crate::actors::listener;", true),
        ("chain/source/live.rs", "use super::super::super::http;", true),
        ("chain/source/live.rs", "use crate::{domain::ids, chain::model};", false),
        // http reads the journal and no more.
        ("http/routes/a.rs", "use crate::journal::write::Writer;", true),
        ("http/routes/a.rs", "use crate::journal;", true),
        ("http/routes/a.rs", "use crate::journal::{read, migrate};", true),
        ("http/routes/a.rs", "use crate::journal::read::Trades; use crate::actors::registry;", false),
        // Keys are for who signs.
        ("actors/aggregator/mod.rs", "use crate::chain::keys::AuthorityKeys;", true),
        ("http/app.rs", "fn f(keys: crate::chain::keys::AuthorityKey) {}", true),
        ("actors/submitter/sign.rs", "use crate::chain::keys::AuthorityKeys;", false),
        ("actors/engine.rs", "use crate::chain::{keys::AuthorityKeys, rpc::ChainRpc};", false),
        // What no file does.
        ("actors/a.rs", "fn f() { addr.do_send(M); }", true),
        ("actors/a.rs", "// addr.do_send(M)\nfn f() { addr.try_send(M); }", false),
        ("actors/a.rs", "fn f() { x.unwrap(); }", true),
        ("actors/a.rs", "fn f() { x\n.expect(\"y\"); }", true),
        ("actors/a.rs", "fn f() { x.unwrap_or(0); x.unwrap_or_default(); x.expect_err(y); let unwrap = 1; }", false),
        ("actors/a.rs", "#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }", false),
    ] {
        let source = Source { file: file.to_owned(), text: format!("{header}{code}\n") };
        let found = violations(&source, true);
        assert_eq!(!found.is_empty(), guilty, "{file}: {code}\n{found:?}");
    }
}

#[test]
fn headers_and_lengths_are_checked() {
    let judge = |text: String| violations(&Source { file: "actors/a.rs".to_owned(), text }, true);
    assert!(!judge("fn f() {}\n".to_owned()).is_empty());
    assert!(!judge("//! To be written.\n".to_owned()).is_empty());
    assert!(!judge("// Owns a thing and never another.\n".to_owned()).is_empty());
    assert!(judge("//! Owns a thing,\n//! and never another.\n".to_owned()).is_empty());
    let header = "//! Owns a thing, never another.\n";
    assert!(judge(format!("{header}{}", "// line\n".repeat(FILE_LINES_MAX - 1))).is_empty());
    assert!(!judge(format!("{header}{}", "// line\n".repeat(FILE_LINES_MAX))).is_empty());
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(FILE_LINES_MAX));
    assert!(judge(format!("{header}{tests}")).is_empty());
}
