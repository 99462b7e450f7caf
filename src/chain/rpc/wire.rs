//! A node's JSON, turned into our own types.
//!
//! The client library's types are not used for transactions: they refuse a whole answer because of one error name or
//! one field that they do not know, and what they drop is gone. Here only what is needed is read, and that strictly.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;
use solana_transaction_status_client_types::{EncodedTransaction, TransactionBinaryEncoding};

use crate::{
    chain::model::{RawInvocation, RawTransaction},
    domain::ids::{AccountAddress, ProgramId, Slot, TxSignature},
};

/// Why an answer can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WireError(pub(super) String);

fn bad<T: std::fmt::Display>(what: &'static str) -> impl Fn(T) -> WireError {
    move |error| WireError(format!("{what}: {error}"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTransaction {
    slot: u64,
    block_time: Option<i64>,
    #[serde(default, alias = "indexWithinBlock")]
    transaction_index: Option<u32>,
    meta: Option<WireMeta>,
    transaction: WireBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMeta {
    /// Required: a missing one must not read as "no error".
    err: Value,
    #[serde(default)]
    log_messages: Option<Vec<String>>,
    #[serde(default)]
    inner_instructions: Option<Vec<WireInner>>,
    #[serde(default)]
    loaded_addresses: Option<WireLoaded>,
}

#[derive(Deserialize)]
struct WireInner {
    index: usize,
    instructions: Vec<WireInstruction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireInstruction {
    program_id_index: u8,
    accounts: Vec<u8>,
    data: String,
    #[serde(default)]
    stack_height: Option<u32>,
}

#[derive(Default, Deserialize)]
struct WireLoaded {
    writable: Vec<AccountAddress>,
    readonly: Vec<AccountAddress>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireBody {
    Encoded(String, String),
    Json { signatures: Vec<TxSignature>, message: WireMessage },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMessage {
    account_keys: Vec<AccountAddress>,
    instructions: Vec<WireInstruction>,
}

/// An instruction before its indexes are resolved. Inner data stays text until it is known whose it is.
struct Compiled {
    program: u8,
    accounts: Vec<u8>,
    data: Data,
    stack_height: Option<u32>,
}

enum Data {
    Bytes(Vec<u8>),
    Base58(String),
}

impl Compiled {
    fn new(instruction: WireInstruction, stack_height: Option<u32>) -> Self {
        let WireInstruction { program_id_index, accounts, data, .. } = instruction;
        Self { program: program_id_index, accounts, data: Data::Base58(data), stack_height }
    }
}

/// Reads a transaction as `getTransaction` answers it (encoding `base64` or `json`), or as a raw webhook delivers it.
///
/// The data of other programs' inner instructions is left out (empty): undoing base58 takes time in the square of the
/// length, and a stranger chooses the length.
pub fn parse_transaction(program: ProgramId, answer: Value) -> Result<RawTransaction, WireError> {
    understand(program, serde_json::from_value(answer).map_err(bad("transaction"))?)
}

/// As [`parse_transaction`], from the answer's text.
pub(super) fn parse_transaction_text(program: ProgramId, answer: &str) -> Result<RawTransaction, WireError> {
    understand(program, serde_json::from_str(answer).map_err(bad("transaction"))?)
}

fn understand(program: ProgramId, wire: WireTransaction) -> Result<RawTransaction, WireError> {
    let meta = wire.meta.ok_or_else(|| WireError("transaction: no status is known".into()))?;
    let (signature, mut keys, outer) = match wire.transaction {
        WireBody::Encoded(text, encoding) => decode_body(text, &encoding)?,
        WireBody::Json { signatures, message } => {
            let signature = signatures.first().copied().ok_or_else(|| WireError("transaction: no signature".into()))?;
            let outer = message.instructions.into_iter().map(|instruction| Compiled::new(instruction, Some(1)));
            (signature, message.account_keys, outer.collect())
        }
    };
    let WireLoaded { writable, readonly } = meta.loaded_addresses.unwrap_or_default();
    keys.extend(writable);
    keys.extend(readonly);

    let mut inner = meta.inner_instructions.unwrap_or_default();
    let mut invocations = Vec::with_capacity(outer.len());
    for (index, instruction) in outer.into_iter().enumerate() {
        invocations.push(resolve(program, &keys, instruction)?);
        let mut called = Vec::new();
        inner.retain_mut(|group| {
            let here = group.index == index;
            if here {
                called.append(&mut group.instructions);
            }
            !here
        });
        for instruction in called {
            let height = instruction.stack_height;
            invocations.push(resolve(program, &keys, Compiled::new(instruction, height))?);
        }
    }
    if let Some(group) = inner.first() {
        return Err(WireError(format!("transaction: inner instructions of instruction {}", group.index)));
    }
    Ok(RawTransaction {
        signature,
        slot: wire.slot,
        index_in_block: wire.transaction_index,
        block_time: wire.block_time,
        failed: !meta.err.is_null(),
        logs: meta.log_messages,
        invocations: Some(invocations),
    })
}

fn decode_body(text: String, encoding: &str) -> Result<(TxSignature, Vec<AccountAddress>, Vec<Compiled>), WireError> {
    if encoding != "base64" {
        return Err(WireError(format!("transaction: encoding {encoding:?}")));
    }
    let transaction = EncodedTransaction::Binary(text, TransactionBinaryEncoding::Base64)
        .decode()
        .ok_or_else(|| WireError("transaction: its bytes are none".into()))?;
    let signature = transaction.signatures.first().ok_or_else(|| WireError("transaction: no signature".into()))?;
    let keys = transaction.message.static_account_keys().iter().map(|key| AccountAddress(key.to_bytes())).collect();
    let outer = transaction.message.instructions().iter().map(|instruction| Compiled {
        program: instruction.program_id_index,
        accounts: instruction.accounts.clone(),
        data: Data::Bytes(instruction.data.clone()),
        stack_height: Some(1),
    });
    Ok((TxSignature((*signature).into()), keys, outer.collect()))
}

fn resolve(ours: ProgramId, keys: &[AccountAddress], instruction: Compiled) -> Result<RawInvocation, WireError> {
    let key = |index: u8| {
        keys.get(usize::from(index)).copied().ok_or_else(|| WireError(format!("transaction: no account {index}")))
    };
    let program = ProgramId(key(instruction.program)?.0);
    let data = match instruction.data {
        Data::Bytes(bytes) => bytes,
        Data::Base58(text) if program == ours => {
            bs58::decode(text).into_vec().map_err(bad("transaction: instruction data"))?
        }
        Data::Base58(_) => Vec::new(),
    };
    let accounts = instruction.accounts.into_iter().map(key).collect::<Result<_, _>>()?;
    Ok(RawInvocation { program, accounts, data, stack_height: instruction.stack_height })
}

/// A transaction that a node lists for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundSignature {
    /// The transaction.
    pub signature: TxSignature,
    /// The slot that it landed in.
    pub slot: Slot,
    /// Its index in the block, where the node tells it.
    pub index_in_block: Option<u32>,
    /// It had no effect.
    pub failed: bool,
    /// The block's time in unix seconds, where the node tells it.
    pub block_time: Option<i64>,
    /// It can't vanish any more.
    pub finalized: bool,
}

/// A page of what a node lists for an address, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignaturePage {
    /// Confirmed or finalized.
    pub found: Vec<FoundSignature>,
    /// How many merely processed ones the node listed although it was asked for confirmed ones. They are not in `found`.
    pub processed_left_out: usize,
    /// The last transaction of the page, left out or not: what to page on from. `None`: the node lists nothing (more),
    /// or does not know the signature that it was asked to start before.
    pub oldest: Option<TxSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFound {
    signature: TxSignature,
    slot: u64,
    err: Value,
    block_time: Option<i64>,
    #[serde(default)]
    confirmation_status: Option<WireStatus>,
    #[serde(default)]
    transaction_index: Option<u32>,
}

/// A status on the wire.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum WireStatus {
    Processed,
    Confirmed,
    Finalized,
}

pub(super) fn parse_signatures(answer: Value) -> Result<SignaturePage, WireError> {
    let list: Vec<WireFound> = serde_json::from_value(answer).map_err(bad("signatures"))?;
    let oldest = list.last().map(|last| last.signature);
    let listed = list.len();
    let found: Vec<FoundSignature> = list
        .into_iter()
        .filter(|entry| entry.confirmation_status != Some(WireStatus::Processed))
        .map(|entry| FoundSignature {
            signature: entry.signature,
            slot: Slot(entry.slot),
            index_in_block: entry.transaction_index,
            failed: !entry.err.is_null(),
            block_time: entry.block_time,
            finalized: entry.confirmation_status == Some(WireStatus::Finalized),
        })
        .collect();
    Ok(SignaturePage { processed_left_out: listed - found.len(), found, oldest })
}

/// An account as a node tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAccount {
    /// The program that owns it.
    pub owner: ProgramId,
    /// Its balance, in lamports.
    pub lamports: u64,
    /// Its bytes.
    pub data: Vec<u8>,
}

#[derive(Deserialize)]
struct WireAccount {
    owner: ProgramId,
    lamports: u64,
    data: (String, String),
}

#[derive(Deserialize)]
struct WireKeyed {
    pubkey: AccountAddress,
    account: WireAccount,
}

impl TryFrom<WireAccount> for RawAccount {
    type Error = WireError;

    fn try_from(wire: WireAccount) -> Result<Self, WireError> {
        let (text, encoding) = wire.data;
        if encoding != "base64" {
            return Err(WireError(format!("account: encoding {encoding:?}")));
        }
        let data = BASE64_STANDARD.decode(text).map_err(bad("account"))?;
        Ok(Self { owner: wire.owner, lamports: wire.lamports, data })
    }
}

#[derive(Deserialize)]
pub(super) struct WithContext<T> {
    pub context: Context,
    pub value: T,
}

#[derive(Deserialize)]
pub(super) struct Context {
    pub slot: u64,
}

pub(super) fn parse_accounts(answer: Value) -> Result<(Slot, Vec<Option<RawAccount>>), WireError> {
    let answer: WithContext<Vec<Option<WireAccount>>> = serde_json::from_value(answer).map_err(bad("accounts"))?;
    let accounts = answer.value.into_iter().map(|account| account.map(RawAccount::try_from).transpose());
    Ok((Slot(answer.context.slot), accounts.collect::<Result<_, _>>()?))
}

pub(super) fn parse_keyed_accounts(answer: Value) -> Result<Vec<(AccountAddress, RawAccount)>, WireError> {
    let list: Vec<WireKeyed> = serde_json::from_value(answer).map_err(bad("accounts"))?;
    list.into_iter().map(|entry| Ok((entry.pubkey, entry.account.try_into()?))).collect()
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
