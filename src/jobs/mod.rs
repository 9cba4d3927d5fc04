//! Long work: a request that would take minutes is answered at once, and done in steps.
//!
//! A job is a row. A step locks the row, does a bounded piece of the work, notes the progress, and
//! commits all of it together. Any process does the next step: a job goes on after a crash, and two
//! processes never do the same step. What a step does is known to the feature whose work it is.

pub mod handlers;
pub mod model;
pub mod queries;
pub mod view;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[handlers::GET_JOB];

/// The route under `/jobs`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::get_job);
}
