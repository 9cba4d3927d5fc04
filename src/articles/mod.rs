//! Articles: what the site is for.
//!
//! An article is a draft, published, or archived. Published with a time that has
//! not come, it is invisible until then; nothing has to run for it to appear. Deleted, it is in the trash, and can be restored. Its views are
//! counted beside it.

pub mod alike;
pub mod answer_tags;
pub mod archive;
pub mod archive_month;
pub mod by_url;
pub mod duplicates;
pub mod former_slugs;
pub mod handlers;
pub mod input;
pub mod latest;
pub mod list_pages;
pub mod listing;
pub mod model;
pub mod queries;
pub mod reading;
pub mod related;
pub mod relations;
pub mod searching;
pub mod seen_views;
pub mod view;
pub mod view_context;
pub mod view_counter;
pub mod writing;

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[
    latest::LIST_CATEGORIES,
    reading::LIST_ARTICLES,
    duplicates::LIST_DUPLICATE_ARTICLES,
    archive::LIST_ARCHIVE_MONTHS,
    by_url::GET_ARTICLE_BY_URL,
    reading::GET_ARTICLE,
    reading::GET_ARTICLE_BY_EXTERNAL_ID,
    handlers::CREATE_ARTICLE,
    handlers::PUT_ARTICLE,
    handlers::UPDATE_ARTICLE,
    handlers::DELETE_ARTICLE,
    handlers::RESTORE_ARTICLE,
    view_counter::COUNT_ARTICLE_VIEW,
    view_counter::COUNT_ARTICLE_VIEWS,
];

/// The routes under `/articles`, and the list of categories, which can have articles in it.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(latest::list_categories).service(
        scope("/articles")
            .service(reading::list_articles)
            .service(handlers::create_article)
            .service(reading::get_article_by_external_id)
            .service(handlers::put_article)
            .service(duplicates::list_duplicate_articles)
            .service(archive::list_archive_months)
            .service(by_url::get_article_by_url)
            .service(reading::get_article)
            .service(handlers::update_article)
            .service(handlers::delete_article)
            .service(handlers::restore_article)
            .service(view_counter::count_article_views)
            .service(view_counter::count_article_view),
    );
}
