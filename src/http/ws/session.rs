//! A connection: says what its client says to the hub.
//!
//! Thin: it knows messages of RFC 6455, the rate bound, ten strikes, and silence; it knows no market. Whatever
//! concerns channels goes to the hub, one message at a time (the next message of the client waits until the hub took the
//! one before), and is answered through the outbox, past this actor, in the hub's order ([`super::body`]). It may not be
//! polled at all while its client does not read, so nothing here is relied on to end a slow one: the hub does.

use std::{sync::Arc, time::Instant};

use actix::prelude::*;
use actix_web_actors::ws;
use uuid::Uuid;

use super::{
    WsLimits,
    body::Strikes,
    codes::Close,
    guard,
    hub::{Connect, Hub, List, Perform, SessionId, Subscribe, Unquote, Unsubscribe},
    identity::Visitor,
    messages,
    outbox::{Outbox, Verdict},
    protocol::{self, Action, ClientMessage},
    rate::MessageBucket,
};

/// The actor of a connection.
#[derive(Debug)]
pub struct WsSession {
    id: SessionId,
    hub: Addr<Hub>,
    limits: WsLimits,
    /// Handed to the hub when the actor starts.
    outbox: Option<Arc<Outbox>>,
    visitor: Visitor,
    guard: guard::Verdict,
    bucket: MessageBucket,
    strikes: Strikes,
    last_heard: Instant,
    pinged_at: Option<Instant>,
    is_closing: bool,
}

impl WsSession {
    /// A session of a hub, with its outbox; bad messages are counted together with those of the outbox's other end.
    pub fn new(
        id: SessionId,
        hub: Addr<Hub>,
        limits: WsLimits,
        outbox: Arc<Outbox>,
        visitor: Visitor,
        guard: guard::Verdict,
        strikes: Strikes,
    ) -> Self {
        let now = Instant::now();
        Self {
            id,
            hub,
            limits,
            outbox: Some(outbox),
            visitor,
            guard,
            bucket: MessageBucket::new(limits.messages_per_second, limits.message_burst, now),
            strikes,
            last_heard: now,
            pinged_at: None,
            is_closing: false,
        }
    }

    fn close(&mut self, close: Close, ctx: &mut ws::WebsocketContext<Self>) {
        if !self.is_closing {
            self.is_closing = true;
            ctx.close(Some(close.reason()));
            // Closing only queues the frame; what is queued is still written after the stop.
            ctx.stop();
        }
    }

    /// Say something to the hub, and go on when it has it.
    fn tell<M>(&mut self, message: M, ctx: &mut ws::WebsocketContext<Self>)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        Hub: Handler<M>,
    {
        let told = self.hub.send(message).into_actor(self).map(|result, session, ctx| {
            if result.is_err() {
                session.close(Close::Restarted, ctx);
            }
        });
        ctx.wait(told);
    }

    fn judge(&mut self, verdict: Verdict, ctx: &mut ws::WebsocketContext<Self>) {
        if self.strikes.judge(verdict) {
            self.close(Close::TooManyBad, ctx);
        }
    }

    fn hear(&mut self, text: &str, ctx: &mut ws::WebsocketContext<Self>) {
        let ClientMessage { id, action } = match protocol::parse(text, self.limits.channels) {
            Ok(message) => message,
            Err(refusal) => {
                ctx.text(messages::error(refusal.id.as_ref(), None, refusal.code, &refusal.message));
                return self.judge(Verdict::of(refusal.code), ctx);
            }
        };
        match action {
            // Whether it was a good one is known when it is answered.
            Action::Subscribe(wants) => self.tell(Subscribe { session: self.id, id, wants }, ctx),
            Action::Unsubscribe(channels) => self.tell(Unsubscribe { session: self.id, id, channels }, ctx),
            Action::List => self.tell(List { session: self.id, id }, ctx),
            Action::Unquote(quote) => self.tell(Unquote { session: self.id, id, quote }, ctx),
            Action::Perform(command) => self.tell(Perform { session: self.id, id, command }, ctx),
            Action::Ping => {
                ctx.text(messages::pong(id.as_ref()));
                self.judge(Verdict::Good, ctx);
            }
            Action::Pong => self.judge(Verdict::Good, ctx),
        }
    }

    fn check_life(&mut self, now: Instant, ctx: &mut ws::WebsocketContext<Self>) {
        if !self.hub.connected() {
            return self.close(Close::Restarted, ctx);
        }
        match self.pinged_at {
            Some(pinged_at) if now.duration_since(pinged_at) >= self.limits.pong_wait => {
                self.close(Close::NoPong, ctx);
            }
            None if now.duration_since(self.last_heard) >= self.limits.silence => {
                self.pinged_at = Some(now);
                ctx.ping(b"");
            }
            _ => {}
        }
    }
}

impl Actor for WsSession {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.text(messages::welcome(Uuid::new_v4(), &self.limits));
        if let Some(outbox) = self.outbox.take() {
            self.tell(Connect { session: self.id, outbox, visitor: self.visitor }, ctx);
        }
        let shortest = self.limits.silence.min(self.limits.pong_wait);
        let often = (shortest / 4).clamp(std::time::Duration::from_millis(20), std::time::Duration::from_secs(5));
        ctx.run_interval(often, |session, ctx| session.check_life(Instant::now(), ctx));
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for WsSession {
    fn handle(&mut self, item: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
        if self.is_closing {
            return;
        }
        let now = Instant::now();
        self.last_heard = now;
        self.pinged_at = None;
        let message = match item {
            Ok(message) => message,
            Err(error) => return self.close(close_of(&error), ctx),
        };
        if !self.bucket.take(now) {
            return self.close(Close::RateLimited, ctx);
        }
        match message {
            ws::Message::Text(text) => self.hear(&text, ctx),
            ws::Message::Binary(_) => self.close(Close::Binary, ctx),
            // The guard joins them.
            ws::Message::Continuation(_) => self.close(Close::Protocol, ctx),
            ws::Message::Ping(data) => ctx.pong(&data),
            ws::Message::Pong(_) | ws::Message::Nop => {}
            ws::Message::Close(_) => self.close(Close::Normal, ctx),
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        match self.guard.close() {
            Some(close) => self.close(close, ctx),
            None => ctx.stop(),
        }
    }
}

fn close_of(error: &ws::ProtocolError) -> Close {
    match error {
        ws::ProtocolError::Overflow => Close::TooLarge,
        // The adapter's own error for a text that is not UTF-8; its errors of reading end at the guard.
        ws::ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::Other => Close::NotUtf8,
        _ => Close::Protocol,
    }
}
