//! The home page: blocks that staff compose, and that a frontend gets filled in one answer.
//!
//! Until somebody composes it, it has the newest articles, the notices, and a block for each root category.

pub mod composing;
pub mod filling;
pub mod handlers;
pub mod model;
pub mod queries;
pub mod view;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] =
    &[handlers::GET_HOME, handlers::GET_HOME_COMPOSITION, handlers::PUT_HOME_COMPOSITION];

/// Its routes.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::get_home)
        .service(handlers::get_home_composition)
        .service(handlers::put_home_composition);
}
