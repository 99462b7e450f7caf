//! How long the price curves take: `cargo bench -p zmart --bench lmsr`.
//!
//! Prints one line a measurement, `lmsr NAME ns=TIME ratio=TIMES`: the median over rounds of the time a call, and how many
//! times that of the baseline it is, a 64-bit multiplication and division through 128 bits (`baseline`), measured in the
//! same rounds. A *quote* is the cost of a given number of shares and the price after it, a *search* the shares for a
//! budget with their cost. The inputs are markets where both curves answer; an answer that fails ends the run.

use std::{hint::black_box, process::ExitCode, time::Instant};

use zmart::domain::{
    amount::{Lamports, ShareUnits},
    event::Outcome,
    lmsr::{Curve, Quantities},
};

/// Inputs, gone through in turn so that neither branches nor caches learn one.
const INPUTS: usize = 4_096;
/// Rounds; the median of them counts.
const ROUNDS: usize = 31;

#[derive(Clone, Copy)]
struct Input {
    quantities: Quantities,
    b: ShareUnits,
    outcome: Outcome,
    /// A budget of one part in two of b to one in 2^10.
    amount: u64,
}

/// xorshift64*: the same inputs every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn input(&mut self) -> Input {
        // 100 shares to 100 million, all magnitudes alike, and the odd units of real trades.
        let b = (100_000_000_000u64 << self.below(20)) + self.below(100_000_000_000);
        // A lead of 0.01 to 2 b: nearer to balance, or further from it, the program's curve refuses trades.
        let lead = b / 100 + self.below(2 * b);
        let issued = b / 1_000 + self.below(b);
        let (more, less) = (ShareUnits(issued + lead), ShareUnits(issued));
        let quantities =
            if self.below(2) == 0 { Quantities { yes: more, no: less } } else { Quantities { yes: less, no: more } };
        let outcome = if quantities.yes > quantities.no { Outcome::Yes } else { Outcome::No };
        Input { quantities, b: ShareUnits(b), outcome, amount: (b >> (1 + self.below(10))) - self.below(1_000) }
    }
}

fn quote(curve: Curve, input: Input) -> Option<u64> {
    let shares = ShareUnits(input.amount);
    let cost = curve.purchase_cost(input.quantities, input.b, input.outcome, shares).ok()?;
    let price = curve.price_yes(input.quantities.bought(input.outcome, shares).ok()?, input.b).ok()?;
    Some(cost.0 ^ price.0)
}

fn search(curve: Curve, input: Input) -> Option<u64> {
    let purchase = curve.buy(input.quantities, input.b, input.outcome, Lamports(input.amount)).ok()?;
    Some(purchase.cost.0 ^ purchase.shares.0)
}

fn baseline(input: Input) -> Option<u64> {
    let product = u128::from(input.amount) * u128::from(input.quantities.yes.0);
    u64::try_from(product / u128::from(input.b.0)).ok()
}

/// A measured function; `None` ends the run.
type Call = fn(Input) -> Option<u64>;

/// Picoseconds a call, in one round over all inputs.
fn round(inputs: &[Input], call: impl Fn(Input) -> Option<u64>) -> Option<u64> {
    let start = Instant::now();
    for input in inputs {
        black_box(call(black_box(*input))?);
    }
    let picoseconds = start.elapsed().as_nanos() * 1_000 / inputs.len() as u128;
    u64::try_from(picoseconds).ok()
}

fn main() -> ExitCode {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let inputs: Vec<Input> = (0..INPUTS).map(|_| numbers.input()).collect();
    let calls: [(&str, Call); 5] = [
        ("baseline", baseline),
        ("quote_program", |input| quote(Curve::Program, input)),
        ("quote_exact", |input| quote(Curve::Exact, input)),
        ("search_program", |input| search(Curve::Program, input)),
        ("search_exact", |input| search(Curve::Exact, input)),
    ];
    let mut times: [Vec<u64>; 5] = Default::default();
    for _ in 0..ROUNDS {
        for ((name, call), times) in calls.iter().zip(&mut times) {
            match round(&inputs, call) {
                Some(time) => times.push(time),
                None => {
                    eprintln!("lmsr {name}: an input has no answer");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2]
    });
    let unit = medians[0].max(1);
    for ((name, _), median) in calls.iter().zip(medians) {
        let tenths = median * 10 / unit;
        println!("lmsr {name} ns={}.{:03} ratio={}.{}", median / 1_000, median % 1_000, tenths / 10, tenths % 10);
    }
    ExitCode::SUCCESS
}
