//! What generators of clients need of the document: names, bounds, open objects, examples.

use std::collections::BTreeSet;

use inkstone::error::Code;
use inkstone::media::files::FILE_TYPES;
use inkstone::pictures::file_type::FileType;
use serde_json::Value;

use super::{target, walk};
use crate::harness::contract::{DOCUMENT, operations};

/// Fails if `wrong` names anything.
#[track_caller]
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Calls `see` on every schema of the document, with the path to it. Examples are no schemas, nor is `properties`.
fn each_schema(mut see: impl FnMut(&str, &'static Value)) {
    walk("", &DOCUMENT, &mut |path, value| {
        let is_inside = path.contains("/schemas/") || path.contains("/schema");
        let is_data = path.contains("/example") || path.ends_with("/properties");
        if is_inside && !is_data && value.is_object() {
            see(path, value);
        }
    });
}

fn has_type(schema: &Value, name: &str) -> bool {
    let kind = &schema["type"];
    kind == name || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == name))
}

/// A schema with its reference followed.
fn resolve(schema: &'static Value) -> &'static Value {
    schema["$ref"].as_str().map_or(schema, target)
}

#[test]
fn the_document_says_which_version_and_whose_it_is() {
    let info = &DOCUMENT["info"];
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info["license"]["identifier"], "Apache-2.0");
    assert!(info["contact"]["name"].is_string() && info["contact"]["url"].is_string());
}

#[test]
fn every_operation_is_described_in_sentences() {
    let text = |operation: &Value| operation["description"].as_str().unwrap_or_default().to_owned();
    let bare = operations().into_iter().filter(|operation| text(&operation.spec).trim().len() < 20);
    assert_none(&bare.map(|operation| operation.id).collect::<Vec<_>>());
}

#[test]
fn all_bodies_are_of_types_that_everybody_knows() {
    const KNOWN: [&str; 12] = [
        "application/json",
        "application/problem+json",
        "application/x-ndjson",
        "text/csv",
        // Files for readers of feeds and search engines.
        "application/atom+xml",
        "application/rss+xml",
        "application/feed+json",
        "application/xml",
        // Server-sent events.
        "text/event-stream",
        // Media, and how they are uploaded.
        "application/octet-stream",
        "application/offset+octet-stream",
        "multipart/form-data",
    ];
    let files: Vec<&str> = FILE_TYPES.into_iter().map(FileType::mime).collect();
    let mut wrong = Vec::new();
    walk("", &DOCUMENT, &mut |path, value| {
        let types = value.as_object().filter(|_| path.ends_with("/content")).into_iter().flatten();
        let is_known = |name: &str| KNOWN.contains(&name) || files.contains(&name);
        wrong.extend(types.map(|(name, _)| name).filter(|name| !is_known(name)).cloned());
    });
    assert_none(&wrong);
}

#[test]
fn every_read_answers_one_json_schema() {
    for operation in operations() {
        for (status, answer) in operation.spec["responses"].as_object().unwrap() {
            let content = answer["content"].as_object().into_iter().flatten();
            let json = content.filter(|(name, _)| name.ends_with("json") && !name.ends_with("problem+json"));
            for (_, content) in json {
                let is_union = content["schema"].get("oneOf").or(content["schema"].get("anyOf")).is_some();
                assert!(!is_union, "{} {status}", operation.id);
            }
        }
    }
}

#[test]
fn an_object_without_known_keys_is_open() {
    let mut wrong = Vec::new();
    each_schema(|path, schema| {
        let is_bare = has_type(schema, "object") && schema.get("properties").is_none();
        // A map of numbers says what its values are.
        let values = &schema["additionalProperties"];
        if is_bare && values != true && values.get("type").is_none() {
            wrong.push(path.to_owned());
        }
    });
    assert_none(&wrong);
    for schema in ["ArticleCard", "NewArticle", "ArticlePatch", "ArticleRow"] {
        let extra = &DOCUMENT["components"]["schemas"][schema]["properties"]["extra"];
        assert_eq!(extra["additionalProperties"], true, "{schema}");
    }
}

#[test]
fn alternatives_and_nested_objects_have_names() {
    let mut wrong = Vec::new();
    each_schema(|path, schema| {
        let depth = path.matches('/').count();
        let is_component = path.starts_with("/components/schemas/") && depth == 3;
        // Parts of `allOf` are merged into the schema that has them.
        let is_merged = path.rsplit('/').nth(1) == Some("allOf");
        if has_type(schema, "object") && schema.get("properties").is_some() && !is_component && !is_merged {
            wrong.push(path.to_owned());
        }
        let alternatives = ["oneOf", "anyOf"].iter().flat_map(|key| schema[*key].as_array()).flatten();
        for alternative in alternatives {
            let is_scalar = ["string", "integer", "number", "boolean", "null"]
                .iter()
                .any(|kind| alternative["type"] == *kind && alternative.get("enum").is_none());
            if alternative.get("$ref").is_none() && !is_scalar {
                wrong.push(format!("{path}: {alternative}"));
            }
        }
    });
    assert_none(&wrong);
}

