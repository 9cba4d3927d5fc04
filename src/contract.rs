//! The OpenAPI document at work: what it does not name is refused.

use actix_web::App;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;

use crate::error::{Code, Error, Fault, Result};
use crate::http::query::pairs;
use crate::http::schema::did_you_mean;
use crate::openapi::{Outline, complete};
use crate::routes::routes;

/// The document, and the table of operations read from it.
pub struct Contract {
    /// The document as served and checked in.
    pub json: String,
    paths: Vec<(ResourceDef, Vec<Operation>)>,
}

struct Operation {
    method: Method,
    parameters: Vec<String>,
}

impl Contract {
    /// The contract of this build.
    pub fn new() -> anyhow::Result<Self> {
        let app = App::new().into_utoipa_app().openapi(Outline::openapi()).configure(routes);
        let (_, document) = app.split_for_parts();
        let document = complete(&document)?;
        let paths = document["paths"].as_object().into_iter().flatten();
        let mut paths: Vec<_> = paths
            .map(|(path, item)| {
                (ResourceDef::new(path.as_str()), operations(item), path.matches('{').count())
            })
            .collect();
        // `/members/me` is found before `/members/{id}`.
        paths.sort_by_key(|(_, _, variables)| *variables);
        let paths = paths.into_iter().map(|(path, operations, _)| (path, operations)).collect();
        Ok(Self { json: format!("{}\n", serde_json::to_string_pretty(&document)?), paths })
    }

    /// Refuses what no operation takes: 404 for an unknown path, 405 with the
    /// methods that the path takes, 400 for unknown query parameters.
    pub fn check(&self, method: &Method, path: &str, query: &str) -> Result<()> {
        let operations = self.operations(path).ok_or_else(Error::not_found)?;
        let Some(operation) = operations.iter().find(|operation| operation.method == *method) else {
            return Err(Error::MethodNotAllowed { allow: allowed(operations) });
        };
        // Monitors may add what they like to the addresses beside the API.
        if query.is_empty() || !path.starts_with("/api/") {
            return Ok(());
        }
        let faults = pairs(query)?
            .into_iter()
            .filter(|(name, _)| !operation.parameters.contains(name))
            .map(|(name, _)| {
                let hint = did_you_mean(&name, operation.parameters.iter().map(String::as_str));
                let shown: String = name.chars().take(64).collect();
                Fault::parameter(
                    shown,
                    Code::UnknownParameter,
                    format!("this operation has no such parameter{hint}"),
                )
            })
            .collect();
        Error::parameters(faults)
    }

    /// The operations of the most specific path that fits. A fixed name spelled
    /// with percent-encoded letters fits none, though the router would decode it.
    fn operations(&self, path: &str) -> Option<&[Operation]> {
        let fitting = |path: &str| self.paths.iter().position(|(pattern, _)| pattern.is_match(path));
        let at = fitting(path)?;
        let decoded: Vec<String> = path
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().replace('/', "_"))
            .collect();
        (fitting(&decoded.join("/")) == Some(at)).then(|| self.paths[at].1.as_slice())
    }
}

/// The methods of `operations`, for the `Allow` header; whatever answers GET answers HEAD.
fn allowed(operations: &[Operation]) -> String {
    let mut methods: Vec<&str> = operations.iter().map(|operation| operation.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}

fn operations(item: &Value) -> Vec<Operation> {
    let item = item.as_object().into_iter().flatten();
    item.filter_map(|(method, operation)| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.filter(|parameter| parameter["in"] == "query");
        Some(Operation {
            method: Method::from_bytes(method.to_uppercase().as_bytes()).ok()?,
            parameters: parameters
                .filter_map(|parameter| parameter["name"].as_str())
                .map(str::to_owned)
                .collect(),
        })
    })
    .collect()
}
