//! A transaction's log, read as the stack of program calls that it describes.
//!
//! Owns which line opens, closes and fills a frame. The runtime puts a prefix of its own before whatever a program
//! writes (`Program log: `, `Program data: `, `Program return: `), and a message with line breaks in it stays one entry;
//! so a program can't forge a frame as long as an entry is taken as one line and must match as a whole. Any program can
//! print any data: a data line belongs to the frame on top of the stack, and to nobody else.

use super::decode::{FailureEvidence, GarbageReason};
use crate::domain::ids::ProgramId;

/// What an entry of the log is.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Invoke {
        program: ProgramId,
        depth: usize,
    },
    Success {
        program: ProgramId,
    },
    Failed {
        program: ProgramId,
    },
    Data(&'a str),
    /// Begins like the line of a frame, and is none.
    Malformed,
    /// Says nothing about frames.
    Other,
}

fn parse(line: &str) -> Line<'_> {
    if let Some(data) = line.strip_prefix("Program data: ") {
        return Line::Data(data);
    }
    // "Program log: " and "Program return: " end here too: no address has a colon.
    let Some((program, what)) = line.strip_prefix("Program ").and_then(|rest| rest.split_once(' ')) else {
        return Line::Other;
    };
    let Ok(program) = program.parse::<ProgramId>() else {
        return Line::Other;
    };
    if what == "success" {
        return Line::Success { program };
    }
    if let Some(reason) = what.strip_prefix("failed") {
        let failed = reason.is_empty() || reason.starts_with(':');
        return if failed { Line::Failed { program } } else { Line::Malformed };
    }
    if let Some(rest) = what.strip_prefix("invoke") {
        return match rest.strip_prefix(" [").and_then(|rest| rest.strip_suffix(']')).and_then(depth) {
            Some(depth) => Line::Invoke { program, depth },
            None => Line::Malformed,
        };
    }
    if what.starts_with("success") { Line::Malformed } else { Line::Other }
}

/// One way to write a number: no sign, no leading zero.
fn depth(digits: &str) -> Option<usize> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

/// An invocation of our program, as the log tells it.
#[derive(Debug)]
pub(super) struct OurFrame<'a> {
    /// 1 for an outer instruction.
    pub depth: usize,
    /// The first of its data lines.
    pub data: Option<&'a str>,
    /// How many it printed.
    pub data_lines: usize,
    /// It took effect: neither it nor a frame around it has failed.
    pub succeeded: bool,
}

struct OpenFrame {
    program: ProgramId,
    /// Which of our frames it is.
    ours: Option<usize>,
    /// How many frames of ours were there when it began: these, and no later ones, survive its failure.
    ours_before: usize,
}

/// Why a log yields no frames.
#[derive(Debug)]
pub(super) enum Unusable {
    /// The transaction had no effect.
    Failed(FailureEvidence),
    /// The log contradicts itself.
    Inconsistent(GarbageReason),
}

/// Finds the invocations of `ours` in a complete log, in execution order.
pub(super) fn our_frames(ours: ProgramId, logs: &[String]) -> Result<Vec<OurFrame<'_>>, Unusable> {
    let mut stack: Vec<OpenFrame> = Vec::new();
    let mut frames: Vec<OurFrame<'_>> = Vec::new();
    for (index, line) in logs.iter().enumerate() {
        let inconsistent = |reason: fn(usize) -> GarbageReason| Unusable::Inconsistent(reason(index));
        match parse(line) {
            Line::Invoke { program, depth } => {
                if depth != stack.len() + 1 {
                    return Err(inconsistent(|line| GarbageReason::WrongDepth { line }));
                }
                let ours_before = frames.len();
                let is_ours = program == ours;
                stack.push(OpenFrame { program, ours: is_ours.then_some(ours_before), ours_before });
                if is_ours {
                    frames.push(OurFrame { depth, data: None, data_lines: 0, succeeded: true });
                }
            }
            Line::Success { program } => match stack.pop() {
                Some(top) if top.program == program => {}
                _ => return Err(inconsistent(|line| GarbageReason::NotOnTop { line })),
            },
            Line::Failed { program } => match stack.pop() {
                Some(top) if top.program == program => {
                    if stack.is_empty() {
                        return Err(Unusable::Failed(FailureEvidence::OutermostFrame { program }));
                    }
                    // The runtime lets no caller survive this; should one ever, what happened inside is undone.
                    frames.iter_mut().skip(top.ours_before).for_each(|frame| frame.succeeded = false);
                }
                _ => return Err(inconsistent(|line| GarbageReason::NotOnTop { line })),
            },
            Line::Data(data) => {
                let Some(top) = stack.last() else {
                    return Err(inconsistent(|line| GarbageReason::DataOutsideFrames { line }));
                };
                if let Some(frame) = top.ours.and_then(|index| frames.get_mut(index)) {
                    frame.data.get_or_insert(data);
                    frame.data_lines += 1;
                }
            }
            Line::Malformed => return Err(inconsistent(|line| GarbageReason::MalformedFrameLine { line })),
            Line::Other => {}
        }
    }
    if stack.is_empty() { Ok(frames) } else { Err(Unusable::Failed(FailureEvidence::StackNotClosed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_only_as_a_whole() {
        let program = ProgramId([0; 32]);
        let id = program.to_string();
        let table = [
            (format!("Program {id} invoke [1]"), Line::Invoke { program, depth: 1 }),
            (format!("Program {id} invoke [12]"), Line::Invoke { program, depth: 12 }),
            (format!("Program {id} success"), Line::Success { program }),
            (format!("Program {id} failed: custom program error: 0x1"), Line::Failed { program }),
            ("Program data: AAAA".into(), Line::Data("AAAA")),
            (format!("Program {id} consumed 1 of 200000 compute units"), Line::Other),
            (format!("Program log: Program {id} invoke [1]"), Line::Other),
            ("Program log: Program data: AAAA".into(), Line::Other),
            (format!("Program return: {id} AAAA"), Line::Other),
            (format!(" Program {id} success"), Line::Other),
            (format!("program {id} success"), Line::Other),
            (format!("Program  {id} success"), Line::Other),
            (format!("Program {id}1 success"), Line::Other),
            (format!("Program log: x\nProgram {id} success"), Line::Other),
            ("Program data:".into(), Line::Other),
            (format!("Program {id} success "), Line::Malformed),
            (format!("Program {id} success\nProgram {id} success"), Line::Malformed),
            (format!("Program {id} failed"), Line::Failed { program }),
            (format!("Program {id} failed\nProgram {id} success"), Line::Malformed),
            (format!("Program {id} invoke"), Line::Malformed),
            (format!("Program {id} invoke [0]"), Line::Malformed),
            (format!("Program {id} invoke [01]"), Line::Malformed),
            (format!("Program {id} invoke [+1]"), Line::Malformed),
            (format!("Program {id} invoke []"), Line::Malformed),
            (format!("Program {id} invoke [1] "), Line::Malformed),
            (format!("Program {id} invoke [1]\nProgram data: AAAA"), Line::Malformed),
            (format!("Program {id} invoke [99999999999999999999]"), Line::Malformed),
            (String::new(), Line::Other),
        ];
        for (line, expected) in table {
            assert_eq!(parse(&line), expected, "{line:?}");
        }
    }
}
