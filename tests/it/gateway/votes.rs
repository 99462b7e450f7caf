//! Votes: each counted once, wherever it was cast and whatever dies on its way.

use zmart::domain::ids::Wallet;
use zmart_testkit::{chain::wallet_of, patience::wait_for};

use super::written::{counts, listening, nobody, number, proposed, tally_is, vote_as, write_as};

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_written_past_the_engine_obeys_phase_and_uniqueness_and_reaches_tally_and_subscribers() {
    let (stage, market, creator) = proposed().await;
    let mut connection = listening(&stage, market).await;
    vote_as(&stage.database, nobody(1), market, true).await;
    let frame = connection.next_of("vote_update").await;
    assert_eq!(frame["channel"], format!("market:{market}"));
    let data = &frame["data"];
    assert_eq!((&data["vote_type"], &data["source"]), (&"proposal".into(), &"offchain".into()), "{frame}");
    assert_eq!(data["user_wallet"], nobody(1).to_string());
    assert_eq!((data["vote"].as_bool(), counts(&data["tally"])), (Some(true), (1, 0)));
    assert_eq!(data["tally"]["approval_bps"], 10_000);
    assert!(frame["slot"].as_u64().unwrap() > 0, "it carries the stream's slot: {frame}");

    const SQL: &str = "INSERT INTO proposal_votes (market, vote) VALUES ($1::text, false)";
    let again = write_as(&stage.database, nobody(1), SQL, &[&market.to_string()]).await.unwrap_err();
    assert_eq!(again.code().unwrap().code(), "23505");
    vote_as(&stage.database, nobody(2), market, false).await;
    assert_eq!(counts(&connection.next_of("vote_update").await["data"]["tally"]), (1, 1));
    tally_is(&stage.database, market, 1, 1).await;

    stage.chain.approve(market).await;
    stage.chain.client().activate(market, &creator).await;
    stage.shown_active(market).await;
    let late = write_as(&stage.database, nobody(3), SQL, &[&market.to_string()]).await.unwrap_err();
    assert_eq!(late.code().unwrap().code(), "ZM001");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_vote_is_counted_once_whatever_dies_on_its_way() {
    let (mut stage, market, _creator) = proposed().await;
    let mut cast = 0_u8;
    let name = market.to_string();
    for blow in ["market", "writer", "outbox", "registry", "kill", "market", "outbox", "kill"] {
        for n in 0..12 {
            cast += 1;
            vote_as(&stage.database, nobody(cast), market, cast % 3 != 0).await;
            if n == 5 {
                match blow {
                    "kill" => stage.engine.kill(),
                    "market" => stage.engine.crash(&name).await,
                    actor => stage.engine.crash(actor).await,
                }
            }
        }
        if blow == "kill" {
            stage.engine.start().await;
        }
    }
    let against = (1..=cast).filter(|n| n % 3 == 0).count() as i64;
    tally_is(&stage.database, market, i64::from(cast) - against, against).await;
    let database = &stage.database;
    assert_eq!(number(database, "SELECT count(*) FROM outbox").await, 0);
    assert_eq!(number(database, "SELECT count(*) FROM journal WHERE kind = 'vote'").await, i64::from(cast));
    let wallets = "SELECT count(DISTINCT payload ->> 'wallet') FROM journal WHERE kind = 'vote'";
    assert_eq!(number(database, wallets).await, i64::from(cast));
    assert_eq!(number(database, "SELECT count(*) FROM dead_letters").await, 0);
    stage.engine.ready().await;
    let checked = stage.engine.run(&["verify"]).await;
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_votes_here_and_on_the_chain_counts_once_and_the_chain_wins() {
    let (mut stage, market, _creator) = proposed().await;
    let mut connection = listening(&stage, market).await;
    let client = stage.chain.client().clone();
    let [first, second] = [client.funded_wallet().await, client.funded_wallet().await];
    vote_as(&stage.database, wallet_of(&first), market, true).await;
    assert_eq!(counts(&connection.next_of("vote_update").await["data"]["tally"]), (1, 0));
    client.vote(market, &first, false).await;
    let frame = connection.next_of("vote_update").await;
    assert_eq!((&frame["data"]["source"], counts(&frame["data"]["tally"])), (&"onchain".into(), (0, 1)), "{frame}");
    // The other way round, and by a life that reads its ballots again.
    client.vote(market, &second, true).await;
    assert_eq!(counts(&connection.next_of("vote_update").await["data"]["tally"]), (1, 1));
    stage.engine.crash(&market.to_string()).await;
    vote_as(&stage.database, wallet_of(&second), market, false).await;
    let frame = connection.next_of("vote_update").await;
    assert_eq!((&frame["data"]["source"], counts(&frame["data"]["tally"])), (&"offchain".into(), (1, 1)), "{frame}");
    tally_is(&stage.database, market, 1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_can_not_be_used_becomes_a_dead_letter_and_holds_up_no_other() {
    let (stage, market, _creator) = proposed().await;
    const SQL: &str = "INSERT INTO outbox (market, kind, payload) VALUES ($1::text, $2, $3)";
    let client = stage.database.connect().await;
    let poison = serde_json::json!({"wallet": "nobody", "vote": true});
    client.execute(SQL, &[&market.to_string(), &"proposal_vote", &poison]).await.unwrap();
    // Its form is right, its signature is not.
    let forged = serde_json::json!({"wallet": Wallet([9; 32]), "vote": true, "signature": "1".repeat(64)});
    client.execute(SQL, &[&market.to_string(), &"proposal_vote", &forged]).await.unwrap();
    for n in 1..=5 {
        vote_as(&stage.database, nobody(n), market, true).await;
    }
    tally_is(&stage.database, market, 5, 0).await;
    let letters = "SELECT count(*) FROM dead_letters WHERE source = 'outbox' AND reason = 'refused'";
    wait_for("two letters", || async {
        match number(&stage.database, letters).await {
            2 => Ok(()),
            other => Err(other),
        }
    })
    .await;
    assert_eq!(number(&stage.database, "SELECT count(*) FROM outbox").await, 0);
    stage.engine.ready().await;
}
