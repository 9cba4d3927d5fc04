//! What is not public is nowhere to be found.

use reqwest::Method;
use serde_json::json;

use super::{ARTICLES, at, create, titles};
use crate::harness::{Answer, Cast, Client, TestApp};

const HIDDEN: [&str; 4] = ["draft", "archived", "future", "trashed"];
const FILTERS: [&str; 9] = [
    "page_size=50",
    "category=news",
    "category=local",
    "category=local&descendants=false",
    "tag=harbour,other",
    "author=Lin",
    "source=Gazette",
    "published_from=2000-01-01T00:00:00Z&published_to=2300-01-01T00:00:00Z",
    "category=news&tag=harbour&author=Lin&source=Gazette",
];
const SORTS: [&str; 8] = [
    "-published_at",
    "published_at",
    "-updated_at",
    "updated_at",
    "-created_at",
    "created_at",
    "-title",
    "title",
];

/// One public article among one of each hidden kind, all alike but for their state.
async fn scene() -> (TestApp, Cast) {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.admin.category("news", None).await;
    cast.admin.category("local", Some("news")).await;
    for kind in ["draft", "archived", "visible", "future", "trashed"] {
        let status = if ["draft", "archived"].contains(&kind) { kind } else { "published" };
        let hour = if kind == "future" { "2199-09-20T00:00:00Z" } else { "2019-09-20T00:00:00Z" };
        create(&cast.admin, json!({"title": kind, "slug": format!("the-{kind}"), "external_id": kind, "category": "local",
            "tags": ["harbour"], "author": "Lin", "source_name": "Gazette", "status": status, "published_at": hour}))
        .await;
    }
    cast.admin.delete(&format!("{ARTICLES}/the-trashed")).await.expect(204);
    (app, cast)
}

#[actix_web::test]
async fn no_filter_and_no_sort_lists_or_counts_what_is_hidden() {
    let (_app, cast) = scene().await;
    for (client, filter) in
        [&cast.anon, &cast.member].iter().flat_map(|client| FILTERS.map(|one| (client, one)))
    {
        for sort in SORTS {
            let page =
                client.get(&format!("{ARTICLES}?{filter}&sort={sort}&count=true")).await.expect(200).json();
            let found: Vec<_> = page["data"].as_array().unwrap().iter().map(|card| &card["title"]).collect();
            assert_eq!(found, ["visible"], "{filter} {sort}");
            assert_eq!(page["page"]["total"], 1, "{filter} {sort}");
        }
    }
}

#[actix_web::test]
async fn staff_too_list_only_what_is_public_unless_they_ask_for_more() {
    let (_app, cast) = scene().await;
    for client in [&cast.author, &cast.editor, &cast.admin] {
        assert_eq!(titles(client, "sort=title").await, ["visible"]);
    }
    let all = titles(&cast.editor, "status=draft,published,archived&sort=title").await;
    assert_eq!(all, ["archived", "draft", "future", "visible"]);
    assert_eq!(titles(&cast.admin, "deleted=true").await, ["trashed"]);
}

/// Asks under a fixed request id, which answers repeat.
async fn ask(client: &Client, method: Method, path: &str) -> Answer {
    client.request(method, path).header("x-request-id", "the-same").send().await
}

/// All of an answer that a client can compare.
fn face(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.keys().filter(|name| *name != "date");
    let mut headers: Vec<_> =
        headers.map(|name| (name.to_string(), answer.header(name.as_str()).to_owned())).collect();
    headers.sort();
    (answer.status, headers, answer.text())
}

#[actix_web::test]
async fn a_hidden_article_answers_byte_for_byte_as_one_that_never_was() {
    let (_app, cast) = scene().await;
    for client in [&cast.anon, &cast.member] {
        let never =
            ask(client, Method::GET, &format!("{ARTICLES}/0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60")).await;
        assert_eq!(never.problem(), (404, "not_found".to_owned()));
        for kind in HIDDEN {
            for name in [format!("the-{kind}"), format!("by-external-id/{kind}")] {
                let found = ask(client, Method::GET, &format!("{ARTICLES}/{name}?include=neighbors")).await;
                assert_eq!(face(&found), face(&never), "{name}");
            }
        }
    }
}

