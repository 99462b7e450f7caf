//! The spine: from a transaction on the chain, through a market's actor and the journal, to every subscriber.

mod chaos;
mod notify;
mod phases;
mod readme;
mod rest;
mod start;
mod trades;
mod transcript;
mod verify;
mod websocket;

use zmart_testkit::load;
