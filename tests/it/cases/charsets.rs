//! Files in other character sets: what a file says of itself, what its bytes look like, what cannot be decoded.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};
use serde_json::json;

use super::*;

const CHINESE: &str = "省计量院发布新规程，要求各地在年底之前完成衡器的全面核查。";
const TRADITIONAL: &str = "省計量院發佈新規程，要求各地在年底之前完成衡器的全面核查。";
const JAPANESE: &str = "県の計量検定所は本日、新しい検定規程を発表しました。";
const KOREAN: &str = "도 계량원은 오늘 새로운 검정 규정을 발표하였다.";
const RUSSIAN: &str = "Институт метрологии опубликовал новые правила поверки весов.";
const FRENCH: &str = "L'institut a publié de nouvelles règles après une étude menée à Besançon.";

/// A file of this text in a character set, in a folder of its own.
fn write_encoded(folder: &Path, name: &str, encoding: &'static Encoding, text: &str) -> String {
    write_file(folder, name, &encoding.encode(text).0)
}

fn page(head: &str, title: &str, text: &str) -> String {
    let paragraphs = format!("<p>{text}{text}{text}</p>").repeat(4);
    format!(
        "<!DOCTYPE html><html><head>{head}<title>{title}</title></head><body><h1>{title}</h1><div>{paragraphs}</div></body></html>"
    )
}

fn wxr(declaration: &str, posts: &[(&str, &str)]) -> String {
    let head = r#"<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>T</title><link>https://news.example.org</link><wp:wxr_version>1.2</wp:wxr_version>"#;
    let posts = posts.iter().enumerate().map(|(at, (title, body))| {
        format!("\n<item><title>{title}</title><wp:post_id>{}</wp:post_id><wp:post_type>post</wp:post_type><wp:post_name>p{at}</wp:post_name><wp:post_date_gmt>2020-01-02 03:04:05</wp:post_date_gmt><wp:status>publish</wp:status><content:encoded><![CDATA[<p>{body}</p>]]></content:encoded></item>", at + 1)
    });
    format!("{declaration}{head}{}\n</channel></rss>", posts.collect::<String>())
}

