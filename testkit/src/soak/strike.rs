//! How each blow is dealt, and what is to be done when its time is over.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use zmart::domain::ids::TxSignature;

use super::{
    plan::{Blow, Step},
    world::World,
};
use crate::{
    helius,
    proxy::{Bad, Cut, Delay, Fault, Methods, PageFault, Place, Side, When, Which},
    subscriber::Subscriber,
};

/// Transactions that one delivery of a blow has.
const DELIVERED_AT_ONCE: usize = 8;

/// Calls that tell what is known of the chain's history.
const READS: Methods = Methods::Of(&["getSignaturesForAddress", "getTransaction", "getMultipleAccounts", "getSlot"]);

/// What is to be done when a blow is over.
#[derive(Debug)]
pub enum Over {
    /// Nothing.
    Nothing,
    /// The engine is started.
    Start,
    /// PostgreSQL is started.
    DatabaseUp,
    /// PostgreSQL goes on.
    DatabaseThaws,
    /// PostgreSQL is started anew, to write again.
    DatabaseWrites,
    /// A trigger goes.
    TriggerGoes,
    /// Nothing more is lost on the way to PostgreSQL.
    NetworkIsWell,
    /// What happens is delivered again.
    Deliveries,
    /// Faults of the proxy are lifted; how often they struck is counted then.
    Lift(Vec<Fault>),
}

/// How it went.
#[derive(Debug)]
pub enum Dealt {
    /// It was dealt so often (0: that is known when it is over).
    Struck(u64, Over),
    /// It could not be: why.
    LeftOut(&'static str),
}

impl World {
    /// Deals a blow.
    pub async fn strike(&mut self, step: &Step) -> Dealt {
        let Step { blow, lasts, seed, .. } = *step;
        match blow {
            Blow::Kill | Blow::Stop if !self.engine.is_running() => Dealt::LeftOut("the engine is not running"),
            Blow::Kill => {
                self.engine.kill();
                Dealt::Struck(1, Over::Start)
            }
            Blow::Stop => {
                self.engine.stop().await;
                Dealt::Struck(1, Over::Start)
            }
            Blow::Crash(_) | Blow::CrashMarket(_) | Blow::Hang(_) if !self.engine.is_listening() => {
                Dealt::LeftOut("the engine is not up")
            }
            Blow::Crash(actor) => self.crash(actor).await,
            Blow::CrashMarket(number) => self.crash(&self.market(number)).await,
            Blow::Hang(thread) => {
                self.engine.hang(thread, lasts).await;
                Dealt::Struck(1, Over::Nothing)
            }
            Blow::ClientJoins => {
                self.joined.push(Subscriber::start(&self.engine.ws, &self.load.markets));
                Dealt::Struck(1, Over::Nothing)
            }
            Blow::DeliveriesForged => self.forge(seed).await,
            Blow::DeliveredAgain => self.deliver_again(seed).await,
            Blow::DeliveriesStop => {
                self.following = None;
                Dealt::Struck(1, Over::Deliveries)
            }
            _ => match self.strike_database(blow).await {
                Some(dealt) => dealt,
                None => Dealt::Struck(0, Over::Lift(self.set_on_the_wire(blow, seed).await)),
            },
        }
    }

    /// A few trades that landed, from anywhere in the past.
    fn landed(&self, random: &mut StdRng) -> Vec<TxSignature> {
        let sent: Vec<_> = self.load.sent().into_values().flatten().collect();
        sent.choose_multiple(random, DELIVERED_AT_ONCE).copied().collect()
    }

    /// Genuine signatures with logs of somebody else's making, and signatures that nobody made.
    async fn forge(&self, seed: u64) -> Dealt {
        let mut random = StdRng::seed_from_u64(seed);
        let mut items = Vec::new();
        for signature in self.landed(&mut random) {
            let mut landed = helius::landed(&self.client.rpc_url, signature).await;
            landed["slot"] = json!(random.random::<u32>());
            if let Some(logs) = landed["meta"]["logMessages"].as_array_mut() {
                logs.reverse();
            }
            items.push(helius::raw(&landed));
            let mut nobody = [0; 64];
            random.fill(&mut nobody);
            items.push(helius::claim(TxSignature(nobody), random.random::<u32>().into()));
        }
        self.deliver(items).await
    }

