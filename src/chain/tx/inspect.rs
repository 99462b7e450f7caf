//! Is this a transaction that we would have built?
//!
//! Owns the judgement of a signed transaction that a client hands in: one instruction of ours, for a user, with exactly
//! the accounts that the builder gives it; paid and signed by the caller and by nobody else; every signature good;
//! beside it only the compute budget, memos and wallets' guards. Everything else is refused, with a reason for each thing
//! that a client can do differently. Never asks the chain: whether it can still land is the caller's question.

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use solana_sdk::{
    hash::Hash,
    instruction::Instruction,
    message::{VersionedMessage, compiled_instruction::CompiledInstruction},
    pubkey::Pubkey,
    transaction::VersionedTransaction,
};
use solana_transaction_status_client_types::{EncodedTransaction, TransactionBinaryEncoding};

use super::{COMPUTE_BUDGET, LIGHTHOUSE, MEMO, WIRE_BYTES_MAX};
use crate::{
    chain::{
        anchor::instructions::decode_instruction,
        program::{
            InstructionBuilder,
            instructions::{InstructionKind, ProgramInstruction},
        },
    },
    domain::ids::{AccountAddress, MarketAddress, TxSignature, Wallet},
};

/// Most instructions of a transaction: ours, the compute budget's, and what a wallet adds.
const INSTRUCTIONS_MAX: usize = 16;

/// A transaction that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// Its first signature: its name.
    pub signature: TxSignature,
    /// The bytes that travel.
    pub wire: Vec<u8>,
    /// What it does.
    pub instruction: ProgramInstruction,
    /// To which market.
    pub market: MarketAddress,
    /// The fee wallet that it names, if it names one: only the config knows whether it is the right one.
    pub fee_wallet: Option<Wallet>,
    /// The resolver that it names, if it names one: only the market knows.
    pub resolver: Option<Wallet>,
    /// What it was signed with.
    pub blockhash: Hash,
}

/// Why a transaction is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no base64 text.
    #[error("This is not base64.")]
    NotBase64,
    /// It is longer than the cluster takes.
    #[error("A transaction has at most {WIRE_BYTES_MAX} bytes.")]
    TooLong,
    /// Its bytes are no transaction, or one with something behind it.
    #[error("These bytes are not a transaction.")]
    Malformed,
    /// A form that is not known here.
    #[error("Only legacy and version 0 transactions are taken.")]
    UnknownVersion,
    /// It takes accounts from lookup tables, which the program's instructions do not need.
    #[error("Address lookup tables are not taken.")]
    LookupTables,
    /// Somebody else pays.
    #[error("The fee payer must be the signed-in wallet.")]
    OtherPayer,
    /// More than the caller have to sign.
    #[error("Nobody but the signed-in wallet may sign.")]
    OtherSigners,
    /// A signature is missing, or is of another message or key.
    #[error("The signature is missing or wrong.")]
    BadSignature,
    /// More than any wallet would add.
    #[error("A transaction has at most {INSTRUCTIONS_MAX} instructions.")]
    TooManyInstructions,
    /// An instruction of a program that has no business here.
    #[error("Instruction {index} is of the program {program}, which is not taken here.")]
    OtherProgram {
        /// Which, from 0.
        index: usize,
        /// Whose.
        program: AccountAddress,
    },
    /// None of our program's.
    #[error("There is no instruction of the zmart program in it.")]
    NothingOfOurs,
    /// Two or more of our program's.
    #[error("There is more than one instruction of the zmart program in it.")]
    MoreThanOne,
    /// Ours, but its data are none of the program's instructions.
    #[error("Instruction {index} is no instruction of the zmart program.")]
    Undecodable {
        /// Which, from 0.
        index: usize,
    },
    /// Ours, but none that users send here.
    #[error("{name} is not sent here.")]
    NotForUsers {
        /// Its name.
        name: &'static str,
    },
    /// Ours, but with other accounts, or in other roles, than it must have.
    #[error("Account {position} of {name} is not the one that it must be.")]
    OtherAccounts {
        /// Its name.
        name: &'static str,
        /// Which account of the instruction, from 0; one past the last where there are too few or too many.
        position: usize,
    },
}

