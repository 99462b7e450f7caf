//! Tests of the development chain: the program against its recorded behaviour, and the chain over the wire.

mod client;
mod fixtures;
mod replay;
mod traces;
mod vm;
mod wire;
