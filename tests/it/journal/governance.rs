//! What decisions are made of: the count that PostgreSQL makes is the tally's, up to any entry; markets that may need a
//! decision are found page by page, and what is on its way to the finalized entry is known.

use std::{collections::BTreeMap, time::Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio_postgres::types::Json;
use zmart::{
    domain::{
        amount::{Bps, UnixSeconds},
        deadline::Periods,
        ids::{AccountAddress, Epoch, MarketAddress, Seq, Slot, TxSignature, Wallet},
        phase::Phase,
        tally::{Counts, VoteKind},
    },
    journal::{
        finality,
        governance::{self, Candidate, Wanted},
        lease::Leased,
        votes,
        write::WriterLife,
    },
};
use zmart_testkit::postgres::Database;

use super::{leased, prepare, settings, story::Story};

const WANTED: Wanted = Wanted { minimum: 10, threshold: Bps(7_000) };

/// A journal with so many markets, each of four entries.
async fn with_markets(count: u8) -> (Database, Leased, Epoch, Vec<Story>) {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = leased(settings(&database.url).pool(2).unwrap());
    let mut life = WriterLife::begin(&pool).await.unwrap();
    let mut stories: Vec<Story> = (1..=count).map(|number| Story::begin(number, epoch)).collect();
    let appends: Vec<_> = stories.iter_mut().map(Story::append).collect();
    life.commit(&pool, 1, &appends).await.unwrap();
    (database, pool, epoch, stories)
}

#[derive(Debug, Clone, Copy)]
struct Cast {
    seq: u64,
    on_chain: bool,
    wallet: Wallet,
    vote: bool,
    orphaned: bool,
    is_dispute: bool,
    /// By the chain's clock.
    at: i64,
}

/// Writes votes as the journal's writer does, as far as counting looks at them.
async fn write(database: &Database, stream: AccountAddress, epoch: Epoch, votes: &[Cast]) {
    const ENTRY: &str = "INSERT INTO journal (stream, epoch, seq, kind, slot, slot_high, recorded_at, payload)
                         VALUES ($1::text, $2, $3, $4, 1, 1, now(), $5)";
    const EVENT: &str =
        "INSERT INTO chain_events (signature, n, stream, epoch, seq, event, slot, block_time_unix, orphaned)
                         VALUES ($1::text, 0, $2::text, $3, $4, $5, 1, $7, $6)";
    let client = database.connect().await;
    let (stream, epoch) = (stream.to_string(), epoch.0 as i32);
    for cast in votes {
        let kind = if cast.is_dispute { VoteKind::Dispute } else { VoteKind::Proposal };
        let (seq, wallet) = (cast.seq as i64, cast.wallet.to_string());
        if cast.on_chain {
            let payload = serde_json::json!({"event": {"event": kind.event(), "user": wallet, "vote": cast.vote}});
            client.execute(ENTRY, &[&stream, &epoch, &seq, &"event", &payload]).await.unwrap();
            let mut signature = TxSignature([3; 64]);
            signature.0[..8].copy_from_slice(&cast.seq.to_be_bytes());
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
                [&signature.to_string(), &stream, &epoch, &seq, &kind.event(), &cast.orphaned, &cast.at];
            client.execute(EVENT, &values).await.unwrap();
        } else {
            let payload = serde_json::json!({"vote_kind": kind.as_str(), "wallet": wallet, "vote": cast.vote});
            client.execute(ENTRY, &[&stream, &epoch, &seq, &"vote", &payload]).await.unwrap();
        }
    }
}

/// Counted by hand: a wallet once, its newest vote on the chain if it has one from before the moment, else its newest here.
fn naive(votes: &[Cast], kind: VoteKind, up_to: u64, before: Option<i64>) -> Counts {
    let mut ballots: BTreeMap<(Wallet, bool), bool> = BTreeMap::new();
    let is_late = |cast: &Cast| cast.on_chain && before.is_some_and(|before| cast.at >= before);
    let counted = votes.iter().filter(|cast| cast.seq <= up_to && !cast.orphaned && !is_late(cast));
    for cast in counted.filter(|cast| cast.is_dispute == (kind == VoteKind::Dispute)) {
        ballots.insert((cast.wallet, cast.on_chain), cast.vote);
    }
    let sides: BTreeMap<Wallet, bool> = ballots.iter().map(|((wallet, _), vote)| (*wallet, *vote)).collect();
    let in_favour = sides.values().filter(|vote| **vote).count() as u32;
    Counts::new(in_favour, sides.len() as u32 - in_favour).unwrap()
}

async fn counted(pool: &Leased, stream: AccountAddress, kind: VoteKind, at: (Epoch, Seq)) -> Counts {
    counted_before(pool, stream, kind, at, None).await
}

async fn counted_before(
    pool: &Leased,
    stream: AccountAddress,
    kind: VoteKind,
    at: (Epoch, Seq),
    before: Option<i64>,
) -> Counts {
    let mut client = pool.get().await.unwrap();
    let tx = client.transaction().await.unwrap();
    votes::counted_up_to(&tx, stream, kind, at, before.map(UnixSeconds)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_up_to_an_entry_is_that_of_the_tally_and_of_a_count_by_hand() {
    let (database, pool, epoch, stories) = with_markets(2).await;
    let mut random = StdRng::seed_from_u64(11);
    let cast = |seq, random: &mut StdRng| {
        let on_chain = random.random_bool(0.5);
        Cast {
            seq,
            on_chain,
            wallet: Wallet([random.random_range(1..40); 32]),
            vote: random.random_bool(0.6),
            orphaned: on_chain && random.random_bool(0.3),
            is_dispute: random.random_bool(0.3),
            at: random.random_range(0..100),
        }
    };
    let cast: Vec<Cast> = (5..305).map(|seq| cast(seq, &mut random)).collect();
    let stream = stories[0].stream();
    write(&database, stream, epoch, &cast).await;
    // Another market's are not among them.
    write(&database, stories[1].stream(), epoch, &[Cast { seq: 1_000, ..cast[0] }]).await;
    for kind in VoteKind::ALL {
        for up_to in [0, 4, 5, 6, 17, 100, 203, 304, 9_999] {
            let found = counted(&pool, stream, kind, (epoch, Seq(up_to))).await;
            assert_eq!(found, naive(&cast, kind, up_to, None), "{kind:?} up to {up_to}");
            for before in [0, 1, 30, 31, 32, 70, 99, 100] {
                let found = counted_before(&pool, stream, kind, (epoch, Seq(up_to)), Some(before)).await;
                assert_eq!(found, naive(&cast, kind, up_to, Some(before)), "{kind:?} up to {up_to}, before {before}");
            }
        }
        let tally = votes::tally(pool.pool(), stream, kind, epoch, &Default::default()).await.unwrap();
        assert_eq!(tally.counts(), naive(&cast, kind, u64::MAX, None), "{kind:?}");
    }
    // Of an older life of the journal is all that came before; of a later one nothing is.
    let older = (Epoch(epoch.0 + 1), Seq(0));
    assert_eq!(counted(&pool, stream, VoteKind::Proposal, older).await, naive(&cast, VoteKind::Proposal, 304, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_votes_are_counted_by_one_short_question() {
    let (database, pool, epoch, stories) = with_markets(1).await;
    let stream = stories[0].stream();
    let client = database.connect().await;
    // Addresses only need their form here: 44 digits of base58.
    let all = format!(
        "INSERT INTO journal (stream, epoch, seq, kind, slot, slot_high, recorded_at, payload)
         SELECT '{stream}', {epoch}, n + 4, 'vote', 1, 1, now(), jsonb_build_object('kind', 'vote', 'vote_kind', 'proposal',
             'wallet', translate(md5(n::text) || 'xxxxxxxxxxxx', '0', 'z'), 'vote', n % 10 < 7, 'signature', repeat('x', 88))
         FROM generate_series(1, 50000) n; ANALYZE journal"
    );
    client.batch_execute(&all).await.unwrap();
    let began = Instant::now();
    let head = counted(&pool, stream, VoteKind::Proposal, (epoch, Seq(50_004))).await;
    eprintln!("50,000 votes were counted in {} ms", began.elapsed().as_millis());
    assert_eq!(head, Counts::new(35_000, 15_000).unwrap());
    let began = Instant::now();
    let earlier = counted(&pool, stream, VoteKind::Proposal, (epoch, Seq(49_999))).await;
    eprintln!("and up to an earlier entry in {} ms", began.elapsed().as_millis());
    assert_eq!(earlier.total(), 49_995);
}

/// A market's row as if its life had come there.
async fn set(database: &Database, story: &Story, columns: &str) {
    let sql = format!("UPDATE markets SET {columns} WHERE address = '{}'", story.address());
    assert_eq!(database.connect().await.execute(&sql, &[]).await.unwrap(), 1);
}

async fn voted(database: &Database, story: &Story, epoch: Epoch, in_favour: i64, against: i64) {
    const SQL: &str = "INSERT INTO vote_tallies (market, kind, in_favour, against, epoch, seq)
                       VALUES ($1::text, 'proposal', $2, $3, $4, 1)";
    let market = story.address().to_string();
    database.connect().await.execute(SQL, &[&market, &in_favour, &against, &(epoch.0 as i32)]).await.unwrap();
}

fn markets(found: &[Candidate]) -> Vec<MarketAddress> {
    found.iter().map(|candidate| candidate.market).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_are_walked_page_by_page_and_found_where_counts_differ_or_cross() {
    let (database, pool, epoch, stories) = with_markets(7).await;
    // In favour, against; and what the chain counts.
    let rows: [(i64, i64, (i64, i64)); 6] = [
        (6, 6, (6, 6)), // the same, and below: nothing to do
        (6, 6, (6, 5)), // others
        (7, 3, (7, 3)), // crossed
        (9, 0, (0, 0)), // too few
        (6, 4, (6, 4)), // 60 %, the same
        (8, 2, (0, 0)), // crossed, and others
    ];
    for (number, (story, (in_favour, against, (likes, dislikes)))) in stories.iter().zip(rows).enumerate() {
        let columns =
            format!("phase = 0, created_at_unix = {number}, proposal_likes = {likes}, proposal_dislikes = {dislikes}");
        set(&database, story, &columns).await;
        voted(&database, story, epoch, in_favour, against).await;
    }
    // One without any vote, the newest.
    set(&database, &stories[6], "phase = 0, created_at_unix = 100, proposal_likes = 1").await;
    let expected: Vec<_> = [5, 2, 1].map(|at: usize| stories[at].address()).into();
    for limit in [1, 2, 3, 7, 100] {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let (page, next) = governance::proposals(pool.pool(), WANTED, after.as_ref(), limit).await.unwrap();
            assert!(page.iter().all(|candidate| candidate.kind == VoteKind::Proposal));
            found.extend(markets(&page));
            pages += 1;
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "pages of {limit}");
        assert!(pages >= 7usize.div_ceil(limit), "a page looks at so many");
    }
    let all: Vec<_> = stories.iter().map(Story::address).collect();
    let mut among = markets(&governance::among(pool.pool(), WANTED, &all).await.unwrap());
    among.sort();
    let mut sorted = expected;
    sorted.sort();
    assert_eq!(among, sorted);
    assert_eq!(governance::among(pool.pool(), WANTED, &[]).await.unwrap(), []);
    // Without a minimum: also the one that had too few, never the one without votes.
    let any = Wanted { minimum: 0, ..WANTED };
    let (found, _) = governance::proposals(pool.pool(), any, None, 100).await.unwrap();
    assert_eq!(markets(&found), [5, 3, 2, 1].map(|at: usize| stories[at].address()));
}

#[tokio::test(flavor = "multi_thread")]
async fn disputes_are_walked_from_the_oldest_on_and_the_next_ones_are_known() {
    let (database, pool, _epoch, stories) = with_markets(5).await;
    for (story, at) in stories.iter().zip([30, 10, 20, 20, 40]) {
        set(&database, story, &format!("phase = 4, dispute_initiated_at_unix = {at}")).await;
    }
    let mut same = [stories[2].address(), stories[3].address()];
    same.sort_by_key(ToString::to_string);
    let expected = [stories[1].address(), same[0], same[1]];
    for limit in [1, 2, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = governance::disputes(pool.pool(), UnixSeconds(29), after.as_ref(), limit).await.unwrap();
            found.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(markets(&found), expected, "pages of {limit}");
        assert_eq!(found[0].disputed_at, Some(UnixSeconds(10)));
    }
    let next = governance::disputes_after(pool.pool(), UnixSeconds(29), 1).await.unwrap();
    assert_eq!(markets(&next), [stories[0].address()]);
    // Every dispute that is asked for is told, whether it is due or not.
    let found = governance::among(pool.pool(), WANTED, &[stories[4].address()]).await.unwrap();
    assert_eq!((found[0].kind, found[0].disputed_at), (VoteKind::Dispute, Some(UnixSeconds(40))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_stands_as_it_does_at_its_finalized_entry_and_votes_that_belong_to_it_are_waited_for() {
    let (database, pool, epoch, stories) = with_markets(1).await;
    let story = &stories[0];
    let (market, stream) = (story.address(), story.stream());
    let periods = Periods { dispute_voting_seconds: 100, ..Periods::default() };
    let standing =
        async |kind, slot| governance::standing(pool.pool(), market, kind, Slot(slot), &periods).await.unwrap();
    assert_eq!(standing(VoteKind::Dispute, 1).await, None, "nothing of it is final");
    let mut state = story.market().clone();
    (state.phase, state.dispute_initiated_at) = (Phase::Disputed, UnixSeconds(77));
    let client = database.connect().await;
    const FINAL: &str = "UPDATE markets SET phase = 5, finalized_seq = 8, last_seq = 11, finalized_state = $2, dispute_agree = 3 \
                         WHERE address = $1::text";
    client.execute(FINAL, &[&market.to_string(), &Json(&state)]).await.unwrap();
    let cast = |seq, on_chain, wallet| Cast {
        seq,
        on_chain,
        wallet: Wallet([wallet; 32]),
        vote: true,
        orphaned: false,
        is_dispute: true,
        at: 176,
    };
    write(&database, stream, epoch, &[cast(5, false, 1), cast(6, true, 2)]).await;
    // At the end of the window it is over.
    let late = |cast| Cast { at: 177, vote: false, ..cast };
    write(&database, stream, epoch, &[late(cast(7, true, 1)), late(cast(8, true, 9))]).await;
    let found = standing(VoteKind::Dispute, 1).await.unwrap();
    assert_eq!((found.seq, found.epoch, found.counted), (Seq(8), epoch, Counts::new(2, 0).unwrap()));
    assert_eq!((found.times.phase, found.times.dispute_initiated_at), (Phase::Disputed, UnixSeconds(77)));
    assert_eq!((found.phase_at_head, found.on_chain), (Phase::Finalized, Counts::new(3, 0).unwrap()));
    assert!(!found.votes_on_their_way && found.refreshed_at.is_none());
    // A vote on the chain, in slot 1, that is not final yet: of that slot, but not of one before it.
    write(&database, stream, epoch, &[cast(9, true, 3)]).await;
    assert!(!standing(VoteKind::Dispute, 0).await.unwrap().votes_on_their_way);
    let found = standing(VoteKind::Dispute, 1).await.unwrap();
    assert_eq!((found.votes_on_their_way, found.counted.total()), (true, 2));
    // One that was cast here belongs to it in any case: on its way to the journal, and in it.
    client.execute("UPDATE markets SET finalized_seq = 9", &[]).await.unwrap();
    assert!(!standing(VoteKind::Dispute, 1).await.unwrap().votes_on_their_way);
    const OUTBOX: &str = "INSERT INTO outbox (market, kind, payload) VALUES ($1::text, $2, '{}')";
    client.execute(OUTBOX, &[&market.to_string(), &"comment"]).await.unwrap();
    assert!(!standing(VoteKind::Dispute, 1).await.unwrap().votes_on_their_way);
    client.execute(OUTBOX, &[&market.to_string(), &"dispute_vote"]).await.unwrap();
    assert!(standing(VoteKind::Dispute, 0).await.unwrap().votes_on_their_way);
    client.execute("DELETE FROM outbox", &[]).await.unwrap();
    write(&database, stream, epoch, &[cast(10, false, 4)]).await;
    assert!(standing(VoteKind::Dispute, 0).await.unwrap().votes_on_their_way);
    // When its counts were last reported is the story's own beginning.
    let proposal = standing(VoteKind::Proposal, 1).await.unwrap();
    assert_eq!((proposal.refreshed_at, proposal.on_chain), (Some(UnixSeconds(1_000)), Counts::new(7, 3).unwrap()));
    client.execute("UPDATE markets SET vanished = true", &[]).await.unwrap();
    assert_eq!(standing(VoteKind::Dispute, 1).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn markets_that_nobody_marks_as_final_are_found_and_those_that_wait_for_finality_are_not() {
    let (database, pool, _epoch, stories) = with_markets(4).await;
    set(&database, &stories[0], "phase = 0, slot_high = 50").await;
    set(&database, &stories[1], "phase = 3, slot_high = 51").await;
    set(&database, &stories[2], "phase = 4, slot_high = 50, finalized_seq = last_seq").await;
    // Nothing waits for one that is traded.
    set(&database, &stories[3], "phase = 2, slot_high = 50").await;
    let found = finality::unmarked(pool.pool(), Slot(50), 10).await.unwrap();
    assert_eq!(found, [stories[0].stream()]);
    assert_eq!(finality::unmarked(pool.pool(), Slot(51), 10).await.unwrap().len(), 2);
    assert_eq!(finality::unmarked(pool.pool(), Slot(51), 1).await.unwrap().len(), 1);
}
