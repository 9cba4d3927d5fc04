//! The tags of articles: how many public articles have each, and other names for them.
//!
//! Triggers count the published articles of each tag, whoever writes to `articles`. Those whose time has not come are taken
//! off when a count is read. A tag is renamed in all articles at once, or in steps of a job.

pub mod handlers;
pub mod queries;
pub mod renaming;
pub mod view;

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[handlers::LIST_TAGS, handlers::GET_TAG, handlers::UPDATE_TAG];

/// The routes under `/tags`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        scope("/tags").service(handlers::list_tags).service(handlers::get_tag).service(handlers::update_tag),
    );
}
