//! The program's accounts by the beginning of their data: to find those that nobody knows, without reading them all.
//!
//! `getProgramAccounts` has no pages. What bounds an answer is how much of each account is asked for, and a filter on one byte,
//! which cuts all accounts of a kind into 256 parts of about the same size.

use serde_json::{Value, json};
use solana_rpc_client_api::request::RpcRequest;

use super::{ChainRpc, bad_answer, error::ChainReadError, wire::parse_keyed_accounts};
use crate::{
    chain::{anchor::accounts::AccountKind, model::Commitment},
    domain::ids::{AccountAddress, MarketAddress},
};

/// Which accounts of a kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slice {
    /// Only positions or votes of that market.
    pub market: Option<MarketAddress>,
    /// Only those that have this byte at that place of their data.
    pub byte: Option<(usize, u8)>,
    /// The first bytes of their data that are told; a node may tell more.
    pub bytes: usize,
}

impl ChainRpc {
    /// Accounts of a kind, confirmed: their addresses and the beginning of their data. The order is the node's.
    pub async fn program_account_slices(
        &self,
        kind: AccountKind,
        slice: Slice,
    ) -> Result<Vec<(AccountAddress, Vec<u8>)>, ChainReadError> {
        let request = RpcRequest::GetProgramAccounts;
        let holds = |offset: usize, bytes: &[u8]| {
            let bytes = bs58::encode(bytes).into_string();
            json!({ "memcmp": { "offset": offset, "bytes": bytes, "encoding": "base58" } })
        };
        let start = kind.discriminator();
        let mut filters = vec![json!({ "dataSize": kind.allocated_bytes() }), holds(0, &start)];
        filters.extend(slice.market.map(|market| holds(8, &market.0)));
        filters.extend(slice.byte.map(|(offset, byte)| holds(offset, &[byte])));
        let config = json!({
            "encoding": "base64", "commitment": Commitment::Confirmed, "filters": filters,
            "dataSlice": { "offset": 0, "length": slice.bytes },
        });
        let mut answer = self.read_value(request, json!([self.program(), config])).await?;
        if let Some(value) = answer.get_mut("value") {
            answer = Value::take(value);
        }
        let accounts = parse_keyed_accounts(answer).map_err(bad_answer(request))?;
        // A node that does not know a filter must not slip other accounts in.
        let wanted = |data: &[u8]| {
            data.len() >= slice.bytes
                && data.starts_with(&start)
                && slice.market.is_none_or(|market| data.get(8..40) == Some(&market.0[..]))
                && slice.byte.is_none_or(|(offset, byte)| data.get(offset) == Some(&byte))
        };
        let own = accounts.into_iter().filter(|(_, account)| account.owner == self.program() && wanted(&account.data));
        Ok(own.map(|(address, account)| (address, account.data)).collect())
    }
}
