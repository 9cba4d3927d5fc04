//! Paging: by number, by cursor, and what is refused.

use inkstone::operations::Role;
use serde_json::Value;

use super::{A_MINUTE_APART, ARTICLES, db_rows, titles};
use crate::harness::{Answer, Client, TestApp, column};

/// 25 articles, `row 00001` the newest.
async fn scene() -> (TestApp, Client) {
    let (app, anon) = TestApp::start().await;
    db_rows(&app, 25, A_MINUTE_APART).await;
    (app, anon)
}

fn rows(numbers: std::ops::RangeInclusive<usize>) -> Vec<String> {
    numbers.map(|n| format!("row {n:05}")).collect()
}

async fn page(client: &Client, query: &str) -> Value {
    client.get(&format!("{ARTICLES}?{query}")).await.expect(200).json()
}

/// The address behind a relation of the `Link` header.
fn link(answer: &Answer, relation: &str) -> Option<String> {
    let wanted = format!(">; rel=\"{relation}\"");
    let found =
        answer.header("link").split(", ").find_map(|link| link.strip_suffix(&wanted)?.strip_prefix('<'));
    found.map(str::to_owned)
}

#[actix_web::test]
async fn a_list_starts_with_the_twenty_newest() {
    let (_app, anon) = scene().await;
    let first = page(&anon, "").await;
    assert_eq!(column(&first["data"], "title"), rows(1..=20));
    assert_eq!((&first["page"]["size"], &first["page"]["has_next"]), (&20.into(), &true.into()));
    assert_eq!(first["page"]["prev_cursor"], Value::Null);
    assert_eq!(first["page"].get("total"), None);
    assert_eq!(first["page"].get("number"), None);
}

#[actix_web::test]
async fn numbered_pages_cover_the_list_once() {
    let (_app, anon) = scene().await;
    for (number, wanted) in [(1, rows(1..=10)), (2, rows(11..=20)), (3, rows(21..=25)), (4, Vec::new())] {
        let page = page(&anon, &format!("page={number}&page_size=10")).await;
        assert_eq!(column(&page["data"], "title"), wanted, "{number}");
        assert_eq!(page["page"]["number"], number);
        assert_eq!(page["page"]["has_next"], number < 3, "{number}");
    }
}

#[actix_web::test]
async fn cursors_lead_forth_and_back_over_the_same_pages() {
    let (_app, anon) = scene().await;
    let mut forth = vec![page(&anon, "page_size=10").await];
    while let Some(cursor) = forth.last().unwrap()["page"]["next_cursor"].as_str() {
        forth.push(page(&anon, &format!("page_size=10&cursor={cursor}")).await);
    }
    let shown: Vec<_> = forth.iter().map(|page| column(&page["data"], "title")).collect();
    assert_eq!(shown, [rows(1..=10), rows(11..=20), rows(21..=25)]);
    let mut back = vec![forth.pop().unwrap()];
    while let Some(cursor) = back.last().unwrap()["page"]["prev_cursor"].as_str() {
        back.push(page(&anon, &format!("page_size=10&cursor={cursor}")).await);
    }
    let shown: Vec<_> = back.iter().map(|page| column(&page["data"], "title")).collect();
    assert_eq!(shown, [rows(21..=25), rows(11..=20), rows(1..=10)]);
    assert!(back[1..].iter().all(|page| page["page"]["has_next"] == true));
}

#[actix_web::test]
async fn a_numbered_page_hands_over_to_cursors() {
    let (_app, anon) = scene().await;
    let second = page(&anon, "page=2&page_size=10").await["page"].clone();
    let [next, previous] = ["next_cursor", "prev_cursor"].map(|key| second[key].as_str().unwrap().to_owned());
    assert_eq!(titles(&anon, &format!("cursor={next}&page_size=10")).await, rows(21..=25));
    assert_eq!(titles(&anon, &format!("cursor={previous}&page_size=10")).await, rows(1..=10));
}

