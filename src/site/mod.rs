//! The site itself: what a frontend needs to introduce it.

pub mod handlers;
pub mod model;
pub mod queries;
pub mod view;
pub mod writing;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes under `/site`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::get_site).service(handlers::update_site);
}
