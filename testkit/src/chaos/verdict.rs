//! What must hold afterwards, as pure functions of what was promised and of what is there.
//!
//! Nothing here asks a server: so each rule can be shown a doctored record, and has to find it guilty (the tests below).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::record::{Comment, Order, Record, Vote};
use crate::subscriber::Notebook;

/// Something that is not as it was promised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// It was acknowledged, or it is on the chain, and it is not there.
    Lost(String),
    /// It is there more than once.
    Doubled(String),
    /// It is there, and nobody did it.
    MadeUp(String),
    /// A subscriber has a hole, or something twice, or other than the journal has it.
    Hole(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(what) => write!(f, "lost: {what}"),
            Self::Doubled(what) => write!(f, "there more than once: {what}"),
            Self::MadeUp(what) => write!(f, "there, and nobody did it: {what}"),
            Self::Hole(what) => write!(f, "a subscriber: {what}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// A row of `submissions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// The transaction.
    pub signature: String,
    /// The client's name for it.
    pub client_ref: String,
    /// Where it stands.
    pub status: String,
    /// Nothing can change it any more.
    pub settled: bool,
}

/// What is there: rows, entries, and what the chain says itself. Markets are named by their address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Rows of votes, and their entries.
    pub votes: [Vec<Vote>; 2],
    /// Rows of comments, and their entries.
    pub comments: [Vec<Comment>; 2],
    /// Rows of users' transactions.
    pub orders: Vec<OrderRow>,
    /// By market, the transactions that landed, in the chain's order.
    pub landed: BTreeMap<String, Vec<String>>,
    /// By market, those of the journal's entries, in its order.
    pub recorded: BTreeMap<String, Vec<String>>,
    /// By market, the newest entry.
    pub heads: BTreeMap<String, u64>,
    /// By market, entries of trades: number and transaction.
    pub trades: BTreeMap<String, Vec<(u64, String)>>,
}

/// Each vote and comment that was acknowledged is there once, as a row and as an entry, and no other is; each order is a
/// row, says what the chain says, and landed once where it landed.
pub fn writes(record: &Record, found: &Found) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (place, votes) in ["row", "entry"].iter().zip(&found.votes) {
        breaches.extend(once(&format!("vote as {place}"), &record.votes, votes));
    }
    for (place, comments) in ["row", "entry"].iter().zip(&found.comments) {
        breaches.extend(once(&format!("comment as {place}"), &record.comments, comments));
    }
    breaches.extend(orders(&record.orders, found));
    breaches.extend(record.faults.iter().cloned().map(Breach::Other));
    breaches
}

/// Each of these once, and nothing else.
fn once<T: Ord + fmt::Debug>(what: &str, promised: &[T], there: &[T]) -> Vec<Breach> {
    let mut counts: BTreeMap<&T, [u32; 2]> = BTreeMap::new();
    promised.iter().for_each(|one| counts.entry(one).or_default()[0] += 1);
    there.iter().for_each(|one| counts.entry(one).or_default()[1] += 1);
    let judge = |(one, [promised, there]): (&T, [u32; 2])| {
        let text = format!("{what}: {one:?}");
        match (promised, there) {
            (0, _) => Some(Breach::MadeUp(text)),
            (_, 0) => Some(Breach::Lost(text)),
            (1, 1) => None,
            _ => Some(Breach::Doubled(text)),
        }
    };
    counts.into_iter().filter_map(judge).collect()
}

