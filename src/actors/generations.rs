//! Generations: which life of each stream may append. Numbers are given once in a writer's life, so a stream that is
//! forgotten here can only be refused, never mistaken for another life of itself.
//!
//! Owned by the journal writer. Bounded by [`GENERATIONS_MAX`]; beyond it the stream that was opened longest ago is
//! forgotten: its next append is refused, its actor stops, and the stream is opened again. Pure.

use std::collections::{BTreeMap, HashMap};

use crate::domain::ids::AccountAddress;

/// Streams that are remembered: as many as may run.
pub const GENERATIONS_MAX: usize = super::registry::STREAMS_MAX;

/// See the module.
#[derive(Debug)]
pub struct Generations {
    newest: u64,
    of_stream: HashMap<AccountAddress, u64>,
    by_age: BTreeMap<u64, AccountAddress>,
    max: usize,
}

impl Default for Generations {
    fn default() -> Self {
        Self::up_to(GENERATIONS_MAX)
    }
}

impl Generations {
    fn up_to(max: usize) -> Self {
        Self { newest: 0, of_stream: HashMap::new(), by_age: BTreeMap::new(), max }
    }

    /// A life of a stream begins, and ends all earlier ones.
    pub fn begin(&mut self, stream: AccountAddress) -> u64 {
        self.newest += 1;
        if let Some(earlier) = self.of_stream.insert(stream, self.newest) {
            self.by_age.remove(&earlier);
        }
        self.by_age.insert(self.newest, stream);
        while self.by_age.len() > self.max
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.of_stream.remove(&oldest);
        }
        self.newest
    }

    /// May this life of the stream append?
    pub fn is_current(&self, stream: AccountAddress, number: u64) -> bool {
        self.of_stream.get(&stream) == Some(&number)
    }

    /// This life of the stream is over; a later one is left alone.
    pub fn end(&mut self, stream: AccountAddress, number: u64) {
        if self.is_current(stream, number) {
            self.of_stream.remove(&stream);
            self.by_age.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(n: u8) -> AccountAddress {
        AccountAddress([n; 32])
    }

    #[test]
    fn a_life_ends_all_earlier_ones_and_no_number_is_given_twice() {
        let mut generations = Generations::default();
        let first = generations.begin(stream(1));
        let second = generations.begin(stream(1));
        assert!(generations.is_current(stream(1), second) && !generations.is_current(stream(1), first));
        generations.end(stream(1), first);
        assert!(generations.is_current(stream(1), second), "the end of an earlier life ends no later one");
        generations.end(stream(1), second);
        assert!(!generations.is_current(stream(1), second));
        let third = generations.begin(stream(1));
        assert!(third > second && !generations.is_current(stream(1), second), "a late append of it is still refused");
    }

    #[test]
    fn past_the_bound_the_stream_opened_longest_ago_must_be_opened_again() {
        let mut generations = Generations::up_to(2);
        let numbers = [1, 2, 1, 3].map(|n| generations.begin(stream(n)));
        assert!(!generations.is_current(stream(2), numbers[1]));
        assert!(generations.is_current(stream(1), numbers[2]) && generations.is_current(stream(3), numbers[3]));
        assert_eq!((generations.of_stream.len(), generations.by_age.len()), (2, 2));
    }
}
