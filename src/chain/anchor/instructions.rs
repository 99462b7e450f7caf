//! The bytes of the 18 instructions (`docs/program.md`, section 4); what they are is `chain::program::instructions`.

use super::codec::{CodecError, split};
use crate::chain::program::instructions::{InstructionKind, ProgramInstruction};

/// Which instruction the first eight bytes name.
pub fn instruction_kind(bytes: &[u8]) -> Result<InstructionKind, CodecError> {
    let (discriminator, _) = split(bytes)?;
    let kind = InstructionKind::ALL.iter().copied().find(|kind| kind.discriminator() == discriminator);
    kind.ok_or(CodecError::UnknownDiscriminator)
}

/// Reads an instruction: the discriminator, the arguments, and nothing behind them.
pub fn decode_instruction(bytes: &[u8]) -> Result<ProgramInstruction, CodecError> {
    match decode_executed_instruction(bytes)? {
        (instruction, 0) => Ok(instruction),
        (_, count) => Err(CodecError::TrailingBytes { count }),
    }
}

/// Reads an instruction that the program has executed, and tells how many bytes follow its arguments.
///
/// The program itself ignores what follows them. So a stranger can append bytes to an honest instruction, and it takes
/// effect: whoever refused it would lose the event.
pub fn decode_executed_instruction(bytes: &[u8]) -> Result<(ProgramInstruction, usize), CodecError> {
    let kind = instruction_kind(bytes)?;
    let (_, mut reader) = split(bytes)?;
    let instruction = kind.read(&mut reader)?;
    Ok((instruction, reader.rest().len()))
}

/// Writes an instruction's data.
pub fn encode_instruction(instruction: &ProgramInstruction) -> Vec<u8> {
    let mut bytes = instruction.kind().discriminator().to_vec();
    instruction.write(&mut bytes);
    bytes
}