fn orders(acknowledged: &[Order], found: &Found) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let rows: Vec<(&str, &str)> =
        found.orders.iter().map(|row| (row.signature.as_str(), row.client_ref.as_str())).collect();
    let promised: Vec<(&str, &str)> =
        acknowledged.iter().map(|order| (order.signature.as_str(), order.client_ref.as_str())).collect();
    breaches.extend(once("transaction as row", &promised, &rows));
    let mut landed: BTreeMap<&str, u32> = BTreeMap::new();
    found.landed.values().flatten().for_each(|signature| *landed.entry(signature).or_default() += 1);
    let mut of_intent: BTreeMap<&str, u32> = BTreeMap::new();
    for row in &found.orders {
        let times = landed.get(row.signature.as_str()).copied().unwrap_or_default();
        *of_intent.entry(&row.client_ref).or_default() += times;
        let says_landed = matches!(row.status.as_str(), "confirmed" | "finalized");
        match (times, says_landed, row.settled) {
            (_, _, false) => breaches.push(Breach::Other(format!("a transaction that is not settled: {row:?}"))),
            (0, true, _) => breaches.push(Breach::Lost(format!("it is said to have landed, and has not: {row:?}"))),
            (1.., false, _) => breaches.push(Breach::Other(format!("it landed, and is said not to have: {row:?}"))),
            (2.., ..) => breaches.push(Breach::Doubled(format!("it landed {times} times: {row:?}"))),
            _ => {}
        }
    }
    let wanted: BTreeSet<&str> = acknowledged.iter().map(|order| order.client_ref.as_str()).collect();
    for intent in wanted {
        match of_intent.get(intent).copied().unwrap_or_default() {
            1 => {}
            0 => breaches.push(Breach::Lost(format!("no transaction of {intent} landed"))),
            times => breaches.push(Breach::Doubled(format!("{times} transactions of {intent} landed"))),
        }
    }
    breaches
}

/// The journal has each transaction of the chain once, in the chain's order.
pub fn chain(found: &Found) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let markets: BTreeSet<&String> = found.landed.keys().chain(found.recorded.keys()).collect();
    let none = Vec::new();
    for market in markets {
        let [landed, recorded] =
            [&found.landed, &found.recorded].map(|lists| lists.get(market.as_str()).unwrap_or(&none));
        let found = once(&format!("transaction of {market}"), landed, recorded);
        if found.is_empty() && landed != recorded {
            let at = landed.iter().zip(recorded).position(|(landed, recorded)| landed != recorded);
            breaches.push(Breach::Other(format!("transactions of {market} are in another order from {at:?} on")));
        }
        breaches.extend(found);
    }
    breaches
}

