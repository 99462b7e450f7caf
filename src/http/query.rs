//! Query strings, read field by field: what is known is checked, all that is wrong is told at once, and what is not known
//! is left alone.

use std::{borrow::Cow, ops::RangeInclusive, str::FromStr};

use actix_web::web;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::error::{ApiError, FieldError};

/// Most rows in an answer.
pub const MAX_LIMIT: u32 = 100;
/// Rows in an answer where none are asked for.
pub const DEFAULT_LIMIT: u32 = 20;
/// Furthest that an offset goes; further pages are reached by cursor.
pub const MAX_OFFSET: u32 = 10_000;

/// A query string being read.
#[derive(Debug)]
pub struct QueryReader {
    pairs: Vec<(String, String)>,
    problems: Vec<FieldError>,
}

impl QueryReader {
    /// Read a query string (without `?`).
    ///
    /// # Errors
    /// VALIDATION_ERROR if it is none.
    pub fn new(query: &str) -> Result<Self, ApiError> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|_| ApiError::invalid_field("query", "This is not a query string."))?
            .into_inner();
        Ok(Self { pairs, problems: Vec::new() })
    }

    /// The same fields in a message: texts, numbers and truth values, as one would write them in a query.
    pub fn of_fields(fields: &Map<String, Value>) -> Self {
        let mut reader = Self { pairs: Vec::new(), problems: Vec::new() };
        for (name, value) in fields {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(value) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    let message = "Must be a text, a number or a truth value.";
                    reader.problems.push(FieldError { field: name.clone().into(), message: message.into() });
                    continue;
                }
            };
            reader.pairs.push((name.clone(), text));
        }
        reader
    }

    /// A field was refused.
    pub fn refuse(&mut self, field: &'static str, message: impl Into<Cow<'static, str>>) {
        self.problems.push(FieldError { field: field.into(), message: message.into() });
    }

    /// The text of a field; `None` if it is not there. Given twice it is refused.
    pub fn text(&mut self, field: &'static str) -> Option<String> {
        let mut values = self.pairs.iter().filter(|(name, _)| name == field).map(|(_, value)| value);
        let first = values.next().cloned();
        if values.next().is_some() {
            self.refuse(field, "Given more than once.");
            return None;
        }
        first
    }

    /// A field that has a text form.
    pub fn parsed<T: FromStr>(&mut self, field: &'static str, expected: &'static str) -> Option<T> {
        let text = self.text(field)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.refuse(field, format!("Must be {expected}."));
        }
        value
    }

    fn number(&mut self, field: &'static str, range: RangeInclusive<u32>, otherwise: u32) -> u32 {
        let Some(text) = self.text(field) else { return otherwise };
        // Digits only: `parse` alone would take a sign.
        let number = text.parse().ok().filter(|_| text.bytes().all(|c| c.is_ascii_digit()));
        match number {
            Some(number) if range.contains(&number) => number,
            _ => {
                self.refuse(field, format!("Must be a whole number from {} to {}.", range.start(), range.end()));
                otherwise
            }
        }
    }

    /// `limit` and `offset`.
    pub fn window(&mut self) -> Window {
        Window {
            limit: self.number("limit", 1..=MAX_LIMIT, DEFAULT_LIMIT),
            offset: self.number("offset", 0..=MAX_OFFSET, 0),
        }
    }

    /// A number with a range of its own.
    pub fn count(&mut self, field: &'static str, range: RangeInclusive<u32>, otherwise: u32) -> u32 {
        self.number(field, range, otherwise)
    }

    /// A text of 1 to `longest` characters without control characters.
    pub fn words(&mut self, field: &'static str, longest: usize) -> Option<String> {
        let text = self.text(field)?;
        let text = text.trim();
        if text.is_empty() || text.chars().count() > longest || text.chars().any(char::is_control) {
            self.refuse(field, format!("Must be a text of 1 to {longest} characters."));
            return None;
        }
        Some(text.to_owned())
    }

    /// One of a few names.
    pub fn one_of<T: Copy>(&mut self, field: &'static str, names: &[(&str, T)]) -> Option<T> {
        let text = self.text(field)?;
        let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            self.refuse(field, format!("Must be one of {}.", names.join(", ")));
        }
        found
    }

    /// A moment: RFC 3339, or whole seconds since 1970. In seconds.
    pub fn moment(&mut self, field: &'static str) -> Option<i64> {
        let text = self.text(field)?;
        let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|c| c.is_ascii_digit());
        let seconds = if digits {
            text.parse().ok()
        } else {
            chrono::DateTime::parse_from_rfc3339(&text).ok().map(|at| at.timestamp())
        };
        if seconds.is_none() {
            self.refuse(field, "Must be a moment: RFC 3339, or whole seconds since 1970.");
        }
        seconds
    }

    /// All that was refused.
    ///
    /// # Errors
    /// VALIDATION_ERROR with every refused field.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.problems)) }
    }
}

