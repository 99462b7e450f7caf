//! How the accounts of an instruction are taken in, in Anchor's order.
//!
//! Owns: the parse of each account (signer, owner, discriminator), the creation of new ones, the checks of addresses
//! and of writability. Never: a rule of the market. The order is observable: all accounts are parsed first, then every
//! new account is created, then the other checks run in field order, then the instruction's body (`docs/program.md`,
//! section 4). So each instruction calls these in that order by hand.

use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::system_program;

use super::error::{Abort, Code, Outcome, at_account, at_keys};
use super::host::{AccountView, Host};
use super::layout::{GlobalConfig, Layout, MarketAccount, UserPosition, discriminator, encode, seeds};

/// An account of the instruction, by its place and the name it has in the interface.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) index: usize,
    pub(crate) key: Pubkey,
    pub(crate) name: &'static str,
    writable: bool,
}

impl Place {
    /// Fails unless the instruction may change the account.
    pub(crate) fn writable(&self) -> Outcome {
        if self.writable { Ok(()) } else { Err(at_account(Code::ConstraintMut, self.name)) }
    }

    /// Fails with `code` at this account unless `condition` holds.
    pub(crate) fn require(&self, condition: bool, code: Code) -> Outcome {
        if condition { Ok(()) } else { Err(at_account(code, self.name)) }
    }

    /// Fails with `code` at this account, and the two keys in the log, unless they are equal.
    pub(crate) fn has_one(&self, held: Pubkey, given: Pubkey, code: Code) -> Outcome {
        if held == given { Ok(()) } else { Err(at_keys(code, self.name, held, given)) }
    }

    /// The balance at this moment, in lamports.
    pub(crate) fn lamports(&self, host: &dyn Host) -> Outcome<u64> {
        Ok(view(host, self.index, self.name)?.lamports)
    }
}

/// A parsed account of the program.
#[derive(Debug)]
pub(crate) struct Loaded<T> {
    pub(crate) at: Place,
    pub(crate) value: T,
}

impl<T: Layout> Loaded<T> {
    /// Writes the value back, as Anchor does for a `mut` account when the instruction ends well.
    pub(crate) fn save(&self, host: &mut dyn Host) -> Outcome {
        Ok(host.write(self.at.index, &encode(&self.value))?)
    }

    /// Fails unless the account is at the address of these seeds and this bump.
    pub(crate) fn seeds(&self, host: &dyn Host, seeds: &[&[u8]], bump: u8) -> Outcome {
        let wrong = || at_account(Code::ConstraintSeeds, self.at.name);
        let bump = [bump];
        let with_bump: Vec<&[u8]> = seeds.iter().copied().chain([&bump[..]]).collect();
        let expected = Pubkey::create_program_address(&with_bump, &host.program_id()).map_err(|_| wrong())?;
        if expected == self.at.key {
            Ok(())
        } else {
            Err(at_keys(Code::ConstraintSeeds, self.at.name, self.at.key, expected))
        }
    }
}

impl Loaded<GlobalConfig> {
    /// The address check of the configuration.
    pub(crate) fn check(&self, host: &dyn Host) -> Outcome {
        self.seeds(host, &[seeds::GLOBAL_CONFIG], self.value.bump)
    }
}

impl Loaded<MarketAccount> {
    /// The address check of a market.
    pub(crate) fn check(&self, host: &dyn Host) -> Outcome {
        self.seeds(host, &[seeds::MARKET, &self.value.market_id], self.value.bump)
    }
}

impl Loaded<UserPosition> {
    /// The address check of a position of `user` in `market`.
    pub(crate) fn check(&self, host: &dyn Host, market: Pubkey, user: Pubkey) -> Outcome {
        self.seeds(host, &[seeds::POSITION, market.as_ref(), user.as_ref()], self.value.bump)
    }
}

fn view(host: &dyn Host, index: usize, name: &'static str) -> Outcome<AccountView> {
    host.account(index).ok_or_else(|| at_account(Code::AccountNotEnoughKeys, name))
}

/// Reads an account of the program; `view` must be of `index` and current.
fn parse<T: Layout>(host: &dyn Host, view: AccountView, index: usize, name: &'static str) -> Outcome<T> {
    if view.owner == system_program::ID && view.lamports == 0 {
        return Err(at_account(Code::AccountNotInitialized, name));
    }
    if view.owner != host.program_id() {
        return Err(at_keys(Code::AccountOwnedByWrongProgram, name, view.owner, host.program_id()));
    }
    let data = host.data(index)?;
    let Some((kind, mut rest)) = data.split_at_checked(8) else {
        return Err(at_account(Code::AccountDiscriminatorNotFound, name));
    };
    if kind != discriminator("account", T::NAME) {
        return Err(at_account(Code::AccountDiscriminatorMismatch, name));
    }
    T::deserialize(&mut rest).map_err(|_| at_account(Code::AccountDidNotDeserialize, name))
}

