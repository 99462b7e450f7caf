//! The accounts of a generated story, as the program keeps them.

use std::collections::HashMap;

use zmart::{
    chain::anchor::accounts::{AccountKind, encode_account},
    domain::{
        account::{GlobalConfigAccount, MarketAccount, UserPositionAccount},
        amount::{Bps, Lamports, ShareUnits, UnixSeconds},
        ids::{AccountAddress, MarketAddress, Wallet},
    },
};

use super::{
    GeneratedStory, QUESTION, SCHEDULE, VOTES,
    books::{Book, Held, Place},
};
use crate::feeder::story::Account;

/// What a config account holds for its rent.
const CONFIG_RENT: u64 = 2_324_640;
/// What a position holds for its rent.
const POSITION_RENT: u64 = 2_157_600;
const NOBODY: Wallet = Wallet([0; 32]);

/// Addresses of positions, which are slow to derive: those that were asked for.
#[derive(Debug, Default)]
pub struct PositionAddresses {
    derived: HashMap<Place, (AccountAddress, u8)>,
    places: HashMap<AccountAddress, Place>,
}

impl GeneratedStory {
    pub(super) fn account_at(&mut self, address: AccountAddress) -> Option<Account> {
        let (config, bump) = self.addresses.config();
        if address == config {
            return self.books.has_config.then(|| self.config(bump));
        }
        if let Some(market) = self.by_address.get(&MarketAddress(address.0)) {
            return self.market(*market);
        }
        if !self.positions.places.contains_key(&address) {
            self.derive_positions();
        }
        let place = *self.positions.places.get(&address)?;
        let held = self.books.positions.get(&place)?.clone();
        Some(self.position(place, &held))
    }

    pub(super) fn all_accounts(&mut self, bytes: Option<usize>, each: &mut dyn FnMut(AccountAddress, Account)) {
        let wanted = |kind: AccountKind| bytes.is_none_or(|bytes| bytes == kind.allocated_bytes());
        if wanted(AccountKind::GlobalConfig) && self.books.has_config {
            let (address, bump) = self.addresses.config();
            each(address, self.config(bump));
        }
        if wanted(AccountKind::Market) {
            for (index, (address, _)) in (0..).zip(&self.markets) {
                if let Some(account) = self.market(index) {
                    each(address.account(), account);
                }
            }
        }
        if wanted(AccountKind::UserPosition) {
            self.derive_positions();
            for (place, held) in &self.books.positions {
                each(self.positions.derived[place].0, self.position(*place, held));
            }
        }
    }

    /// Derives the addresses of all positions that there are.
    fn derive_positions(&mut self) {
        let new: Vec<Place> =
            self.books.positions.keys().filter(|place| !self.positions.derived.contains_key(place)).copied().collect();
        for place in new {
            let derived = self.addresses.position(self.markets[place.0 as usize].0, self.wallet(place.1));
            self.positions.derived.insert(place, derived);
            self.positions.places.insert(derived.0, place);
        }
    }

    fn config(&self, bump: u8) -> Account {
        let account = GlobalConfigAccount {
            admin: self.admin(),
            backend_authority: self.backend(),
            protocol_fee_wallet: self.fee_wallet(),
            protocol_fee_bps: SCHEDULE.protocol,
            resolver_reward_bps: SCHEDULE.resolver,
            liquidity_provider_fee_bps: SCHEDULE.lp,
            proposal_approval_threshold: Bps(7_000),
            dispute_success_threshold: Bps(6_000),
            min_resolution_delay: 86_400,
            dispute_period: 259_200,
            min_resolver_reputation: 8_000,
            is_paused: false,
            reserved: [0; 64],
            bump,
        };
        Account { lamports: CONFIG_RENT, data: encode_account(&account) }
    }

    fn market(&self, index: u32) -> Option<Account> {
        let book = self.books.markets.get(index as usize)?.as_ref()?;
        let Book { lamports: Lamports(lamports), .. } = *book;
        let (likes, dislikes) = if book.approved_at == 0 { (0, 0) } else { VOTES };
        let account = MarketAccount {
            market_id: self.seed(index),
            creator: self.creator(),
            state: book.phase.code(),
            b_parameter: self.options.b_parameter,
            initial_liquidity: self.options.initial_liquidity,
            current_liquidity: book.liquidity,
            shares_yes: book.shares.yes,
            shares_no: book.shares.no,
            total_volume: book.volume,
            created_at: UnixSeconds(book.created_at),
            approved_at: UnixSeconds(book.approved_at),
            activated_at: UnixSeconds(book.activated_at),
            resolution_proposed_at: UnixSeconds(0),
            resolved_at: UnixSeconds(0),
            finalized_at: UnixSeconds(0),
            resolver: NOBODY,
            proposed_outcome: None,
            final_outcome: None,
            ipfs_evidence_hash: QUESTION,
            dispute_initiated_at: UnixSeconds(0),
            dispute_initiator: NOBODY,
            accumulated_protocol_fees: Lamports(0),
            accumulated_resolver_fees: book.resolver_fees,
            accumulated_lp_fees: book.lp_fees,
            proposal_likes: likes,
            proposal_dislikes: dislikes,
            proposal_total_votes: likes + dislikes,
            resolution_agree: 0,
            resolution_disagree: 0,
            resolution_total_votes: 0,
            dispute_agree: 0,
            dispute_disagree: 0,
            dispute_total_votes: 0,
            was_disputed: false,
            is_cancelled: false,
            cancelled_at: None,
            is_locked: false,
            reserved: [0; 119],
            bump: self.markets[index as usize].1,
        };
        Some(Account { lamports, data: encode_account(&account) })
    }

    fn position(&self, place: Place, held: &Held) -> Account {
        let account = UserPositionAccount {
            market: self.markets[place.0 as usize].0,
            user: self.wallet(place.1),
            shares_yes: ShareUnits(held.yes),
            shares_no: ShareUnits(held.no),
            total_invested: Lamports(held.invested),
            trades_count: held.trades,
            last_trade_at: UnixSeconds(held.last_trade_at),
            has_claimed: false,
            claimed_amount: Lamports(0),
            reserved: [0; 64],
            bump: self.positions.derived.get(&place).map_or(0, |(_, bump)| *bump),
        };
        Account { lamports: POSITION_RENT, data: encode_account(&account) }
    }
}
