//! The audit trail: the change log, for admins to read.

pub mod handlers;
pub mod view;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[handlers::LIST_CHANGES];

/// The routes under `/audit`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::list_changes);
}
