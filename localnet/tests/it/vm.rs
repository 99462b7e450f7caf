//! A VM in this process with the program at an address, and nothing else: no signatures, no blockhashes.

use solana_sdk::account::Account;
use solana_sdk::clock::Clock;
use solana_sdk::hash::Hash;
use solana_sdk::instruction::Instruction;
use solana_sdk::message::Message;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::transaction::Transaction;
use surfpool_core::litesvm::LiteSVM;
use zmart_localnet::native::registerer;
use zmart_localnet::program::Payout;

/// What a transaction did.
pub struct Ran {
    /// The error as the recordings write it, or `None`.
    pub error: Option<String>,
    /// All log lines.
    pub logs: Vec<String>,
}

/// The VM.
pub struct Vm {
    svm: LiteSVM,
    sent: u64,
}

impl Vm {
    /// A VM with the program at `program`.
    pub fn new(program: Pubkey, payout: Payout) -> Self {
        let mut svm = LiteSVM::new().with_sigverify(false).with_blockhash_check(false).with_log_bytes_limit(None);
        svm.add_builtin(program, registerer(payout));
        Self { svm, sent: 0 }
    }

    /// Sets the time.
    pub fn clock(&mut self, slot: u64, unix_timestamp: i64) {
        let mut clock = self.svm.get_sysvar::<Clock>();
        clock.slot = slot;
        clock.unix_timestamp = unix_timestamp;
        self.svm.set_sysvar(&clock);
    }

    /// Puts an account there.
    pub fn put(&mut self, key: Pubkey, lamports: u64, owner: Pubkey, data: Vec<u8>) {
        let account = Account { lamports, data, owner, executable: false, rent_epoch: u64::MAX };
        self.svm.set_account(key, account).expect("an account can be set");
    }

    /// The balance of an account, zero without one.
    pub fn lamports(&self, key: &Pubkey) -> u64 {
        self.svm.get_account(key).map_or(0, |account| account.lamports)
    }

    /// The data of an account, empty without one.
    pub fn data(&self, key: &Pubkey) -> Vec<u8> {
        self.svm.get_account(key).map_or_else(Vec::new, |account| account.data)
    }

    /// Runs a transaction of these instructions.
    pub fn run(&mut self, instructions: &[Instruction], payer: Pubkey) -> Ran {
        self.sent += 1;
        let mut unique = [0; 32];
        unique[..8].copy_from_slice(&self.sent.to_le_bytes());
        let message = Message::new_with_blockhash(instructions, Some(&payer), &Hash::new_from_array(unique));
        let (error, meta) = match self.svm.send_transaction(Transaction::new_unsigned(message)) {
            Ok(meta) => (None, meta),
            Err(failed) => (Some(format!("{:?}", failed.err)), failed.meta),
        };
        Ran { error, logs: meta.logs }
    }
}
