//! What the feeder tells, folded by the engine's domain, is what its accounts hold.

use std::collections::HashMap;

use zmart::{
    chain::{
        anchor::{
            accounts::{AccountKind, decode_account},
            decode::{Decoded, decode},
        },
        program::ProgramAddresses,
    },
    domain::{
        account::UserPositionAccount,
        config::ProgramConfig,
        entry::EntryBody,
        event::{EventSubject, ProgramEvent},
        ids::{AccountAddress, MarketAddress, TxSignature, Wallet},
        market::Market,
        position::{Position, PositionDelta},
    },
};
use zmart_testkit::feeder::Feeder;

use super::{client, small, still};

/// All that the engine would make of it.
#[derive(Default)]
pub struct Folded {
    pub config: Option<ProgramConfig>,
    pub markets: HashMap<MarketAddress, Market>,
    pub positions: HashMap<(MarketAddress, Wallet), Position>,
    pub trades: usize,
    pub sales: usize,
}

/// All signatures, oldest first, in pages.
pub async fn signatures(feeder: &Feeder, page: usize) -> Vec<TxSignature> {
    let rpc = client(feeder);
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let listed = rpc.signatures_before(AccountAddress(feeder.program().0), before, page).await.unwrap();
        let Some(oldest) = listed.oldest else { break };
        all.extend(listed.found.into_iter().map(|found| found.signature));
        before = Some(oldest);
    }
    all.reverse();
    all
}

/// Reads every transaction and folds its events; each has to fit.
pub async fn fold(feeder: &Feeder) -> Folded {
    let (rpc, program) = (client(feeder), feeder.program());
    let addresses = ProgramAddresses::new(program);
    let mut folded = Folded::default();
    for signature in signatures(feeder, 1_000).await {
        let transaction = rpc.transaction(signature).await.unwrap().expect("what is listed is there");
        let Decoded::Events(events) = decode(program, &transaction) else { panic!("{signature} is not decoded") };
        assert!(!events.is_empty());
        for event in events {
            let body = match event.event.subject() {
                EventSubject::Config => {
                    let body = ProgramConfig::plan(folded.config.as_ref(), &event).unwrap();
                    folded.config = Some(ProgramConfig::advance(folded.config.take(), &body).unwrap());
                    continue;
                }
                EventSubject::Market(seed) => {
                    let address = addresses.market(seed).0;
                    let schedule = folded.config.as_ref().unwrap().fees;
                    let current = folded.markets.remove(&address);
                    let body = Market::plan(current.as_ref(), address, &event, schedule)
                        .unwrap_or_else(|misfit| panic!("{} of {signature}: {misfit}", event.event.name()));
                    folded.markets.insert(address, Market::advance(current, &body).unwrap());
                    if let Some((wallet, delta)) = PositionDelta::of(&body) {
                        let empty = || Position::empty(address, wallet);
                        folded.positions.entry((address, wallet)).or_insert_with(empty).apply(&delta).unwrap();
                    }
                    body
                }
                EventSubject::MarketAccount(_) => panic!("no such event is generated"),
            };
            folded.trades += usize::from(matches!(body, EntryBody::Trade { .. }));
            folded.sales += usize::from(matches!(event.event, ProgramEvent::SharesSold(_)));
        }
    }
    folded
}

/// Holds the fold against the accounts.
pub async fn agrees(feeder: &Feeder, folded: &Folded) {
    let rpc = client(feeder);
    let config = rpc.config_account().await.unwrap().unwrap();
    assert_eq!(folded.config.as_ref().unwrap().differences(&config.account), []);
    let markets = rpc.program_accounts(AccountKind::Market, None).await.unwrap();
    assert_eq!(markets.len(), folded.markets.len());
    for (address, market) in &folded.markets {
        let told = rpc.market_account(*address).await.unwrap().unwrap();
        assert_eq!(market.differences(&told.account), [], "{address}");
        assert_eq!(market.lamports, told.lamports, "{address}");
    }
    let positions = rpc.program_accounts(AccountKind::UserPosition, None).await.unwrap();
    assert_eq!(positions.len(), folded.positions.len());
    for (address, raw) in positions {
        let told: UserPositionAccount = decode_account(&raw.data).unwrap();
        let position = &folded.positions[&(told.market, told.user)];
        assert_eq!(position.differences(&told), []);
        let derived = ProgramAddresses::new(feeder.program()).position(told.market, told.user);
        assert_eq!((address, told.bump), derived);
        let alone = rpc.account::<UserPositionAccount>(address).await.unwrap().unwrap();
        assert_eq!(alone.account, told);
    }
}

#[tokio::test]
async fn the_events_fit_and_lead_to_the_accounts_at_every_point() {
    let feeder = Feeder::start(still(small(3, 1_200))).await;
    feeder.emit(1);
    agrees(&feeder, &fold(&feeder).await).await;
    // In the middle of making the markets, then of trading.
    for more in [6, 200, 1_009] {
        assert_eq!(feeder.emit(more), more);
        agrees(&feeder, &fold(&feeder).await).await;
    }
    let folded = fold(&feeder).await;
    assert_eq!((folded.trades, feeder.left()), (1_200, 0));
    assert!(folded.sales > 100, "{} sales", folded.sales);
    assert_eq!(feeder.emit(1), 0, "that was all");
}

#[tokio::test]
async fn accounts_of_one_market_are_told_alone() {
    let feeder = Feeder::start(still(small(4, 300))).await;
    feeder.emit(316);
    let folded = fold(&feeder).await;
    let market = *folded.markets.keys().next().unwrap();
    let rpc = client(&feeder);
    let told = rpc.program_accounts(AccountKind::UserPosition, Some(market)).await.unwrap();
    let held = folded.positions.keys().filter(|(of, _)| *of == market).count();
    assert_eq!(told.len(), held);
    assert!(held > 0 && held < folded.positions.len());
    assert_eq!(rpc.program_accounts(AccountKind::VoteRecord, None).await.unwrap(), []);
}
