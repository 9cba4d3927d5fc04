//! The pages that people see: a welcome, the documentation, and its guides.
//!
//! All of it is in the binary, and none of it asks another site for anything.

mod docs;
mod guides;
mod resources;
mod welcome;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG};
use actix_web::web::{self, ServiceConfig};

use crate::http::tagged_body::tag_bytes;

/// The content type of a page.
const HTML: &str = "text/html; charset=utf-8";

/// The pages beside the API.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(welcome::get_welcome)
        .service(welcome::get_robots)
        .service(welcome::get_icon)
        .service(resources::get_resources)
        .service(web::redirect("/docs", "/docs/"))
        .service(web::redirect("/docs/guides", "/docs/guides/"))
        .service(guides::get_guides)
        .service(guides::get_guide)
        .service(guides::get_problem_page)
        .configure(docs::routes);
}

/// Answers with a page that is the same for everybody until the next release. Conditions are judged by the server.
fn reply_page(content_type: &str, policy: Option<&str>, page: &str) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((ETAG, tag_bytes(page.as_bytes())))
        .insert_header((CACHE_CONTROL, "public, max-age=300"));
    if let Some(policy) = policy {
        answer.insert_header((CONTENT_SECURITY_POLICY, policy));
    }
    answer.content_type(content_type).body(page.to_owned())
}
