//! Users: `/api/users/…`. Here is only the caller's own profile, which never shows another's.

pub mod me;
