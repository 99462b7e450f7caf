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
    /// Adds a hub, once. One that is known and has lost a frame is reminded still.
    pub fn add(&mut self, link: HubLink) {
        let behind = self.0.get(&link.id).is_some_and(|known| known.behind);
        self.0.insert(link.id, Listener { link, behind });
    }

    /// Takes a hub off the list.
    pub fn remove(&mut self, hub_id: u64) {
        self.0.remove(&hub_id);
    }

    /// Nobody listens.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A hub has lost a frame and is to be reminded.
    pub fn any_behind(&self) -> bool {
        self.0.values().any(|listener| listener.behind)
    }

    /// Something was lost for all of them.
    pub fn all_lost(&mut self) {
        self.0.values_mut().for_each(|listener| listener.behind = true);
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

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::domain::ids::AccountAddress;

    const CHANNEL: Channel = Channel::Config(AccountAddress([1; 32]));

    fn pack(seq: u64) -> Arc<FramePack> {
        Arc::new(FramePack::new(CHANNEL, Epoch(1), Seq(seq), &[]))
    }

    #[test]
    fn a_full_hub_loses_frames_and_is_reminded_of_the_head_until_it_has_room() {
        let mut listeners = Listeners::default();
        let ((full, mut full_inbox), (roomy, mut roomy_inbox)) = (mpsc::channel(1), mpsc::channel(8));
        listeners.add(HubLink { id: 1, inbox: full });
        listeners.add(HubLink { id: 2, inbox: roomy });
        (1..=3).for_each(|seq| listeners.send(&pack(seq)));
        assert!(listeners.any_behind());
        let known = listeners.0[&1].link.clone();
        listeners.add(known);
        assert!(listeners.any_behind(), "asking again brings nothing back");
        listeners.remind(CHANNEL, Epoch(1), Seq(3));
        assert!(listeners.any_behind(), "there is still no room");
        assert!(matches!(full_inbox.try_recv(), Ok(HubInput::Frames(pack)) if pack.seq == Seq(1)));
        listeners.remind(CHANNEL, Epoch(1), Seq(3));
        assert!(matches!(full_inbox.try_recv(), Ok(HubInput::Head { seq: Seq(3), .. })));
        assert!(!listeners.any_behind());
        let heard = std::iter::from_fn(|| roomy_inbox.try_recv().ok()).count();
        assert_eq!(heard, 3, "the other one has lost nothing, and is told nothing more");
        drop((full_inbox, roomy_inbox));
        listeners.send(&pack(4));
        assert!(listeners.0.is_empty(), "hubs that are gone leave the list");
    }
}
