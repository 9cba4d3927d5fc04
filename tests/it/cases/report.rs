//! What the command line tells of an import: the table, the report, and why it stopped.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use reqwest::Method;
use serde_json::json;

use super::*;

/// What `inkstone` said.
struct Said {
    code: Option<i32>,
    out: String,
    shown: String,
}

impl Said {
    fn all(&self) -> String {
        format!("{}{}", self.out, self.shown)
    }
}

impl Site {
    /// Runs `inkstone import` with these arguments on the database of the site.
    async fn run_import(&self, arguments: &[&str]) -> Said {
        let (code, out, shown) = run_on(&self.app, &[&["import"], arguments].concat()).await;
        Said { code, out, shown }
    }

    /// Makes an API key with these scopes.
    async fn make_key(&self, scopes: &[&str]) -> String {
        let admin = self.app.db_member(Role::Admin).await;
        let key = admin.post("/api/v1/api-keys", json!({"name": "s", "scopes": scopes})).await.data(201);
        key["key"].as_str().unwrap().to_owned()
    }
}

fn read_report(path: &str) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A Ghost export of posts and pages.
fn ghost_export(posts: &[(&str, &str, &str)]) -> String {
    let posts: Vec<_> = posts
        .iter()
        .map(|(id, kind, html)| {
            json!({"id": id, "title": format!("Post {id}"), "slug": format!("post-{id}"), "html": html, "type": kind,
                "status": "published", "visibility": "public", "published_at": "2021-01-02T03:04:05.000Z"})
        })
        .collect();
    json!({"db": [{"data": {"posts": posts, "tags": [], "posts_tags": [], "users": [], "posts_authors": []}}]})
        .to_string()
}

/// Five rows: two new ones, one that fails, one of which markup is dropped, and one that replaces another.
fn mixed_rows() -> String {
    [
        json!({"external_id": "a", "title": "A", "body": "<p>a</p>"}),
        json!({"external_id": "b", "title": "B", "views": "many", "titel": "x"}),
        json!({"external_id": "c", "title": "C", "body": "<p><font>c</font></p>"}),
        json!({"external_id": "d", "title": "D", "body": "<p>d</p>"}),
        json!({"external_id": "a", "title": "A again", "body": "<p>a</p>"}),
    ]
    .map(|row| format!("{row}\n"))
    .concat()
}

/// The number after a name in a table.
fn count_of(table: &str, name: &str) -> Option<u64> {
    table.lines().find_map(|line| line.trim_start().strip_prefix(name)?.trim().parse().ok())
}

#[actix_web::test]
async fn the_table_counts_rows_warnings_and_faults_by_kind() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "rows.ndjson", mixed_rows());
    let said = site.run_import(&[&path]).await;
    assert_eq!(said.code, Some(1), "{}", said.all());
    let count = |name| count_of(&said.out, name);
    assert_eq!((count("created"), count("updated"), count("failed")), (Some(3), Some(0), Some(1)));
    assert_eq!(
        (count("superseded"), count("markup_dropped"), count("warnings")),
        (Some(1), Some(1), Some(2))
    );
    let row = said.out.lines().find(|line| line.contains("line 2 (b)")).unwrap();
    assert!(row.contains("/views") && row.contains("/titel"), "{row}");
    // The counts are the last line of what is told.
    let last = said.shown.lines().last().unwrap();
    assert!(
        last.contains("5 rows in") && last.contains("3 created, 0 updated, 0 unchanged, 1 failed"),
        "{last}"
    );
    let path =
        write_file(folder.path(), "good.ndjson", json!({"external_id": "z", "title": "Z"}).to_string());
    let said = site.run_import(&[&path]).await;
    assert!(said.code == Some(0) && said.out.lines().last().unwrap().contains("1 created"), "{}", said.all());
}

#[actix_web::test]
async fn the_first_twenty_failed_rows_are_listed_and_where_the_others_are() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..25).map(|n| format!("{{\"external_id\": \"r-{n}\", \"titel\": 1}}\n")).collect();
    let path = write_file(folder.path(), "rows.ndjson", rows);
    let said = site.run_import(&[&path]).await;
    assert_eq!(said.out.matches("(r-").count(), 20, "{}", said.out);
    assert!(said.out.contains(&format!("and 5 more, in {path}.failed.ndjson")), "{}", said.out);
}

