//! The program's own errors: number, name, and what each means to whoever meets it (program facts, section 6).
//!
//! Owns the one table of them. Errors of the runtime and of Anchor (`Custom(0)`, 2006, 3012 …) are none of the program's
//! and are not here. The arithmetic of the domain answers with these very errors, so that a quote fails as the chain
//! would.

macro_rules! program_errors {
    ($($code:literal $name:ident $message:literal)*) => {
        /// An error of the program. Numbers run from 6000 without holes, in the order of the program's source.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        #[repr(u16)]
        pub enum ProgramError {
            $(#[doc = $message] #[error($message)] $name = $code,)*
        }

        impl ProgramError {
            /// All of them, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in the program's interface.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// What it means, and what to do where something can be done.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),* }
            }
        }
    };
}

program_errors! {
    6000 InvalidFeeConfiguration "the fees exceed 100 %"
    6001 InvalidThreshold "a threshold exceeds 100 % (10,000 basis points)"
    6002 InvalidTimeLimit "a period must be longer than zero seconds"
    6003 AlreadyInitialized "the config exists already"
    6004 InvalidFeeStructure "the new fees exceed 100 % in sum"
    6005 InvalidGlobalConfig "the account given is not the program's config"
    6006 InvalidStateTransition "the market is not in the phase that this step starts from"
    6007 InvalidMarketState "the market's phase does not allow this"
    6008 MarketPaused "the market is paused"
    6009 MarketCancelled "the market is cancelled"
    6010 ProtocolPaused "creation and trading are paused; try again when the admin resumes them"
    6011 CannotCancelMarket "only a proposed or approved market can be cancelled"
    6012 MarketAlreadyCancelled "the market is cancelled already"
    6013 ZeroAmount "the amount must not be zero"
    6014 InsufficientShares "more shares than are held"
    6015 SlippageExceeded "the trade would cost more, or bring less, than the limit given; quote again"
    6016 InsufficientLiquidity "the market cannot pay this amount"
    6017 InvalidLiquidity "the initial liquidity must not be zero"
    6018 TradeTooSmall "a trade must be worth at least 10,000 lamports"
    6019 ResolutionPeriodNotEnded "the resolution period has not ended"
    6020 DisputePeriodEnded "the period for disputes is over"
    6021 NoResolutionProposed "no resolution is proposed"
    6022 AlreadyClaimed "the position has been paid already"
    6023 NoWinnings "the position has nothing to claim"
    6024 NoVotesRecorded "no votes are recorded; report a tally first"
    6025 InsufficientVotes "the share of likes is below the approval threshold"
    6026 AlreadyResolved "an outcome is proposed already"
    6027 DisputePeriodNotEnded "the period for disputes is still running; finalize after it"
    6028 AlreadyDisputed "the outcome is disputed already"
    6029 Unauthorized "this account is not the one that may do this"
    6030 InvalidAdmin "not the admin"
    6031 InvalidResolver "the account given is not the market's resolver"
    6032 InsufficientReputation "the resolver's reputation is too low"
    6033 OverflowError "a number does not fit 64 bits; use a smaller amount"
    6034 UnderflowError "a number went below zero: the program's price curve does not allow this trade here; try another amount"
    6035 DivisionByZero "division by zero; every buy fails so while all fees are zero"
    6036 InvalidFixedPoint "not a fixed-point number"
    6037 InvalidLogarithm "no logarithm of this number"
    6038 ExponentialOverflow "the exponential is too large"
    6039 ExponentTooLarge "one outcome leads by more than twenty times the market's liquidity parameter"
    6040 InvalidInput "zero has no logarithm"
    6041 BoundedLossExceeded "the market has lost more than its bound"
    6042 InvalidBParameter "the liquidity parameter is zero, or below 100 shares and so cannot be traded"
    6043 InvalidMarketId "the position is of another market"
    6044 InvalidTimestamp "too early (the same second as the step before) or more than ten years after creation"
    6045 InvalidIpfsHash "not an IPFS hash"
    6046 InsufficientFunds "the market holds less than the amount"
    6047 WouldBreakRentExemption "the payout would leave less than the account's rent minimum"
    6048 Reentrant "the market is locked by another call"
    6049 InvalidReservedField "reserved bytes are not zero"
    6050 AlreadyVoted "the vote is cast already"
    6051 InvalidStateForVoting "the market's phase does not allow votes"
}

impl ProgramError {
    /// The number that a failed transaction shows as `Custom(number)`.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The error of a number; `None` for a number that is not the program's.
    pub fn from_code(code: u32) -> Option<Self> {
        let index = code.checked_sub(6000)?;
        Self::ALL.get(usize::try_from(index).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_those_of_the_interface() {
        let fixture = include_str!("../../tests/fixtures/codec.jsonl");
        let mut seen = 0;
        for line in fixture.lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            if row["kind"] != "error" {
                continue;
            }
            let code = u32::try_from(row["code"].as_u64().unwrap()).unwrap();
            let error = ProgramError::from_code(code).unwrap();
            assert_eq!((error.name(), error.code()), (row["name"].as_str().unwrap(), code));
            assert_eq!(error.to_string(), error.message());
            seen += 1;
        }
        assert_eq!(seen, 52);
        assert_eq!(ProgramError::ALL.len(), 52);
    }

    #[test]
    fn other_numbers_are_no_errors_of_the_program() {
        for code in [0, 1, 2006, 3012, 4100, 5999, 6052, u32::MAX] {
            assert_eq!(ProgramError::from_code(code), None, "{code}");
        }
    }
}
