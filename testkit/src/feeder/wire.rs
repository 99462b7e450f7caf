//! Transactions as bytes, and logs as a node writes them.

use base64::{Engine, prelude::BASE64_STANDARD};
use solana_sdk::{hash::Hash, instruction::Instruction, message::Message, pubkey::Pubkey};
use zmart::domain::ids::{ProgramId, TxSignature, Wallet};

/// The bytes that travel: the signatures (of other signers than the payer: none that anybody checks), and the message.
pub fn transaction(signature: TxSignature, payer: Wallet, instructions: &[Instruction]) -> Vec<u8> {
    let message = Message::new_with_blockhash(
        instructions,
        Some(&Pubkey::new_from_array(payer.0)),
        &Hash::new_from_array([7; 32]),
    );
    let signers = message.header.num_required_signatures;
    // Below 128 signers a length is one byte.
    let mut bytes = vec![signers];
    bytes.extend_from_slice(&signature.0);
    bytes.extend(std::iter::repeat_n(1, 64 * usize::from(signers.saturating_sub(1))));
    bytes.extend_from_slice(&message.serialize());
    bytes
}

/// Writes the frames of a program's log, as a JSON array.
#[derive(Debug)]
pub struct LogTexts {
    opens: String,
    closes: String,
}

/// What the system program leaves in a log each time it is called.
const SYSTEM_CALL: &str =
    r#","Program 11111111111111111111111111111111 invoke [2]","Program 11111111111111111111111111111111 success""#;

impl LogTexts {
    /// Of that program.
    pub fn new(program: ProgramId) -> Self {
        Self {
            opens: format!(r#""Program {program} invoke [1]","Program log: Instruction: "#),
            closes: format!(r#"","Program {program} consumed 1 of 200000 compute units","Program {program} success""#),
        }
    }

    /// Appends the frame of an instruction that called the system program so often and emitted that event.
    pub fn frame(&self, instruction: &str, system_calls: usize, event: &[u8], out: &mut String) {
        out.push_str(&self.opens);
        out.push_str(instruction);
        out.push('"');
        for _ in 0..system_calls {
            out.push_str(SYSTEM_CALL);
        }
        out.push_str(",\"Program data: ");
        BASE64_STANDARD.encode_string(event, out);
        out.push_str(&self.closes);
    }
}
