//! Bulk import, for the API and for the command line.
//!
//! A body passes through four stages: [`decode`](crate::interchange::decode) (compression,
//! character set), [`rows`] (NDJSON, JSON array or CSV to rows), the [`pipeline`] (prepares a
//! batch on all cores while the previous one is written), [`report`] (the outcome of each row).
//! Every stage is bounded, and all imports share one budget of memory ([`batches`]), so that
//! memory does not grow with the body. Rows are checked against
//! the same schema and sanitiser as single writes.
//!
//! Batches are committed one after another, in the body's order. An interrupted import leaves
//! whole batches. Importing the same body again completes it; rows that are done are
//! `unchanged` and cost one comparison of digests.

pub mod articles;
pub mod batches;
mod body_errors;
pub mod category_ref;
pub mod csv_columns;
mod csv_records;
pub mod csv_rows;
pub mod ending;
mod event_stream;
pub mod handlers;
pub mod job;
mod json_items;
mod lookahead;
pub mod outcome;
pub mod params;
pub mod payload;
pub mod pipeline;
pub mod report;
mod row_text;
pub mod rows;
pub mod single_rows;
mod spool;
mod statistics;
mod threads;
pub mod view;
pub mod writer;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] =
    &[handlers::IMPORT_ARTICLES, handlers::IMPORT_CATEGORIES, handlers::IMPORT_NOTICES];

/// The import routes. They must precede the routes of the resources, which would match
/// `import` as a slug.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::import_articles)
        .service(handlers::import_categories)
        .service(handlers::import_notices);
}
