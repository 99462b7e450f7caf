//! The authorities' keys: are they there, are they the program's, what do they hold, and can the one that pays pay?
//!
//! Reads of a key whose it is, and nothing else.

use super::finding::Finding;
use crate::{
    chain::{
        keys::{AuthorityKeys, KeyError, KeySource, KeySources},
        rpc::ChainRpc,
    },
    cli::keys::sol,
    config::{Config, Environment},
    domain::{account::GlobalConfigAccount, amount::Lamports, ids::Wallet},
};

/// Looks at both.
pub async fn look(config: &Config, rpc: &Option<ChainRpc>, account: Option<&GlobalConfigAccount>) -> Vec<Finding> {
    let KeySources { backend, admin } = &config.governance.keys;
    if !config.node.roles.governs() {
        return vec![match (backend, admin) {
            (None, None) => Finding::skipped("keys", "this node does not govern (ROLES)"),
            _ => {
                let advice = "take it away: only nodes with aggregator or monitor among their ROLES use one";
                Finding::warning("keys", "this node does not govern, and was given a key", advice)
            }
        }];
    }
    let is_strict = config.environment == Environment::Production;
    let without = "governance is only looked at, and alerted of: set BACKEND_KEYPAIR_PATH on one node";
    let (backend, wallet) = one("backend key", backend, is_strict, account.map(|it| it.backend_authority), without);
    let without = "an admin has to approve by hand: set ADMIN_KEYPAIR_PATH where the engine shall";
    let (admin, admins) = one("admin key", admin, is_strict, account.map(|it| it.admin), without);
    let mut findings = vec![backend, admin];
    let low = Lamports(config.governance.low_balance_lamports);
    for (check, wallet, pays) in [("balance", wallet, true), ("admin balance", admins, false)] {
        if let (Some(wallet), Some(rpc)) = (wallet, rpc) {
            findings.push(match rpc.balance(wallet).await {
                Ok(held) => of_balance(check, wallet, held, low, pays),
                Err(error) => Finding::failed(check, error.to_string(), "look at the node"),
            });
        }
    }
    findings
}

/// A key, and whose it is.
fn one(
    check: &'static str,
    source: &Option<KeySource>,
    is_strict: bool,
    wanted: Option<Wallet>,
    without: &str,
) -> (Finding, Option<Wallet>) {
    let Some(source) = source else { return (Finding::warning(check, "there is none here", without), None) };
    let load = |is_strict| {
        let sources = KeySources { backend: Some(source.clone()), admin: None };
        AuthorityKeys::load(&sources, is_strict).map(|keys| keys.wallets().into_iter().next().map(|(_, whose)| whose))
    };
    // Strictly first: what is only warned of elsewhere is told as a warning here.
    let (loaded, open) = match load(true) {
        Err(open @ KeyError::OpenToOthers { .. }) if !is_strict => (load(false), Some(open)),
        loaded => (loaded, None),
    };
    let wallet = match loaded {
        Ok(wallet) => wallet,
        Err(error) => {
            let advice = "`zmart keys new` makes such a file, `zmart keys pubkey` reads one; chmod 600";
            return (Finding::failed(check, error.to_string(), advice), None);
        }
    };
    let Some(wallet) = wallet else { return (Finding::failed(check, "it can't be read", "look at the file"), None) };
    (of_key(check, wallet, wanted, open), Some(wallet))
}

fn of_key(check: &'static str, wallet: Wallet, wanted: Option<Wallet>, open: Option<KeyError>) -> Finding {
    match (wanted, open) {
        (Some(wanted), _) if wanted != wallet => {
            let seen = format!("it is {wallet}'s, and the program's config names {wanted}");
            Finding::failed(check, seen, "name the file with that key: the config names its authorities for good")
        }
        (_, Some(open)) => Finding::warning(check, open.to_string(), "chmod 600; production refuses it"),
        (Some(_), None) => Finding::ok(check, format!("{wallet}, as the program's config names it")),
        (None, None) => Finding::warning(
            check,
            format!("{wallet}"),
            "whether it is the right one only a program that is set up tells",
        ),
    }
}

/// `pays`: it pays for what governance sends. The other one pays for nothing from here, but the monitor raises `balance_low` of
/// both.
fn of_balance(check: &'static str, wallet: Wallet, held: Lamports, low: Lamports, pays: bool) -> Finding {
    let seen = format!("{wallet} holds {} SOL", sol(held));
    let advice = match pays {
        true => "send it some: it pays for what governance sends (on a test network: `zmart keys airdrop`)",
        false => "send it some, for what an admin does by hand: `balance_low` is raised of it, too",
    };
    match held {
        Lamports(0) if pays => Finding::failed(check, seen, advice),
        held if held < low => {
            Finding::warning(check, format!("{seen}, less than AUTHORITY_LOW_BALANCE_LAMPORTS"), advice)
        }
        _ => Finding::ok(check, seen),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::{super::finding::State, *};
    use crate::cli::keys::file::write_new;

    #[test]
    fn a_key_that_is_open_or_not_the_programs_is_told() {
        let folder = std::env::temp_dir().join(format!("zmart-doctor-keys-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let path = folder.join("key.json");
        let key = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
        write_new(&path, &key.to_keypair_bytes()).unwrap();
        let own = Wallet(key.verifying_key().to_bytes());
        let source = Some(KeySource::File(path.clone()));
        let state = |is_strict, wanted| one("a key", &source, is_strict, wanted, "").0.state;
        assert_eq!(state(true, Some(own)), State::Ok);
        assert_eq!(state(true, Some(Wallet([1; 32]))), State::Failed);
        assert_eq!(state(true, None), State::Warning, "nobody says that it is the right one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(state(false, Some(own)), State::Warning);
        assert_eq!(state(true, Some(own)), State::Failed);
        fs::write(&path, "[1,2]").unwrap();
        let finding = one("a key", &source, false, None, "").0;
        assert!(finding.state == State::Failed, "{finding}");
        assert_eq!(one("a key", &None, true, Some(own), "do it").0.advice.as_deref(), Some("do it"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn who_can_not_pay_fails() {
        let state = |held, pays| of_balance("balance", Wallet([1; 32]), Lamports(held), Lamports(500), pays).state;
        assert_eq!([0, 499, 500].map(|held| state(held, true)), [State::Failed, State::Warning, State::Ok]);
        assert_eq!([0, 499, 500].map(|held| state(held, false)), [State::Warning, State::Warning, State::Ok]);
    }
}