#[actix_web::test]
async fn a_cursor_goes_with_another_page_size_and_other_fields() {
    let (_app, anon) = scene().await;
    let cursor = page(&anon, "page_size=10").await["page"]["next_cursor"].as_str().unwrap().to_owned();
    let query = format!("page_size=3&fields=title&count=true&cursor={cursor}");
    assert_eq!(titles(&anon, &query).await, rows(11..=13));
}

#[actix_web::test]
async fn links_lead_through_the_whole_list_with_all_its_filters() {
    let (_app, anon) = scene().await;
    for kind in ["sort=-published_at,title&author=&page_size=10", "page=1&page_size=10&fields=title"] {
        let mut seen = Vec::new();
        let mut next = Some(format!("{ARTICLES}?{kind}"));
        while let Some(path) = next {
            let answer = anon.get(&path).await;
            seen.extend(column(&answer.json()["data"], "title"));
            next = link(&answer, "next");
            let first = anon.get(&link(&answer, "first").unwrap()).await;
            assert_eq!(column(&first.data(200), "title"), rows(1..=10));
        }
        assert_eq!(seen, rows(1..=25), "{kind}");
    }
}

#[actix_web::test]
async fn a_previous_link_leads_back() {
    let (_app, anon) = scene().await;
    for query in ["page=2&page_size=10".to_owned(), {
        let cursor = page(&anon, "page_size=10").await["page"]["next_cursor"].as_str().unwrap().to_owned();
        format!("page_size=10&cursor={cursor}")
    }] {
        let answer = anon.get(&format!("{ARTICLES}?{query}")).await;
        let previous = link(&answer, "prev").unwrap();
        assert_eq!(column(&anon.get(&previous).await.data(200), "title"), rows(1..=10));
    }
    assert_eq!(link(&anon.get(ARTICLES).await, "prev"), None);
}

#[actix_web::test]
async fn count_adds_the_size_of_the_list_not_of_the_page() {
    let (app, anon) = scene().await;
    let editor = app.db_member(Role::Editor).await;
    editor.article("another", None).await;
    for (query, total) in [
        ("count=true&page_size=2", 26),
        ("count=true&page=9", 26),
        ("count=true&published_to=2019-09-20T00:00:00Z", 25),
    ] {
        assert_eq!(page(&anon, query).await["page"]["total"], total, "{query}");
    }
    assert_eq!(page(&anon, "count=false").await["page"].get("total"), None);
}

#[actix_web::test]
async fn a_list_is_counted_to_ten_thousand_unless_the_exact_number_is_asked_for() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    db_rows(&app, 10_000, "now() - interval '1 minute'").await;
    let counted = async |query: &str| {
        let page = &page(&anon, query).await["page"];
        (page["total"].as_i64(), page["total_at_least"].as_i64())
    };
    assert_eq!(counted("count=true").await, (Some(10_000), None));
    app.db_execute(
        "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at)
         VALUES (gen_random_uuid(), 'one-more', 'T', '', '', 1, 'published', now() - interval '1 minute')",
    )
    .await;
    assert_eq!(counted("count=true").await, (None, Some(10_000)));
    assert_eq!(counted("count=exact").await, (Some(10_001), None));
    assert_eq!(counted("count=false").await, (None, None));
    app.db_execute(
        "INSERT INTO changes (actor_kind, action, entity, entity_id)
         SELECT 'system', 'update', 'article', gen_random_uuid() FROM generate_series(1, 10001)",
    )
    .await;
    let log = admin.get("/api/v1/audit?count=true").await.expect(200).json();
    assert_eq!((log["page"].get("total"), log["page"]["total_at_least"].as_i64()), (None, Some(10_000)));
    let wrong = anon.get(&format!("{ARTICLES}?count=all")).await;
    assert_eq!(wrong.faults(), [("count".to_owned(), "invalid_parameter".to_owned())]);
}

#[actix_web::test]
async fn an_empty_list_is_a_page_without_neighbours() {
    let (_app, anon) = TestApp::start().await;
    let empty = page(&anon, "count=true").await;
    assert_eq!(empty["data"], serde_json::json!([]));
    let wanted = serde_json::json!({"size": 20, "has_next": false, "next_cursor": null, "prev_cursor": null, "total": 0});
    assert_eq!(empty["page"], wanted);
}

