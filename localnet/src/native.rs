//! The program's machine over the runtime's `InvokeContext`: the program as a builtin.
//!
//! Owns: account borrows, inner calls, log lines, and the two entry points. Never: a rule of the program. No borrow is
//! held across an inner call.

use solana_instruction_error::InstructionError;
use solana_program_runtime::invoke_context::{BuiltinFunctionRegisterer, InvokeContext};
use solana_program_runtime::solana_sbpf::program::BuiltinFunctionDefinition;
use solana_program_runtime::solana_sbpf::vm::ContextObject;
use solana_program_runtime::{declare_process_instruction, stable_log};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_system_interface::instruction as system;
use solana_transaction_context::instruction::InstructionContext;

use crate::program::error::Abort;
use crate::program::host::{AccountView, Host, Refused, Seeds};
use crate::program::{Payout, process};

/// Compute units that every instruction takes on top of its inner calls. The deployed program's own use is not known;
/// this is a plausible amount, not a measured one.
const COMPUTE_UNITS: u64 = 20_000;

/// The two entry points, as the runtime's macro declares them.
mod entry {
    #![allow(missing_docs)]

    use super::{COMPUTE_UNITS, Payout, declare_process_instruction, run};

    declare_process_instruction!(Repaired, COMPUTE_UNITS, |context| { run(context, Payout::Direct) });
    declare_process_instruction!(Deployed, COMPUTE_UNITS, |context| { run(context, Payout::AsDeployed) });
}

/// What the runtime registers the program with.
pub fn registerer(payout: Payout) -> BuiltinFunctionRegisterer {
    match payout {
        Payout::Direct => <entry::Repaired as BuiltinFunctionDefinition<_>>::register,
        Payout::AsDeployed => <entry::Deployed as BuiltinFunctionDefinition<_>>::register,
    }
}

fn run(context: &mut InvokeContext, payout: Payout) -> Result<(), InstructionError> {
    let (program_id, data) = {
        let instruction = context.transaction_context.get_current_instruction_context()?;
        (*instruction.get_program_key()?, instruction.get_instruction_data().to_vec())
    };
    let available = context.get_remaining().saturating_add(COMPUTE_UNITS);
    let mut machine = Machine { context, program_id, reason: None };
    let outcome = process(&mut machine, &data, payout);
    let reason = machine.reason.take();
    let used = available.saturating_sub(context.get_remaining());
    if let Some(log) = context.get_log_collector() {
        log.borrow_mut().log(&format!("Program {program_id} consumed {used} of {available} compute units"));
    }
    outcome.map_err(|abort| match abort {
        Abort::Failure(failure) => InstructionError::Custom(failure.code().number()),
        Abort::Refused => reason.unwrap_or(InstructionError::GenericError),
    })
}

struct Machine<'m, 'a, 'd> {
    context: &'m mut InvokeContext<'a, 'd>,
    program_id: Pubkey,
    /// Why the runtime refused; the program only knows that it did.
    reason: Option<InstructionError>,
}

