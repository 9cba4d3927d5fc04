//! The OpenAPI document: what the handlers say of themselves, and what is true of all of them.

mod bounds;
mod headers;
mod schemas;

use std::collections::BTreeSet;

use bounds::bound_answers;
use headers::{
    follows_counting, headers, headers_of_problem, headers_of_success, headers_of_tus_problem, parameters,
    parameters_of, refer_to,
};
use schemas::{complete_schemas, example_of, list_versioned_schemas};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::articles::latest::CategoryRelation;
use crate::articles::listing::{ArticleSort, Popular, TagMode};
use crate::articles::relations::Relation;
use crate::articles::view::ArticleField;
use crate::change_feed::model::Entity;
use crate::change_feed::view::Included;
use crate::config::charsets::EncodingErrors;
use crate::db::types::Status;
use crate::error::Problem;
use crate::http::paging::Counting;
use crate::http::parameters::MAX_NUMBERED_ROWS;
use crate::imports::params::{Duplicates, Mode, OnError, SlugConflicts};
use crate::interchange::export::ExportFormat;
use crate::interchange::text_filters::TextFilter;
use crate::media::files::FILE_TYPES;
use crate::members::model::MemberStatus;
use crate::members::view::MemberSort;
use crate::notices::model::NoticeKind;
use crate::notices::view::{NoticeField, NoticeRelation};
use crate::operations::table::{Endpoint, Table};
use crate::operations::{Caller, Conditional, Operation, RequestBody, Role};
use crate::tags::view::TagSort;
use crate::webhooks::events::{EventFilter, EventType};
use crate::webhooks::model::DeliveryState;

/// What the handlers cannot know: the title, the tags, the security scheme.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Inkstone",
        version = env!("CARGO_PKG_VERSION"),
        description = "A headless CMS for news sites.\n\nOne thing comes as `{\"data\": {…}}`, a list as `{\"data\": […], \"page\": {…}}`, a failure as a problem document (RFC 9457) with a stable `code`. Unknown parameters and keys are refused. Every GET also answers HEAD. Sentences for people are in Chinese if `Accept-Language` asks for it.",
        contact(name = "Inkstone", url = "https://inkstone.dev"),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "articles", description = "What the site is for"),
        (name = "imports", description = "Many at once, in and out, for scripts"),
        (name = "tags", description = "The tags of articles, with counts"),
        (name = "changes", description = "What has changed since a cursor, for whoever keeps copies"),
        (name = "webhooks", description = "Servers that are told what has changed, by Standard Webhooks 1.0.0"),
        (name = "categories", description = "The category tree, with breadcrumbs"),
        (name = "notices", description = "Notices (通知) and announcements (公告)"),
        (name = "media", description = "Pictures and files"),
        (name = "search", description = "Articles and notices by their words"),
        (name = "members", description = "Accounts and profiles"),
        (name = "access", description = "Registering, signing in and out"),
        (name = "site", description = "What a frontend needs to introduce the site: its settings, menus and home page"),
        (name = "feeds", description = "What is new for readers of feeds, and what there is for search engines"),
        (name = "audit", description = "Who changed what, and when"),
        (name = "operations", description = "For load balancers and monitors")
    ),
    components(schemas(
        Problem,
        // Enumerations of parameters.
        DeliveryState, Entity, EventFilter, EventType, Included, ArticleField, ArticleSort, CategoryRelation, Counting, Duplicates, EncodingErrors, ExportFormat, MemberSort, MemberStatus, Mode, NoticeField, NoticeKind, NoticeRelation, OnError, Popular, Relation, Role, SlugConflicts,
        Status, TagMode, TagSort, TextFilter,
    )),
    security(("bearer" = []))
)]
pub struct Outline;

