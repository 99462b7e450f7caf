//! The log decoder: stacks of frames that are right, and the same with lines lost, repeated, moved and made up.
//!
//! Three rules. What was written from a call tree decodes to the events of that tree. Any log decodes to what a naive
//! reader of its lines finds, or to nothing. Knowing the instructions too can only refuse events or add facts to them.
#![no_main]

use base64::{Engine, prelude::BASE64_STANDARD};
use libfuzzer_sys::{arbitrary, fuzz_target};
use zmart::{
    chain::{
        anchor::{
            decode::{Decoded, decode},
            events::{decode_event, encode_event},
            instructions::encode_instruction,
        },
        model::{RawInvocation, RawTransaction},
        program::instructions::{EmergencyPause, ProgramInstruction},
    },
    domain::{
        amount::UnixSeconds,
        event::{ProgramEvent, ProtocolPauseStatusChanged},
        ids::{AccountAddress, ProgramId, TxSignature, Wallet},
    },
};

const OURS: ProgramId = ProgramId([9; 32]);
const OTHER: ProgramId = ProgramId([8; 32]);

#[derive(arbitrary::Arbitrary, Debug)]
struct Node {
    ours: bool,
    noise: Noise,
    paused: bool,
    inner: Vec<Node>,
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Noise {
    None,
    Consumed(u32),
    /// Another program's data; of ours it would be a second event.
    ForeignData(Vec<u8>),
    /// A program logs a text, that may look like anything.
    Log(Text),
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Text {
    Invoke { ours: bool, depth: u8 },
    Success { ours: bool },
    Failed { ours: bool },
    Event { paused: bool },
    Data(Vec<u8>),
    Any(String),
    Truncated,
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Edit {
    Drop(u8),
    Repeat(u8),
    Swap(u8, u8),
    Insert(u8, Text),
    Replace(u8, Text),
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Call {
    ours: bool,
    data: Option<Vec<u8>>,
    accounts: u8,
    stack_height: Option<u8>,
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    roots: Vec<Node>,
    edits: Vec<Edit>,
    /// Other instructions than those of the tree.
    calls: Option<Vec<Call>>,
}

fn program(ours: bool) -> ProgramId {
    if ours { OURS } else { OTHER }
}

fn event(paused: bool) -> ProgramEvent {
    ProgramEvent::ProtocolPauseStatusChanged(ProtocolPauseStatusChanged {
        is_paused: paused,
        paused_by: Wallet([3; 32]),
        timestamp: UnixSeconds(7),
    })
}

fn data(bytes: &[u8]) -> String {
    format!("Program data: {}", BASE64_STANDARD.encode(bytes))
}

fn pause_call(stack_height: u32) -> RawInvocation {
    RawInvocation {
        program: OURS,
        accounts: vec![AccountAddress([4; 32]); 2],
        data: encode_instruction(&ProgramInstruction::EmergencyPause(EmergencyPause {})),
        stack_height: Some(stack_height),
    }
}

#[derive(Default)]
struct Written {
    logs: Vec<String>,
    calls: Vec<RawInvocation>,
    events: Vec<ProgramEvent>,
}

impl Node {
    fn write(&self, depth: usize, out: &mut Written) {
        let id = program(self.ours);
        out.logs.push(format!("Program {id} invoke [{depth}]"));
        if self.ours {
            out.calls.push(pause_call(depth as u32));
            out.events.push(event(self.paused));
        } else {
            out.calls.push(RawInvocation { program: OTHER, accounts: vec![], data: vec![], stack_height: None });
        }
        match &self.noise {
            Noise::None => {}
            Noise::Consumed(units) => out.logs.push(format!("Program {id} consumed {units} of 200000 compute units")),
            Noise::ForeignData(bytes) if !self.ours => out.logs.push(data(bytes)),
            Noise::ForeignData(_) => {}
            Noise::Log(text) => out.logs.push(format!("Program log: {}", text.line())),
        }
        self.inner.iter().for_each(|node| node.write(depth + 1, out));
        if self.ours {
            out.logs.push(data(&encode_event(&event(self.paused))));
        }
        out.logs.push(format!("Program {id} success"));
    }
}

impl Text {
    fn line(&self) -> String {
        match self {
            Self::Invoke { ours, depth } => format!("Program {} invoke [{depth}]", program(*ours)),
            Self::Success { ours } => format!("Program {} success", program(*ours)),
            Self::Failed { ours } => format!("Program {} failed: custom program error: 0x1", program(*ours)),
            Self::Event { paused } => data(&encode_event(&event(*paused))),
            Self::Data(bytes) => data(bytes),
            Self::Any(text) => text.clone(),
            Self::Truncated => "Log truncated".to_owned(),
        }
    }
}

impl Edit {
    fn apply(&self, logs: &mut Vec<String>) {
        let place = |at: &u8, count: usize| usize::from(*at) % count.max(1);
        match self {
            Self::Drop(at) if !logs.is_empty() => drop(logs.remove(place(at, logs.len()))),
            Self::Repeat(at) if !logs.is_empty() => {
                let at = place(at, logs.len());
                logs.insert(at, logs[at].clone());
            }
            Self::Swap(a, b) if !logs.is_empty() => {
                let count = logs.len();
                logs.swap(place(a, count), place(b, count));
            }
            Self::Insert(at, text) => logs.insert(place(at, logs.len() + 1), text.line()),
            Self::Replace(at, text) if !logs.is_empty() => {
                let at = place(at, logs.len());
                logs[at] = text.line();
            }
            _ => {}
        }
    }
}

/// A frame as the naive reader keeps it: whose it is, and the data it printed.
struct Frame<'a> {
    program: &'a str,
    printed: Vec<&'a str>,
    place: usize,
}

/// Reads a log line by line, by comparing whole lines. The events of the log, or `None` if it proves none.
fn naive(logs: &[String]) -> Option<Vec<ProgramEvent>> {
    let mut stack: Vec<Frame<'_>> = Vec::new();
    let mut begun: Vec<Option<Vec<&str>>> = Vec::new();
    for line in logs {
        if line == "Log truncated" {
            return None;
        }
        if let Some(text) = line.strip_prefix("Program data: ") {
            stack.last_mut()?.printed.push(text);
            continue;
        }
        let Some(rest) = line.strip_prefix("Program ") else { continue };
        let Some((id, what)) = rest.split_once(' ') else { continue };
        if id.parse::<ProgramId>().is_err() {
            continue;
        }
        if what.starts_with("invoke") {
            if what != format!("invoke [{}]", stack.len() + 1) {
                return None;
            }
            stack.push(Frame { program: id, printed: Vec::new(), place: begun.len() });
            if id == OURS.to_string() {
                begun.push(None);
            }
        } else if what.starts_with("success") {
            let top = stack.pop().filter(|top| what == "success" && top.program == id)?;
            if id == OURS.to_string() {
                begun[top.place] = Some(top.printed);
            }
        } else if what.starts_with("failed") {
            let fits = what == "failed" || what.starts_with("failed:");
            let top = stack.pop().filter(|top| fits && top.program == id && !stack.is_empty())?;
            begun[top.place..].iter_mut().for_each(|printed| *printed = None);
        }
    }
    if !stack.is_empty() || logs.is_empty() {
        return None;
    }
    begun
        .into_iter()
        .flatten()
        .map(|printed| match printed[..] {
            [text] => decode_event(&BASE64_STANDARD.decode(text).ok()?).ok(),
            _ => None,
        })
        .collect()
}

fn transaction(logs: Vec<String>, invocations: Option<Vec<RawInvocation>>) -> RawTransaction {
    RawTransaction {
        signature: TxSignature([5; 64]),
        slot: 1,
        index_in_block: None,
        block_time: None,
        failed: false,
        logs: Some(logs),
        invocations,
    }
}

fn events(decoded: Decoded) -> Option<Vec<ProgramEvent>> {
    let Decoded::Events(events) = decoded else { return None };
    assert!(events.windows(2).all(|pair| pair[0].id.n < pair[1].id.n), "in the order of execution");
    assert!(events.iter().all(|event| event.position.n == event.id.n));
    Some(events.into_iter().map(|event| event.event).collect())
}

fuzz_target!(|input: Input| {
    let mut written = Written::default();
    input.roots.iter().for_each(|root| root.write(1, &mut written));
    let Written { mut logs, calls, events: expected } = written;
    if logs.is_empty() {
        logs.push("Program log: nothing".to_owned());
    }
    let is_whole = !logs.iter().any(|line| line == "Log truncated");
    assert!(is_whole, "a program can't write that line");
    assert_eq!(events(decode(OURS, &transaction(logs.clone(), None))).as_ref(), Some(&expected));
    assert_eq!(events(decode(OURS, &transaction(logs.clone(), Some(calls.clone())))).as_ref(), Some(&expected));

    input.edits.iter().for_each(|edit| edit.apply(&mut logs));
    let alone = events(decode(OURS, &transaction(logs.clone(), None)));
    assert_eq!(alone, naive(&logs));

    let other = input.calls.map(|calls| {
        let call = |call: Call| RawInvocation {
            program: program(call.ours),
            accounts: vec![AccountAddress([4; 32]); usize::from(call.accounts % 12)],
            data: call.data.unwrap_or_else(|| pause_call(1).data),
            stack_height: call.stack_height.map(u32::from),
        };
        calls.into_iter().map(call).collect()
    });
    if !logs.is_empty()
        && let Some(proved) = events(decode(OURS, &transaction(logs, Some(other.unwrap_or(calls)))))
    {
        // Instructions on the program's interface file succeed without an event: the log alone can't know them.
        assert!(alone.is_none_or(|alone| alone == proved));
    }
});
