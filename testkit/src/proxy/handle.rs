//! The hand on a proxy: sets faults while it runs. Each gives back a [`Fault`] that counts how often it really struck.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use zmart::domain::ids::{AccountAddress, ProgramId, TxSignature};

use super::{
    fault::{Dice, Fault, When},
    faults::{
        accounts::{Accounts, Hidden, OlderSlot, StaleAccounts},
        cuts::{CutAnswers, CutNotes},
        delays::{Delay, LateAnswers, LateNotes},
        errors::{Bad, BadAnswers, Methods},
        index::TransactionIndex,
        lag::RpcBehind,
        logs::{Cut, CutLogs, Place},
        notifications::{LastWithheld, Matcher, Reordered, Repeated, RepeatedLater, Which, Withheld},
        pages::{BadPages, PageFault},
        retention::{Forgotten, Retention},
        sends::Swallowed,
        status::OnlyProcessed,
        vanish::{Frozen, Vanish},
    },
    message::Manner,
    node::Node,
    rules::{Rule, Rules},
    sockets::{Side, SocketFault, Sockets},
};

/// Sets faults; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    rules: Arc<Rules>,
    sockets: Arc<Sockets>,
    node: Node,
    program: ProgramId,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Connections.
impl Handle {
    /// Drops all open connections of a side; gives how many they were. New ones are taken.
    pub fn drop_connections(&self, side: Side) -> usize {
        self.sockets.drop_all(side)
    }

    /// How many connections a side has.
    pub fn open_connections(&self, side: Side) -> usize {
        self.sockets.open(side)
    }

    /// Resets new connections of a side, until it is lifted. Open ones stay.
    pub fn refuse_connections(&self, side: Side) -> Fault {
        self.set_socket("refuse connections", side, SocketFault::Refuse)
    }

    /// Lets nothing pass in either direction, while TCP stays up, until it is lifted. What came meanwhile follows then.
    /// Counts each call, and each WebSocket, that had to wait.
    pub fn silence(&self, side: Side) -> Fault {
        self.set_socket("silence", side, SocketFault::Silence)
    }

    /// Cuts the node off: resets new connections of both sides until both are lifted, and drops those that are open; how
    /// many these were.
    pub fn cut_off(&self) -> ([Fault; 2], usize) {
        let mut dropped = 0;
        let refused = [Side::Http, Side::Ws].map(|side| {
            let fault = self.refuse_connections(side);
            dropped += self.drop_connections(side);
            fault
        });
        (refused, dropped)
    }

    /// Ends connections in the middle of an answer's body.
    pub fn cut_answers(&self, methods: Methods, when: When) -> Fault {
        self.set("cut answers", when, |dice| CutAnswers { methods, manner: Manner::Cut, dice })
    }

    /// Ends connections instead of answering; the node has executed the call.
    pub fn hang_up(&self, methods: Methods, when: When) -> Fault {
        self.set("hang up", when, |dice| CutAnswers { methods, manner: Manner::HangUp, dice })
    }

    /// Ends WebSockets in the middle of a notification.
    pub fn cut_notifications(&self, which: Which, when: When) -> Fault {
        self.set("cut notifications", when, |dice| CutNotes { which: self.matcher(which), dice })
    }
}

/// Time.
impl Handle {
    /// Holds answers back.
    pub fn delay_answers(&self, methods: Methods, delay: Delay, when: When) -> Fault {
        self.set("delay answers", when, |dice| LateAnswers::new(methods, delay, dice))
    }

    /// Holds notifications back; those behind them wait too.
    pub fn delay_notifications(&self, which: Which, delay: Delay, when: When) -> Fault {
        self.set("delay notifications", when, |dice| LateNotes::new(self.matcher(which), delay, dice))
    }
}

/// Notifications.
impl Handle {
    /// They never come.
    pub fn withhold(&self, which: Which, when: When) -> Fault {
        self.set("withhold notifications", when, |dice| Withheld { which: self.matcher(which), dice })
    }

    /// The newest one is held until a newer one comes: whenever it falls quiet, the last one is missing. Lifting lets it
    /// go.
    pub fn withhold_last(&self, which: Which) -> Fault {
        self.set("withhold the last notification", When::Always, |dice| LastWithheld {
            which: self.matcher(which),
            dice,
            held: Mutex::default(),
        })
    }

    /// They come twice.
    pub fn repeat(&self, which: Which, when: When) -> Fault {
        self.set("repeat notifications", when, |dice| Repeated { which: self.matcher(which), dice })
    }

    /// They come again behind so many later ones.
    pub fn repeat_later(&self, which: Which, after: usize, when: When) -> Fault {
        self.set("repeat notifications later", when, |dice| RepeatedLater {
            which: self.matcher(which),
            dice,
            after,
            past: Mutex::default(),
        })
    }

    /// So many are held, then let go in another order. Counts each that came out in another place. Lifting lets go what
    /// is still held.
    pub fn reorder(&self, which: Which, hold: usize, seed: u64) -> Fault {
        self.set("reorder notifications", When::Always, |dice| Reordered::new(self.matcher(which), hold, seed, dice))
    }

