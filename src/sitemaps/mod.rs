//! Sitemaps: the addresses of all public pages, for search engines (<https://www.sitemaps.org/protocol.html>).
//!
//! An index names the files. Articles are cut by the month in which they came out, so that a new one changes one file.

pub mod answer_tags;
pub mod handlers;
mod loading;
pub mod model;
mod names;
pub mod queries;
mod xml_files;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[handlers::GET_SITEMAP_INDEX, handlers::GET_SITEMAP];

/// The routes of `/sitemap.xml` and under `/sitemaps`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::get_sitemap_index).service(handlers::get_sitemap);
}
