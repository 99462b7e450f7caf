//! A WebSocket transcript in Markdown: what the client sends and what it hears, one message a line.
//!
//! ```text
//! > {"id":1,"action":"ping"}
//! < {"type":"pong","id":1}
//! ```

use serde_json::Value;

/// The key that stands for fields which are left out.
const MORE: &str = "…";

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// The client says.
    Sent(Value),
    /// The client hears.
    Heard(Value),
}

/// The first fenced block of that kind in a document.
///
/// # Panics
/// If there is none, or a line of it is neither sent nor heard JSON.
pub fn transcript(markdown: &str, fence: &str) -> Vec<Line> {
    let opening = format!("```{fence}");
    let lines: Vec<Line> = markdown
        .lines()
        .skip_while(|line| line.trim() != opening)
        .skip(1)
        .take_while(|line| line.trim() != "```")
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {line}"));
            match line.split_at_checked(2) {
                Some(("> ", text)) => Line::Sent(json(text)),
                Some(("< ", text)) => Line::Heard(json(text)),
                _ => panic!("neither sent nor heard: {line}"),
            }
        })
        .collect();
    assert!(!lines.is_empty(), "no block {opening}");
    lines
}

/// The same document with another text wherever one stands.
pub fn with(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace(from, to)),
        Value::Array(items) => Value::Array(items.iter().map(|item| with(item, from, to)).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, item)| (key.replace(from, to), with(item, from, to))).collect())
        }
        other => other.clone(),
    }
}

/// Where a message has another shape than the one shown: other fields, or values of another kind. `exact` are the fields
/// whose values must be the very same. What is shown as `null` may be anything; an object shown with a field `…` has more.
pub fn difference(shown: &Value, heard: &Value, exact: &[&str], place: &str) -> Option<String> {
    match (shown, heard) {
        (Value::Object(shown), Value::Object(heard)) => {
            if !shown.contains_key(MORE)
                && let Some(key) = heard.keys().find(|key| !shown.contains_key(*key))
            {
                return Some(format!("{place}.{key} is not shown"));
            }
            shown.iter().filter(|(key, _)| *key != MORE).find_map(|(key, value)| {
                let place = format!("{place}.{key}");
                let Some(other) = heard.get(key) else { return Some(format!("{place} did not come")) };
                if exact.contains(&key.as_str()) && value != other {
                    return Some(format!("{place} is {other}, shown is {value}"));
                }
                difference(value, other, exact, &place)
            })
        }
        (Value::Array(shown), Value::Array(heard)) => match (shown.first(), heard.first()) {
            (Some(shown), Some(heard)) => difference(shown, heard, exact, &format!("{place}[0]")),
            _ => None,
        },
        (Value::Null, _) | (_, Value::Null) => None,
        (shown, heard) if std::mem::discriminant(shown) == std::mem::discriminant(heard) => None,
        (shown, heard) => Some(format!("{place} is {heard}, shown is {shown}")),
    }
}

#[test]
fn a_transcript_is_read_and_compared() {
    let lines = transcript("text\n```ws\n> {\"a\":1}\n\n< {\"b\":\"x\"}\n```\n> {}\n", "ws");
    assert_eq!(lines, [Line::Sent(serde_json::json!({"a": 1})), Line::Heard(serde_json::json!({"b": "x"}))]);
    let shown = serde_json::json!({"type": "a", "n": 1, "list": [{"x": "1"}]});
    for (heard, same) in [
        (serde_json::json!({"type": "a", "n": 2, "list": [{"x": "2"}]}), true),
        (serde_json::json!({"type": "a", "n": 2, "list": []}), true),
        (serde_json::json!({"type": "b", "n": 1, "list": []}), false),
        (serde_json::json!({"type": "a", "n": "1", "list": []}), false),
        (serde_json::json!({"type": "a", "list": []}), false),
        (serde_json::json!({"type": "a", "n": 1, "list": [], "more": 1}), false),
        (serde_json::json!({"type": "a", "n": 1, "list": [{"y": "1"}]}), false),
    ] {
        assert_eq!(difference(&shown, &heard, &["type"], "").is_none(), same, "{heard}");
    }
    let abridged = serde_json::json!({"type": "a", MORE: MORE});
    assert_eq!(difference(&abridged, &serde_json::json!({"type": "a", "more": 1}), &["type"], ""), None);
    assert!(difference(&abridged, &serde_json::json!({"more": 1}), &["type"], "").is_some());
}
