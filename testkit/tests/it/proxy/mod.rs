//! Each fault of the proxy as a plain client sees it, before a node that the test writes itself.

mod accounts;
mod answers;
mod console;
mod history;
mod node;
mod notifications;
mod sockets;
mod vanish;
