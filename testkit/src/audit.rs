//! The journal's own rules, read from its tables: no seq missing or used twice, every head where its entries end, every
//! event once, nothing left over.

use crate::postgres::Database;

/// Each a name of what is broken and a query whose every row, one text, is a breach.
const RULES: [(&str, &str); 8] = [
    (
        "a seq is missing or used twice",
        // A stream goes on counting in a new life of the journal.
        "SELECT format('%s: %s entries from %s to %s', stream, count(*), min(seq), max(seq)) FROM journal \
         GROUP BY stream HAVING min(seq) <> 1 OR max(seq) <> count(DISTINCT seq) OR count(*) <> count(DISTINCT seq)",
    ),
    (
        "a head is not where its entries end",
        "SELECT format('%s stands at %s, its entries end at %s', address, last_seq, newest) \
         FROM (SELECT address::text, epoch, last_seq FROM markets \
               UNION ALL SELECT address::text, epoch, last_seq FROM program_config) heads \
         LEFT JOIN (SELECT stream::text, max(seq) AS newest FROM journal GROUP BY stream) entries \
         ON entries.stream = heads.address WHERE newest IS DISTINCT FROM last_seq",
    ),
    (
        "an event is there twice",
        "SELECT format('%s/%s: %s times', signature, n, count(*)) FROM chain_events WHERE NOT orphaned \
         GROUP BY signature, n HAVING count(*) > 1",
    ),
    (
        "an event has no entry",
        "SELECT format('%s/%s', signature, n) FROM chain_events e LEFT JOIN journal j USING (stream, epoch, seq) \
         WHERE j.seq IS NULL",
    ),
    (
        "a trade has no event",
        "SELECT format('%s/%s', t.signature, t.n) FROM trades t \
         LEFT JOIN chain_events e ON e.signature = t.signature AND e.n = t.n AND e.seq = t.seq WHERE e.seq IS NULL",
    ),
    ("a signature was found and never settled", "SELECT signature::text FROM staged_signatures"),
    ("what a user wrote never reached the journal", "SELECT format('row %s of %s', id, market) FROM outbox"),
    (
        "a tally is not what the votes that stand say",
        "WITH ballots AS ( \
             SELECT stream, payload ->> 'vote_kind' AS what, payload ->> 'wallet' AS wallet, \
                    (payload -> 'vote')::boolean AS vote, false AS chain, epoch, seq FROM journal WHERE kind = 'vote' \
             UNION ALL \
             SELECT e.stream, CASE e.event WHEN 'ProposalVoteSubmitted' THEN 'proposal' ELSE 'dispute' END, \
                    j.payload -> 'event' ->> 'user', (j.payload -> 'event' -> 'vote')::boolean, true, e.epoch, e.seq \
             FROM chain_events e JOIN journal j USING (stream, epoch, seq) \
             WHERE e.event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted') AND NOT e.orphaned \
         ), counted AS ( \
             SELECT DISTINCT ON (stream, what, wallet) stream, what, vote FROM ballots \
             ORDER BY stream, what, wallet, chain DESC, epoch DESC, seq DESC \
         ), sums AS ( \
             SELECT stream, what, count(*) FILTER (WHERE vote) AS yes, count(*) FILTER (WHERE NOT vote) AS no \
             FROM counted GROUP BY stream, what \
         ) \
         SELECT format('%s %s: %s to %s, told are %s to %s', coalesce(stream, market), coalesce(what, kind), yes, no, \
                       in_favour, against) \
         FROM sums FULL JOIN vote_tallies ON market = stream AND kind = what \
         WHERE (coalesce(yes, 0), coalesce(no, 0)) IS DISTINCT FROM (coalesce(in_favour, 0), coalesce(against, 0))",
    ),
];

/// What breaks a rule; empty if nothing does. To be asked when all is quiet.
pub async fn breaches(database: &Database) -> Vec<String> {
    let rows = database.connect().await;
    let mut found = Vec::new();
    for (rule, query) in RULES {
        let broken = rows.query(query, &[]).await.unwrap_or_else(|error| panic!("{rule}: {error:?}"));
        found.extend(broken.iter().map(|row| format!("{rule}: {}", row.get::<_, String>(0))));
    }
    found
}

/// Dead letters: (source, reason, signature).
pub async fn dead_letters(database: &Database) -> Vec<(String, String, Option<String>)> {
    const SQL: &str = "SELECT source, reason, signature::text FROM dead_letters ORDER BY 1, 2, 3";
    let rows = database.connect().await.query(SQL, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// How many accounts were adopted.
pub async fn adoptions(database: &Database) -> i64 {
    const SQL: &str = "SELECT count(*) FROM journal WHERE kind LIKE '%resync'";
    database.connect().await.query_one(SQL, &[]).await.unwrap().get(0)
}
