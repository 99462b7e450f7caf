//! Tests of the development chain: the program against its recorded behaviour, and the chain over the wire.

mod checks;
mod client;
mod fixtures;
mod replay;
mod sell;
mod state;
mod traces;
mod vectors;
mod vm;
mod wire;
