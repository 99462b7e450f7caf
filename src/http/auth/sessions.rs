//! Which sessions still are: PostgreSQL's word, remembered for a moment by the whole process.
//!
//! A logout on this node holds at once, on every worker: what is revoked is written here before it is answered, and a
//! look-up that was under way meanwhile can't bring it back. A logout on another node holds here after [`LIVE_FOR`].

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::caller::Caller;
use crate::{
    http::{
        error::{ApiError, ErrorCode},
        gateway::{PATIENCE, Reads},
    },
    journal::sessions,
};

/// What PostgreSQL said of a session is not asked for again for so long: as long as another node's logout may go unnoticed.
/// Also that there is none: a token outlives its session by up to an hour, and must not make work at each request.
pub const LIVE_FOR: Duration = Duration::from_secs(5);
/// A revoked one is remembered for longer than any look-up can be under way; then PostgreSQL knows it.
const REVOKED_FOR: Duration = Duration::from_secs(60);
/// Most that are remembered. Past it those are forgotten that are only found, and asked for again.
const SESSIONS_MAX: usize = 65_536;

#[derive(Debug, Clone, Copy)]
struct Known {
    is_live: bool,
    until: Instant,
}

/// The process's memory of sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    known: Mutex<HashMap<Uuid, Known>>,
    revocations: AtomicU64,
}

impl Sessions {
    /// The caller's session still is.
    ///
    /// # Errors
    /// UNAUTHORIZED if not; UNAVAILABLE if nobody can tell now.
    pub async fn require(&self, reads: &Reads, caller: &Caller) -> Result<(), ApiError> {
        let ended = || ApiError::new(ErrorCode::Unauthorized, "The session has ended: sign in again.");
        match self.known(caller.session, Instant::now()) {
            Some(true) => return Ok(()),
            Some(false) => return Err(ended()),
            None => {}
        }
        let (session, wallet) = (caller.session, caller.wallet);
        let asked = reads.engine_read(async |tx| Ok(sessions::is_live(&**tx, session, wallet).await?));
        let too_long = |_| ApiError::new(ErrorCode::Timeout, "It took too long.");
        let is_live = tokio::time::timeout(PATIENCE, asked).await.map_err(too_long)??;
        if self.found(session, is_live, Instant::now()) { Ok(()) } else { Err(ended()) }
    }

    /// These have ended.
    pub fn revoke(&self, sessions: impl IntoIterator<Item = Uuid>) {
        let until = Instant::now() + REVOKED_FOR;
        let mut known = self.lock();
        for session in sessions {
            Self::make_room(&mut known, Instant::now());
            known.insert(session, Known { is_live: false, until });
        }
        drop(known);
        self.revocations.fetch_add(1, Ordering::Release);
    }

