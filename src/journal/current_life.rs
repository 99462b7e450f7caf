//! The life of the journal that this process works in, and that it works in no other.
//!
//! Owns the cell that all parts of a process share, and the rule for connections: one that leads to another database than
//! the current life's is refused when it is made, and one that was made in an earlier life is not used again. A primary's
//! identity can't change under an open connection (a new timeline begins only where a server ends its recovery, and a
//! server that recovers is refused), so whatever is sent on a connection of the engine reaches the database that was
//! looked at. Whether the database has become another one is asked by the keepers of the leases, whose connections alone
//! are not held to this rule; they have everything else begin anew in the new life.

use std::{
    borrow::Cow,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use deadpool_postgres::{ClientWrapper, Hook, HookError, PoolBuilder};

use super::{
    DatabaseSettings,
    identity::{self, IdentityError, Life},
    migrate,
};
use crate::domain::ids::{Epoch, ProgramId};

/// See the module; clones share it.
#[derive(Debug, Clone)]
pub struct CurrentLife(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    genesis_hash: String,
    program: ProgramId,
    lived: RwLock<(Life, Instant)>,
}

impl CurrentLife {
    /// Of the journal of that chain and program.
    pub fn new(life: Life, genesis_hash: &str, program: ProgramId) -> Self {
        let (genesis_hash, lived) = (genesis_hash.to_owned(), RwLock::new((life, Instant::now())));
        Self(Arc::new(Shared { genesis_hash, program, lived }))
    }

    /// Its number.
    pub fn epoch(&self) -> Epoch {
        self.lived().0.epoch
    }

    /// The life.
    pub fn get(&self) -> Life {
        self.lived().0
    }

    fn lived(&self) -> (Life, Instant) {
        self.0.lived.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on the process works in this life. False: it does so already.
    fn set(&self, life: Life) -> bool {
        let mut lived = self.0.lived.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = lived.0 != life;
        if is_new {
            *lived = (life, Instant::now());
        }
        is_new
    }

    /// Is the database of `client` still the one of this life?
    ///
    /// # Errors
    /// [`IdentityError`]: it is not known (a server that recovers, an empty database).
    pub async fn is_lived_in(&self, client: &tokio_postgres::Client) -> Result<bool, IdentityError> {
        Ok(identity::stored_life(client).await?.is_some_and(|life| life == self.get()))
    }

    /// Begins the next life, in the database that is there now: its schema is brought up to date, which may take as long
    /// as its migrations do, and it must be a journal of the same chain. True: this process is in another life since,
    /// and all that knows the old one has to begin anew.
    ///
    /// # Errors
    /// [`IdentityError`]: it can't be used (a server that recovers, an empty database, another chain). Nothing was
    /// changed; look again.
    pub async fn begin_next(&self, settings: &DatabaseSettings) -> Result<bool, IdentityError> {
        // As its owner: the schema may be an older one.
        let (client, connection) = settings.connector()?.connect().await?;
        let driver = tokio::spawn(connection);
        let begun = self.begin(&client, settings).await;
        drop(client);
        let _ = driver.await;
        Ok(self.set(begun?))
    }

    async fn begin(&self, client: &tokio_postgres::Client, settings: &DatabaseSettings) -> Result<Life, IdentityError> {
        identity::stored_life(client).await?;
        identity::check_chain(client, &self.0.genesis_hash, self.0.program).await?;
        log::warn!(
            "the database is another one, of the same chain: its schema is brought up to date, then it is begun on"
        );
        migrate::run(settings).await?;
        identity::current_life(client, self.epoch()).await
    }

    /// A pool whose connections lead to the database of the current life, or are none.
    pub fn bind(&self, builder: PoolBuilder) -> PoolBuilder {
        builder.post_create(self.led_there()).pre_recycle(self.of_this_life())
    }

    /// For a new connection.
    fn led_there(&self) -> Hook {
        let this = self.clone();
        Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let this = this.clone();
            Box::pin(async move {
                let place = identity::place_of(client).await.map_err(HookError::Backend)?;
                let is_there = place == this.lived().0.place;
                is_there.then_some(()).ok_or(HookError::Message(Cow::Borrowed(OTHER_DATABASE)))
            })
        })
    }

    /// For one that is to be used again.
    fn of_this_life(&self) -> Hook {
        let this = self.clone();
        Hook::sync_fn(move |_, metrics| {
            let is_young = metrics.created >= this.lived().1;
            is_young.then_some(()).ok_or(HookError::Message(Cow::Borrowed("it is of an earlier life of the journal")))
        })
    }
}

const OTHER_DATABASE: &str = "this is another database than the journal's: a new epoch has to begin first";

/// How the engine reaches the database of its life.
#[derive(Debug, Clone)]
pub struct LivingDatabase {
    /// How it is reached.
    pub settings: DatabaseSettings,
    /// Which it must be.
    pub life: CurrentLife,
}
