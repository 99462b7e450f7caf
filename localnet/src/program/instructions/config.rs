//! The configuration: set up once, updated, paused.

use borsh::BorshDeserialize;
use solana_sdk::pubkey::Pubkey;

use crate::program::Payout;
use crate::program::accounts::{Cursor, arguments, create};
use crate::program::error::{Code, Outcome, require};
use crate::program::event::{ConfigUpdated, GlobalConfigInitialized, ProtocolPauseStatusChanged, emit};
use crate::program::host::Host;
use crate::program::layout::{GlobalConfig, encode, seeds};

pub(crate) fn initialize(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    let backend_authority: Pubkey = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let admin = cursor.signer("admin")?;
    let config = cursor.any("global_config")?;
    let fee_wallet = cursor.any("protocol_fee_wallet")?;
    cursor.system_program()?;
    let bump = create::<GlobalConfig>(host, config, admin, &[seeds::GLOBAL_CONFIG])?;
    admin.writable()?;
    let timestamp = host.now()?;
    let value = GlobalConfig {
        admin: admin.key,
        backend_authority,
        protocol_fee_wallet: fee_wallet.key,
        protocol_fee_bps: 300,
        resolver_reward_bps: 200,
        liquidity_provider_fee_bps: 500,
        proposal_approval_threshold: 7000,
        dispute_success_threshold: 6000,
        min_resolution_delay: 86_400,
        dispute_period: 259_200,
        min_resolver_reputation: 8000,
        is_paused: false,
        reserved: [0; 64],
        bump,
    };
    host.log("configuration created");
    let protocol_fee_bps = value.protocol_fee_bps;
    emit(host, &GlobalConfigInitialized { admin: admin.key, backend_authority, protocol_fee_bps, timestamp });
    Ok(host.write(config.index, &encode(&value))?)
}

#[derive(BorshDeserialize)]
struct Update {
    protocol_fee_bps: u16,
    resolver_reward_bps: u16,
    liquidity_provider_fee_bps: u16,
    proposal_approval_threshold: u16,
    dispute_success_threshold: u16,
    min_resolution_delay: Option<i64>,
    dispute_period: Option<i64>,
}

pub(crate) fn update(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    let update: Update = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let admin = cursor.signer("admin")?;
    let mut config = cursor.account::<GlobalConfig>("global_config")?;
    config.check(host)?;
    config.at.writable()?;
    config.at.require(config.value.admin == admin.key, Code::Unauthorized)?;

    let fees = [update.protocol_fee_bps, update.resolver_reward_bps, update.liquidity_provider_fee_bps];
    require(fees.into_iter().map(u32::from).sum::<u32>() <= 10_000, Code::InvalidFeeStructure)?;
    require(update.proposal_approval_threshold <= 10_000, Code::InvalidThreshold)?;
    require(update.dispute_success_threshold <= 10_000, Code::InvalidThreshold)?;
    let times = [update.min_resolution_delay, update.dispute_period];
    for time in times.into_iter().flatten() {
        require(time > 0, Code::InvalidTimeLimit)?;
    }

    let value = &mut config.value;
    value.protocol_fee_bps = update.protocol_fee_bps;
    value.resolver_reward_bps = update.resolver_reward_bps;
    value.liquidity_provider_fee_bps = update.liquidity_provider_fee_bps;
    value.proposal_approval_threshold = update.proposal_approval_threshold;
    value.dispute_success_threshold = update.dispute_success_threshold;
    value.min_resolution_delay = update.min_resolution_delay.unwrap_or(value.min_resolution_delay);
    value.dispute_period = update.dispute_period.unwrap_or(value.dispute_period);
    let event = ConfigUpdated {
        protocol_fee_bps: value.protocol_fee_bps,
        resolver_reward_bps: value.resolver_reward_bps,
        liquidity_provider_fee_bps: value.liquidity_provider_fee_bps,
        proposal_approval_threshold: value.proposal_approval_threshold,
        dispute_success_threshold: value.dispute_success_threshold,
        min_resolution_delay: value.min_resolution_delay,
        dispute_period: value.dispute_period,
        timestamp: host.now()?,
    };
    emit(host, &event);
    host.log("configuration updated");
    for (name, time) in ["min_resolution_delay", "dispute_period"].into_iter().zip(times) {
        if let Some(seconds) = time {
            host.log(&format!("{name} {seconds}"));
        }
    }
    config.save(host)
}

pub(crate) fn pause(host: &mut dyn Host, _: &[u8], _: Payout) -> Outcome {
    let mut cursor = Cursor::new(host);
    let admin = cursor.signer("admin")?;
    let mut config = cursor.account::<GlobalConfig>("global_config")?;
    config.check(host)?;
    config.at.writable()?;
    config.at.require(config.value.admin == admin.key, Code::Unauthorized)?;

    let is_paused = !config.value.is_paused;
    config.value.is_paused = is_paused;
    let timestamp = host.now()?;
    emit(host, &ProtocolPauseStatusChanged { is_paused, paused_by: admin.key, timestamp });
    host.log(if is_paused { "paused" } else { "running" });
    config.save(host)
}
