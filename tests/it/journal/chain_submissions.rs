//! The table of governance's own transactions: one attempt at a time, kept in a term or not at all, and done only with its
//! entry.

use zmart::{
    domain::{
        amount::{Bps, UnixSeconds},
        attempt::{AttemptStanding, AttemptStatus, Ended, ProgramRefusal, SubmissionId, Why},
        governance::{Grounds, Intent, Purpose},
        ids::{Epoch, MarketAddress, Seq, Slot, TxSignature},
        tally::Counts,
    },
    journal::{
        JournalError,
        chain_submissions::{self, Change, Kept, NewAttempt, OPEN_MAX, Recorded},
        lease::{Leased, Term},
    },
};
use zmart_testkit::{postgres::Database, seed};

use super::{leased, prepare, settings};

async fn prepared() -> (Database, Leased) {
    let database = Database::fresh().await;
    prepare(&database).await;
    let pool = leased(settings(&database.url).pool(4).unwrap());
    (database, pool)
}

fn market(n: u16) -> MarketAddress {
    let mut bytes = [7; 32];
    bytes[..2].copy_from_slice(&n.to_le_bytes());
    MarketAddress(bytes)
}

fn intent(market: MarketAddress, purpose: Purpose) -> Intent {
    let grounds = Grounds {
        epoch: Epoch(1),
        seq: Seq(3),
        slot: Slot(9),
        chain_time: UnixSeconds(1_760_000_000),
        threshold: Bps(7_000),
        minimum: 10,
        due_at: None,
        config_read: true,
    };
    Intent { market, purpose, counts: Counts::new(8, 2), grounds }
}

fn signature(n: u16) -> TxSignature {
    let mut bytes = [3; 64];
    bytes[..2].copy_from_slice(&n.to_le_bytes());
    TxSignature(bytes)
}

async fn keep(pool: &Leased, intent: &Intent, signature: TxSignature) -> Result<Kept, JournalError> {
    let wire = [1, 2, 3];
    chain_submissions::keep(pool, &NewAttempt { intent, signature, wire: &wire, last_valid_block_height: 150 }).await
}

