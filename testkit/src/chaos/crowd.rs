//! Thousands of clients, each on one market, who lose their server together and come back at once.
//!
//! Who is not back is told by what it is at and by why its last connection was over: "some are missing" is no finding.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tokio_postgres::Row;
use zmart::domain::ids::MarketAddress;

use crate::{
    postgres::Database,
    subscriber::{Doing, Habits, Notebook, Subscriber},
};

/// How long each of them waits before it comes back.
const BACK_AFTER: Duration = Duration::from_secs(2);
/// How long all of them may take.
const WITHIN: Duration = Duration::from_secs(300);
/// Those who are not are told of so often.
const TELL: Duration = Duration::from_secs(10);
/// Between two looks at them, who are not to wait for being looked at.
const LOOK: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub struct Crowd {
    clients: Vec<Subscriber>,
    /// How often each had connected when its server was gone.
    before: Vec<u32>,
}

impl Crowd {
    /// So many, each on one of these markets.
    pub fn start(many: usize, habits: Habits, url: &str, markets: &[MarketAddress]) -> Self {
        let habits = Habits { reconnect_after: BACK_AFTER, ..habits };
        let start =
            |number: usize| Subscriber::start_with(habits, vec![url.to_owned()], &[markets[number % markets.len()]]);
        Self { clients: (0..many).map(start).collect(), before: vec![0; many] }
    }

    /// Each of them.
    pub fn clients(&self) -> &[Subscriber] {
        &self.clients
    }

    /// Waits until each has a first state.
    ///
    /// # Panics
    /// After [`WITHIN`].
    pub async fn has_begun(&self) {
        self.are_all("there", |notebook, _| notebook.doing == Doing::Listening).await;
    }

    /// Their server is gone, and the next one has not begun: who connects from here on is back.
    pub fn has_lost_its_server(&mut self) {
        self.before = self.clients.iter().map(|one| one.look(|notebook| notebook.connections)).collect();
    }

    /// Waits until each was answered by the new server, and has heard all that is there now.
    ///
    /// # Panics
    /// After [`WITHIN`].
    pub async fn is_back(&self, database: &Database) {
        let rows = database.connect().await;
        let rows = rows.query("SELECT address::text, last_seq FROM markets", &[]).await.unwrap();
        let head = |row: &Row| {
            let market: MarketAddress = row.get::<_, String>(0).parse().expect("a market's address");
            (market, u64::try_from(row.get::<_, i64>(1)).unwrap_or_default())
        };
        let heads: BTreeMap<MarketAddress, u64> = rows.iter().map(head).collect();
        self.are_all("back", |notebook, before| is_back(notebook, before, &heads)).await;
    }

    async fn are_all(&self, what: &str, is: impl Fn(&Notebook, u32) -> bool) {
        let (began, mut told) = (Instant::now(), 1);
        loop {
            let all = self.clients.iter().zip(&self.before);
            let away: Vec<_> = all.filter(|(one, before)| !one.look(|notebook| is(notebook, **before))).collect();
            if away.is_empty() {
                return;
            }
            if began.elapsed() >= TELL * told {
                let clients = away.iter().map(|(one, _)| *one);
                let said = format!("{} are not {what} after {:?}: {}", away.len(), TELL * told, what_they_do(clients));
                assert!(began.elapsed() < WITHIN, "{said}");
                println!("{said}");
                told += 1;
            }
            sleep(LOOK).await;
        }
    }
}

/// It was answered on a connection after the first `before` ones, and has all up to these entries.
fn is_back(notebook: &Notebook, before: u32, heads: &BTreeMap<MarketAddress, u64>) -> bool {
    notebook.connections > before
        && notebook.doing == Doing::Listening
        && notebook.markets.iter().all(|(market, heard)| heard.last >= heads[market])
}

/// What these are at, and why their last connections were over: how many of each.
fn what_they_do<'a>(clients: impl Iterator<Item = &'a Subscriber>) -> String {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for one in clients {
        let said = one.look(|notebook| format!("{:?} after {:?}", notebook.doing, notebook.last_end));
        *counts.entry(said).or_default() += 1;
    }
    format!("{counts:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::Heard;

    #[test]
    fn who_is_connected_and_not_answered_or_is_behind_is_not_back() {
        const MARKET: MarketAddress = MarketAddress([9; 32]);
        let mut heard = Heard::default();
        heard.last = 7;
        let mut notebook = Notebook { connections: 2, doing: Doing::Listening, ..Notebook::default() };
        notebook.markets.insert(MARKET, heard);
        let at = |head| BTreeMap::from([(MARKET, head)]);
        assert!(is_back(&notebook, 1, &at(7)));
        assert!(!is_back(&notebook, 2, &at(7)), "it is the old connection");
        assert!(!is_back(&notebook, 1, &at(8)), "it is behind");
        notebook.doing = Doing::Asking;
        assert!(!is_back(&notebook, 1, &at(7)), "it was not answered");
    }
}