/// The query of a list, for the API's document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // described only: `QueryReader` reads it
pub struct ListQuery {
    /// Rows in the answer.
    #[param(minimum = 1, maximum = 100, default = 20, required = false)]
    limit: u32,
    /// Without the first so many, for old clients.
    #[param(maximum = 10000, default = 0, required = false)]
    offset: u32,
    /// Where the page begins: `next_cursor` of the page before, unchanged.
    cursor: Option<String>,
}

/// Which rows of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// At most so many, 1 to 100.
    pub limit: u32,
    /// Without the first so many, 0 to 10,000.
    pub offset: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_refused_outside_its_bounds_with_its_field() {
        let cases = [
            ("", Ok((20, 0))),
            ("limit=1&offset=0", Ok((1, 0))),
            ("limit=100&offset=10000", Ok((100, 10_000))),
            ("unknown=%FF&limit=7", Ok((7, 0))),
            ("limit=0", Err("limit")),
            ("limit=101", Err("limit")),
            ("limit=", Err("limit")),
            ("limit=%2B5", Err("limit")),
            ("limit=-1", Err("limit")),
            ("limit=1e2", Err("limit")),
            ("limit=99999999999999999999", Err("limit")),
            ("limit=5&limit=6", Err("limit")),
            ("offset=10001", Err("offset")),
        ];
        for (query, expected) in cases {
            let mut reader = QueryReader::new(query).unwrap();
            let window = reader.window();
            let read = reader.finish().map(|()| (window.limit, window.offset));
            let read = read.map_err(|error| error.details[0].field.clone());
            assert_eq!(read, expected.map_err(Cow::from), "{query:?}");
        }
    }

    #[test]
    fn a_message_says_what_a_query_says() {
        let fields = serde_json::json!({"limit": 7, "offset": "3", "x": null, "y": true});
        let mut reader = QueryReader::of_fields(fields.as_object().unwrap());
        assert_eq!(reader.window(), Window { limit: 7, offset: 3 });
        assert_eq!((reader.text("x"), reader.text("y").as_deref()), (None, Some("true")));
        assert_eq!(reader.finish(), Ok(()));
        for (bad, field) in [
            (serde_json::json!({"limit": 1.5}), "limit"),
            (serde_json::json!({"limit": -1}), "limit"),
            (serde_json::json!({"sort": ["a"]}), "sort"),
            (serde_json::json!({"sort": {}}), "sort"),
        ] {
            let mut reader = QueryReader::of_fields(bad.as_object().unwrap());
            reader.window();
            assert_eq!(reader.finish().unwrap_err().details[0].field, field, "{bad}");
        }
    }

    #[test]
    fn all_refused_fields_are_told_at_once() {
        let mut reader = QueryReader::new("limit=0&offset=x").unwrap();
        reader.window();
        let error = reader.finish().unwrap_err();
        assert_eq!(error.details.iter().map(|detail| &*detail.field).collect::<Vec<_>>(), ["limit", "offset"]);
    }
}
