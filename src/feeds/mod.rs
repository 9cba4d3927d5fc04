//! Feeds of what is new, for readers and other sites: Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1.
//!
//! A feed is the first page of a list as a file. It shows what visitors see, and leads to the pages of the frontend.

pub mod answer_tags;
mod atom;
pub mod handlers;
mod json_feed;
pub mod loading;
pub mod model;
pub mod names;
pub mod queries;
mod rss;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[
    handlers::GET_ARTICLE_FEED,
    handlers::GET_CATEGORY_FEED,
    handlers::GET_TAG_FEED,
    handlers::GET_AUTHOR_FEED,
    handlers::GET_NOTICE_FEED,
];

/// The routes under `/feeds`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::get_article_feed)
        .service(handlers::get_category_feed)
        .service(handlers::get_tag_feed)
        .service(handlers::get_author_feed)
        .service(handlers::get_notice_feed);
}
