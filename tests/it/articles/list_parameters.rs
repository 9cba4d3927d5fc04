//! Parameters that are lists, in each form that clients send.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ARTICLES, create, titles};
use crate::harness::contract::{Operation, followed, operations};
use crate::harness::{Client, TestApp};

/// `name=one,two` in each form that stands for it.
fn forms(name: &str, one: &str, two: &str) -> Vec<String> {
    vec![
        format!("{name}={one},{two}"),
        format!("{name}={one}%2C{two}"),
        format!("{name}={one}&{name}={two}"),
        format!("{name}[]={one}&{name}[]={two}"),
        format!("{name}%5B%5D={one}&{name}%5b%5d={two}"),
        format!("{name}={one}&{name}[]={two}"),
        format!("{name}[]={one},{two}"),
    ]
}

/// Two values that the items of a list can have, or one twice.
fn two_values(schema: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match followed(&schema["items"])["enum"].as_array() {
        Some(values) => (text(&values[0]), text(values.get(2).unwrap_or(&values[0]))),
        None if followed(&schema["items"])["format"] == "uuid" => {
            (Uuid::from_u128(1).to_string(), Uuid::from_u128(2).to_string())
        }
        None => ("Tide".to_owned(), "潮汐".to_owned()),
    }
}

/// What an operation needs besides the list.
fn find_needed(operation: &str) -> &'static str {
    match operation {
        "list_search_results" => "q=a&",
        "get_article_by_url" => "path=/mine&",
        "get_changes" => "snapshot=true&",
        _ => "",
    }
}

