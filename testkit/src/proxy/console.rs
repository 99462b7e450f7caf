//! The line protocol of the proxy's program: a command a line, an answer a line.
//!
//! `KIND ARGUMENTS… [WHEN]` sets a fault and answers `fault NUMBER NAME`; `lift NUMBER`, `status`, `drop SIDE` do what they
//! say. WHEN is `always` (the default), `next=N` or `one-in=N:SEED`; METHODS is `all` or names with commas between them;
//! WHICH is `logs`, `slots`, `all`, `market=ADDRESS`, `account=ADDRESS` or `transaction=SIGNATURE`.

use std::time::Duration;

use super::{Bad, Cut, Delay, Fault, Frozen, Handle, Methods, PageFault, Place, Side, When, Which};

/// What can be said.
pub const HELP: &str = "\
drop SIDE | refuse SIDE | silence SIDE | cut-answers METHODS [WHEN] | hang-up METHODS [WHEN] | \
cut-notifications WHICH [WHEN] | delay-answers METHODS MS [WHEN] | delay-notifications WHICH MS [WHEN] | \
withhold WHICH [WHEN] | withhold-last WHICH | repeat WHICH [WHEN] | repeat-later WHICH AFTER [WHEN] | \
reorder WHICH HOLD SEED | cut-logs notifications|transactions marked|unmarked [WHEN] | error METHODS CODE [WHEN] | \
status METHODS HTTP [WHEN] | too-many METHODS SECONDS|- [WHEN] | garbage METHODS [WHEN] | half METHODS [WHEN] | \
swallow [WHEN] | older-slot BY [WHEN] | stale-accounts [WHEN] | behind SLOTS head|honest [WHEN] | short-pages N [WHEN] | \
overlap N [WHEN] | hole N [WHEN] | history-begins SLOT | index told|untold | forget SIGNATURES | \
only-processed SIGNATURES [WHEN] | freeze | hide SIGNATURE | hide-all | land SIGNATURE SLOT | thaw-accounts | thaw | \
faults | lift NUMBER | help";

/// A proxy's faults, by number.
#[derive(Debug)]
pub struct Console {
    handle: Handle,
    faults: Vec<Fault>,
    frozen: Option<Frozen>,
}

impl Console {
    /// Of a proxy.
    pub fn new(handle: Handle) -> Self {
        Self { handle, faults: Vec::new(), frozen: None }
    }

    /// Does what a line says; gives the answer, `error …` if it can't be understood.
    pub async fn say(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match self.command(&words).await {
            Ok(answer) => answer,
            Err(what) => format!("error {what} (say `help`)"),
        }
    }

