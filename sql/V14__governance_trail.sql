-- What the audit trail of governance is found by: a market's votes of one kind in the order in which they were counted, its
-- decisions on the chain, and its attempts. Without these, a page of one kind reads through all votes of the other.

-- Votes that were cast here, by what is voted on.
CREATE INDEX journal_votes_by_kind ON journal (stream, (payload ->> 'vote_kind'), epoch, seq) WHERE kind = 'vote';

-- Votes on the chain, and what the authorities did, by event.
CREATE INDEX chain_events_of_governance ON chain_events (stream, event, epoch, seq)
    WHERE NOT orphaned
      AND event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted', 'ProposalAggregated', 'ProposalApproved',
                    'DisputeAggregated', 'MarketFinalized', 'MarketCancelled');

-- A market's attempts, in their order: what was signed.
CREATE INDEX chain_submissions_signed ON chain_submissions (market, id) WHERE signature IS NOT NULL;
