//! Slugs that articles have had, and others that lead to them.

use inkstone::operations::Role;
use reqwest::Method;
use reqwest::redirect::Policy;

use super::*;
use crate::harness::Answer;

/// The same client, which does not follow redirects.
fn staying(app: &TestApp, client: &Client) -> Client {
    let http = reqwest::Client::builder().tls_certs_only([]).redirect(Policy::none()).build().unwrap();
    client.through(&app.url, http)
}

fn published(title: &str, slug: &str) -> Value {
    json!({"title": title, "slug": slug, "body": "<p>b</p>", "status": "published"})
}

async fn import(editor: &Client, query: &str, rows: &[Value]) -> Value {
    let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let request = editor.request(Method::POST, &format!("{ARTICLES}/import{query}"));
    request.labelled("application/x-ndjson", body).send().await.data(200)
}

fn warning_codes(summary: &Value) -> Vec<String> {
    column(&summary["warnings"], "code")
}

/// Where a request is sent on to.
fn location(answer: Answer) -> String {
    answer.expect(301).header("location").to_owned()
}

#[actix_web::test]
async fn a_slug_that_an_article_has_had_leads_to_its_present_one() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let anon = staying(&app, &anon);
    let article = editor.post(ARTICLES, published("One", "first")).await.data(201);
    let path = format!("{ARTICLES}/{}", article["id"].as_str().unwrap());
    editor.patch(&path, json!({"slug": "second"})).await.expect(200);
    editor.patch(&path, json!({"slug": "third"})).await.expect(200);
    for old in ["first", "second"] {
        let answer = anon.get(&format!("{ARTICLES}/{old}?include=neighbors&fields=id,title")).await;
        assert_eq!(answer.header("surrogate-key"), format!("article:{}", article["id"].as_str().unwrap()));
        assert!(answer.header("cache-control").starts_with("public, max-age=0"), "{old}");
        assert!(answer.bytes.is_empty());
        assert_eq!(location(answer), "/api/v1/articles/third?fields=id%2Ctitle&include=neighbors");
        let head = anon.request(Method::HEAD, &format!("{ARTICLES}/{old}")).send().await;
        assert_eq!(location(head), "/api/v1/articles/third");
    }
    let seen = staying(&app, &editor).get(&format!("{ARTICLES}/first")).await;
    assert_eq!((seen.status, seen.header("cache-control")), (301, "private, no-store"));
    anon.get(&format!("{ARTICLES}/first?colour=red")).await.expect(400);
    // It can have its old slug again.
    let back = editor.patch(&path, json!({"slug": "first"})).await.data(200);
    assert_eq!(back["former_slugs"], json!(["second", "third"]));
    anon.get(&format!("{ARTICLES}/first")).await.expect(200);
    assert_eq!(location(anon.get(&format!("{ARTICLES}/third")).await), "/api/v1/articles/first");
}

#[actix_web::test]
async fn an_old_slug_is_given_to_no_other_article() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = editor.post(ARTICLES, published("Old words", "old-words")).await.data(201);
    editor.patch(&format!("{ARTICLES}/old-words"), json!({"slug": "new-words"})).await.expect(200);
    let other = editor.post(ARTICLES, published("Other", "other")).await.data(201);
    let taken = (409, "slug_taken".to_owned());
    assert_eq!(editor.post(ARTICLES, published("A", "old-words")).await.problem(), taken);
    assert_eq!(
        editor.patch(&format!("{ARTICLES}/other"), json!({"slug": "old-words"})).await.problem(),
        taken
    );
    let put = format!("{ARTICLES}/by-external-id/x");
    assert_eq!(editor.put(&put, published("A", "old-words")).await.problem(), taken);
    editor.put(&put, published("A", "a")).await.expect(201);
    assert_eq!(editor.put(&put, published("A", "old-words")).await.problem(), taken);
    for row in [
        json!({"external_id": "n", "title": "N", "slug": "old-words"}),
        json!({"external_id": "x", "title": "A", "slug": "old-words"}),
    ] {
        let summary = import(&editor, "", &[row]).await;
        assert_eq!(column(&summary["errors"], "code"), ["slug_taken"]);
    }
    // Made from titles they avoid it, alone and in bulk, published and not.
    for status in ["draft", "published"] {
        let made = editor.post(ARTICLES, json!({"title": "Old words", "status": status})).await.data(201);
        assert!(made["slug"].as_str().unwrap().starts_with("old-words-"), "{made}");
        let row = json!({"external_id": status, "title": "Old words", "status": status});
        assert_eq!(import(&editor, "", &[row]).await["created"], 1);
    }
    assert_eq!(anon.get(&format!("{ARTICLES}/old-words")).await.data(200)["id"], article["id"]);
    // In the trash it keeps its slugs; deleted for good it gives them back.
    let path = format!("{ARTICLES}/{}", article["id"].as_str().unwrap());
    editor.delete(&path).await.expect(204);
    assert_eq!(editor.post(ARTICLES, published("A", "old-words")).await.problem(), taken);
    app.db_execute("DELETE FROM articles WHERE slug = 'new-words'").await;
    for slug in ["old-words", "new-words"] {
        editor
            .patch(&format!("{ARTICLES}/{}", other["id"].as_str().unwrap()), json!({"slug": slug}))
            .await
            .expect(200);
    }
}

