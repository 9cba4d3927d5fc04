//! Feeds as another one's parser reads them.

use std::io::Write;
use std::process::{Command, Stdio};

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{NOTICES, SITE, name_site, publish};
use crate::harness::TestApp;

const READ: &str = "
import json, sys, feedparser
headers = json.loads(sys.argv[1])
feed = feedparser.parse(sys.stdin.buffer.read(), response_headers=headers)
print(json.dumps({
    'bozo': str(feed.get('bozo_exception', '')) if feed.bozo else '', 'version': feed.version,
    'title': feed.feed.get('title'), 'id': feed.feed.get('id'),
    'entries': [{'id': e.get('id'), 'title': e.get('title'), 'link': e.get('link'), 'author': e.get('author'),
                 'tags': [t.get('label') or t.get('term') for t in e.get('tags', [])],
                 'published': e.get('published_parsed'), 'updated': e.get('updated_parsed'),
                 'content': [c.value for c in e.get('content', [])]} for e in feed.entries]}))
";

/// Whether feedparser is installed. If it is not, prints a line, or fails if `CI` is set.
#[expect(clippy::explicit_write, reason = "eprintln would be captured, and nobody would see it")]
fn is_installed() -> bool {
    let there = Command::new("python3").args(["-c", "import feedparser"]).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        let advice =
            "no feedparser to read feeds with: pip install feedparser (or apt install python3-feedparser)";
        assert!(std::env::var_os("CI").is_none(), "{advice}");
        writeln!(std::io::stderr(), "skipped, {advice}").unwrap();
    }
    there
}

fn read_feed(content_type: &str, document: &[u8]) -> Value {
    let headers = json!({"content-type": content_type}).to_string();
    let mut python = Command::new("python3");
    python.args(["-c", READ, &headers]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    python.stdin.take().unwrap().write_all(document).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[actix_web::test]
async fn feedparser_finds_no_fault_in_any_feed() {
    if !is_installed() {
        return;
    }
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    name_site(&admin).await;
    admin.patch(SITE, json!({"websub_hub": "https://hub.example/"})).await.expect(200);
    admin.category("sea", None).await;
    for number in 1..=3 {
        let article = json!({
            "title": format!("Tide {number} & <b> \"质量\" 🦀 עברית"), "slug": format!("tide-{number}"), "category": "sea",
            "tags": ["salt", "盐"], "author": "Ada & Bob", "body": "<p>a &amp; b <a href=\"/x\">x</a></p>",
            "published_at": format!("2020-01-0{number}T00:00:00Z"),
        });
        publish(&admin, article).await;
    }
    app.db_execute("UPDATE articles SET title = title || E' ]]> \\u000b' WHERE slug = 'tide-2'").await;
    let notice = json!({"kind": "notice", "title": "n", "body": "<p>n</p>", "status": "published"});
    admin.post(NOTICES, notice).await.expect(201);
    for content in ["full", "summary"] {
        admin.patch(SITE, json!({"feed_content": content})).await.expect(200);
        for name in [
            "articles",
            "categories/sea",
            "tags/salt",
            "authors/Ada%20%26%20Bob",
            "notices/notice",
            "tags/none",
        ] {
            for format in ["atom", "rss"] {
                let path = format!("/feeds/{name}.{format}");
                let answer = anon.get(&path).await.expect(200);
                let feed = read_feed(answer.header("content-type"), &answer.bytes);
                assert_eq!(feed["bozo"], "", "{path}: {feed:#}");
                assert_eq!(feed["version"], if format == "atom" { "atom10" } else { "rss20" }, "{path}");
                let entries = feed["entries"].as_array().unwrap();
                let expected = match name {
                    "tags/none" => 0,
                    "notices/notice" => 1,
                    _ => 3,
                };
                assert_eq!(entries.len(), expected, "{path}");
                for entry in entries {
                    assert!(entry["id"].as_str().unwrap().starts_with("urn:uuid:"), "{path}: {entry:#}");
                    assert!(
                        entry["link"].as_str().unwrap().starts_with("https://news.example.org/"),
                        "{path}"
                    );
                    assert!(entry["published"].is_array(), "{path}: {entry:#}");
                }
                if expected == 3 {
                    assert_eq!(
                        (&entries[0]["author"], &entries[0]["tags"]),
                        (&json!("Ada & Bob"), &json!(["sea", "salt", "盐"]))
                    );
                }
            }
        }
    }
}
