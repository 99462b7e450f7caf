//! PostgreSQL's rows beside the chain's accounts: the same to the last unit, or what differs.

use serde_json::{Value, json};
use zmart::domain::{
    account::{MarketAccount, UserPositionAccount},
    ids::{MarketAddress, Wallet},
};

use crate::{chain::ChainClient, postgres::Database};

/// What differs between the journal and the chain, for these markets and wallets; empty if nothing does.
pub async fn differences(
    database: &Database,
    chain: &ChainClient,
    markets: &[MarketAddress],
    wallets: &[Wallet],
) -> Vec<String> {
    let rows = database.connect().await;
    let mut found = Vec::new();
    for market in markets {
        let key = market.to_string();
        let account = chain.market(*market).await;
        let lamports = chain.lamports(Wallet(market.0)).await;
        let row = rows
            .query_opt("SELECT to_jsonb(m) FROM markets m WHERE address = $1::text", &[&key])
            .await
            .unwrap()
            .map_or(Value::Null, |row| row.get(0));
        found.extend(differing(&format!("market {key}"), &row, market_columns(&account, lamports)));
        for wallet in wallets {
            let (owner, position) = (wallet.to_string(), chain.position(*market, *wallet).await);
            let row = rows
                .query_opt(
                    "SELECT to_jsonb(p) FROM positions p WHERE market = $1::text AND wallet = $2::text",
                    &[&key, &owner],
                )
                .await
                .unwrap()
                .map_or(Value::Null, |row| row.get::<_, Value>(0));
            let name = format!("position {key} {owner}");
            match position {
                Some(position) => found.extend(differing(&name, &row, position_columns(&position))),
                None if row.is_null() => {}
                None => found.push(format!("{name}: a row, but no account")),
            }
        }
    }
    found
}

fn differing(name: &str, row: &Value, expected: Vec<(&'static str, Value)>) -> Vec<String> {
    if row.is_null() {
        return vec![format!("{name}: an account, but no row")];
    }
    expected
        .into_iter()
        .filter(|(column, value)| &row[*column] != value)
        .map(|(column, value)| format!("{name}: {column} is {}, on the chain {value}", row[column]))
        .collect()
}

fn market_columns(account: &MarketAccount, lamports: u64) -> Vec<(&'static str, Value)> {
    let outcome = |outcome: Option<bool>| outcome.map(|yes| if yes { "YES" } else { "NO" });
    vec![
        ("market_seed", json!(account.market_id.to_string())),
        ("creator_wallet", json!(account.creator.to_string())),
        ("phase", json!(account.state)),
        ("b_parameter", json!(account.b_parameter)),
        ("initial_liquidity", json!(account.initial_liquidity.0)),
        ("current_liquidity", json!(account.current_liquidity.0)),
        ("shares_yes", json!(account.shares_yes.0)),
        ("shares_no", json!(account.shares_no.0)),
        ("total_volume", json!(account.total_volume.0)),
        ("created_at_unix", json!(account.created_at.0)),
        ("approved_at_unix", json!(account.approved_at.0)),
        ("activated_at_unix", json!(account.activated_at.0)),
        ("resolution_proposed_at_unix", json!(account.resolution_proposed_at.0)),
        ("resolved_at_unix", json!(account.resolved_at.0)),
        ("finalized_at_unix", json!(account.finalized_at.0)),
        ("cancelled_at_unix", json!(account.cancelled_at.map(|at| at.0))),
        ("resolver_wallet", json!(account.resolver.to_string())),
        ("proposed_outcome", json!(outcome(account.proposed_outcome))),
        ("final_outcome", json!(outcome(account.final_outcome))),
        ("accumulated_resolver_fees", json!(account.accumulated_resolver_fees.0)),
        ("accumulated_lp_fees", json!(account.accumulated_lp_fees.0)),
        ("proposal_likes", json!(account.proposal_likes)),
        ("proposal_dislikes", json!(account.proposal_dislikes)),
        ("proposal_total_votes", json!(account.proposal_total_votes)),
        ("was_disputed", json!(account.was_disputed)),
        ("lamports", json!(lamports)),
    ]
}

fn position_columns(account: &UserPositionAccount) -> Vec<(&'static str, Value)> {
    vec![
        ("shares_yes", json!(account.shares_yes.0)),
        ("shares_no", json!(account.shares_no.0)),
        ("total_invested", json!(account.total_invested.0)),
        ("trades_count", json!(account.trades_count)),
        ("last_trade_at_unix", json!(account.last_trade_at.0)),
        ("has_claimed", json!(account.has_claimed)),
        ("claimed_amount", json!(account.claimed_amount.0)),
    ]
}