/// The failures that operations share: status, name, description.
const FAILURES: &[(&str, &str, &str)] = &[
    ("400", "BadRequest", "A parameter is unknown or not valid, or the body is not JSON"),
    ("401", "Unauthenticated", "The credential is missing or not valid"),
    ("403", "Forbidden", "The role does not allow it"),
    ("404", "NotFound", "There is nothing here for you"),
    ("406", "NotAcceptable", "The request does not accept JSON"),
    ("408", "RequestTimeout", "The body took too long to arrive"),
    ("409", "Conflict", "It contradicts what is there"),
    (
        "412",
        "PreconditionFailed",
        "It is not, or no more, what the request names in If-Match or If-Unmodified-Since; or it exists already",
    ),
    ("413", "PayloadTooLarge", "The body is too large"),
    ("415", "UnsupportedMediaType", "The body is not labelled as JSON"),
    ("422", "InvalidBody", "The body has faults, each with a JSON pointer"),
    ("428", "PreconditionRequired", "The server is set to require If-Match"),
    ("429", "TooManyRequests", "Too many attempts; wait"),
    ("500", "Internal", "A fault of the server"),
    ("503", "Unavailable", "Overloaded, or the database is away; try again"),
];

/// Completes the document collected from the handlers with what the entries of the operations say.
pub fn complete_document(document: &mut Value, table: &Table) {
    document["openapi"] = json!("3.1.0");
    complete_schemas(document);
    add_examples(document);
    if let Some(components) = document["components"].as_object_mut() {
        components.insert(
            "securitySchemes".to_owned(),
            json!({"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "The access token of a login.",
            }, "api_key": {
                "type": "http", "scheme": "bearer", "bearerFormat": "ink_…",
                "description": "The API key of a script; an operation that takes one names the scope it needs.",
            }}),
        );
        components.insert("responses".to_owned(), failures());
        components.insert("headers".to_owned(), headers());
        components.insert("parameters".to_owned(), parameters());
    }
    let versioned = list_versioned_schemas(document);
    for endpoint in table.endpoints() {
        let method = endpoint.method.as_str().to_lowercase();
        describe_operation(endpoint, &mut document["paths"][&endpoint.pattern][method], &versioned);
    }
    bound_answers(document, table);
}

fn failures() -> Value {
    let describe = |(status, name, description): &(&str, &str, &str)| {
        ((*name).to_owned(), describe_failure(description, &headers_of_problem(status)))
    };
    FAILURES.iter().map(describe).collect::<Map<_, _>>().into()
}

fn describe_failure(description: &str, headers: &[&str]) -> Value {
    let content = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    json!({"description": description, "headers": refer_to(headers), "content": content})
}

/// The statuses of the failures that an operation can end with.
fn failures_of(endpoint: &Endpoint) -> Vec<&'static str> {
    let operation = &endpoint.operation;
    let is_closed = operation.caller != Caller::Anyone;
    let may_find_nothing = operation.may_find_nothing || endpoint.pattern.contains('{');
    let changes_version = matches!(operation.conditional, Conditional::Change | Conditional::Put);
    let has_body = operation.body != RequestBody::None;
    let mut failures = vec!["400", "500", "503"];
    failures.extend((!operation.is_file).then_some("406"));
    failures.extend((is_closed || operation.checks_credential).then_some("401"));
    failures.extend(is_closed.then_some("403"));
    failures.extend(may_find_nothing.then_some("404"));
    failures.extend(operation.can_conflict.then_some("409"));
    failures.extend(operation.is_throttled.then_some("429"));
    failures.extend((operation.conditional != Conditional::No).then_some("412"));
    failures.extend(changes_version.then_some("428"));
    failures.extend(has_body.then_some(["408", "413", "415"]).into_iter().flatten());
    // A body with faults, or an idempotency key that was given to another request.
    failures.extend((has_body || operation.takes_idempotency_key).then_some("422"));
    failures
}