/// The titles of all articles, in the order of their external ids.
async fn titles(site: &Site) -> Vec<String> {
    let articles = site.load_articles().await;
    articles.iter().map(|article| article["title"].as_str().unwrap().to_owned()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// Runs `inkstone import` with these bytes as standard input.
async fn import_input(site: &Site, arguments: &[&str], input: Vec<u8>) -> Import {
    let mut command = inkstone(&[&["import"], arguments].concat());
    command.env("DATABASE_URL", &site.app.db.url);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = actix_web::web::block(move || {
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&input).unwrap();
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    Import { success: output.status.success(), text: String::from_utf8(text).unwrap() }
}

#[actix_web::test]
async fn a_page_is_in_the_character_set_that_it_declares() {
    for (case, title) in [
        ("01-gbk-page-short-nav-line.html", "省计量院发布新规程"),
        ("05-big5-page.html", "省計量院發佈新規程"),
        ("06-sjis-page.html", "計量の新しい規程を発表しました"),
    ] {
        let site = Site::start().await;
        let import = site.import(&["--from", "html", &case_path(case), "--status", "published"]).await;
        assert!(import.success, "{}", import.text);
        let article = site.load_only_article().await;
        assert_eq!(article["title"].as_str().unwrap().split('_').next(), Some(title));
        assert!(!article["body"].as_str().unwrap().contains('\u{fffd}'), "{article}");
    }
}

#[actix_web::test]
async fn the_character_set_of_the_command_line_is_obeyed_for_pages() {
    let site = Site::start().await;
    let path = case_path("02-gbk-page-encoding-flag.html");
    let import = site.import(&["--from", "html", &path, "--encoding", "gbk"]).await;
    assert!(import.success, "{}", import.text);
    assert!(site.load_only_article().await["body"].as_str().unwrap().contains("农贸市场"));
    // Also against what the page declares: then it is no text at all, and fails.
    let folder = tempfile::tempdir().unwrap();
    let failed = folder.path().join("failed.ndjson");
    let flags = ["--from", "html", "--encoding", "euc-kr", "--errors", failed.to_str().unwrap()];
    let import = site.import(&[&[path.as_str()], &flags[..]].concat()).await;
    assert!(!import.success, "{}", import.text);
    assert!(std::fs::read_to_string(failed).unwrap().contains("cannot be decoded"));
    assert_eq!(site.load_articles().await.len(), 1);
}

#[actix_web::test]
async fn rows_in_big5_are_found_out_and_told() {
    let site = Site::start().await;
    let import = site.import(&[&case_path("65-csv-big5.csv")]).await;
    assert!(import.success && import.text.contains("read as Big5"), "{}", import.text);
    assert_eq!(titles(&site).await, ["省計量院發佈新規程", "全省抽查結果公佈"]);
}

#[actix_web::test]
async fn compressed_files_and_standard_input_are_read_with_from() {
    let xml = std::fs::read(case_path("59-gzip-and-stdin-with-from.xml")).unwrap();
    let path = case_path("59-gzip-and-stdin-with-from.xml.gz");
    let site = Site::start().await;
    let import = site.import(&["--from", "wordpress", &path]).await;
    assert!(import.success && import.text.contains("1 created"), "{}", import.text);
    for input in [xml.clone(), gzip(&xml), zstd::encode_all(xml.as_slice(), 1).unwrap()] {
        let import = import_input(&site, &["--from", "wordpress", "-"], input).await;
        assert!(import.success && import.text.contains("1 unchanged"), "{}", import.text);
    }
    assert_eq!(site.load_only_article().await["title"], "标题");
}

#[actix_web::test]
async fn a_file_with_a_byte_order_mark_is_read_whatever_it_is() {
    let site = Site::start().await;
    let import = site.import(&["--from", "ghost", &case_path("52-ghost-bom.json")]).await;
    assert!(import.success && import.text.contains("1 created"), "{}", import.text);
    let folder = tempfile::tempdir().unwrap();
    let wide = |text: &str| {
        let text = format!("\u{feff}{text}");
        text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()
    };
    let row = format!("{{\"external_id\": \"a\", \"title\": \"{CHINESE}\"}}");
    let csv = format!("external_id,title\nb,{CHINESE}\n");
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>";
    for (name, bytes, flags) in [
        ("a.ndjson", wide(&row), vec![]),
        ("twice.ndjson", ["\u{feff}\u{feff}", &row, "\n\u{feff}", &row].concat().into_bytes(), vec![]),
        ("a.json", wide(&format!("[{row}]")), vec![]),
        ("a.csv", wide(&csv), vec![]),
        ("unmarked.csv", wide(&csv)[2..].to_vec(), vec![]),
        ("a.xml", wide(&wxr(declaration, &[(CHINESE, "x")])), vec!["--from", "wordpress"]),
        ("a.html", wide(&page("<meta charset=gbk>", CHINESE, CHINESE)), vec!["--from", "html"]),
        ("a.txt", wide(&format!("{CHINESE}\n\n{CHINESE}\n")), vec!["--from", "html"]),
    ] {
        let site = Site::start().await;
        let path = write_file(folder.path(), name, &bytes);
        let import = site.import(&[&[path.as_str()], flags.as_slice()].concat()).await;
        assert!(import.success, "{name} {}", import.text);
        assert_eq!(site.load_only_article().await["title"], CHINESE, "{name}");
    }
}

#[actix_web::test]
async fn rows_are_found_out_in_ten_character_sets_also_beside_lines_that_are_valid_by_chance() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start().await;
    let sets: [(&'static Encoding, &str); 9] = [
        (encoding_rs::UTF_8, CHINESE),
        (GB18030, CHINESE),
        (BIG5, TRADITIONAL),
        (SHIFT_JIS, JAPANESE),
        (EUC_JP, JAPANESE),
        (encoding_rs::ISO_2022_JP, JAPANESE),
        (EUC_KR, KOREAN),
        (WINDOWS_1251, RUSSIAN),
        (WINDOWS_1252, FRENCH),
    ];
    for (at, (encoding, text)) in sets.into_iter().enumerate() {
        let ascii = "{\"external_id\": \"plain\", \"title\": \"plain\"}\n";
        let row = format!("{{\"external_id\": \"{at}\", \"title\": \"{text}\"}}\n");
        let chance = "{\"external_id\": \"chance\", \"title\": \"通知\"}\n{\"external_id\": \"chance2\", \"title\": \"图片\"}\n";
        let chance = if encoding == GB18030 { chance } else { "" };
        let path = write_encoded(folder.path(), "rows.ndjson", encoding, &[ascii, chance, &row].concat());
        let import = site.import(&[&path]).await;
        assert!(import.success, "{} {}", encoding.name(), import.text);
        let articles = site.load_articles().await;
        let found = articles.iter().find(|article| article["external_id"] == json!(at.to_string())).unwrap();
        assert_eq!(found["title"], text, "{}", encoding.name());
    }
    let articles = site.load_articles().await;
    assert_eq!(articles.iter().find(|article| article["external_id"] == "chance").unwrap()["title"], "通知");
}

#[actix_web::test]
async fn what_a_file_declares_is_found_in_any_form_and_far_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let far = format!(
        "<style>{}</style><META http-equiv=Content-Type content='text/html;CHARSET=GB2312'>",
        "a{}\n".repeat(30_000)
    );
    let comment = "<!-- <meta charset=utf-8> --><meta http-equiv=\"content-type\" content=\"text/html; charset=gb2312\">";
    for head in [far.as_str(), comment, "<meta name=x content=y><meta CHARSET='x-gbk'/>"] {
        let site = Site::start().await;
        let path = write_encoded(folder.path(), "a.html", GB18030, &page(head, "通知", "图片通知"));
        let import = site.import(&["--from", "html", &path]).await;
        assert!(import.success, "{}", import.text);
        assert_eq!(site.load_only_article().await["title"], "通知");
    }
    let site = Site::start().await;
    let export = wxr("<?xml version='1.0' encoding='EUC-KR'?>", &[("계량", "계량")]);
    let import =
        site.import(&["--from", "wordpress", &write_encoded(folder.path(), "a.xml", EUC_KR, &export)]).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(site.load_only_article().await["title"], "계량");
}

#[actix_web::test]
async fn a_declared_character_set_that_the_bytes_contradict_destroys_no_text_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (declared, encoding, text) in [
        ("utf-8", GB18030, CHINESE),
        ("gb2312", encoding_rs::UTF_8, CHINESE),
        ("iso-8859-1", GB18030, CHINESE),
        ("big5", encoding_rs::UTF_8, TRADITIONAL),
        ("utf-8", BIG5, TRADITIONAL),
        ("klingon", SHIFT_JIS, JAPANESE),
    ] {
        let site = Site::start().await;
        let head = format!("<meta charset=\"{declared}\">");
        let path = write_encoded(folder.path(), "a.html", encoding, &page(&head, text, text));
        let import = site.import(&["--from", "html", &path]).await;
        assert!(import.success, "{declared} {}", import.text);
        assert_eq!(site.load_only_article().await["title"], text, "{declared}");
        let declaration = format!("<?xml version=\"1.0\" encoding=\"{declared}\"?>");
        let path = write_encoded(folder.path(), "a.xml", encoding, &wxr(&declaration, &[(text, text)]));
        let site = Site::start().await;
        let import = site.import(&["--from", "wordpress", &path]).await;
        assert!(import.success && import.text.contains(declared), "{declared} {}", import.text);
        assert_eq!(site.load_only_article().await["title"], text, "{declared}");
    }
}

#[actix_web::test]
async fn an_undecodable_byte_fails_its_row_and_is_told_with_its_offset() {
    let folder = tempfile::tempdir().unwrap();
    let rows = format!("external_id,title,body\na,{CHINESE},一\nb,{CHINESE}坏,二\nc,{CHINESE},三\n");
    for encoding in [encoding_rs::UTF_8, GB18030] {
        let bad = encoding.encode("坏").0.into_owned();
        let mut bytes = encoding.encode(&rows).0.into_owned();
        let at = bytes.windows(bad.len()).position(|bytes| bytes == bad).unwrap();
        bytes.splice(at..at + bad.len(), [0xff]);
        let path = write_file(folder.path(), "a.csv", &bytes);
        let site = Site::start().await;
        let import = site.import(&[&path]).await;
        assert!(!import.success && import.text.contains("2 created"), "{}", import.text);
        let failed = std::fs::read_to_string(format!("{path}.failed.ndjson")).unwrap();
        assert!(
            failed.contains(&format!(
                "/title has 1 characters that cannot be decoded, the first at byte {at};"
            )),
            "{failed}"
        );
        assert!(failed.contains("encoding="), "{failed}");
        // The row that failed does so again, until it is corrected.
        let again = site.import(&[&format!("{path}.failed.ndjson")]).await;
        assert!(!again.success && again.text.contains("1 failed"), "{}", again.text);
        let import = site.import(&[&path, "--encoding-errors=replace"]).await;
        assert!(import.success && import.text.contains("1 characters replaced"), "{}", import.text);
        assert!(import.text.contains(&format!("the first at byte {at}")), "{}", import.text);
        assert_eq!(titles(&site).await[1], format!("{CHINESE}\u{fffd}"));
        assert!(site.import(&[&path, "--encoding-errors=replace"]).await.text.contains("3 unchanged"));
    }
}

#[actix_web::test]
async fn an_undecodable_byte_of_a_foreign_file_fails_its_article_only() {
    let folder = tempfile::tempdir().unwrap();
    let posts = [("第一篇", CHINESE), ("第二篇", "坏"), ("第三篇", CHINESE)];
    let export = wxr("<?xml version=\"1.0\" encoding=\"gbk\"?>", &posts);
    let mut bytes = GB18030.encode(&export).0.into_owned();
    let bad = GB18030.encode("坏").0.into_owned();
    let at = bytes.windows(2).position(|bytes| bytes == bad).unwrap();
    bytes[at] = 0xff;
    let site = Site::start().await;
    let path = write_file(folder.path(), "a.xml", &bytes);
    let import = site.import(&["--from", "wordpress", &path]).await;
    assert!(
        !import.success && import.text.contains("2 created") && import.text.contains("1 failed"),
        "{}",
        import.text
    );
    let failed = std::fs::read_to_string(format!("{path}.failed.ndjson")).unwrap();
    assert!(
        failed.contains(&format!("the first at byte {at};")) && failed.contains("--encoding-errors=replace"),
        "{failed}"
    );
    let import = site.import(&["--from", "wordpress", &path, "--encoding-errors", "replace"]).await;
    assert!(import.success && import.text.contains("1 created"), "{}", import.text);
    // A page alone.
    let text = page("<meta charset=gbk>", "坏消息", CHINESE);
    let mut bytes = GB18030.encode(&text).0.into_owned();
    let heading = bytes.windows(4).position(|bytes| bytes == b"<h1>").unwrap();
    bytes[heading + 4] = 0xff;
    let path = write_file(folder.path(), "a.html", &bytes);
    let import = site.import(&["--from", "html", &path]).await;
    let failed = std::fs::read_to_string(format!("{path}.failed.ndjson")).unwrap_or_default();
    assert!(!import.success || !failed.contains('\u{fffd}'), "{} {failed}", import.text);
}

#[actix_web::test]
async fn compressed_pages_are_read_alone_and_in_folders() {
    let folder = tempfile::tempdir().unwrap();
    let text = page("<meta charset=gbk>", CHINESE, CHINESE);
    let bytes = GB18030.encode(&text).0.into_owned();
    let path = write_file(folder.path(), "a.html.gz", gzip(&bytes));
    write_file(folder.path(), "b.htm.zst", zstd::encode_all(bytes.as_slice(), 1).unwrap());
    let site = Site::start().await;
    let import = site.import(&["--from", "html", folder.path().to_str().unwrap()]).await;
    assert!(import.success && import.text.contains("2 created"), "{}", import.text);
    let site = Site::start().await;
    for import in [
        site.import(&["--from", "html", &path]).await,
        import_input(&site, &["--from", "html", "-"], bytes.clone()).await,
    ] {
        assert!(import.success && import.text.contains("1 created"), "{}", import.text);
    }
    assert_eq!(titles(&site).await, [CHINESE, CHINESE]);
}

#[actix_web::test]
async fn a_compression_is_known_by_the_bytes_and_an_archive_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let csv = format!("external_id,title\na,{TRADITIONAL}\n");
    let bytes = BIG5.encode(&csv).0.into_owned();
    let site = Site::start().await;
    for (name, bytes) in [("a.csv", gzip(&bytes)), ("b.csv.gz", bytes.clone()), ("c.csv.gz", gzip(&bytes))] {
        let import = site.import(&[&write_file(folder.path(), name, &bytes)]).await;
        assert!(import.success, "{name} {}", import.text);
    }
    let import = import_input(&site, &["-", "--format", "csv"], gzip(&bytes)).await;
    assert!(import.success && import.text.contains("1 unchanged"), "{}", import.text);
    assert_eq!(site.load_only_article().await["title"], TRADITIONAL);
    let path = write_file(folder.path(), "a.xlsx", b"PK\x03\x04\x14\0\x06\0");
    let import = site.import(&[&path]).await;
    assert!(!import.success && import.text.contains("workbook"), "{}", import.text);
}