    async fn deliver_again(&self, seed: u64) -> Dealt {
        let mut items = Vec::new();
        for signature in self.landed(&mut StdRng::seed_from_u64(seed)) {
            let landed = helius::landed(&self.client.rpc_url, signature).await;
            items.extend([helius::raw(&landed), helius::enhanced(&landed)]);
        }
        self.deliver(items).await
    }

    async fn deliver(&self, items: Vec<Value>) -> Dealt {
        let count = items.len() as u64;
        // Whoever sends is not answered while the engine is away.
        match self.sender.try_deliver(&helius::body(&items)).await {
            Ok(answer) if answer.status == 200 => Dealt::Struck(count, Over::Nothing),
            _ => Dealt::LeftOut("the delivery was not taken"),
        }
    }

    async fn crash(&mut self, actor: &str) -> Dealt {
        self.engine.crash(actor).await;
        Dealt::Struck(1, Over::Nothing)
    }

    fn market(&self, number: usize) -> String {
        self.load.markets[number % self.load.markets.len()].to_string()
    }

    async fn strike_database(&mut self, blow: Blow) -> Option<Dealt> {
        let (struck, over) = match blow {
            Blow::DatabaseKilled => {
                self.cluster.kill();
                (1, Over::DatabaseUp)
            }
            Blow::DatabaseRestarted => {
                self.cluster.stop();
                (1, Over::DatabaseUp)
            }
            Blow::DatabaseFrozen => {
                self.cluster.freeze();
                (1, Over::DatabaseThaws)
            }
            Blow::DatabaseReadsOnly => {
                self.cluster.restart_with(&["default_transaction_read_only=on"]).await;
                (1, Over::DatabaseWrites)
            }
            Blow::DatabaseFull => {
                self.refuse("53100", "").await;
                (1, Over::TriggerGoes)
            }
            Blow::MarketRefused(number) => {
                let market = self.market(number);
                self.refuse("23514", &format!("WHEN (NEW.stream = '{market}')")).await;
                (1, Over::TriggerGoes)
            }
            Blow::DatabaseCut => {
                self.network.cut();
                (1, Over::Nothing)
            }
            Blow::AnswersOfCommitLost(count) => {
                self.network.lose_answers(count);
                (count as u64, Over::NetworkIsWell)
            }
            Blow::CommitsLost(count) => {
                self.network.lose_commits(count);
                (count as u64, Over::NetworkIsWell)
            }
            Blow::MarketReadSlowly(number) => {
                self.network.hold(&self.market(number));
                (1, Over::NetworkIsWell)
            }
            _ => return None,
        };
        Some(Dealt::Struck(struck, over))
    }

    /// Every row of the journal, or those that are meant, is refused with that SQLSTATE.
    async fn refuse(&self, state: &str, when: &str) {
        let trigger = format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN RAISE EXCEPTION 'refused by the soak' USING ERRCODE = '{state}'; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON journal FOR EACH ROW {when} EXECUTE FUNCTION refuse()"
        );
        self.database.connect().await.batch_execute(&trigger).await.unwrap();
    }

