//! The category tree of a site.
//!
//! A category has a parent or is a root. The tree is small, so it is read as a
//! whole; it holds no cycles, because every change of its shape is made under
//! one lock. A category that holds articles or categories is not deleted unless
//! the request says where they go.

pub mod answer_tags;
pub mod handlers;
pub mod model;
pub mod moving;
pub mod queries;
pub mod view;
pub mod writing;

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[
    handlers::GET_CATEGORY,
    handlers::CREATE_CATEGORY,
    handlers::UPDATE_CATEGORY,
    handlers::DELETE_CATEGORY,
];

/// The routes under `/categories`, but for the list (`articles::latest`), which can have articles in it.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        scope("/categories")
            .service(handlers::create_category)
            .service(handlers::get_category)
            .service(handlers::update_category)
            .service(handlers::delete_category),
    );
}
