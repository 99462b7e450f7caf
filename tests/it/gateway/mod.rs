//! The API as clients meet it: over a real chain, database and engine.

mod wallets;
