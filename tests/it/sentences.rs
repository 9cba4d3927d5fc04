//! What people read: sentences in their language, each fault once, and never a regular expression.

use chrono::{TimeDelta, Utc};
use inkstone::error::Code;
use inkstone::http::forms::describe_pattern;
use inkstone::language::Language;
use inkstone::members::tokens;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::contract::DOCUMENT;
use crate::harness::{Answer, Client, TestApp};
use crate::media::{MEDIA, OCTETS, UPLOADS, pictures};

const ARTICLES: &str = "/api/v1/articles";

async fn ask(client: &Client, language: &str, path: &str) -> Answer {
    client.request(Method::GET, path).header("accept-language", language).send().await
}

fn is_chinese(text: &Value) -> bool {
    text.as_str().unwrap().chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c))
}

/// All values under `key` in a document, at any depth.
fn collect(value: &Value, key: &str, found: &mut Vec<Value>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get(key).cloned());
            object.values().for_each(|value| collect(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, key, found)),
        _ => {}
    }
}

#[test]
fn every_code_has_a_title_and_a_sentence_in_both_languages() {
    for code in Code::ALL {
        for text in [code.title(Language::English), code.meaning(Language::English)] {
            assert!(text.is_ascii() && text.len() > 5, "{code:?} {text}");
        }
        for text in [code.title(Language::Chinese), code.meaning(Language::Chinese)] {
            assert!(is_chinese(&json!(text)), "{code:?} {text}");
        }
        assert!(
            code.meaning(Language::Chinese).ends_with('。') && code.meaning(Language::English).ends_with('.')
        );
    }
}

#[test]
fn every_pattern_of_the_document_has_a_sentence() {
    let mut patterns = Vec::new();
    collect(&DOCUMENT, "pattern", &mut patterns);
    assert!(patterns.len() > 20);
    for pattern in patterns.iter().filter_map(Value::as_str) {
        assert_ne!(describe_pattern(pattern), "is not valid", "{pattern}");
    }
}

#[actix_web::test]
async fn a_problem_is_told_in_the_language_that_is_asked_for() {
    let (_app, anon) = TestApp::start().await;
    for (asked, tag) in [
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("fr, zh-Hans;q=0.2", "zh-CN"),
        ("en, zh;q=0.5", "en"),
        ("fr", "en"),
    ] {
        for path in [
            "/api/v1/articles?catgory=x",
            "/api/v1/articles?page_size=0&sort=x",
            "/nowhere",
            "/api/v1/members",
        ] {
            let answer = ask(&anon, asked, path).await;
            assert_eq!(answer.header("content-language"), tag, "{asked} {path}");
            let vary: Vec<_> =
                answer.headers.get_all("vary").iter().map(|vary| vary.to_str().unwrap()).collect();
            assert!(vary.join(",").to_ascii_lowercase().contains("accept-language"), "{vary:?}");
            let mut texts = vec![answer.json()["title"].clone(), answer.json()["detail"].clone()];
            collect(&answer.json()["errors"], "detail", &mut texts);
            assert!(texts.iter().all(|text| is_chinese(text) == (tag == "zh-CN")), "{asked} {texts:?}");
        }
    }
    let hint = ask(&anon, "zh", "/api/v1/articles?catgory=x").await.json();
    assert_eq!(hint["errors"][0]["detail"], "这个操作没有这个参数。您是否想写 `category`?");
    assert_eq!(hint["errors"][0]["params"], json!({"suggestion": "category"}));
}

#[actix_web::test]
async fn faults_and_warnings_of_writes_are_told_in_chinese() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let send = |path: &str, body: Value| {
        editor.request(Method::POST, path).header("accept-language", "zh").json(&body)
    };
    let wrong = json!({"title": "x".repeat(301), "slug": "A b", "views": -1, "status": "publishd", "tags": [","],
                       "body": 7, "source_url": "ftp://x", "cover_url": "x y", "published_at": "now", "tilte": ""});
    let problem = send(ARTICLES, wrong).send().await.expect(422).json();
    let faults = problem["errors"].as_array().unwrap();
    assert_eq!(faults.len(), 10, "{problem}");
    assert!(faults.iter().all(|fault| is_chinese(&fault["detail"])), "{problem}");
    let title = faults.iter().find(|fault| fault["pointer"] == "/title").unwrap();
    assert_eq!((&title["detail"], &title["params"]), (&json!("最多 300 个字符"), &json!({"max": 300})));
    // Also what a transaction finds.
    let taken = json!({"title": "a", "slug": "taken"});
    send(ARTICLES, taken.clone()).send().await.expect(201);
    assert_eq!(send(ARTICLES, taken).send().await.expect(409).json()["detail"], "已被另一篇文章使用");
    let told = send(ARTICLES, json!({"title": "b", "body": "<script></script>"})).send().await.expect(201);
    assert!(is_chinese(&told.json()["warnings"][0]["detail"]), "{}", told.text());
    assert_eq!(told.header("content-language"), "zh-CN");
}

