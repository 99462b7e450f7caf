//! A line of what others wrote, for a terminal.

use std::io::Write;

/// The text on one line, without anything that a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Prints text and a line's end; false if whoever read it has closed it (`| head`), which is no failure.
pub(super) fn tell(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_told_to_it() {
        assert_eq!(printable("can't \u{1b}[2J\n é"), "can't \u{fffd}[2J\u{fffd} é");
    }
}
