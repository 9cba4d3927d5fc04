//! Sessions: opened by a login, extended by refresh tokens, ended by logout and by changes to the account.
//!
//! A session is the family of its refresh tokens. Each token can be used once.
//! A retry within `REFRESH_RETRY_WINDOW` returns the same child token, on any
//! node. Any later use ends the session, because then two clients hold the
//! token, and one of them has stolen it (RFC 9700 §4.14).

pub mod handlers;
pub mod memory;
pub mod queries;
pub mod view;
pub mod writing;
