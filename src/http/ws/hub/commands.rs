//! Commands of sessions.
//!
//! A command runs in a task of its own, so that a slow one holds up nothing and a panic is its own end; the hub counts
//! those of each session and passes their answers on, each exactly once, in the order in which they are ready. What a
//! connection asked to read is given up with it; what it asked to be done is done.

use std::{net::IpAddr, rc::Rc};

use actix::prelude::*;
use serde_json::Value;
use tokio::{sync::mpsc, task::AbortHandle};

use super::{
    Hub, SessionId,
    join::Joined,
    quotes::{Requoted, quote_text},
    seeds::Found,
};
use crate::{
    domain::ids::Wallet,
    http::{
        error::{ApiError, ErrorCode},
        ws::{
            commands::{Asker, Command, CommandName, Outcome},
            identity::Visitor,
            messages::{self, Refusal, WsErrorCode},
            outbox::{Outgoing, Verdict},
            protocol::RequestId,
        },
    },
    telemetry::request,
    view::frame::text,
};

/// What a session needs for its commands.
#[derive(Debug)]
pub(super) struct CommandState {
    pub address: IpAddr,
    is_trusted: bool,
    /// Whose the connection is, also when it is signed in no more.
    pub wallet: Option<Wallet>,
    /// In a row.
    pub bad_tokens: u8,
    running: Vec<Running>,
}

/// A command that is not answered yet. What is only read ends with the session.
#[derive(Debug)]
struct Running {
    ticket: u64,
    /// The id of a quote stream that is to begin.
    quotes: Option<Value>,
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
        let Visitor { address, is_trusted, identity } = visitor;
        let wallet = identity.map(|identity| identity.wallet());
        Self { address, is_trusted, wallet, bad_tokens: 0, running: Vec::new() }
    }
}

/// What tasks beside the hub tell it: each once, so that no more waits here than is under way.
#[derive(Debug)]
pub(super) enum Done {
    Answered(Answered),
    Requoted(Requoted),
    Joined(Joined),
    Found(Found),
}

/// The way there.
pub(super) type DoneSender = mpsc::UnboundedSender<Done>;

/// A command was answered.
#[derive(Debug)]
pub(super) struct Answered {
    session: SessionId,
    ticket: u64,
    id: RequestId,
    name: CommandName,
    outcome: Result<Outcome, ApiError>,
}

/// Answers a command exactly once, whatever becomes of its task.
struct Pending {
    hub: DoneSender,
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
            // A hub that is gone has no sessions left.
            let _ = self.hub.send(Done::Answered(answer));
        }
    }
}

impl Hub {
    /// Answer an action; the answer comes through the outbox.
    pub(super) fn perform(&mut self, session: SessionId, id: RequestId, command: Command) {
        self.tickets += 1;
        let ticket = self.tickets;
        let most = self.limits.actions_in_flight;
        let Some(known) = self.sessions.get_mut(&session) else { return };
        if known.commands.running.len() >= most {
            let message = format!("At most {most} actions may wait for their answers.");
            return self.refuse(session, &id, None, WsErrorCode::TooManyRequests, &message);
        }
        let quotes = command.begins_quotes();
        if quotes && let Err((code, error)) = self.may_quote(session, id.as_ref()) {
            let refusal = Refusal { code, ..Refusal::of(id.as_ref(), &error) };
            let text = text(&refusal);
            return self.send(session, Outgoing::Message(text, Verdict::of(code)));
        }
        let Some(known) = self.sessions.get_mut(&session) else { return };
        let CommandState { address, is_trusted, .. } = known.commands;
        let asker = Asker { address, is_trusted, identity: known.identity.as_deref().copied() };
        let (name, quotes) = (command.name, id.clone().filter(|_| quotes));
        let outcome = Err(ApiError::new(ErrorCode::Internal, "Something went wrong here."));
        let answer = Some(Answered { session, ticket, id, name, outcome });
        let pending = Pending { hub: self.done.clone(), answer };
        let services = Rc::clone(&self.services);
        // An action is a request like any other: what it writes and what is logged of it have an id.
        let work = async move { pending.answer(services.perform(&asker, command).await) };
        let task = actix::spawn(request::within(Some(request::new_id()), work));
        let task = (!name.is_effect()).then(|| task.abort_handle());
        known.commands.running.push(Running { ticket, quotes, task });
    }
}

impl StreamHandler<Done> for Hub {
    fn handle(&mut self, done: Done, ctx: &mut Context<Self>) {
        match done {
            Done::Answered(answered) => self.pass_on(answered, ctx),
            Done::Requoted(requoted) => self.requoted(requoted),
            Done::Joined(joined) => self.joined(joined, ctx),
            Done::Found(found) => self.seeds_found(found, ctx),
        }
    }
}

