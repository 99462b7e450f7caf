//! `zmart snapshot --verify`: every document is fetched by its content id, and held against the chain of documents, the journal
//! and the discussions that users see.
//!
//! Owns what counts as a difference. What is not pinned yet is none; what a gateway does not give now is no difference either,
//! but nothing was verified then, and the exit code says so. One document at a time, so its memory is that of the largest.

use deadpool_postgres::Pool;
use serde::Serialize;

use super::{EXIT_FOUND, EXIT_NOT_DONE};
use crate::{
    config::Config,
    domain::{
        ids::MarketAddress,
        snapshot::{AnchorStatus, DOCUMENT_BYTES_MAX, Snapshot},
    },
    ipfs::{
        document,
        gateway::{FetchError, Gateway},
        provider::Provider,
    },
    journal::{
        anchors as written,
        read::anchors::{self, Anchor},
    },
};

/// Markets, and documents of one, that are read at once.
const PAGE: u32 = 64;
/// Differences that are told, and as many documents that were not to be had.
const TOLD_MAX: usize = 1_000;

/// What was found. The fields of the JSON.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    markets: u64,
    /// Documents that agree with everything.
    verified: u64,
    comments: u64,
    /// Documents that are not pinned yet.
    waiting: u64,
    /// All differences.
    different: u64,
    /// The first thousand of them.
    differences: Vec<String>,
    /// Documents that nobody gives now.
    not_had: u64,
    /// The first thousand of them, and why.
    unanswered: Vec<String>,
}

impl Found {
    /// 0: all that is pinned agrees; else 1, or 2 where not all could be read.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self { different: 1.., .. } => EXIT_FOUND,
            Self { not_had: 1.., .. } => EXIT_NOT_DONE,
            _ => 0,
        }
    }

    /// To the standard output.
    pub fn print(&self) {
        self.differences.iter().chain(&self.unanswered).for_each(|line| println!("{line}"));
        let Self { markets, verified, comments, waiting, different, not_had, .. } = self;
        println!(
            "verified {verified} documents with {comments} comments of {markets} markets: {different} differences, \
             {not_had} not to be had, {waiting} not pinned yet"
        );
    }

    fn differs(&mut self, anchor: &Anchor, what: impl std::fmt::Display) {
        self.different += 1;
        if self.differences.len() < TOLD_MAX {
            self.differences.push(format!("{} document {}: {what}", anchor.market, anchor.number));
        }
    }
}

struct Verification {
    pool: Pool,
    gateway: Gateway,
    found: Found,
}

/// Verifies one market, or all that have documents.
pub async fn verify(config: &Config, market: Option<MarketAddress>) -> anyhow::Result<Found> {
    let provider =
        config.ipfs.provider.as_ref().map(|settings| Provider::new(settings, config.ipfs.patience)).transpose()?;
    let gateway = Gateway::new(config.ipfs.gateway.clone(), provider.as_ref(), config.ipfs.patience)?;
    let mut verification = Verification { pool: config.database.settings().pool(2)?, gateway, found: Found::default() };
    if let Some(market) = market {
        verification.market(market).await?;
        return Ok(verification.found);
    }
    let mut after = None;
    loop {
        let page = {
            let client = verification.pool.get().await?;
            anchors::markets(&**client, after, PAGE).await?
        };
        for market in &page {
            verification.market(*market).await?;
        }
        after = page.last().copied();
        if page.len() < PAGE as usize {
            return Ok(verification.found);
        }
    }
}