/// A subscriber has heard every entry up to the newest, and each trade as the journal has it.
pub fn subscriber(name: &str, notebook: &Notebook, found: &Found) -> Vec<Breach> {
    let mut breaches: Vec<Breach> =
        notebook.faults.iter().map(|fault| Breach::Hole(format!("{name}: {fault}"))).collect();
    if notebook.markets.is_empty() {
        breaches.push(Breach::Hole(format!("{name} has heard nothing")));
    }
    for (market, heard) in &notebook.markets {
        let key = market.to_string();
        let head = found.heads.get(&key).copied().unwrap_or_default();
        if heard.last != head {
            breaches.push(Breach::Hole(format!("{name} is at {} of {market}, which is at {head}", heard.last)));
        }
        let trades = found.trades.get(&key).into_iter().flatten().filter(|(seq, _)| *seq > heard.first);
        if !trades.eq(&heard.trades) {
            breaches.push(Breach::Hole(format!("{name} has heard other trades of {market} than the journal has")));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use zmart::domain::ids::MarketAddress;

    use super::*;
    use crate::subscriber::Heard;

    const MARKET: MarketAddress = MarketAddress([7; 32]);

    fn vote(wallet: &str) -> Vote {
        Vote { market: MARKET.to_string(), wallet: wallet.to_owned(), vote: true }
    }

    fn comment(id: &str) -> Comment {
        Comment { id: id.to_owned(), market: MARKET.to_string(), wallet: "w".to_owned(), content: format!("I am {id}") }
    }

    fn order(signature: &str, client_ref: &str) -> Order {
        Order { signature: signature.to_owned(), client_ref: client_ref.to_owned() }
    }

    fn row(signature: &str, client_ref: &str, status: &str) -> OrderRow {
        let (signature, client_ref) = (signature.to_owned(), client_ref.to_owned());
        OrderRow { signature, client_ref, status: status.to_owned(), settled: true }
    }

    /// Two votes, two comments, an intent that landed, and one whose first transaction expired.
    fn right() -> (Record, Found) {
        let record = Record {
            votes: vec![vote("a"), vote("b")],
            comments: vec![comment("1"), comment("2")],
            orders: vec![order("s1", "i1"), order("s2", "i2"), order("s3", "i2")],
            ..Record::default()
        };
        let landed: Vec<String> = ["s0", "s1", "s3"].map(str::to_owned).into();
        let found = Found {
            votes: [record.votes.clone(), record.votes.clone()],
            comments: [record.comments.clone(), record.comments.clone()],
            orders: vec![row("s1", "i1", "finalized"), row("s2", "i2", "expired"), row("s3", "i2", "finalized")],
            recorded: BTreeMap::from([(MARKET.to_string(), landed.clone())]),
            landed: BTreeMap::from([(MARKET.to_string(), landed)]),
            heads: BTreeMap::from([(MARKET.to_string(), 9)]),
            trades: BTreeMap::from([(MARKET.to_string(), vec![(4, "s0".into()), (7, "s1".into()), (9, "s3".into())])]),
        };
        (record, found)
    }

    fn listener() -> Notebook {
        let trades = vec![(7, "s1".to_owned()), (9, "s3".to_owned())];
        let mut heard = Heard::default();
        (heard.epoch, heard.first, heard.last, heard.trades) = (1, 5, 9, trades);
        Notebook { markets: BTreeMap::from([(MARKET, heard)]), ..Notebook::default() }
    }

    fn all(record: &Record, found: &Found, notebook: &Notebook) -> Vec<Breach> {
        [writes(record, found), chain(found), subscriber("one", notebook, found)].concat()
    }

    /// What is found if the record is doctored so.
    fn guilty(doctor: impl FnOnce(&mut Record, &mut Found, &mut Notebook)) -> Vec<Breach> {
        let ((mut record, mut found), mut notebook) = (right(), listener());
        doctor(&mut record, &mut found, &mut notebook);
        all(&record, &found, &notebook)
    }

    #[test]
    fn what_is_as_it_was_promised_is_no_breach() {
        let (record, found) = right();
        assert_eq!(all(&record, &found, &listener()), []);
    }

    #[test]
    fn a_vote_or_a_comment_that_is_lost_doubled_or_made_up_is_found_in_rows_and_in_entries() {
        for place in [0, 1] {
            let lost = guilty(|_, found, _| drop(found.votes[place].remove(1)));
            assert!(matches!(&lost[..], [Breach::Lost(_)]), "{lost:?}");
            let doubled = guilty(|_, found, _| found.votes[place].push(vote("a")));
            assert!(matches!(&doubled[..], [Breach::Doubled(_)]), "{doubled:?}");
            let made_up = guilty(|_, found, _| found.votes[place].push(vote("c")));
            assert!(matches!(&made_up[..], [Breach::MadeUp(_)]), "{made_up:?}");
            let turned = guilty(|_, found, _| found.votes[place][0].vote = false);
            assert!(matches!(&turned[..], [Breach::MadeUp(_), Breach::Lost(_)]), "{turned:?}");

            let lost = guilty(|_, found, _| drop(found.comments[place].remove(0)));
            assert!(matches!(&lost[..], [Breach::Lost(_)]), "{lost:?}");
            let doubled = guilty(|_, found, _| found.comments[place].push(comment("2")));
            assert!(matches!(&doubled[..], [Breach::Doubled(_)]), "{doubled:?}");
            let changed = guilty(|_, found, _| found.comments[place][1].content.push('!'));
            assert!(matches!(&changed[..], [Breach::Lost(_), Breach::MadeUp(_)]), "{changed:?}");
        }
    }

    #[test]
    fn a_transaction_that_is_lost_doubled_or_told_wrongly_is_found() {
        let kinds = |breaches: &[Breach]| -> Vec<&str> {
            let kind = |breach: &Breach| match breach {
                Breach::Lost(_) => "lost",
                Breach::Doubled(_) => "doubled",
                Breach::MadeUp(_) => "made up",
                Breach::Hole(_) => "hole",
                Breach::Other(_) => "other",
            };
            breaches.iter().map(kind).collect()
        };
        let no_row = guilty(|_, found, _| drop(found.orders.remove(1)));
        assert_eq!(kinds(&no_row), ["lost"], "{no_row:?}");
        let unknown = guilty(|_, found, _| found.orders.push(row("s9", "i9", "expired")));
        assert_eq!(kinds(&unknown), ["made up"], "{unknown:?}");
        let expired = guilty(|_, found, _| found.orders[0].status = "expired".to_owned());
        assert_eq!(kinds(&expired), ["other"], "it landed, and is said not to have: {expired:?}");
        let said = guilty(|_, found, _| found.orders[1].status = "confirmed".to_owned());
        assert_eq!(kinds(&said), ["lost"], "{said:?}");
        let open = guilty(|_, found, _| found.orders[2].settled = false);
        assert_eq!(kinds(&open), ["other"], "{open:?}");
        let never = guilty(|record, found, _| {
            record.orders.push(order("s4", "i4"));
            found.orders.push(row("s4", "i4", "expired"));
        });
        assert_eq!(kinds(&never), ["lost"], "{never:?}");
        let both = guilty(|_, found, notebook| {
            for list in [&mut found.landed, &mut found.recorded] {
                list.get_mut(&MARKET.to_string()).unwrap().push("s2".to_owned());
            }
            found.orders[1].status = "finalized".to_owned();
            found.trades.get_mut(&MARKET.to_string()).unwrap().push((10, "s2".to_owned()));
            found.heads.insert(MARKET.to_string(), 10);
            let heard = notebook.markets.get_mut(&MARKET).unwrap();
            heard.last = 10;
            heard.trades.push((10, "s2".to_owned()));
        });
        assert_eq!(kinds(&both), ["doubled"], "two of one intent: {both:?}");
        let fault = guilty(|record, _, _| record.faults.push("refused".to_owned()));
        assert_eq!(kinds(&fault), ["other"]);
    }

    #[test]
    fn a_journal_that_is_not_the_chain_is_found() {
        let journal = |doctor: fn(&mut Vec<String>)| {
            guilty(|_, found, _| doctor(found.recorded.get_mut(&MARKET.to_string()).unwrap()))
        };
        let lost = journal(|recorded| drop(recorded.remove(0)));
        assert!(matches!(&lost[..], [Breach::Lost(_)]), "{lost:?}");
        let doubled = journal(|recorded| recorded.push("s0".to_owned()));
        assert!(matches!(&doubled[..], [Breach::Doubled(_)]), "{doubled:?}");
        let made_up = journal(|recorded| recorded.push("s8".to_owned()));
        assert!(matches!(&made_up[..], [Breach::MadeUp(_)]), "{made_up:?}");
        let order = journal(|recorded| recorded.swap(0, 1));
        assert!(matches!(&order[..], [Breach::Other(_)]), "{order:?}");
        let all = guilty(|_, found, _| found.recorded.clear());
        assert_eq!(all.len(), 3, "{all:?}");
    }

    #[test]
    fn a_subscriber_with_a_hole_is_found() {
        let heard =
            |doctor: fn(&mut Heard)| guilty(|_, _, notebook| doctor(notebook.markets.get_mut(&MARKET).unwrap()));
        for breaches in [
            heard(|heard| heard.last = 8),
            heard(|heard| drop(heard.trades.pop())),
            heard(|heard| heard.trades.push((9, "s3".to_owned()))),
            heard(|heard| heard.trades.swap(0, 1)),
            guilty(|_, _, notebook| notebook.faults.push("seq 7 after 5".to_owned())),
            guilty(|_, _, notebook| notebook.markets.clear()),
        ] {
            assert!(matches!(&breaches[..], [Breach::Hole(_)]), "{breaches:?}");
        }
    }
}
