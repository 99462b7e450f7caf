//! The program's errors: its own 52, and those that Anchor answers in its name.
//!
//! Owns: numbers, names, and the log line of a failure. Never: the decision to fail. Numbers are consecutive from 6000
//! in the order of `docs/program.md`, section 6; the messages are ours, clients go by number and name.

use std::panic::Location;

use solana_sdk::pubkey::Pubkey;

use super::host::{Host, Refused};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $message:literal;)*) => {
        /// An error by its number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Code { $($(#[$doc])* $name),* }

        impl Code {
            /// All codes, in order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The number that a client sees in `InstructionError::Custom`.
            pub const fn number(self) -> u32 {
                match self { $(Code::$name => $number),* }
            }

            /// The name that a client sees in the log.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$name => stringify!($name)),* }
            }

            /// One sentence for the log.
            pub const fn message(self) -> &'static str {
                match self { $(Code::$name => $message),* }
            }
        }
    };
}

codes! {
    InstructionFallbackNotFound = 101, "Fallback functions are not supported";
    InstructionDidNotDeserialize = 102, "The program could not deserialize the given instruction";
    ConstraintMut = 2000, "A mut constraint was violated";
    ConstraintHasOne = 2001, "A has one constraint was violated";
    ConstraintRaw = 2003, "A raw constraint was violated";
    ConstraintOwner = 2004, "An owner constraint was violated";
    ConstraintRentExempt = 2005, "A rent exemption constraint was violated";
    ConstraintSeeds = 2006, "A seeds constraint was violated";
    ConstraintSpace = 2019, "A space constraint was violated";
    AccountDiscriminatorNotFound = 3001, "No discriminator was found on the account";
    AccountDiscriminatorMismatch = 3002, "Account discriminator did not match what was expected";
    AccountDidNotDeserialize = 3003, "Failed to deserialize the account";
    AccountNotEnoughKeys = 3005, "Not enough account keys given to the instruction";
    AccountOwnedByWrongProgram = 3007, "The given account is owned by a different program than expected";
    InvalidProgramId = 3008, "Program ID was not as expected";
    AccountNotSigner = 3010, "The given account did not sign";
    AccountNotInitialized = 3012, "The program expected this account to be already initialized";
    TryingToInitPayerAsProgramAccount = 4101, "You cannot/should not initialize the payer account as a program account";
    InvalidFeeConfiguration = 6000, "The fees are more than the whole";
    InvalidThreshold = 6001, "A threshold is at most 10000 basis points";
    InvalidTimeLimit = 6002, "A time limit is positive";
    AlreadyInitialized = 6003, "Already initialized";
    InvalidFeeStructure = 6004, "The fees are more than the whole";
    InvalidGlobalConfig = 6005, "Not the configuration of this program";
    InvalidStateTransition = 6006, "The market can't go there from its state";
    InvalidMarketState = 6007, "Not possible in the market's state";
    MarketPaused = 6008, "The market is paused";
    MarketCancelled = 6009, "The market is cancelled";
    ProtocolPaused = 6010, "The protocol is paused";
    CannotCancelMarket = 6011, "Only a proposed or approved market can be cancelled";
    MarketAlreadyCancelled = 6012, "The market is cancelled already";
    ZeroAmount = 6013, "The amount is zero";
    InsufficientShares = 6014, "More shares than held";
    SlippageExceeded = 6015, "The price is outside the given limit";
    InsufficientLiquidity = 6016, "The market has not enough";
    InvalidLiquidity = 6017, "The initial liquidity is zero";
    TradeTooSmall = 6018, "The trade is below the minimum";
    ResolutionPeriodNotEnded = 6019, "The resolution period has not ended";
    DisputePeriodEnded = 6020, "The dispute period has ended";
    NoResolutionProposed = 6021, "No resolution was proposed";
    AlreadyClaimed = 6022, "The winnings were claimed already";
    NoWinnings = 6023, "Nothing to claim";
    NoVotesRecorded = 6024, "No votes were recorded";
    InsufficientVotes = 6025, "Below the approval threshold";
    AlreadyResolved = 6026, "The market is resolved already";
    DisputePeriodNotEnded = 6027, "The dispute period has not ended";
    AlreadyDisputed = 6028, "The market is disputed already";
    Unauthorized = 6029, "Not the authority for this";
    InvalidAdmin = 6030, "Not the admin";
    InvalidResolver = 6031, "Not the resolver of this market";
    InsufficientReputation = 6032, "Not enough reputation";
    OverflowError = 6033, "The result is too large";
    UnderflowError = 6034, "The result is negative";
    DivisionByZero = 6035, "Division by zero";
    InvalidFixedPoint = 6036, "Not a fixed-point number";
    InvalidLogarithm = 6037, "No logarithm of this";
    ExponentialOverflow = 6038, "The exponential is too large";
    ExponentTooLarge = 6039, "The exponent is too large";
    InvalidInput = 6040, "Not a valid input";
    BoundedLossExceeded = 6041, "The loss is above its bound";
    InvalidBParameter = 6042, "The liquidity parameter is out of range";
    InvalidMarketId = 6043, "Not of this market";
    InvalidTimestamp = 6044, "Not at this time";
    InvalidIpfsHash = 6045, "Not an IPFS hash";
    InsufficientFunds = 6046, "Not enough lamports";
    WouldBreakRentExemption = 6047, "The account would fall below its rent minimum";
    Reentrant = 6048, "The market is locked";
    InvalidReservedField = 6049, "The reserved bytes are not zero";
    AlreadyVoted = 6050, "Voted already";
    InvalidStateForVoting = 6051, "No votes in the market's state";
}