#[test]
fn enumerations_have_names() {
    let mut wrong = Vec::new();
    each_schema(|path, schema| {
        let is_component = path.starts_with("/components/schemas/") && path.matches('/').count() == 3;
        let is_tag = schema["enum"].as_array().is_some_and(|values| values.len() == 1);
        if schema.get("enum").is_some() && !is_component && !is_tag {
            wrong.push(path.to_owned());
        }
    });
    assert_none(&wrong);
}

#[test]
fn the_events_of_an_import_are_told_apart_by_their_type() {
    let event = &DOCUMENT["components"]["schemas"]["Event"];
    assert_eq!(event["discriminator"]["propertyName"], "type");
    let mapping = event["discriminator"]["mapping"].as_object().unwrap();
    let names: BTreeSet<&str> = mapping.values().map(|name| name.as_str().unwrap()).collect();
    let listed = event["oneOf"].as_array().unwrap().iter().map(|one| one["$ref"].as_str().unwrap());
    assert_eq!(names, listed.collect());
    assert_eq!(mapping["progress"], "#/components/schemas/ProgressEvent");
}

/// What is missing of the bounds of a parameter's schema.
fn missing_bounds(schema: &'static Value) -> Vec<&'static str> {
    let schema = resolve(schema);
    let mut missing = Vec::new();
    let mut need = |applies: bool, bound: &'static str| {
        missing.extend((applies && schema.get(bound).is_none()).then_some(bound));
    };
    need(has_type(schema, "string") && schema.get("enum").is_none(), "maxLength");
    need(has_type(schema, "integer") || has_type(schema, "number"), "maximum");
    need(has_type(schema, "integer") || has_type(schema, "number"), "minimum");
    need(has_type(schema, "array"), "maxItems");
    if has_type(schema, "array") {
        missing.extend(missing_bounds(&schema["items"]));
    }
    missing
}

#[test]
fn parameters_of_paths_and_queries_have_bounds() {
    let mut wrong = Vec::new();
    for operation in
        DOCUMENT["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap())
    {
        let (_, spec) = operation;
        let parameters = spec["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|one| one["in"] == "path" || one["in"] == "query") {
            let mut missing = missing_bounds(&parameter["schema"]);
            missing
                .extend(parameter["description"].as_str().is_none_or(str::is_empty).then_some("description"));
            if !missing.is_empty() {
                wrong.push(format!("{} {}: {missing:?}", spec["operationId"], parameter["name"]));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_body_of_a_request_has_an_example() {
    let mut wrong = Vec::new();
    for operation in operations() {
        let bodies = operation.spec["requestBody"]["content"].as_object().into_iter().flatten();
        let bare = bodies.filter(|(_, content)| content.get("example").is_none());
        wrong.extend(bare.map(|(media_type, _)| format!("{} {media_type}", operation.id)));
    }
    assert_none(&wrong);
}

#[test]
fn a_refusal_for_too_many_requests_says_when_to_come_back() {
    let refusal = target("#/components/responses/TooManyRequests");
    let names: BTreeSet<&str> = refusal["headers"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(
        names.is_superset(&BTreeSet::from(["RateLimit", "RateLimit-Policy", "Retry-After"])),
        "{names:?}"
    );
    let mut limited = 0;
    for operation in operations() {
        let responses = &operation.spec["responses"];
        if responses.get("429").is_none() {
            continue;
        }
        limited += 1;
        assert_eq!(responses["429"]["$ref"], "#/components/responses/TooManyRequests", "{}", operation.id);
        for status in ["200", "201", "202", "204"].iter().filter(|status| responses.get(**status).is_some()) {
            for header in ["RateLimit", "RateLimit-Policy"] {
                let told = responses[*status]["headers"].get(header).is_some();
                assert!(told, "{} {status} {header}", operation.id);
            }
        }
    }
    assert!(limited > 5, "only {limited} operations have limits");
}

#[test]
fn codes_are_texts_of_which_all_of_today_are_told() {
    let code = target("#/components/schemas/ErrorCode");
    assert_eq!(code["type"], "string");
    assert!(code.get("enum").is_none(), "a new code would break generated clients");
    let told = code["description"].as_str().unwrap();
    for known in Code::ALL.iter().map(|code| code.as_str()) {
        assert!(told.contains(&format!("`{known}`")), "{known}");
        assert!(code["x-extensible-enum"].as_array().unwrap().iter().any(|one| one == known), "{known}");
    }
    for schema in ["Problem", "ProblemFault", "RowProblem", "PlacedFault"] {
        let code = &DOCUMENT["components"]["schemas"][schema]["properties"]["code"];
        assert_eq!(code["$ref"], "#/components/schemas/ErrorCode", "{schema}");
    }
}

#[test]
fn what_picks_keys_says_that_others_are_absent() {
    let mut found = 0;
    for operation in operations() {
        let parameters = operation.spec["parameters"].as_array().cloned().into_iter().flatten();
        for fields in parameters.filter(|parameter| parameter["name"] == "fields") {
            assert!(fields["description"].as_str().unwrap().contains("fewer keys"), "{}", operation.id);
            found += 1;
        }
    }
    assert!(found >= 3, "{found}");
}
