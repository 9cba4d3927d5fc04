//! Notices and announcements.

mod cards;
mod slugs;

use serde_json::{Value, json};

use crate::harness::{Client, TestApp, column};
use crate::members::{masked, walked};

const NOTICES: &str = "/api/v1/notices";

fn at(notice: &Value) -> String {
    format!("{NOTICES}/{}", notice["id"].as_str().unwrap())
}

/// Creates a published notice with `more` about it.
async fn notice(client: &Client, title: &str, more: Value) -> Value {
    let mut body = json!({"kind": "notice", "title": title, "status": "published"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.post(NOTICES, body).await.data(201)
}

async fn titles(client: &Client, query: &str) -> String {
    column(&client.get(&format!("{NOTICES}?{query}")).await.data(200), "title").join(" ")
}

#[actix_web::test]
async fn both_kinds_are_kept_and_can_be_told_apart() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let made = notice(&cast.editor, "通知", json!({})).await;
    notice(&cast.editor, "公告", json!({"kind": "announcement"})).await;
    assert_eq!(cast.anon.get(&at(&made)).await.data(200), made);
    assert_eq!(titles(&cast.anon, "kind=notice").await, "通知");
    assert_eq!(titles(&cast.anon, "kind=announcement").await, "公告");
    assert_eq!(titles(&cast.anon, "").await, "公告 通知");
    let refused = cast.anon.get(&format!("{NOTICES}?kind=rumour")).await;
    assert_eq!(refused.problem(), (400, "invalid_parameter".to_owned()));
}

#[actix_web::test]
async fn pinned_ones_come_first_and_then_the_newest() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (title, pinned, year) in [("old", false, 2001), ("top", true, 2000), ("new", false, 2002)] {
        let more = json!({"pinned": pinned, "published_at": format!("{year}-01-01T00:00:00Z")});
        notice(&cast.editor, title, more).await;
    }
    assert_eq!(titles(&cast.anon, "").await, "top new old");
    let top = cast.anon.get(NOTICES).await.data(200)[0].clone();
    cast.editor.patch(&at(&top), json!({"pinned": false})).await.expect(200);
    assert_eq!(titles(&cast.anon, "").await, "new old top");
}

#[actix_web::test]
async fn a_walk_shows_pinned_and_unpinned_ones_once_each_way() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for number in 0..7 {
        // Equal hours, so that only the id tells some of them apart.
        let more =
            json!({"pinned": number % 3 == 0, "published_at": format!("200{}-01-01T00:00:00Z", number / 3)});
        notice(&cast.editor, &number.to_string(), more).await;
    }
    let whole = column(&cast.anon.get(NOTICES).await.data(200), "title");
    assert_eq!(whole[..3], ["6", "3", "0"]);
    for size in 1..=4 {
        assert_eq!(walked(&cast.anon, &format!("{NOTICES}?page_size={size}"), "title").await, whole);
    }
    let last = cast.anon.get(&format!("{NOTICES}?page_size=4&page=2")).await.json();
    let back = last["page"]["prev_cursor"].as_str().unwrap();
    let first = cast.anon.get(&format!("{NOTICES}?page_size=4&cursor={back}")).await.json();
    assert_eq!(column(&first["data"], "title"), whole[..4]);
    assert_eq!((&first["page"]["prev_cursor"], &first["page"]["has_next"]), (&json!(null), &json!(true)));
}

#[actix_web::test]
async fn drafts_without_an_hour_do_not_break_an_editors_walk() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (title, status) in [("a", "draft"), ("b", "published"), ("c", "draft"), ("d", "published")] {
        notice(&cast.editor, title, json!({"status": status})).await;
    }
    let list = format!("{NOTICES}?status=draft,published&page_size=1");
    assert_eq!(walked(&cast.editor, &list, "title").await, ["c", "a", "d", "b"]);
}

#[actix_web::test]
async fn a_notice_is_up_within_its_window_only() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let up = notice(&cast.editor, "up", json!({"expires_at": "2999-01-01T00:00:00Z"})).await;
    let scheduled = notice(&cast.editor, "scheduled", json!({"published_at": "2998-01-01T00:00:00Z"})).await;
    let window = json!({"published_at": "2001-01-01T00:00:00Z", "expires_at": "2002-01-01T00:00:00Z"});
    let expired = notice(&cast.editor, "expired", window).await;
    for client in [&cast.anon, &cast.member, &cast.editor] {
        let list = client.get(&format!("{NOTICES}?count=true")).await.json();
        assert_eq!(column(&list["data"], "title"), ["up"]);
        assert_eq!(list["page"]["total"], 1);
        client.get(&at(&up)).await.expect(200);
    }
    for hidden in [&scheduled, &expired] {
        assert_eq!(cast.anon.get(&at(hidden)).await.status, 404);
        cast.editor.get(&at(hidden)).await.expect(200);
    }
}

