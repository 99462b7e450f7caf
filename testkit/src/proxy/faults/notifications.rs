//! Notifications that never come, come twice, come late, or come in another order.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use zmart::{
    chain::program::ProgramAddresses,
    domain::ids::{AccountAddress, MarketAddress, MarketSeed, ProgramId, TxSignature},
};

use super::super::{
    fault::Dice,
    message::Note,
    rules::{Rule, SocketId},
};

/// Which notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those of transactions' logs.
    Logs,
    /// Those of slots.
    Slots,
    /// All there are.
    All,
    /// Those of transactions with an event of that market.
    Market(MarketAddress),
    /// Those of transactions with an event that names that account: a wallet, or a market's account.
    Account(AccountAddress),
    /// That of one transaction.
    Transaction(TxSignature),
}

/// Tells notifications apart.
pub struct Matcher {
    which: Which,
    addresses: ProgramAddresses,
    /// Addresses are slow to derive.
    markets: Mutex<HashMap<[u8; 32], MarketAddress>>,
}

impl Matcher {
    /// For events of a program.
    pub fn new(which: Which, program: ProgramId) -> Self {
        Self { which, addresses: ProgramAddresses::new(program), markets: Mutex::default() }
    }

    /// True if it is one of those.
    pub fn matches(&self, note: &mut Note) -> bool {
        match self.which {
            Which::All => !note.method().is_empty(),
            Which::Slots => note.method() == "slotNotification",
            Which::Logs => note.method() == "logsNotification",
            Which::Transaction(signature) => note.signature() == Some(signature.to_string().as_str()),
            Which::Account(account) => {
                data_of(note).iter().any(|data| data.windows(32).any(|bytes| bytes == account.0))
            }
            Which::Market(market) => data_of(note).iter().any(|data| self.is_of(data, market)),
        }
    }

    /// An event's first field is the market's seed, or its address.
    fn is_of(&self, data: &[u8], market: MarketAddress) -> bool {
        let Some(first) = data.get(8..).and_then(<[u8]>::first_chunk::<32>) else { return false };
        if *first == market.0 {
            return true;
        }
        let mut markets = self.markets.lock().unwrap_or_else(PoisonError::into_inner);
        *markets.entry(*first).or_insert_with(|| self.addresses.market(MarketSeed(*first)).0) == market
    }
}

/// What the programs of a transaction printed as data.
fn data_of(note: &mut Note) -> Vec<Vec<u8>> {
    let Some(lines) = note.result()["value"]["logs"].as_array() else { return Vec::new() };
    let data = lines.iter().filter_map(|line| line.as_str()?.strip_prefix("Program data: "));
    data.filter_map(|text| BASE64_STANDARD.decode(text).ok()).collect()
}

/// Never come.
pub struct Withheld {
    /// Which.
    pub which: Matcher,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for Withheld {
    fn notify(&self, _socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        if !(self.which.matches(&mut note) && self.dice.strikes()) {
            out.push(note);
        }
    }
}

/// The newest one is held until a newer one comes, so that whenever all is quiet the last one is missing.
pub struct LastWithheld {
    /// Which.
    pub which: Matcher,
    /// When.
    pub dice: Arc<Dice>,
    /// The newest of each socket.
    pub held: Mutex<HashMap<SocketId, Note>>,
}

impl Rule for LastWithheld {
    fn notify(&self, socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        if !self.which.matches(&mut note) {
            return out.push(note);
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        out.extend(held.remove(&socket));
        if self.dice.strikes() {
            held.insert(socket, note);
        } else {
            out.push(note);
        }
    }

    fn release(&self) -> Vec<(SocketId, Note)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}

/// Come twice, the second time right behind the first.
pub struct Repeated {
    /// Which.
    pub which: Matcher,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for Repeated {
    fn notify(&self, _socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        if self.which.matches(&mut note) && self.dice.strikes() {
            out.push(note.clone());
        }
        out.push(note);
    }
}

/// Come again behind a number of later ones.
pub struct RepeatedLater {
    /// Which.
    pub which: Matcher,
    /// When.
    pub dice: Arc<Dice>,
    /// How many come between.
    pub after: usize,
    /// The last ones of each socket, oldest first.
    pub past: Mutex<HashMap<SocketId, VecDeque<Note>>>,
}

impl Rule for RepeatedLater {
    fn notify(&self, socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        if !self.which.matches(&mut note) {
            return out.push(note);
        }
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let past = past.entry(socket).or_default();
        past.push_back(note.clone());
        out.push(note);
        if past.len() > self.after
            && let Some(old) = past.pop_front()
            && self.dice.strikes()
        {
            out.push(old);
        }
    }
}

/// Are gathered, and let go in another order.
pub struct Reordered {
    which: Matcher,
    dice: Arc<Dice>,
    hold: usize,
    state: Mutex<(StdRng, HashMap<SocketId, Vec<Note>>)>,
}

impl Reordered {
    /// So many at a time.
    pub fn new(which: Matcher, hold: usize, seed: u64, dice: Arc<Dice>) -> Self {
        Self { which, dice, hold: hold.max(2), state: Mutex::new((StdRng::seed_from_u64(seed), HashMap::new())) }
    }
}

impl Rule for Reordered {
    fn notify(&self, socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        if self.dice.is_lifted() || !self.which.matches(&mut note) {
            return out.push(note);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (random, held) = &mut *state;
        let gathered = held.entry(socket).or_default();
        gathered.push(note);
        if gathered.len() < self.hold {
            return;
        }
        let mut order: Vec<usize> = (0..self.hold).collect();
        // Each draw of a shuffle can give the order that there was.
        while order.is_sorted() {
            order.shuffle(random);
        }
        let notes = std::mem::take(gathered);
        for (place, from) in order.into_iter().enumerate() {
            if place != from {
                self.dice.hit();
            }
            out.push(notes[from].clone());
        }
    }

    fn release(&self) -> Vec<(SocketId, Note)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let held = state.1.drain();
        held.flat_map(|(socket, notes)| notes.into_iter().map(move |note| (socket, note))).collect()
    }
}
