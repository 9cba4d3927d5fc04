//! Every answer a test sees is checked against the OpenAPI document.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use actix_web::web::Data;
use inkstone::contract::Contract;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use reqwest::Method;
use serde_json::{Value, json};

use super::Answer;

/// The contract of this build, made once for all servers of a run.
pub static CONTRACT: LazyLock<Data<Contract>> = LazyLock::new(|| Data::new(Contract::new().unwrap()));

/// The document of this build.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&CONTRACT.json).unwrap());

/// An operation of the document.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub id: String,
    pub spec: Value,
}

/// All operations.
pub fn operations() -> Vec<Operation> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let path = path.clone();
        let item = item.as_object().unwrap().clone();
        item.into_iter().map(move |(method, spec)| Operation {
            method: method.to_uppercase().parse().unwrap(),
            path: path.clone(),
            id: spec["operationId"].as_str().unwrap().to_owned(),
            spec,
        })
    };
    paths.iter().flat_map(of_path).collect()
}

/// The operation that serves `path`, if the document has one.
fn operation(method: &Method, path: &str) -> Option<Operation> {
    let path = path.split('?').next().unwrap();
    // A parameter is the end of a segment, or all of it.
    let matches = |wanted: &str, given: &str| match wanted.split_once('{') {
        Some((start, _)) => given.starts_with(start),
        None => wanted == given,
    };
    let fits = |template: &str| {
        let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        wanted.len() == given.len() && wanted.iter().zip(given).all(|(wanted, given)| matches(wanted, given))
    };
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let mut fitting: Vec<_> = operations().into_iter().filter(|one| fits(&one.path)).collect();
    fitting.sort_by_key(|one| one.path.matches('{').count());
    let path = fitting.first()?.path.clone();
    fitting.into_iter().find(|one| one.path == path && one.method == *method)
}

/// `value` with a reference to a component followed.
pub fn followed(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Headers that the document tells nothing of: those of HTTP itself and of proxies, those that tell browsers what they
/// must not do, and those of cross-origin rules.
const UNDOCUMENTED_HEADERS: &[&str] = &[
    "connection",
    "content-encoding",
    "accept-ranges",
    "content-range",
    // Those of caches in front.
    "age",
    "via",
    "x-cache",
    "x-varnish",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    "alt-svc",
    "server",
    "via",
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "content-security-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
];

/// Fails if the answer's status or a header of it is not documented, if it lacks a header that it always has, or if
/// its body breaks its schema.
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let Some(operation) = operation(method, path) else { return };
    let status = answer.status.to_string();
    let response = operation.spec["responses"].get(&status);
    let Some(response) = response else {
        panic!("{} answered an undocumented {status}: {}", operation.id, answer.text())
    };
    check_headers(&operation.id, answer, &followed(response)["headers"]);
    let media_type = answer.header("content-type").to_owned();
    let content = &followed(response)["content"];
    if *method == Method::HEAD || (content.is_null() && answer.bytes.is_empty()) {
        return;
    }
    let Some(content) = content.get(&media_type).or_else(|| content.get("application/octet-stream")) else {
        panic!("{} answered {status} with an undocumented type {media_type}", operation.id)
    };
    if followed(&content["schema"])["format"] == "binary" {
        return;
    }
    let bodies = match media_type.as_str() {
        "text/csv"
        | "application/atom+xml"
        | "application/rss+xml"
        | "application/xml"
        | "text/event-stream" => Vec::new(),
        "application/x-ndjson" => answer.lines(),
        _ => vec![answer.json()],
    };
    for body in bodies {
        let is_receipt = is_receipt(&operation, &status, &body);
        let wrong = broken(&content["schema"], &body, picks_fields(path) || is_receipt);
        // A receipt says nothing else either.
        let wrong: Vec<_> =
            wrong.into_iter().filter(|wrong| !(is_receipt && wrong.starts_with(": "))).collect();
        assert!(
            wrong.is_empty(),
            "{} answered {status} against its schema: {wrong:#?}\n{body:#}",
            operation.id
        );
    }
}

/// Fails unless the headers of the answer are those of `documented`.
fn check_headers(id: &str, answer: &Answer, documented: &Value) {
    let documented: HashMap<String, &Value> = documented
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, header)| (name.to_lowercase(), followed(header)))
        .collect();
    for (name, value) in &answer.headers {
        if UNDOCUMENTED_HEADERS.contains(&name.as_str()) {
            continue;
        }
        let Some(header) = documented.get(name.as_str()) else {
            panic!("{id} answered {} with the undocumented header {name}: {value:?}", answer.status)
        };
        let text = value.to_str().unwrap();
        let value = match header["schema"]["type"] == "integer" {
            true => json!(text.parse::<u64>().unwrap()),
            false => json!(text),
        };
        let wrong = broken(&header["schema"], &value, false);
        assert!(wrong.is_empty(), "{id} answered {} with {name}: {value}: {wrong:#?}", answer.status);
    }
    for (name, header) in documented {
        let is_sent = header["required"] != true || answer.headers.contains_key(&name);
        assert!(is_sent, "{id} answered {} without the header {name}", answer.status);
    }
}

/// Whether a request picks the keys of the answer.
fn picks_fields(path: &str) -> bool {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| ["fields=", "fields[", "fields%5"].iter().any(|name| pair.starts_with(name)))
}

/// Whether `body` is the receipt that the operation gives in words to keys that may not read.
fn is_receipt(operation: &Operation, status: &str, body: &Value) -> bool {
    let described = operation.spec["responses"][status]["description"].as_str().unwrap_or_default();
    let keys = body["data"].as_object().into_iter().flat_map(|data| data.keys());
    described.contains("receipt") && keys.eq(["id", "version", "updated_at"])
}

/// What in `body` breaks `schema`. The things of a partial answer may lack keys.
fn broken(schema: &Value, body: &Value, is_partial: bool) -> Vec<String> {
    static COMPILED: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);
    let validator = *COMPILED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .entry(schema.to_string())
        .or_insert_with(|| {
            let whole = json!({"allOf": [schema], "components": DOCUMENT["components"]});
            let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
            Box::leak(Box::new(validator))
        });
    let lacks_a_key = |error: &ValidationError<'_>| {
        let place = error.instance_path().as_str().trim_end_matches(|last: char| last.is_ascii_digit());
        matches!(error.kind(), ValidationErrorKind::Required { .. }) && matches!(place, "/data" | "/data/")
    };
    let errors = validator.iter_errors(body).filter(|error| !(is_partial && lacks_a_key(error)));
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}
