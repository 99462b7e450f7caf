//! The bytes of the four accounts (`docs/program.md`, section 2).
//!
//! An account is the discriminator, borsh, and zeros up to the allocated size. It is read in borsh's order and never by
//! offsets: a market's options move whatever follows them.

use super::codec::{CodecError, Discriminator, Wire, join, layout, split};
use crate::domain::account::{GlobalConfigAccount, MarketAccount, UserPositionAccount, VoteRecordAccount};

/// Which of the program's accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// The one config account.
    GlobalConfig,
    /// A market.
    Market,
    /// A wallet's position in a market.
    UserPosition,
    /// A vote cast on chain.
    VoteRecord,
}

impl AccountKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::GlobalConfig, Self::Market, Self::UserPosition, Self::VoteRecord];

    /// Its name in the program's interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::GlobalConfig => "GlobalConfig",
            Self::Market => "MarketAccount",
            Self::UserPosition => "UserPosition",
            Self::VoteRecord => "VoteRecord",
        }
    }

    /// Its first eight bytes: `sha256("account:Name")[..8]`.
    pub fn discriminator(self) -> Discriminator {
        u64::to_be_bytes(match self {
            Self::GlobalConfig => 0x95089ccaa0fcb0d9,
            Self::Market => 0xc94ebbe1f0c6c9fb,
            Self::UserPosition => 0xfbf8d1f553ea111b,
            Self::VoteRecord => 0x70097ba5ea099da7,
        })
    }

    /// How many bytes the program allocates, discriminator and padding included.
    pub fn allocated_bytes(self) -> usize {
        match self {
            Self::GlobalConfig => 206,
            Self::Market => 488,
            Self::UserPosition => 182,
            Self::VoteRecord => 83,
        }
    }
}

/// Any of the program's accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramAccount {
    /// The one config account.
    GlobalConfig(Box<GlobalConfigAccount>),
    /// A market.
    Market(Box<MarketAccount>),
    /// A wallet's position in a market.
    UserPosition(Box<UserPositionAccount>),
    /// A vote cast on chain.
    VoteRecord(VoteRecordAccount),
}

/// An account of the program: knows its kind, its bytes, and what its enums may hold.
pub trait AccountLayout: Wire {
    /// Which account it is.
    const KIND: AccountKind;

    /// Refuses enum bytes that the program does not have.
    fn check(&self) -> Result<(), CodecError> {
        Ok(())
    }
}

layout! {
    GlobalConfigAccount {
        admin, backend_authority, protocol_fee_wallet, protocol_fee_bps, resolver_reward_bps,
        liquidity_provider_fee_bps, proposal_approval_threshold, dispute_success_threshold, min_resolution_delay,
        dispute_period, min_resolver_reputation, is_paused, reserved, bump,
    }
    MarketAccount {
        market_id, creator, state, b_parameter, initial_liquidity, current_liquidity, shares_yes, shares_no,
        total_volume, created_at, approved_at, activated_at, resolution_proposed_at, resolved_at, finalized_at,
        resolver, proposed_outcome, final_outcome, ipfs_evidence_hash, dispute_initiated_at, dispute_initiator,
        accumulated_protocol_fees, accumulated_resolver_fees, accumulated_lp_fees, proposal_likes, proposal_dislikes,
        proposal_total_votes, resolution_agree, resolution_disagree, resolution_total_votes, dispute_agree,
        dispute_disagree, dispute_total_votes, was_disputed, is_cancelled, cancelled_at, is_locked, reserved, bump,
    }
    UserPositionAccount {
        market, user, shares_yes, shares_no, total_invested, trades_count, last_trade_at, has_claimed, claimed_amount,
        reserved, bump,
    }
    VoteRecordAccount { market, user, vote_type, vote, voted_at, bump }
}

impl AccountLayout for GlobalConfigAccount {
    const KIND: AccountKind = AccountKind::GlobalConfig;
}

impl AccountLayout for MarketAccount {
    const KIND: AccountKind = AccountKind::Market;

    fn check(&self) -> Result<(), CodecError> {
        match self.state {
            0..=6 => Ok(()),
            byte => Err(CodecError::BadEnum { name: "state", byte }),
        }
    }
}

impl AccountLayout for UserPositionAccount {
    const KIND: AccountKind = AccountKind::UserPosition;
}

impl AccountLayout for VoteRecordAccount {
    const KIND: AccountKind = AccountKind::VoteRecord;

    fn check(&self) -> Result<(), CodecError> {
        match self.vote_type {
            0 | 1 => Ok(()),
            byte => Err(CodecError::BadEnum { name: "vote_type", byte }),
        }
    }
}

/// Reads an account of a known kind: its discriminator, its exact size, its fields, and zeros behind them.
pub fn decode_account<T: AccountLayout>(bytes: &[u8]) -> Result<T, CodecError> {
    let (discriminator, mut reader) = split(bytes)?;
    if discriminator != T::KIND.discriminator() {
        return Err(CodecError::UnknownDiscriminator);
    }
    let expected = T::KIND.allocated_bytes();
    if bytes.len() != expected {
        return Err(CodecError::WrongSize { expected, found: bytes.len() });
    }
    let account = T::read(&mut reader)?;
    account.check()?;
    match reader.rest().iter().position(|byte| *byte != 0) {
        None => Ok(account),
        Some(at) => Err(CodecError::DirtyPadding { offset: reader.offset() + at }),
    }
}

/// Reads whichever of the program's accounts the discriminator names.
pub fn decode_any_account(bytes: &[u8]) -> Result<ProgramAccount, CodecError> {
    let (discriminator, _) = split(bytes)?;
    let kind = AccountKind::ALL.into_iter().find(|kind| kind.discriminator() == discriminator);
    match kind.ok_or(CodecError::UnknownDiscriminator)? {
        AccountKind::GlobalConfig => decode_account(bytes).map(|a| ProgramAccount::GlobalConfig(Box::new(a))),
        AccountKind::Market => decode_account(bytes).map(|a| ProgramAccount::Market(Box::new(a))),
        AccountKind::UserPosition => decode_account(bytes).map(|a| ProgramAccount::UserPosition(Box::new(a))),
        AccountKind::VoteRecord => decode_account(bytes).map(ProgramAccount::VoteRecord),
    }
}

/// Writes an account as the program keeps it, padding included.
pub fn encode_account<T: AccountLayout>(account: &T) -> Vec<u8> {
    let mut bytes = join(T::KIND.discriminator(), account);
    bytes.resize(T::KIND.allocated_bytes(), 0);
    bytes
}