#[actix_web::test]
async fn what_may_not_be_seen_is_not_found_by_an_old_slug_either() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let author = staying(&app, &app.db_member(Role::Author).await);
    let anon = staying(&app, &anon);
    editor.post(ARTICLES, published("One", "first")).await.expect(201);
    editor.patch(&format!("{ARTICLES}/first"), json!({"slug": "second"})).await.expect(200);
    let missing = |answer: Answer| {
        let mut problem = answer.expect(404).json();
        problem.as_object_mut().unwrap().remove("request_id");
        problem
    };
    let nothing = missing(anon.get(&format!("{ARTICLES}/never-there")).await);
    for change in [
        json!({"status": "draft"}),
        json!({"status": "archived"}),
        json!({"status": "published", "published_at": "2999-01-01T00:00:00Z"}),
    ] {
        editor.patch(&format!("{ARTICLES}/second"), change).await.expect(200);
        assert_eq!(missing(anon.get(&format!("{ARTICLES}/first")).await), nothing);
        assert_eq!(missing(author.get(&format!("{ARTICLES}/first")).await), nothing);
        assert_eq!(
            location(staying(&app, &editor).get(&format!("{ARTICLES}/first")).await),
            "/api/v1/articles/second"
        );
    }
    editor.delete(&format!("{ARTICLES}/second")).await.expect(204);
    assert_eq!(missing(staying(&app, &editor).get(&format!("{ARTICLES}/first")).await), nothing);
}

#[actix_web::test]
async fn addresses_of_another_site_in_any_script_lead_to_an_article() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let anon = staying(&app, &anon);
    let mut new = published("质量", "zhi-liang");
    new["former_slugs"] = json!([
        "%E8%B4%A8%E9%87%8F%E6%8F%90%E5%8D%87",
        "Old_Post.html",
        "100%",
        "cafe\u{301}",
        "a b+c",
        "质量提升"
    ]);
    let article = editor.post(ARTICLES, new).await.data(201);
    let stored = json!(["100%", "Old_Post.html", "a b+c", "caf\u{e9}", "质量提升"]);
    assert_eq!(article["former_slugs"], stored);
    for segment in [
        "%E8%B4%A8%E9%87%8F%E6%8F%90%E5%8D%87",
        "%e8%b4%a8%e9%87%8f%e6%8f%90%e5%8d%87",
        "质量提升",
        "Old_Post.html",
        "100%25",
        "caf%C3%A9",
        "cafe%CC%81",
        "a%20b+c",
        "a%20b%2Bc",
    ] {
        assert_eq!(
            location(anon.get(&format!("{ARTICLES}/{segment}")).await),
            "/api/v1/articles/zhi-liang",
            "{segment}"
        );
    }
    for segment in [
        "old_post.html",
        "%E8%B4%A8",
        "%FF",
        "a%2Fb",
        "%00",
        "zhi%2Dliang%2F",
        &"长".repeat(201),
        "import",
        "views",
    ] {
        let status = anon.get(&format!("{ARTICLES}/{segment}")).await.status;
        assert!([404, 405].contains(&status), "{segment}: {status}");
    }
    // Staff read them, visitors and lists do not.
    assert!(anon.get(&format!("{ARTICLES}/zhi-liang")).await.data(200).get("former_slugs").is_none());
    assert_eq!(editor.get(&format!("{ARTICLES}/zhi-liang")).await.data(200)["former_slugs"], stored);
}

