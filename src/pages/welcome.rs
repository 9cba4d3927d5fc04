//! The welcome page, and what browsers and crawlers ask a site for.

use std::sync::LazyLock;

use actix_web::http::header::{ACCEPT, VARY};
use actix_web::{HttpRequest, HttpResponse, get, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::resources::describe_server;
use super::{HTML, reply_page};
use crate::contract::Contract;
use crate::error::Result;
use crate::http::accept::find_quality;

const WELCOME: &str = include_str!("welcome.html");
const ICON: &str = include_str!("icon.svg");
/// The API is no content: it is left out of search engines.
const ROBOTS: &str = "User-agent: *\nDisallow: /api/\n";

/// What the welcome page needs: its own script and style, and the API of this server.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |element: &str| {
        let text = WELCOME.split_once(&format!("<{element}>")).map_or("", |(_, rest)| rest);
        let text = text.split_once(&format!("</{element}>")).map_or("", |(text, _)| text);
        format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    )
});

/// The welcome page; for programs, what there is as JSON.
#[get("/")]
pub async fn get_welcome(req: HttpRequest, contract: web::Data<Contract>) -> Result<HttpResponse> {
    let mut answer = if prefers_json(&req) {
        describe_server(&contract)?
    } else {
        reply_page(HTML, Some(&POLICY), WELCOME)
    };
    answer.headers_mut().append(VARY, ACCEPT.into());
    Ok(answer)
}

/// Whether the client names JSON, and HTML with no greater weight. A range like `*/*` names neither.
fn prefers_json(req: &HttpRequest) -> bool {
    let json = ["application/json", "application/problem+json"].map(|name| find_quality(req, name));
    let json = json.into_iter().flatten().fold(0.0, f32::max);
    json > 0.0 && json >= find_quality(req, "text/html").unwrap_or(0.0)
}

/// What crawlers may ask for.
#[get("/robots.txt")]
pub async fn get_robots() -> HttpResponse {
    reply_page("text/plain; charset=utf-8", None, ROBOTS)
}

/// The icon of all pages.
#[get("/favicon.{format:ico|svg}")]
pub async fn get_icon() -> HttpResponse {
    reply_page("image/svg+xml", None, ICON)
}