/// Judges a transaction that the caller hands in, base64.
///
/// # Errors
/// The first [`Refusal`].
pub fn inspect(build: &InstructionBuilder, text: &str, caller: Wallet) -> Result<Inspected, Refusal> {
    // Four characters for three bytes: a longer text is refused before work is spent on it.
    if text.len() > WIRE_BYTES_MAX.div_ceil(3) * 4 {
        return Err(Refusal::TooLong);
    }
    let wire = BASE64_STANDARD.decode(text).map_err(|_| Refusal::NotBase64)?;
    if wire.len() > WIRE_BYTES_MAX {
        return Err(Refusal::TooLong);
    }
    let transaction = parse(&wire)?;
    let message = &transaction.message;
    match message {
        VersionedMessage::Legacy(_) => {}
        VersionedMessage::V0(message) if message.address_table_lookups.is_empty() => {}
        VersionedMessage::V0(_) => return Err(Refusal::LookupTables),
        _ => return Err(Refusal::UnknownVersion),
    }
    let keys = message.static_account_keys();
    if keys.first().is_none_or(|payer| payer.to_bytes() != caller.0) {
        return Err(Refusal::OtherPayer);
    }
    if message.header().num_required_signatures != 1 || transaction.signatures.len() != 1 {
        return Err(Refusal::OtherSigners);
    }
    let signature = <[u8; 64]>::from(*transaction.signatures.first().ok_or(Refusal::BadSignature)?);
    let key = VerifyingKey::from_bytes(&caller.0).map_err(|_| Refusal::BadSignature)?;
    let signed = message.serialize();
    key.verify_strict(&signed, &Signature::from_bytes(&signature)).map_err(|_| Refusal::BadSignature)?;
    let (index, compiled) = only_ours(build, message)?;
    let instruction = decode_instruction(&compiled.data).map_err(|_| Refusal::Undecodable { index })?;
    let found = accounts_of(compiled, keys).ok_or(Refusal::Malformed)?;
    let named = Named::by(&instruction, &found);
    let name = instruction.kind().name();
    let expected = rebuilt(build, &instruction, caller, &named).ok_or(Refusal::NotForUsers { name })?;
    same_accounts(message, compiled, &expected).map_err(|position| Refusal::OtherAccounts { name, position })?;
    if expected.data != compiled.data {
        return Err(Refusal::Undecodable { index });
    }
    let market = named.market.ok_or(Refusal::NotForUsers { name })?;
    let (fee_wallet, resolver) = (named.fee_wallet, named.resolver);
    let (signature, blockhash) = (TxSignature(signature), *message.recent_blockhash());
    Ok(Inspected { signature, wire, instruction, market, fee_wallet, resolver, blockhash })
}

/// The place of our program's instruction in a transaction that was taken.
pub fn place_of_ours(build: &InstructionBuilder, wire: &[u8]) -> Option<usize> {
    only_ours(build, &parse(wire).ok()?.message).ok().map(|(index, _)| index)
}

/// The transaction of exactly these bytes.
fn parse(wire: &[u8]) -> Result<VersionedTransaction, Refusal> {
    let text = BASE64_STANDARD.encode(wire);
    let transaction =
        EncodedTransaction::Binary(text, TransactionBinaryEncoding::Base64).decode().ok_or(Refusal::Malformed)?;
    let count = u8::try_from(transaction.signatures.len()).ok().filter(|count| *count < 128);
    let mut again = vec![count.ok_or(Refusal::Malformed)?];
    transaction.signatures.iter().for_each(|signature| again.extend_from_slice(signature.as_ref()));
    again.extend_from_slice(&transaction.message.serialize());
    // What a reader leaves out or reads in two ways is no name for anything.
    if again == wire { Ok(transaction) } else { Err(Refusal::Malformed) }
}

