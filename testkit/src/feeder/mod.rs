//! A node without a runtime: it speaks the wire of a real one and tells recorded or generated transactions, as many and
//! as fast as is asked. For loads that a development chain can't execute.
//!
//! Owns a chain of what has landed, its accounts at this moment, and the sockets. It is driven ([`Feeder::emit`],
//! [`Feeder::run`], [`Feeder::fork`]) and executes nothing that it is sent. A million transactions take some 100 MB: their
//! signatures and texts are made when they are asked for. `testkit/README.md` says what it can't imitate.

mod chain;
pub mod generated;
pub mod numbers;
mod recorded;
mod rpc;
mod serve;
mod story;
mod wire;

use std::{
    fmt::Write,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use zmart::domain::ids::{AccountAddress, ProgramId, TxSignature};

pub use self::{
    chain::Fork,
    generated::{Generated, GeneratedStory},
    recorded::RecordedStory,
    story::{Account, Number, Story},
};
use self::{
    chain::{Chain, Landed, SlotRules},
    numbers::{For, Numbers},
    rpc::Identity,
    serve::Frame,
};
use crate::chain::PROGRAM;

/// Notifications that may wait for the slowest socket.
const WAITING_MAX: usize = 65_536;
/// Transactions that are executed in one go.
const CHUNK: u64 = 256;
/// The finest pace.
const TICK: Duration = Duration::from_millis(1);

/// What is told.
pub enum Source {
    /// Transactions that follow from a seed.
    Generated(Generated),
    /// The lines of a recording.
    Recorded(String),
}

/// A feeder's settings.
pub struct Options {
    /// What is told.
    pub source: Source,
    /// Where JSON-RPC listens; port 0 takes a free one.
    pub rpc_place: String,
    /// Where PubSub listens.
    pub ws_place: String,
    /// A slot with so many transactions is full.
    pub slot_transactions: u32,
    /// An open slot is closed after that time; `None`: only when it is full, or by [`Feeder::close_slot`].
    pub slot_time: Option<Duration>,
    /// Slots between the newest and the finalized one.
    pub finality_slots: u64,
    /// Lists and transactions tell `transactionIndex`.
    pub tells_index: bool,
}

impl Options {
    /// With 1,000 transactions a slot, 50 ms a slot, 32 slots to finality.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            rpc_place: "127.0.0.1:0".to_owned(),
            ws_place: "127.0.0.1:0".to_owned(),
            slot_transactions: 1_000,
            slot_time: Some(Duration::from_millis(50)),
            finality_slots: 32,
            tells_index: false,
        }
    }
}

/// In which order vanished transactions land again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As before.
    Kept,
    /// The newest first.
    Reversed,
    /// Shuffled by a seed.
    Shuffled(u64),
}

/// A running feeder; cheap to clone. It ends with its last clone.
#[derive(Clone)]
pub struct Feeder {
    /// JSON-RPC, for the engine.
    pub rpc_url: String,
    /// PubSub, for the engine.
    pub ws_url: String,
    shared: Arc<Shared>,
    _tasks: Arc<Tasks>,
}

struct Tasks(Vec<JoinHandle<()>>, Arc<Shared>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
        self.1.ended.send_replace(true);
    }
}

/// What the sockets and the driver share.
struct Shared {
    program: ProgramId,
    identity: Identity,
    chain: Mutex<Chain>,
    /// Microseconds since 1970 of each transaction's newest notification, by its number; 0: none.
    emitted: Mutex<Vec<u64>>,
    frames: broadcast::Sender<Frame>,
    lost: AtomicU64,
    is_silent: AtomicBool,
    paused: watch::Sender<bool>,
    ended: watch::Sender<bool>,
}

impl Shared {
    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, body: &[u8]) -> String {
        rpc::answer(&mut self.chain(), &self.identity, body)
    }

    /// Notifies one that has landed, unless nobody is to be told.
    fn notify(&self, chain: &Chain, landed: &Landed) {
        if self.is_silent.load(Ordering::Relaxed) {
            return;
        }
        let mut text = String::with_capacity(1_280);
        let (number, slot) = (landed.number, chain.slot_of(landed));
        let (signature, error) = (chain.story.signature(number), chain.story.error(number));
        let _ = write!(
            text,
            r#"{{"jsonrpc":"2.0","method":"logsNotification","params":{{"result":{{"context":{{"slot":{slot}}},"value":{{"signature":"{signature}","err":{error},"logs":"#,
        );
        chain.story.write_logs(number, &mut text);
        let _ = write!(text, r#"}}}},"subscription":{}}}}}"#, serve::LOGS);
        let mut emitted = self.emitted.lock().unwrap_or_else(PoisonError::into_inner);
        let index = number as usize;
        if emitted.len() <= index {
            emitted.resize(index + 1, 0);
        }
        emitted[index] = micros_now();
        drop(emitted);
        // An error says that nobody listens.
        let _ = self.frames.send(Frame::Logs(Utf8Bytes::from(text)));
    }

    fn notify_slot(&self, slot: u64, root: u64) {
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"slotNotification","params":{{"result":{{"parent":{},"root":{root},"slot":{slot}}},"subscription":{}}}}}"#,
            slot - 1,
            serve::SLOTS
        );
        let _ = self.frames.send(Frame::Slot(Utf8Bytes::from(text)));
    }
}