#[actix_web::test]
async fn a_former_slug_that_no_path_can_name_or_another_article_has_is_refused() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let mut other = published("Other", "other");
    other["former_slugs"] = json!(["旧"]);
    editor.post(ARTICLES, other).await.expect(201);
    let id = "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60";
    let long = "长".repeat(201);
    for (slug, code) in [
        ("import", "invalid_format"),
        ("export", "invalid_format"),
        ("%65xport", "invalid_format"),
        (id, "invalid_format"),
        ("a/b", "invalid_format"),
        ("a%2Fb", "invalid_format"),
        ("a?b", "invalid_format"),
        ("a#b", "invalid_format"),
        ("a\nb", "invalid_format"),
        ("..", "invalid_format"),
        ("%20", "invalid_format"),
        ("", "too_short"),
        (&long, "too_long"),
    ] {
        let new = json!({"title": "A", "former_slugs": ["fine", slug]});
        let answer = editor.post(ARTICLES, new).await;
        assert_eq!(answer.faults(), [("/former_slugs/1".to_owned(), code.to_owned())], "{slug}");
    }
    let many: Vec<String> = (0..51).map(|n| format!("s-{n}")).collect();
    assert_eq!(editor.post(ARTICLES, json!({"title": "A", "former_slugs": many})).await.problem().0, 422);
    let article = editor.post(ARTICLES, published("A", "a")).await.data(201);
    for taken in ["旧", "other", "%E6%97%A7"] {
        let sent = json!({"former_slugs": ["free", taken]});
        let mut new = sent.clone();
        new["title"] = json!("B");
        for answer in [
            editor.post(ARTICLES, new.clone()).await,
            editor.patch(&format!("{ARTICLES}/a"), sent).await,
            editor.put(&format!("{ARTICLES}/by-external-id/y"), new).await,
        ] {
            assert_eq!(answer.faults(), [("/former_slugs/1".to_owned(), "slug_taken".to_owned())], "{taken}");
            assert_eq!(answer.problem(), (409, "slug_taken".to_owned()));
        }
    }
    assert_eq!(editor.get(&format!("{ARTICLES}/a")).await.data(200), article);
    // Authors claim no addresses of the site.
    let author = app.db_member(Role::Author).await;
    author.post(ARTICLES, json!({"title": "A", "former_slugs": ["mine"]})).await.expect(403);
    let own = author.post(ARTICLES, json!({"title": "Own"})).await.data(201);
    let path = format!("{ARTICLES}/{}", own["id"].as_str().unwrap());
    author.patch(&path, json!({"former_slugs": ["mine"]})).await.expect(403);
    author.patch(&path, json!({"former_slugs": [], "title": "Own 2"})).await.expect(200);
}

#[actix_web::test]
async fn a_patch_replaces_former_slugs_and_a_put_adds_to_them() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let put = format!("{ARTICLES}/by-external-id/x");
    let mut body = published("A", "a");
    body["former_slugs"] = json!(["one"]);
    assert_eq!(editor.put(&put, body.clone()).await.data(201)["former_slugs"], json!(["one"]));
    body["former_slugs"] = json!(["two"]);
    let second = editor.put(&put, body.clone()).await.data(200);
    assert_eq!((&second["former_slugs"], &second["version"]), (&json!(["one", "two"]), &json!(2)));
    assert_eq!(editor.put(&put, body).await.data(200), second);
    let path = format!("{ARTICLES}/a");
    let third = editor.patch(&path, json!({"former_slugs": ["two", "three", "a"]})).await.data(200);
    assert_eq!((&third["former_slugs"], &third["version"]), (&json!(["three", "two"]), &json!(3)));
    editor.post(ARTICLES, published("One", "one")).await.expect(201);
    let moved = editor.patch(&path, json!({"slug": "b", "former_slugs": []})).await.data(200);
    assert_eq!(moved["former_slugs"], json!(["a"]));
    let changes = crate::harness::machine::ask(
        &app.db.url,
        "SELECT string_agg(fields::text, ' ' ORDER BY seq) FROM changes WHERE entity = 'article' AND action = 'update'",
    );
    assert_eq!(changes.await, "{former_slugs} {former_slugs} {slug,former_slugs}");
}

#[actix_web::test]
async fn of_two_writers_who_want_one_slug_one_gets_it() {
    let (app, _) = TestApp::start().await;
    let (one, other) = (app.db_member(Role::Editor).await, app.db_member(Role::Editor).await);
    for round in 0..12 {
        let (slug, own) = (format!("wanted-{round}"), format!("own-{round}"));
        one.post(ARTICLES, published("A", &own)).await.expect(201);
        let path = format!("{ARTICLES}/{own}");
        let row =
            |key: &str, value: Value| json!({"external_id": format!("r-{round}"), "title": "R", key: value});
        let (kept, got) = match round % 4 {
            // One adds it as a former slug, the other makes an article with it.
            0 => {
                let claim = one.patch(&path, json!({"former_slugs": [slug]}));
                let (claimed, made) = futures_util::join!(claim, other.post(ARTICLES, published("B", &slug)));
                (claimed.status == 200, made.status == 201)
            }
            // Both add it.
            1 => {
                let claim = one.patch(&path, json!({"former_slugs": [slug]}));
                let new = json!({"title": "B", "former_slugs": [slug]});
                let (claimed, made) = futures_util::join!(claim, other.post(ARTICLES, new));
                (claimed.status == 200, made.status == 201)
            }
            // One has it, and gives it up while the other asks for it.
            2 => {
                one.patch(&path, json!({"slug": slug})).await.expect(200);
                let path = format!("{ARTICLES}/{slug}");
                let leave = one.patch(&path, json!({"slug": format!("left-{round}")}));
                let (left, made) = futures_util::join!(leave, other.post(ARTICLES, published("B", &slug)));
                (left.status == 200, made.status == 201)
            }
            // Two imports.
            _ => {
                let former = [row("former_slugs", json!([slug]))];
                let mut new = row("slug", json!(slug));
                new["external_id"] = json!(format!("s-{round}"));
                let new = [new];
                let (claimed, made) =
                    futures_util::join!(import(&one, "", &former), import(&other, "", &new));
                (warning_codes(&claimed).is_empty(), made["failed"] == 0)
            }
        };
        assert!(kept != got, "round {round}: {kept} {got}");
    }
}