    async fn command(&mut self, words: &[&str]) -> Result<String, String> {
        let handle = self.handle.clone();
        let fault = match *words {
            ["help"] => return Ok(HELP.to_owned()),
            ["faults"] => {
                let told = self.faults.iter().enumerate();
                let told = told.map(|(number, fault)| format!("{number} {}: {} struck", fault.name(), fault.struck()));
                return Ok(format!("faults {}", told.collect::<Vec<_>>().join(", ")));
            }
            ["lift", number] => {
                let fault = self.faults.get(number_of::<usize>(number)?).ok_or("no such fault")?;
                fault.lift();
                return Ok(format!("lifted {number} {}: {} struck", fault.name(), fault.struck()));
            }
            ["drop", side] => return Ok(format!("dropped {}", handle.drop_connections(side_of(side)?))),
            ["hide", signature] => {
                self.frozen()?.hide(number_of(signature)?).await;
                return Ok(format!("hidden {signature}"));
            }
            ["hide-all"] => {
                self.frozen()?.hide_all();
                return Ok("hidden".to_owned());
            }
            ["land", signature, slot] => {
                let (signature, slot) = (number_of(signature)?, number_of(slot)?);
                let frozen = self.frozen()?;
                frozen.land_again(signature, slot);
                return Ok(format!("landed {signature}, told to {}", frozen.notify_again(signature).await));
            }
            ["thaw-accounts"] => {
                self.frozen()?.thaw_accounts();
                return Ok("thawed".to_owned());
            }
            ["thaw"] => {
                self.frozen()?.thaw();
                return Ok("thawed".to_owned());
            }
            ["freeze"] => {
                let frozen = handle.freeze().await;
                let fault = frozen.fault().clone();
                self.frozen = Some(frozen);
                fault
            }
            ["refuse", side] => handle.refuse_connections(side_of(side)?),
            ["silence", side] => handle.silence(side_of(side)?),
            ["cut-answers", methods, ref when @ ..] => handle.cut_answers(methods_of(methods), when_of(when)?),
            ["hang-up", methods, ref when @ ..] => handle.hang_up(methods_of(methods), when_of(when)?),
            ["cut-notifications", which, ref when @ ..] => handle.cut_notifications(which_of(which)?, when_of(when)?),
            ["delay-answers", methods, ms, ref when @ ..] => {
                handle.delay_answers(methods_of(methods), delay_of(ms)?, when_of(when)?)
            }
            ["delay-notifications", which, ms, ref when @ ..] => {
                handle.delay_notifications(which_of(which)?, delay_of(ms)?, when_of(when)?)
            }
            ["withhold", which, ref when @ ..] => handle.withhold(which_of(which)?, when_of(when)?),
            ["withhold-last", which] => handle.withhold_last(which_of(which)?),
            ["repeat", which, ref when @ ..] => handle.repeat(which_of(which)?, when_of(when)?),
            ["repeat-later", which, after, ref when @ ..] => {
                handle.repeat_later(which_of(which)?, number_of(after)?, when_of(when)?)
            }
            ["reorder", which, hold, seed] => handle.reorder(which_of(which)?, number_of(hold)?, number_of(seed)?),
            ["cut-logs", place, cut, ref when @ ..] => {
                let place =
                    one_of(place, [("notifications", Place::Notifications), ("transactions", Place::Transactions)])?;
                let cut = one_of(cut, [("marked", Cut::Marked), ("unmarked", Cut::Unmarked)])?;
                handle.cut_logs(place, cut, when_of(when)?)
            }
            [kind @ ("error" | "status" | "too-many"), methods, number, ref when @ ..] => {
                let bad = match (kind, number) {
                    ("error", code) => Bad::Error(number_of(code)?),
                    ("status", status) => Bad::Status(number_of(status)?),
                    (_, "-") => Bad::TooMany(None),
                    (_, seconds) => Bad::TooMany(Some(number_of(seconds)?)),
                };
                handle.answer_badly(methods_of(methods), bad, when_of(when)?)
            }
            [kind @ ("garbage" | "half" | "empty" | "null"), methods, ref when @ ..] => {
                let kinds =
                    [("garbage", Bad::Garbage), ("half", Bad::Half), ("empty", Bad::Empty), ("null", Bad::Null)];
                handle.answer_badly(methods_of(methods), one_of(kind, kinds)?, when_of(when)?)
            }
            ["swallow", ref when @ ..] => handle.swallow_transactions(when_of(when)?),
            ["older-slot", by, ref when @ ..] => handle.older_slot(number_of(by)?, when_of(when)?),
            ["stale-accounts", ref when @ ..] => handle.stale_accounts(when_of(when)?).await,
            ["behind", slots, head, ref when @ ..] => {
                let tells_head = one_of(head, [("head", true), ("honest", false)])?;
                handle.rpc_behind(number_of(slots)?, tells_head, when_of(when)?)
            }
            [kind @ ("short-pages" | "overlap" | "hole"), count, ref when @ ..] => {
                let count = number_of(count)?;
                let kinds = [
                    ("short-pages", PageFault::Short(count)),
                    ("overlap", PageFault::Overlap(count)),
                    ("hole", PageFault::Hole(count)),
                ];
                handle.bad_pages(one_of(kind, kinds)?, when_of(when)?)
            }
            ["history-begins", slot] => handle.history_begins(number_of(slot)?),
            ["index", told] => handle.transaction_index(one_of(told, [("told", true), ("untold", false)])?),
            ["forget", signatures] => handle.forget(&list_of(signatures)?),
            ["only-processed", signatures, ref when @ ..] => {
                handle.only_processed(&list_of(signatures)?, when_of(when)?)
            }
            _ => return Err(format!("{words:?} is no command")),
        };
        self.faults.push(fault.clone());
        Ok(format!("fault {} {}", self.faults.len() - 1, fault.name()))
    }

    fn frozen(&self) -> Result<&Frozen, String> {
        self.frozen.as_ref().ok_or_else(|| "nothing is frozen".to_owned())
    }
}

fn number_of<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("{word:?} is out of place"))
}

fn list_of<T: std::str::FromStr>(word: &str) -> Result<Vec<T>, String> {
    word.split(',').map(number_of).collect()
}

fn one_of<T: Copy, const N: usize>(word: &str, choices: [(&str, T); N]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == word);
    found.map(|(_, choice)| *choice).ok_or_else(|| format!("{word:?} is none of {:?}", choices.map(|(name, _)| name)))
}

fn side_of(word: &str) -> Result<Side, String> {
    one_of(word, [("http", Side::Http), ("ws", Side::Ws)])
}

/// The names live as long as the program, as those in a test's code do.
fn methods_of(word: &str) -> Methods {
    if word == "all" {
        return Methods::All;
    }
    let names: Vec<&'static str> = word.split(',').map(|name| &*name.to_owned().leak()).collect();
    Methods::Of(names.leak())
}

fn which_of(word: &str) -> Result<Which, String> {
    match word.split_once('=') {
        Some(("market", address)) => number_of(address).map(Which::Market),
        Some(("account", address)) => number_of(address).map(Which::Account),
        Some(("transaction", signature)) => number_of(signature).map(Which::Transaction),
        _ => one_of(word, [("logs", Which::Logs), ("slots", Which::Slots), ("all", Which::All)]),
    }
}

/// `MS`, or `MS:SEED` for anything up to that.
fn delay_of(word: &str) -> Result<Delay, String> {
    match word.split_once(':') {
        None => Ok(Delay::Fixed(Duration::from_millis(number_of(word)?))),
        Some((most, seed)) => Ok(Delay::UpTo(Duration::from_millis(number_of(most)?), number_of(seed)?)),
    }
}

fn when_of(words: &[&str]) -> Result<When, String> {
    match words {
        [] | ["always"] => Ok(When::Always),
        [word] => match word.split_once('=') {
            Some(("next", count)) => Ok(When::Next(number_of(count)?)),
            Some(("one-in", drawn)) => {
                let (n, seed) = drawn.split_once(':').ok_or("one-in=N:SEED")?;
                Ok(When::OneIn { n: number_of(n)?, seed: number_of(seed)? })
            }
            _ => Err(format!("{word:?} is no time")),
        },
        _ => Err(format!("{words:?} is too much")),
    }
}
