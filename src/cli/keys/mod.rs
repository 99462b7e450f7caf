//! `zmart keys new|pubkey|airdrop|balance`: files with keys, for who has none of Solana's tools at hand.
//!
//! A key is made here and goes into its file, and nowhere else; what is read of one is its address
//! ([`crate::chain::keys`]). Never signs, and asks a chain for nothing that needs a signature.

pub(in crate::cli) mod file;
mod wallet;

use std::{num::NonZeroU32, path::PathBuf, process::ExitCode, time::Duration};

use ed25519_dalek::SigningKey;
use rand::{TryRngCore, rngs::OsRng};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::{
    file::{WriteError, write_new},
    wallet::Whose,
};
use crate::{
    chain::{
        keys::KeyError,
        model::Commitment,
        rpc::{ChainReadError, ChainRpc, ChainSendError, RpcBudget, RpcOptions, RpcSetupError},
    },
    domain::{
        amount::Lamports,
        ids::{ProgramId, TxSignature, Wallet},
    },
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a key: a new file that only its owner may open, never where git would take it. Prints its address.
    New {
        /// The file; there is none yet.
        path: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the address of a key.
    Pubkey {
        /// The file.
        #[arg(env = "BACKEND_KEYPAIR_PATH", hide_env_values = true)]
        path: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have the faucet of a development or test network give money, and wait until it is there.
    Airdrop {
        /// A file with a key, or an address.
        whose: Whose,
        /// How much, in SOL: nine decimals at most.
        #[arg(default_value = "1", value_parser = lamports)]
        sol: u64,
        #[command(flatten)]
        node: Node,
    },
    /// Print what an address holds.
    Balance {
        /// A file with a key, or an address.
        whose: Whose,
        #[command(flatten)]
        node: Node,
    },
}

#[derive(Debug, clap::Args)]
struct Node {
    /// The chain's JSON-RPC. May carry a key.
    #[arg(long, env = "SOLANA_RPC_URL", hide_env_values = true, default_value = "http://127.0.0.1:8899")]
    rpc_url: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// The exit code if the key can't be had or made, or was not given any money.
const EXIT_REFUSED: u8 = 1;
/// If the node could not be asked.
const EXIT_NOT_ASKED: u8 = 2;

/// The main network's genesis hash: it has no faucet.
const MAIN: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
const LAMPORTS_DECIMALS: u32 = 9;
/// Calls a second: nothing here asks more.
const CALLS_PER_SECOND: NonZeroU32 = match NonZeroU32::new(10) {
    Some(calls) => calls,
    None => NonZeroU32::MIN,
};
/// How often, and after how long each, it is asked whether the money is there.
const LOOKS: u32 = 90;
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] KeyError),
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] rand::rand_core::OsError),
    #[error("the main network has no faucet")]
    MainNetwork,
    #[error("the faucet refused: {0}")]
    Faucet(#[from] ChainSendError),
    #[error("the faucet's transaction {_0} has not landed in {seconds} s", seconds = (LOOK_EVERY * LOOKS).as_secs())]
    NotLanded(TxSignature),
    #[error(transparent)]
    Setup(#[from] RpcSetupError),
    #[error("the node could not be asked: {0}")]
    Node(#[from] ChainReadError),
    #[error("the runtime failed: {0}")]
    Runtime(#[from] std::io::Error),
}

impl KeysError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Node(_) | Self::Setup(_) | Self::Runtime(_) | Self::Faucet(ChainSendError::NotSent { .. }) => {
                EXIT_NOT_ASKED
            }
            _ => EXIT_REFUSED,
        }
    }
}

