//! Reading variables: their values, their descriptions, and what is wrong with them.

use std::{fmt::Write, str::FromStr};

use zeroize::Zeroizing;

use super::setting::{Setting, Shown};

/// Everything that is wrong with the configuration. Names variables, never values: they may be secrets.
#[derive(Debug, Default, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration can't be used:{}", .0.iter().map(|line| format!("\n  {line}")).collect::<String>())]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// Each thing that is wrong, with the name of its variable.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

type Get<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where variables come from.
pub struct Source<'a> {
    get: Box<Get<'a>>,
    errors: Vec<String>,
    example: String,
    topic: String,
    settings: Vec<Setting>,
}

impl<'a> Source<'a> {
    /// `get` answers with a variable's value.
    pub fn new(get: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self {
            get: Box::new(get),
            errors: Vec::new(),
            example: String::new(),
            topic: String::new(),
            settings: Vec::new(),
        }
    }

    /// A heading of the example.
    pub fn topic(&mut self, name: &str) {
        name.clone_into(&mut self.topic);
        let gap = if self.example.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.example, "{gap}## {name}");
    }

    /// A variable with a default.
    pub fn value<T: FromStr + 'static>(&mut self, name: &str, default: &str, meaning: &str) -> Option<T> {
        let _ = writeln!(self.example, "# {meaning}\n# {name}={default}");
        let text = self.text(name);
        self.note::<T>(name, Some(default), meaning, text.as_deref().map(String::as_str));
        let text = text.unwrap_or_else(|| Zeroizing::new(default.to_owned()));
        self.parse(name, &text, meaning)
    }

    /// A variable without a default; `like` is what the example shows.
    pub fn required<T: FromStr + 'static>(&mut self, name: &str, like: &str, meaning: &str) -> Option<T> {
        let _ = writeln!(self.example, "# {meaning}\n{name}={like}");
        let text = self.text(name);
        self.note::<T>(name, None, meaning, text.as_deref().map(String::as_str));
        let Some(text) = text else {
            self.errors.push(format!("{name} is missing: {meaning}"));
            return None;
        };
        self.parse(name, &text, meaning)
    }

    /// What people may see of it is kept, and nothing else of a secret.
    fn note<T: 'static>(&mut self, name: &str, default: Option<&str>, meaning: &str, value: Option<&str>) {
        self.settings.push(Setting {
            topic: self.topic.clone(),
            name: name.to_owned(),
            default: default.map(str::to_owned),
            meaning: meaning.to_owned(),
            value: value.map(|text| Shown::of::<T>(name, text)),
        });
    }

    /// An empty variable is an absent one. What was read is wiped: it may be a key.
    fn text(&self, name: &str) -> Option<Zeroizing<String>> {
        let text = Zeroizing::new((self.get)(name)?);
        Some(Zeroizing::new(text.trim().to_owned())).filter(|text| !text.is_empty())
    }

    fn parse<T: FromStr>(&mut self, name: &str, text: &str, meaning: &str) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            self.errors.push(format!("{name} can't be understood: {meaning}"));
        }
        value
    }

    /// A value that parses and can't be used all the same.
    pub fn refuse(&mut self, name: &str, wanted: &str) {
        self.errors.push(format!("{name} can't be understood: {wanted}"));
    }

    /// Every variable that was read, in that order.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// # Errors
    /// What was wrong.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ConfigError(self.errors)) }
    }

    /// The text of `.env.example`.
    pub fn example(self) -> String {
        format!(
            "# Made by `zmart config example`. Lines that begin with \"# NAME=\" show defaults.\n\n{}",
            self.example
        )
    }
}
