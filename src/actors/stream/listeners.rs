//! Who listens to a stream: the hubs.
//!
//! Each hub gets each frame once, through its own bounded inbox. A full inbox loses the frame, and the hub is reminded of
//! the head until it has room: it sees the hole in `seq` and asks for a replay. So a slow hub costs the stream nothing.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::mpsc::error::TrySendError;

use super::messages::{HubInput, HubLink};
use crate::{
    domain::ids::{Epoch, Seq},
    view::frame::{Channel, FramePack},
};

struct Listener {
    link: HubLink,
    behind: bool,
}

/// See the module.
#[derive(Default)]
pub struct Listeners(HashMap<u64, Listener>);

impl Listeners {
    /// Adds a hub, once.
    pub fn add(&mut self, link: HubLink) {
        self.0.insert(link.id, Listener { link, behind: false });
    }

    /// Takes a hub off the list.
    pub fn remove(&mut self, hub_id: u64) {
        self.0.remove(&hub_id);
    }

    /// Nobody listens.
    pub fn is_empty(&mut self) -> bool {
        self.0.retain(|_, listener| !listener.link.inbox.is_closed());
        self.0.is_empty()
    }

    /// Sends frames to every hub.
    pub fn send(&mut self, pack: &Arc<FramePack>) {
        self.0.retain(|_, listener| match listener.link.inbox.try_send(HubInput::Frames(Arc::clone(pack))) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                listener.behind = true;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
    }

    /// Tells hubs that lost a frame where the stream is.
    pub fn remind(&mut self, channel: Channel, epoch: Epoch, seq: Seq) {
        for listener in self.0.values_mut().filter(|listener| listener.behind) {
            listener.behind = listener.link.inbox.try_send(HubInput::Head { channel, epoch, seq }).is_err();
        }
    }
}
