//! Searching the whole site: articles and notices together, with counts to narrow the search by.

pub mod facets;
pub mod handlers;
pub mod suggestions;
pub mod view;

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[handlers::LIST_SEARCH_RESULTS, suggestions::LIST_SUGGESTIONS];

/// Its paths.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        scope("/search").service(handlers::list_search_results).service(suggestions::list_suggestions),
    );
}
