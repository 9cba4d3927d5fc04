//! Formats for exchange with other systems: the article export, and readers for WordPress,
//! Ghost and saved pages.
//!
//! The import engine uses this module, never the reverse.

pub mod article_row;
pub mod cell_dates;
pub mod cells;
pub mod channel_reader;
pub mod charsets;
pub mod decode;
pub mod export;
pub mod handlers;
pub mod line_queue;
pub mod origins;
pub mod queries;
pub mod row_filters;
pub mod source_file;
pub mod text_filters;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[handlers::EXPORT_ARTICLES];

/// The export's route. It must precede the routes of articles, which would match `export` as a slug.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::export_articles);
}
