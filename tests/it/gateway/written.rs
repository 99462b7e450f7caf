//! What the tests of users' writes share: a stage with a proposed market, and writing past the engine.

use serde_json::Value;
use solana_sdk::signature::Keypair;
use tokio_postgres::types::ToSql;
use zmart::domain::ids::{MarketAddress, Wallet};
use zmart_testkit::{chain::SOL, patience::wait_for, postgres::Database, socket::Connection, stage::Stage};

/// As Supabase's own API does it: under the user's role, with the token's claims.
pub async fn write_as(
    database: &Database,
    wallet: Wallet,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<u64, tokio_postgres::Error> {
    let mut client = database.connect().await;
    let tx = client.transaction().await?;
    let claims = serde_json::json!({"wallet": wallet, "role": "authenticated"}).to_string();
    tx.batch_execute("SET LOCAL ROLE authenticated").await?;
    tx.execute("SELECT set_config('request.jwt.claims', $1, true)", &[&claims]).await?;
    let written = tx.execute(sql, values).await?;
    tx.commit().await?;
    Ok(written)
}

/// A vote on a proposal.
pub async fn vote_as(database: &Database, wallet: Wallet, market: MarketAddress, vote: bool) {
    const SQL: &str = "INSERT INTO proposal_votes (market, vote) VALUES ($1::text, $2)";
    let written = write_as(database, wallet, SQL, &[&market.to_string(), &vote]).await;
    assert_eq!(written.unwrap(), 1);
}

/// A comment.
pub async fn comment_as(database: &Database, wallet: Wallet, market: MarketAddress, content: &str) {
    const SQL: &str = "INSERT INTO discussions (market, content) VALUES ($1::text, $2)";
    assert_eq!(write_as(database, wallet, SQL, &[&market.to_string(), &content]).await.unwrap(), 1);
}

/// A wallet that holds nothing.
pub fn nobody(n: u8) -> Wallet {
    Wallet([n.max(1); 32])
}

/// A stage with a market that is proposed, and its creator.
pub async fn proposed() -> (Stage, MarketAddress, Keypair) {
    let stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let market = stage.chain.client().proposed_market(&creator, 100 * SOL).await;
    stage.shown(market).await;
    (stage, market, creator)
}

/// A connection that has a snapshot of the market.
pub async fn listening(stage: &Stage, market: MarketAddress) -> Connection {
    let mut connection = Connection::open(&stage.engine.ws).await;
    let subscribed = connection.subscribe(market, None).await;
    assert_eq!(subscribed["type"], "subscribed", "{subscribed}");
    connection
}

/// Likes and dislikes of the proposal as the table has them, once they are these.
pub async fn tally_is(database: &Database, market: MarketAddress, likes: i64, dislikes: i64) {
    const SQL: &str = "SELECT in_favour, against FROM vote_tallies WHERE market = $1::text AND kind = 'proposal'";
    wait_for("the tally", || async {
        let row = database.connect().await.query_opt(SQL, &[&market.to_string()]).await.unwrap();
        let found: Option<(i64, i64)> = row.map(|row| (row.get(0), row.get(1)));
        if found.unwrap_or_default() == (likes, dislikes) { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

/// A number that a statement answers.
pub async fn number(database: &Database, sql: &str) -> i64 {
    database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// The counts of a frame: (likes, dislikes).
pub fn counts(tally: &Value) -> (u64, u64) {
    (tally["likes"].as_u64().unwrap(), tally["dislikes"].as_u64().unwrap())
}
