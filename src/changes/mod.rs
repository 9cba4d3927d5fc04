//! The change log: one line for every change, in the change's own transaction.
//!
//! Whatever follows from a change reads this log. After a commit every listener
//! of the channel [`CHANNEL`] is notified that there is something new; the
//! payload is the node that wrote it. What has changed is in the log alone.

pub mod model;
pub mod queries;

/// The NOTIFY channel of the change log.
pub const CHANNEL: &str = "inkstone_changes";
