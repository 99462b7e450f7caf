//! What a user writes beside the chain, on its way into a market's journal: votes, comments, documents.
//!
//! Owns the values, the message that a wallet signs for a vote, and why a write is refused. The write itself is committed
//! by then, under the user's own rights: what is refused here is never shown, and says why in a dead letter.

use ed25519_dalek::{Signature, VerifyingKey};

use super::{
    entry::EntryBody,
    ids::{MarketAddress, Slot, TxSignature, Wallet},
    market::Market,
    metadata::MetadataDocument,
    tally::{Counts, TallyFull, VoteKind},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserWrite {
    /// A vote.
    Vote(CastVote),
    /// A comment.
    Comment {
        /// The comment.
        id: uuid::Uuid,
        /// Whose.
        wallet: Wallet,
        /// What was said.
        content: String,
        /// When, in milliseconds since 1970.
        created_at_ms: i64,
    },
    /// A comment was deleted by its author.
    CommentDeleted {
        /// The comment.
        id: uuid::Uuid,
        /// Whose.
        wallet: Wallet,
    },
    /// The market's document, as somebody wrote it.
    Metadata {
        /// Who.
        wallet: Wallet,
        /// The document.
        document: Box<MetadataDocument>,
    },
}

/// A vote that is cast here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastVote {
    /// On what.
    pub kind: VoteKind,
    /// Whose.
    pub wallet: Wallet,
    /// Which way.
    pub vote: bool,
    /// The wallet's signature over [`vote_message`].
    pub signature: Option<TxSignature>,
    /// When, in milliseconds since 1970.
    pub voted_at_ms: i64,
}

/// Why a write becomes no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteRefused {
    /// The chain has no such market (any more).
    #[error("there is no such market")]
    NoMarket,
    /// A document is its creator's affair.
    #[error("its author is not the market's creator")]
    NotTheCreator,
    /// It is another document than the one on the chain.
    #[error("its CID is not the market's question hash")]
    OtherDocument,
    /// So many wallets have voted that no more are counted.
    #[error(transparent)]
    Full(#[from] TallyFull),
    /// Only markets have what users write.
    #[error("it is no market's")]
    OtherStream,
}

/// What a wallet signs for a vote: plain lines, so that a person can read what is signed.
pub fn vote_message(market: MarketAddress, kind: VoteKind, vote: bool, wallet: Wallet) -> String {
    let vote = if vote { "yes" } else { "no" };
    format!("zmart vote\nmarket: {market}\nkind: {}\nvote: {vote}\nwallet: {wallet}", kind.as_str())
}

impl CastVote {
    /// The signature is the wallet's, over this very vote; also true where there is none.
    pub fn is_genuine(&self, market: MarketAddress) -> bool {
        let Some(signature) = self.signature else { return true };
        let message = vote_message(market, self.kind, self.vote, self.wallet);
        let key = VerifyingKey::from_bytes(&self.wallet.0);
        key.is_ok_and(|key| key.verify_strict(message.as_bytes(), &Signature::from_bytes(&signature.0)).is_ok())
    }
}

impl Market {
    /// The entry that a write becomes. `tally` is what a vote leaves counted, `slot` the stream's.
    ///
    /// # Errors
    /// [`WriteRefused`].
    pub fn plan_written(
        current: Option<&Self>,
        write: UserWrite,
        tally: Counts,
        slot: Slot,
    ) -> Result<EntryBody, WriteRefused> {
        let market = current.ok_or(WriteRefused::NoMarket)?;
        Ok(match write {
            UserWrite::Vote(CastVote { kind: vote_kind, wallet, vote, signature, voted_at_ms }) => {
                EntryBody::Vote { vote_kind, wallet, vote, signature, voted_at_ms, tally, slot, request_id: None }
            }
            UserWrite::Comment { id, wallet, content, created_at_ms } => {
                EntryBody::Comment { id, wallet, content, created_at_ms, slot, request_id: None }
            }
            UserWrite::CommentDeleted { id, wallet } => {
                EntryBody::CommentDeleted { id, wallet, slot, request_id: None }
            }
            UserWrite::Metadata { wallet, document } => {
                market.accepts_document(wallet, &document)?;
                let metadata = Box::new(document.into_metadata());
                EntryBody::Metadata { metadata, market: Box::new(market.clone()), slot, request_id: None }
            }
        })
    }

