//! Markets that are named by their seeds: which seeds are looked up, and for whom.
//!
//! The replays need the same connections, so few questions are out at a time and each is about many seeds: all that one
//! message named, and all that came while the questions before were out. A seed is looked up once however many wait for
//! it, and not at all once nobody does. Those who wait are at most as many as unanswered subscriptions.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use actix::prelude::*;

use super::{
    Hub,
    commands::{Done, DoneSender},
};
use crate::{
    actors::stream::ReadError,
    domain::ids::{MarketAddress, MarketSeed},
    view::frame::Channel,
};

/// Questions at a time.
const QUESTIONS: usize = 2;
/// Seeds in one question.
const SEEDS_A_QUESTION: usize = 500;

/// Seeds that somebody (`W`) waits for.
#[derive(Debug)]
pub(super) struct Wanted<W> {
    seeds: HashMap<MarketSeed, Seed<W>>,
    /// Those that are not asked yet, in the order in which they were wanted.
    line: BTreeMap<u64, MarketSeed>,
    last: u64,
    questions: usize,
}

#[derive(Debug)]
struct Seed<W> {
    /// Its place in the line; `None`: it is asked.
    place: Option<u64>,
    waiting: Vec<W>,
}

impl<W> Default for Wanted<W> {
    fn default() -> Self {
        Self { seeds: HashMap::new(), line: BTreeMap::new(), last: 0, questions: 0 }
    }
}

impl<W> Wanted<W> {
    /// One more waits for a seed.
    pub fn want(&mut self, seed: MarketSeed, who: W) {
        match self.seeds.entry(seed) {
            Entry::Occupied(known) => known.into_mut().waiting.push(who),
            Entry::Vacant(free) => {
                self.last += 1;
                self.line.insert(self.last, seed);
                free.insert(Seed { place: Some(self.last), waiting: vec![who] });
            }
        }
    }

    /// These wait no more.
    pub fn give_up(&mut self, seed: MarketSeed, mut who: impl FnMut(&W) -> bool) -> Vec<W> {
        let Some(known) = self.seeds.get_mut(&seed) else { return Vec::new() };
        let gone = known.waiting.extract_if(.., |waiting| who(waiting)).collect();
        // One that is asked stays: who comes now gets the same answer.
        if known.waiting.is_empty()
            && let Some(place) = known.place
        {
            self.line.remove(&place);
            self.seeds.remove(&seed);
        }
        gone
    }

    /// The next question, if there is one and it may be asked; [`Wanted::answered`] ends it.
    fn next_question(&mut self) -> Option<Vec<MarketSeed>> {
        if self.questions >= QUESTIONS || self.line.is_empty() {
            return None;
        }
        self.questions += 1;
        let mut asked = Vec::new();
        while asked.len() < SEEDS_A_QUESTION
            && let Some((_, seed)) = self.line.pop_first()
        {
            if let Some(known) = self.seeds.get_mut(&seed) {
                known.place = None;
                asked.push(seed);
            }
        }
        Some(asked)
    }

    /// A question was answered: who waited for which of its seeds.
    fn answered(&mut self, asked: &[MarketSeed]) -> Vec<(MarketSeed, W)> {
        self.questions = self.questions.saturating_sub(1);
        let mut waited = Vec::new();
        for seed in asked {
            let known = self.seeds.remove(seed).into_iter();
            waited.extend(known.flat_map(|known| known.waiting).map(|who| (*seed, who)));
        }
        waited
    }
}

/// What came of a question.
#[derive(Debug)]
pub(super) struct Found {
    asked: Vec<MarketSeed>,
    outcome: Result<Vec<(MarketSeed, MarketAddress)>, ReadError>,
}

/// Told to the hub whatever becomes of the question.
struct Finding {
    hub: DoneSender,
    found: Option<Found>,
}

impl Drop for Finding {
    fn drop(&mut self) {
        if let Some(found) = self.found.take() {
            // A hub that is gone has no sessions left.
            let _ = self.hub.send(Done::Found(found));
        }
    }
}

impl Hub {
    /// Ask about the seeds that are wanted, as far as that may be now.
    pub(super) fn ask_seeds(&mut self) {
        while let Some(asked) = self.seeds_wanted.next_question() {
            let sources = self.sources.clone();
            let found = Some(Found { asked: asked.clone(), outcome: Err(ReadError::Loading) });
            let mut finding = Finding { hub: self.done.clone(), found };
            actix::spawn(async move {
                let outcome = sources.markets_of(&asked).await;
                if let Some(found) = &mut finding.found {
                    found.outcome = outcome;
                }
            });
        }
    }

    /// Go on with who waited for these.
    pub(super) fn seeds_found(&mut self, Found { asked, outcome }: Found, ctx: &mut Context<Self>) {
        let outcome = outcome.map(|found| found.into_iter().collect::<HashMap<_, _>>());
        for (seed, join) in self.seeds_wanted.answered(&asked) {
            let Some(known) = self.sessions.get_mut(&join.session) else { continue };
            if let Some(place) = known.resolving.iter().position(|looked_for| *looked_for == seed) {
                known.resolving.swap_remove(place);
            }
            match &outcome {
                Ok(found) => match found.get(&seed) {
                    Some(address) => self.begin(Channel::Market(*address), join, ctx),
                    None => self.answer_error(&join, ReadError::Unknown),
                },
                Err(error) => self.answer_error(&join, *error),
            }
        }
        self.ask_seeds();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(number: usize) -> MarketSeed {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        MarketSeed(bytes)
    }

    #[test]
    fn all_seeds_of_a_message_are_one_question_and_few_questions_are_out() {
        let mut wanted = Wanted::default();
        (0..200).for_each(|number| wanted.want(seed(number), number));
        let first = wanted.next_question().unwrap();
        assert_eq!(first, (0..200).map(seed).collect::<Vec<_>>());
        assert_eq!(wanted.next_question(), None, "nothing is left to ask");
        // Who wants what is asked already waits for the same answer.
        wanted.want(seed(7), 1_007);
        assert_eq!(wanted.next_question(), None);

        (1_000..3_000).for_each(|number| wanted.want(seed(number), number));
        let second = wanted.next_question().unwrap();
        assert_eq!(second.len(), SEEDS_A_QUESTION);
        assert_eq!(wanted.next_question(), None, "two are out");
        let waited = wanted.answered(&first);
        assert_eq!(waited.len(), 201);
        assert_eq!(waited.iter().filter(|(looked_up, _)| *looked_up == seed(7)).count(), 2);
        assert_eq!(wanted.next_question().unwrap().first(), Some(&seed(1_000 + SEEDS_A_QUESTION)));
    }

    #[test]
    fn a_seed_that_nobody_waits_for_any_more_is_not_asked_and_leaves_nothing() {
        let mut wanted = Wanted::default();
        for who in [1, 2] {
            (0..3).for_each(|number| wanted.want(seed(number), who));
        }
        assert_eq!(wanted.give_up(seed(0), |who| *who == 1), [1]);
        assert_eq!(wanted.give_up(seed(1), |_| true), [1, 2]);
        assert!(wanted.give_up(seed(9), |_| true).is_empty());
        let asked = wanted.next_question().unwrap();
        assert_eq!(asked, [seed(0), seed(2)]);
        assert_eq!(wanted.give_up(seed(2), |_| true), [1, 2]);
        assert_eq!(wanted.answered(&asked), [(seed(0), 2)]);
        assert!(wanted.seeds.is_empty() && wanted.line.is_empty() && wanted.questions == 0);
    }
}