/// Does it, and prints.
pub fn run(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.what {
        What::New { path, json } => new(path).map(|wallet| say(*json, &of_file(path, wallet), wallet.to_string())),
        What::Pubkey { path, json } => {
            wallet::of_file(path).map(|wallet| say(*json, &of_file(path, wallet), wallet.to_string()))
        }
        What::Airdrop { whose, sol, node } => airdrop(whose, Lamports(*sol), node),
        What::Balance { whose, node } => balance(whose, node),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn say(as_json: bool, json: &Value, text: String) {
    if as_json { println!("{json}") } else { println!("{text}") }
}

fn of_file(path: &std::path::Path, wallet: Wallet) -> Value {
    json!({ "address": wallet.to_string(), "path": path })
}

fn new(path: &std::path::Path) -> Result<Wallet, KeysError> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    OsRng.try_fill_bytes(&mut seed[..])?;
    let key = SigningKey::from_bytes(&seed);
    write_new(path, &Zeroizing::new(key.to_keypair_bytes()))?;
    // As it can be read again, not as it was meant.
    wallet::of_file(path)
}

fn balance(whose: &Whose, node: &Node) -> Result<(), KeysError> {
    let wallet = whose.wallet()?;
    let held = asking(async { Ok(connect(node)?.balance(wallet).await?) })?;
    say(
        node.json,
        &json!({ "address": wallet.to_string(), "lamports": held.0.to_string() }),
        format!("{} SOL", sol(held)),
    );
    Ok(())
}

fn airdrop(whose: &Whose, amount: Lamports, node: &Node) -> Result<(), KeysError> {
    let wallet = whose.wallet()?;
    let (signature, held) = asking(async {
        let rpc = connect(node)?;
        if rpc.genesis_hash().await? == MAIN {
            return Err(KeysError::MainNetwork);
        }
        let signature = rpc.request_airdrop(wallet, amount).await?;
        landed(&rpc, signature).await?;
        Ok((signature, rpc.balance(wallet).await?))
    })?;
    let told = json!({
        "address": wallet.to_string(), "signature": signature.to_string(), "lamports": held.0.to_string(),
        "given": amount.0.to_string(),
    });
    say(node.json, &told, format!("{wallet} was given {} SOL, and holds {}", sol(amount), sol(held)));
    Ok(())
}

async fn landed(rpc: &ChainRpc, signature: TxSignature) -> Result<(), KeysError> {
    for _ in 0..LOOKS {
        let status = rpc.signature_statuses(&[signature], false).await?.pop().flatten();
        if status.is_some_and(|status| status.commitment >= Commitment::Confirmed) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(KeysError::NotLanded(signature))
}

fn connect(node: &Node) -> Result<ChainRpc, RpcSetupError> {
    // No account of any program is read.
    ChainRpc::new(RpcOptions::new(&node.rpc_url, ProgramId([0; 32])), RpcBudget::new(CALLS_PER_SECOND))
}

fn asking<T>(ask: impl Future<Output = Result<T, KeysError>>) -> Result<T, KeysError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(ask)
}

/// SOL as people write it, in lamports.
fn lamports(text: &str) -> Result<u64, String> {
    let wrong = || "an amount of SOL above 0, with nine decimals at most".to_owned();
    let sol: Decimal = text.parse().map_err(|_| wrong())?;
    let lamports = sol.checked_mul(Decimal::from(10_u64.pow(LAMPORTS_DECIMALS))).ok_or_else(wrong)?;
    lamports.is_integer().then(|| lamports.to_u64()).flatten().filter(|lamports| *lamports > 0).ok_or_else(wrong)
}

/// Lamports in SOL, with all nine decimals.
pub(in crate::cli) fn sol(lamports: Lamports) -> String {
    let one = 10_u64.pow(LAMPORTS_DECIMALS);
    format!("{}.{:09}", lamports.0 / one, lamports.0 % one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_of_sol_is_exact_or_refused() {
        for (text, expected) in
            [("1", 1_000_000_000), ("0.000000001", 1), ("18446744073.709551615", u64::MAX), ("2.50", 2_500_000_000)]
        {
            assert_eq!(lamports(text), Ok(expected), "{text}");
        }
        for wrong in ["0", "-1", "0.0000000001", "18446744073.709551616", "1e3x", "", "many"] {
            assert!(lamports(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(sol(Lamports(1)), "0.000000001");
        assert_eq!(sol(Lamports(2_500_000_000)), "2.500000000");
    }

    #[test]
    fn a_new_key_is_the_one_in_its_file_and_no_two_are_the_same() {
        let folder = std::env::temp_dir().join(format!("zmart-keys-new-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let (first, second) = (new(&folder.join("a.json")).unwrap(), new(&folder.join("b.json")).unwrap());
        assert_ne!(first, second);
        assert_eq!(folder.join("a.json").display().to_string().parse::<Whose>().unwrap().wallet().unwrap(), first);
        assert!(matches!(new(&folder.join("a.json")), Err(KeysError::Write(WriteError::IsThere(_)))));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
