//! Events that are made from instructions alone, against what the deployed program printed.

#![cfg(test)]

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::{
    chain::{anchor::drafts::drafts, model::LOG_TRUNCATED, program::ProgramAddresses},
    domain::{event::EventSubject, fee_timeline::FeeTimeline, market::Market},
};

/// The log of a validator that wrote no more than its first line.
fn cut(transaction: &RawTransaction) -> RawTransaction {
    let first = transaction.logs.iter().flatten().next().cloned();
    RawTransaction { logs: Some(first.into_iter().chain([LOG_TRUNCATED.to_owned()]).collect()), ..transaction.clone() }
}

#[test]
fn what_the_program_printed_follows_from_its_instructions_and_the_market_before() {
    let (mut markets, mut fees) = (HashMap::<MarketAddress, Market>::new(), FeeTimeline::default());
    let (mut made, mut strangers) = (BTreeMap::<&str, usize>::new(), 0);
    for line in RECORDED.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let (program, transaction) = recorded(&row);
        let Decoded::Events(events) = decode(program, &transaction) else { continue };
        assert!(matches!(decode(program, &cut(&transaction)), Decoded::Truncated { .. }));
        let drafted = drafts(program, &cut(&transaction)).unwrap_or_default();
        assert!(drafted.is_empty() || drafted.len() == events.len());
        for (n, event) in events.iter().enumerate() {
            fees.note(event.position.slot, &event.event);
            let schedule = fees.at(event.position.slot);
            let address = match event.event.subject() {
                EventSubject::Config => continue,
                EventSubject::Market(seed) => ProgramAddresses::new(program).market(seed).0,
                EventSubject::MarketAccount(market) => market,
            };
            let before = markets.get(&address);
            if let Some(draft) = drafted.get(n) {
                let completed = Market::complete(before, &draft.event.event, schedule);
                // The recording begins anew now and then: of some markets the beginning is not in it.
                match completed {
                    None => strangers += 1,
                    Some(completed) => {
                        let whole = ChainEvent { event: completed, ..draft.event.clone() };
                        assert_eq!((&whole, draft.market), (event, address), "{}", row["note"]);
                        *made.entry(event.event.name()).or_default() += 1;
                    }
                }
            }
            let after =
                Market::plan(before, address, event, schedule).and_then(|body| Market::advance(before.cloned(), &body));
            match after {
                Ok(after) => drop(markets.insert(address, after)),
                Err(_) => drop(markets.remove(&address)),
            }
        }
    }
    assert!(made.get("SharesBought").is_some_and(|count| *count >= 20), "{made:?}, {strangers} without a market");
    assert!(made.len() >= 7, "{made:?}, {strangers} without a market");
}

#[test]
fn nothing_is_made_of_what_failed_or_of_what_no_instruction_tells() {
    let buy = RECORDED.lines().map(|line| recorded(&serde_json::from_str(line).unwrap()));
    let (program, buy) =
        buy.into_iter().find(|(program, it)| drafts(*program, it).is_some_and(|d| !d.is_empty())).unwrap();
    assert_eq!(drafts(program, &RawTransaction { failed: true, ..buy.clone() }), None);
    assert_eq!(drafts(program, &RawTransaction { block_time: None, ..buy.clone() }), None);
    assert_eq!(drafts(program, &RawTransaction { invocations: None, ..buy.clone() }), None);
    let mut garbled = buy;
    garbled.invocations.iter_mut().flatten().for_each(|call| call.data.truncate(7));
    assert_eq!(drafts(program, &garbled), None);
}
