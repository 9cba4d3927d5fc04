//! What the document says of headers, and of the most that a text or a list holds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{references, target};
use crate::harness::contract::{DOCUMENT, followed, operations};

/// Texts and lists of answers that nothing bounds, and why.
const UNBOUNDED: &[(&str, &str)] = &[
    ("Article.body", "one that an earlier version has stored may be longer than one may be now"),
    ("Article.former_slugs", "every slug that it has had"),
    ("ArticleCard.body", "one that an earlier version has stored may be longer than one may be now"),
    ("NoticeCard.body", "as that of a notice"),
    ("ArticleCopy.body", "as that of an article"),
    ("NoticeCopy.body", "as that of a notice"),
    ("Notice.body", "one that an earlier version has stored may be longer than one may be now"),
    ("Category.path", "a tree may be of any depth"),
    ("CategorySummary.path", "a tree may be of any depth"),
    ("Category.children", "a tree may be of any size"),
    ("ListedCategory.children", "a tree may be of any size"),
    ("List_ArchiveMonth.data", "all months of the site"),
    ("List_ListedCategory.data", "the whole tree"),
    ("List_OpenSession.data", "all sessions of a member"),
    ("List_ApiKey.data", "all keys of the site"),
    ("List_Webhook.data", "all webhooks of the site, a hundred at most"),
    ("OwnData.sessions", "all sessions of a member"),
    ("Block.body", "HTML is escaped when it is made safe"),
    ("HtmlBlock.body", "HTML is escaped when it is made safe"),
    ("List_Menu.data", "all menus of the site, fifty at most"),
    ("Job.detail", "a sentence"),
    ("PlacedFault.detail", "a sentence"),
    ("PlacedFault.pointer", "as deep as what was sent"),
    ("Problem.detail", "a sentence"),
    ("ProblemEvent.detail", "a sentence"),
    ("ProblemFault.detail", "a sentence"),
    ("ProblemFault.parameter", "as long as what was sent"),
    ("ProblemFault.pointer", "as deep as what was sent"),
    ("RowProblem.detail", "a sentence"),
    ("RowProblem.pointer", "as deep as what was sent"),
    ("Written_Article.warnings", "one for each kind of change"),
    ("Written_HomeComposition.warnings", "a few for each block"),
    ("Written_Notice.warnings", "one for each kind of change"),
];

fn has_type(schema: &Value, name: &str) -> bool {
    let kind = &schema["type"];
    kind == name || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == name))
}

/// Adds to `found` the places in `schema`, which is at `place`, where a text or a list has no bound.
fn collect_unbounded(place: &str, schema: &Value, found: &mut BTreeSet<String>) {
    let is_text = has_type(schema, "string") && schema.get("enum").is_none() && schema.get("const").is_none();
    let is_list = has_type(schema, "array");
    if (is_text && schema.get("maxLength").is_none()) || (is_list && schema.get("maxItems").is_none()) {
        found.insert(place.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        collect_unbounded(&format!("{place}.{name}"), property, found);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(part) = schema.get(key) {
            collect_unbounded(&format!("{place}/{key}"), part, found);
        }
    }
    let parts = ["allOf", "anyOf", "oneOf"].iter().flat_map(|key| schema[*key].as_array()).flatten();
    parts.for_each(|part| collect_unbounded(place, part, found));
}

/// The places without a bound in what is reached from `roots`.
fn list_unbounded<'a>(roots: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let mut ahead: Vec<&str> = roots.flat_map(references).collect();
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    while let Some(reference) = ahead.pop() {
        if seen.insert(reference) {
            let component = target(reference);
            ahead.extend(references(component));
            let name = reference.rsplit('/').next().unwrap();
            collect_unbounded(name, component.get("schema").unwrap_or(component), &mut found);
        }
    }
    found
}

#[test]
fn every_text_and_list_of_a_request_has_a_bound() {
    let all = operations();
    let requests = all.iter().flat_map(|one| [&one.spec["requestBody"], &one.spec["parameters"]]);
    assert_eq!(list_unbounded(requests), BTreeSet::new());
}

#[test]
fn every_text_and_list_of_an_answer_has_a_bound_or_a_reason() {
    let all = operations();
    let unbounded = list_unbounded(all.iter().map(|one| &one.spec["responses"]));
    let listed: BTreeSet<String> = UNBOUNDED.iter().map(|(place, _)| (*place).to_owned()).collect();
    assert_eq!(unbounded, listed);
}

#[test]
fn pages_say_how_many_rows_they_have_at_most() {
    let schemas = &DOCUMENT["components"]["schemas"];
    for list in ["List_ArticleCard", "List_NoticeCard", "List_TagCount", "List_Member", "List_Change"] {
        assert_eq!(schemas[list]["properties"]["data"]["maxItems"], 100, "{list}");
    }
    assert!(schemas["PageInfo"]["properties"]["size"]["maximum"].is_u64());
}

#[test]
fn every_header_of_an_answer_is_described_with_a_bound() {
    for (name, header) in DOCUMENT["components"]["headers"].as_object().unwrap() {
        assert!(header["required"].is_boolean(), "{name}");
        assert!(!header["description"].as_str().unwrap().is_empty(), "{name}");
        let schema = &header["schema"];
        assert!(schema["maxLength"].is_u64() || schema["maximum"].is_u64(), "{name}");
    }
}

#[test]
fn what_can_be_asked_for_conditionally_says_so_in_both_directions() {
    let mut dated = 0;
    for operation in operations() {
        let answers = &operation.spec["responses"];
        let has = |status: &str, header: &str| answers[status]["headers"].get(header).is_some();
        let parameters = operation.spec["parameters"].as_array().into_iter().flatten();
        let names: BTreeSet<&str> =
            parameters.filter_map(|parameter| followed(parameter)["name"].as_str()).collect();
        let id = &operation.id;
        assert_eq!(names.contains("If-Modified-Since"), has("200", "Last-Modified"), "{id}");
        assert_eq!(answers.get("304").is_some(), operation.method == "GET" && has("200", "ETag"), "{id}");
        for header in ["ETag", "Last-Modified", "Link", "Surrogate-Key", "Vary", "Cache-Control"] {
            let is_alike = answers.get("304").is_none() || has("200", header) == has("304", header);
            assert!(is_alike, "{id}: {header}");
        }
        dated += usize::from(names.contains("If-Modified-Since"));
    }
    assert!(dated > 5, "only {dated} answers have a time");
}
