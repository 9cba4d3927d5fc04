//! What is served from the cache, and how.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use super::{ARTICLES, CATEGORIES, NOTICES, SITE, ask, fill, hits, is_kept, settle};
use crate::harness::TestApp;
use crate::harness::wire::Wire;

#[actix_web::test]
async fn a_repeated_read_costs_no_statement() {
    let (app, anon, wire): (TestApp, _, Wire) = TestApp::start_counting().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("news", None).await;
    let article = editor.article("Tides", Some("news")).await;
    let by_id = format!("{ARTICLES}/{}", article["id"].as_str().unwrap());
    let notice = json!({"kind": "notice", "title": "n", "status": "published"});
    let notice = editor.post(NOTICES, notice).await.data(201);
    let notice = format!("{NOTICES}/{}", notice["id"].as_str().unwrap());
    let paths = [
        ARTICLES,
        &by_id,
        "/api/v1/articles/tides?include=neighbors",
        "/api/v1/articles?category=news&sort=title&fields=title",
        CATEGORIES,
        "/api/v1/categories/news",
        NOTICES,
        &notice,
        SITE,
    ];
    fill(&app, &anon, &paths).await;
    let before = wire.count();
    for path in paths {
        let (is_hit, answer) = ask(&app, &anon, path).await;
        assert!(is_hit, "{path}");
        answer.expect(200);
    }
    assert_eq!(wire.count(), before);
}

#[actix_web::test]
async fn every_spelling_of_a_request_has_one_answer() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("news", None).await;
    editor.article("Tides", Some("news")).await;
    let plain = "/api/v1/articles?category=news&tag=a%2Cb&page_size=5";
    fill(&app, &anon, &[plain, "/api/v1/articles/tides"]).await;
    let entries = app.shared.answers.numbers().entries.get();
    let known = anon.get(plain).await;
    for spelling in [
        "/api/v1/articles?page_size=5&tag=a&tag=b&category=news",
        "/api/v1/articles?tag[]=a&tag[]=b&page_size=5&category=news",
        "/api/v1/articles?category=%6eews&tag=a,b&page_size=5",
        "/api/v1/articles?&&category=news&tag=%61%2cb&page_size=5&",
    ] {
        // The first finds the answer by what it means, the second by how it is written.
        for _ in 0..2 {
            let (is_hit, answer) = ask(&app, &anon, spelling).await;
            assert!(is_hit, "{spelling}");
            assert_eq!(
                (answer.bytes, answer.headers["link"].clone()),
                (known.bytes.clone(), known.headers["link"].clone())
            );
        }
    }
    assert!(is_kept(&app, &anon, "/api/v1/articles/%74ides").await);
    // An alias is there for each way to write it, and no second answer.
    assert_eq!(app.shared.answers.numbers().entries.get(), entries + 5);
}

