//! What operators see of a hub's connections: numbers, never what was said.

use actix::prelude::*;
use serde::Serialize;

use super::Hub;
use crate::actors::supervision::Retire;

/// The connections of a hub, those for which most waits first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<ConnectionSeen>")]
pub struct SeeConnections {
    /// At most so many.
    pub most: usize,
}

/// A connection, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionSeen {
    /// Its number in the process.
    pub id: u64,
    /// Where it comes from.
    pub address: String,
    /// Who has signed in on it.
    pub wallet: Option<String>,
    /// Channels that it listens to.
    pub channels: usize,
    /// Frames that wait for it to read.
    pub waiting_frames: usize,
    /// And their bytes.
    pub waiting_bytes: usize,
    /// Heartbeats that it was sent: its age, in their periods.
    pub beats: u64,
    /// Channels in which it is behind, and is being brought up.
    pub catching_up: usize,
}

impl Handler<SeeConnections> for Hub {
    type Result = MessageResult<SeeConnections>;

    fn handle(&mut self, SeeConnections { most }: SeeConnections, _: &mut Context<Self>) -> Self::Result {
        let mut waiting: Vec<(usize, u64)> =
            self.sessions.iter().map(|(id, session)| (session.outbox.waiting().1, id.0)).collect();
        waiting.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        let seen = waiting.into_iter().take(most).filter_map(|(_, id)| {
            let session = self.sessions.get(&super::SessionId(id))?;
            let (waiting_frames, waiting_bytes) = session.outbox.waiting();
            Some(ConnectionSeen {
                id,
                address: session.commands.address.to_string(),
                wallet: session.identity.as_ref().map(|identity| identity.wallet().to_string()),
                channels: session.channels.len(),
                waiting_frames,
                waiting_bytes,
                beats: session.beats,
                catching_up: session.catching_up.len(),
            })
        });
        MessageResult(seen.collect())
    }
}

/// By an operator's word: its connections close, and their clients come to the next one.
impl Handler<Retire> for Hub {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