#[actix_web::test]
async fn every_list_of_the_document_has_one_meaning_in_all_forms() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for tags in [json!(["Tide"]), json!(["潮汐"]), json!([])] {
        create(&admin, json!({"tags": tags, "external_id": format!("x{tags}"), "slug": Value::Null})).await;
    }
    let keys = json!({"external_id": "mine", "source_url": "https://x.example/mine"});
    let article = create(&admin, keys).await;
    let notice = json!({"kind": "notice", "title": "N", "status": "published"});
    let notice = admin.post("/api/v1/notices", notice).await.data(201);
    for slug in ["tides", "moons"] {
        admin.category(slug, None).await;
    }
    let mut tried = 0;
    // A stream is never the same twice.
    let is_list = |one: &Operation| one.method == Method::GET && one.id != "get_events";
    for operation in operations().into_iter().filter(is_list) {
        let lists = operation.spec["parameters"].as_array().into_iter().flatten();
        for list in lists.filter(|parameter| parameter["schema"]["type"] == "array") {
            let name = list["name"].as_str().unwrap();
            let (one, two) = two_values(&list["schema"]);
            let thing = if operation.id == "get_notice" { &notice } else { &article };
            let path = operation.path.replace("{id}", thing["id"].as_str().unwrap());
            let path = path.replace("{external_id}", "mine");
            let needed = find_needed(&operation.id);
            let (one, two) = match name {
                "category" => ("tides".to_owned(), "moons".to_owned()),
                _ => (one, two),
            };
            let mut first = None;
            let forms = match list["schema"]["maxItems"].as_u64() {
                Some(1) => ["", "[]", "%5B%5D"].map(|mark| format!("{name}{mark}={one}")).to_vec(),
                _ => forms(name, &one, &two),
            };
            for form in forms {
                let answer = admin.get(&format!("{path}?{needed}{form}")).await.expect(200);
                let headers = ["etag", "link"].map(|header| answer.header(header).to_owned());
                let seen = (headers, answer.text());
                assert_eq!(*first.get_or_insert_with(|| seen.clone()), seen, "{path}?{form}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 11, "only {tried} lists");
}

#[actix_web::test]
async fn tags_sent_as_repeats_are_alternatives() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (title, tag) in [("one", "a"), ("two", "b"), ("three", "c"), ("four", "d")] {
        create(&editor, json!({"title": title, "tags": [tag]})).await;
    }
    let mixed = titles(&anon, "tag=a&sort=-title&tag[]=b,c&fields=title&fields=slug").await;
    assert_eq!(mixed, ["two", "three", "one"]);
}

#[actix_web::test]
async fn a_cursor_of_one_form_goes_on_in_another() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for title in ["one", "two", "three"] {
        create(&editor, json!({"title": title, "tags": ["a"]})).await;
    }
    let forms = ["tag=a,b&sort=title,-created_at", "tag[]=a&sort[]=title&tag[]=b&sort[]=-created_at"];
    for (form, other) in [(forms[0], forms[1]), (forms[1], forms[0])] {
        let first = anon.get(&format!("{ARTICLES}?page_size=1&{form}")).await.expect(200);
        let link = first.header("link").to_owned();
        assert!(link.contains("sort=title%2C-created_at&tag=a%2Cb"), "{link}");
        let cursor = first.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
        assert_eq!(titles(&anon, &format!("{other}&cursor={cursor}")).await, ["three", "two"]);
    }
}

#[actix_web::test]
async fn a_parameter_of_one_value_stays_strict() {
    let (_app, anon) = TestApp::start().await;
    let faults = |query: &str| {
        let path = format!("{ARTICLES}?{query}");
        let anon = &anon;
        async move { anon.get(&path).await.expect(400).faults() }
    };
    let fault = |name: &str, code: &str| (name.to_owned(), code.to_owned());
    assert_eq!(faults("page=1&page=2&page=3").await, [fault("page", "repeated_parameter")]);
    let two = faults("author=a&page=1&author=b&page=1").await;
    assert_eq!(two, [fault("author", "repeated_parameter"), fault("page", "repeated_parameter")]);
    assert_eq!(faults("page[]=1").await, [fault("page[]", "unknown_parameter")]);
    assert_eq!(faults("tag[0]=a").await, [fault("tag[0]", "unknown_parameter")]);
    assert_eq!(faults("tga=a&tga=b").await, [fault("tga", "unknown_parameter")], "named once");
    assert_eq!(faults("fields=title&fields=bdoy&fields[]=x").await.len(), 2, "each value is checked");
    let many: Vec<String> = (0..21).map(|tag| format!("tag={tag}")).collect();
    assert_eq!(faults(&many.join("&")).await, [fault("tag", "invalid_parameter")]);
    let hint = anon.get(&format!("{ARTICLES}?page[]=1")).await;
    assert!(hint.text().contains("`page`"), "{}", hint.text());
}

#[actix_web::test]
async fn an_import_takes_its_columns_as_repeats() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let import = |client: &Client, query: &str| {
        let path = format!("{ARTICLES}/import?{query}");
        client.request(Method::POST, &path).labelled("text/csv", "标题,编号\n潮汐,x-1\n")
    };
    let query = "columns[]=标题:title&columns[]=编号:external_id&clean=simplified&clean=pinyin_glosses";
    let summary = import(&editor, query).send().await.expect(200).json();
    assert_eq!(summary["data"]["created"], 1, "{summary}");
    assert_eq!(editor.get(&format!("{ARTICLES}/by-external-id/x-1")).await.data(200)["title"], "潮汐");
}

#[actix_web::test]
async fn a_list_of_one_takes_no_second_value() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let both = "status=active&status[]=suspended&sort[]=created_at";
    admin.get(&format!("/api/v1/members?{both}")).await.expect(200);
    let twice = admin.get("/api/v1/members?sort=created_at&sort=-created_at").await.expect(400);
    assert_eq!(twice.faults(), [("sort".to_owned(), "invalid_parameter".to_owned())]);
}

#[actix_web::test]
async fn many_unknown_names_are_not_all_told_again() {
    let (_app, anon) = TestApp::start().await;
    let names: Vec<String> = (0..512).map(|name| format!("x{name}=1")).collect();
    let answer = anon.get(&format!("{ARTICLES}?{}", names.join("&"))).await.expect(400);
    assert_eq!(answer.faults().len(), 100);
    let more = anon.get(&format!("{ARTICLES}?{}&y=1", names.join("&"))).await;
    assert_eq!(more.problem(), (400, "bad_request".to_owned()));
}
