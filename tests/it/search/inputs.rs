//! Values that look like something else, and what other people do with cursors and pages.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::truth::{ids, walk};
use super::{ask, publish, start, titles, urlencode};
use crate::harness::Client;

const ARTICLES: &str = "/api/v1/articles";
const SEARCH: &str = "/api/v1/search";

async fn total(client: &Client, query: &[(&str, &str)]) -> u64 {
    ask(client, SEARCH, query).await["page"]["total"].as_u64().unwrap()
}

#[actix_web::test]
async fn tags_and_names_that_look_like_queries_or_labels_are_what_they_are() {
    let (app, anon, editor) = start().await;
    let category = editor.category("suggest", None).await;
    let id = category["id"].as_str().unwrap().to_owned();
    let tags = [
        "x\" OR \"",
        &format!("category:{id}"),
        "kind:notice",
        "tag:钢尺",
        "status:draft",
        "year:1999",
        "-钢尺",
        "a:b:c",
        "trash:yes",
        "%",
        "*",
        "质量/提升?&#",
        "tag 钢尺",
        "\\",
    ];
    for tag in tags {
        let author = format!("author:{}", &tag.chars().take(20).collect::<String>());
        publish(&editor, json!({"title": "钢尺", "tags": [tag], "author": author, "source_name": tag})).await;
    }
    publish(&editor, json!({"title": "钢尺 无名", "category": "suggest"})).await;
    app.index().await;
    let all = ask(&anon, SEARCH, &[("q", "钢尺"), ("page_size", "100")]).await;
    assert_eq!(all["page"]["total"], tags.len() + 1);
    let facet = |name: &str, key: &str| -> BTreeSet<String> {
        let all = all["facets"][name].as_array().unwrap().iter();
        all.map(|one| one[key].as_str().map_or_else(|| one[key].to_string(), str::to_owned)).collect()
    };
    assert_eq!(facet("tag", "tag"), tags.iter().map(|tag| (*tag).to_owned()).collect());
    assert_eq!(facet("category", "id"), BTreeSet::from([id]));
    assert_eq!(facet("type", "type"), BTreeSet::from(["article".to_owned()]));
    assert_eq!(facet("year", "year").len(), 1);
    for tag in tags {
        assert_eq!(total(&anon, &[("q", "钢尺"), ("tag", tag)]).await, 1, "{tag}");
        let author = format!("author:{}", &tag.chars().take(20).collect::<String>());
        for more in [("author", author.as_str()), ("source", tag), ("tag", tag)] {
            let found = titles(&anon, ARTICLES, &[("q", "钢尺"), more]).await;
            assert_eq!(found, ["钢尺"], "{more:?}");
        }
    }
    // Nobody's byline is a name too.
    for name in ["author", "source"] {
        assert_eq!(titles(&anon, ARTICLES, &[("q", "钢尺"), (name, "")]).await, ["钢尺 无名"], "{name}");
    }
    assert_eq!(total(&anon, &[("q", "钢尺"), ("category", "suggest")]).await, 1);
    // The path of suggestions is no category, and a category no path.
    anon.get(&format!("{SEARCH}/suggest")).await.expect(400);
    anon.get(&format!("{SEARCH}/suggest/")).await.expect(404);
    for typed in ["category:", "x\"", "-钢", "a:b", "tag:", "%", "tag 钢"] {
        let found = ask(&anon, &format!("{SEARCH}/suggest"), &[("prefix", typed)]).await;
        for one in found["data"].as_array().unwrap() {
            // Signs and spaces are passed over.
            let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            let text = letters(one["text"].as_str().unwrap());
            assert!(text.contains(&letters(typed)), "{typed}: {one}");
        }
    }
}

