//! Users: `/api/users/…`.

pub mod me;