#[actix_web::test]
async fn a_dry_run_shows_the_same_and_says_that_nothing_is_stored() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "rows.ndjson", mixed_rows());
    let (dry, wet) = (folder.path().join("dry.json"), folder.path().join("wet.json"));
    let (dry, wet) = (dry.to_str().unwrap(), wet.to_str().unwrap());
    let said = site.run_import(&[&path, "--dry-run", "--report", dry]).await;
    assert!(
        said.out.contains("Nothing is stored") && count_of(&said.out, "created") == Some(3),
        "{}",
        said.out
    );
    assert!(site.load_articles().await.is_empty());
    site.run_import(&[&path, "--report", wet]).await;
    let (dry, wet) = (read_report(dry), read_report(wet));
    let outcomes = |report: &Value| -> Vec<Value> {
        let rows = report["rows"].as_array().unwrap();
        rows.iter().map(|row| json!([row["line"], row["outcome"], row["faults"], row["warnings"]])).collect()
    };
    assert_eq!(outcomes(&dry), outcomes(&wet));
    assert_eq!(
        (&dry["summary"]["ending"], &wet["summary"]["ending"]),
        (&json!("dry_run"), &json!("completed"))
    );
}

#[actix_web::test]
async fn the_report_has_every_row_with_its_outcome_faults_and_warnings() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "rows.ndjson", mixed_rows());
    let to = folder.path().join("report.json");
    let key = site.make_key(&["articles:import"]).await;
    let mut reports = Vec::new();
    for remote in [&["--url", &site.app.url, "--key", &key, "--dry-run"][..], &[]] {
        let said =
            site.run_import(&[&[path.as_str(), "--report", to.to_str().unwrap()], remote].concat()).await;
        assert_eq!(said.code, Some(1), "{}", said.all());
        reports.push(read_report(to.to_str().unwrap()));
        fs::remove_file(&to).unwrap();
    }
    for report in &reports {
        let rows = report["rows"].as_array().unwrap();
        let outcomes: Vec<_> = rows.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["superseded", "failed", "created", "created", "created"], "{report}");
        let ids: Vec<_> = rows.iter().map(|row| row["external_id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["a", "b", "c", "d", "a"]);
        assert_eq!(rows[1]["faults"].as_array().unwrap().len(), 2, "{}", rows[1]);
        assert_eq!(rows[2]["warnings"][0]["code"], "markup_dropped");
        assert_eq!(report["warnings"], json!({"markup_dropped": 1, "repeated_row": 1}));
        assert_eq!((&report["summary"]["created"], &report["summary"]["failed"]), (&json!(3), &json!(1)));
        assert_eq!(report["summary"]["stopped_by"], Value::Null);
    }
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "only the rows and those that failed: {names:?}");
}

#[actix_web::test]
async fn the_report_has_the_images_of_rows_in_every_format() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let html = "<p>质量<img src='https://e.org/a.jpg' srcset='https://e.org/a-2.jpg 2x, https://e.org/a-3.jpg 3x'></p>";
    let rows = [
        json!({"external_id": "1", "title": "H", "body": html, "cover_url": "https://e.org/cover.jpg"}),
        json!({"external_id": "2", "title": "M", "body": "![x](https://e.org/m.png)", "body_format": "markdown"}),
        json!({"external_id": "3", "title": "T", "body": "<img src=no.jpg>", "body_format": "text"}),
        json!({"external_id": "4", "title": "F", "body": "<img src=https://e.org/no.jpg>", "views": "x"}),
        json!({"external_id": "5", "title": "Again", "body": "<img src='https://e.org/a.jpg'>"}),
    ];
    let csv = rows.iter().map(|row| {
        let cell = |key: &str| format!("\"{}\"", row[key].as_str().unwrap_or("").replace('"', "\"\""));
        ["external_id", "title", "body", "cover_url", "body_format", "views"].map(cell).join(",") + "\n"
    });
    let csv = format!("external_id,title,body,cover_url,body_format,views\n{}", csv.collect::<String>());
    let gbk = encoding_rs::GBK.encode(&csv).0.into_owned();
    let ndjson: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let zst = zstd::encode_all(ndjson.as_bytes(), 1).unwrap();
    let files = [
        ("rows.ndjson", ndjson.into_bytes()),
        ("rows.json", serde_json::to_vec(&rows).unwrap()),
        ("rows.csv", csv.into_bytes()),
        ("gbk.csv", gbk),
        ("rows.ndjson.zst", zst),
    ];
    let to = folder.path().join("report.json");
    for (name, bytes) in files {
        let path = write_file(folder.path(), name, bytes);
        let mut arguments = vec![path.as_str(), "--report", to.to_str().unwrap()];
        if name == "gbk.csv" {
            arguments.extend(["--encoding", "gbk"]);
        }
        site.run_import(&arguments).await;
        let report = read_report(to.to_str().unwrap());
        let images: Vec<_> =
            report["rows"].as_array().unwrap().iter().map(|row| row["images"].clone()).collect();
        let expected = [
            json!([
                "https://e.org/cover.jpg",
                "https://e.org/a.jpg",
                "https://e.org/a-2.jpg",
                "https://e.org/a-3.jpg"
            ]),
            json!(["https://e.org/m.png"]),
            json!([]),
            json!(["https://e.org/no.jpg"]),
            json!(["https://e.org/a.jpg"]),
        ];
        assert_eq!(images, expected, "{name}");
        // Those of a row that failed are not among the imported ones.
        let mut all = expected[0].as_array().unwrap().clone();
        all.push(json!("https://e.org/m.png"));
        assert_eq!(report["images"], json!(all), "{name}");
    }
}

