//! What a session asked for: its channels, and which of them were answered. Bounded by the limit of channels.
//!
//! A sorted list, since most sessions have one or two: a node of a map would be the largest part of an idle session.

use crate::view::frame::Channel;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Channels(Vec<(Channel, bool)>);

impl Channels {
    fn place_of(&self, channel: Channel) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(&channel))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// It asked for this one.
    pub fn contains(&self, channel: Channel) -> bool {
        self.place_of(channel).is_ok()
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = Channel> + '_ {
        self.0.iter().map(|(channel, _)| *channel)
    }

    /// Those that were answered with `subscribed`, in order.
    pub fn joined(&self) -> impl Iterator<Item = Channel> + '_ {
        self.0.iter().filter(|(_, joined)| *joined).map(|(channel, _)| *channel)
    }

    /// It asks for one.
    pub fn ask(&mut self, channel: Channel) {
        self.put(channel, false);
    }

    /// It was answered.
    pub fn join(&mut self, channel: Channel) {
        self.put(channel, true);
    }

    fn put(&mut self, channel: Channel, joined: bool) {
        match self.place_of(channel) {
            Ok(place) => self.0.iter_mut().skip(place).take(1).for_each(|(_, known)| *known |= joined),
            Err(place) => {
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(place, (channel, joined));
            }
        }
    }

    /// It leaves one; false if it had not asked for it.
    pub fn remove(&mut self, channel: Channel) -> bool {
        self.place_of(channel).map(|place| self.0.remove(place)).is_ok()
    }

    /// It gets none after all, if it has not got it already.
    pub fn give_up(&mut self, channel: Channel) {
        self.0.retain(|(known, joined)| *known != channel || *joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::MarketAddress;

    #[test]
    fn a_channel_is_there_once_and_stays_joined_until_it_is_left() {
        let channel = |number: u8| Channel::Market(MarketAddress([number; 32]));
        let mut channels = Channels::default();
        for number in [3, 1, 2, 1] {
            channels.ask(channel(number));
        }
        assert_eq!(channels.iter().collect::<Vec<_>>(), [1, 2, 3].map(channel));
        channels.join(channel(2));
        channels.ask(channel(2));
        channels.give_up(channel(2));
        channels.give_up(channel(3));
        assert_eq!(channels.joined().collect::<Vec<_>>(), [channel(2)]);
        assert_eq!((channels.len(), channels.contains(channel(3))), (2, false));
        assert!(channels.remove(channel(2)) && !channels.remove(channel(2)));
    }
}