async fn kept(pool: &Leased, intent: &Intent, signature: TxSignature) -> SubmissionId {
    match keep(pool, intent, signature).await.unwrap() {
        Kept::New(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn settle(pool: &Leased, id: SubmissionId, from: AttemptStatus, to: AttemptStatus, why: Option<Why>) -> bool {
    let reason = why.map(|why| ProgramRefusal::ours(why, "SaysTheTest"));
    let to = AttemptStanding { status: to, settled: true };
    let change = Change { id, from, to, slot: None, reason, entry: None };
    chain_submissions::record(pool, vec![change]).await.unwrap().len() == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purpose_has_one_open_attempt_a_market_and_the_next_when_it_is_settled() {
    let (_database, pool) = prepared().await;
    let approve = intent(market(1), Purpose::ApproveProposal);
    let first = kept(&pool, &approve, signature(1)).await;
    assert_eq!(keep(&pool, &approve, signature(2)).await.unwrap(), Kept::Open(first));
    // Another purpose, or another market, is another matter.
    kept(&pool, &intent(market(1), Purpose::AggregateProposal), signature(3)).await;
    kept(&pool, &intent(market(2), Purpose::ApproveProposal), signature(4)).await;

    let open = chain_submissions::open(pool.pool(), 0).await.unwrap();
    let found = open.iter().find(|one| one.id == first).unwrap();
    assert_eq!((found.purpose, found.market, found.counts), (approve.purpose, approve.market, approve.counts));
    assert_eq!((found.signature, &found.wire[..], found.last_valid_block_height), (signature(1), &[1, 2, 3][..], 150));
    assert_eq!((found.status, found.slot, &found.reason), (AttemptStatus::Signed, None, &None));

    assert!(settle(&pool, first, AttemptStatus::Signed, AttemptStatus::Expired, None).await);
    assert!(!settle(&pool, first, AttemptStatus::Signed, AttemptStatus::Expired, None).await, "it is settled");
    assert_eq!(keep(&pool, &approve, signature(1)).await.unwrap(), Kept::SameSignature);
    assert_ne!(kept(&pool, &approve, signature(5)).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_want_to_begin_at_once_begin_one_attempt() {
    let (_database, pool) = prepared().await;
    let approve = intent(market(1), Purpose::ApproveProposal);
    let all = futures_util::future::join_all((0..20).map(|n| keep(&pool, &approve, signature(n)))).await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    let new: Vec<_> = all.iter().filter(|kept| matches!(kept, Kept::New(_))).collect();
    let [Kept::New(id)] = new[..] else { panic!("{all:?}") };
    assert_eq!(all.iter().filter(|kept| **kept == Kept::Open(*id)).count(), 19, "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_attempts_are_on_their_way_as_one_question_tells_of() {
    let (_database, pool) = prepared().await;
    for n in 0..u16::try_from(OPEN_MAX).unwrap() {
        kept(&pool, &intent(market(n), Purpose::ApproveProposal), signature(n)).await;
    }
    let one_more = intent(market(9_999), Purpose::ApproveProposal);
    assert_eq!(keep(&pool, &one_more, signature(9_999)).await.unwrap(), Kept::Full);
    // The room is counted without a lock: one that was kept in the same moment as the last is looked after too.
    let late = intent(market(9_998), Purpose::ApproveProposal);
    const BESIDE: &str =
        "INSERT INTO chain_submissions (purpose, market, intent_hash, grounds, term, signature, transaction,
                                                         last_valid_block_height, status)
                          VALUES ($1, $2::text, $3, '{}', 1, $4::text, '\\x01', 1, 'signed')";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&late.purpose.as_str(), &late.market.to_string(), &&late.hash()[..], &signature(9_998).to_string()];
    assert_eq!(pool.pool().get().await.unwrap().execute(BESIDE, &values).await.unwrap(), 1);
    let open = chain_submissions::open(pool.pool(), 16).await.unwrap();
    assert_eq!(open.len(), OPEN_MAX + 1);
    assert!(settle(&pool, open[1].id, AttemptStatus::Signed, AttemptStatus::Expired, None).await);
    assert!(settle(&pool, open[0].id, AttemptStatus::Signed, AttemptStatus::Expired, None).await);
    kept(&pool, &one_more, signature(9_999)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_or_changed_in_a_term_that_is_over() {
    let (_database, pool) = prepared().await;
    let approve = intent(market(1), Purpose::ApproveProposal);
    let id = kept(&pool, &approve, signature(1)).await;
    let old = pool.under(Term(pool.term().0 - 1));
    let other = intent(market(2), Purpose::ApproveProposal);
    let refusal = ProgramRefusal::ours(Why::Poor, "SaysTheTest");
    assert!(matches!(keep(&old, &other, signature(2)).await, Err(JournalError::LeaseOver(_))));
    let refused = chain_submissions::keep_refused(&old, &other, &refusal).await;
    assert!(matches!(refused, Err(JournalError::LeaseOver(_))));
    let to = AttemptStanding { status: AttemptStatus::Expired, settled: true };
    let change = Change { id, from: AttemptStatus::Signed, to, slot: None, reason: None, entry: None };
    assert!(matches!(chain_submissions::record(&old, vec![change]).await, Err(JournalError::LeaseOver(_))));
    let past = chain_submissions::past(pool.pool(), approve.purpose, approve.market).await.unwrap();
    assert_eq!((past.open, past.last), (Some(id), None));
    let none = chain_submissions::past(pool.pool(), other.purpose, other.market).await.unwrap();
    assert_eq!((none.open, none.ended.len()), (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_the_last_attempts_is_known_after_any_restart_also_of_those_never_signed() {
    let (_database, pool) = prepared().await;
    let approve = intent(market(1), Purpose::ApproveProposal);
    let past = async || chain_submissions::past(pool.pool(), approve.purpose, approve.market).await.unwrap();
    let refusal = ProgramRefusal { why: Why::TooFewVotes, code: Some(6_025), name: "InsufficientVotes".into() };
    let refused = chain_submissions::keep_refused(&pool, &approve, &refusal).await.unwrap();
    assert_eq!((past().await.open, past().await.ended), (None, vec![Ended::Failed(Why::TooFewVotes)]));
    let (last, at) = past().await.last.unwrap();
    assert!(last == refused && at <= past().await.now);
    for (n, (to, why)) in [
        (AttemptStatus::Expired, None),
        (AttemptStatus::Failed, Some(Why::Other)),
        (AttemptStatus::Failed, Some(Why::AlreadyDone)),
        (AttemptStatus::Expired, Some(Why::AlreadyDone)),
    ]
    .into_iter()
    .enumerate()
    {
        let id = kept(&pool, &approve, signature(u16::try_from(n).unwrap())).await;
        assert!(settle(&pool, id, AttemptStatus::Signed, to, why).await);
    }
    let [done, again, failed, expired, first] = past().await.ended[..] else { panic!("{:?}", past().await) };
    assert_eq!((done, again), (Ended::Done, Ended::Done));
    assert_eq!(failed, Ended::Failed(Why::Other));
    assert_eq!((expired, first), (Ended::Expired, Ended::Failed(Why::TooFewVotes)));
    // Another purpose has a past of its own.
    let other = chain_submissions::past(pool.pool(), Purpose::AggregateProposal, approve.market).await.unwrap();
    assert_eq!(other.ended, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_is_not_done_without_an_entry_that_the_journal_has() {
    let (_database, pool) = prepared().await;
    let id = kept(&pool, &intent(market(1), Purpose::ApproveProposal), signature(1)).await;
    for entry in [None, Some((Epoch(1), Seq(5)))] {
        let to = AttemptStanding { status: AttemptStatus::Finalized, settled: true };
        let change = Change { id, from: AttemptStatus::Signed, to, slot: Some(Slot(3)), reason: None, entry };
        let refused = chain_submissions::record(&pool, vec![change]).await;
        assert!(matches!(refused, Err(JournalError::Statement(_))), "{entry:?}: {refused:?}");
    }
    let entries = chain_submissions::entries(pool.pool(), &[(signature(1), Purpose::ApproveProposal)]).await.unwrap();
    assert!(entries.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_lost_is_made_up_for_by_the_final_entry_that_adopted_its_market_since() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let client = database.connect().await;
    seed::markets(&client, epoch, 1).await;
    let pool = settings(&database.url).pool(1).unwrap();
    const NEXT: &str = "UPDATE markets SET last_seq = last_seq + 1, slot_high = greatest(slot_high, 70)
                        RETURNING address::text, last_seq";
    let row = client.query_one(NEXT, &[]).await.unwrap();
    let (name, seq): (String, i64) = (row.get(0), row.get(1));
    const ADOPT: &str = "INSERT INTO journal (stream, epoch, seq, kind, slot, slot_high, recorded_at, payload)
                         VALUES ($1::text, $2, $3, 'resync', 70, 70, now(), '{}')";
    client.execute(ADOPT, &[&name, &i32::try_from(epoch.0).unwrap(), &seq]).await.unwrap();
    let market: MarketAddress = name.parse().unwrap();
    let of = async |slot| chain_submissions::adoptions(&pool, &[(signature(1), market, Slot(slot))]).await.unwrap();
    assert!(of(60).await.is_empty(), "it is not final");
    client.batch_execute("UPDATE markets SET finalized_seq = last_seq").await.unwrap();
    let entry = (epoch, Seq(seq.try_into().unwrap()));
    assert_eq!(of(70).await.get(&signature(1)), Some(&Recorded { entry, slot: Slot(70) }));
    assert!(of(71).await.is_empty(), "it was adopted as it was before");
}