fn micros_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

impl Feeder {
    /// Starts one on free ports, with nothing told yet. The program is that of the harness' chains, or the recording's.
    ///
    /// # Panics
    /// If its addresses are taken, or the recording is none.
    pub async fn start(options: Options) -> Self {
        let listen =
            async |place: &str| TcpListener::bind(place).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        let (http, ws) = (listen(&options.rpc_place).await, listen(&options.ws_place).await);
        let seed = match &options.source {
            Source::Generated(generated) => generated.seed,
            Source::Recorded(_) => 0,
        };
        let story: Box<dyn Story> = match options.source {
            Source::Generated(generated) => {
                Box::new(GeneratedStory::new(generated, PROGRAM.parse().expect("a program's id")))
            }
            Source::Recorded(lines) => {
                Box::new(RecordedStory::read(&lines).unwrap_or_else(|error| panic!("the recording: {error}")))
            }
        };
        let program = story.program();
        let rules = SlotRules {
            first: 1_000,
            transactions: options.slot_transactions.max(1),
            finality: options.finality_slots,
        };
        let genesis = AccountAddress(Numbers::new(seed).bytes(For::Genesis, 0)).to_string();
        let address = |listener: &TcpListener| listener.local_addr().expect("a bound address");
        let (rpc_url, ws_url) = (format!("http://{}", address(&http)), format!("ws://{}", address(&ws)));
        let shared = Arc::new(Shared {
            program,
            identity: Identity { genesis, tells_index: options.tells_index },
            chain: Mutex::new(Chain::new(story, rules)),
            emitted: Mutex::default(),
            frames: broadcast::Sender::new(WAITING_MAX),
            lost: AtomicU64::new(0),
            is_silent: AtomicBool::new(false),
            paused: watch::Sender::new(false),
            ended: watch::Sender::new(false),
        });
        let tasks = vec![
            tokio::spawn(serve::http(http, shared.clone())),
            tokio::spawn(serve::ws(ws, shared.clone())),
            tokio::spawn(tick(shared.clone(), options.slot_time)),
        ];
        Self { rpc_url, ws_url, _tasks: Arc::new(Tasks(tasks, shared.clone())), shared }
    }

    /// The program that its transactions call.
    pub fn program(&self) -> ProgramId {
        self.shared.program
    }

    /// How many transactions are on the chain.
    pub fn landed(&self) -> u64 {
        u64::try_from(self.shared.chain().len()).unwrap_or(u64::MAX)
    }

    /// How many are still to come.
    pub fn left(&self) -> u64 {
        self.shared.chain().left().into()
    }

    /// Notifications that sockets lost because they fell behind.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// From here on, transactions land without a notification, or with one again: what is not notified is found only by
    /// asking.
    pub fn set_silent(&self, is_silent: bool) {
        self.shared.is_silent.store(is_silent, Ordering::Relaxed);
    }

    /// Executes and tells the next `count` transactions, as fast as they are made; gives how many there were. Never
    /// waits: a socket that does not keep up loses notifications.
    pub fn emit(&self, count: u64) -> u64 {
        let mut done = 0;
        while done < count {
            let mut chain = self.shared.chain();
            for _ in 0..CHUNK.min(count - done) {
                let Some(landed) = chain.land_next() else { return done };
                self.shared.notify(&chain, &landed);
                done += 1;
            }
        }
        done
    }

