//! Who asks: sign-in, tokens, and what handlers are told of the caller.

pub mod caller;
