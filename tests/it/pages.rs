//! The pages that people see: the welcome, the reference and the guides.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inkstone::error::Code;
use inkstone::operations::Role;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::contract::DOCUMENT;
use crate::harness::{Answer, Client, TestApp, files_below};

/// The addresses that a page leads to on its own server.
fn find_links(base: &Url, page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for attribute in ["href=\"", "src=\""] {
        for rest in page.split(attribute).skip(1) {
            let address = rest.split('"').next().unwrap().replace("&amp;", "&");
            let url = base.join(&address).unwrap();
            if url.origin() == base.origin() {
                found.insert(url.path().to_owned());
            }
        }
    }
    found
}

async fn ask(client: &Client, path: &str, accept: &str) -> Answer {
    client.request(Method::GET, path).header("accept", accept).send().await
}

#[actix_web::test]
async fn every_link_between_the_pages_leads_to_one() {
    let (app, anon) = TestApp::start().await;
    let mut open = vec!["/".to_owned(), "/docs/".to_owned(), "/docs/guides/".to_owned()];
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(path) = open.pop() {
        let answer = ask(&anon, &path, "text/html").await.expect(200);
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        let base = Url::parse(&app.url).unwrap().join(&path).unwrap();
        for link in find_links(&base, &answer.text()) {
            if seen.insert(link.clone()) {
                open.push(link);
            }
        }
    }
    for code in Code::ALL {
        assert!(seen.contains(&format!("/problems/{}", code.as_str())), "{code:?}");
    }
    for guide in files_below(std::path::Path::new("docs/guides")) {
        let name = guide.file_stem().unwrap().to_str().unwrap();
        assert!(seen.contains(&format!("/docs/guides/{name}")), "{name} is on no page");
    }
}

#[actix_web::test]
async fn the_type_of_a_problem_is_a_page_about_its_code() {
    let (_app, anon) = TestApp::start().await;
    for path in ["/nowhere", "/api/v1/articles?x=1", "/api/v1/members"] {
        let problem = anon.get(path).await.json();
        let page = ask(&anon, problem["type"].as_str().unwrap(), "*/*").await.expect(200);
        assert!(page.text().contains(problem["code"].as_str().unwrap()));
        assert!(page.text().contains("lang=\"zh-CN\""));
    }
    anon.get("/problems/no_such_code").await.expect(404);
    anon.get("/docs/guides/nowhere").await.expect(404);
    anon.get("/docs/guides/errors.md").await.expect(404);
}

#[actix_web::test]
async fn a_warning_has_no_status_on_its_page_and_in_the_list_of_codes() {
    let (_app, anon) = TestApp::start().await;
    let list = anon.get("/docs/guides/errors").await.expect(200).text();
    for code in ["markup_dropped", "embed_linked", "relative_address", "table_repaired", "text_filtered"] {
        let page = anon.get(&format!("/problems/{code}")).await.expect(200).text();
        assert!(page.contains("A warning") && !page.contains("Status"), "{page}");
        assert!(list.contains(&format!("<code>{code}</code></a></td><td>warning</td>")), "{code}");
    }
    let page = anon.get("/problems/slug_taken").await.expect(200).text();
    assert!(page.contains("Status 409, Conflict."), "{page}");
    assert!(list.contains("<code>slug_taken</code></a></td><td>409</td>"));
}

