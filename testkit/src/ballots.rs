//! Votes cast beside the chain, many at once.
//!
//! Written as Supabase's own API writes them, past the engine: each row under the role and the claims of its own wallet, so
//! that policies, triggers and constraints judge every one; all of them in one statement, because they would be cast by
//! thousands of clients, and a test has one.

use std::sync::atomic::{AtomicU32, Ordering};

use zmart::domain::{
    ids::{MarketAddress, Wallet},
    tally::VoteKind,
};

use crate::postgres::Database;

static NEXT_VOTER: AtomicU32 = AtomicU32::new(1);

/// Wallets that nobody has used in this process, and nobody has the keys of.
pub fn strangers(count: usize) -> Vec<Wallet> {
    let stranger = || {
        let mut bytes = [0xb5; 32];
        bytes[..4].copy_from_slice(&NEXT_VOTER.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Wallet(bytes)
    };
    std::iter::repeat_with(stranger).take(count).collect()
}

/// Wallets that vote alike.
#[derive(Debug, Clone, Copy)]
pub struct Bloc<'a> {
    /// On what.
    pub kind: VoteKind,
    /// On which market.
    pub market: MarketAddress,
    /// Who.
    pub voters: &'a [Wallet],
    /// For it, or against.
    pub vote: bool,
}

/// Each of these wallets votes that way.
///
/// # Errors
/// What the database says; then nobody has voted.
pub async fn cast(
    database: &Database,
    kind: VoteKind,
    market: MarketAddress,
    voters: &[Wallet],
    vote: bool,
) -> Result<(), tokio_postgres::Error> {
    cast_at_once(database, &[Bloc { kind, market, voters, vote }]).await
}

/// Each of these blocs votes, one after the other, and all votes become visible in one moment.
///
/// # Errors
/// What the database says; then nobody has voted.
pub async fn cast_at_once(database: &Database, blocs: &[Bloc<'_>]) -> Result<(), tokio_postgres::Error> {
    let mut client = database.connect().await;
    let tx = client.transaction().await?;
    for Bloc { kind, market, voters, vote } in blocs {
        let voters: Vec<String> = voters.iter().map(ToString::to_string).collect();
        // A DO block takes no values; settings of the transaction bring them.
        let bring = "SELECT set_config('ballots.market', $1, true), set_config('ballots.voters', $2, true)";
        tx.execute(bring, &[&market.to_string(), &voters.join(" ")]).await?;
        let table = match kind {
            VoteKind::Proposal => "proposal_votes",
            VoteKind::Dispute => "dispute_votes",
        };
        tx.batch_execute(&format!(
            "SET LOCAL ROLE authenticated;
             DO $$
             DECLARE voter text;
             BEGIN
                 FOREACH voter IN ARRAY string_to_array(current_setting('ballots.voters'), ' ') LOOP
                     PERFORM set_config('request.jwt.claims',
                                        json_build_object('wallet', voter, 'role', 'authenticated')::text, true);
                     INSERT INTO {table} (market, vote) VALUES (current_setting('ballots.market'), {vote});
                 END LOOP;
             END $$"
        ))
        .await?;
    }
    tx.commit().await
}
