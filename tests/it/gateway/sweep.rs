//! What is of no more use is deleted, and nothing else.

use zmart::journal::{
    lease::{Leased, Term},
    sweep,
};

use super::{market, prepared, settings};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_swept_and_what_is_not_stays() {
    let (database, _) = prepared(1).await;
    let client = database.connect().await;
    let named = market(&database, 7, 3).await.to_string();
    let names = "UPDATE markets SET evidence_hash = encode(convert_to('Qm' || repeat('a', 44), 'UTF8'), 'hex')";
    client.batch_execute(names).await.unwrap();
    let rows = "
        INSERT INTO users (id, wallet) VALUES (gen_random_uuid(), '11111111111111111111111111111111');
        INSERT INTO nonces SELECT 'a-nonce-' || n, '11111111111111111111111111111111', now(), now() + n * interval '1 minute'
            FROM unnest(ARRAY[-1, 1]) n;
        INSERT INTO sessions (sid, wallet, expires_at, revoked_at)
            SELECT gen_random_uuid(), '11111111111111111111111111111111', now() + expires, now() + revoked
            FROM (VALUES (interval '-25 hours', NULL), ('1 day', interval '-25 hours'),
                         ('-23 hours', NULL), ('1 day', '-23 hours'), ('1 day', NULL)) s (expires, revoked);
        INSERT INTO refresh_tokens (token_hash, sid) SELECT sha256(sid::text::bytea), sid FROM sessions;
        INSERT INTO idempotency_keys (wallet, route, key, body_hash, status, reply, created_at)
            SELECT '11111111111111111111111111111111', 'x', n::text, sha256('x'), 200, '{}', now() - n * interval '1 hour'
            FROM unnest(ARRAY[23, 25]) n;
        INSERT INTO market_evidence (market, evidence_hash, resolver_wallet, document, created_at)
            SELECT market, 'Qm' || repeat(hash, 44), '11111111111111111111111111111111', '{}', now() - n * interval '1 hour'
            FROM (VALUES ('NAMED', 'a', 25), ('NAMED', 'b', 25), ('NAMED', 'c', 23),
                         ('11111111111111111111111111111112', 'a', 25)) e (market, hash, n);
        INSERT INTO chain_submissions (purpose, market, intent_hash, grounds, term, signature, transaction,
                                       last_valid_block_height, status, settled, created_at)
            SELECT 'approve_proposal', 'NAMED', sha256('x'), '{}', 1, signature, '\\x01'::bytea, 1, 'expired', true, at
            FROM (VALUES (repeat('a', 64), now() - interval '31 days')) s (signature, at);
        INSERT INTO chain_submissions (purpose, market, intent_hash, grounds, term, status, settled, created_at)
            SELECT 'approve_proposal', 'NAMED', sha256('x'), '{}', 1, 'failed', true, now() - days * interval '1 day'
            FROM unnest(ARRAY[29, 31]) days;
        INSERT INTO alerts (kind, subject, severity, message, raised_at, resolved_at)
            SELECT 'too_old', n::text, 'critical', '', now() - raised * interval '1 day', now() - over * interval '1 day'
            FROM (VALUES (1, 100, 91), (2, 100, 89), (3, 100, NULL)) a (n, raised, over);
        INSERT INTO submissions (signature, wallet, market, purpose, transaction, last_valid_block_height, status, settled,
                                 updated_at)
            SELECT repeat(name, 64), '11111111111111111111111111111111', 'NAMED', 'x', '\\x01'::bytea, 1, status,
                   status <> 'received', now() - days * interval '1 day'
            FROM (VALUES ('a', 'finalized', 8), ('b', 'failed', 6), ('c', 'received', 8)) s (name, status, days);
        INSERT INTO webhook_deliveries (sha256, body, settled_at, outcome)
            SELECT sha256(days::text::bytea), '{}', now() - days * interval '1 day', '{}' FROM unnest(ARRAY[6, 8]) days;"
        .replace("NAMED", &named);
    client.batch_execute(&rows).await.unwrap();
    database.take_lease().await;
    let pool = Leased::new(settings(&database).pool(1).unwrap(), Term(1));
    let swept: Vec<u64> =
        sweep::sweep(&pool, &sweep::Retention::default()).await.unwrap().iter().map(|(_, rows)| *rows).collect();
    // Documents have a test of their own.
    assert_eq!(swept, [1, 1, 1, 1, 0, 2, 1, 1, 1, 1]);
    assert!(
        sweep::sweep(&pool, &sweep::Retention::default()).await.unwrap().iter().all(|(_, rows)| *rows == 0),
        "nothing is left to sweep"
    );
    let left = "SELECT (SELECT count(*) FROM nonces), (SELECT count(*) FROM sessions), \
                       (SELECT count(*) FROM refresh_tokens), (SELECT count(*) FROM idempotency_keys), \
                       (SELECT count(*) FROM users)";
    let row = client.query_one(left, &[]).await.unwrap();
    let left: [i64; 5] = std::array::from_fn(|at| row.get(at));
    assert_eq!(left, [1, 3, 3, 1, 1]);
    let evidence = "SELECT count(*) FROM market_evidence WHERE market = $1::text";
    assert_eq!(
        client.query_one(evidence, &[&named]).await.unwrap().get::<_, i64>(0),
        2,
        "the market's own, and the young"
    );
    let attempts = client.query_one("SELECT count(*) FROM chain_submissions", &[]).await.unwrap();
    assert_eq!(attempts.get::<_, i64>(0), 2, "the young refusal, and what was signed");
    let alerts = client.query_one("SELECT string_agg(subject, ',' ORDER BY id) FROM alerts", &[]).await.unwrap();
    assert_eq!(alerts.get::<_, &str>(0), "2,3", "one that was over yesterday, and one that is open");
    let orders = "SELECT string_agg(left(signature, 1) || coalesce(length(transaction), 0), ' ' ORDER BY signature) \
                  FROM submissions";
    let orders = client.query_one(orders, &[]).await.unwrap();
    assert_eq!(orders.get::<_, &str>(0), "a0 b1 c1", "an order stays; its bytes go when it is long settled");
    // A pass is bounded.
    let many = "INSERT INTO nonces SELECT 'many-nonces-' || n, '11111111111111111111111111111111', now(), now() - interval '1 s' \
                FROM generate_series(1, 5001) n";
    client.batch_execute(many).await.unwrap();
    assert_eq!(sweep::sweep(&pool, &sweep::Retention::default()).await.unwrap()[0].1, sweep::ROWS_MAX as u64);
    assert_eq!(sweep::sweep(&pool, &sweep::Retention::default()).await.unwrap()[0].1, 1);
}
