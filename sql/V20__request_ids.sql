-- Which request wrote it: a vote, a comment, a document, a transaction names the request of the API that it came by, all the way
-- to its entry and its frame. `zmart.request_id` is set with the transaction's role (`journal::rights`), for that transaction;
-- what is written without it was no request.

ALTER TABLE outbox ADD COLUMN request_id uuid DEFAULT nullif(current_setting('zmart.request_id', true), '')::uuid;
ALTER TABLE submissions ADD COLUMN request_id uuid DEFAULT nullif(current_setting('zmart.request_id', true), '')::uuid;