impl Hub {
    fn pass_on(&mut self, answered: Answered, ctx: &mut Context<Self>) {
        let Answered { session, ticket, id, name, outcome } = answered;
        let Some(known) = self.sessions.get_mut(&session) else { return };
        let running = &mut known.commands.running;
        let Some(place) = running.iter().position(|running| running.ticket == ticket) else {
            // It was taken back, and that was its answer.
            return;
        };
        running.swap_remove(place);
        self.told.answered(name.as_str(), outcome.as_ref().map_or_else(|error| error.code.as_str(), |_| "ok"));
        match outcome {
            Ok(Outcome::SignedIn(identity)) => self.sign_in(session, &id, identity),
            Ok(Outcome::Data(data)) => {
                let text = text(&messages::Reply { id: id.as_ref(), action: name.as_str(), data: &data });
                self.send(session, Outgoing::Message(text, Verdict::Good));
            }
            Ok(Outcome::Quote(quoted)) => {
                let verdict =
                    quoted.quote.as_ref().map_or_else(|error| Verdict::of(error.code.into()), |_| Verdict::Good);
                self.send(session, Outgoing::Message(quote_text(id.as_ref(), None, &quoted), verdict));
            }
            Ok(Outcome::Stream(opened)) => {
                if let Some(id) = &id {
                    self.begin_quotes(session, id, *opened, ctx);
                }
            }
            Err(error) => {
                self.refuse_as(session, &id, &error);
                if name == CommandName::Auth && error.code == ErrorCode::Unauthorized {
                    self.bad_token(session);
                }
            }
        }
    }

    /// A quote stream of this id may begin.
    fn may_quote(&self, session: SessionId, id: Option<&Value>) -> Result<(), (WsErrorCode, ApiError)> {
        let invalid = |message| Err((WsErrorCode::ValidationError, ApiError::invalid_field("id", message)));
        let Some(id) = id else { return invalid("A quote stream is named by its id.") };
        let running = self.sessions.get(&session).map(|known| known.commands.running.iter());
        let beginning = running.into_iter().flatten().filter_map(|running| running.quotes.as_ref());
        let known: Vec<_> = self.quotes.of(session).chain(beginning).collect();
        if known.contains(&id) {
            return invalid("A quote stream has it already.");
        }
        let most = self.limits.quote_streams;
        if known.len() >= most {
            let message = format!("At most {most} quote streams a connection.");
            return Err((WsErrorCode::TooManyQuotes, ApiError::new(ErrorCode::ValidationError, message)));
        }
        Ok(())
    }

    /// Take back quote streams that have not begun yet, one or all of a session; true if there were any. Their actions are
    /// answered by that.
    pub(super) fn cancel_quotes(&mut self, session: SessionId, quote: Option<&Value>) -> bool {
        let Some(known) = self.sessions.get_mut(&session) else { return false };
        let is_meant =
            |running: &mut Running| running.quotes.as_ref().is_some_and(|own| quote.is_none_or(|quote| own == quote));
        let cancelled: Vec<_> = known.commands.running.extract_if(.., is_meant).collect();
        for running in &cancelled {
            let message = "Unsubscribed before it was answered.";
            self.refuse(session, &running.quotes, None, WsErrorCode::Cancelled, message);
        }
        !cancelled.is_empty()
    }

    /// A refusal as REST would tell it.
    pub(super) fn refuse_as(&mut self, session: SessionId, id: &RequestId, error: &ApiError) {
        let refusal = Refusal::of(id.as_ref(), error);
        let verdict = Verdict::of(refusal.code);
        self.send(session, Outgoing::Message(text(&refusal), verdict));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn what_is_only_read_ends_with_its_session_and_what_is_to_be_done_does_not() {
        let visitor = Visitor { address: IpAddr::from([127, 0, 0, 1]), is_trusted: true, identity: None };
        let mut state = CommandState::new(visitor);
        let (read, done) = (actix::spawn(std::future::pending::<()>()), actix::spawn(async {}));
        state.running.push(Running { ticket: 1, quotes: None, task: Some(read.abort_handle()) });
        state.running.push(Running { ticket: 2, quotes: None, task: None });
        drop(state);
        assert!(read.await.unwrap_err().is_cancelled());
        assert!(done.await.is_ok());
        let effects = CommandName::ALL.into_iter().filter(|name| name.is_effect());
        assert_eq!(effects.collect::<Vec<_>>(), [CommandName::Submit, CommandName::Vote]);
    }
}
