//! Who sessions are: signed in by a good token, until it runs out or its session ends.
//!
//! A logout on this node is seen at the next tick, since the process remembers it; one on another node when PostgreSQL is
//! asked again, for many sessions by one question and for none oftener than REST would.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use actix::prelude::*;

use super::{Hub, Session, SessionId};
use crate::{
    http::{
        auth::caller::Caller,
        ws::{
            codes::Close,
            commands::{CommandName, data},
            identity::{ASKED_AFTER, ASKED_AT_ONCE, Identity, SignedInView},
            messages::{self, SignedOut, WsErrorCode},
            outbox::{Outgoing, Verdict},
            protocol::RequestId,
        },
    },
    view::frame::text,
};

/// Between two looks at all identities, if nobody is known to have logged out.
const LOOK: Duration = Duration::from_secs(1);
/// Bad tokens in a row that close a connection.
const MAX_BAD_TOKENS: u8 = 2;

/// When identities are looked at.
#[derive(Debug)]
pub(super) struct Watch {
    next_look: Instant,
    revocations: u64,
    is_asking: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self { next_look: Instant::now(), revocations: 0, is_asking: false }
    }
}

impl Session {
    /// As questions know it, while it is signed in.
    pub(super) fn caller(&self) -> Option<Caller> {
        self.identity.as_ref().map(|identity| *identity.caller())
    }
}

impl Hub {
    /// A token was good: the session is its wallet's, if it is nobody else's.
    pub(super) fn sign_in(&mut self, session: SessionId, id: &RequestId, identity: Identity) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        if known.commands.wallet.is_some_and(|wallet| wallet != identity.wallet()) {
            let message = "The connection is another wallet's.";
            self.refuse(session, id, None, WsErrorCode::Forbidden, message);
            return self.finish_session(session, Close::OtherWallet);
        }
        known.commands.wallet = Some(identity.wallet());
        known.commands.bad_tokens = 0;
        known.identity = Some(Box::new(identity));
        match data(&SignedInView::from(&identity)) {
            Ok(data) => {
                let action = CommandName::Auth.as_str();
                let text = text(&messages::Reply { id: id.as_ref(), action, data: &data });
                self.send(session, Outgoing::Message(text, Verdict::Good));
            }
            Err(error) => self.refuse_as(session, id, &error),
        }
    }

    /// A token was no good.
    pub(super) fn bad_token(&mut self, session: SessionId) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        known.commands.bad_tokens += 1;
        if known.commands.bad_tokens >= MAX_BAD_TOKENS {
            self.finish_session(session, Close::BadToken);
        }
    }

    /// Close a session after what waits for it; nothing more is sent to it.
    fn finish_session(&mut self, session: SessionId, close: Close) {
        if let Some(known) = self.sessions.get(&session) {
            known.outbox.finish(close);
        }
        self.forget(session);
    }

    /// A session is signed in no more.
    fn sign_out(&mut self, session: SessionId, reason: SignedOut) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        known.identity = None;
        self.leave_private(session);
        self.send(session, Outgoing::Message(messages::auth_expired(reason), Verdict::Neutral));
    }

    /// See whose token has run out and whose session has ended. Costs a look at each signed-in session a second, and a
    /// question to the database for many at once.
    pub(super) fn watch_identities(&mut self, now: Instant, ctx: &mut Context<Self>) {
        let services = Rc::clone(&self.services);
        let sessions = services.door.sessions();
        let revocations = sessions.revocations();
        if revocations == self.watch.revocations && now < self.watch.next_look {
            return;
        }
        self.watch.revocations = revocations;
        self.watch.next_look = now + LOOK;
        let unix = chrono::Utc::now().timestamp();
        let signed_in = self.sessions.iter().filter_map(|(id, known)| Some((*id, known.identity.as_deref()?)));
        let out = signed_in.filter_map(|(id, identity)| {
            let has_ended = sessions.remembered(identity.session()) == Some(false);
            let reason = has_ended.then_some(SignedOut::SessionEnded);
            Some((id, reason.or(identity.has_run_out(unix).then_some(SignedOut::TokenExpired))?))
        });
        let out: Vec<_> = out.collect();
        out.into_iter().for_each(|(session, reason)| self.sign_out(session, reason));
        self.ask_after_sessions(ctx);
    }

    /// Ask whether sessions still are of which nothing was heard for a while; one question at a time.
    fn ask_after_sessions(&mut self, ctx: &mut Context<Self>) {
        if self.watch.is_asking {
            return;
        }
        let callers = self.sessions.values().filter_map(|known| known.caller());
        let due = self.services.door.sessions().older_than(ASKED_AFTER, callers, ASKED_AT_ONCE);
        if due.is_empty() {
            return;
        }
        self.watch.is_asking = true;
        let services = Rc::clone(&self.services);
        let asked = async move { services.door.sessions().look_up(services.gateway.reads(), &due).await };
        ctx.spawn(asked.into_actor(self).map(|asked, hub, _| {
            hub.watch.is_asking = false;
            match asked {
                // The next tick sees what is remembered now, and asks after the others.
                Ok(()) => hub.watch.next_look = Instant::now(),
                // They stay who they are: without the database there is nothing private to be told either.
                Err(error) => log::warn!("sessions can't be asked after: {error}"),
            }
        }));
    }
}