#[actix_web::test]
async fn the_report_of_a_foreign_file_names_places_and_what_was_passed_over() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let posts = [
        ("1", "post", "<p>一<img src='https://e.org/1.jpg'></p>"),
        ("2", "page", "<p>关于</p>"),
        ("3", "post", "<p>三</p>"),
    ];
    let path = write_file(folder.path(), "ghost.json", ghost_export(&posts));
    let to = folder.path().join("report.json");
    let said = site.run_import(&[&path, "--from", "ghost", "--report", to.to_str().unwrap()]).await;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        said.out.contains("1 page passed over") && count_of(&said.out, "page") == Some(1),
        "{}",
        said.out
    );
    let report = read_report(to.to_str().unwrap());
    assert_eq!(report["passed_over"], json!({"page": 1}));
    assert_eq!(report["images"], json!(["https://e.org/1.jpg"]));
    let place = report["rows"][1]["place"].as_str().unwrap();
    assert!(place.contains("Post 3"), "{place}");
}

#[actix_web::test]
async fn a_report_is_written_also_if_the_import_fails() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("report.json");
    let report = to.to_str().unwrap();
    let path = write_file(folder.path(), "rows.ndjson", mixed_rows());
    site.run_import(&[&path, "--atomic", "--report", report]).await;
    let written = read_report(report);
    assert_eq!(written["summary"]["ending"], "rolled_back", "{written}");
    assert_eq!(written["rows"][0]["outcome"], "failed", "{written}");
    // An import that never reached the server.
    let said = site.run_import(&[&path, "--url", "http://127.0.0.1:1", "--report", report]).await;
    assert!(said.code == Some(1) && said.shown.contains("cannot be reached"), "{}", said.all());
    let written = read_report(report);
    assert!(written["summary"]["stopped_by"].as_str().unwrap().contains("cannot be reached"), "{written}");
    let ghost = write_file(folder.path(), "ghost.json", ghost_export(&[("1", "post", "<p>a</p>")]));
    fs::remove_file(report).unwrap();
    site.run_import(&[&ghost, "--from", "ghost", "--url", "http://127.0.0.1:1", "--report", report]).await;
    assert_eq!(read_report(report)["rows"], json!([]));
    // No option may overwrite what is imported.
    for option in ["--report", "--errors"] {
        let said = site.run_import(&[&path, option, &path]).await;
        assert!(said.code == Some(1) && said.shown.contains(option), "{}", said.all());
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), mixed_rows());
    // A report that cannot be written is told before anything is imported.
    let said = site.run_import(&[&path, "--report", "/nowhere/report.json"]).await;
    assert!(said.code == Some(1) && said.shown.contains("/nowhere/report.json"), "{}", said.all());
    assert!(site.load_articles().await.is_empty());
}