    /// Tells the next `total` transactions at a rate a second; gives how many there were. Pauses while
    /// [`Self::pause`] holds. What is late (a busy machine) is made up for at once.
    pub async fn run(&self, per_second: u64, total: u64) -> u64 {
        let mut done = 0;
        let (mut began, mut from) = (Instant::now(), 0);
        let mut paused = self.shared.paused.subscribe();
        while done < total {
            if *paused.borrow() {
                let resumed = paused.wait_for(|paused| !paused).await.is_ok();
                if !resumed {
                    return done;
                }
                (began, from) = (Instant::now(), done);
            }
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            let due = from + micros.saturating_mul(per_second) / 1_000_000;
            let count = due.min(total).saturating_sub(done).min(CHUNK);
            if count == 0 {
                tokio::time::sleep(TICK).await;
                continue;
            }
            let emitted = self.emit(count);
            done += emitted;
            if emitted < count {
                break;
            }
            tokio::task::yield_now().await;
        }
        done
    }

    /// Tells the next `total` transactions as fast as the slowest socket takes them, so that none is lost; gives how
    /// many there were.
    pub async fn run_unpaced(&self, total: u64) -> u64 {
        let mut done = 0;
        while done < total {
            while self.shared.frames.len() > WAITING_MAX / 2 {
                tokio::time::sleep(TICK).await;
            }
            let count = CHUNK.min(total - done);
            let emitted = self.emit(count);
            done += emitted;
            if emitted < count {
                break;
            }
            tokio::task::yield_now().await;
        }
        done
    }

    /// Holds every [`Self::run`].
    pub fn pause(&self) {
        self.shared.paused.send_replace(true);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.shared.paused.send_replace(false);
    }

    /// When a transaction was last notified, by this machine's clock; `None`: never.
    pub fn emitted_at(&self, signature: &TxSignature) -> Option<SystemTime> {
        let number = self.shared.chain().story.find(signature)?;
        let emitted = self.shared.emitted.lock().unwrap_or_else(PoisonError::into_inner);
        let micros = emitted.get(number as usize).copied().filter(|micros| *micros > 0)?;
        Some(UNIX_EPOCH + Duration::from_micros(micros))
    }

    /// Signatures and times (microseconds since 1970) of all that was notified, in the story's order.
    pub fn emissions(&self) -> Vec<(TxSignature, u64)> {
        let emitted = self.shared.emitted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let chain = self.shared.chain();
        let told = (0..).zip(emitted).filter(|(_, micros)| *micros > 0);
        told.map(|(number, micros)| (chain.story.signature(number), micros)).collect()
    }

    /// Closes the open slot.
    pub fn close_slot(&self) {
        self.shared.chain().close_slot();
    }

    /// (open, newest closed, finalized) slot.
    pub fn slots(&self) -> (u64, u64, u64) {
        let chain = self.shared.chain();
        (chain.open_slot(), chain.confirmed_slot(), chain.finalized_slot())
    }

    /// The newest `count` transactions vanish on a fork, or as many of them as are not finalized: nothing on this node
    /// knows them any more, and all accounts are as before them. The slots go on.
    pub fn fork(&self, count: usize) -> Fork {
        self.shared.chain().fork(count)
    }

    /// Vanished transactions land again, in the newest slot, and are notified. Their figures are what they are in that
    /// order. Gives the signatures of those that did: a sale of what is not held any more does not.
    pub fn land_again(&self, fork: &Fork, order: Order) -> Vec<TxSignature> {
        let mut numbers = fork.numbers.clone();
        match order {
            Order::Kept => {}
            Order::Reversed => numbers.reverse(),
            Order::Shuffled(seed) => numbers.shuffle(&mut StdRng::seed_from_u64(seed)),
        }
        let mut chain = self.shared.chain();
        let mut landed_again = Vec::new();
        for number in numbers {
            if let Some(landed) = chain.land(number) {
                self.shared.notify(&chain, &landed);
                landed_again.push(chain.story.signature(number));
            }
        }
        landed_again
    }

    /// The slot of a transaction that is on the chain.
    pub fn slot_of(&self, signature: &TxSignature) -> Option<u64> {
        let chain = self.shared.chain();
        chain.find(signature).map(|landed| chain.slot_of(&landed))
    }

    /// Asks as a client would, without a socket; the answer's text.
    pub fn ask(&self, body: &str) -> String {
        self.shared.answer(body.as_bytes())
    }
}

/// Closes slots in time, and tells the newest one.
async fn tick(shared: Arc<Shared>, slot_time: Option<Duration>) {
    loop {
        tokio::time::sleep(slot_time.unwrap_or(Duration::from_millis(50))).await;
        let mut chain = shared.chain();
        if slot_time.is_some() {
            chain.close_slot();
        }
        let (slot, root) = (chain.open_slot(), chain.finalized_slot());
        drop(chain);
        shared.notify_slot(slot, root);
    }
}