#[actix_web::test]
async fn a_notice_comes_and_goes_when_its_hour_does() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let made = notice(&cast.editor, "a", json!({"published_at": "2998-01-01T00:00:00Z"})).await;
    app.db_execute("UPDATE notices SET published_at = now()").await;
    let seen = cast.anon.get(&at(&made)).await.expect(200);
    app.db_execute("UPDATE notices SET published_at = now() - interval '1 h', expires_at = now()").await;
    let conditional = cast.anon.request(reqwest::Method::GET, &at(&made));
    let again = conditional.header("if-none-match", seen.header("etag")).send().await;
    assert_eq!(again.status, 404, "what is gone is not merely unchanged");
    assert_eq!(titles(&cast.anon, "").await, "");
}

#[actix_web::test]
async fn what_is_for_members_does_not_exist_for_visitors() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let inner = notice(&cast.editor, "inner", json!({"audience": "members"})).await;
    let hidden = cast.anon.get(&at(&inner)).await;
    let invented = cast.anon.get(&format!("{NOTICES}/0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60")).await;
    assert_eq!((hidden.status, masked(&hidden)), (404, masked(&invented)));
    for kind in ["", "&kind=notice"] {
        let list = cast.anon.get(&format!("{NOTICES}?count=true{kind}")).await.json();
        assert_eq!((&list["data"], &list["page"]["total"]), (&json!([]), &json!(0)));
    }
    for client in [&cast.member, &cast.author, &cast.editor] {
        client.get(&at(&inner)).await.expect(200);
        assert_eq!(titles(client, "").await, "inner");
    }
}

#[actix_web::test]
async fn drafts_and_archived_ones_are_for_editors() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for status in ["draft", "archived"] {
        let made = notice(&cast.editor, status, json!({"status": status})).await;
        for client in [&cast.anon, &cast.member, &cast.author] {
            assert_eq!(client.get(&at(&made)).await.status, 404);
            assert_eq!(titles(client, "").await, "");
        }
        cast.editor.get(&at(&made)).await.expect(200);
        assert_eq!(titles(&cast.editor, &format!("status={status}")).await, status);
    }
}

#[actix_web::test]
async fn asking_by_state_or_for_the_trash_takes_an_editor() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for query in ["status=published", "status=draft", "deleted=true", "count=true&status=draft,archived"] {
        cast.anon.get(&format!("{NOTICES}?{query}")).await.expect(401);
        for client in [&cast.member, &cast.author] {
            let answer = client.get(&format!("{NOTICES}?{query}")).await;
            assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{query}");
        }
        cast.editor.get(&format!("{NOTICES}?{query}")).await.expect(200);
    }
}

#[actix_web::test]
async fn the_trash_gives_a_notice_back_as_it_was() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let made = notice(&cast.editor, "a", json!({})).await;
    cast.editor.delete(&at(&made)).await.expect(204);
    for client in [&cast.anon, &cast.editor] {
        assert_eq!(client.get(&at(&made)).await.status, 404);
    }
    assert_eq!(titles(&cast.editor, "status=published").await, "");
    assert_eq!(titles(&cast.editor, "deleted=true").await, "a");
    assert_eq!(cast.editor.patch(&at(&made), json!({"title": "b"})).await.status, 404);
    let restored = cast.editor.act(&format!("{}/restore", at(&made))).await.data(200);
    assert_eq!((&restored["title"], &restored["published_at"]), (&made["title"], &made["published_at"]));
    cast.anon.get(&at(&made)).await.expect(200);
    assert_eq!(cast.editor.act(&format!("{}/restore", at(&made))).await.status, 404);
}

