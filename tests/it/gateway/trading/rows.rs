//! The table of submissions: one intent, so many on their way, each wallet its own.

use zmart::{
    domain::{
        event::Outcome,
        evidence::EvidenceDocument,
        ids::{MarketAddress, Slot, TxSignature, Wallet},
        submission::{Standing, SubmissionStatus},
    },
    http::error::{ApiError, ErrorCode},
    journal::{
        evidence, follow,
        lease::{Leased, Term},
        submissions::{self, Change, FailureReason, Kept, NewSubmission, UNSETTLED_MAX, UNSETTLED_OF_A_WALLET_MAX},
    },
};

use super::super::{caller, prepared, reads, settings, wallet};

const MARKET: MarketAddress = MarketAddress([7; 32]);

fn signature(n: u64) -> TxSignature {
    let mut bytes = [1; 64];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    TxSignature(bytes)
}

fn new(wallet: Wallet, n: u64, client_ref: Option<&str>) -> NewSubmission<'_> {
    let signature = signature(n);
    NewSubmission {
        signature,
        wallet,
        client_ref,
        market: MARKET,
        purpose: "buy_shares",
        wire: &[1, 2, 3],
        last_valid_block_height: 150,
    }
}

fn change(n: u64, from: SubmissionStatus, status: SubmissionStatus, settled: bool) -> Change {
    let reason = (status == SubmissionStatus::Failed).then(|| FailureReason { code: Some(6015), name: "x".into() });
    Change { signature: signature(n), from, to: Standing { status, settled }, slot: Some(Slot(9)), reason }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_intent_has_one_transaction_until_it_failed_or_expired_for_good() {
    use SubmissionStatus::{Confirmed, Expired, Failed, Finalized, Received};
    let (database, pool) = prepared(2).await;
    let reads = reads(&pool);
    database.take_lease().await;
    let writer = Leased::new(settings(&database).pool(1).unwrap(), Term(1));
    let keep = async |wallet: Wallet, n: u64, client_ref: Option<&str>| {
        let keep = async |tx: &deadpool_postgres::Transaction<'_>| {
            Ok(submissions::keep(tx, &new(wallet, n, client_ref)).await?)
        };
        reads.engine(keep).await.unwrap()
    };
    let record = async |change: Change| submissions::record(&writer, vec![change]).await.unwrap().len();
    assert_eq!(keep(wallet(1), 1, Some("a")).await, Kept::New);
    assert_eq!(keep(wallet(1), 1, Some("a")).await, Kept::OtherOfIntent(signature(1)), "the same again");
    assert_eq!(keep(wallet(1), 2, Some("a")).await, Kept::OtherOfIntent(signature(1)));
    assert_eq!(keep(wallet(2), 3, Some("a")).await, Kept::New, "another wallet's own");
    assert_eq!(keep(wallet(1), 4, None).await, Kept::New, "no name, no intent");
    assert_eq!(keep(wallet(1), 5, None).await, Kept::New);
    // Failed, but it may yet land; then for good.
    assert_eq!(record(change(1, Received, Failed, false)).await, 1);
    assert_eq!(keep(wallet(1), 2, Some("a")).await, Kept::OtherOfIntent(signature(1)));
    assert_eq!(record(change(1, Failed, Failed, true)).await, 1);
    assert_eq!(keep(wallet(1), 2, Some("a")).await, Kept::New);
    assert_eq!(record(change(2, Received, Expired, true)).await, 1);
    assert_eq!(keep(wallet(1), 6, Some("a")).await, Kept::New);
    assert_eq!(record(change(6, Received, Confirmed, false)).await, 1);
    assert_eq!(record(change(6, Received, Expired, true)).await, 0, "it stands elsewhere by now");
    assert_eq!(record(change(6, Confirmed, Finalized, true)).await, 1);
    assert_eq!(keep(wallet(1), 7, Some("a")).await, Kept::OtherOfIntent(signature(6)), "it has landed");
    assert_eq!(record(change(6, Finalized, Received, false)).await, 0, "settled is settled");

    let named = async |tx: &deadpool_postgres::Transaction<'_>| {
        let all: Vec<_> = (1..9).map(signature).collect();
        Ok(submissions::client_refs(&**tx, wallet(1), &all).await?)
    };
    let named = reads.read_for(Some(&caller(1)), named).await.unwrap();
    let mut found: Vec<_> = named.into_iter().collect();
    found.sort_by_key(|(signature, _)| signature.0);
    assert_eq!(found, [1, 2, 6].map(|n| (signature(n), "a".to_owned())));
    // What is on its way is walked through page by page.
    let mut seen = Vec::new();
    let mut place = None;
    loop {
        let (page, next) = submissions::unsettled(writer.pool(), place.as_ref(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        seen.extend(page.iter().map(|one| one.row.signature));
        place = next;
    }
    assert_eq!(seen, [3, 4, 5].map(signature));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_has_so_many_on_their_way_and_no_more() {
    let (database, pool) = prepared(2).await;
    let reads = reads(&pool);
    let most = u64::try_from(UNSETTLED_OF_A_WALLET_MAX).unwrap();
    let fill = async |tx: &deadpool_postgres::Transaction<'_>| {
        for n in 0..most {
            assert_eq!(submissions::keep(tx, &new(wallet(1), n, None)).await?, Kept::New);
        }
        assert_eq!(submissions::keep(tx, &new(wallet(1), most, None)).await?, Kept::WalletFull);
        assert_eq!(submissions::keep(tx, &new(wallet(2), most + 1, None)).await?, Kept::New);
        Ok::<_, ApiError>(())
    };
    reads.engine(fill).await.unwrap();
    // Other nodes read what has changed page by page, also where all of it changed in one moment.
    let pool = settings(&database).pool(1).unwrap();
    let mut found = Vec::new();
    let mut place = (chrono::DateTime::UNIX_EPOCH, String::new());
    loop {
        let page = follow::changed_submissions(&pool, &place, 10).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        place = last.clone();
        found.extend(page.iter().map(|((moment, _), row)| (*moment, row.signature)));
    }
    let moments: std::collections::BTreeSet<_> = found.iter().map(|(moment, _)| *moment).collect();
    assert_eq!(moments.len(), 1, "one transaction wrote them");
    let mut signatures: Vec<_> = found.into_iter().map(|(_, signature)| signature.0).collect();
    signatures.sort_unstable();
    assert_eq!(signatures, (0..most).chain([most + 1]).map(|n| signature(n).0).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_takes_nobodys_room_and_what_may_land_is_bounded_in_all() {
    let (database, pool) = prepared(2).await;
    let reads = reads(&pool);
    let keep = async |n: u64| {
        let keep = async |tx: &deadpool_postgres::Transaction<'_>| {
            Ok::<_, ApiError>(submissions::keep(tx, &new(wallet(1), n, None)).await?)
        };
        reads.engine(keep).await.unwrap()
    };
    // Of others: as many as there may be.
    let others = format!(
        "INSERT INTO submissions (signature, wallet, market, purpose, transaction, last_valid_block_height, status) \
         SELECT translate(lpad(n::text, 87, '0'), '0', 'a'), '{}', '{MARKET}', 'buy_shares', 'x', 1, \
                'failed' FROM generate_series(1, {UNSETTLED_MAX}) n",
        wallet(2)
    );
    let client = database.connect().await;
    client.batch_execute(&others).await.unwrap();
    assert_eq!(keep(1).await, Kept::New);
    client.batch_execute("UPDATE submissions SET status = 'received'").await.unwrap();
    assert_eq!(keep(2).await, Kept::Full);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_to_be_kept_is_kept_also_where_the_other_of_its_intent_settles_meanwhile() {
    let (database, pool) = prepared(2).await;
    let reads = reads(&pool);
    let keep = async |wallet: Wallet, n: u64| {
        let keep = async |tx: &deadpool_postgres::Transaction<'_>| {
            Ok::<_, ApiError>(submissions::keep(tx, &new(wallet, n, Some("a"))).await?)
        };
        reads.engine(keep).await.unwrap()
    };
    assert_eq!(keep(wallet(1), 1).await, Kept::New);
    // Settles the first one right behind the statement that it was in the way of.
    let client = database.connect().await;
    let settles = format!(
        "CREATE FUNCTION settle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             UPDATE submissions SET status = 'expired', settled = true WHERE signature = '{}'; RETURN NULL; END $$; \
         CREATE TRIGGER settle AFTER INSERT ON submissions FOR EACH STATEMENT EXECUTE FUNCTION settle()",
        signature(1)
    );
    client.batch_execute(&settles).await.unwrap();
    assert_eq!(keep(wallet(1), 2).await, Kept::New);
    let kept = "SELECT count(*) FROM submissions WHERE NOT settled AND signature = $1::text";
    let kept = client.query_one(kept, &[&signature(2).to_string()]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 1);
    // What is in the way and is never found is not told to be kept: here, another wallet's of the same name.
    assert_eq!(keep(wallet(2), 2).await, Kept::Contended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_sees_its_own_transactions_writes_none_and_keeps_its_own_evidence() {
    let (_database, pool) = prepared(2).await;
    let reads = reads(&pool);
    let keep =
        async |tx: &deadpool_postgres::Transaction<'_>| Ok(submissions::keep(tx, &new(wallet(1), 1, None)).await?);
    assert_eq!(reads.engine(keep).await.unwrap(), Kept::New);
    for (n, sees) in [(1, true), (2, false)] {
        let count = async |tx: &deadpool_postgres::Transaction<'_>| {
            Ok::<i64, ApiError>(tx.query_one("SELECT count(*) FROM submissions", &[]).await?.get(0))
        };
        assert_eq!(reads.read_for(Some(&caller(n)), count).await.unwrap(), i64::from(sees));
        let own = reads.write(&caller(n), keep).await.unwrap_err();
        assert_eq!(own.code, ErrorCode::Forbidden);
    }
    let anonymous = async |tx: &deadpool_postgres::Transaction<'_>| {
        Ok::<i64, ApiError>(tx.query_one("SELECT count(*) FROM submissions", &[]).await?.get(0))
    };
    assert_eq!(reads.read(anonymous).await.unwrap_err().code, ErrorCode::Forbidden);

    let document = EvidenceDocument::new(MARKET, Outcome::Yes, "seen").unwrap();
    let write = async |tx: &deadpool_postgres::Transaction<'_>| Ok(evidence::insert(tx, MARKET, &document).await?);
    reads.write(&caller(1), write).await.unwrap();
    reads.write(&caller(1), write).await.unwrap();
    reads.write(&caller(2), write).await.unwrap();
    let owners = async |tx: &deadpool_postgres::Transaction<'_>| {
        let rows = tx.query("SELECT resolver_wallet::text FROM market_evidence ORDER BY 1", &[]).await?;
        Ok::<_, ApiError>(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>())
    };
    let mut expected = [wallet(1).to_string(), wallet(2).to_string()];
    expected.sort();
    assert_eq!(reads.engine(owners).await.unwrap(), expected);
}
