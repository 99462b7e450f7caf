//! The machine that the program runs on, as a small trait.
//!
//! Owns: the list of what the program may ask of its machine. Never: any rule of the program. The logic is written
//! against this trait alone, so that it runs inside a VM as native code today and can become on-chain code later.

use solana_sdk::pubkey::Pubkey;

/// What the machine knows of one account of the instruction, at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountView {
    /// Its address.
    pub key: Pubkey,
    /// The program that owns it.
    pub owner: Pubkey,
    /// Its balance in lamports.
    pub lamports: u64,
    /// It signed the transaction.
    pub signer: bool,
    /// The instruction may change it.
    pub writable: bool,
}

/// The machine refused: a failed inner call, a change of an account that may not be changed. The machine keeps the
/// reason; the program can only stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// The seeds of a program address, with its bump as the last one.
pub type Seeds<'a> = &'a [&'a [u8]];

/// The machine under the program. Accounts are named by their position in the instruction.
pub trait Host {
    /// The address that the program is called at.
    fn program_id(&self) -> Pubkey;
    /// The account at `index`, or `None` past the last one.
    fn account(&self, index: usize) -> Option<AccountView>;
    /// A copy of the account's data.
    fn data(&self, index: usize) -> Result<Vec<u8>, Refused>;
    /// Writes `bytes` at the start of the account's data; the rest stays.
    fn write(&mut self, index: usize, bytes: &[u8]) -> Result<(), Refused>;
    /// Moves lamports between two accounts without an inner call; the program must own `from`.
    fn move_lamports(&mut self, from: usize, to: usize, lamports: u64) -> Result<(), Refused>;
    /// The clock, in unix seconds.
    fn now(&self) -> Result<i64, Refused>;
    /// The least balance of an account with `space` bytes of data, in lamports.
    fn rent_minimum(&self, space: usize) -> Result<u64, Refused>;
    /// A `Program log:` line.
    fn log(&mut self, message: &str);
    /// A `Program data:` line.
    fn event(&mut self, bytes: &[u8]);
    /// The system program's transfer, as an inner call. `from` must have signed, nothing else signs for it.
    fn transfer(&mut self, from: usize, to: usize, lamports: u64) -> Result<(), Refused>;
    /// The system program's create-account as an inner call; the program becomes the owner, the seeds sign.
    fn create(&mut self, payer: usize, account: usize, lamports: u64, space: u64, seeds: Seeds) -> Result<(), Refused>;
    /// The system program's allocate as an inner call; the seeds sign.
    fn allocate(&mut self, account: usize, space: u64, seeds: Seeds) -> Result<(), Refused>;
    /// The system program's assign (to this program) as an inner call; the seeds sign.
    fn assign(&mut self, account: usize, seeds: Seeds) -> Result<(), Refused>;
}
