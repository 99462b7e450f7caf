//! A program in a VM with accounts put there, not made by transactions: the configuration and a market as given.

use borsh::BorshDeserialize;
use solana_sdk::pubkey::Pubkey;
use zmart_localnet::program::Payout;
use zmart_localnet::program::layout::{GlobalConfig, Layout, MarketAccount, MarketState, UserPosition, encode, seeds};

use crate::client::{self, program};
use crate::vm::Vm;

/// The rent minimum of a market, in lamports.
pub const MARKET_RENT: u64 = 4_287_360;

/// A VM with a configuration.
pub struct World {
    /// The machine.
    pub vm: Vm,
    /// Admin and backend authority.
    pub admin: Pubkey,
    /// The fee wallet.
    pub wallet: Pubkey,
}

/// The bytes of an account as allocated.
pub fn allocated<T: Layout>(value: &T) -> Vec<u8> {
    let mut bytes = encode(value);
    bytes.resize(T::SPACE, 0);
    bytes
}

/// Reads the bytes of an account.
pub fn decode<T: Layout + BorshDeserialize>(bytes: &[u8]) -> T {
    T::deserialize(&mut &bytes[8..]).expect("an account of this kind")
}

fn bump(parts: &[&[u8]]) -> u8 {
    Pubkey::find_program_address(parts, &program()).1
}

impl World {
    /// A world whose fees are these, in basis points.
    pub fn new(payout: Payout, fees: [u16; 3]) -> Self {
        let (admin, wallet) = (Pubkey::new_unique(), Pubkey::new_unique());
        let config = GlobalConfig {
            admin,
            backend_authority: admin,
            protocol_fee_wallet: wallet,
            protocol_fee_bps: fees[0],
            resolver_reward_bps: fees[1],
            liquidity_provider_fee_bps: fees[2],
            proposal_approval_threshold: 7000,
            dispute_success_threshold: 6000,
            min_resolution_delay: 86_400,
            dispute_period: 259_200,
            min_resolver_reputation: 8000,
            is_paused: false,
            reserved: [0; 64],
            bump: bump(&[seeds::GLOBAL_CONFIG]),
        };
        let mut vm = Vm::new(program(), payout);
        vm.clock(1000, 1_760_000_000);
        vm.put(client::config(), 2_324_640, program(), allocated(&config));
        let mut world = Self { vm, admin, wallet };
        for key in [admin, wallet] {
            world.fund(key);
        }
        world
    }

    /// Gives an account plenty.
    pub fn fund(&mut self, key: Pubkey) {
        self.vm.put(key, 1 << 60, Pubkey::default(), Vec::new());
    }

    /// Puts a market there with this many lamports; `change` sets what is not as in a fresh active one of 100 SOL.
    pub fn market(&mut self, id: [u8; 32], lamports: u64, change: impl FnOnce(&mut MarketAccount)) -> Pubkey {
        let mut market = MarketAccount {
            market_id: id,
            creator: self.admin,
            state: MarketState::Active,
            b_parameter: 100_000_000_000,
            initial_liquidity: 1_000_000_000,
            current_liquidity: 1_000_000_000,
            shares_yes: 100_000_000,
            shares_no: 100_000_000,
            total_volume: 0,
            created_at: 1_760_000_000,
            approved_at: 1_760_000_000,
            activated_at: 1_760_000_000,
            resolution_proposed_at: 0,
            resolved_at: 0,
            finalized_at: 0,
            resolver: Pubkey::default(),
            proposed_outcome: None,
            final_outcome: None,
            ipfs_evidence_hash: [b'Q'; 46],
            dispute_initiated_at: 0,
            dispute_initiator: Pubkey::default(),
            accumulated_protocol_fees: 0,
            accumulated_resolver_fees: 0,
            accumulated_lp_fees: 0,
            proposal_likes: 0,
            proposal_dislikes: 0,
            proposal_total_votes: 0,
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
            bump: bump(&[seeds::MARKET, &id]),
        };
        change(&mut market);
        let address = client::market(&id);
        self.vm.put(address, lamports, program(), allocated(&market));
        address
    }

    /// The market as it is now.
    pub fn read_market(&self, address: &Pubkey) -> MarketAccount {
        decode(&self.vm.data(address))
    }

    /// The position of `user` as it is now, if there is one.
    pub fn read_position(&self, market: &Pubkey, user: &Pubkey) -> Option<UserPosition> {
        let data = self.vm.data(&client::position(market, user));
        (!data.is_empty()).then(|| decode(&data))
    }
}

impl World {
    /// Puts a position there that holds `shares` of one side.
    pub fn hold(&mut self, market: Pubkey, user: Pubkey, yes: bool, shares: u64) {
        let position = UserPosition {
            market,
            user,
            shares_yes: if yes { shares } else { 0 },
            shares_no: if yes { 0 } else { shares },
            total_invested: 0,
            trades_count: 1,
            last_trade_at: 0,
            has_claimed: false,
            claimed_amount: 0,
            reserved: [0; 64],
            bump: bump(&[seeds::POSITION, market.as_ref(), user.as_ref()]),
        };
        self.vm.put(client::position(&market, &user), 2_157_600, program(), allocated(&position));
    }
}
