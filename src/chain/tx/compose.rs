//! From instructions to a transaction.
//!
//! Owns the form: which version, the two compute budget instructions in front, and which signature goes where. The compute
//! limit comes from a rehearsal ([`compute_limit`]), the price of a unit from what others pay ([`Percentiles`]) or from the
//! user, both capped. Holds no key: who signs gets the message and gives a signature.

use base64::{Engine, prelude::BASE64_STANDARD};
use solana_sdk::{
    hash::Hash,
    instruction::Instruction,
    message::{CompileError, Message, VersionedMessage, v0},
    pubkey::Pubkey,
};

use super::COMPUTE_BUDGET;
use crate::domain::ids::{TxSignature, Wallet};

/// The least compute limit: what a rehearsal used is not what the chain will use to the unit.
pub const UNITS_MIN: u32 = 60_000;
/// The runtime's own bound, for a rehearsal.
pub const UNITS_MAX: u32 = 1_400_000;

/// The form of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// As all wallets know it.
    Legacy,
    /// Version 0, without lookup tables.
    #[default]
    V0,
}

/// What a transaction may use, and pays for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compute {
    /// Compute units.
    pub units: u32,
    /// Micro-lamports a unit, on top of the signature's fee.
    pub micro_lamports: u64,
}

/// The limit for a transaction whose rehearsal used so much: a fifth more, within the bounds.
pub fn compute_limit(used: u64) -> u32 {
    let limit = used.saturating_mul(6).div_ceil(5);
    u32::try_from(limit).unwrap_or(UNITS_MAX).clamp(UNITS_MIN, UNITS_MAX)
}

/// How much priority a user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// No fee.
    #[default]
    None,
    /// What a quarter of the recent blocks asked at most.
    Low,
    /// Half of them.
    Medium,
    /// Nine in ten.
    High,
    /// So many micro-lamports a unit.
    Exactly(u64),
}

/// What was lately paid, by its percentiles, in micro-lamports a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Percentiles {
    /// 25 %.
    pub low: u64,
    /// 50 %.
    pub medium: u64,
    /// 90 %.
    pub high: u64,
}

impl Percentiles {
    /// Of a value a block; all zero where there are none.
    pub fn of(mut fees: Vec<u64>) -> Self {
        fees.sort_unstable();
        // The value that so many percent do not exceed (nearest rank).
        let at = |percent: usize| {
            let rank = (fees.len() * percent).div_ceil(100).max(1);
            fees.get(rank - 1).copied().unwrap_or(0)
        };
        Self { low: at(25), medium: at(50), high: at(90) }
    }

    /// The price for a wish, at most `cap`.
    pub fn price(self, priority: Priority, cap: u64) -> u64 {
        let wanted = match priority {
            Priority::None => 0,
            Priority::Low => self.low,
            Priority::Medium => self.medium,
            Priority::High => self.high,
            Priority::Exactly(price) => price,
        };
        wanted.min(cap)
    }
}

/// A transaction that nobody has signed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsigned {
    message: VersionedMessage,
    first: usize,
}

/// Somebody who has to sign did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} has to sign, and did not")]
pub struct NoSignature(pub Wallet);

impl Unsigned {
    /// The instructions behind their compute budget, paid by `payer`.
    ///
    /// # Errors
    /// More accounts than a message can hold.
    pub fn new(
        version: Version,
        payer: Wallet,
        instructions: &[Instruction],
        compute: Compute,
        blockhash: Hash,
    ) -> Result<Self, CompileError> {
        let payer = Pubkey::new_from_array(payer.0);
        let mut budget = vec![set_limit(compute.units)];
        // Without a price there is nothing to set.
        budget.extend((compute.micro_lamports > 0).then(|| set_price(compute.micro_lamports)));
        let first = budget.len();
        let instructions = [&budget, instructions].concat();
        let message = match version {
            Version::Legacy => {
                VersionedMessage::Legacy(Message::new_with_blockhash(&instructions, Some(&payer), &blockhash))
            }
            Version::V0 => VersionedMessage::V0(v0::Message::try_compile(&payer, &instructions, &[], blockhash)?),
        };
        Ok(Self { message, first })
    }

    /// Who has to sign, the payer first.
    pub fn signers(&self) -> impl Iterator<Item = Wallet> + '_ {
        let count = usize::from(self.message.header().num_required_signatures);
        self.message.static_account_keys().iter().take(count).map(|key| Wallet(key.to_bytes()))
    }

    /// The wire form with all signatures, and the first of them, which names it. `sign` gives a wallet's signature over the
    /// message.
    ///
    /// # Errors
    /// The wallet that has none.
    pub fn signed(
        &self,
        mut sign: impl FnMut(Wallet, &[u8]) -> Option<TxSignature>,
    ) -> Result<(TxSignature, Vec<u8>), NoSignature> {
        let message = self.message.serialize();
        let signatures = self.signers().map(|wallet| sign(wallet, &message).ok_or(NoSignature(wallet)));
        let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
        let first = *signatures.first().ok_or(NoSignature(Wallet::default()))?;
        // Fewer than 128, so their number is one byte.
        let mut wire = vec![self.message.header().num_required_signatures];
        signatures.iter().for_each(|signature| wire.extend_from_slice(&signature.0));
        wire.extend_from_slice(&message);
        Ok((first, wire))
    }

    /// What is signed: the message, base64.
    pub fn message_base64(&self) -> String {
        BASE64_STANDARD.encode(self.message.serialize())
    }

    /// The wire form, with empty places for the signatures.
    pub fn wire(&self) -> Vec<u8> {
        let signers = self.message.header().num_required_signatures;
        // Fewer than 128, so their number is one byte.
        let mut wire = vec![signers];
        wire.resize(1 + usize::from(signers) * 64, 0);
        wire.extend_from_slice(&self.message.serialize());
        wire
    }

    /// [`Unsigned::wire`], base64.
    pub fn wire_base64(&self) -> String {
        BASE64_STANDARD.encode(self.wire())
    }

    /// The place of the first instruction that is not of the compute budget.
    pub fn first_index(&self) -> usize {
        self.first
    }
}

