//! A line of what others wrote, for a terminal.

/// The text on one line, without anything that a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_told_to_it() {
        assert_eq!(printable("can't \u{1b}[2J\n é"), "can't \u{fffd}[2J\u{fffd} é");
    }
}
