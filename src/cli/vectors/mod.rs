//! `zmart vectors FILE...`: does the engine compute what the on-chain program computed?
//!
//! Reads files of one JSON object a line: cases of single functions (`function`) and traces of markets (`trace`). A
//! case, and a step of a trace, count as one; a line that is neither counts as one failure, and so does a file that
//! can't be read. Prints the first differences and a last line `N passed, N failed`; exits with 0 only if nothing failed.
//! Never panics on what a file says, and holds one line in memory at a time.

mod function;
mod number;
mod trace;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Deserialize;

/// So many differences are shown; all are counted.
const DIFFERENCES_SHOWN_MAX: usize = 20;
/// A longer line fails, and ends its file.
const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Arguments of `zmart vectors`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Files of vectors, one JSON object a line.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// What was counted, and the first differences.
#[derive(Debug, Default)]
struct Report {
    passed: u64,
    failed: u64,
    differences: Vec<String>,
}

impl Report {
    fn pass(&mut self) {
        self.passed += 1;
    }

    fn fail(&mut self, place: &Place<'_>, what: &str) {
        self.failed += 1;
        if self.differences.len() < DIFFERENCES_SHOWN_MAX {
            self.differences.push(format!("{place}: {what}"));
        }
    }
}

/// Where in the files something stands.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    file: &'a Path,
    /// From 1; 0 for the file as a whole.
    line: u64,
    /// From 1, in a trace.
    step: Option<usize>,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.file.display().fmt(f)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        match self.step {
            Some(step) => write!(f, " step {step}"),
            None => Ok(()),
        }
    }
}

/// Runs the files and prints the result.
pub fn run(arguments: &Arguments) -> ExitCode {
    let mut report = Report::default();
    for file in &arguments.files {
        run_file(file, &mut report);
    }
    // Whether anybody reads the text or not, the exit code tells.
    let _ = print(&report, &mut io::stdout().lock());
    if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for difference in &report.differences {
        writeln!(out, "{difference}")?;
    }
    let shown = report.differences.len() as u64;
    if report.failed > shown {
        writeln!(out, "… and {} more", report.failed - shown)?;
    }
    writeln!(out, "{} passed, {} failed", report.passed, report.failed)
}

fn run_file(path: &Path, report: &mut Report) {
    let mut place = Place { file: path, line: 0, step: None };
    let mut reader = match File::open(path) {
        Ok(file) => BufReader::with_capacity(256 * 1024, file),
        Err(error) => return report.fail(&place, &format!("cannot be read: {error}")),
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
        place.line += 1;
        match read {
            Ok(0) => return,
            Ok(bytes) if bytes as u64 > LINE_BYTES_MAX => return report.fail(&place, "the line is too long"),
            Ok(_) => run_line(&line, place, report),
            Err(error) => return report.fail(&place, &format!("cannot be read: {error}")),
        }
    }
}

