//! `q` on the lists of articles and notices.

use inkstone::operations::Role;
use serde_json::json;

use super::{ask, publish, start, titles};

const ARTICLES: &str = "/api/v1/articles";

#[actix_web::test]
async fn chinese_is_found_wherever_it_stands_in_either_script() {
    let (app, anon, editor) = start().await;
    publish(
        &editor,
        json!({"title": "全省质量提升行动部署会召开", "body": "<p>会上强调要加强<b>计量</b>监管。</p>"}),
    )
    .await;
    publish(&editor, json!({"title": "標準化工作會議", "body": "<p>質量基礎設施，GB/T 19001-2016，2.29万件，C++ 接口。</p>"})).await;
    app.index().await;
    for (q, found) in [
        ("质量", 2),
        ("質量", 2),
        ("量提", 1),
        ("升行动部", 1),
        ("计量", 1),
        ("強調", 1),
        ("标准化", 1),
        ("质", 2),
        ("GB/T 19001-2016", 1),
        ("19001", 1),
        ("2.29万", 1),
        ("C++", 1),
        ("\"提升行动\"", 1),
        ("质量 -提升", 1),
        ("title:质量", 1),
        ("质量 计量", 1),
        ("量质", 0),
        ("部署会召开会上", 0),
    ] {
        assert_eq!(titles(&anon, ARTICLES, &[("q", q)]).await.len(), found, "{q}");
    }
    // The spelling of the reader comes first.
    assert_eq!(titles(&anon, ARTICLES, &[("q", "质量")]).await[0], "全省质量提升行动部署会召开");
}

#[actix_web::test]
async fn words_stand_beside_every_other_filter_and_order() {
    let (app, anon, editor) = start().await;
    for (slug, parent) in [("news", None), ("local", Some("news")), ("other", None)] {
        editor
            .post("/api/v1/categories", json!({"name": slug, "slug": slug, "parent": parent}))
            .await
            .data(201);
    }
    for (at, (category, tag)) in
        [("local", "甲"), ("news", "乙"), ("other", "甲"), ("local", "乙")].into_iter().enumerate()
    {
        let title = format!("检定规程 {at}");
        let published_at = format!("2020-01-0{}T00:00:00Z", at + 1);
        let article = json!({"title": title, "category": category, "tags": [tag], "author": format!("作者{at}"), "published_at": published_at});
        publish(&editor, article).await;
    }
    publish(&editor, json!({"title": "别的", "category": "news"})).await;
    app.index().await;
    let found = async |more: &[(&str, &str)]| {
        let query: Vec<_> = [("q", "检定")].iter().chain(more).copied().collect();
        let mut found = titles(&anon, ARTICLES, &query).await;
        found.iter_mut().for_each(|title| *title = title.split_off(title.len() - 1));
        found.join("")
    };
    assert_eq!(found(&[("sort", "published_at")]).await, "0123");
    assert_eq!(found(&[("sort", "-published_at")]).await, "3210");
    assert_eq!(found(&[("sort", "-title,published_at")]).await, "3210");
    assert_eq!(found(&[("category", "news"), ("sort", "title")]).await, "013");
    assert_eq!(found(&[("category", "news"), ("descendants", "false")]).await, "1");
    assert_eq!(found(&[("tag", "甲"), ("sort", "title")]).await, "02");
    assert_eq!(found(&[("author", "作者2")]).await, "2");
    assert_eq!(
        found(&[
            ("published_from", "2020-01-02T00:00:00Z"),
            ("published_to", "2020-01-04T00:00:00Z"),
            ("sort", "title")
        ])
        .await,
        "12"
    );
    // Whatever the order, pages go on where the last one ended, in both directions.
    for sort in ["-published_at", "title", "updated_at"] {
        let first =
            ask(&anon, ARTICLES, &[("q", "检定"), ("sort", sort), ("page_size", "3"), ("count", "true")])
                .await;
        assert_eq!(
            (first["page"]["total"].as_i64(), first["data"].as_array().map(Vec::len)),
            (Some(4), Some(3)),
            "{sort}"
        );
        let cursor = first["page"]["next_cursor"].as_str().unwrap();
        let second =
            ask(&anon, ARTICLES, &[("q", "检定"), ("sort", sort), ("page_size", "3"), ("cursor", cursor)])
                .await;
        assert_eq!(second["data"].as_array().map(Vec::len), Some(1), "{sort}");
        let cursor = second["page"]["prev_cursor"].as_str().unwrap();
        let back =
            ask(&anon, ARTICLES, &[("q", "检定"), ("sort", sort), ("page_size", "3"), ("cursor", cursor)])
                .await;
        assert_eq!(back["data"], first["data"], "{sort}");
    }
}

#[actix_web::test]
async fn a_list_by_relevance_shows_each_hit_once_whatever_changes_meanwhile() {
    let (app, anon, editor) = start().await;
    for at in 0..25 {
        publish(&editor, json!({"title": format!("计量 {at}"), "body": "计量。".repeat(at % 5 + 1)})).await;
    }
    app.index().await;
    let mut seen = std::collections::BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let mut query = vec![("q", "计量"), ("page_size", "4")];
        query.extend(Some(("cursor", cursor.as_str())).filter(|(_, cursor)| !cursor.is_empty()));
        let page = ask(&anon, ARTICLES, &query).await;
        for card in page["data"].as_array().unwrap() {
            assert!(seen.insert(card["id"].as_str().unwrap().to_owned()), "{card} came twice");
        }
        // What comes meanwhile moves everything.
        publish(&editor, json!({"title": "计量 计量 计量"})).await;
        app.index().await;
        match page["page"]["next_cursor"].as_str() {
            Some(next) if seen.len() < 40 => cursor = next.to_owned(),
            _ => break,
        }
    }
    assert!(seen.len() >= 25);
    // By number, and to the end.
    let page =
        ask(&anon, ARTICLES, &[("q", "计量"), ("page_size", "10"), ("page", "3"), ("count", "true")]).await;
    assert!(page["page"]["total"].as_u64().unwrap() >= 31 && !page["data"].as_array().unwrap().is_empty());
}