#[actix_web::test]
async fn imports_are_told_in_chinese_also_as_a_stream() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for accept in ["application/json", "application/x-ndjson"] {
        let request = editor.request(Method::POST, "/api/v1/articles/import");
        let request = request.header("accept-language", "zh-CN").header("accept", accept);
        let rows = "{\"title\": \"\"}\n{\"title\": \"a\", \"body\": \"<font>b</font>\"}\n{\n";
        let answer = request.labelled("application/x-ndjson", rows).send().await.expect(200);
        assert_eq!(answer.header("content-language"), "zh-CN");
        let mut texts = Vec::new();
        answer.lines().iter().for_each(|line| collect(line, "detail", &mut texts));
        assert!(texts.len() >= 3 && texts.iter().all(is_chinese), "{texts:?}");
    }
}

#[actix_web::test]
async fn why_a_body_cannot_be_read_is_told_in_chinese() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let import = async |media_type: &str, body: Vec<u8>| {
        let request = editor.request(Method::POST, "/api/v1/articles/import");
        request.header("accept-language", "zh").labelled(media_type, body).send().await
    };
    let cut = import("application/json", b"[{\"title\": \"a\"} x".to_vec()).await.expect(400).json();
    let detail = cut["detail"].as_str().unwrap();
    assert!(detail.starts_with("请求体不是 JSON 数组:第 "), "{detail}");
    let record = [b"title\n\"", "x".repeat(9 << 20).as_bytes(), b"\"\n"].concat();
    let long = import("text/csv", record).await.expect(413).json();
    assert!(long["detail"].as_str().unwrap().starts_with("请求体过大:"), "{long}");
}

/// Whether two English words follow each other outside of backticks.
fn holds_english_clause(text: &str) -> bool {
    let unquoted: String = text.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let is_word = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let words: Vec<&str> = unquoted.split(' ').collect();
    words.windows(2).any(|pair| is_word(pair[0]) && is_word(pair[1]))
}

#[actix_web::test]
async fn no_sentence_in_chinese_holds_a_clause_in_english() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let ask = |method: Method, path: &str| editor.request(method, path).header("accept-language", "zh");
    let mut answers = Vec::new();
    for broken in [
        "",
        "{",
        "[1",
        "{1}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "\"\\x\"",
        "01",
        "1e999",
        "nul",
        "{} x",
        "\"\\ud800\"",
    ] {
        answers.push(ask(Method::POST, ARTICLES).raw(broken).send().await);
        let import = ask(Method::POST, "/api/v1/articles/import?on_error=abort");
        answers.push(import.labelled("application/x-ndjson", format!("{broken}\n")).send().await);
        let import = ask(Method::POST, "/api/v1/articles/import");
        answers.push(import.labelled("application/json", broken.to_owned()).send().await);
    }
    for broken in ["[1 2]", "[1] 2", "[}]", "[,", "[\"", "[{}"] {
        let import = ask(Method::POST, "/api/v1/notices/import");
        answers.push(import.labelled("application/json", broken.to_owned()).send().await);
    }
    let types = json!({"title": 1, "slug": true, "external_id": [], "tags": {}, "extra": "x", "views": null, "status": 7});
    answers.push(ask(Method::POST, ARTICLES).json(&types).send().await);
    for query in
        ["?fields=x&sort=y&page_size=z&page=0&cursor=%20&status=&published_from=now", "?page=600&a=1&tag=,"]
    {
        answers.push(ask(Method::GET, &format!("{ARTICLES}{query}")).send().await);
    }
    for (path, body) in [
        ("/api/v1/notices", json!({"kind": "x", "expires_at": "soon", "body_format": "y", "pinned": "z"})),
        (ARTICLES, json!({"title": "t", "body": "<a ".repeat(300)})),
        (ARTICLES, json!({"title": "t", "body": "&".repeat(60_000)})),
        (ARTICLES, json!({"title": "t", "body": "<div>".repeat(300)})),
    ] {
        answers.push(ask(Method::POST, path).json(&body).send().await);
    }
    for answer in answers {
        let mut texts = Vec::new();
        answer.lines().iter().for_each(|line| {
            collect(line, "detail", &mut texts);
            collect(line, "title", &mut texts);
        });
        let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
        let english: Vec<_> = texts.iter().filter(|text| holds_english_clause(text)).collect();
        assert!(english.is_empty(), "{english:?}");
    }
    let cut = ask(Method::POST, ARTICLES).raw("{\n\"a\": }").send().await.expect(400).json();
    assert_eq!(cut["detail"], "请求体不是 JSON:第 2 行第 6 列,应为值。");
    let item = ask(Method::POST, "/api/v1/articles/import").labelled("application/json", "[{} x".to_owned());
    let item = item.send().await.expect(400).json();
    assert_eq!(item["detail"], "请求体不是 JSON 数组:第 1 项:之后应为 `,` 或 `]`。");
}