#[actix_web::test]
async fn paging_refuses_what_it_cannot_do() {
    let (_app, anon) = scene().await;
    let sizes =
        ["0", "101", "-1", "abc", "1.5", "", "99999999999999999999", "+5"].map(|size| ("page_size", size));
    let pages = ["0", "-1", "abc", "1.5", ""].map(|page| ("page", page));
    for (name, value) in sizes.iter().chain(&pages) {
        let answer = anon.get(&format!("{ARTICLES}?{name}={value}")).await;
        assert_eq!(answer.problem(), (400, "invalid_parameter".to_owned()), "{name}={value}");
        assert_eq!(answer.faults(), [((*name).to_owned(), "invalid_parameter".to_owned())], "{name}={value}");
    }
    assert!(anon.get(&format!("{ARTICLES}?page_size=101")).await.text().contains("100"));
}

#[actix_web::test]
async fn page_numbers_end_at_ten_thousand_rows() {
    let (_app, anon) = scene().await;
    anon.get(&format!("{ARTICLES}?page=100&page_size=100")).await.expect(200);
    for query in ["page=101&page_size=100", "page=501", "page=9223372036854775807&page_size=100"] {
        let answer = anon.get(&format!("{ARTICLES}?{query}")).await;
        assert_eq!(answer.problem(), (400, "page_too_deep".to_owned()), "{query}");
        assert!(answer.text().contains("cursor"));
    }
}

#[actix_web::test]
async fn a_page_number_and_a_cursor_contradict_each_other() {
    let (_app, anon) = scene().await;
    let cursor = page(&anon, "page_size=10").await["page"]["next_cursor"].as_str().unwrap().to_owned();
    let answer = anon.get(&format!("{ARTICLES}?page=1&cursor={cursor}")).await;
    assert_eq!(answer.faults(), [("page".to_owned(), "invalid_parameter".to_owned())]);
}

#[actix_web::test]
async fn a_cursor_opens_only_the_list_it_came_from() {
    let (_app, anon) = scene().await;
    let cursor =
        page(&anon, "page_size=10&author=").await["page"]["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(titles(&anon, &format!("page_size=2&author=&cursor={cursor}")).await, rows(11..=12));
    let mut turned: Vec<char> = cursor.chars().collect();
    let last = turned.len() / 2;
    turned[last] = if turned[last] == 'A' { 'B' } else { 'A' };
    let turned: String = turned.into_iter().collect();
    let shorter = &cursor[..cursor.len() - 4];
    for query in [
        format!("author=Lin&cursor={cursor}"),
        format!("cursor={cursor}"),
        format!("author=&sort=title&cursor={cursor}"),
        format!("author=&cursor={turned}"),
        format!("author=&cursor={shorter}"),
        "author=&cursor=x".to_owned(),
        "author=&cursor=".to_owned(),
    ] {
        let answer = anon.get(&format!("{ARTICLES}?{query}")).await;
        assert_eq!(answer.faults(), [("cursor".to_owned(), "invalid_cursor".to_owned())], "{query}");
    }
    let notices = anon.get(&format!("/api/v1/notices?cursor={cursor}")).await;
    assert_eq!(notices.problem(), (400, "invalid_cursor".to_owned()));
}

#[actix_web::test]
async fn an_unknown_parameter_names_the_nearest_known_one() {
    let (_app, anon) = scene().await;
    let answer = anon.get(&format!("{ARTICLES}?catgory=news&page_size=5")).await;
    assert_eq!(answer.faults(), [("catgory".to_owned(), "unknown_parameter".to_owned())]);
    assert!(answer.text().contains("`category`"), "{}", answer.text());
    let twice = anon.get(&format!("{ARTICLES}?author=a&author=b")).await;
    assert_eq!(twice.problem(), (400, "repeated_parameter".to_owned()));
}
