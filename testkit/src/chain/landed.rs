//! What landed on a market: each transaction that names it, and which of the program's instructions it had.

use serde_json::{Value, json};
use zmart::{
    chain::program::instructions::InstructionKind,
    domain::ids::{MarketAddress, TxSignature},
};

use super::ChainClient;

/// A transaction in a block.
#[derive(Debug, Clone)]
pub struct Landed {
    /// Its signature.
    pub signature: TxSignature,
    /// Its slot.
    pub slot: u64,
    /// Its instructions to the program that name the market, in order.
    pub instructions: Vec<&'static str>,
    /// What the chain says of its failure; null if it did not fail.
    pub error: Value,
}

impl ChainClient {
    /// Every transaction that names a market, newest first, failed ones too.
    pub async fn landed(&self, market: MarketAddress) -> Vec<Landed> {
        let options = json!({"limit": 1000, "commitment": "confirmed"});
        let listed = self.call("getSignaturesForAddress", json!([market.to_string(), options])).await;
        let mut landed = Vec::new();
        for one in listed.as_array().unwrap() {
            let options = json!({"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0});
            let found = self.call("getTransaction", json!([one["signature"], options])).await;
            landed.push(Landed {
                signature: one["signature"].as_str().unwrap().parse().unwrap(),
                slot: found["slot"].as_u64().unwrap(),
                instructions: self.named(&found["transaction"]["message"], &market.to_string()),
                error: one["err"].clone(),
            });
        }
        landed
    }

    /// How often an instruction landed on a market without failing.
    pub async fn times_landed(&self, market: MarketAddress, instruction: &str) -> usize {
        let landed = self.landed(market).await;
        let done = landed.iter().filter(|one| one.error.is_null());
        done.flat_map(|one| &one.instructions).filter(|name| **name == instruction).count()
    }

    fn named(&self, message: &Value, market: &str) -> Vec<&'static str> {
        let key = |index: &Value| message["accountKeys"][index.as_u64().unwrap_or(u64::MAX) as usize].as_str();
        let of_ours = message["instructions"].as_array().unwrap().iter().filter(|one| {
            key(&one["programIdIndex"]) == Some(&self.program.to_string())
                && one["accounts"].as_array().unwrap().iter().any(|account| key(account) == Some(market))
        });
        let name = |one: &Value| {
            let data = bs58::decode(one["data"].as_str().unwrap()).into_vec().unwrap();
            let kind = InstructionKind::ALL.iter().find(|kind| data.starts_with(&kind.discriminator()));
            kind.map_or("unknown", |kind| kind.name())
        };
        of_ours.map(name).collect()
    }
}