impl Machine<'_, '_, '_> {
    fn keep<T>(&mut self, result: Result<T, InstructionError>) -> Result<T, Refused> {
        result.map_err(|reason| {
            self.reason = Some(reason);
            Refused
        })
    }

    fn instruction(&self) -> Result<InstructionContext<'_, '_>, InstructionError> {
        self.context.transaction_context.get_current_instruction_context()
    }

    fn view(&self, index: usize) -> Result<AccountView, InstructionError> {
        let instruction = self.instruction()?;
        let account = instruction.try_borrow_instruction_account(narrow(index)?)?;
        Ok(AccountView {
            key: *account.get_key(),
            owner: *account.get_owner(),
            lamports: account.get_lamports(),
            signer: account.is_signer(),
            writable: account.is_writable(),
        })
    }

    fn key(&mut self, index: usize) -> Result<Pubkey, Refused> {
        let key = self.view(index).map(|view| view.key);
        self.keep(key)
    }

    fn call(&mut self, instruction: Instruction, signers: &[&[&[u8]]]) -> Result<(), Refused> {
        let result = self.context.native_invoke_signed(instruction, signers);
        self.keep(result)
    }

    fn overwrite(&mut self, index: usize, bytes: &[u8]) -> Result<(), InstructionError> {
        let instruction = self.instruction()?;
        let mut account = instruction.try_borrow_instruction_account(narrow(index)?)?;
        let data = account.get_data_mut()?;
        data.get_mut(..bytes.len()).ok_or(InstructionError::AccountDataTooSmall)?.copy_from_slice(bytes);
        Ok(())
    }

    fn add_and_subtract(&mut self, from: usize, to: usize, lamports: u64) -> Result<(), InstructionError> {
        let instruction = self.instruction()?;
        instruction.try_borrow_instruction_account(narrow(from)?)?.checked_sub_lamports(lamports)?;
        instruction.try_borrow_instruction_account(narrow(to)?)?.checked_add_lamports(lamports)
    }
}

fn narrow(index: usize) -> Result<u16, InstructionError> {
    u16::try_from(index).map_err(|_| InstructionError::MissingAccount)
}

impl Host for Machine<'_, '_, '_> {
    fn program_id(&self) -> Pubkey {
        self.program_id
    }

    fn account(&self, index: usize) -> Option<AccountView> {
        self.view(index).ok()
    }

    fn data(&self, index: usize) -> Result<Vec<u8>, Refused> {
        let read = || -> Result<Vec<u8>, InstructionError> {
            let instruction = self.instruction()?;
            Ok(instruction.try_borrow_instruction_account(narrow(index)?)?.get_data().to_vec())
        };
        read().map_err(|_| Refused)
    }

    fn write(&mut self, index: usize, bytes: &[u8]) -> Result<(), Refused> {
        let result = self.overwrite(index, bytes);
        self.keep(result)
    }

    fn move_lamports(&mut self, from: usize, to: usize, lamports: u64) -> Result<(), Refused> {
        let result = self.add_and_subtract(from, to, lamports);
        self.keep(result)
    }

    fn now(&self) -> Result<i64, Refused> {
        let clock = self.context.environment_config.sysvar_cache().get_clock();
        clock.map(|clock| clock.unix_timestamp).map_err(|_| Refused)
    }

    fn rent_minimum(&self, space: usize) -> Result<u64, Refused> {
        let rent = self.context.environment_config.sysvar_cache().get_rent();
        rent.map(|rent| rent.minimum_balance(space)).map_err(|_| Refused)
    }

    fn log(&mut self, message: &str) {
        stable_log::program_log(&self.context.get_log_collector(), message);
    }

    fn event(&mut self, bytes: &[u8]) {
        stable_log::program_data(&self.context.get_log_collector(), &[bytes]);
    }

    fn transfer(&mut self, from: usize, to: usize, lamports: u64) -> Result<(), Refused> {
        let (from, to) = (self.key(from)?, self.key(to)?);
        self.call(system::transfer(&from, &to, lamports), &[])
    }

    fn create(&mut self, payer: usize, account: usize, lamports: u64, space: u64, seeds: Seeds) -> Result<(), Refused> {
        let (payer, account, owner) = (self.key(payer)?, self.key(account)?, self.program_id);
        self.call(system::create_account(&payer, &account, lamports, space, &owner), &[seeds])
    }

    fn allocate(&mut self, account: usize, space: u64, seeds: Seeds) -> Result<(), Refused> {
        let account = self.key(account)?;
        self.call(system::allocate(&account, space), &[seeds])
    }

    fn assign(&mut self, account: usize, seeds: Seeds) -> Result<(), Refused> {
        let (account, owner) = (self.key(account)?, self.program_id);
        self.call(system::assign(&account, &owner), &[seeds])
    }
}
