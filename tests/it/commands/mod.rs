//! Commands over one socket: who a connection is, and all that a trading client does there.

mod bounds;
mod life;
mod quotes;
mod sign_in;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use solana_sdk::{signature::Keypair, signer::Signer};
use zmart_testkit::{engine::Engine, signed_in::SignedInClient, socket::Connection};

/// A connection, and the wallet that it is to be of.
struct Trader {
    client: SignedInClient,
    connection: Connection,
    said: u64,
}

impl Trader {
    /// A connection that is nobody's yet.
    async fn connect(engine: &Engine, key: Keypair) -> Self {
        let client = SignedInClient::with_key(&engine.api, key).await;
        Self { client, connection: welcomed(&engine.ws).await, said: 0 }
    }

    /// A connection that is signed in.
    async fn signed_in(engine: &Engine, key: Keypair) -> Self {
        let mut trader = Self::connect(engine, key).await;
        let token = trader.client.token.clone();
        let reply = trader.ask("auth", json!({"token": token})).await;
        assert_eq!((&reply["type"], &reply["action"]), (&json!("reply"), &json!("auth")), "{reply}");
        assert_eq!(reply["data"]["wallet"], json!(trader.client.wallet()), "{reply}");
        trader
    }

    /// Says something, and gives its id.
    async fn say(&mut self, action: &str, mut fields: Value) -> Value {
        self.said += 1;
        let id = json!(self.said);
        fields["id"] = id.clone();
        fields["action"] = json!(action);
        self.connection.send(fields).await;
        id
    }

    /// Says something, and gives the answer.
    async fn ask(&mut self, action: &str, fields: Value) -> Value {
        let id = self.say(action, fields).await;
        self.connection.answer_to(&id).await
    }

    /// As [`Self::ask`], where it must be a reply: its data.
    async fn get(&mut self, action: &str, fields: Value) -> Value {
        let reply = self.ask(action, fields.clone()).await;
        assert_eq!((&reply["type"], &reply["action"]), (&json!("reply"), &json!(action)), "{fields}: {reply}");
        reply["data"].clone()
    }

    /// As [`Self::ask`], where it must be a refusal: its code.
    async fn refused(&mut self, action: &str, fields: Value) -> String {
        let error = self.ask(action, fields.clone()).await;
        assert_eq!(error["type"], "error", "{fields}: {error}");
        error["code"].as_str().unwrap().to_owned()
    }

    /// The wallet's signature in what was built.
    fn sign(&self, built: &Value) -> String {
        let mut wire = BASE64_STANDARD.decode(built["transaction"].as_str().unwrap()).unwrap();
        assert_eq!(wire[0], 1, "one place for a signature");
        let signature = self.client.key.sign_message(&wire[65..]);
        wire[1..65].copy_from_slice(signature.as_ref());
        BASE64_STANDARD.encode(wire)
    }
}

/// A connection that has heard its welcome.
async fn welcomed(url: &str) -> Connection {
    let mut connection = Connection::open(url).await;
    assert_eq!(connection.next_frame().await["type"], "welcome");
    connection
}