/// Takes the accounts one after the other.
pub(crate) struct Cursor<'a> {
    host: &'a dyn Host,
    next: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(host: &'a dyn Host) -> Self {
        Self { host, next: 0 }
    }

    fn take(&mut self, name: &'static str) -> Outcome<(Place, AccountView)> {
        let index = self.next;
        let view = view(self.host, index, name)?;
        self.next += 1;
        Ok((Place { index, key: view.key, name, writable: view.writable }, view))
    }

    /// An account that is not looked at while parsing: unchecked, or about to be created.
    pub(crate) fn any(&mut self, name: &'static str) -> Outcome<Place> {
        Ok(self.take(name)?.0)
    }

    /// An account that signed.
    pub(crate) fn signer(&mut self, name: &'static str) -> Outcome<Place> {
        let (place, view) = self.take(name)?;
        place.require(view.signer, Code::AccountNotSigner)?;
        Ok(place)
    }

    /// The system program.
    pub(crate) fn system_program(&mut self) -> Outcome<Place> {
        let (place, view) = self.take("system_program")?;
        if view.key != system_program::ID {
            return Err(at_keys(Code::InvalidProgramId, place.name, view.key, system_program::ID));
        }
        Ok(place)
    }

    /// An existing account of the program.
    pub(crate) fn account<T: Layout>(&mut self, name: &'static str) -> Outcome<Loaded<T>> {
        let (at, view) = self.take(name)?;
        let value = parse(self.host, view, at.index, name)?;
        Ok(Loaded { at, value })
    }
}

/// Finds the canonical bump of `seeds`, and fails unless the account is at that address.
fn canonical(host: &dyn Host, at: Place, seeds: &[&[u8]]) -> Outcome<u8> {
    let (expected, bump) = Pubkey::find_program_address(seeds, &host.program_id());
    if at.key == expected { Ok(bump) } else { Err(at_keys(Code::ConstraintSeeds, at.name, at.key, expected)) }
}

/// Creates the account with `T`'s space at the address of `seeds`: one inner call, or up to three when lamports are
/// there already. Answers the bump.
pub(crate) fn create<T: Layout>(host: &mut dyn Host, at: Place, payer: Place, seeds: &[&[u8]]) -> Outcome<u8> {
    let bump = canonical(host, at, seeds)?;
    let last = [bump];
    let with_bump: Vec<&[u8]> = seeds.iter().copied().chain([&last[..]]).collect();
    let space = T::SPACE as u64;
    let minimum = host.rent_minimum(T::SPACE)?;
    let present = at.lamports(host)?;
    if present == 0 {
        host.create(payer.index, at.index, minimum, space, &with_bump)?;
    } else {
        if payer.key == at.key {
            return Err(at_account(Code::TryingToInitPayerAsProgramAccount, at.name));
        }
        let missing = minimum.max(1).saturating_sub(present);
        if missing > 0 {
            host.transfer(payer.index, at.index, missing)?;
        }
        host.allocate(at.index, space, &with_bump)?;
        host.assign(at.index, &with_bump)?;
    }
    at.writable()?;
    Ok(bump)
}

/// What an account that is created if needed turned out to be.
pub(crate) enum InitIfNeeded<T> {
    /// New, with this bump; its bytes are all zero.
    New(u8),
    /// It was there.
    Present(Loaded<T>),
}

/// Creates the account unless it exists.
pub(crate) fn create_if_needed<T: Layout>(
    host: &mut dyn Host,
    at: Place,
    payer: Place,
    seeds: &[&[u8]],
) -> Outcome<InitIfNeeded<T>> {
    let bump = canonical(host, at, seeds)?;
    let before = view(host, at.index, at.name)?;
    if before.owner == system_program::ID {
        return create::<T>(host, at, payer, seeds).map(|_| InitIfNeeded::New(bump));
    }
    let value = parse(host, before, at.index, at.name)?;
    at.require(host.data(at.index)?.len() == T::SPACE, Code::ConstraintSpace)?;
    at.require(before.owner == host.program_id(), Code::ConstraintOwner)?;
    at.require(before.lamports >= host.rent_minimum(T::SPACE)?, Code::ConstraintRentExempt)?;
    at.writable()?;
    Ok(InitIfNeeded::Present(Loaded { at, value }))
}

/// Reads the arguments of an instruction; bytes behind them are ignored.
pub(crate) fn arguments<T: borsh::BorshDeserialize>(mut data: &[u8]) -> Outcome<T> {
    T::deserialize(&mut data).map_err(|_| Abort::from(Code::InstructionDidNotDeserialize))
}