#[actix_web::test]
async fn a_window_that_ends_before_it_begins_is_refused() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let made = notice(&cast.editor, "a", json!({"published_at": "2001-01-01T00:00:00Z"})).await;
    let fault = [("/expires_at".to_owned(), "out_of_range".to_owned())];
    for expires_at in ["2001-01-01T00:00:00Z", "2000-12-31T23:59:59Z", "2001-01-01T01:00:00+02:00"] {
        let answer = cast.editor.patch(&at(&made), json!({"expires_at": expires_at})).await.expect(422);
        assert_eq!(answer.faults(), fault, "{expires_at}");
        let body = json!({"kind": "notice", "title": "b", "status": "published", "expires_at": expires_at});
        assert_eq!(cast.editor.post(NOTICES, body).await.expect(422).faults(), fault);
    }
    assert_eq!(cast.editor.get(&at(&made)).await.data(200), made);
    let cleared = json!({"expires_at": "2002-01-01T00:00:00Z"});
    cast.editor.patch(&at(&made), cleared).await.expect(200);
    let lasting = cast.editor.patch(&at(&made), json!({"expires_at": null})).await.data(200);
    assert_eq!(lasting["expires_at"], json!(null));
}

#[actix_web::test]
async fn what_runs_is_taken_out_of_a_body_in_every_format() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let dirty = "<p onclick=\"x()\">a</p><script>x()</script>\n\n[b](javascript:x()) <img src=x onerror=x()>";
    for format in ["html", "markdown", "text"] {
        let made = notice(&cast.editor, "a", json!({"body": dirty, "body_format": format})).await;
        let patched =
            cast.editor.patch(&at(&made), json!({"body": format!("{dirty} again")})).await.data(200);
        assert_eq!(patched["body_format"], format);
        for body in [&made, &patched].map(|notice| notice["body"].as_str().unwrap()) {
            assert!(body.contains('a'), "{format}: {body}");
            for bad in ["<script", "<p onclick", "href=\"javascript", "<img src=x onerror"] {
                assert!(!body.contains(bad), "{format}: {body}");
            }
        }
    }
}

#[actix_web::test]
async fn notices_for_members_alone_are_kept_by_nobody() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let add = async |kind: &str, audience: &str, body_format: &str, time: &str| {
        let notice = json!({"kind": kind, "title": time, "body": "*b*", "audience": audience, "status": "published",
            "body_format": body_format, "published_at": format!("{time}T00:00:00Z")});
        let notice = cast.editor.post("/api/v1/notices", notice).await.data(201);
        format!("/api/v1/notices/{}", notice["id"].as_str().unwrap())
    };
    let check = async |client: &Client, path: &str, is_kept: bool| {
        let answer = client.get(path).await.expect(200);
        let is_as_visitors_get = cast.anon.get(path).await.bytes == answer.bytes;
        let rules = if is_kept { "private, no-cache" } else { "private, no-store" };
        assert_eq!((is_as_visitors_get, answer.header("cache-control")), (is_kept, rules), "{path}");
    };
    let open = add("notice", "public", "html", "2020-03-04").await;
    add("notice", "public", "html", "2020-03-03").await;
    let list = "/api/v1/notices?page_size=1";
    for path in [open.as_str(), list, &format!("{list}&page=2"), &format!("{list}&count=true")] {
        check(&cast.member, path, true).await;
        check(&cast.editor, path, true).await;
    }
    let closed = add("notice", "members", "html", "2020-03-02").await;
    let sourced = add("announcement", "public", "markdown", "2020-03-01").await;
    let second = cast.anon.get(list).await.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
    for client in [&cast.member, &cast.editor] {
        check(client, list, true).await;
        // A row for members follows, which only members are told.
        for query in
            [format!("{list}&cursor={second}"), format!("{list}&page=2"), format!("{list}&count=true")]
        {
            let answer = client.get(&query).await.expect(200);
            assert_eq!(answer.header("cache-control"), "private, no-store", "{query}");
        }
        check(client, "/api/v1/notices?kind=notice", false).await;
        let answer = client.get(&closed).await.expect(200);
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
    let picked = format!("{sourced}?fields=title");
    for path in [sourced.as_str(), &picked, "/api/v1/notices?kind=announcement"] {
        check(&cast.member, path, true).await;
        // What was written in another format than HTML is for the staff, with all keys of a single notice.
        check(&cast.editor, path, path != sourced).await;
    }
    let drafts = cast.editor.get("/api/v1/notices?status=draft").await.expect(200);
    assert_eq!(drafts.header("cache-control"), "private, no-store");
}