    /// Logs end too early, in notifications or in transactions.
    pub fn cut_logs(&self, place: Place, cut: Cut, when: When) -> Fault {
        self.cut_logs_of(Which::Logs, place, cut, when)
    }

    /// Logs of chosen notifications end too early.
    pub fn cut_logs_of(&self, which: Which, place: Place, cut: Cut, when: When) -> Fault {
        self.set("cut logs", when, |dice| CutLogs { which: self.matcher(which), place, cut, dice })
    }
}

/// Answers.
impl Handle {
    /// Calls are answered badly.
    pub fn answer_badly(&self, methods: Methods, bad: Bad, when: When) -> Fault {
        self.set("bad answers", when, |dice| BadAnswers { methods, bad, dice })
    }

    /// Transactions that are sent are taken, their signature told, and dropped.
    pub fn swallow_transactions(&self, when: When) -> Fault {
        self.set("swallowed transactions", when, |dice| Swallowed { dice })
    }

    /// Accounts are told under a slot that is so much older than they are.
    pub fn older_slot(&self, by: u64, when: When) -> Fault {
        self.set("newer accounts under an older slot", when, |dice| OlderSlot { by, dice })
    }

    /// The program's accounts are told as they are now, for ever, under whatever slot it will be. Counts answers that
    /// were really older.
    pub async fn stale_accounts(&self, when: When) -> Fault {
        let accounts = Accounts::read(&self.node, self.program).await;
        self.set("older accounts under a newer slot", when, |dice| StaleAccounts { accounts, dice })
    }

    /// One of the program's accounts is not there.
    pub fn hide_account(&self, address: AccountAddress) -> Fault {
        let none = Accounts::none(self.program);
        self.set("a hidden account", When::Always, |dice| Hidden { address: address.to_string(), none, dice })
    }

    /// JSON-RPC knows no transaction of the last so many slots, while notifications of them pass. With `tells_head`,
    /// `getSlot` nevertheless tells the newest slot.
    pub fn rpc_behind(&self, slots: u64, tells_head: bool, when: When) -> Fault {
        self.set("JSON-RPC behind PubSub", when, |dice| RpcBehind { slots, tells_head, dice })
    }

    /// Pages of `getSignaturesForAddress` are not what they should be.
    pub fn bad_pages(&self, fault: PageFault, when: When) -> Fault {
        self.set("bad pages", when, |dice| BadPages { fault, dice, ends: Mutex::default() })
    }

    /// The node keeps no transactions older than that slot.
    pub fn history_begins(&self, first_slot: u64) -> Fault {
        self.set("history ends early", When::Always, |dice| Retention { first_slot, dice })
    }

    /// `transactionIndex` is told (from the node's blocks) or not told.
    pub fn transaction_index(&self, told: bool) -> Fault {
        self.set("transaction index", When::Always, |dice| TransactionIndex { told, dice, blocks: Mutex::default() })
    }

    /// These are listed as merely processed.
    pub fn only_processed(&self, signatures: &[TxSignature], when: When) -> Fault {
        let signatures = signatures.iter().map(ToString::to_string).collect();
        self.set("merely processed", when, |dice| OnlyProcessed { signatures, dice })
    }

    /// Remembers this moment: what is executed after it can vanish, and land again.
    pub async fn freeze(&self) -> Frozen {
        let dice = Dice::new(When::Always);
        let vanish = Arc::new(Vanish::now(&self.node, self.program, dice.clone()).await);
        let fault = self.add("vanished", dice, vanish.clone());
        Frozen::new(vanish, fault, self.node.clone(), self.sockets.clone())
    }

    /// The node never heard of these transactions. Unlike [`Self::freeze`], accounts are told as they are: history is
    /// lost, nothing happened otherwise.
    pub fn forget(&self, signatures: &[TxSignature]) -> Fault {
        let signatures = signatures.iter().map(ToString::to_string).collect();
        self.set("forgotten", When::Always, |dice| Forgotten { signatures, dice })
    }
}

impl Handle {
    pub(super) fn new(rules: Arc<Rules>, sockets: Arc<Sockets>, node: Node, program: ProgramId) -> Self {
        Self { rules, sockets, node, program }
    }

    fn matcher(&self, which: Which) -> Matcher {
        Matcher::new(which, self.program)
    }

    fn set<R: Rule + 'static>(&self, name: &'static str, when: When, make: impl FnOnce(Arc<Dice>) -> R) -> Fault {
        let dice = Dice::new(when);
        let rule = Arc::new(make(dice.clone()));
        self.add(name, dice, rule)
    }

    fn add(&self, name: &'static str, dice: Arc<Dice>, rule: Arc<dyn Rule>) -> Fault {
        let number = self.rules.add(rule.clone());
        let (rules, sockets) = (self.rules.clone(), self.sockets.clone());
        Fault::new(name, dice, move || {
            rules.remove(number);
            for (socket, note) in rule.release() {
                sockets.send(socket, note);
            }
        })
    }

    fn set_socket(&self, name: &'static str, side: Side, fault: SocketFault) -> Fault {
        let dice = Dice::new(When::Always);
        let number = self.sockets.add(side, fault, dice.clone());
        let sockets = self.sockets.clone();
        Fault::new(name, dice, move || sockets.remove(number))
    }
}
