//! Why a pass over a table and the chain ended early. It is begun again; what lasts is told once.

use crate::{chain::rpc::ChainReadError, journal::JournalError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The database does not answer, or the lease is over.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The node does not answer, or not to be understood.
    #[error(transparent)]
    Chain(#[from] ChainReadError),
}

/// What goes wrong at each try until it is over: a warning when it begins, and a line when it is over. What is said in between is for
/// who looks closely: the first line has named it, and a log that says it twice a second hides what else there is.
#[derive(Debug, Default)]
pub struct Lasting {
    failures: u64,
}

impl Lasting {
    /// It failed once more: at which level that is told.
    pub fn failed(&mut self) -> log::Level {
        self.failures += 1;
        if self.failures == 1 { log::Level::Warn } else { log::Level::Debug }
    }

    /// It went well: after how many failures, if there were any.
    pub fn over(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.failures)).filter(|failures| *failures > 0)
    }
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    #[test]
    fn what_lasts_is_a_warning_once_each_time_that_it_begins() {
        let mut trouble = Lasting::default();
        assert_eq!(trouble.over(), None);
        assert_eq!([trouble.failed(), trouble.failed(), trouble.failed()], [Level::Warn, Level::Debug, Level::Debug]);
        assert_eq!((trouble.over(), trouble.over()), (Some(3), None));
        assert_eq!(trouble.failed(), Level::Warn);
    }
}