    /// Is this document, of this author, the market's?
    ///
    /// # Errors
    /// [`WriteRefused`].
    pub fn accepts_document(&self, wallet: Wallet, document: &MetadataDocument) -> Result<(), WriteRefused> {
        if self.vanished {
            Err(WriteRefused::NoMarket)
        } else if wallet != self.creator {
            Err(WriteRefused::NotTheCreator)
        } else if document.question_hash() != self.question_hash {
            Err(WriteRefused::OtherDocument)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::domain::{event::IpfsHash, market::sample, metadata::MarketMetadata};

    #[test]
    fn a_vote_is_signed_as_plain_lines_and_only_for_itself() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let wallet = Wallet(key.verifying_key().to_bytes());
        let market = MarketAddress([9; 32]);
        let message = vote_message(market, VoteKind::Dispute, true, wallet);
        assert_eq!(message, format!("zmart vote\nmarket: {market}\nkind: dispute\nvote: yes\nwallet: {wallet}"));
        let signature = Some(TxSignature(key.sign(message.as_bytes()).to_bytes()));
        let vote = CastVote { kind: VoteKind::Dispute, wallet, vote: true, signature, voted_at_ms: 5 };
        assert!(vote.is_genuine(market));
        assert!(CastVote { voted_at_ms: 6, ..vote }.is_genuine(market));
        assert!(CastVote { signature: None, ..vote }.is_genuine(market), "none is needed");
        for other in [
            CastVote { kind: VoteKind::Proposal, ..vote },
            CastVote { vote: false, ..vote },
            CastVote { wallet: Wallet([3; 32]), ..vote },
            CastVote { signature: Some(TxSignature([0; 64])), ..vote },
        ] {
            assert!(!other.is_genuine(market), "{other:?}");
        }
        assert!(!vote.is_genuine(MarketAddress([8; 32])));
        // A key of small order makes signatures over anything.
        let weak = CastVote { wallet: Wallet([0; 32]), signature: Some(TxSignature([0; 64])), ..vote };
        assert!(!weak.is_genuine(market));
    }

    #[test]
    fn a_document_is_taken_from_the_creator_and_only_if_its_hash_is_the_chains() {
        let document = MetadataDocument::new(MarketMetadata {
            question: "Will it rain tomorrow?".to_owned(),
            description: String::new(),
            category: "weather".to_owned(),
            tags: Vec::new(),
            resolution_criteria: None,
            closes_at: None,
        })
        .unwrap();
        let market = Market { question_hash: document.question_hash(), ..sample::market() };
        let plan = |market: &Market, wallet| {
            let write = UserWrite::Metadata { wallet, document: Box::new(document.clone()) };
            Market::plan_written(Some(market), write, Counts::default(), Slot(5))
        };
        let taken = plan(&market, market.creator).unwrap();
        assert!(taken.is_users() && !taken.fits_always() && taken.slot() == Slot(5));
        let mut after = market.clone();
        after.apply(&taken).unwrap();
        assert_eq!(after, market, "a document moves nothing");
        assert_eq!(plan(&market, Wallet([1; 32])), Err(WriteRefused::NotTheCreator));
        let other = Market { question_hash: IpfsHash([b'Q'; 46]), ..market.clone() };
        assert_eq!(plan(&other, market.creator), Err(WriteRefused::OtherDocument));
        assert!(other.clone().apply(&taken).is_err(), "what stands for one hash does not fit another");
        let gone = Market { vanished: true, ..market.clone() };
        assert_eq!(plan(&gone, market.creator), Err(WriteRefused::NoMarket));
    }
}
