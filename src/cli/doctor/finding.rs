//! What the doctor found: one line, and what to do about it.

use std::fmt;

use serde_json::{Value, json};

use crate::cli::line::printable;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// The engine would start, and something would be less than it could be.
    Warning,
    /// The engine would not start, or not do what it is for.
    Failed,
    /// Not looked at: there is nothing to look at, or what it needs has failed.
    Skipped,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warn",
            Self::Failed => "FAIL",
            Self::Skipped => "skip",
        }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// What was seen; never a secret.
    pub detail: String,
    /// What to do.
    pub advice: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: State::Ok, detail: detail.into(), advice: None }
    }

    /// It could be better, and how.
    pub fn warning(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Warning, detail: detail.into(), advice: Some(advice.into()) }
    }

    /// It is not well, and what to do.
    pub fn failed(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Failed, detail: detail.into(), advice: Some(advice.into()) }
    }

    /// Not looked at, and why.
    pub fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, state: State::Skipped, detail: why.into(), advice: None }
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let status = self.state.as_str().to_lowercase();
        json!({ "check": self.check, "status": status, "detail": self.detail, "advice": self.advice })
    }
}

impl fmt::Display for Finding {
    /// One line, whatever servers have said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:4}  {:13}  {}", self.state.as_str(), self.check, printable(&self.detail))?;
        match &self.advice {
            Some(advice) => write!(f, " -> {}", printable(advice)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_that_says_what_to_do() {
        let finding = Finding::failed("rpc", "refused:\nby \u{1b}[2J", "start it");
        assert_eq!(finding.to_string(), "FAIL  rpc            refused:\u{fffd}by \u{fffd}[2J -> start it");
        assert_eq!(finding.as_json()["status"], "fail");
        assert_eq!(Finding::ok("redis", "fine").to_string(), "ok    redis          fine");
    }
}