/// Where a failure was found: it decides how its log line begins.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// A check of a named account, with the two keys that differed, if it compared two keys and says so.
    Account(&'static str, Option<(Pubkey, Pubkey)>),
    /// A check of the instruction's body.
    Thrown(&'static Location<'static>),
    /// Somewhere below, and the line doesn't say where.
    Nowhere,
}

/// A failure with all that its log line says.
#[derive(Debug, Clone, Copy)]
pub struct Failure {
    code: Code,
    origin: Origin,
}

impl Failure {
    /// The number that the instruction fails with.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Writes the line (and, for a comparison of two keys, its two more lines).
    pub fn log(&self, host: &mut dyn Host) {
        let (number, name, message) = (self.code.number(), self.code.name(), self.code.message());
        let what = format!("Error Code: {name}. Error Number: {number}. Error Message: {message}.");
        match self.origin {
            Origin::Account(account, _) => host.log(&format!("AnchorError caused by account: {account}. {what}")),
            Origin::Thrown(at) => host.log(&format!("AnchorError thrown in {}:{}. {what}", at.file(), at.line())),
            Origin::Nowhere => host.log(&format!("AnchorError occurred. {what}")),
        }
        if let Origin::Account(_, Some((left, right))) = self.origin {
            host.log(&format!("Left: {left}"));
            host.log(&format!("Right: {right}"));
        }
    }
}

/// Why an instruction stopped.
#[derive(Debug, Clone, Copy)]
pub enum Abort {
    /// The program said no.
    Failure(Failure),
    /// The machine said no, and knows why.
    Refused,
}

impl From<Refused> for Abort {
    fn from(Refused: Refused) -> Self {
        Abort::Refused
    }
}

impl From<Code> for Abort {
    /// A code out of a calculation: the arithmetic's limits come without a place, its checks of the input with one.
    #[track_caller]
    fn from(code: Code) -> Self {
        let origin = match code {
            Code::ExponentTooLarge | Code::InvalidBParameter | Code::InvalidInput | Code::InsufficientShares => {
                Origin::Thrown(Location::caller())
            }
            _ => Origin::Nowhere,
        };
        Abort::Failure(Failure { code, origin })
    }
}

/// The outcome of a step of the program.
pub type Outcome<T = ()> = Result<T, Abort>;

/// A failed check of the account called `account`.
pub fn at_account(code: Code, account: &'static str) -> Abort {
    Abort::Failure(Failure { code, origin: Origin::Account(account, None) })
}

/// A failed comparison of two keys at the account called `account`.
pub fn at_keys(code: Code, account: &'static str, left: Pubkey, right: Pubkey) -> Abort {
    Abort::Failure(Failure { code, origin: Origin::Account(account, Some((left, right))) })
}

/// A failed check in the body of an instruction.
#[track_caller]
pub fn thrown(code: Code) -> Abort {
    Abort::Failure(Failure { code, origin: Origin::Thrown(Location::caller()) })
}

/// Stops with `code` unless `condition` holds.
#[track_caller]
pub fn require(condition: bool, code: Code) -> Outcome {
    if condition { Ok(()) } else { Err(thrown(code)) }
}
