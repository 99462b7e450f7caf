//! What the entries make, beside what is stored of a market.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{
        ids::{Seq, Wallet},
        market::Market,
        replay::{Broken, Replay},
        tally::{Counts, VoteKind},
    },
    journal::replay::StoredMarket,
};

/// A value that is not what the entries make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// Where: the row, a position, what the engine shows.
    pub(super) place: String,
    /// Which value.
    pub(super) field: String,
    /// What the entries make of it.
    pub(super) entries: String,
    /// What stands there.
    pub(super) stored: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, field, entries, stored } = self;
        write!(f, "{place}: {field} is {stored}, and {entries} by the entries")
    }
}

impl Difference {
    /// It shows an older entry.
    pub(super) fn behind(place: &str, entries: Seq, stored: Seq) -> Self {
        one(place, "seq", &entries.0.into(), &stored.0.into())
    }

    /// The entries contradict each other.
    pub(super) fn entries(broken: Broken) -> Self {
        let (epoch, seq) = broken.place;
        let stored = "what it is".to_owned();
        let place = format!("entry {seq} of epoch {}", epoch.0);
        Self { place, field: "what it says".to_owned(), entries: format!("impossible ({})", broken.misfit), stored }
    }
}

/// Fields in which two values differ, as JSON has them.
pub(super) fn fields(place: &str, entries: &Value, stored: &Value) -> Vec<Difference> {
    let (Value::Object(ours), Value::Object(theirs)) = (entries, stored) else {
        let same = entries == stored;
        return (!same).then(|| one(place, "it", entries, stored)).into_iter().collect();
    };
    let differing = ours.iter().filter(|(field, value)| theirs.get(*field).unwrap_or(&Value::Null) != *value);
    differing.map(|(field, value)| one(place, field, value, theirs.get(field).unwrap_or(&Value::Null))).collect()
}

fn one(place: &str, field: &str, entries: &Value, stored: &Value) -> Difference {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Difference { place: place.to_owned(), field: field.to_owned(), entries: text(entries), stored: text(stored) }
}

/// A roll-back says what its market is without what it takes back: that is what the others make.
pub(super) fn rollbacks(replayed: &Replay<Market>) -> Vec<Difference> {
    if replayed.rollbacks_agree(|market| !market.vanished) {
        return Vec::new();
    }
    let place = "roll-backs".to_owned();
    let (entries, stored) = ("what the standing ones make".to_owned(), "something else".to_owned());
    vec![Difference { place, field: "the market after them".to_owned(), entries, stored }]
}

/// The row, its finalized state, tallies, positions.
pub(super) fn stored(stored: &StoredMarket, replayed: &Replay<Market>) -> anyhow::Result<Vec<Difference>> {
    let json = |market: Option<&Market>| serde_json::to_value(market);
    let mut found = fields("row", &json(replayed.head())?, &json(Some(&stored.market()?))?);
    found.extend(fields("finalized state", &json(replayed.finalized())?, &json(stored.row.finalized_state.as_ref())?));
    let document = serde_json::to_value(replayed.document())?;
    found.extend(fields("document", &document, &serde_json::to_value(stored.row.metadata.as_ref())?));
    for kind in VoteKind::ALL {
        let is = stored.tallies.iter().find(|(of, _)| *of == kind).map(|(_, counts)| *counts).unwrap_or_default();
        found.extend(tally(kind, "as stored", replayed.counted(kind), is));
        found.extend(tally(kind, "as the newest entry says", replayed.counted(kind), replayed.told().of(kind)));
    }
    let mut theirs: BTreeMap<Wallet, _> = stored.positions.iter().map(|position| (position.user, position)).collect();
    for (ours, _) in replayed.positions(stored.row.address) {
        let is = serde_json::to_value(theirs.remove(&ours.user))?;
        found.extend(fields(&format!("position of {}", ours.user), &serde_json::to_value(&ours)?, &is));
    }
    for (wallet, position) in theirs {
        let is = serde_json::to_value(position)?;
        found.extend(fields(&format!("position of {wallet}"), &Value::Null, &is));
    }
    Ok(found)
}

fn tally(kind: VoteKind, place: &str, ours: Counts, theirs: Counts) -> Option<Difference> {
    let text = |counts: Counts| format!("{} to {}", counts.in_favour(), counts.against());
    let field = format!("{} votes", kind.as_str());
    let place = format!("tally {place}");
    (ours != theirs).then(|| Difference { place, field, entries: text(ours), stored: text(theirs) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_that_differs_is_named_with_both_values_and_no_other() {
        let found = fields("row", &json!({"a": 1, "b": "x", "c": null}), &json!({"a": 2, "b": "x", "d": 7}));
        assert_eq!(found, [one("row", "a", &json!(1), &json!(2))]);
        assert_eq!(found[0].to_string(), "row: a is 2, and 1 by the entries");
        assert_eq!(fields("position", &Value::Null, &json!({"a": 2})).len(), 1, "one that no entry made");
        assert_eq!(fields("position", &Value::Null, &Value::Null), []);
    }
}
