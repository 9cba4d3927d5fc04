//! The reference: Swagger UI over the OpenAPI document, in a page of our own.

use actix_web::web::ServiceConfig;
use actix_web::{HttpResponse, get};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{HTML, reply_page};

const REFERENCE: &str = include_str!("docs.html");
const SCRIPT: &str = include_str!("docs.js");
const STYLE: &str = include_str!("docs.css");

/// The reference, and the files that it is made of.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_reference)
        .service(get_index)
        .service(get_script)
        .service(get_style)
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")));
}

/// The reference.
#[get("/docs/")]
async fn get_reference() -> HttpResponse {
    reply_page(HTML, None, REFERENCE)
}

/// The reference under the name that bookmarks of Swagger UI have.
#[get("/docs/index.html")]
async fn get_index() -> HttpResponse {
    reply_page(HTML, None, REFERENCE)
}

/// What starts Swagger UI.
#[get("/docs/reference.js")]
async fn get_script() -> HttpResponse {
    reply_page("text/javascript; charset=utf-8", None, SCRIPT)
}

/// How the page around Swagger UI looks.
#[get("/docs/reference.css")]
async fn get_style() -> HttpResponse {
    reply_page("text/css; charset=utf-8", None, STYLE)
}