#[actix_web::test]
async fn why_a_file_is_refused_is_told_in_chinese() {
    let flags = ["--media-max-file", "20KB", "--media-max-image", "40KB", "--media-max-megapixels", "1"];
    let (app, _) = TestApp::start_with(&flags).await;
    let editor = app.db_member(Role::Editor).await;
    let ask = |method: Method, path: &str| editor.request(method, path).header("accept-language", "zh");
    let upload = async |bytes: Vec<u8>| ask(Method::POST, MEDIA).labelled(OCTETS, bytes).send().await;
    let cut = pictures::jpeg(32, 32)[..300].to_vec();
    let gif = pictures::gif(1001);
    let used = super::media::upload_picture(&editor).await;
    editor.post(ARTICLES, json!({"title": "t", "cover": used["id"]})).await.expect(201);
    let used = super::media::api_path(&used);
    let mut answers = vec![
        upload(b"<html>".to_vec()).await,
        upload(b"<svg/>".to_vec()).await,
        upload(b"\0\0\0\x18ftypavif\0\0\0\0avifmif1".to_vec()).await,
        upload(cut).await,
        upload(gif).await,
        upload(pictures::flat_png(1001, 1000)).await,
        upload(pictures::pdf(30_000)).await,
        upload(pictures::pdf(50_000)).await,
        ask(Method::POST, &format!("{MEDIA}?colour=red&audience=x")).labelled(OCTETS, "a").send().await,
        ask(Method::POST, MEDIA).labelled("multipart/form-data; boundary=x", "a").send().await,
        ask(Method::POST, MEDIA).labelled("multipart/form-data", "a").send().await,
        ask(Method::DELETE, &used).send().await,
        ask(Method::POST, UPLOADS).send().await,
        ask(Method::POST, UPLOADS).header("tus-resumable", "1.0.0").send().await,
        ask(Method::POST, UPLOADS)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "50001")
            .send()
            .await,
        ask(Method::PATCH, &used)
            .json(&json!({"alt": 7, "focal_point": {"x": 2}, "tags": [","], "x": 1}))
            .send()
            .await,
        ask(Method::POST, ARTICLES).json(&json!({"title": "t", "cover": Uuid::now_v7()})).send().await,
        ask(Method::POST, ARTICLES).json(&json!({"title": "t", "cover": "x"})).send().await,
        ask(Method::POST, ARTICLES)
            .json(&json!({"title": "t", "cover": "https://x.example/a", "cover_url": "https://x.example/b"}))
            .send()
            .await,
    ];
    for url in [
        "http://127.0.0.1/",
        "http://x.invalid/",
        "ftp://x.example/",
        "http://127.0.0.1:25/",
        "http://a:b@x.example/",
    ] {
        answers.push(ask(Method::POST, &format!("{MEDIA}/from-url")).json(&json!({"url": url})).send().await);
    }
    for answer in answers {
        assert!((400..500).contains(&answer.status), "{}", answer.text());
        let mut texts = Vec::new();
        collect(&answer.json(), "detail", &mut texts);
        for text in texts {
            assert!(is_chinese(&text) && !holds_english_clause(text.as_str().unwrap()), "{text}");
        }
    }
}