fn set_limit(units: u32) -> Instruction {
    compute_budget(2, &units.to_le_bytes())
}

fn set_price(micro_lamports: u64) -> Instruction {
    compute_budget(3, &micro_lamports.to_le_bytes())
}

fn compute_budget(tag: u8, argument: &[u8]) -> Instruction {
    let data = [&[tag], argument].concat();
    Instruction { program_id: COMPUTE_BUDGET, accounts: Vec::new(), data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_a_fifth_more_within_its_bounds() {
        let rows = [
            (0, UNITS_MIN),
            (50_000, UNITS_MIN),
            (50_001, 60_002),
            (100_000, 120_000),
            (1_400_000, UNITS_MAX),
            (u64::MAX, UNITS_MAX),
        ];
        for (used, limit) in rows {
            assert_eq!(compute_limit(used), limit, "{used}");
        }
    }

    #[test]
    fn percentiles_are_by_nearest_rank_and_capped() {
        assert_eq!(Percentiles::of(Vec::new()), Percentiles::default());
        assert_eq!(Percentiles::of(vec![7]), Percentiles { low: 7, medium: 7, high: 7 });
        let fees = Percentiles::of((1..=100).rev().collect());
        assert_eq!(fees, Percentiles { low: 25, medium: 50, high: 90 });
        for (priority, cap, price) in [
            (Priority::None, 1_000, 0),
            (Priority::Low, 1_000, 25),
            (Priority::Medium, 1_000, 50),
            (Priority::High, 1_000, 90),
            (Priority::High, 60, 60),
            (Priority::Exactly(5), 1_000, 5),
            (Priority::Exactly(5_000), 1_000, 1_000),
        ] {
            assert_eq!(fees.price(priority, cap), price, "{priority:?}");
        }
    }

    #[test]
    fn both_versions_have_room_for_one_signature_and_the_same_instructions() {
        let payer = Wallet([9; 32]);
        let instruction = Instruction { program_id: Pubkey::new_from_array([5; 32]), accounts: vec![], data: vec![1] };
        for (version, micro_lamports, index) in
            [(Version::Legacy, 0, 1), (Version::V0, 0, 1), (Version::Legacy, 7, 2), (Version::V0, 7, 2)]
        {
            let compute = Compute { units: 60_000, micro_lamports };
            let unsigned =
                Unsigned::new(version, payer, std::slice::from_ref(&instruction), compute, Hash::default()).unwrap();
            let wire = unsigned.wire();
            assert_eq!((wire[0], &wire[1..65]), (1, &[0; 64][..]));
            assert_eq!(BASE64_STANDARD.encode(&wire[65..]), unsigned.message_base64());
            assert_eq!(unsigned.first_index(), index);
            // A version 0 message begins with its version.
            assert_eq!(wire[65] == 0x80, version == Version::V0);
        }
    }

    #[test]
    fn each_signature_is_in_its_place_and_the_payers_names_the_transaction() {
        use solana_sdk::instruction::AccountMeta;
        let (payer, admin) = (Wallet([9; 32]), Wallet([8; 32]));
        let signs = |wallet: Wallet| AccountMeta::new(Pubkey::new_from_array(wallet.0), true);
        let instruction = |wallet, data| Instruction {
            program_id: Pubkey::new_from_array([5; 32]),
            accounts: vec![signs(wallet)],
            data: vec![data],
        };
        let instructions = [instruction(payer, 1), instruction(admin, 2)];
        let compute = Compute { units: 60_000, micro_lamports: 7 };
        let unsigned = Unsigned::new(Version::V0, payer, &instructions, compute, Hash::default()).unwrap();
        assert_eq!(unsigned.signers().collect::<Vec<_>>(), [payer, admin]);
        assert_eq!(unsigned.first_index(), 2);
        let (signature, wire) = unsigned.signed(|wallet, _| Some(TxSignature([wallet.0[0]; 64]))).unwrap();
        assert_eq!(signature, TxSignature([9; 64]));
        assert_eq!((wire[0], &wire[1..65], &wire[65..129]), (2, &[9; 64][..], &[8; 64][..]));
        assert_eq!(wire[129..], unsigned.wire()[129..]);
        let missing = unsigned.signed(|wallet, _| (wallet == payer).then_some(TxSignature([9; 64])));
        assert_eq!(missing, Err(NoSignature(admin)));
    }
}