#[actix_web::test]
async fn a_hidden_id_is_no_better_known_and_takes_no_views() {
    let (_app, cast) = scene().await;
    let staff = cast.admin.get(&format!("{ARTICLES}?status=draft,archived,published")).await.data(200);
    let trash = cast.admin.get(&format!("{ARTICLES}?deleted=true")).await.data(200);
    let never =
        ask(&cast.anon, Method::GET, &format!("{ARTICLES}/0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60")).await;
    let all = staff.as_array().unwrap().iter().chain(trash.as_array().unwrap());
    let hidden: Vec<_> = all.filter(|card| card["title"] != "visible").collect();
    assert_eq!(hidden.len(), HIDDEN.len());
    for card in hidden {
        for (method, path) in [(Method::GET, at(card)), (Method::POST, format!("{}/views", at(card)))] {
            assert_eq!(face(&ask(&cast.anon, method, &path).await), face(&never), "{path}");
        }
    }
}

#[actix_web::test]
async fn nothing_private_can_be_filtered_sorted_included_or_named() {
    let (_app, cast) = scene().await;
    // Where a name can be given, one that the database knows, and one that nobody knows.
    let asked = [
        ("filter[author.NAME][$startsWith]=x", "password_hash", "passmark_hush"),
        ("filter[author][NAME][$eq]=x", "email", "emoil"),
        ("filter[t0.NAME]=x", "password", "passmark"),
        ("NAME=x", "created_by", "crooned_by"),
        ("sort=NAME", "source_hash", "source_hush"),
        ("sort=author.NAME", "email", "emoil"),
        ("fields=*,NAME.*", "members", "mumbles"),
        ("fields=title,NAME", "password_hash", "passmark_hush"),
        ("fields=NAME", "sessions", "sassions"),
        ("include=NAME", "members", "mumbles"),
        ("include=category,author.NAME", "sessions", "sassions"),
    ];
    for client in [&cast.anon, &cast.member, &cast.admin] {
        for (query, real, invented) in asked {
            let said = async |name: &str| {
                let path = format!("{ARTICLES}?{}", query.replace("NAME", name));
                let (status, _, text) = face(&ask(client, Method::GET, &path).await);
                assert_eq!(status, 400, "{path}");
                text.replace(name, "NAME")
            };
            assert_eq!(said(real).await, said(invented).await, "{query}");
        }
    }
}

#[actix_web::test]
async fn categories_count_only_what_is_public() {
    let (_app, cast) = scene().await;
    for category in ["news", "local"] {
        let read = cast.admin.get(&format!("/api/v1/categories/{category}")).await.data(200);
        assert_eq!(read["article_count"], 1, "{category}");
    }
}

#[actix_web::test]
async fn neighbors_skip_what_is_hidden_even_for_staff() {
    let (_app, cast) = scene().await;
    for client in [&cast.anon, &cast.admin] {
        let read = client.get(&format!("{ARTICLES}/the-visible?include=neighbors")).await.data(200);
        assert_eq!(read["neighbors"], json!({"previous": null, "next": null}));
    }
}

#[actix_web::test]
async fn only_staff_ask_by_status_or_for_the_trash() {
    let (_app, cast) = scene().await;
    let refusals = [(&cast.anon, (401, "unauthenticated")), (&cast.member, (403, "forbidden"))];
    for (client, (status, code)) in refusals {
        for query in ["status=published", "status=draft", "deleted=true"] {
            let answer = client.get(&format!("{ARTICLES}?{query}")).await;
            assert_eq!(answer.problem(), (status, code.to_owned()), "{query}");
        }
        assert_eq!(titles(client, "deleted=false").await, ["visible"]);
    }
}

#[actix_web::test]
async fn a_scheduled_article_appears_when_its_hour_comes() {
    let (app, cast) = scene().await;
    cast.anon.get(&format!("{ARTICLES}/the-future")).await.expect(404);
    app.db_execute(
        "UPDATE articles SET published_at = now() - interval '1 second' WHERE slug = 'the-future'",
    )
    .await;
    cast.anon.get(&format!("{ARTICLES}/the-future")).await.expect(200);
    assert_eq!(titles(&cast.anon, "category=news").await, ["future", "visible"]);
}

#[actix_web::test]
async fn withdrawing_an_article_hides_it_at_once() {
    let (_app, cast) = scene().await;
    for status in ["archived", "draft"] {
        cast.editor.patch(&format!("{ARTICLES}/the-visible"), json!({"status": status})).await.expect(200);
        cast.anon.get(&format!("{ARTICLES}/the-visible")).await.expect(404);
        assert_eq!(titles(&cast.anon, "count=true").await, [""; 0], "{status}");
    }
}