fn run_line(line: &[u8], place: Place<'_>, report: &mut Report) {
    let function_error = match serde_json::from_slice::<function::Case<'_>>(line) {
        Ok(case) => {
            return match case.run() {
                Ok(()) => report.pass(),
                Err(what) => report.fail(&place, &what),
            };
        }
        Err(error) => error,
    };
    let trace_error = match trace::Trace::read(line) {
        Ok(trace) => return trace.run(place, report),
        Err(error) => error,
    };

    /// What tells the two formats apart.
    #[derive(Deserialize)]
    struct Kind {
        r#fn: Option<serde::de::IgnoredAny>,
        steps: Option<serde::de::IgnoredAny>,
    }
    let what = match serde_json::from_slice::<Kind>(line) {
        Err(error) => format!("no JSON object: {error}"),
        Ok(Kind { r#fn: Some(_), .. }) => format!("malformed case: {function_error}"),
        Ok(Kind { steps: Some(_), .. }) => format!("malformed trace: {trace_error}"),
        Ok(_) => "neither a case (fn) nor a trace (steps)".to_owned(),
    };
    report.fail(&place, &what);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CASES: &str = include_str!("../../../tests/fixtures/lmsr.jsonl");
    const TRACES: &str = include_str!("../../../tests/fixtures/trade_traces.jsonl");

    fn report_of(text: &str) -> Report {
        let mut report = Report::default();
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            run_line(line.as_bytes(), Place { file: Path::new("file"), line: number, step: None }, &mut report);
        }
        report
    }

    #[track_caller]
    fn counts(text: &str, passed: u64, failed: u64) {
        let report = report_of(text);
        assert_eq!((report.passed, report.failed), (passed, failed), "{:#?}", report.differences);
    }

    fn first_trace() -> Value {
        serde_json::from_str(TRACES.lines().next().unwrap()).unwrap()
    }

    /// A line with one value changed, named by its path.
    fn changed(mut line: Value, path: &str, value: Value) -> String {
        *line.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        line.to_string()
    }

    #[test]
    fn every_recorded_case_agrees() {
        counts(CASES, 325, 0);
    }

    #[test]
    fn every_recorded_trade_agrees() {
        counts(TRACES, 334, 0);
    }

    #[test]
    fn a_wrong_expectation_of_a_case_is_one_failure() {
        for (number, line) in CASES.lines().enumerate() {
            let mut case: Value = serde_json::from_str(line).unwrap();
            let wrong = match case.get("ok").cloned() {
                None => json!({ "code": 6016, "name": "InsufficientLiquidity" }),
                Some(Value::Bool(right)) => json!(!right),
                Some(Value::String(right)) => json!(format!("{right}0")),
                Some(mut object) => {
                    object.as_object_mut().unwrap().values_mut().for_each(|value| *value = json!("7"));
                    object
                }
            };
            let key = if case.get("ok").is_some() { "ok" } else { "err" };
            case[key] = wrong;
            let report = report_of(&case.to_string());
            assert_eq!((report.passed, report.failed), (0, 1), "line {}", number + 1);
        }
    }

    #[test]
    fn what_is_no_vector_is_one_failure_and_never_a_panic() {
        let case = r#"{"fn":"fixed_mul","a":"1","b":"2","ok":"0"}"#;
        counts(case, 1, 0);
        for line in [
            "",
            "\n",
            "{",
            "[]",
            "7",
            "{}",
            "\u{feff}{}",
            r#"{"kind":"error","name":"InvalidThreshold","code":6001}"#,
            r#"{"fn":"no_such","a":"1","ok":"1"}"#,
            r#"{"fn":7,"a":"1","ok":"1"}"#,
            r#"{"fn":"fixed_mul","a":"1","ok":"0"}"#,
            r#"{"fn":"fixed_mul","a":1,"b":"2","ok":"0"}"#,
            r#"{"fn":"fixed_mul","a":"-1","b":"2","ok":"0"}"#,
            r#"{"fn":"fixed_mul","a":"+1","b":"2","ok":"0"}"#,
            r#"{"fn":"fixed_mul","a":"18446744073709551616","b":"2","ok":"0"}"#,
            r#"{"fn":"fixed_mul","a":"1","b":"2"}"#,
            r#"{"fn":"fixed_mul","a":"1","b":"2","ok":"0","err":{"code":6033,"name":"OverflowError"}}"#,
            r#"{"fn":"fixed_mul","a":"1","b":"2","ok":0}"#,
            r#"{"fn":"fixed_mul","a":"18446744073709551615","b":"2000000000","err":{"code":6033,"name":"Overflow"}}"#,
            r#"{"fn":"fixed_mul","a":"18446744073709551615","b":"2000000000","err":{"code":6034,"name":"OverflowError"}}"#,
            r#"{"fn":"calculate_fees_accurate","amount":"0","protocol_bps":65536,"resolver_bps":200,"lp_bps":500,"ok":{}}"#,
            r#"{"steps":7}"#,
            r#"{"steps":[{}]}"#,
        ] {
            let report = report_of(if line.is_empty() { "x" } else { line });
            assert_eq!((report.passed, report.failed), (0, 1), "{line}");
            counts(&format!("{case}\n{}\n{case}\n", line.trim_end()), 2, 1);
        }
        counts("\u{1}\n", 0, 1);
    }

    #[test]
    fn a_wrong_value_of_a_step_is_one_failure() {
        let steps = first_trace()["steps"].as_array().unwrap().len() as u64;
        for (path, value) in [
            // An error where the chain had another, or none.
            ("/steps/0/err", json!("InstructionError(0, Custom(6035))")),
            ("/steps/0/err_name", json!("OverflowError")),
            ("/steps/0/post/lamports", json!("4287361")),
            ("/steps/0/target_cost", json!("2971100363")),
            // A trade whose every value is compared.
            ("/steps/1/target_cost", json!("142673")),
            ("/steps/1/outcome", json!(false)),
            ("/steps/1/user", json!("6TcyBfPdBt1kjsvDZLzmBFnuMaLWiTaAt4RjUr9VA5YE")),
            ("/steps/1/timestamp", json!("1760000115")),
            ("/steps/1/program_data_b64", json!("AAAA")),
            ("/steps/1/position/shares_yes", json!("5352020266")),
            ("/steps/1/position/shares_no", json!("1")),
            ("/steps/1/position/total_invested", json!("1")),
            ("/steps/1/position/trades_count", json!(2)),
            ("/steps/1/position/last_trade_at", json!("1")),
            ("/steps/1/post/shares_yes", json!("1")),
            ("/steps/1/post/shares_no", json!("1")),
            ("/steps/1/post/current_liquidity", json!("1")),
            ("/steps/1/post/total_volume", json!("1")),
            ("/steps/1/post/accumulated_protocol_fees", json!("1")),
            ("/steps/1/post/accumulated_resolver_fees", json!("1")),
            ("/steps/1/post/accumulated_lp_fees", json!("1")),
            ("/steps/1/post/lamports", json!("1")),
            ("/steps/1/post/state", json!(3)),
            // Malformed.
            ("/steps/1/op", json!("burn")),
            ("/steps/1/op", json!(null)),
            ("/steps/1/user", json!("nobody")),
            ("/steps/1/outcome", json!("YES")),
            ("/steps/1/target_cost", json!(2971100363u64)),
            ("/steps/1/post", json!(null)),
            ("/steps/1/position", json!(null)),
            ("/steps/1/program_data_b64", json!(null)),
        ] {
            let report = report_of(&changed(first_trace(), path, value));
            assert_eq!((report.passed, report.failed), (steps - 1, 1), "{path} {:#?}", report.differences);
        }
    }

    /// The trace's first trades, then one more step on the state that they left.
    fn with_step(step: Value) -> String {
        let mut trace = first_trace();
        let steps = trace["steps"].as_array_mut().unwrap();
        steps.truncate(2);
        let post = steps[1]["post"].clone();
        let mut step = step;
        step["user"] = steps[1]["user"].clone();
        step["timestamp"] = json!("1760000200");
        if step.get("post").is_none() {
            step["post"] = post;
        }
        steps.push(step);
        trace.to_string()
    }

    #[test]
    fn a_sale_is_refused_by_its_checks_and_then_by_the_runtime() {
        let sell = |shares: &str, least: &str, err: &str, name: &str| {
            let (op, outcome) = ("sell", true);
            json!({ "op": op, "outcome": outcome, "shares": shares, "min_proceeds": least, "err": err, "err_name": name })
        };
        let custom = |code: u32| format!("InstructionError(0, Custom({code}))");
        for (shares, least, err, name) in [
            ("5352020266", "0", custom(6014), "InsufficientShares"),
            ("1000", "0", custom(6018), "TradeTooSmall"),
            ("1000000000", "1000000000", custom(6015), "SlippageExceeded"),
            ("1000000000", "0", "InstructionError(0, PrivilegeEscalation)".to_owned(), "PrivilegeEscalation"),
        ] {
            counts(&with_step(sell(shares, least, &err, name)), 3, 0);
            counts(&with_step(sell(shares, least, &custom(6034), "UnderflowError")), 2, 1);
        }
        let mut missing = sell("1000", "0", &custom(6018), "TradeTooSmall");
        missing.as_object_mut().unwrap().remove("min_proceeds");
        counts(&with_step(missing), 2, 1);
    }

    #[test]
    fn a_trade_outside_the_active_phase_is_refused() {
        let mut trace = first_trace();
        trace["initial"]["state"] = json!(3);
        trace["steps"].as_array_mut().unwrap().truncate(1);
        let step = &mut trace["steps"][0];
        step["post"]["state"] = json!(3);
        step["err"] = json!("InstructionError(0, Custom(6007))");
        step["err_name"] = json!("InvalidMarketState");
        counts(&trace.to_string(), 1, 0);
    }

    #[test]
    fn a_trace_that_cannot_begin_is_one_failure() {
        for (path, value) in [
            ("/market_id", json!("b7d2")),
            ("/b", json!(100)),
            ("/initial_liquidity", json!(null)),
            ("/fees_bps", json!([300, 200])),
            ("/fees_bps", json!([300, 200, 70000])),
            ("/initial/state", json!(7)),
            ("/initial/shares_yes", json!("-1")),
            ("/steps", json!({})),
        ] {
            counts(&changed(first_trace(), path, value), 0, 1);
        }
    }

    #[test]
    fn a_missing_file_fails() {
        let mut report = Report::default();
        run_file(Path::new("/no/such/file"), &mut report);
        run_file(Path::new("/"), &mut report);
        assert_eq!((report.passed, report.failed), (0, 2));
        let mut text = Vec::new();
        print(&report, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().last(), Some("0 passed, 2 failed"));
        assert!(text.starts_with("/no/such/file: cannot be read"), "{text}");
    }

    #[test]
    fn only_the_first_differences_are_shown_and_all_are_counted() {
        let report = report_of(&"{}\n".repeat(50));
        let mut text = Vec::new();
        print(&report, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), DIFFERENCES_SHOWN_MAX + 2);
        assert!(text.ends_with("… and 30 more\n0 passed, 50 failed\n"), "{text}");
    }
}
