//! A recorded story: transactions of the deployed program, with the accounts that each left.
//!
//! A line of the recording is a JSON object with the signature, the time, the accounts of the instructions, their data,
//! the log, the error, and the program's accounts afterwards. Slots are the feeder's own.

use std::collections::{HashMap, VecDeque};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};
use zmart::domain::ids::{AccountAddress, MarketAddress, ProgramId, TxSignature, Wallet};

use super::{
    story::{Account, Number, Story},
    wire::transaction,
};

struct Recording {
    signature: TxSignature,
    unix_time: i64,
    payer: Wallet,
    instructions: Vec<Instruction>,
    logs: String,
    error: String,
    market: Option<u32>,
    after: Vec<(AccountAddress, Account)>,
}

/// Accounts that one transaction has replaced.
type Before = Vec<(AccountAddress, Option<Account>)>;

/// See the module.
pub struct RecordedStory {
    program: ProgramId,
    recordings: Vec<Recording>,
    by_signature: HashMap<TxSignature, Number>,
    markets: HashMap<MarketAddress, u32>,
    accounts: HashMap<AccountAddress, Account>,
    undo: VecDeque<Before>,
}

impl RecordedStory {
    /// Reads a recording.
    ///
    /// # Errors
    /// A line that is none, with what is wrong.
    pub fn read(lines: &str) -> Result<Self, String> {
        let mut story = Self {
            program: ProgramId([0; 32]),
            recordings: Vec::new(),
            by_signature: HashMap::new(),
            markets: HashMap::new(),
            accounts: HashMap::new(),
            undo: VecDeque::new(),
        };
        for (index, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            story.take(line).ok_or_else(|| format!("line {} is no recorded transaction", index + 1))?;
        }
        Ok(story)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.program = text(&line["program"])?.parse().ok()?;
        let program_id = Pubkey::new_from_array(self.program.0);
        let (mut metas, mut lamports, mut market) = (Vec::new(), HashMap::new(), None);
        for account in line["accounts"].as_array()? {
            let address: AccountAddress = text(&account["pubkey"])?.parse().ok()?;
            let key = Pubkey::new_from_array(address.0);
            let (signer, writable) = (account["signer"].as_bool()?, account["writable"].as_bool()?);
            metas.push(AccountMeta { pubkey: key, is_signer: signer, is_writable: writable });
            lamports.insert(address, text(&account["post_lamports"])?.parse().ok()?);
            if account["name"] == "market" {
                let next = u32::try_from(self.markets.len()).ok()?;
                market = Some(*self.markets.entry(MarketAddress(address.0)).or_insert(next));
            }
        }
        let data = match &line["data_hex"] {
            Value::Array(several) => several.iter().map(|one| bytes(one.as_str()?)).collect::<Option<Vec<_>>>()?,
            one => vec![bytes(one.as_str()?)?],
        };
        let instructions =
            data.into_iter().map(|data| Instruction { program_id, accounts: metas.clone(), data }).collect();
        let mut after = Vec::new();
        for (address, data) in line["post_program_accounts_b64"].as_object()? {
            let address: AccountAddress = address.parse().ok()?;
            let data = BASE64_STANDARD.decode(data.as_str()?).ok()?;
            after.push((address, Account { lamports: *lamports.get(&address)?, data }));
        }
        let signature: TxSignature = text(&line["signature"])?.parse().ok()?;
        let number = u32::try_from(self.recordings.len()).ok()?;
        self.by_signature.insert(signature, number);
        self.recordings.push(Recording {
            signature,
            unix_time: line["block_time"].as_i64()?,
            payer: text(&line["fee_payer"])?.parse().ok()?,
            instructions,
            logs: line["logs"].to_string(),
            error: error(&line["err"])?,
            market,
            after,
        });
        Some(())
    }

    fn recording(&self, number: Number) -> &Recording {
        &self.recordings[number as usize]
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// `InstructionError(1, Custom(6018))` as a node says it.
fn error(text: &Value) -> Option<String> {
    let Some(text) = text.as_str() else { return Some("null".to_owned()) };
    let (index, what) = text.strip_prefix("InstructionError(")?.strip_suffix(')')?.split_once(", ")?;
    let what = match what.strip_prefix("Custom(") {
        Some(code) => format!(r#"{{"Custom":{}}}"#, code.strip_suffix(')')?),
        None => format!("\"{what}\""),
    };
    Some(format!(r#"{{"InstructionError":[{index},{what}]}}"#))
}

impl Story for RecordedStory {
    fn program(&self) -> ProgramId {
        self.program
    }

    fn len(&self) -> Number {
        u32::try_from(self.recordings.len()).unwrap_or(Number::MAX)
    }

    fn signature(&self, number: Number) -> TxSignature {
        self.recording(number).signature
    }

    fn find(&self, signature: &TxSignature) -> Option<Number> {
        self.by_signature.get(signature).copied()
    }

    fn execute(&mut self, number: Number) -> bool {
        let after = self.recording(number).after.clone();
        let before = after.into_iter().map(|(address, account)| (address, self.accounts.insert(address, account)));
        let before = before.collect();
        self.undo.push_back(before);
        true
    }

    fn undo(&mut self, _number: Number) {
        for (address, account) in self.undo.pop_back().unwrap_or_default() {
            match account {
                Some(account) => drop(self.accounts.insert(address, account)),
                None => drop(self.accounts.remove(&address)),
            }
        }
    }

    fn settle(&mut self) {
        self.undo.pop_front();
    }

    fn write_logs(&self, number: Number, out: &mut String) {
        out.push_str(&self.recording(number).logs);
    }

    fn error(&self, number: Number) -> &str {
        &self.recording(number).error
    }

    fn unix_time(&self, number: Number) -> i64 {
        self.recording(number).unix_time
    }

    fn market_of(&self, number: Number) -> Option<u32> {
        self.recording(number).market
    }

    fn market_index(&self, address: MarketAddress) -> Option<u32> {
        self.markets.get(&address).copied()
    }

    fn transaction(&self, number: Number) -> Vec<u8> {
        let recording = self.recording(number);
        transaction(recording.signature, recording.payer, &recording.instructions)
    }

    fn account(&mut self, address: AccountAddress) -> Option<Account> {
        self.accounts.get(&address).cloned()
    }

    fn accounts(&mut self, bytes: Option<usize>, each: &mut dyn FnMut(AccountAddress, Account)) {
        for (address, account) in &self.accounts {
            if bytes.is_none_or(|bytes| bytes == account.data.len()) {
                each(*address, account.clone());
            }
        }
    }
}