#[actix_web::test]
async fn each_fault_is_told_once_and_no_sentence_is_a_regular_expression() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let admin = app.db_member(Role::Admin).await;
    let empty = editor.post(ARTICLES, json!({"title": "", "slug": "", "category": "", "tags": [""]})).await;
    let mut faults = empty.faults();
    faults.sort();
    let told = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(
        faults,
        [
            told("/category", "too_short"),
            told("/slug", "invalid_format"),
            told("/tags/0", "invalid_format"),
            told("/title", "too_short")
        ]
    );
    let others = [
        editor
            .post(ARTICLES, json!({"title": " ", "slug": "a--b", "cover_url": "//x", "published_at": "3000"}))
            .await,
        editor.post("/api/v1/notices", json!({"kind": "x", "title": "\u{202e}"})).await,
        admin.patch("/api/v1/site", json!({"base_url": "x", "locale": "!"})).await,
        editor.patch("/api/v1/members/me", json!({"avatar_url": "javascript:x", "locale": "fr"})).await,
        editor.get("/api/v1/articles?cursor=%21&page_size=x&published_from=y").await,
    ];
    for answer in others {
        let mut texts = Vec::new();
        collect(&answer.json(), "detail", &mut texts);
        assert!(texts.len() > 1, "{}", answer.text());
        for text in texts.iter().filter_map(Value::as_str) {
            assert!(!text.contains(['^', '\\', '$']) && !text.contains("\\S"), "{text}");
        }
    }
}

#[actix_web::test]
async fn what_a_look_up_finds_is_told_together_with_the_rest() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let article = json!({"title": "", "category": "nowhere", "x": 1});
    let member = json!({"email": "nobody", "password": "password1", "display_name": "\u{202e}"});
    let created = admin.post(ARTICLES, json!({"title": "a"})).await.data(201);
    let patched = format!("{ARTICLES}/{}", created["id"].as_str().unwrap());
    let category = json!({"name": "", "parent": "nowhere"});
    let put = json!({"title": "", "category": "nowhere", "external_id": "other"});
    for (answer, places) in [
        (admin.post(ARTICLES, article.clone()).await, vec!["/category", "/title", "/x"]),
        (admin.patch(&patched, article).await, vec!["/category", "/title", "/x"]),
        (
            admin.put(&format!("{ARTICLES}/by-external-id/e"), put).await,
            vec!["/category", "/external_id", "/title"],
        ),
        (admin.post("/api/v1/categories", category).await, vec!["/name", "/parent"]),
        (admin.post("/api/v1/members", member.clone()).await, vec!["/display_name", "/email", "/password"]),
        (anon.post("/api/v1/auth/register", member).await, vec!["/display_name", "/email", "/password"]),
    ] {
        let mut told: Vec<String> = answer.faults().into_iter().map(|(place, _)| place).collect();
        told.sort();
        assert_eq!(
            (answer.status, told),
            (422, places.iter().map(ToString::to_string).collect()),
            "{}",
            answer.text()
        );
    }
}

#[actix_web::test]
async fn an_expired_token_is_told_from_one_that_is_not_valid() {
    let (app, _) = TestApp::start().await;
    let ring = app.shared.app.ring().await.unwrap();
    let token = |from_now| {
        let start = Utc::now() + TimeDelta::seconds(from_now);
        tokens::issue(&ring, Uuid::new_v4(), Uuid::new_v4(), start, 600).unwrap()
    };
    let with = async |token: String| Client::new(&app.url, Some(token)).get("/api/v1/members/me").await;
    let expired = with(token(-3600)).await;
    assert_eq!(expired.problem(), (401, "token_expired".to_owned()));
    assert!(expired.header("www-authenticate").contains("error=\"invalid_token\""));
    // A public read with it, too: the app is to refresh it, and not to be taken for a visitor.
    let list = Client::new(&app.url, Some(token(-3600))).get(ARTICLES).await;
    assert_eq!(list.problem(), (401, "token_expired".to_owned()));
    let mut forged = token(-3600);
    forged.pop();
    for other in [forged, token(0), token(3600), "x".to_owned(), "ink_x".to_owned()] {
        let refused = with(other).await;
        assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
        assert!(!refused.header("www-authenticate").contains("error="));
    }
}

#[actix_web::test]
async fn a_refused_login_says_the_same_for_every_cause_and_names_the_way_on() {
    let (_app, anon) = TestApp::start_with(&["--mail-url", "file://"]).await;
    let account = json!({"email": "ada@example.org", "password": "four quite long words"});
    anon.post("/api/v1/auth/register", account.clone()).await.expect(202);
    let mut answers = Vec::new();
    for login in [account, json!({"email": "nobody@example.org", "password": "four quite long words"})] {
        let mut answer = anon.post("/api/v1/auth/login", login).await.expect(401).json();
        answer["request_id"].take();
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0]["detail"].as_str().unwrap().contains("/auth/email/resend"), "{}", answers[0]);
}
