//! The change feed: what has changed for a reader since a cursor.
//!
//! A cursor holds a position in the change log, which is a `pg_snapshot`, and the database's time at it. New for the cursor
//! is what was committed and not visible in its snapshot, however long the transaction stayed open; and what came into
//! sight, or went out of it, by time alone. Each thing is told once, as it is now: it can be seen, or it cannot any more. Of
//! what the reader could not see at the cursor's time, and cannot see now, nothing is told: triggers note in `visibility_changes`
//! what was in sight before it was taken away.

pub mod cursor;
pub mod events;
mod frames;
pub mod handlers;
mod head;
mod listener;
pub mod live;
pub mod model;
pub mod queries;
pub mod reading;
pub mod resolving;
pub mod view;
pub mod walking;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[handlers::GET_CHANGES, events::GET_EVENTS];

/// The routes under `/changes` and `/events`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::get_changes).service(events::get_events);
}