#[actix_web::test]
async fn rows_bring_former_slugs_and_what_cannot_be_kept_is_told() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let anon = staying(&app, &anon);
    let row = |id: &str, slug: &str, former: Value| json!({"external_id": id, "title": id, "slug": slug, "former_slugs": former, "status": "published"});
    let first = [
        row("a", "a", json!(["旧", "%E6%97%A7", "a", "a/b", "import"])),
        row("b", "b", json!(["旧", "c"])),
        row("c", "c", json!(["d"])),
    ];
    let summary = import(&editor, "", &first).await;
    assert_eq!((&summary["created"], &summary["failed"]), (&json!(3), &json!(0)));
    let told: Vec<_> = summary["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| (w["line"].clone(), w["code"].clone(), w["more"].as_array().map_or(0, Vec::len)))
        .collect();
    let dropped = json!("former_slug_dropped");
    assert_eq!(told, [(json!(1), dropped.clone(), 1), (json!(2), dropped.clone(), 1)]);
    assert_eq!(location(anon.get(&format!("{ARTICLES}/旧")).await), "/api/v1/articles/a");
    assert_eq!(location(anon.get(&format!("{ARTICLES}/d")).await), "/api/v1/articles/c");
    // The same rows again change nothing; more of them are added; a changed slug stays findable.
    assert_eq!(import(&editor, "", &first).await["unchanged"], 3);
    let second = import(&editor, "", &[row("a", "a2", json!(["新"]))]).await;
    assert_eq!((&second["updated"], warning_codes(&second)), (&json!(1), vec![]));
    let article = editor.get(&format!("{ARTICLES}/a2")).await.data(200);
    assert_eq!(article["former_slugs"], json!(["a", "新", "旧"]));
    let more = import(&editor, "", &[row("a", "a2", json!(["新", "再"]))]).await;
    assert_eq!(more["updated"], 1);
    // A row without an id is about the article that has had its slug.
    editor.post(ARTICLES, published("Plain", "plain")).await.expect(201);
    editor.patch(&format!("{ARTICLES}/plain"), json!({"slug": "plain-2"})).await.expect(200);
    let by_slug =
        import(&editor, "", &[json!({"slug": "plain", "title": "Plain 3", "status": "published"})]).await;
    assert_eq!((&by_slug["updated"], &by_slug["created"]), (&json!(1), &json!(0)), "{by_slug}");
    assert_eq!(location(anon.get(&format!("{ARTICLES}/plain-2")).await), "/api/v1/articles/plain");
    for wrong in [json!("x"), json!([7]), json!({})] {
        let summary = import(&editor, "", &[row("w", "w", wrong)]).await;
        assert_eq!(column(&summary["errors"], "pointer"), ["/former_slugs"]);
    }
}

#[actix_web::test]
async fn an_export_with_former_slugs_makes_the_same_site_again() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (title, former) in [("One", json!(["旧", "a,b", "Old_Post"])), ("Two", json!([]))] {
        let mut new = published(title, &title.to_lowercase());
        new["former_slugs"] = former;
        new["published_at"] = json!("2019-09-20T00:00:00Z");
        editor.post(ARTICLES, new).await.expect(201);
    }
    editor.patch(&format!("{ARTICLES}/one"), json!({"slug": "uno"})).await.expect(200);
    for format in ["ndjson", "csv"] {
        let path = format!("{ARTICLES}/export?format={format}");
        let exported = editor.get(&path).await.expect(200);
        assert!(exported.text().contains("Old_Post"));
        let (again, _) = TestApp::start().await;
        let importer = again.db_member(Role::Editor).await;
        let label = if format == "csv" { "text/csv" } else { "application/x-ndjson" };
        let request = importer.request(Method::POST, &format!("{ARTICLES}/import"));
        let summary = request.labelled(label, exported.bytes.clone()).send().await.data(200);
        assert_eq!((&summary["created"], warning_codes(&summary)), (&json!(2), vec![]));
        assert_eq!(importer.get(&path).await.expect(200).text(), exported.text());
    }
}