/// Adds to an operation the security, failures, headers and parameters that follow from its entry.
/// `versioned` names the schemas of answers that show a thing with a version.
fn describe_operation(endpoint: &Endpoint, spec: &mut Value, versioned: &BTreeSet<String>) {
    let operation = &endpoint.operation;
    spec["x-inkstone"] = operation.to_extension();
    add_security(operation, spec);
    if operation.conditional == Conditional::Read {
        spec["responses"]["304"] = json!({"description": "You have it already"});
    }
    add_file_types(&mut spec["responses"]);
    add_headers(endpoint, &mut spec["responses"], versioned);
    if !operation.is_api {
        return;
    }
    let failures = failures_of(endpoint);
    for (status, name, description) in FAILURES.iter().filter(|(status, _, _)| failures.contains(status)) {
        spec["responses"][*status] = if operation.is_throttled && follows_counting(status) {
            let limit = ["RateLimitOfCounted", "RateLimitPolicyOfCounted"];
            describe_failure(description, &[headers_of_problem(status), limit.to_vec()].concat())
        } else if !headers_of_tus_problem(operation.id).is_empty() {
            let tus = headers_of_tus_problem(operation.id).to_vec();
            describe_failure(description, &[headers_of_problem(status), tus].concat())
        } else {
            json!({"$ref": format!("#/components/responses/{name}")})
        };
    }
    let mut parameters = spec.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    parameters.iter_mut().for_each(bound_parameter);
    let shared = parameters_of(endpoint);
    parameters.extend(shared.iter().map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
    spec["parameters"] = parameters.into();
}

/// Says which credentials an operation takes. A member's token alone is what the document says of all.
fn add_security(operation: &Operation, spec: &mut Value) {
    let mut alternatives = match operation.caller {
        Caller::Anyone => vec![json!({})],
        Caller::Reader => vec![json!({}), json!({"bearer": []})],
        Caller::Role(_) => vec![json!({"bearer": []})],
    };
    let scopes = operation.keys.scopes();
    if scopes.is_empty() && matches!(operation.caller, Caller::Role(_)) {
        return;
    }
    alternatives.extend(scopes.iter().map(|scope| json!({"api_key": [scope.as_str()]})));
    spec["security"] = alternatives.into();
}

/// Adds to answers that are files, of which handlers say that they are bytes, all types that the library takes.
fn add_file_types(responses: &mut Value) {
    for response in responses.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let content = response.get_mut("content").and_then(Value::as_object_mut);
        let Some(content) = content else { continue };
        if let Some(bytes) = content.get("application/octet-stream").cloned() {
            content.extend(FILE_TYPES.map(|file_type| (file_type.mime().to_owned(), bytes.clone())));
        }
    }
}

/// Adds the headers of the answers that the operation's handler describes.
fn add_headers(endpoint: &Endpoint, responses: &mut Value, versioned: &BTreeSet<String>) {
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        let schema = response.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str);
        let has_version = schema.is_some_and(|schema| versioned.contains(schema));
        if status.as_str() >= "400" {
            let description = response["description"].as_str().unwrap_or_default().to_owned();
            let headers =
                [headers_of_problem(status), headers_of_tus_problem(endpoint.operation.id).to_vec()];
            *response = describe_failure(&description, &headers.concat());
            continue;
        }
        response["headers"] = refer_to(&headers_of_success(endpoint, status, response, has_version));
    }
}

/// Tells the bounds of a parameter that are not in its handler's schema.
fn bound_parameter(parameter: &mut Value) {
    if parameter["schema"]["format"] == "uuid" {
        parameter["schema"]["maxLength"] = 36.into();
    }
    // A higher number is refused with words of its own.
    if parameter["name"] == "page" {
        parameter["schema"]["maximum"] = MAX_NUMBERED_ROWS.into();
    }
}

/// Gives each body of a request the example of its schema; CSV gets that of a row of JSON.
fn add_examples(document: &mut Value) {
    let whole = document.clone();
    let methods = document["paths"].as_object_mut().into_iter().flatten();
    let operations = methods.flat_map(|(_, methods)| methods.as_object_mut().into_iter().flatten());
    for (_, spec) in operations {
        let Some(contents) = spec.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) else {
            continue;
        };
        let rows = contents.get("application/x-ndjson");
        let row = rows.and_then(|content| example_of(&content["schema"], &whole));
        for (media_type, content) in contents {
            let example = match media_type.as_str() {
                "text/csv" => row.as_ref().map(to_csv),
                _ => example_of(&content["schema"], &whole),
            };
            if let Some(example) = example {
                content["example"] = example;
            }
        }
    }
}

/// A row with its header, as CSV.
fn to_csv(row: &Value) -> Value {
    let quote = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
    let cell = |value: &Value| quote(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let (keys, cells): (Vec<_>, Vec<_>) =
        row.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), cell(value))).unzip();
    format!("{}\n{}\n", keys.join(","), cells.join(",")).into()
}