    /// Another number after each logout on this node: who watches sessions looks again when it changes.
    pub fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::Acquire)
    }

    /// What is remembered of a session, without asking anybody; `None` if nothing is, or it is too old.
    pub fn remembered(&self, session: Uuid) -> Option<bool> {
        self.known(session, Instant::now())
    }

    /// Those of which nothing is remembered that is newer than `age`, at most so many.
    pub fn older_than(&self, age: Duration, callers: impl Iterator<Item = Caller>, most: usize) -> Vec<Caller> {
        let newest = Instant::now() + LIVE_FOR.saturating_sub(age);
        let known = self.lock();
        let is_older = |caller: &Caller| known.get(&caller.session).is_none_or(|known| known.until <= newest);
        callers.filter(is_older).take(most).collect()
    }

    /// Asks PostgreSQL about all of these by one question, and remembers what it says.
    ///
    /// # Errors
    /// UNAVAILABLE or TIMEOUT if nobody can tell now: what was remembered stays.
    pub async fn look_up(&self, reads: &Reads, callers: &[Caller]) -> Result<(), ApiError> {
        let ids: Vec<Uuid> = callers.iter().map(|caller| caller.session).collect();
        let asked = reads.engine_read(async |tx| Ok(sessions::live_among(&**tx, &ids).await?));
        let too_long = |_| ApiError::new(ErrorCode::Timeout, "It took too long.");
        let live: HashSet<_> = tokio::time::timeout(PATIENCE, asked).await.map_err(too_long)??.into_iter().collect();
        let now = Instant::now();
        for caller in callers {
            self.found(caller.session, live.contains(&(caller.session, caller.wallet.to_string())), now);
        }
        Ok(())
    }

    fn known(&self, session: Uuid, now: Instant) -> Option<bool> {
        self.lock().get(&session).filter(|known| known.until > now).map(|known| known.is_live)
    }

    /// Remembers what was found; false if it is not live, or was revoked meanwhile.
    fn found(&self, session: Uuid, is_live: bool, now: Instant) -> bool {
        let mut known = self.lock();
        if known.get(&session).is_some_and(|known| !known.is_live && known.until > now) {
            return false;
        }
        Self::make_room(&mut known, now);
        known.insert(session, Known { is_live, until: now + LIVE_FOR });
        is_live
    }

    fn make_room(known: &mut HashMap<Uuid, Known>, now: Instant) {
        if known.len() >= SESSIONS_MAX {
            known.retain(|_, known| known.until > now);
        }
        if known.len() >= SESSIONS_MAX {
            known.retain(|_, known| !known.is_live);
        }
        // So many logouts in a minute: PostgreSQL knows all of them.
        if known.len() >= SESSIONS_MAX {
            known.clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_that_was_under_way_does_not_bring_a_revoked_session_back() {
        let (sessions, now, id) = (Sessions::default(), Instant::now(), Uuid::from_u128(1));
        assert_eq!(sessions.known(id, now), None);
        assert!(sessions.found(id, true, now));
        assert_eq!(sessions.known(id, now), Some(true));
        assert_eq!(sessions.known(id, now + LIVE_FOR), None, "asked for again");
        sessions.revoke([id]);
        assert_eq!(sessions.known(id, now), Some(false));
        assert!(!sessions.found(id, true, now));
        assert_eq!(sessions.known(id, now + LIVE_FOR), Some(false));
    }

    #[test]
    fn that_a_session_has_ended_is_remembered_for_a_moment_too() {
        let (sessions, now, id) = (Sessions::default(), Instant::now(), Uuid::from_u128(1));
        assert!(!sessions.found(id, false, now));
        assert_eq!(sessions.known(id, now), Some(false));
        assert_eq!(sessions.known(id, now + LIVE_FOR), None, "asked for again");
    }

    #[test]
    fn who_was_looked_up_lately_is_not_asked_about_again_and_a_logout_is_noticed() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let caller = |n| Caller {
            wallet: crate::domain::ids::Wallet([7; 32]),
            user: Uuid::nil(),
            session: Uuid::from_u128(n),
            expires_at_unix: 0,
        };
        sessions.found(Uuid::from_u128(1), true, now);
        sessions.found(Uuid::from_u128(2), true, now - Duration::from_secs(4));
        let due = |most| sessions.older_than(Duration::from_secs(3), (1..=4).map(caller), most);
        assert_eq!(due(9), [2, 3, 4].map(caller));
        assert_eq!(due(2), [2, 3].map(caller));
        let before = sessions.revocations();
        assert_eq!(sessions.revocations(), before);
        sessions.revoke([Uuid::from_u128(1)]);
        assert_ne!(sessions.revocations(), before);
        assert_eq!(sessions.remembered(Uuid::from_u128(1)), Some(false));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_revoked_is_forgotten_last() {
        let (sessions, now, gone) = (Sessions::default(), Instant::now(), Uuid::nil());
        sessions.revoke([gone]);
        for n in 1..SESSIONS_MAX as u128 + 10 {
            sessions.found(Uuid::from_u128(n), true, now);
        }
        assert!(sessions.lock().len() <= SESSIONS_MAX);
        assert_eq!(sessions.known(gone, now), Some(false));
        sessions.revoke((0..SESSIONS_MAX as u128 + 10).map(Uuid::from_u128));
        assert!(sessions.lock().len() <= SESSIONS_MAX);
    }
}
