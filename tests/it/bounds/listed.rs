//! The table of bounds names its tests, and so does the page on security: each must exist.

use std::{fs, path::Path};

const TABLE: &str = include_str!("../../../docs/runtime.md");
const SECURITY: &str = include_str!("../../../docs/security.md");

/// All sources that may hold a test.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

fn all_sources() -> String {
    let mut text = String::new();
    for folder in ["src", "tests", "testkit/src"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    }
    text
}

fn declares(text: &str, name: &str) -> bool {
    [format!("fn {name}()"), format!("fn {name}(\n")].iter().any(|declared| text.contains(declared.as_str()))
}

#[test]
fn every_guarantee_names_tests_that_exist() {
    let text = all_sources();
    let section = TABLE.split_once("## Guarantees\n").unwrap().1;
    let section = section.split_once("\n## ").unwrap().0;
    let guarantees: Vec<&str> = section.split("\n- **").skip(1).collect();
    assert!(guarantees.len() >= 8, "{}", guarantees.len());
    for guarantee in guarantees {
        let (what, rest) = guarantee.split_once("**").unwrap();
        let tests = rest.split_once("Tests: ").unwrap_or_else(|| panic!("{what} names no test")).1;
        let tests = tests.split_once(".\n").unwrap_or((tests, "")).0;
        for name in tests.split(", ").map(|name| name.trim_end_matches('.').trim_matches('`')) {
            assert!(declares(&text, name), "{what}: no test is called {name}");
        }
    }
}

#[test]
fn every_test_that_the_page_on_security_names_exists() {
    let text = all_sources();
    // What is between backticks and is a sentence: no path, no setting.
    let is_test = |name: &&str| {
        name.matches('_').count() > 3 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let names: Vec<&str> = SECURITY.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(names.len() > 30, "{}: is this the page?", names.len());
    for name in names {
        assert!(declares(&text, name), "no test is called {name}");
    }
}

#[test]
fn every_bound_of_the_table_has_a_rule_and_a_test_that_exists() {
    let text = all_sources();
    let rows = TABLE.lines().filter(|line| line.starts_with("| ")).skip_while(|line| !line.starts_with("| --- "));
    let mut tests = 0;
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [what, bound, place, rule, names] = cells[..] else { panic!("five cells: {row}") };
        assert!([what, bound, place, rule].iter().all(|cell| !cell.is_empty()), "{row}");
        assert!(
            place.split(", ").all(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join(file.trim_matches('`')).exists()),
            "{row}"
        );
        if let Some(reason) = names.strip_prefix("none: ") {
            assert!(reason.len() > 10, "why: {row}");
            continue;
        }
        for name in names.split(", ").map(|name| name.trim_matches('`')) {
            assert!(declares(&text, name), "no test is called {name}: {row}");
            tests += 1;
        }
    }
    assert!(tests > 40, "{tests}: is this the table?");
}
