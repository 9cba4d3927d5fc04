//! Bodies that come along with changes.

use std::collections::BTreeMap;

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::CHANGES;
use crate::harness::TestApp;

/// The changes of all pages from `first` on, a page a list.
async fn read_pages(client: &crate::harness::Client, first: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut path) = (Vec::new(), first.to_owned());
    loop {
        let feed = client.get(&path).await.expect(200).json();
        pages.push(feed["data"].as_array().unwrap().clone());
        if feed["page"]["has_next"] == false {
            return pages;
        }
        let cursor = feed["page"]["next_cursor"].as_str().unwrap();
        path = format!("{CHANGES}?since={cursor}&include=body");
    }
}

#[actix_web::test]
async fn bodies_are_those_of_the_things_themselves() {
    let (app, anon) = TestApp::start().await;
    let (editor, member) = (app.db_member(Role::Editor).await, app.db_member(Role::Member).await);
    editor.article("砝码", None).await;
    let notice = json!({"kind": "notice", "title": "n", "body": "<p>m</p>", "status": "published", "audience": "members"});
    editor.post("/api/v1/notices", notice).await.expect(201);
    let told = read_pages(&member, &format!("{CHANGES}?snapshot=true&include=body")).await.concat();
    assert_eq!(told.len(), 2);
    for line in told {
        let (kind, id) = (line["type"].as_str().unwrap(), line["id"].as_str().unwrap());
        assert_eq!(line["data"], member.get(&format!("/api/v1/{kind}s/{id}")).await.data(200));
    }
    let told = read_pages(&anon, &format!("{CHANGES}?snapshot=true&include=body")).await.concat();
    assert_eq!(told[0]["data"]["body"], "<p>砝码</p>");
    assert_eq!(told.len(), 1, "visitors are told nothing of what is for members");
}

#[actix_web::test]
async fn a_page_ends_before_its_bodies_are_too_many_bytes() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let start = anon.get(&format!("{CHANGES}?since=now")).await.expect(200).json();
    let since = start["page"]["next_cursor"].as_str().unwrap().to_owned();
    // A body of 1.5 MB twice fits on a page of 4 MiB, three times it does not.
    let body = format!("<p>{}</p>", "质".repeat(500_000));
    for number in 0..5 {
        let long = if number == 2 { "<p>short</p>" } else { &body };
        let article = json!({"title": format!("{number}"), "body": long, "status": "published"});
        editor.post("/api/v1/articles", article).await.expect(201);
    }
    for first in [format!("since={since}"), "snapshot=true".to_owned()] {
        let pages = read_pages(&anon, &format!("{CHANGES}?{first}&include=body")).await;
        let bytes = |page: &Vec<Value>| -> usize {
            page.iter().map(|line| line["data"]["body"].as_str().unwrap().len()).sum()
        };
        assert!(pages.iter().all(|page| bytes(page) <= 4 << 20), "{first}");
        assert!(pages.len() >= 2, "{first}");
        let titles: BTreeMap<&str, usize> = pages
            .iter()
            .flatten()
            .map(|line| {
                (line["data"]["title"].as_str().unwrap(), line["data"]["body"].as_str().unwrap().len())
            })
            .collect();
        assert_eq!(titles.len(), 5, "{first}");
        assert_eq!(titles["2"], "<p>short</p>".len());
        assert_eq!(pages.concat().len(), 5, "each once");
    }
}
