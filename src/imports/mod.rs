//! Bulk import, for the API and for the command line.
//!
//! A body runs through four stages, each bounded, so that memory does not grow
//! with it: [`decode`](crate::interchange::decode) (compression, character set), [`rows`] (NDJSON, JSON
//! array or CSV to rows), a [`pipeline`] that validates and sanitises batches on
//! all cores while the batch before is written, and [`report`], which tells
//! what became of each row. A row meets the schema and the sanitiser of single
//! writes; there is no second path with weaker checks.
//!
//! Batches are committed as they go, in the body's order. Whatever interrupts
//! an import leaves whole batches; the same body again completes it, and finds
//! what is done `unchanged` without looking twice.

pub mod articles;
pub mod body;
pub mod category_ref;
pub mod handlers;
pub mod job;
pub mod outcome;
pub mod params;
pub mod pipeline;
pub mod report;
pub mod rows;
pub mod small;
pub mod view;
pub mod writer;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes beside those of the resources. They come first, so that
/// `import` is not taken for the name of an article.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::import_articles)
        .service(handlers::import_categories)
        .service(handlers::import_notices);
}
