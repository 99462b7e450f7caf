-- What the audit trail of governance is found by: a market's votes of one kind in the order in which they were counted, its
-- decisions on the chain, and its attempts. Without these, a page of one kind reads through all votes of the other.

-- Votes that were cast here, an index a kind: under row level security no part of a payload is a key that a role without
-- BYPASSRLS may search by, but it may be what an index is of.
CREATE INDEX journal_proposal_votes ON journal (stream, epoch, seq)
    WHERE kind = 'vote' AND payload ->> 'vote_kind' = 'proposal';
CREATE INDEX journal_dispute_votes ON journal (stream, epoch, seq)
    WHERE kind = 'vote' AND payload ->> 'vote_kind' = 'dispute';

-- Votes on the chain, and what the authorities did, by event.
CREATE INDEX chain_events_of_governance ON chain_events (stream, event, epoch, seq)
    WHERE NOT orphaned
      AND event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted', 'ProposalAggregated', 'ProposalApproved',
                    'DisputeAggregated', 'MarketFinalized', 'MarketCancelled');

-- A market's attempts, in their order: what was signed.
CREATE INDEX chain_submissions_signed ON chain_submissions (market, id) WHERE signature IS NOT NULL;
