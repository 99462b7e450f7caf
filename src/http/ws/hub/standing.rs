//! Where a stream stands and in what state, as the hub was told it last: whoever subscribes while it still stands there is
//! answered from this, and asks nobody.
//!
//! Exact, since the hub is on the stream's list: the state after an entry is the state until the next one, and that comes
//! here. So what is kept counts only while the newest entry that came is the one that it was told at, nothing is known to be
//! missing, and the stream is the same one. What the answer says is written once for all who come meanwhile. Channels over
//! many markets and wallets' own are not kept: their state is more than their entries.

use bytestring::ByteString;

use super::{
    feed::Feed,
    head::{Head, State, StreamHandle},
};
use crate::{domain::ids::Seq, http::ws::protocol::Since};

/// See the module.
#[derive(Debug)]
pub(super) struct Standing {
    head: Head,
    /// The answer with a snapshot, without an id, and the final entry that it tells of.
    written: Option<(Option<Seq>, ByteString)>,
}

impl Standing {
    /// The answer that was written at this head.
    pub fn written(&self, head: &Head, finalized: Option<Seq>) -> Option<ByteString> {
        let (told, text) = self.written.as_ref().filter(|_| is_same(&self.head, head))?;
        (*told == finalized).then(|| text.clone())
    }

    /// Keep the answer that was written at this head.
    pub fn keep(&mut self, head: &Head, finalized: Option<Seq>, text: &ByteString) {
        if is_same(&self.head, head) {
            self.written = Some((finalized, text.clone()));
        }
    }
}

fn is_same(one: &Head, other: &Head) -> bool {
    (one.epoch, one.seq) == (other.epoch, other.seq)
}

impl Feed {
    /// The stream has told where it stands.
    pub fn learn(&mut self, head: &Head) {
        let is_kept = matches!(head.state, State::Market(..) | State::Config(_));
        let is_newer = |known: &Standing| (head.epoch, head.seq) > (known.head.epoch, known.head.seq);
        if is_kept && self.standing.as_deref().is_none_or(is_newer) {
            self.standing = Some(Box::new(Standing { head: head.clone(), written: None }));
        }
    }

    /// Where the stream stands, if that is known here; `since` is where a client wants to go on.
    pub fn standing_for(&self, since: Option<Since>) -> Option<Head> {
        let head = &self.standing.as_ref()?.head;
        let is_newest = self.epoch == Some(head.epoch)
            && self.inlet.head() == Some(head.seq)
            && !(self.inlet.is_behind() || self.inlet.has_hole());
        let is_attached = !self.is_busy && self.handle.as_ref().is_some_and(StreamHandle::is_alive);
        // One who has seen more than came here knows better: the stream is asked.
        let is_within = since.is_none_or(|since| since.epoch == head.epoch && since.seq <= head.seq);
        (is_newest && is_attached && is_within).then(|| head.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Epoch;

    fn head(epoch: u32, seq: u64) -> Head {
        Head { epoch: Epoch(epoch), seq: Seq(seq), newest: None, finalized: None, state: State::Config(None) }
    }

    #[test]
    fn an_answer_is_given_again_only_at_the_same_head_and_the_same_final_entry() {
        let mut standing = Standing { head: head(1, 5), written: None };
        let text = ByteString::from_static("x");
        standing.keep(&head(1, 4), None, &text);
        assert_eq!(standing.written(&head(1, 5), None), None);
        standing.keep(&head(1, 5), Some(Seq(3)), &text);
        assert_eq!(standing.written(&head(1, 5), Some(Seq(3))), Some(text));
        for (head, finalized) in
            [(head(1, 6), Some(3)), (head(2, 5), Some(3)), (head(1, 5), None), (head(1, 5), Some(4))]
        {
            assert_eq!(standing.written(&head, finalized.map(Seq)), None);
        }
    }

    #[test]
    fn what_was_told_last_is_kept_and_counts_only_while_attached() {
        let mut feed = Feed::default();
        feed.learn(&head(1, 5));
        feed.learn(&head(1, 4));
        assert_eq!(feed.standing.as_ref().map(|known| known.head.seq), Some(Seq(5)));
        feed.learn(&head(2, 1));
        assert_eq!(feed.standing.as_ref().map(|known| known.head.epoch), Some(Epoch(2)));
        feed.epoch = Some(Epoch(2));
        feed.inlet.start(Seq(1));
        assert!(feed.standing_for(None).is_none(), "the hub is on no stream's list");
    }
}