    async fn set_on_the_wire(&self, blow: Blow, seed: u64) -> Vec<Fault> {
        let hand = &self.hand;
        let one_in = |n| When::OneIn { n, seed };
        let up_to = |millis| Delay::UpTo(Duration::from_millis(millis), seed);
        let second = &self.second_hand;
        let fault = match blow {
            Blow::Late => hand.delay_notifications(Which::All, up_to(900), one_in(4)),
            Blow::Withheld => hand.withhold(Which::Logs, one_in(3)),
            Blow::AllWithheld => hand.withhold(Which::Logs, When::Always),
            Blow::LastWithheld => hand.withhold_last(Which::Logs),
            Blow::Repeated => hand.repeat(Which::All, When::Always),
            Blow::RepeatedLater => hand.repeat_later(Which::Logs, 7, one_in(2)),
            Blow::Reordered => hand.reorder(Which::Logs, 6, seed),
            Blow::LogsCut => hand.cut_logs(Place::Notifications, Cut::Marked, one_in(2)),
            Blow::NotificationsCut => hand.cut_notifications(Which::Logs, one_in(20)),
            Blow::Errors(code) => hand.answer_badly(Methods::All, Bad::Error(code), one_in(3)),
            Blow::Status(code) => hand.answer_badly(Methods::All, Bad::Status(code), one_in(3)),
            Blow::TooMany => hand.answer_badly(Methods::All, Bad::TooMany(Some(1)), When::Next(3)),
            Blow::Garbage => hand.answer_badly(READS, Bad::Garbage, one_in(4)),
            Blow::Half => hand.answer_badly(READS, Bad::Half, one_in(4)),
            Blow::Null => hand.answer_badly(Methods::Of(&["getTransaction"]), Bad::Null, one_in(4)),
            Blow::AnswersCut => hand.cut_answers(Methods::All, one_in(3)),
            Blow::HungUp => hand.hang_up(Methods::All, one_in(3)),
            Blow::AnswersLate => hand.delay_answers(Methods::All, up_to(500), When::Always),
            Blow::OlderSlot => hand.older_slot(200, When::Always),
            Blow::StaleAccounts => hand.stale_accounts(When::Always).await,
            Blow::Behind => hand.rpc_behind(25, false, When::Always),
            Blow::BehindButHead => hand.rpc_behind(25, true, When::Always),
            Blow::ShortPages => hand.bad_pages(PageFault::Short(3), When::Always),
            Blow::OverlappingPages => hand.bad_pages(PageFault::Overlap(2), When::Always),
            Blow::ForgottenPages => hand.bad_pages(PageFault::ForgottenBefore, one_in(3)),
            Blow::SlotsReversed => hand.bad_pages(PageFault::SlotsReversed, When::Always),
            Blow::TransactionsCut => hand.cut_logs(Place::Transactions, Cut::Marked, one_in(3)),
            Blow::FirstCutOff => return hand.cut_off().0.into(),
            Blow::SecondCutOff => return second.cut_off().0.into(),
            Blow::SecondBehind => second.rpc_behind(60, false, When::Always),
            Blow::SecondShort => second.history_begins(self.client.slot().await),
            Blow::SecondUnwell => second.answer_badly(Methods::All, Bad::Status(502), one_in(2)),
            Blow::DroppedWs => return self.drop_connections(Side::Ws),
            Blow::DroppedHttp => return self.drop_connections(Side::Http),
            Blow::RefusedWs => hand.refuse_connections(Side::Ws),
            Blow::RefusedHttp => hand.refuse_connections(Side::Http),
            Blow::SilentWs => hand.silence(Side::Ws),
            Blow::SilentHttp => hand.silence(Side::Http),
            other => panic!("{} is not dealt here", other.name()),
        };
        vec![fault]
    }

    fn drop_connections(&self, side: Side) -> Vec<Fault> {
        self.hand.drop_connections(side);
        Vec::new()
    }

    /// Ends a blow; how often it turned out to have struck, where only now that is known.
    pub async fn end(&mut self, over: Over) -> u64 {
        match over {
            Over::Nothing => {}
            Over::Deliveries => self.follow(),
            Over::Start => self.engine.launch(),
            Over::DatabaseUp => self.cluster.up().await,
            Over::DatabaseThaws => self.cluster.thaw(),
            Over::DatabaseWrites => self.cluster.restart_with(&[]).await,
            Over::TriggerGoes => {
                self.database.connect().await.batch_execute("DROP TRIGGER refuse ON journal").await.unwrap();
            }
            Over::NetworkIsWell => {
                self.network.lose_answers(0);
                self.network.lose_commits(0);
                self.network.release();
            }
            Over::Lift(faults) => {
                faults.iter().for_each(Fault::lift);
                // Connections that were dropped were counted by nobody.
                return if faults.is_empty() { 1 } else { faults.iter().map(Fault::struck).sum() };
            }
        }
        0
    }
}
