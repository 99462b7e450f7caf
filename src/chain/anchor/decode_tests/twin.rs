//! Random logs: against the call tree that they were written from, and without any sense.

use proptest::prelude::*;

use super::*;

/// A call tree, from which a log is written; what it must decode to follows from the tree alone.
#[derive(Debug, Clone)]
struct Node {
    ours: bool,
    noise: u8,
    inner: Vec<Node>,
}

impl Node {
    fn write(&self, depth: usize, logs: &mut Vec<String>, calls: &mut Vec<RawInvocation>, found: &mut Vec<bool>) {
        let program = if self.ours { OURS } else { OTHER };
        logs.push(invoke(program, depth));
        calls.push(if self.ours { pause_call(depth as u32) } else { call(OTHER, vec![self.noise], depth as u32) });
        let event = self.noise.is_multiple_of(2);
        if self.ours {
            found.push(event);
        }
        match self.noise % 5 {
            0 => logs.push(format!("Program log: {}", invoke(OURS, depth + 1))),
            1 => logs.push(format!("Program log: \n{}", success(program))),
            2 => logs.push(format!("Program {program} consumed {} of 5 compute units", self.noise)),
            _ => {}
        }
        for node in &self.inner {
            node.write(depth + 1, logs, calls, found);
        }
        if self.ours || self.noise.is_multiple_of(3) {
            logs.push(data(&pause(event)));
        }
        logs.push(success(program));
    }
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = (any::<bool>(), any::<u8>()).prop_map(|(ours, noise)| Node { ours, noise, inner: vec![] });
    leaf.prop_recursive(4, 24, 4, |inner| {
        (any::<bool>(), any::<u8>(), prop::collection::vec(inner, 0..4)).prop_map(|(ours, noise, inner)| Node {
            ours,
            noise,
            inner,
        })
    })
}

fn line() -> impl Strategy<Value = String> {
    let program = || prop::sample::select(vec![OURS, OTHER, SYSTEM]);
    prop_oneof![
        (program(), 1..4usize).prop_map(|(program, depth)| invoke(program, depth)),
        program().prop_map(success),
        program().prop_map(failed),
        any::<bool>().prop_map(|on| data(&pause(on))),
        any::<String>(),
        "Program (log|data|return): .*",
        Just("Log truncated".to_owned()),
    ]
}

proptest! {
    #[test]
    fn a_call_tree_decodes_to_the_events_of_our_nodes(roots in prop::collection::vec(node(), 0..4)) {
        let (mut logs, mut calls, mut found) = (vec!["Program log: begin".to_owned()], vec![], vec![]);
        for root in &roots {
            root.write(1, &mut logs, &mut calls, &mut found);
        }
        let expected: Vec<_> = found.into_iter().enumerate().map(|(n, on)| (n as u16, pause(on))).collect();
        prop_assert_eq!(decode(OURS, &logs_only(logs.clone())), events(&expected));
        prop_assert_eq!(decode(OURS, &with_calls(logs, calls)), events(&expected));
    }

    #[test]
    fn no_lines_make_it_panic_and_no_event_comes_without_a_frame(
        logs in prop::collection::vec(line(), 0..12),
        known in any::<bool>(),
    ) {
        let frames = logs.iter().filter(|line| line.starts_with(&format!("Program {OURS} invoke ["))).count();
        let lines = logs.iter().filter(|line| line.starts_with("Program data: ")).count();
        let transaction = if known { with_calls(logs, vec![pause_call(1)]) } else { logs_only(logs) };
        if let Decoded::Events(events) = decode(OURS, &transaction) {
            prop_assert!(events.len() <= frames && events.len() <= lines);
        }
    }

    #[test]
    fn no_bytes_make_the_codec_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), pick in 0..40usize) {
        let starts: Vec<[u8; 8]> = crate::chain::anchor::events::EVENT_DISCRIMINATORS
            .iter()
            .map(|(_, bytes)| *bytes)
            .chain(InstructionKind::ALL.iter().map(|kind| kind.discriminator()))
            .chain(crate::chain::anchor::accounts::AccountKind::ALL.map(|kind| kind.discriminator()))
            .collect();
        prop_assert_eq!(starts.len(), 40);
        let bytes = [&starts[pick][..], &bytes].concat();
        if let Ok(event) = decode_event(&bytes) {
            prop_assert_eq!(encode_event(&event), bytes.clone());
        }
        if let Ok((instruction, rest)) = decode_executed_instruction(&bytes) {
            prop_assert_eq!(encode_instruction(&instruction), &bytes[..bytes.len() - rest]);
        }
        let _ = crate::chain::anchor::accounts::decode_any_account(&bytes);
    }
}