#[actix_web::test]
async fn several_faulty_headers_are_listed_one_a_line() {
    let site = Site::start().await;
    let key = site.make_key(&["articles:import"]).await;
    let path = case_path("57-csv-several-faulty-headers.csv");
    for remote in [&["--url", &site.app.url, "--key", &key][..], &[]] {
        let said = site.run_import(&[&[path.as_str()], remote].concat()).await;
        assert_eq!(said.code, Some(1));
        for header in ["编号", "标题", "正文"] {
            assert_eq!(said.shown.lines().filter(|line| line.contains(header)).count(), 1, "{}", said.shown);
        }
        assert!(said.shown.contains("3 faults") && !said.shown.contains("`errors`"), "{}", said.shown);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "one.csv", "external_id,title,bdy\n1,A,x\n");
    let said = site.run_import(&[&path]).await;
    assert!(said.shown.contains("bdy") && said.shown.contains("`body`"), "{}", said.shown);
}

#[actix_web::test]
async fn a_file_that_brings_no_article_is_a_failure_with_its_reason() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let pages = ghost_export(&[("1", "page", "<p>a</p>"), ("2", "page", "<p>b</p>")]);
    let (ghost, none) = (write_file(folder.path(), "pages.json", pages), ghost_export(&[]));
    let none = write_file(folder.path(), "none.json", none);
    let header = write_file(folder.path(), "header.csv", "external_id,title\n");
    let comments = write_file(folder.path(), "comments.ndjson", "# nothing\n\n");
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    fs::write(pictures.join("a.jpg"), "x").unwrap();
    for (arguments, reason) in [
        (
            vec![ghost.as_str(), "--from", "ghost"],
            "no article in it: 2 pages were passed over; --types page imports them",
        ),
        (vec![&none, "--from", "ghost"], "no article in it"),
        (vec![pictures.to_str().unwrap(), "--from", "html"], "no article in it"),
        (vec![&header], "no row in it"),
        (vec![&comments], "no row in it"),
    ] {
        let said = site.run_import(&arguments).await;
        assert!(said.code == Some(1) && said.shown.contains(reason), "{arguments:?}: {}", said.all());
    }
    let empty = write_file(folder.path(), "empty.ndjson", "");
    assert_eq!(site.run_import(&[&empty]).await.code, Some(0));
}

#[actix_web::test]
async fn a_fault_of_the_file_is_told_as_itself_through_a_server_too() {
    let site = Site::start().await;
    let key = site.make_key(&["articles:import"]).await;
    let folder = tempfile::tempdir().unwrap();
    let whole = ghost_export(&[("1", "post", &"<p>一</p>".repeat(50_000))]);
    let cut = write_file(folder.path(), "cut.json", &whole[..whole.len() / 3 * 2 / 3 * 3 / 2]);
    // Reading a folder as a file fails at its first byte.
    let itself = folder.path().to_str().unwrap();
    for remote in [&["--url", &site.app.url, "--key", &key][..], &[]] {
        let said = site.run_import(&[&[cut.as_str(), "--from", "ghost"], remote].concat()).await;
        assert!(said.code == Some(1) && !said.shown.contains("reached"), "{}", said.all());
        assert!(said.shown.contains("Ghost export"), "{}", said.all());
        let said = site.run_import(&[&[itself, "--format", "ndjson"], remote].concat()).await;
        let is_told = said.shown.contains(itself) && said.shown.contains("directory");
        assert!(said.code == Some(1) && is_told, "{}", said.all());
        assert!(
            !said.shown.contains("cannot be reached") && !said.shown.contains("hung up"),
            "{}",
            said.shown
        );
    }
}

#[actix_web::test]
async fn a_refusal_is_told_with_its_reason_however_large_the_file_is() {
    let site = Site::start().await;
    let key = site.make_key(&["articles:read"]).await;
    let folder = tempfile::tempdir().unwrap();
    let row = json!({"external_id": "x", "title": "X", "body": "质量".repeat(100_000)}).to_string() + "\n";
    let path = write_file(folder.path(), "rows.ndjson", row.repeat(50));
    for (key, reason) in [("ink_wrong", "401"), (key.as_str(), "articles:import")] {
        let said = site.run_import(&[&path, "--url", &site.app.url, "--key", key]).await;
        assert!(said.code == Some(1) && said.shown.contains(reason), "{}", said.all());
        assert!(!said.shown.contains("cannot be reached"), "{}", said.shown);
    }
}

