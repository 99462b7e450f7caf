//! The program's derived addresses (`docs/program.md`, section 3), always with the canonical bump.

use solana_sdk::pubkey::Pubkey;

use crate::domain::ids::{AccountAddress, MarketAddress, MarketSeed, ProgramId, Wallet};
pub use crate::domain::tally::VoteKind;

/// Derives the addresses of one deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramAddresses {
    program: Pubkey,
}

impl ProgramAddresses {
    /// Of the program at that id.
    pub fn new(program: ProgramId) -> Self {
        Self { program: Pubkey::new_from_array(program.0) }
    }

    /// The config account.
    pub fn config(&self) -> (AccountAddress, u8) {
        let (address, bump) = self.find(&[b"global-config"]);
        (AccountAddress(address), bump)
    }

    /// A market's account.
    pub fn market(&self, seed: MarketSeed) -> (MarketAddress, u8) {
        let (address, bump) = self.find(&[b"market", &seed.0]);
        (MarketAddress(address), bump)
    }

    /// A wallet's position in a market.
    pub fn position(&self, market: MarketAddress, user: Wallet) -> (AccountAddress, u8) {
        let (address, bump) = self.find(&[b"position", &market.0, &user.0]);
        (AccountAddress(address), bump)
    }

    /// A wallet's vote on a market.
    pub fn vote(&self, market: MarketAddress, user: Wallet, kind: VoteKind) -> (AccountAddress, u8) {
        let (address, bump) = self.find(&[b"vote", &market.0, &user.0, &[kind as u8]]);
        (AccountAddress(address), bump)
    }

    // About 250 tries out of 256 would have to fail for there to be no address; the seeds are of fixed length, so this
    // never depends on outside input in a way that could be aimed at.
    fn find(&self, seeds: &[&[u8]]) -> ([u8; 32], u8) {
        let (address, bump) = Pubkey::find_program_address(seeds, &self.program);
        (address.to_bytes(), bump)
    }
}
