//! The change log: one line for every change, in the change's own transaction.
//!
//! Whatever follows from a change reads this log. On commit PostgreSQL tells
//! every listener of the channel [`CHANNEL`] `entity:id`, or `entity:*` after a
//! bulk change.

pub mod model;
pub mod queries;

/// The NOTIFY channel on which committed changes are told.
pub const CHANNEL: &str = "inkstone_changes";
