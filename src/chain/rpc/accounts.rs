//! The program's accounts, as they are now.

use serde_json::{Value, json};
use solana_rpc_client_api::request::{MAX_MULTIPLE_ACCOUNTS, RpcRequest};

use super::{
    ChainRpc, bad_answer,
    error::ChainReadError,
    wire::{RawAccount, parse_accounts, parse_keyed_accounts},
};
use crate::{
    chain::{
        anchor::accounts::{AccountKind, AccountLayout, decode_account},
        model::Commitment,
        program::ProgramAddresses,
    },
    domain::{
        account::{GlobalConfigAccount, MarketAccount},
        amount::Lamports,
        ids::{AccountAddress, MarketAddress, Slot},
    },
};

/// An account of the program, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAt<T> {
    /// What it holds.
    pub account: T,
    /// Its balance, rent included.
    pub lamports: Lamports,
    /// The slot that the node says it is of. Never a proof of order: a node may tell newer state under an older slot.
    pub slot: Slot,
}

/// Accounts read together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsAt {
    /// The slot that the node says they are of; see [`AccountAt::slot`].
    pub slot: Slot,
    /// In the order asked; `None` where there is no account.
    pub accounts: Vec<Option<RawAccount>>,
}

impl ChainRpc {
    /// A market; `None` if no account of the program is there.
    pub async fn market_account(
        &self,
        market: MarketAddress,
    ) -> Result<Option<AccountAt<MarketAccount>>, ChainReadError> {
        self.account(market.account()).await
    }

    /// The config; `None` if the program has not been initialized.
    pub async fn config_account(&self) -> Result<Option<AccountAt<GlobalConfigAccount>>, ChainReadError> {
        let (address, _) = ProgramAddresses::new(self.program()).config();
        self.account(address).await
    }

    /// Any of the program's accounts, of a known kind, confirmed. `None` if nothing is there, or what is there belongs
    /// to another program (anyone may send lamports to an address that has no account yet).
    pub async fn account<T: AccountLayout>(
        &self,
        address: AccountAddress,
    ) -> Result<Option<AccountAt<T>>, ChainReadError> {
        let AccountsAt { slot, accounts } = self.accounts(&[address]).await?;
        let Some(raw) = accounts.into_iter().flatten().next().filter(|raw| raw.owner == self.program()) else {
            return Ok(None);
        };
        let account = decode_account(&raw.data).map_err(|error| ChainReadError::Undecodable { address, error })?;
        Ok(Some(AccountAt { account, lamports: Lamports(raw.lamports), slot }))
    }

    /// Accounts as they are, confirmed, read at one moment. More than 100 are refused.
    pub async fn accounts(&self, addresses: &[AccountAddress]) -> Result<AccountsAt, ChainReadError> {
        self.accounts_at(addresses, Commitment::Confirmed).await
    }

    /// As [`ChainRpc::accounts`], at that commitment.
    pub(super) async fn accounts_at(
        &self,
        addresses: &[AccountAddress],
        commitment: Commitment,
    ) -> Result<AccountsAt, ChainReadError> {
        let request = RpcRequest::GetMultipleAccounts;
        let bad = |detail| ChainReadError::BadAnswer { method: request.as_str(), detail };
        if addresses.len() > MAX_MULTIPLE_ACCOUNTS {
            let message = format!("{} accounts asked for, {MAX_MULTIPLE_ACCOUNTS} allowed", addresses.len());
            return Err(ChainReadError::Refused { method: request.as_str(), code: -32602, message });
        }
        let config = json!({ "encoding": "base64", "commitment": commitment });
        let answer = self.read_value(request, json!([addresses, config])).await?;
        let (slot, accounts) = parse_accounts(answer).map_err(bad_answer(request))?;
        if accounts.len() != addresses.len() {
            return Err(bad(format!("{} accounts for {} addresses", accounts.len(), addresses.len())));
        }
        Ok(AccountsAt { slot, accounts })
    }

    /// All of the program's accounts of a kind, confirmed; with `market`, only those positions or votes that are of it.
    /// The order is the node's.
    pub async fn program_accounts(
        &self,
        kind: AccountKind,
        market: Option<MarketAddress>,
    ) -> Result<Vec<(AccountAddress, RawAccount)>, ChainReadError> {
        let request = RpcRequest::GetProgramAccounts;
        let start = bs58::encode(kind.discriminator()).into_string();
        let mut filters = vec![
            json!({ "dataSize": kind.allocated_bytes() }),
            json!({ "memcmp": { "offset": 0, "bytes": start, "encoding": "base58" } }),
        ];
        if let Some(market) = market {
            filters.push(json!({ "memcmp": { "offset": 8, "bytes": market, "encoding": "base58" } }));
        }
        let config = json!({ "encoding": "base64", "commitment": Commitment::Confirmed, "filters": filters });
        let mut answer = self.read_value(request, json!([self.program(), config])).await?;
        if let Some(value) = answer.get_mut("value") {
            answer = Value::take(value);
        }
        let accounts = parse_keyed_accounts(answer).map_err(bad_answer(request))?;
        // A node that does not know a filter must not slip other accounts in.
        let wanted = |(_, account): &(AccountAddress, RawAccount)| {
            account.owner == self.program()
                && account.data.starts_with(&kind.discriminator())
                && market.is_none_or(|market| account.data.get(8..40) == Some(&market.0))
        };
        Ok(accounts.into_iter().filter(wanted).collect())
    }
}