#[actix_web::test]
async fn the_failed_rows_of_a_foreign_file_can_be_corrected_and_imported_as_rows() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(
        folder.path(),
        "ghost.json",
        ghost_export(&[("1", "post", "<p>一</p>"), ("2", "post", "<p>二</p>")]),
    );
    // A row that exists fails in this mode.
    let create = ["--from", "ghost", "--mode", "create"];
    assert_eq!(site.run_import(&[&[path.as_str()], &create[..]].concat()).await.code, Some(0));
    let said = site.run_import(&[&[path.as_str()], &create[..]].concat()).await;
    assert!(said.code == Some(1) && said.out.contains("Post 1"), "{}", said.all());
    let failed = format!("{path}.failed.ndjson");
    let text = fs::read_to_string(&failed).unwrap();
    assert!(text.lines().any(|line| line.starts_with('#') && line.contains("Post 2")), "{text}");
    fs::write(&failed, text.replace("二", "贰")).unwrap();
    let said = site.run_import(&[&failed]).await;
    assert!(said.code == Some(0) && said.out.contains("2 rows"), "{}", said.all());
    assert!(
        site.load_articles().await.iter().any(|article| article["body"].as_str().unwrap().contains("贰"))
    );
}

#[actix_web::test]
async fn an_import_of_a_folder_is_resumed_unless_its_files_have_changed() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("pages");
    fs::create_dir(&pages).unwrap();
    for n in 0..2_050 {
        let page = format!("第{n}条\n\n发布时间:2019-09-20 作者:甲\n\n正文第{n}段。\n");
        fs::write(pages.join(format!("{n:05}.txt")), page).unwrap();
    }
    // A page without a body has no article.
    fs::write(pages.join("02040.txt"), "").unwrap();
    let path = pages.to_str().unwrap();
    let arguments = [path, "--from", "html"];
    let said = site.run_import(&[&arguments[..], &["--on-error", "abort"]].concat()).await;
    assert!(said.code == Some(1) && said.shown.contains("2000 created"), "{}", said.all());
    let mark = format!("{path}.resume.json");
    assert!(Path::new(&mark).exists());
    let resume = [&arguments[..], &["--resume", "--dry-run"]].concat();
    let said = site.run_import(&resume).await;
    assert!(said.shown.contains("50 rows in"), "{}", said.all());
    // Another option may make other rows, and so may another file.
    let said = site.run_import(&[&resume[..], &["--types", "post"]].concat()).await;
    assert!(said.shown.contains("2050 rows in"), "{}", said.all());
    fs::write(pages.join("00000.txt"), "改\n\n发布时间:2019-09-20 作者:甲\n\n正文。\n").unwrap();
    let said = site.run_import(&resume).await;
    assert!(said.shown.contains("2050 rows in"), "{}", said.all());
}

#[actix_web::test]
async fn dates_without_a_zone_are_in_that_of_the_site_unless_another_is_given() {
    let site = Site::start().await;
    let admin = site.app.db_member(Role::Admin).await;
    let key = site.make_key(&["articles:import"]).await;
    let folder = tempfile::tempdir().unwrap();
    let page = "某省计量院发布新规程\n\n发布时间:2019-09-24 09:10 作者:甲 来源:乙\n\n这是正文的第一段,说的是规程。\n";
    let path = write_file(folder.path(), "page.txt", page);
    let remote = ["--url", &site.app.url, "--key", &key];
    let berlin = ["--timezone", "europe/berlin"];
    for (zone, more, expected) in [
        (None, vec![], "2019-09-24T01:10:00Z"),
        (Some("UTC"), vec![], "2019-09-24T09:10:00Z"),
        (Some("America/New_York"), remote.to_vec(), "2019-09-24T13:10:00Z"),
        (None, berlin.to_vec(), "2019-09-24T07:10:00Z"),
        (None, [&berlin[..], &remote].concat(), "2019-09-24T07:10:00Z"),
    ] {
        if let Some(zone) = zone {
            let patch = admin.request(Method::PATCH, "/api/v1/site").json(&json!({"timezone": zone}));
            patch.send().await.expect(200);
        }
        let arguments = [&[path.as_str(), "--from", "html", "--status", "published"], &more[..]].concat();
        let said = site.run_import(&arguments).await;
        assert_eq!(said.code, Some(0), "{}", said.all());
        assert_eq!(site.load_only_article().await["published_at"], expected, "{zone:?} {more:?}");
    }
    let said = site.run_import(&[&path, "--from", "html", "--timezone", "Asia/Shangai"]).await;
    assert!(said.code == Some(2) && said.shown.contains("Asia/Shanghai"), "{}", said.all());
}