#[actix_web::test]
async fn the_words_are_marked_in_the_script_of_the_page() {
    let (app, anon, editor) = start().await;
    publish(
        &editor,
        json!({"title": "質量 <b>提升</b>", "body": "<p>第一段。</p><p>加強 a&lt;b 質量監管工作</p>"}),
    )
    .await;
    app.index().await;
    let found = ask(&anon, ARTICLES, &[("q", "质量"), ("highlight", "true")]).await;
    let highlight = &found["data"][0]["highlight"];
    assert_eq!(highlight["title"], "<mark>質量</mark> &lt;b&gt;提升&lt;/b&gt;");
    let snippet = highlight["snippets"][0].as_str().unwrap();
    assert!(snippet.contains("a&lt;b <mark>質量</mark>監管"), "{snippet}");
    // With `fields` too, and not without being asked for.
    let picked = ask(&anon, ARTICLES, &[("q", "质量"), ("highlight", "true"), ("fields", "slug")]).await;
    assert_eq!(picked["data"][0]["highlight"], *highlight);
    assert!(ask(&anon, ARTICLES, &[("q", "质量")]).await["data"][0].get("highlight").is_none());
}

#[actix_web::test]
async fn what_cannot_be_searched_for_is_refused_in_a_sentence() {
    let (_app, anon, _) = start().await;
    for (query, parameter) in [
        ("q=%EF%BC%8C", "q"),
        ("q=-a", "q"),
        ("highlight=true", "highlight"),
        ("sort=relevance", "sort"),
        ("q=a&sort=relevance,title", "sort"),
        ("q=a&fields=body", "fields"),
        ("q=", "q"),
    ] {
        let answer = anon.get(&format!("{ARTICLES}?{query}")).await.expect(400);
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
    // As many as an address has room for.
    let long = "%20a".repeat(5_000);
    anon.get(&format!("{ARTICLES}?q={long}")).await.expect(400);
    let many: Vec<String> = (0..40).map(|at| at.to_string()).collect();
    anon.get(&format!("{ARTICLES}?q={}", many.join("%20"))).await.expect(400);
    // Everything else is a text.
    for q in ["%22", "AND%20OR", "title%3A", "%5C%2A", "(((", "-%22a%22%20b", "%00"] {
        let status = anon.get(&format!("{ARTICLES}?q={q}")).await.status;
        assert!(status == 200 || status == 400, "{q} {status}");
    }
}

#[actix_web::test]
async fn staff_search_drafts_and_the_trash_and_authors_their_own() {
    let (app, anon, editor) = start().await;
    let author = app.db_member(Role::Author).await;
    author.post(ARTICLES, json!({"title": "抽查 一"})).await.data(201);
    editor.post(ARTICLES, json!({"title": "抽查 二"})).await.data(201);
    let gone = publish(&editor, json!({"title": "抽查 三"})).await;
    editor.delete(&format!("{ARTICLES}/{}", gone["id"].as_str().unwrap())).await.expect(204);
    app.index().await;
    let drafts = [("q", "抽查"), ("status", "draft"), ("sort", "title")];
    assert_eq!(titles(&editor, ARTICLES, &drafts).await, ["抽查 一", "抽查 二"]);
    assert_eq!(titles(&author, ARTICLES, &drafts).await, ["抽查 一"]);
    assert_eq!(titles(&editor, ARTICLES, &[("q", "抽查"), ("deleted", "true")]).await, ["抽查 三"]);
    assert_eq!(ask(&anon, ARTICLES, &[("q", "抽查"), ("count", "true")]).await["page"]["total"], 0);
    anon.get(&format!("{ARTICLES}?q=a&status=draft")).await.expect(401);
}

#[actix_web::test]
async fn notices_are_found_by_those_whom_they_are_for() {
    let (app, anon, editor) = start().await;
    let member = app.db_member(Role::Member).await;
    let notice = |title: &str, audience: &str| json!({"kind": "notice", "title": title, "body": "<p>暂停受理</p>", "status": "published", "audience": audience});
    for (title, audience) in [("检定业务 公开", "public"), ("检定业务 会员", "members")] {
        editor.post("/api/v1/notices", notice(title, audience)).await.data(201);
    }
    app.index().await;
    let path = "/api/v1/notices";
    assert_eq!(titles(&anon, path, &[("q", "业务")]).await, ["检定业务 公开"]);
    assert_eq!(titles(&member, path, &[("q", "受理")]).await.len(), 2);
    let found =
        ask(&anon, path, &[("q", "受理"), ("highlight", "true"), ("kind", "notice"), ("count", "true")])
            .await;
    assert_eq!(found["page"]["total"], 1);
    assert_eq!(found["data"][0]["highlight"]["snippets"][0], "暂停<mark>受理</mark>");
    assert_eq!(
        ask(&anon, path, &[("q", "受理"), ("kind", "announcement"), ("count", "true")]).await["page"]["total"],
        0
    );
}