#[actix_web::test]
async fn a_character_set_that_is_unknown_is_answered_with_near_names() {
    let site = Site::start().await;
    let mut command = inkstone(&["import", "a.csv", "--encoding", "gbkk"]);
    command.env("DATABASE_URL", &site.app.db.url);
    let (code, _, shown) =
        actix_web::web::block(move || crate::harness::process::run(command)).await.unwrap();
    assert!(code == Some(2) && shown.contains("did you mean gbk"), "{code:?} {shown}");
}

#[actix_web::test]
async fn through_a_server_a_file_is_read_in_the_character_set_that_its_bytes_look_like() {
    let site = Site::start().await;
    let admin = site.app.db_member(Role::Admin).await;
    let key = json!({"name": "s", "scopes": ["articles:import"]});
    let key = admin.post("/api/v1/api-keys", key).await.data(201)["key"].as_str().unwrap().to_owned();
    let remote = ["--url", &site.app.url, "--key", &key];
    let import = site.import(&[&[case_path("65-csv-big5.csv").as_str()], &remote[..]].concat()).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(titles(&site).await[0], "省計量院發佈新規程");
}

#[actix_web::test]
async fn a_body_is_utf8_unless_the_request_names_another_character_set() {
    let site = Site::start().await;
    let row = format!("{{\"external_id\": \"a\", \"title\": \"{CHINESE}\"}}\n");
    let gbk = GB18030.encode(&row).0.into_owned();
    let send = async |query: &str, kind: &str, body: Vec<u8>| {
        let request = site.editor.request(reqwest::Method::POST, &format!("/api/v1/articles/import{query}"));
        request.labelled(kind, body).send().await.data(200)
    };
    let kind = "application/x-ndjson";
    let both = [gbk.as_slice(), b"{\"external_id\": \"b\", \"title\": \"plain\"}\n"].concat();
    let summary = send("", kind, both.clone()).await;
    assert_eq!((&summary["created"], &summary["failed"]), (&json!(1), &json!(1)), "{summary}");
    let error = &summary["errors"][0];
    assert_eq!((&error["code"], &error["line"]), (&json!("invalid_encoding"), &json!(1)));
    // The first two bytes of the title are UTF-8 by chance.
    assert_eq!(error["params"]["offset"], 33);
    assert!(error["detail"].as_str().unwrap().contains("encoding="), "{error}");
    let summary = send("", "application/x-ndjson; charset=\"GBK\"", gbk.clone()).await;
    assert_eq!(summary["created"], 1, "{summary}");
    assert_eq!(
        send("?encoding=gbk", "application/x-ndjson; charset=utf-8", gbk.clone()).await["unchanged"],
        1
    );
    let marked: Vec<u8> = format!("\u{feff}{row}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(send("", kind, marked).await["unchanged"], 1);
    let cut = b"{\"external_id\": \"c\", \"title\": \"a\xe8\xb4\"}".to_vec();
    let summary = send("?encoding_errors=replace", kind, cut).await;
    assert_eq!((&summary["created"], &summary["replaced_characters"]), (&json!(1), &json!(1)), "{summary}");
    assert_eq!(summary["warnings"][0]["code"], "characters_replaced");
    // U+FFFD and noncharacters of the text itself are no faults.
    let own =
        "{\"external_id\": \"d\", \"title\": \"a\u{fffd}b\", \"body\": \"\u{fdd0}\u{fdd1}\"}".to_owned();
    assert_eq!(send("", kind, own.into_bytes()).await["created"], 1);
    assert_eq!(titles(&site).await, [CHINESE, "plain", "a\u{fffd}", "a\u{fffd}b"]);
}

#[actix_web::test]
async fn a_mixture_of_character_sets_turns_no_text_into_another() {
    let folder = tempfile::tempdir().unwrap();
    let row = |id: &str| format!("{{\"external_id\": \"{id}\", \"title\": \"{CHINESE}\"}}\n");
    let bytes =
        [row("a").into_bytes(), GB18030.encode(&row("b")).0.into_owned(), row("c").into_bytes()].concat();
    let site = Site::start().await;
    let import = site.import(&[&write_file(folder.path(), "a.ndjson", &bytes)]).await;
    assert!(!import.success && import.text.contains("1 failed"), "{}", import.text);
    assert_eq!(titles(&site).await, [CHINESE, CHINESE]);
}
