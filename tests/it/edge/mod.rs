//! What surrounds every route, over real engines: limits that nodes share, and what becomes of them without Redis.

mod hostile;
mod redis;
mod signed_in;
