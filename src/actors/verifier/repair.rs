//! One repair: what differs is healed by the ways that the engine has, and compared again.
//!
//! - A market or the config: its stream is made anew from its entries (a row that another hand has changed), and where it still
//!   differs it doubts itself (history is read again; where there is none that leads to the account, that is adopted).
//! - A position is made of its entries: where those make what the account says, its row is written anew. Where they don't, entries
//!   are missing, and nothing is made up: quantities are moved by entries alone.
//! - A market's row that somebody wants made anew is, also where nothing differs: the chain does not tell all that is in it.
//! - A vote that the journal does not have: the transaction that made its record is looked up and read again, as a dead letter is.
//! - A tally is counted anew.
//!
//! Every step may be done twice, so a repair whose engine died in the middle is begun anew by the next.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use actix::prelude::*;

use super::{
    VerifierParts,
    check::{Check, Difference, Subject},
};
use crate::{
    actors::{
        pauses,
        registry::{OpenConfig, OpenMarket},
        stream::{
            ApplyError, ConfigActor, MarketActor, Suspect,
            rebuild::{Rebuild, Rebuilt},
        },
        trouble::Trouble,
    },
    chain::{
        anchor::decode::{Decoded, decode, touched},
        model::RawTransaction,
        program::ProgramAddresses,
        rpc::{FoundSignature, MAX_SIGNATURES},
    },
    domain::{
        ids::{AccountAddress, MarketAddress, ProgramId, Wallet},
        market::Market,
        replay::Positions,
        tally::VoteKind,
    },
    faults,
    journal::{
        JournalError,
        dead_letters::{self, LetterFilter},
        read,
        repairs::{self, Outcome, Request},
        replay::{self, ReplayError, Wanted},
        staging::{self, DeadLetter},
    },
};

/// A stream is asked for so long; healing reads the chain for about 15 s.
const STREAM_MAX: Duration = Duration::from_secs(120);
/// A vote that is read again is waited for.
const VOTE_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Transactions that name a vote's record are walked back so many pages of 1,000: anybody can name an address.
const PAGES_MAX: usize = 100;
/// Of those the oldest are looked at, until one is found that made the record.
const LOOKED_AT_MAX: usize = 100;
/// A wallet's account is read so often, with a pause, until it is what the entries make: it may trade meanwhile.
const POSITION_READINGS: u32 = 5;

/// What was done, or why nothing could be, for people.
struct Done {
    what: String,
    /// What a person can do where it still differs.
    else_do: &'static str,
}

/// Heals what a request names; what came of it.
pub(super) async fn repair(
    parts: &VerifierParts,
    check: &Check,
    request: &Request,
) -> Result<(Outcome, String), Trouble> {
    let repair = Repair { parts, check };
    if request.what == "row" {
        return Ok(repair.row(MarketAddress(request.stream.0)).await);
    }
    let Some(subject) = subject_of(request, parts.config_address) else {
        return Ok((Outcome::Impossible, "there is no such thing".to_owned()));
    };
    let Some(difference) = check.look(subject).await? else {
        return Ok((Outcome::Agreed, "it agrees with the chain".to_owned()));
    };
    log::warn!("{difference}: repairing");
    let done = match subject {
        Subject::Config => repair.stream(None, subject).await?,
        Subject::Market { market } => repair.stream(Some(market), subject).await?,
        Subject::Position { market, wallet } => repair.position(market, wallet).await?,
        Subject::Vote { market, wallet, vote_kind } => repair.vote(market, wallet, vote_kind).await?,
        Subject::Tally { market, vote_kind } => repair.tally(market, vote_kind).await?,
    };
    faults::reached("verifier:healed");
    Ok(match check.again(subject).await? {
        None => (Outcome::Repaired, done.what),
        Some(Difference { what, .. }) => {
            (Outcome::Impossible, format!("{}; still: {what}. {}", done.what, done.else_do))
        }
    })
}

fn subject_of(request: &Request, config: AccountAddress) -> Option<Subject> {
    let market = MarketAddress(request.stream.0);
    Some(match (request.what.as_str(), request.wallet, request.vote_kind) {
        ("config", ..) if request.stream == config => Subject::Config,
        ("market", ..) => Subject::Market { market },
        ("position", Some(wallet), _) => Subject::Position { market, wallet },
        ("vote", Some(wallet), Some(vote_kind)) => Subject::Vote { market, wallet, vote_kind },
        ("tally", _, Some(vote_kind)) => Subject::Tally { market, vote_kind },
        _ => return None,
    })
}

struct Repair<'a> {
    parts: &'a VerifierParts,
    check: &'a Check,
}

