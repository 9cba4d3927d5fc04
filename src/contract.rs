//! The OpenAPI document at work: what it does not name is refused.

use actix_web::App;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
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

    /// Refuses query parameters that the operation does not have.
    pub fn check_query(&self, method: &Method, path: &str, query: &str) -> Result<()> {
        if query.is_empty() {
            return Ok(());
        }
        let Some(operation) = self.operation(method, path) else { return Ok(()) };
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

    fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        let matching = self.paths.iter().filter(|(pattern, _)| pattern.is_match(path));
        matching.flat_map(|(_, operations)| operations).find(|operation| operation.method == *method)
    }

    /// Why nothing serves `path`: 405 with the methods that would be, or 404.
    pub fn nothing_at(&self, path: &str) -> Error {
        let matching = self.paths.iter().filter(|(pattern, _)| pattern.is_match(path));
        let mut methods: Vec<&str> = matching
            .flat_map(|(_, operations)| operations)
            .map(|operation| operation.method.as_str())
            .collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        methods.dedup();
        if methods.is_empty() {
            Error::not_found()
        } else {
            Error::MethodNotAllowed { allow: methods.join(", ") }
        }
    }
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