#[actix_web::test]
async fn the_welcome_page_runs_its_own_script_and_asks_no_other_site() {
    let (_app, anon) = TestApp::start().await;
    let answer = ask(&anon, "/", "text/html,application/xhtml+xml,*/*;q=0.8").await.expect(200);
    let page = answer.text();
    let policy = answer.header("content-security-policy");
    for element in ["script", "style"] {
        let text = page.split(&format!("<{element}>")).nth(1).unwrap();
        let text = text.split(&format!("</{element}>")).next().unwrap();
        let hash = format!("{element}-src 'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        assert!(policy.contains(&hash), "{policy}");
    }
    assert!(!policy.contains("unsafe") && policy.contains("connect-src 'self'"), "{policy}");
    assert!(page.contains("href=\"/docs/guides/clients\""), "{page}");
    assert!(!page.contains("://") && !page.contains(" style=") && !page.contains(" onload="), "{page}");
    let tag = answer.header("etag");
    let again = anon
        .request(Method::GET, "/")
        .header("accept", "text/html")
        .header("if-none-match", tag)
        .send()
        .await;
    assert_eq!(again.status, 304);
}

#[actix_web::test]
async fn programs_get_the_resources_with_their_addresses() {
    let (_app, anon) = TestApp::start().await;
    for accept in [
        "application/json",
        "application/json, */*;q=0.5",
        // What axios sends.
        "application/json, text/plain, */*",
        "text/html;q=0.4, application/json;q=0.9",
        "text/html;Q=0.4, application/json;Q=0.9",
        "text/html, application/json",
        "application/json;q=0.1, */*",
    ] {
        let answer = ask(&anon, "/", accept).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(answer.header("vary").to_ascii_lowercase().contains("accept"), "{}", answer.header("vary"));
        assert_eq!(answer.json()["data"]["name"], "Inkstone");
    }
    for accept in ["*/*", "text/html", "text/html, application/json;Q=0.9", "application/json;q=0, text/*"] {
        assert!(
            ask(&anon, "/", accept).await.expect(200).header("content-type").starts_with("text/html"),
            "{accept}"
        );
    }
    let index = anon.get("/api/v1").await.data(200);
    assert_eq!(index["resources"]["articles"], "/api/v1/articles");
    for (_, path) in index["links"].as_object().unwrap() {
        anon.get(path.as_str().unwrap()).await.expect(200);
    }
    for (name, path) in index["resources"].as_object().unwrap() {
        let status = anon.get(path.as_str().unwrap()).await.status;
        // A search needs words, and changes need a beginning.
        let expected = if ["search", "changes"].contains(&name.as_str()) { [400, 400] } else { [200, 401] };
        assert!(expected.contains(&status), "{name} {status}");
    }
}

#[actix_web::test]
async fn browsers_and_crawlers_find_what_they_ask_for() {
    let (_app, anon) = TestApp::start().await;
    assert!(anon.get("/robots.txt").await.expect(200).text().starts_with("User-agent: *\n"));
    for icon in ["/favicon.ico", "/favicon.svg"] {
        assert_eq!(anon.get(icon).await.expect(200).header("content-type"), "image/svg+xml");
    }
    for page in ["/docs/", "/docs/index.html"] {
        let page = anon.get(page).await.expect(200).text();
        assert!(
            page.contains("<title>Reference · Inkstone</title>") && page.contains("press <b>Authorize</b>")
        );
    }
}

/// The example of a schema of the document.
fn example(schema: &str) -> Value {
    DOCUMENT["components"]["schemas"][schema]["example"].clone()
}

#[actix_web::test]
async fn the_examples_of_new_things_run_on_an_empty_site() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (path, schema) in [
        ("/api/v1/categories", "NewCategory"),
        ("/api/v1/articles", "NewArticle"),
        ("/api/v1/notices", "NewNotice"),
        ("/api/v1/api-keys", "NewApiKey"),
    ] {
        let (empty, _) = TestApp::start().await;
        empty.db_member(Role::Admin).await.post(path, example(schema)).await.expect(201);
    }
    admin.patch("/api/v1/site", example("SitePatch")).await.expect(200);
    let moved = json!({"title": "Moved", "source_url": "https://old.example.com/news/2019/09/123.html", "status": "published"});
    admin.post("/api/v1/articles", moved).await.expect(201);
    // Examples of parameters are filled in for whoever tries an operation.
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let examples = parameters.iter().filter(|one| one["in"] == "query" && one["example"].is_string());
        for parameter in examples.filter(|_| !path.contains('{')) {
            let (name, value) = (parameter["name"].as_str().unwrap(), parameter["example"].as_str().unwrap());
            let status = admin.get(&format!("{path}?{name}={value}")).await.status;
            assert_eq!(status, 200, "{path}?{name}={value}");
        }
    }
}
