//! What this server offers, for programs.

use actix_web::http::Method;
use actix_web::{HttpResponse, get, web};
use serde_json::{Map, Value, json};

use super::reply_page;
use crate::contract::Contract;
use crate::error::{Error, Result};

/// Lists the resources of the API.
#[get("/api/v1")]
pub async fn get_resources(contract: web::Data<Contract>) -> Result<HttpResponse> {
    reply_json(&json!({"data": {"resources": list_resources(&contract), "links": links()}}))
}

/// Answers what the welcome page says, as JSON.
pub fn describe_server(contract: &Contract) -> Result<HttpResponse> {
    let resources = list_resources(contract);
    reply_json(&json!({"data": {"name": "Inkstone", "resources": resources, "links": links()}}))
}

/// The address of each resource by its name: what can be read without an id, below the version.
fn list_resources(contract: &Contract) -> Map<String, Value> {
    let endpoints = contract.table.endpoints().iter().filter(|endpoint| endpoint.method == Method::GET);
    let named = endpoints.filter_map(|endpoint| {
        let name = endpoint.pattern.strip_prefix("/api/v1/")?;
        let is_resource = !name.contains(['{', '/']);
        is_resource.then(|| (name.replace('-', "_"), Value::from(endpoint.pattern.as_str())))
    });
    named.collect()
}

/// What there is beside the resources.
fn links() -> Value {
    json!({
        "self": "/api/v1", "docs": "/docs/", "guides": "/docs/guides/", "openapi": "/openapi.json",
        "feed": "/feeds/articles.atom", "sitemap": "/sitemap.xml", "health": "/healthz", "readiness": "/readyz", "keys": "/.well-known/jwks.json",
    })
}

fn reply_json(value: &Value) -> Result<HttpResponse> {
    let text = serde_json::to_string(value).map_err(|cause| Error::Internal(cause.into()))?;
    Ok(reply_page("application/json", None, &text))
}