/// A server that hangs up on the first request, and answers the next with a refusal.
fn start_refusing_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        drop(listener.accept().unwrap());
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 64 << 10]).unwrap();
        let problem = r#"{"title": "Not allowed", "detail": "This key lacks the scope articles:import."}"#;
        let head = format!(
            "HTTP/1.1 403 Forbidden\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\r\n",
            problem.len()
        );
        stream.write_all((head + problem).as_bytes()).unwrap();
    });
    url
}

#[actix_web::test]
async fn a_server_that_hangs_up_on_an_upload_is_asked_for_its_reason() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "rows.ndjson", mixed_rows());
    let said = site.run_import(&[&path, "--url", &start_refusing_server(), "--key", "ink_x"]).await;
    assert!(said.code == Some(1) && said.shown.contains("lacks the scope articles:import"), "{}", said.all());
}

#[actix_web::test]
async fn what_a_wordpress_export_holds_beside_posts_is_counted_by_kind() {
    let site = Site::start().await;
    let path = case_path("33-wp-nothing-said-of-what-is-passed-over.xml");
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("report.json");
    let arguments =
        [path.as_str(), "--from", "wordpress", "--create-categories", "--report", to.to_str().unwrap()];
    let said = site.run_import(&arguments).await;
    assert_eq!(said.code, Some(0), "{}", said.all());
    let passed_over = read_report(to.to_str().unwrap())["passed_over"].clone();
    for kind in ["page", "news", "comment"] {
        assert_eq!((count_of(&said.out, kind), &passed_over[kind]), (Some(1), &json!(1)), "{}", said.out);
        assert!(said.out.lines().last().unwrap().contains(&format!("1 {kind}")), "{}", said.out);
    }
    // The same without its post.
    let text = fs::read_to_string(&path).unwrap().replace("[CDATA[post]]", "[CDATA[page]]");
    let pages = write_file(folder.path(), "pages.xml", text);
    let said = site.run_import(&[&pages, "--from", "wordpress"]).await;
    assert!(said.code == Some(1) && said.shown.contains("no article in it"), "{}", said.all());
    assert!(said.shown.contains("1 news and 2 pages were passed over"), "{}", said.shown);
    assert!(said.shown.contains("; --types news,page imports them"), "{}", said.shown);
}

#[actix_web::test]
async fn a_post_that_cannot_be_read_is_named_by_line_and_id_through_a_server_too() {
    let site = Site::start().await;
    let key = site.make_key(&["articles:import"]).await;
    let folder = tempfile::tempdir().unwrap();
    // The rows that fail are written beside the file.
    let path =
        write_file(folder.path(), "wp.xml", fs::read(case_path("42-wp-one-bad-ampersand.xml")).unwrap());
    let to = folder.path().join("report.json");
    let arguments = [path.as_str(), "--from", "wordpress", "--report", to.to_str().unwrap()];
    for (remote, created) in [(&["--url", &site.app.url, "--key", &key, "--dry-run"][..], 8), (&[], 8)] {
        let said = site.run_import(&[&arguments[..], remote].concat()).await;
        assert_eq!((said.code, count_of(&said.out, "created")), (Some(1), Some(created)), "{}", said.all());
        let row = said.out.lines().find(|line| line.contains("post 6")).unwrap();
        assert!(row.contains("line ") && row.contains("Q&A"), "{row}");
        assert!(!said.shown.contains("reached"), "{}", said.shown);
        let report = read_report(to.to_str().unwrap());
        let failed: Vec<_> =
            report["rows"].as_array().unwrap().iter().filter(|row| row["outcome"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{report}");
        assert_eq!(failed[0]["faults"][0]["code"], "unreadable_row");
        assert!(failed[0]["place"].as_str().unwrap().contains("post 6"), "{}", failed[0]);
    }
}
