//! The table of operations: what a request's path and method mean.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use actix_web::http::Method;
use anyhow::{Context, bail};
use matchit::Router;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Operation, RequestBody};
use crate::error::{Error, Result};
use crate::ranges::parse_ranges;
use crate::slug;

/// An operation with its place in the API.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its entry.
    pub operation: Operation,
    /// Its method.
    pub method: Method,
    /// Its path, with `{…}` for parameters.
    pub pattern: String,
    /// Its query parameters.
    pub parameters: Vec<QueryParameter>,
    /// The media types of its answers.
    pub answers: Vec<String>,
}

/// A query parameter of an operation.
#[derive(Clone, Debug)]
pub struct QueryParameter {
    /// Its name.
    pub name: String,
    /// The schema of its value.
    pub schema: Value,
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Target {
    /// An operation.
    Endpoint(Arc<Endpoint>),
    /// A page beside the API, which the document does not name.
    Page,
}

/// All operations.
#[derive(Debug)]
pub struct Table {
    endpoints: Vec<Arc<Endpoint>>,
    /// From paths to places in `paths`.
    router: Router<usize>,
    paths: Vec<Path>,
}

#[derive(Debug)]
enum Path {
    Operations(Vec<Arc<Endpoint>>),
    Page,
}

impl Table {
    /// Joins `entries` with the operations of `document`. `pages` are the paths beside the API.
    ///
    /// Fails if an operation has no entry or an entry no operation, if they contradict each other
    /// about the body, or if two paths cannot be told apart.
    pub fn new(document: &Value, entries: &[Operation], pages: &[&str]) -> anyhow::Result<Self> {
        let mut entries: HashMap<&str, Operation> = entries.iter().map(|entry| (entry.id, *entry)).collect();
        let mut table = Self { endpoints: Vec::new(), router: Router::new(), paths: Vec::new() };
        for (pattern, methods) in document["paths"].as_object().into_iter().flatten() {
            let mut of_path = Vec::new();
            for (method, spec) in methods.as_object().into_iter().flatten() {
                let id = spec["operationId"].as_str().unwrap_or_default();
                let operation = entries.remove(id).with_context(|| format!("{id} has no entry"))?;
                of_path.push(Arc::new(Endpoint::new(operation, method, pattern, spec)?));
            }
            table.endpoints.extend(of_path.iter().cloned());
            table.add(pattern, Path::Operations(of_path))?;
        }
        for page in pages {
            table.add(page, Path::Page)?;
        }
        if let Some(id) = entries.keys().next() {
            bail!("the entry {id} has no operation");
        }
        slug::reserve(table.fixed_words());
        Ok(table)
    }

    fn add(&mut self, pattern: &str, path: Path) -> anyhow::Result<()> {
        self.router.insert(pattern, self.paths.len()).with_context(|| format!("the path {pattern}"))?;
        self.paths.push(path);
        Ok(())
    }

    /// All operations, in the document's order.
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// What `method` and `path` lead to: 404 for an unknown path, 405 with the methods that the path takes.
    ///
    /// A fixed word that is spelled with percent-encoded letters leads nowhere, though the
    /// framework's router would decode it.
    pub fn find(&self, method: &Method, path: &str) -> Result<Target> {
        let at = self.find_path(path).ok_or_else(Error::not_found)?;
        if path.contains('%') {
            let decode = |segment| percent_decode_str(segment).decode_utf8_lossy().replace('/', "_");
            let decoded: Vec<String> = path.split('/').map(decode).collect();
            if self.find_path(&decoded.join("/")) != Some(at) {
                return Err(Error::not_found());
            }
        }
        let operations = match self.paths.get(at) {
            Some(Path::Operations(operations)) => operations,
            _ if [Method::GET, Method::HEAD].contains(method) => return Ok(Target::Page),
            _ => return Err(Error::MethodNotAllowed { allow: "GET, HEAD".to_owned() }),
        };
        match operations.iter().find(|endpoint| endpoint.method == *method) {
            Some(endpoint) => Ok(Target::Endpoint(endpoint.clone())),
            None => Err(Error::MethodNotAllowed { allow: allowed_methods(operations) }),
        }
    }

    fn find_path(&self, path: &str) -> Option<usize> {
        self.router.at(path).ok().map(|found| *found.value)
    }

    /// The words that stand in a path where another path has a parameter: no slug may be one of them.
    fn fixed_words(&self) -> BTreeSet<String> {
        let patterns: Vec<Vec<&str>> =
            self.endpoints.iter().map(|endpoint| endpoint.pattern.split('/').collect()).collect();
        let mut words = BTreeSet::new();
        for parameterised in &patterns {
            let parameters = (0..parameterised.len()).filter(|at| is_parameter(parameterised[*at]));
            for at in parameters {
                let beside = patterns.iter().filter(|other| {
                    other.len() > at && other[..at] == parameterised[..at] && !is_parameter(other[at])
                });
                words.extend(beside.map(|other| other[at].to_owned()));
            }
        }
        words
    }
}

impl Endpoint {
    fn new(operation: Operation, method: &str, pattern: &str, spec: &Value) -> anyhow::Result<Self> {
        let takes_body = spec.get("requestBody").is_some();
        if takes_body != (operation.body != RequestBody::None) {
            bail!("{}: the entry and the handler differ about the body", operation.id);
        }
        let parameters = spec["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.filter(|parameter| parameter["in"] == "query");
        let successes = spec["responses"].as_object().into_iter().flatten();
        let successes = successes.filter(|(status, _)| status.starts_with('2'));
        let media_types =
            successes.flat_map(|(_, answer)| answer["content"].as_object().into_iter().flatten());
        Ok(Self {
            operation,
            method: Method::from_bytes(method.to_uppercase().as_bytes())?,
            pattern: pattern.to_owned(),
            parameters: parameters
                .filter_map(|parameter| {
                    let name = parameter["name"].as_str()?.to_owned();
                    Some(QueryParameter { name, schema: parameter["schema"].clone() })
                })
                .collect(),
            answers: media_types.map(|(media_type, _)| media_type.clone()).collect(),
        })
    }

    /// Whether a client that sends `Accept: accept` takes one of the answers, or problem documents alone.
    pub fn suits(&self, accept: &str) -> bool {
        let ranges = parse_ranges(accept);
        let takes = |media_type: &str| weigh(&ranges, media_type).is_some_and(|weight| weight > 0.0);
        let names_json = ranges.iter().any(|(name, _)| name.eq_ignore_ascii_case("application/json"));
        ranges.iter().all(|(name, _)| name.is_empty())
            || takes("application/json")
            || self.answers.iter().any(|media_type| takes(media_type))
            || takes("application/problem+json") && !names_json
    }
}

/// The weight of a media type: that of the range that names it most closely (RFC 9110 §12.5.1).
fn weigh(ranges: &[(&str, f32)], media_type: &str) -> Option<f32> {
    let family = format!("{}/*", media_type.split('/').next().unwrap_or_default());
    let weigh_name = |name: &str| {
        let named = ranges.iter().filter(|(range, _)| range.eq_ignore_ascii_case(name));
        named.map(|(_, weight)| *weight).reduce(f32::max)
    };
    weigh_name(media_type).or_else(|| weigh_name(&family)).or_else(|| weigh_name("*/*"))
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// The methods of `operations`, for the `Allow` header; whatever answers GET answers HEAD.
fn allowed_methods(operations: &[Arc<Endpoint>]) -> String {
    let mut methods: Vec<&str> = operations.iter().map(|endpoint| endpoint.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}