/// The one instruction of our program, if everything beside it may be there.
fn only_ours<'a>(
    build: &InstructionBuilder,
    message: &'a VersionedMessage,
) -> Result<(usize, &'a CompiledInstruction), Refusal> {
    let program = Pubkey::new_from_array(build.program().0);
    if message.instructions().len() > INSTRUCTIONS_MAX {
        return Err(Refusal::TooManyInstructions);
    }
    let mut ours = None;
    for (index, instruction) in message.instructions().iter().enumerate() {
        let key = message.static_account_keys().get(usize::from(instruction.program_id_index));
        let key = *key.ok_or(Refusal::Malformed)?;
        if key == program {
            if ours.replace((index, instruction)).is_some() {
                return Err(Refusal::MoreThanOne);
            }
        } else if key != COMPUTE_BUDGET && key != LIGHTHOUSE && !MEMO.contains(&key) {
            return Err(Refusal::OtherProgram { index, program: AccountAddress(key.to_bytes()) });
        }
    }
    ours.ok_or(Refusal::NothingOfOurs)
}

fn accounts_of(instruction: &CompiledInstruction, keys: &[Pubkey]) -> Option<Vec<Pubkey>> {
    instruction.accounts.iter().map(|index| keys.get(usize::from(*index)).copied()).collect()
}

/// The accounts that do not follow from program, caller and market.
#[derive(Debug, Default)]
struct Named {
    market: Option<MarketAddress>,
    fee_wallet: Option<Wallet>,
    resolver: Option<Wallet>,
}

impl Named {
    fn by(instruction: &ProgramInstruction, accounts: &[Pubkey]) -> Self {
        let kind = instruction.kind();
        let at = |name| kind.account_index(name).and_then(|index| accounts.get(index)).map(|key| key.to_bytes());
        let resolver = if kind == InstructionKind::ClaimWinnings { at("resolver") } else { None };
        Self {
            market: at("market").map(MarketAddress),
            fee_wallet: at("protocol_fee_wallet").map(Wallet),
            resolver: resolver.map(Wallet),
        }
    }
}

/// The instruction as the builder makes it for this caller; `None` for those that users do not send here.
fn rebuilt(
    build: &InstructionBuilder,
    instruction: &ProgramInstruction,
    caller: Wallet,
    named: &Named,
) -> Option<Instruction> {
    use ProgramInstruction as I;
    let market = named.market?;
    Some(match *instruction {
        I::CreateMarket(market) => build.create_market(caller, market),
        I::ActivateMarket(_) => build.activate_market(market, caller),
        I::BuyShares(buy) => build.buy_shares(market, caller, named.fee_wallet?, buy.outcome.into(), buy.target_cost),
        I::SellShares(sell) => build.sell_shares(
            market,
            caller,
            named.fee_wallet?,
            sell.outcome.into(),
            sell.shares_to_sell,
            sell.min_proceeds,
        ),
        I::ResolveMarket(resolve) => {
            build.resolve_market(market, caller, resolve.proposed_outcome.into(), resolve.ipfs_evidence_hash)
        }
        I::InitiateDispute(_) => build.initiate_dispute(market, caller),
        I::ClaimWinnings(_) => build.claim_winnings(market, caller, named.resolver?),
        I::WithdrawLiquidity(_) => build.withdraw_liquidity(market, caller),
        _ => return None,
    })
}

/// The place of the first account that is another one, or may do less than it must.
fn same_accounts(message: &VersionedMessage, found: &CompiledInstruction, expected: &Instruction) -> Result<(), usize> {
    let keys = message.static_account_keys();
    for (position, wanted) in expected.accounts.iter().enumerate() {
        let index = found.accounts.get(position).copied().map(usize::from).ok_or(position)?;
        let is_same = keys.get(index) == Some(&wanted.pubkey);
        let may_write = is_writable(message, index);
        let may = (!wanted.is_signer || message.is_signer(index)) && (!wanted.is_writable || may_write);
        if !is_same || !may {
            return Err(position);
        }
    }
    if found.accounts.len() == expected.accounts.len() { Ok(()) } else { Err(expected.accounts.len()) }
}

/// What the header says of the key: signers first, of both kinds the writable ones first.
fn is_writable(message: &VersionedMessage, index: usize) -> bool {
    let header = message.header();
    let signers = usize::from(header.num_required_signatures);
    let (begin_read_only, end) = if index < signers {
        (signers.saturating_sub(usize::from(header.num_readonly_signed_accounts)), signers)
    } else {
        let end = message.static_account_keys().len();
        (end.saturating_sub(usize::from(header.num_readonly_unsigned_accounts)), end)
    };
    index < begin_read_only && index < end
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;
