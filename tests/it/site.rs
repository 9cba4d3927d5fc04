//! The site itself.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::TestApp;

const SITE: &str = "/api/v1/site";

#[actix_web::test]
async fn a_patch_of_the_site_keeps_what_it_does_not_name() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let before = anon.get(SITE).await.data(200);
    let body = json!({"name": "砚台", "base_url": "https://news.example.org:8443"});
    let after = admin.patch(SITE, body).await.data(200);
    assert_eq!((&after["name"], &after["locale"]), (&json!("砚台"), &before["locale"]));
    assert_eq!(after["base_url"], "https://news.example.org:8443");
    assert_eq!(after["version"], json!(before["version"].as_i64().unwrap() + 1));
    assert_eq!(anon.get(SITE).await.data(200), after);
}

#[actix_web::test]
async fn a_patch_that_changes_nothing_makes_no_new_version() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let before = anon.get(SITE).await.data(200);
    let same = json!({"name": before["name"], "share_targets": before["share_targets"]});
    assert_eq!(admin.patch(SITE, same).await.data(200), before);
}

#[actix_web::test]
async fn share_targets_come_back_in_their_order() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let targets = json!([
        {"id": "weibo", "name": "微博", "url": "https://service.weibo.com/share/share.php?url={url}&title={title}"},
        {"id": "mail", "name": "Mail", "url": "mailto:?subject={title}&body={url}"},
        {"id": "a", "name": "A", "url": "http://a.example"},
    ]);
    admin.patch(SITE, json!({"share_targets": targets})).await.expect(200);
    assert_eq!(anon.get(SITE).await.data(200)["share_targets"], targets);
    admin.patch(SITE, json!({"share_targets": []})).await.expect(200);
    assert_eq!(anon.get(SITE).await.data(200)["share_targets"], json!([]));
}

#[actix_web::test]
async fn a_share_target_that_could_run_or_mislead_is_refused() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for url in [
        "javascript:x()",
        "data:text/html,x",
        "//evil.example",
        "https://site@evil.example/",
        "ftp://a.example",
    ] {
        let good = json!({"id": "a", "name": "A", "url": "https://a.example/"});
        let bad = json!({"id": "b", "name": "B", "url": url});
        let answer = admin.patch(SITE, json!({"share_targets": [good, bad]})).await.expect(422);
        assert_eq!(
            answer.faults(),
            [("/share_targets/1/url".to_owned(), "invalid_format".to_owned())],
            "{url}"
        );
    }
    let unknown =
        json!({"share_targets": [{"id": "a", "name": "A", "url": "https://a.example/", "icon": "x"}]});
    let faults = admin.patch(SITE, unknown).await.expect(422).faults();
    assert_eq!(faults, [("/share_targets/0/icon".to_owned(), "unknown_field".to_owned())]);
}

#[actix_web::test]
async fn an_address_that_is_not_plainly_the_sites_is_refused() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let before = anon.get(SITE).await.data(200);
    for base_url in [
        "https://site@evil.example",
        "https://user:pass@evil.example",
        "javascript:x()",
        "//evil.example",
        "/\\evil.example",
        "https:\\\\evil.example",
        "https://a.example/path",
        "https://a.example/",
        "https://a.example?x",
        "https://a.example#x",
        "https://a b.example",
        "https://a.example\n",
        "ftp://a.example",
        "https://",
        "",
    ] {
        let answer = admin.patch(SITE, json!({"base_url": base_url})).await.expect(422);
        assert_eq!(answer.faults(), [("/base_url".to_owned(), "invalid_format".to_owned())], "{base_url:?}");
    }
    assert_eq!(anon.get(SITE).await.data(200), before);
}

#[actix_web::test]
async fn an_address_that_no_browser_could_open_is_refused() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for base_url in ["https://:443", "https://a.example:99999", "https://[::1", "https://a\u{1}b.example"] {
        let answer = admin.patch(SITE, json!({"base_url": base_url})).await;
        assert_eq!(answer.status, 422, "{base_url:?}");
    }
}

#[actix_web::test]
async fn faults_of_a_site_are_all_told_at_once() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let body = json!({"name": "  ", "locale": "中文", "tagline": null, "nmae": "x"});
    let mut faults = admin.patch(SITE, body).await.expect(422).faults();
    faults.sort();
    let wanted = [
        ("/locale", "invalid_format"),
        ("/name", "too_short"),
        ("/nmae", "unknown_field"),
        ("/tagline", "wrong_type"),
    ];
    assert_eq!(faults, wanted.map(|(place, code)| (place.to_owned(), code.to_owned())));
}

#[actix_web::test]
async fn of_two_admins_with_the_same_copy_one_is_told_so() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let seen = anon.get(SITE).await.expect(200).header("etag").to_owned();
    let change = async |name: &str| {
        let request = admin.request(Method::PATCH, SITE).header("if-match", &seen);
        request.json(&json!({"name": name})).send().await
    };
    let (first, second) = futures::future::join(change("one"), change("two")).await;
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[actix_web::test]
async fn the_time_zone_of_a_site_is_that_of_shanghai_until_it_is_changed() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    assert_eq!(anon.get(SITE).await.data(200)["timezone"], "Asia/Shanghai");
    let after = admin.patch(SITE, json!({"timezone": "europe/berlin"})).await.data(200);
    assert_eq!(after["timezone"], "Europe/Berlin");
    assert_eq!(anon.get(SITE).await.data(200)["timezone"], "Europe/Berlin");
}

#[actix_web::test]
async fn a_time_zone_that_there_is_not_is_refused_with_near_names() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (name, near) in
        [("Asia/Shangai", "Asia/Shanghai"), ("Asia/Beijing", "Asia/Shanghai"), ("Berlin", "Europe/Berlin")]
    {
        let answer = admin.patch(SITE, json!({"timezone": name})).await.expect(422);
        assert_eq!(answer.faults(), [("/timezone".to_owned(), "unknown_value".to_owned())], "{name}");
        let detail = answer.json()["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(near), "{detail}");
    }
    for name in [json!(""), json!(null), json!(8), json!("+08:00"), json!("a\u{0}b"), json!("x".repeat(61))] {
        let answer = admin.patch(SITE, json!({"timezone": name})).await.expect(422);
        assert_eq!(answer.faults()[0].0, "/timezone", "{name}");
    }
    let faults = admin.patch(SITE, json!({"timezone": "x", "base_url": "https://[::1"})).await.expect(422);
    assert_eq!(faults.faults().len(), 2);
}
