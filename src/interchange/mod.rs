//! What comes from other systems and what goes to them: exports, and the rows that
//! WordPress, Ghost and saved pages hold.
//!
//! Imports use it; it knows nothing of them.

pub mod article_row;
pub mod cells;
pub mod decode;
pub mod export;
pub mod handlers;
pub mod origins;
pub mod queries;
pub mod row_filters;
pub mod text_filters;
pub mod turns;

use utoipa_actix_web::service_config::ServiceConfig;

/// The route of the export. It comes before those of articles, so that `export` is not taken for the name of one.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::export_articles);
}
