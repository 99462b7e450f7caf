//! Reading history.