impl Verification {
    async fn market(&mut self, market: MarketAddress) -> anyhow::Result<()> {
        self.found.markets += 1;
        let mut before: Option<Anchor> = None;
        loop {
            let page = {
                let client = self.pool.get().await?;
                anchors::after(&**client, market, before.as_ref().map_or(0, |last| last.number), PAGE).await?
            };
            let is_last = page.len() < PAGE as usize;
            for anchor in page {
                self.document(before.as_ref(), &anchor).await?;
                before = Some(anchor);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    async fn document(&mut self, before: Option<&Anchor>, anchor: &Anchor) -> anyhow::Result<()> {
        let different = self.found.different;
        self.chain(before, anchor).await?;
        match anchor.status {
            AnchorStatus::Pinned => {}
            AnchorStatus::Pending => {
                self.found.waiting += 1;
                return Ok(());
            }
            AnchorStatus::Failed => {
                self.found.differs(anchor, format!("failed: {}", anchor.answer.as_deref().unwrap_or_default()));
                return Ok(());
            }
        }
        let bytes = match self.gateway.fetch(&anchor.cid, anchor.size_bytes.min(DOCUMENT_BYTES_MAX)).await {
            Ok(bytes) => bytes,
            Err(error @ FetchError::Another(_)) => {
                self.found.differs(anchor, error);
                return Ok(());
            }
            Err(error @ (FetchError::Away(_) | FetchError::NotThere(_))) => {
                self.found.not_had += 1;
                if self.found.unanswered.len() < TOLD_MAX {
                    let cid = anchor.cid.text().unwrap_or_default();
                    self.found
                        .unanswered
                        .push(format!("{} document {} ({cid}): {error}", anchor.market, anchor.number));
                }
                return Ok(());
            }
        };
        match Snapshot::parse(&bytes) {
            Ok(snapshot) => self.content(anchor, &snapshot).await?,
            Err(error) => self.found.differs(anchor, error),
        }
        if self.found.different == different {
            self.found.verified += 1;
            self.found.comments += u64::from(anchor.comments);
        }
        Ok(())
    }

    /// Its place after the one before it: by number, by content id, and in the journal, where nothing is left out.
    async fn chain(&mut self, before: Option<&Anchor>, anchor: &Anchor) -> anyhow::Result<()> {
        let number = before.map_or(1, |before| before.number + 1);
        if anchor.number != number {
            self.found.differs(anchor, format!("it follows on document {}", number - 1));
        }
        if anchor.previous_cid != before.map(|before| before.cid) {
            self.found.differs(anchor, "it does not name the document before it");
        }
        let client = self.pool.get().await?;
        let first = anchors::entries(&**client, anchor.market, before.map(|before| before.to), anchor.to, 1).await?;
        if first.first().map(|(point, _)| point.place()) != Some(anchor.from) {
            self.found.differs(anchor, "entries between it and the document before it are left out");
        }
        match document::again(&**client, anchor).await {
            Ok(made) if made.written.cid == anchor.cid => {}
            Ok(made) => {
                let cid = made.written.cid.text().unwrap_or_default().to_owned();
                self.found.differs(anchor, format!("the journal gives {cid}"));
            }
            Err(error) => self.found.differs(anchor, error),
        }
        Ok(())
    }

    /// What it says, against its row and what users see.
    async fn content(&mut self, anchor: &Anchor, snapshot: &Snapshot) -> anyhow::Result<()> {
        let said = (snapshot.market, snapshot.number, snapshot.previous, snapshot.as_of.place());
        let period = (snapshot.period.from.place(), snapshot.period.to.place());
        if said != (anchor.market, anchor.number, anchor.previous_cid, anchor.as_of)
            || period != (anchor.from, anchor.to)
        {
            self.found.differs(anchor, "what is fetched is not the document of its row");
        }
        let ids: Vec<_> = snapshot.discussions.iter().map(|said| said.id).collect();
        let shown = written::shown(&self.pool, anchor.market, &ids).await?;
        let shown: std::collections::HashMap<_, _> = shown.into_iter().map(|one| (one.id, one)).collect();
        for said in &snapshot.discussions {
            let Some(own) = shown.get(&said.id) else {
                self.found.differs(anchor, format!("comment {} is not in the database", said.id));
                continue;
            };
            let agrees = own.wallet == said.author.to_string()
                && own.created_at_ms == said.created_at.0
                && said.content.as_ref().map_or(own.is_deleted, |content| *content == own.content);
            if !agrees {
                self.found.differs(anchor, format!("comment {} is another in the database", said.id));
            }
        }
        Ok(())
    }
}
