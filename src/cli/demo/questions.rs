//! What the demo's markets ask, and how the engine is told: a market's document hashes to what its creator put on the chain, and
//! its creator hands it to the engine, signed in as any wallet.
//!
//! A market whose document can't be told is traded on all the same; it is shown without a question.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use solana_sdk::{signature::Keypair, signer::Signer};

use super::keys::wallet_of;
use crate::domain::{
    ids::MarketAddress,
    metadata::{MarketMetadata, MetadataDocument, MetadataError},
};

/// Question, category, and by what it would be decided.
const QUESTIONS: [(&str, &str, &str); 12] = [
    (
        "Will the next launch to the Moon lift off before the year ends?",
        "space",
        "The launch provider's own broadcast.",
    ),
    (
        "Will it rain in Lisbon on more than three days of next week?",
        "weather",
        "Days with 1 mm or more at the city's main station.",
    ),
    ("Will the home team win the cup final in regular time?", "sports", "The official result after 90 minutes."),
    (
        "Will the central bank lower its rate at the next meeting?",
        "economy",
        "The bank's statement on the day of the meeting.",
    ),
    ("Will the new bridge open to traffic by the first of March?", "cities", "The city's announcement of the opening."),
    ("Will a film in another language win best picture this year?", "culture", "The list of winners of the ceremony."),
    (
        "Will the reef's water stay below 29 °C through the summer?",
        "climate",
        "The monthly mean of the research station.",
    ),
    ("Will the chess champion keep the title in the coming match?", "sports", "The federation's result of the match."),
    (
        "Will a quantum computer factor a 64-bit number this year?",
        "science",
        "A reviewed paper with the numbers and the method.",
    ),
    (
        "Will the night train to the coast run daily this summer?",
        "travel",
        "The railway's timetable in force on the first of July.",
    ),
    (
        "Will the harvest beat last year's by more than five percent?",
        "economy",
        "The ministry's final figures of both years.",
    ),
    (
        "Will the comet be visible to the naked eye in October?",
        "space",
        "A magnitude of 6.0 or brighter in the observers' database.",
    ),
];

/// How often the engine is told, and after how long each: it hears of a market a moment after the chain has it.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// What the markets of a place ask, one after the other.
///
/// # Errors
/// None: a test holds that all of them are documents.
pub fn document(place: u32, round: u32) -> Result<MetadataDocument, MetadataError> {
    let number = place.wrapping_add(round.wrapping_mul(6)) as usize % QUESTIONS.len();
    let (question, category, criteria) = QUESTIONS[number];
    MetadataDocument::new(MarketMetadata {
        question: question.to_owned(),
        description: "A market of the demo: it is traded on by programs, and decided by chance.".to_owned(),
        category: category.to_owned(),
        tags: vec!["demo".to_owned()],
        resolution_criteria: Some(criteria.to_owned()),
        closes_at: None,
    })
}

/// The engine's REST, as a wallet uses it.
#[derive(Debug, Clone)]
pub struct Teller {
    api: String,
    client: reqwest::Client,
}

impl Teller {
    /// At `http://HOST:PORT`.
    pub fn new(api: String) -> Self {
        Self { api, client: reqwest::Client::new() }
    }

    /// Tells the engine what a market is about, in the background.
    pub fn tell(&self, market: MarketAddress, creator: Arc<Keypair>, document: MetadataDocument) {
        let teller = self.clone();
        tokio::spawn(async move {
            let mut last = String::new();
            for _ in 0..TRIES {
                match teller.try_tell(market, &creator, &document).await {
                    Ok(()) => return,
                    Err(error) => last = error,
                }
                tokio::time::sleep(PAUSE).await;
            }
            log::warn!("what {market} is about could not be told: {last}");
        });
    }

    async fn try_tell(
        &self,
        market: MarketAddress,
        creator: &Keypair,
        document: &MetadataDocument,
    ) -> Result<(), String> {
        let path = format!("/api/markets/{market}");
        // Not before it is known: a sign-in for nothing.
        self.send(self.client.get(format!("{}{path}", self.api))).await?;
        let wallet = wallet_of(creator).to_string();
        let nonce = self.post("/api/auth/nonce", &json!({"wallet": wallet})).await?;
        let message = nonce["message"].as_str().unwrap_or_default();
        let signature = creator.sign_message(message.as_bytes()).to_string();
        let login = self
            .post("/api/auth/login", &json!({"message": message, "signature": signature, "wallet": wallet}))
            .await?;
        let about = document.metadata();
        let body = json!({
            "question": about.question, "description": about.description, "category": about.category,
            "tags": about.tags, "resolution_criteria": about.resolution_criteria,
        });
        let put = self.client.put(format!("{}{path}/metadata", self.api));
        let put = put.bearer_auth(login["token"].as_str().unwrap_or_default());
        let put = put.header("content-type", "application/json").body(body.to_string());
        self.send(put).await.map(drop)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.client.post(format!("{}{path}", self.api));
        self.send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, String> {
        let reply = request.timeout(Duration::from_secs(10)).send().await.map_err(|error| error.to_string())?;
        let status = reply.status();
        let text = reply.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_market_of_the_demo_asks_something_and_two_at_a_time_ask_different_things() {
        for round in 0..4 {
            let asked: std::collections::BTreeSet<_> =
                (0..6).map(|place| document(place, round).unwrap().question_hash().0.to_vec()).collect();
            assert_eq!(asked.len(), 6);
        }
    }
}
