//! The contents page: every path there is, a line a feature.

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;
use crate::{
    articles, audit, categories, change_feed, feeds, health, home, imports, interchange, jobs, media,
    members, menus, notices, site, site_search, sitemaps, tags, webhooks,
};

/// The entries of all operations.
pub const OPERATIONS: &[&[Operation]] = &[
    imports::OPERATIONS,
    interchange::OPERATIONS,
    articles::OPERATIONS,
    categories::OPERATIONS,
    notices::OPERATIONS,
    media::OPERATIONS,
    members::OPERATIONS,
    site::OPERATIONS,
    menus::OPERATIONS,
    home::OPERATIONS,
    site_search::OPERATIONS,
    tags::OPERATIONS,
    feeds::OPERATIONS,
    sitemaps::OPERATIONS,
    change_feed::OPERATIONS,
    webhooks::OPERATIONS,
    audit::OPERATIONS,
    jobs::OPERATIONS,
    health::OPERATIONS,
];

/// The pages beside the API, which the document does not name.
pub const PAGES: &[&str] = &[
    "/",
    "/api/v1",
    "/docs",
    "/docs/",
    "/docs/{*file}",
    "/favicon.ico",
    "/favicon.svg",
    "/openapi.json",
    "/problems/{code}",
    "/metrics",
    "/robots.txt",
];

/// All routes.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        scope("/api/v1")
            .configure(imports::routes)
            .configure(interchange::routes)
            .configure(articles::routes)
            .configure(categories::routes)
            .configure(notices::routes)
            .configure(media::routes)
            .configure(members::routes)
            .configure(site::routes)
            .configure(menus::routes)
            .configure(home::routes)
            .configure(site_search::routes)
            .configure(tags::routes)
            .configure(change_feed::routes)
            .configure(webhooks::routes)
            .configure(audit::routes)
            .configure(jobs::routes),
    )
    .configure(feeds::routes)
    .configure(media::file_routes)
    .configure(sitemaps::routes)
    .service(members::auth::get_jwks)
    .service(health::get_health)
    .service(health::get_readiness);
}
