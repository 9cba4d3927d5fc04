//! The site itself: what a frontend needs to introduce it.

pub mod handlers;
pub mod links;
pub mod model;
pub mod queries;
pub mod view;
pub mod writing;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[handlers::GET_SITE, handlers::UPDATE_SITE];

/// The routes under `/site`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::get_site).service(handlers::update_site);
}