#[actix_web::test]
async fn whatever_is_typed_is_answered_or_refused_in_a_sentence() {
    let (app, anon, editor) = start().await;
    publish(&editor, json!({"title": "质量 quality \"x\" 100%", "body": "<p>a&amp;b</p>"})).await;
    app.index().await;
    let mut typed: Vec<String> = (0..0x20).map(|c| format!("质{}量", char::from(c))).collect();
    typed.extend((0..0x20).map(|c| char::from(c).to_string()));
    let words = |word: &str, count: usize| vec![word; count].join(" ");
    typed.extend([
        "质".repeat(200),
        "质".repeat(500),
        "ﷺ".repeat(500),
        "\u{301}".repeat(500),
        "质".repeat(501),
        "\"".repeat(500),
        "-".repeat(499),
        "(".repeat(500),
        words("质", 20),
        words("-质", 250),
        words("a", 20),
        words("a", 250),
        words("-\"a b\" c", 60),
        words("title:", 80),
        format!("title:\"{}", "a ".repeat(200)),
        "title:title:title:质".to_owned(),
        "tag:\"质 author:\"量\"\"".to_owned(),
        "\u{202e}量质\u{202c}".to_owned(),
        "\u{feff}质量\u{200b}".to_owned(),
        "\u{10ffff}\u{e000}".to_owned(),
        "' OR 1=1 --; DROP TABLE articles".to_owned(),
        "🀄️👨‍👩‍👧🇨🇳".to_owned(),
        "a".repeat(300),
        "1".repeat(500),
        ".".repeat(400) + "net",
    ]);
    for q in &typed {
        for path in [ARTICLES, SEARCH, "/api/v1/notices"] {
            for more in ["", "&highlight=true"] {
                let answer = anon.get(&format!("{path}?q={}{more}", urlencode(q))).await;
                assert!(matches!(answer.status, 200 | 400), "{path} {q:?}: {}", answer.text());
                // What no address may have, no parameter has.
                if answer.status == 400 && !q.contains('\0') {
                    assert_eq!(answer.json()["errors"][0]["parameter"], "q", "{q:?}");
                }
            }
        }
        let prefix: String = q.chars().take(100).collect();
        let answer = anon.get(&format!("{SEARCH}/suggest?prefix={}", urlencode(&prefix))).await;
        assert!(matches!(answer.status, 200 | 400), "{prefix:?}: {}", answer.text());
    }
    for query in
        ["q=a&q=b", "q[]=a", "q=%ff%fe", "q=a&highlight=maybe", "q=a&year=0", "q=a&type=member", "q=a&tag="]
    {
        let answer = anon.get(&format!("{SEARCH}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
    anon.request(Method::HEAD, &format!("{SEARCH}?q=a")).send().await.expect(200);
    anon.request(Method::POST, &format!("{SEARCH}?q=a")).send().await.expect(405);
}

#[actix_web::test]
async fn a_list_by_relevance_ends_at_500_and_shows_none_twice_while_articles_are_edited() {
    let (app, anon, editor) = start().await;
    let rows: String = (0..620)
        .map(|at| {
            json!({"external_id": format!("e-{at}"), "title": format!("秤 {at}"), "status": "published"})
                .to_string()
                + "\n"
        })
        .collect();
    let import = editor.request(Method::POST, &format!("{ARTICLES}/import?mode=upsert"));
    import.labelled("application/x-ndjson", rows).send().await.expect(200);
    app.index().await;
    let mut seen = BTreeSet::new();
    let mut cursor = None::<String>;
    loop {
        let mut query = vec![("q", "秤"), ("page_size", "100"), ("count", "true")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = ask(&anon, ARTICLES, &query).await;
        assert_eq!(page["page"]["total"], 620);
        let rows = page["data"].as_array().unwrap();
        for id in ids(rows) {
            assert!(seen.insert(id.clone()), "{id} came twice");
        }
        // The last becomes the best, and the best go.
        for row in rows.iter().take(2) {
            let path = format!("{ARTICLES}/{}", row["id"].as_str().unwrap());
            editor.patch(&path, json!({"title": "秤 秤 秤", "tags": ["秤"]})).await.expect(200);
        }
        app.index().await;
        match page["page"]["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(seen.len(), 500);
    // By number to the same end, and from a numbered page on by its cursor.
    for path in [ARTICLES, SEARCH] {
        let page = |number: &'static str| [("q", "秤"), ("page_size", "60"), ("page", number)];
        let first = ask(&anon, path, &page("1")).await;
        let second = ask(&anon, path, &page("2")).await;
        let cursor = second["page"]["next_cursor"].as_str().unwrap();
        let third = ask(&anon, path, &[("q", "秤"), ("page_size", "60"), ("cursor", cursor)]).await;
        assert_eq!(
            ids(third["data"].as_array().unwrap()),
            ids(ask(&anon, path, &page("3")).await["data"].as_array().unwrap())
        );
        let both: BTreeSet<String> =
            [first, second, third].iter().flat_map(|page| ids(page["data"].as_array().unwrap())).collect();
        assert_eq!(both.len(), 180);
        let last = ask(&anon, path, &page("9")).await;
        assert_eq!((last["data"].as_array().unwrap().len(), &last["page"]["has_next"]), (20, &json!(false)));
        let beyond = ask(&anon, path, &page("10")).await;
        assert_eq!((&beyond["data"], &beyond["page"]["has_next"]), (&json!([]), &json!(false)));
        anon.get(&format!("{path}?q=%E7%A7%A4&page_size=60&page=168")).await.expect(400);
    }
}

#[actix_web::test]
async fn a_cursor_is_of_one_query_one_order_and_one_path() {
    let (app, anon, editor) = start().await;
    for at in 0..6 {
        publish(&editor, json!({"title": format!("秤 {at}"), "tags": ["甲"]})).await;
    }
    app.index().await;
    let size = ("page_size", "2");
    let cursor_of = async |path: &str, query: &[(&str, &str)]| {
        let query: Vec<_> = query.iter().copied().chain([size]).collect();
        ask(&anon, path, &query).await["page"]["next_cursor"].as_str().unwrap().to_owned()
    };
    let relevance = cursor_of(ARTICLES, &[("q", "秤")]).await;
    let sorted = cursor_of(ARTICLES, &[("q", "秤"), ("sort", "title")]).await;
    let plain = cursor_of(ARTICLES, &[]).await;
    let site = cursor_of(SEARCH, &[("q", "秤")]).await;
    let tampered = format!("{}A{}", &relevance[..relevance.len() / 2], &relevance[relevance.len() / 2 + 1..]);
    let q = urlencode("秤");
    for (path, query, cursor) in [
        (ARTICLES, "q=0".to_owned(), &relevance),
        (ARTICLES, format!("q={q}&tag={}", urlencode("甲")), &relevance),
        (ARTICLES, format!("q={q}&sort=title"), &relevance),
        (ARTICLES, String::new(), &relevance),
        (ARTICLES, format!("q={q}"), &sorted),
        (ARTICLES, format!("q={q}"), &plain),
        (ARTICLES, format!("q={q}"), &tampered),
        (ARTICLES, format!("q={q}"), &site),
        (SEARCH, format!("q={q}"), &relevance),
        (SEARCH, format!("q={q}&type=article"), &site),
        ("/api/v1/notices", format!("q={q}"), &relevance),
    ] {
        let answer = anon.get(&format!("{path}?{query}&page_size=2&cursor={cursor}")).await;
        assert_eq!(answer.problem(), (400, "invalid_cursor".to_owned()), "{path}?{query}");
    }
    anon.get(&format!("{ARTICLES}?q={q}&page_size=2&page=2&cursor={relevance}")).await.expect(400);
    // Nor does it say what others may see.
    let drafts = format!("{ARTICLES}?q={q}&status=draft,published&page_size=2");
    let staff =
        editor.get(&drafts).await.expect(200).json()["page"]["next_cursor"].as_str().unwrap().to_owned();
    anon.get(&format!("{drafts}&cursor={staff}")).await.expect(401);
    let answer = anon.get(&format!("{ARTICLES}?q={q}&page_size=2&cursor={staff}")).await;
    assert_eq!(answer.problem(), (400, "invalid_cursor".to_owned()));
    let all = walk(&anon, SEARCH, &[("q", "秤"), size]).await.0;
    assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>().len(), 6);
}

#[actix_web::test]
async fn keys_search_as_visitors_and_members_find_what_is_for_members() {
    let (app, anon, editor) = start().await;
    let cast = app.db_cast().await;
    cast.author.post(ARTICLES, json!({"title": "秤 草稿"})).await.data(201);
    publish(&editor, json!({"title": "秤"})).await;
    for audience in ["public", "members"] {
        let notice = json!({"kind": "notice", "title": format!("秤 {audience}"), "body": "x", "status": "published", "audience": audience});
        editor.post("/api/v1/notices", notice).await.data(201);
    }
    app.index().await;
    let scopes = ["articles:read", "articles:write", "notices:write"];
    let key =
        cast.admin.post("/api/v1/api-keys", json!({"name": "reader", "scopes": scopes})).await.data(201);
    let key = Client::new(&app.url, key["key"].as_str().map(str::to_owned));
    let (all, count) = ([("q", "秤")], ask(&anon, SEARCH, &[("q", "秤")]).await);
    assert_eq!(count["page"]["total"], 2);
    assert_eq!(ask(&key, SEARCH, &all).await, count);
    for (client, expected) in
        [(&cast.member, 3), (&cast.author, 3), (&cast.editor, 3), (&cast.admin, 3), (&anon, 2)]
    {
        assert_eq!(total(client, &all).await, expected);
        let suggested = ask(client, &format!("{SEARCH}/suggest"), &[("prefix", "秤")]).await;
        assert_eq!(suggested["data"].as_array().unwrap().len(), 1);
    }
    let stranger = Client::new(&app.url, Some("nobody's".to_owned()));
    stranger.get(&format!("{SEARCH}?q=a")).await.expect(401);
    // What one of them got is nobody else's.
    assert_eq!(total(&anon, &all).await, 2);
}

#[actix_web::test]
async fn a_visitor_learns_nothing_of_what_is_not_public() {
    let (app, anon, editor) = start().await;
    for at in 0..3 {
        publish(&editor, json!({"title": format!("公开的秤 {at}"), "body": "<p>秤</p>", "tags": ["公开"]}))
            .await;
    }
    app.index().await;
    let questions = [
        (SEARCH, vec![("q", "秤"), ("highlight", "true")]),
        (SEARCH, vec![("q", "密件")]),
        // A spelling of what only a draft has.
        (SEARCH, vec![("q", "蜜件")]),
        (SEARCH, vec![("q", "secrat")]),
        (SEARCH, vec![("q", "公开"), ("tag", "密件")]),
        (SEARCH, vec![("q", "秤"), ("year", "2999")]),
        (ARTICLES, vec![("q", "密件"), ("count", "exact")]),
        (ARTICLES, vec![("q", "公开"), ("count", "true"), ("sort", "title")]),
        ("/api/v1/notices", vec![("q", "密件"), ("count", "true")]),
    ];
    let prefixes = ["密", "mijian", "mj", "密件", "secr", "公开", "秤"];
    let ask_all = async || {
        let mut answers = Vec::new();
        for (path, query) in &questions {
            let query: Vec<String> =
                query.iter().map(|(name, value)| format!("{name}={}", urlencode(value))).collect();
            answers.push(anon.get(&format!("{path}?{}", query.join("&"))).await.expect(200).text());
        }
        for prefix in prefixes {
            answers.push(
                anon.get(&format!("{SEARCH}/suggest?prefix={}", urlencode(prefix))).await.expect(200).text(),
            );
        }
        answers
    };
    let before = ask_all().await;
    let secret = |more: Value| {
        let mut article = json!({"title": "密件 秤 secret 公开", "body": "<p>密件，秤，公开。</p>", "tags": ["密件", "secret"], "author": "密件"});
        article.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        article
    };
    for more in [
        json!({"status": "draft"}),
        json!({"status": "archived"}),
        json!({"status": "published", "published_at": "2999-01-01T00:00:00Z"}),
    ] {
        editor.post(ARTICLES, secret(more)).await.data(201);
    }
    let gone = publish(&editor, secret(json!({}))).await;
    editor.delete(&format!("{ARTICLES}/{}", gone["id"].as_str().unwrap())).await.expect(204);
    for more in [
        json!({"audience": "members", "status": "published"}),
        json!({"audience": "public", "status": "draft"}),
        json!({"audience": "public", "status": "published", "published_at": "2019-01-01T00:00:00Z", "expires_at": "2019-02-01T00:00:00Z"}),
    ] {
        let mut notice = json!({"kind": "notice", "title": "密件 秤 公开", "body": "<p>密件</p>"});
        notice.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        editor.post("/api/v1/notices", notice).await.data(201);
    }
    let at_once = ask_all().await;
    app.index().await;
    for (moment, after) in [("at once", at_once), ("later", ask_all().await)] {
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after, "{moment}");
        }
    }
    // All of it is there for those who may see it.
    let seen = [("q", "密件"), ("status", "draft,archived,published"), ("count", "true")];
    assert_eq!(ask(&editor, ARTICLES, &seen).await["page"]["total"], 3);
}