impl Repair<'_> {
    /// Has a stream made anew from its entries: whether it was, and what to say of it.
    async fn made_anew(&self, market: Option<MarketAddress>) -> (bool, String) {
        match self.ask(market, Rebuild).await {
            Some(Rebuilt::Same) => (true, "its row is written anew".to_owned()),
            Some(Rebuilt::Bent) => (true, "it is made anew from its entries".to_owned()),
            Some(Rebuilt::Nothing) => (false, "the journal had never heard of it".to_owned()),
            Some(Rebuilt::Broken(why)) => (false, format!("its entries contradict each other ({why})")),
            Some(Rebuilt::Unread(why)) => (false, format!("its entries can't be read ({why})")),
            None => (false, "its stream did not answer".to_owned()),
        }
    }

    /// A market's row, whatever a comparison says of it.
    async fn row(&self, market: MarketAddress) -> (Outcome, String) {
        let (is_made, what) = self.made_anew(Some(market)).await;
        (if is_made { Outcome::Repaired } else { Outcome::Impossible }, what)
    }

    /// A market, or the config.
    async fn stream(&self, market: Option<MarketAddress>, subject: Subject) -> Result<Done, Trouble> {
        let (is_made, mut what) = self.made_anew(market).await;
        if is_made && self.agrees_within(subject, STREAM_SETTLES).await? {
            return Ok(Done { what, else_do: "" });
        }
        what.push_str(self.doubted(market).await);
        let else_do = "Its account can't be met nor adopted: where it is not on the chain, the engine takes it back by itself when \
                       its slot is final; else see the log and zmart dead-letters list";
        Ok(Done { what, else_do })
    }

    /// Has a stream read its history again.
    async fn doubted(&self, market: Option<MarketAddress>) -> &'static str {
        let reason = "it differs from the chain".to_owned();
        match self.ask(market, Suspect { reason }).await {
            Some(()) => "; its history was read again",
            None => "; its stream did not heal in time",
        }
    }

    /// A position: its row, if its entries make what the account says.
    async fn position(&self, market: MarketAddress, wallet: Wallet) -> Result<Done, Trouble> {
        let else_do = "Entries of it are missing, from before its market was adopted from its account: a node that has that \
                       history can tell them (zmart backfill --from-slot); nothing else moves a quantity";
        let upto = {
            let client = self.parts.pool.get().await.map_err(JournalError::from)?;
            read::market(&**client, market).await.map_err(JournalError::from)?.map(|row| row.head())
        };
        let Some(head) = upto else {
            // The whole market is missing, and its positions with it.
            return self.stream(Some(market), Subject::Position { market, wallet }).await;
        };
        let (pool, stream) = (self.parts.pool.pool(), market.account());
        let positions = Positions::Of(wallet);
        let wanted = Wanted { stream, upto: (head.epoch, head.last_seq), finalized_at: None, positions };
        let mut folded = match replay::replay(pool, wanted, Market::advance, Market::is_described_by).await {
            Ok(folded) => folded,
            Err(ReplayError::Broken(broken)) => return Ok(Done { what: broken.to_string(), else_do }),
            Err(ReplayError::Journal(error)) => return Err(error.into()),
        };
        for _ in 0..POSITION_READINGS {
            // Read after what takes long, and then only what came meanwhile is folded: one who always trades is met too.
            let should_be = self.check.position_account(market, wallet).await?;
            let equals = |made: Option<&_>| made == should_be.as_ref();
            match repairs::rewrite_position(&self.parts.pool, market, wallet, &mut folded, equals).await {
                Ok(true) => return Ok(Done { what: "its row is written anew from its entries".to_owned(), else_do }),
                Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
                Err(ReplayError::Broken(broken)) => return Ok(Done { what: broken.to_string(), else_do }),
                Err(ReplayError::Journal(error)) => return Err(error.into()),
            }
        }
        // What is missing may be readable still.
        let of_market = self.doubted(Some(market)).await;
        Ok(Done { what: format!("its entries do not make it{of_market}"), else_do })
    }

    /// A vote: the transaction that made its record is read again.
    async fn vote(&self, market: MarketAddress, wallet: Wallet, kind: VoteKind) -> Result<Done, Trouble> {
        let else_do = "A vote that the journal has and the chain has not is taken back by the engine when its slot is final; one \
                       whose transaction no node has any more can't be recorded";
        let record = ProgramAddresses::new(self.parts.rpc.program()).vote(market, wallet, kind).0;
        let Some(made) = self.made(record, market, wallet, kind).await? else {
            return Ok(Done { what: "the node lists no transaction that made its record".to_owned(), else_do });
        };
        let letter = DeadLetter {
            source: "verify",
            signature: Some(made.signature),
            n: None,
            stream: Some(market.account()),
            reason: "missing",
            detail: format!("slot {}: the {} vote of {wallet} is on the chain only", made.slot, kind.as_str()),
            raw: None,
        };
        staging::bury(&self.parts.pool, std::slice::from_ref(&letter)).await?;
        let stream = market.to_string();
        let filter = LetterFilter { with_closed: false, source: Some("verify"), stream: Some(&stream) };
        let pool = self.parts.pool.pool();
        let letters = dead_letters::list(pool, filter, 0, dead_letters::PAGE).await?;
        let signature = made.signature.to_string();
        let of_it = letters.iter().filter(|letter| letter.signature.as_deref() == Some(&signature));
        let ids: Vec<i64> = of_it.map(|letter| letter.id).collect();
        dead_letters::retry(pool, &ids).await?;
        self.agrees_within(Subject::Vote { market, wallet, vote_kind: kind }, VOTE_MAX).await?;
        Ok(Done { what: format!("{signature} is read again"), else_do })
    }

    /// The transaction that made a vote's record. Anybody can name its address, before and after, in any number of others.
    async fn made(
        &self,
        record: AccountAddress,
        market: MarketAddress,
        wallet: Wallet,
        kind: VoteKind,
    ) -> Result<Option<FoundSignature>, Trouble> {
        let rpc = &self.parts.rpc;
        let (mut before, mut oldest) = (None, VecDeque::new());
        for _ in 0..PAGES_MAX {
            let page = rpc.signatures_before(record, before, MAX_SIGNATURES).await?;
            for found in page.found.into_iter().filter(|found| !found.failed) {
                oldest.push_back(found);
                if oldest.len() > LOOKED_AT_MAX {
                    oldest.pop_front();
                }
            }
            // Only an empty page ends the list.
            let Some(last) = page.oldest else { break };
            before = Some(last);
        }
        for found in oldest.into_iter().rev() {
            let transaction = rpc.transaction(found.signature).await?;
            if transaction.is_some_and(|it| votes(rpc.program(), &it, market, wallet, kind)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A tally: its row, then the memory that was read from it.
    async fn tally(&self, market: MarketAddress, kind: VoteKind) -> Result<Done, Trouble> {
        let else_do = "Its votes change while it is counted: ask again";
        let Some(counts) = repairs::rewrite_tally(&self.parts.pool, market, kind).await? else {
            return Ok(Done { what: "there is no such market".to_owned(), else_do });
        };
        self.ask(Some(market), Rebuild).await;
        Ok(Done { what: format!("counted anew: {} to {}", counts.in_favour(), counts.against()), else_do })
    }

    async fn agrees_within(&self, subject: Subject, most: Duration) -> Result<bool, Trouble> {
        let began = Instant::now();
        loop {
            if self.check.look(subject).await?.is_none() {
                return Ok(true);
            }
            if began.elapsed() >= most {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks a stream until it answers, or the time is up: what has an effect here may be done twice.
    async fn ask<M, T>(&self, market: Option<MarketAddress>, message: M) -> Option<T>
    where
        M: Message<Result = Result<T, ApplyError>> + Clone + Send + 'static,
        T: Send + 'static,
        MarketActor: Handler<M>,
        ConfigActor: Handler<M>,
    {
        let began = Instant::now();
        let mut pauses = pauses(Duration::from_millis(50), Duration::from_secs(2));
        while began.elapsed() < STREAM_MAX {
            let left = STREAM_MAX.saturating_sub(began.elapsed());
            if let Ok(Some(answer)) = tokio::time::timeout(left, self.ask_once(market, message.clone())).await {
                return Some(answer);
            }
            tokio::time::sleep(pauses.next().unwrap_or_default()).await;
        }
        None
    }

    async fn ask_once<M, T>(&self, market: Option<MarketAddress>, message: M) -> Option<T>
    where
        M: Message<Result = Result<T, ApplyError>> + Send + 'static,
        T: Send + 'static,
        MarketActor: Handler<M>,
        ConfigActor: Handler<M>,
    {
        let registry = self.parts.registry.get()?;
        match market {
            Some(market) => registry.send(OpenMarket(market)).await.ok()?.ok()?.send(message).await.ok()?.ok(),
            None => registry.send(OpenConfig).await.ok()?.ok()?.send(message).await.ok()?.ok(),
        }
    }
}

/// A stream's append is durable soon after it was answered.
const STREAM_SETTLES: Duration = Duration::from_secs(3);

/// Is it that wallet's vote there, as far as its log tells? Where that can't be read, its instructions name the market.
fn votes(
    program: ProgramId,
    transaction: &RawTransaction,
    market: MarketAddress,
    wallet: Wallet,
    kind: VoteKind,
) -> bool {
    let is_there = touched(program, transaction).is_none_or(|touched| touched.markets.contains(&market));
    is_there
        && match decode(program, transaction) {
            Decoded::Events(events) => events
                .iter()
                .any(|event| VoteKind::of(&event.event).is_some_and(|(of, who, _)| (of, who) == (kind, wallet))),
            Decoded::Truncated { .. } | Decoded::Garbage { .. } => true,
            Decoded::Failed(_) => false,
        }
}
