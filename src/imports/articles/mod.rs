//! Articles in bulk. Rows are prepared on all cores, then each batch is written in one transaction.

pub mod copies;
pub mod extra_keys;
mod fingerprints;
pub mod identity;
mod pending_write;
pub mod prepare;
pub mod queries;
pub mod slug_repair;
mod slugs;
pub mod writing;
