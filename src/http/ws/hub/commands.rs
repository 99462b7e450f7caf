//! Commands of sessions, and who sessions are.
//!
//! A command runs in a task of its own, so that a slow one holds up nothing and a panic is its own end; the hub counts
//! those of each session and passes their answers on, each exactly once, in the order in which they are ready. What a
//! connection asked to read is given up with it; what it asked to be done is done.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use tokio::task::AbortHandle;

use super::{Hub, Session, SessionId};
use crate::{
    domain::ids::Wallet,
    http::{
        error::{ApiError, ErrorCode},
        ws::{
            codes::Close,
            commands::{self, Asker, Command, CommandName, Outcome},
            identity::{ASKED_AFTER, ASKED_AT_ONCE, Identity, Visitor},
            messages::{self, Refusal, SignedOut, WsErrorCode},
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

/// Answer an action; the answer comes through the outbox.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Perform {
    /// Who.
    pub session: SessionId,
    /// Echoed.
    pub id: RequestId,
    /// What.
    pub command: Command,
}

/// What a session needs for its commands.
#[derive(Debug)]
pub(super) struct CommandState {
    visitor: Visitor,
    /// Whose the connection is, also when it is signed in no more.
    wallet: Option<Wallet>,
    bad_tokens: u8,
    running: Vec<Running>,
}

/// A command that is not answered yet. What is only read ends with the session.
#[derive(Debug)]
struct Running {
    ticket: u64,
    task: Option<AbortHandle>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl CommandState {
    pub fn new(visitor: Visitor) -> Self {
        let wallet = visitor.identity.map(|identity| identity.wallet());
        Self { visitor, wallet, bad_tokens: 0, running: Vec::new() }
    }
}

/// A command was answered.
#[derive(Message)]
#[rtype(result = "()")]
struct Answered {
    session: SessionId,
    ticket: u64,
    id: RequestId,
    name: CommandName,
    outcome: Result<Outcome, ApiError>,
}

/// Answers a command exactly once, whatever becomes of its task.
struct Pending {
    hub: Addr<Hub>,
    answer: Option<Answered>,
}

impl Pending {
    fn answer(mut self, outcome: Result<Outcome, ApiError>) {
        if let Some(answer) = &mut self.answer {
            answer.outcome = outcome;
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            self.hub.do_send(answer);
        }
    }
}

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

impl Handler<Perform> for Hub {
    type Result = ();

    fn handle(&mut self, Perform { session, id, command }: Perform, ctx: &mut Context<Self>) {
        self.tickets += 1;
        let ticket = self.tickets;
        let most = self.limits.actions_in_flight;
        let Some(known) = self.sessions.get_mut(&session) else { return };
        if known.commands.running.len() >= most {
            let message = format!("At most {most} actions may wait for their answers.");
            return self.refuse(session, &id, None, WsErrorCode::TooManyRequests, &message);
        }
        let Visitor { address, is_trusted, .. } = known.commands.visitor;
        let asker = Asker { address, is_trusted, identity: known.identity };
        let name = command.name;
        let outcome = Err(ApiError::new(ErrorCode::Internal, "Something went wrong here."));
        let answer = Some(Answered { session, ticket, id, name, outcome });
        let pending = Pending { hub: ctx.address(), answer };
        let services = Rc::clone(&self.services);
        let task = actix::spawn(async move { pending.answer(services.perform(&asker, command).await) });
        let task = (!name.is_effect()).then(|| task.abort_handle());
        known.commands.running.push(Running { ticket, task });
    }
}

impl Handler<Answered> for Hub {
    type Result = ();

    fn handle(&mut self, answered: Answered, _: &mut Context<Self>) {
        let Answered { session, ticket, id, name, outcome } = answered;
        let Some(known) = self.sessions.get_mut(&session) else { return };
        known.commands.running.retain(|running| running.ticket != ticket);
        match outcome {
            Ok(Outcome::SignedIn(identity)) => self.sign_in(session, &id, identity),
            Ok(Outcome::Data(data)) => {
                let text = text(&messages::Reply { id: id.as_ref(), action: name.as_str(), data: &data });
                self.send(session, Outgoing::Message(text, Verdict::Good));
            }
            Err(error) => {
                self.refuse_as(session, &id, &error);
                if name == CommandName::Auth && error.code == ErrorCode::Unauthorized {
                    self.bad_token(session);
                }
            }
        }
    }
}

impl Hub {
    /// A refusal as REST would tell it.
    fn refuse_as(&mut self, session: SessionId, id: &RequestId, error: &ApiError) {
        let refusal = Refusal::of(id.as_ref(), error);
        let verdict = Verdict::of(refusal.code);
        self.send(session, Outgoing::Message(text(&refusal), verdict));
    }

    fn sign_in(&mut self, session: SessionId, id: &RequestId, identity: Identity) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        if known.commands.wallet.is_some_and(|wallet| wallet != identity.wallet()) {
            let message = "The connection is another wallet's.";
            self.refuse(session, id, None, WsErrorCode::Forbidden, message);
            return self.finish_session(session, Close::OtherWallet);
        }
        known.commands.wallet = Some(identity.wallet());
        known.commands.bad_tokens = 0;
        known.identity = Some(identity);
        match commands::signed_in(&identity) {
            Ok(data) => {
                let action = CommandName::Auth.as_str();
                let text = text(&messages::Reply { id: id.as_ref(), action, data: &data });
                self.send(session, Outgoing::Message(text, Verdict::Good));
            }
            Err(error) => self.refuse_as(session, id, &error),
        }
    }

    fn bad_token(&mut self, session: SessionId) {
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

    /// Leave the channels that only a signed-in session may have.
    fn leave_private(&mut self, _session: SessionId) {}

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
        let signed_in = self.sessions.iter().filter_map(|(id, known)| Some((*id, known.identity?)));
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
        let callers = self.sessions.values().filter_map(Session::caller);
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