#[actix_web::test]
async fn head_is_answered_from_the_same_bytes() {
    let (app, anon) = TestApp::start().await;
    app.db_member(Role::Editor).await.article("Tides", None).await;
    fill(&app, &anon, &[ARTICLES]).await;
    let get = anon.get(ARTICLES).await;
    let before = hits(&app);
    let head = anon.request(Method::HEAD, ARTICLES).send().await.expect(200);
    assert_eq!(hits(&app), before + 1);
    assert!(head.bytes.is_empty());
    for name in ["content-length", "etag", "content-type", "last-modified", "vary", "link"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

#[actix_web::test]
async fn what_is_not_there_is_not_kept() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    fill(&app, &anon, &[ARTICLES]).await;
    let path = "/api/v1/articles/tides";
    for _ in 0..2 {
        anon.get(path).await.expect(404);
    }
    editor.article("Tides", None).await;
    anon.get(path).await.expect(200);
}

#[actix_web::test]
async fn without_memory_nothing_is_kept_and_everything_is_answered() {
    let (app, anon) = TestApp::start_with(&["--cache-size", "0"]).await;
    app.db_member(Role::Editor).await.article("Tides", None).await;
    for _ in 0..3 {
        anon.get(ARTICLES).await.expect(200);
    }
    assert_eq!(hits(&app), 0);
}

#[actix_web::test]
async fn a_crawler_does_not_wash_out_what_is_read_often() {
    let (app, anon) = TestApp::start_with(&["--cache-size", "2MiB"]).await;
    let editor = app.db_member(Role::Editor).await;
    let body = "<p>Low water.</p>".repeat(200);
    let mut paths = Vec::new();
    for at in 0..600 {
        let article = json!({"title": format!("Tide {at}"), "slug": format!("tide-{at}"), "body": body, "status": "published"});
        editor.post(ARTICLES, article).await.expect(201);
        // Without views, which would let it end after some seconds.
        paths.push(format!("{ARTICLES}/tide-{at}?fields=title,body"));
    }
    let (hot, cold) = paths.split_at(5);
    // What was made just after a change is kept for some seconds only.
    settle(&anon, &hot[0]).await;
    for _ in 0..4 {
        for path in hot {
            anon.get(path).await.expect(200);
        }
    }
    for path in cold {
        anon.get(path).await.expect(200);
    }
    let numbers = app.shared.answers.numbers();
    assert!(numbers.evictions.get() > 0 && numbers.bytes.get() <= 2 << 20);
    for path in hot {
        assert!(is_kept(&app, &anon, path).await, "{path}");
    }
}

#[actix_web::test]
async fn of_many_who_ask_at_once_one_makes_the_answer() {
    let (app, anon, wire): (TestApp, _, Wire) = TestApp::start_counting().await;
    let editor = app.db_member(Role::Editor).await;
    editor.article("Tides", None).await;
    fill(&app, &anon, &[SITE, ARTICLES]).await;
    let path = "/api/v1/articles?sort=title";
    let before = wire.count();
    let answers = futures::future::join_all((0..30).map(|_| anon.get(path))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.bytes == answers[0].bytes));
    assert!(wire.count() <= before + 2, "{} round trips", wire.count() - before);
}

#[actix_web::test]
async fn an_answer_from_the_cache_is_counted_and_has_its_own_request_id() {
    let (app, anon) = TestApp::start().await;
    fill(&app, &anon, &[SITE]).await;
    let first = anon.get(SITE).await;
    let own = anon.request(Method::GET, SITE).header("x-request-id", "mine-1").send().await;
    let foreign = anon.request(Method::GET, SITE).header("x-request-id", "not a word").send().await;
    let ids = [&first, &own, &foreign].map(|answer| answer.header("x-request-id").to_owned());
    assert_eq!(ids[1], "mine-1");
    assert!(ids[0].len() == 32 && ids[2].len() == 32 && ids[0] != ids[2]);
    let state = inkstone::metrics::State {
        search: Default::default(),
        search_bytes: 0,
        pools: Vec::new(),
        pending_mails: None,
        follower_lag: std::time::Duration::ZERO,
        clock_skew: 0.0,
    };
    let text = String::from_utf8(app.shared.app.metrics.render(&state).unwrap()).unwrap();
    let counted = "inkstone_http_requests_total{operation=\"get_site\",status=\"200\"} 5";
    assert!(text.contains(counted), "{text}");
    for name in ["hits_total 4", "misses_total 1", "entries 1", "dropped_fills_total 0"] {
        assert!(text.contains(&format!("inkstone_cache_{name}\n")), "{name}: {text}");
    }
}

#[actix_web::test]
async fn pages_of_other_origins_read_the_same_bytes() {
    let friend = "https://friend.example";
    for (flags, friends, strangers) in
        [(&["--cors-origins", friend][..], friend, ""), (&["--cors-origins", "*"], "*", "*"), (&[], "", "")]
    {
        let (app, anon) = TestApp::start_with(flags).await;
        fill(&app, &anon, &[SITE]).await;
        let wanted = anon.get(SITE).await;
        for (origin, allowed) in
            [(friend, friends), ("https://stranger.example", strangers), ("null", strangers)]
        {
            let before = hits(&app);
            let answer = anon.request(Method::GET, SITE).header("origin", origin).send().await.expect(200);
            assert_eq!(hits(&app), before + 1);
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{flags:?} {origin}");
            let is_exposed = answer.header("access-control-expose-headers").contains("ETag");
            assert_eq!(is_exposed, !allowed.is_empty(), "{flags:?} {origin}");
            assert_eq!((&answer.bytes, answer.header("vary")), (&wanted.bytes, wanted.header("vary")));
        }
        let after = anon.get(SITE).await;
        assert_eq!(
            after.headers.get("access-control-allow-origin"),
            wanted.headers.get("access-control-allow-origin")
        );
    }
}
