//! What happens on the feeder's chain: transactions in their order, and the accounts that they leave.
//!
//! A story knows transactions by numbers from 0 and executes them one at a time, the next one always on what the ones
//! before have left; the newest can be undone, as a fork does it. It knows no slot, no socket and no clock.

use zmart::domain::ids::{AccountAddress, MarketAddress, ProgramId, TxSignature};

/// The number of a transaction in its story.
pub type Number = u32;

/// An account of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its balance.
    pub lamports: u64,
    /// All its bytes.
    pub data: Vec<u8>,
}

/// See the module.
pub trait Story: Send {
    /// The program that it is about.
    fn program(&self) -> ProgramId;

    /// How many transactions there are.
    fn len(&self) -> Number;

    /// There are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A transaction's signature.
    fn signature(&self, number: Number) -> TxSignature;

    /// The transaction with that signature.
    fn find(&self, signature: &TxSignature) -> Option<Number>;

    /// Executes one; false if it can't happen now, and then nothing has.
    fn execute(&mut self, number: Number) -> bool;

    /// Undoes the newest that was executed.
    fn undo(&mut self, number: Number);

    /// The oldest that can still be undone never will be.
    fn settle(&mut self);

    /// Appends the log of an executed one, as a JSON array.
    fn write_logs(&self, number: Number, out: &mut String);

    /// Its error, as JSON; `null` if it had none.
    fn error(&self, number: Number) -> &str;

    /// The chain's time of it.
    fn unix_time(&self, number: Number) -> i64;

    /// Which market's history it belongs to, by the market's index in the story.
    fn market_of(&self, number: Number) -> Option<u32>;

    /// The index of a market.
    fn market_index(&self, address: MarketAddress) -> Option<u32>;

    /// Its bytes, as they were sent.
    fn transaction(&self, number: Number) -> Vec<u8>;

    /// An account of the program, as it is now.
    fn account(&mut self, address: AccountAddress) -> Option<Account>;

    /// All accounts of the program that are so long, as they are now.
    fn accounts(&mut self, bytes: Option<usize>, each: &mut dyn FnMut(AccountAddress, Account));
}
