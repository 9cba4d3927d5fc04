//! Saved pages with frames, films and plug-ins, and pages in archives: what is not in the article is named.

use std::fs;

use super::*;

/// A page whose article has these elements in it, with others after it.
fn page_of(inside: &str, after: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><meta charset=utf-8><title>秤的校准</title></head><body><h1>秤的校准</h1>
<div>2019-09-24 09:10 来源：某报</div><div class=content><p>第一段文字在这里，讲述了很多内容，足够长的一段文字。</p>{inside}
<p>第二段文字在这里，讲述了很多内容，足够长的一段文字。</p></div>{after}</body></html>"
    )
}

/// Imports one page. Returns its article and the warnings of its row: codes and details.
async fn import_page(name: &str, page: impl AsRef<[u8]>) -> (Value, Vec<(String, String)>) {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), name, page);
    let to = folder.path().join("report.json");
    let import = site.import(&["--from", "html", &path, "--report", to.to_str().unwrap()]).await;
    assert!(import.success, "{}", import.text);
    let report: Value = serde_json::from_slice(&fs::read(to).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let warnings = report["rows"][0]["warnings"].as_array().unwrap();
    let warnings =
        warnings.iter().map(|warning| (text(&warning["code"]), text(&warning["detail"]))).collect();
    (site.load_only_article().await, warnings)
}

/// The detail of the only warning with this code.
fn detail_of<'w>(warnings: &'w [(String, String)], code: &str) -> &'w str {
    let mut found = warnings.iter().filter(|(known, _)| known == code);
    let detail = &found.next().unwrap_or_else(|| panic!("no {code} in {warnings:?}")).1;
    assert!(found.next().is_none(), "{warnings:?}");
    detail
}

#[actix_web::test]
async fn plug_ins_of_a_page_become_links_and_are_told_with_their_addresses() {
    let inside = "<embed src='http://player.example/x.swf'><object><param name=Movie value='https://player.example/y.swf'>
        <embed src='https://player.example/y.swf'></object><object data='/files/r.pdf'><p>请下载报告</p></object>";
    let (article, warnings) = import_page("a.html", page_of(inside, "")).await;
    let body = article["body"].as_str().unwrap();
    for address in ["http://player.example/x.swf", "https://player.example/y.swf", "/files/r.pdf"] {
        assert_eq!(body.matches(&format!("<a href=\"{address}\"")).count(), 1, "{body}");
        assert!(detail_of(&warnings, "media_linked").contains(address), "{warnings:?}");
    }
    assert!(body.contains("请下载报告"), "{body}");
}

#[actix_web::test]
async fn media_that_wait_for_a_script_get_their_addresses_and_those_without_are_told() {
    let inside = "<video data-src='https://media.example/a.mp4'></video><audio><source data-src='https://media.example/a.mp3'></audio>
        <iframe data-original='https://player.example/f' title='现场' width=500></iframe>
        <video src='blob:https://e.org/1'>看不了视频</video><video></video>";
    let (article, warnings) = import_page("a.html", page_of(inside, "")).await;
    let body = article["body"].as_str().unwrap();
    for part in ["src=\"https://media.example/a.mp4\"", "src=\"https://media.example/a.mp3\"", "看不了视频"]
    {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(body.contains("href=\"https://player.example/f\"") && body.contains("现场</a>"), "{body}");
    assert_eq!(body.matches("<video").count(), 1, "{body}");
    let detail = detail_of(&warnings, "media_without_address");
    assert!(detail.contains("2 media") && detail.contains("blob:https://e.org/1"), "{detail}");
}

#[actix_web::test]
async fn a_frame_beside_the_article_is_told_and_one_of_the_footer_is_not() {
    let after = "<ul><li><a href=/x>别的</a><video src='https://media.example/after.mp4'></video></li></ul>
        <div class=footer>版权所有<iframe src='https://ad.example/'></iframe></div>";
    let (article, warnings) = import_page("a.html", page_of("", after)).await;
    assert!(!article["body"].as_str().unwrap().contains("after.mp4"));
    let detail = detail_of(&warnings, "page_media_left_out");
    assert!(detail.contains("https://media.example/after.mp4") && !detail.contains("ad.example"), "{detail}");
}

#[actix_web::test]
async fn text_that_browsers_show_in_other_ways_is_in_the_article_or_told() {
    let hidden = [
        "藏在表单里的一段正文，由程序显示出来，不可丢失。",
        "这一段话只给不运行程序的人看，也是正文。",
        "框架自己的一段文字，没有地址，也要说明。",
    ];
    let inside = format!(
        "<xmp>make <b>check</b></xmp><figure><img src='https://e.org/1.jpg'><figcaption>图一</figcaption></figure>
        <table><caption>表一</caption><tr><td>甲</td><td>10</td></tr><tfoot><tr><td>合计</td></tr></tfoot></table>
        <dl><dt>计量</dt><dd>统一</dd></dl><details><summary>展开</summary>短字</details>
        <textarea>{}</textarea><noscript>{}</noscript><iframe srcdoc='{}'></iframe>
        <ol><li id=n1>注一 <a href='#r1'>↩</a></li></ol>",
        hidden[0], hidden[1], hidden[2]
    );
    let (article, warnings) =
        import_page("a.html", page_of(&inside, "<div class=footnotes><p>[1] 脚注</p></div>")).await;
    let body = article["body"].as_str().unwrap();
    for part in [
        "<pre>make &lt;b&gt;check&lt;/b&gt;</pre>",
        "图一",
        "表一",
        "合计",
        "<dt>计量",
        "展开",
        "短字",
        "注一",
        "[1] 脚注",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    let detail = detail_of(&warnings, "page_text_left_out");
    assert!(detail.contains("这一段话") || detail.contains("藏在表单里"), "{detail}");
    assert!(detail.contains("and 2 more"), "{detail}");
}

/// An archive of a page in GBK with an image, as Internet Explorer saves it.
fn archive() -> Vec<u8> {
    let page = page_of("<p><img src='cid:i1'><a href='c.html'>另见</a></p>", "")
        .replace("charset=utf-8", "charset=gb2312");
    let (bytes, _, _) = encoding_rs::GBK.encode(&page);
    let lines: Vec<String> = bytes
        .chunks(20)
        .map(|line| line.iter().map(|byte| format!("={byte:02X}")).collect::<String>())
        .collect();
    let page = lines.join("=\r\n");
    format!(
        "From: <Saved>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\ttype=\"text/html\";\r\n\tboundary=\"--=_N\"\r\n\r\n\
        A message.\r\n\r\n----=_N\r\nContent-Type: text/html;\r\n\tcharset=\"gb2312\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\
        Content-Location: http://news.example.org/2019/a.html\r\n\r\n{page}\r\n----=_N\r\nContent-Type: image/png\r\n\
        Content-ID: <i1>\r\nContent-Transfer-Encoding: base64\r\nContent-Location: http://news.example.org/i.png\r\n\r\n\
        iVBORw==\r\n----=_N--\r\n"
    )
    .into_bytes()
}

#[actix_web::test]
async fn the_page_in_an_archive_is_imported_with_its_address() {
    for name in ["a.mht", "b.MHTML"] {
        let (article, warnings) = import_page(name, archive()).await;
        assert_eq!(article["title"], "秤的校准");
        assert_eq!(article["external_id"], "page:http://news.example.org/2019/a.html");
        assert_eq!(article["source_url"], "http://news.example.org/2019/a.html");
        let body = article["body"].as_str().unwrap();
        assert!(body.contains("src=\"http://news.example.org/i.png\""), "{body}");
        assert!(body.contains("href=\"http://news.example.org/2019/c.html\""), "{body}");
        let detail = detail_of(&warnings, "archived_images");
        assert!(detail.contains("1 images") && detail.contains("http://news.example.org/i.png"), "{detail}");
    }
}

#[actix_web::test]
async fn archives_of_a_folder_are_read_and_a_broken_one_fails_alone() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    write_file(folder.path(), "a.mht", archive());
    write_file(folder.path(), "cut.mht", &archive()[..600]);
    write_file(folder.path(), "none.mht", "no archive");
    let import = site.import(&["--from", "html", folder.path().to_str().unwrap()]).await;
    assert!(import.text.contains("1 created") && import.text.contains("2 failed"), "{}", import.text);
    assert!(
        import.text.contains("holds no page") && import.text.contains("ends in the middle"),
        "{}",
        import.text
    );
}

#[actix_web::test]
async fn a_folder_of_the_same_name_with_other_articles_is_told() {
    let site = Site::start().await;
    let import = async |title: &str, more: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let news = folder.path().join("news");
        fs::create_dir(&news).unwrap();
        write_file(&news, "1.html", page_of("", "").replace("秤的校准", title));
        site.import(&[&["--from", "html", news.to_str().unwrap()], more].concat()).await
    };
    assert!(import("秤的校准", &[]).await.success);
    let again = import("秤的校准", &[]).await;
    assert!(again.text.contains("1 unchanged") && !again.text.contains("--id-prefix"), "{}", again.text);
    for more in [&["--dry-run"][..], &[]] {
        let other = import("尺的校准", more).await;
        let text = &other.text;
        assert!(
            text.contains("title_replaced") && text.contains("秤的校准") && text.contains("--id-prefix"),
            "{text}"
        );
    }
    let apart = import("钟的校准", &["--id-prefix", "other"]).await;
    assert!(apart.text.contains("1 created") && !apart.text.contains("title_replaced"), "{}", apart.text);
}

#[actix_web::test]
async fn posts_of_forums_have_the_dates_of_their_first_lines() {
    let lines = [
        "<div class=pi><em>发表于 2019-9-24 09:10</em> | <a href=x>只看该作者</a></div>",
        "<div class=pi><a href=u>张三</a> <em>发表于 <span title='2019-9-24 09:10:00'>3 天前</span></em></div>",
        "<div>发表于 2019-9-24 09:10 <a href=x>显示全部楼层</a></div>",
        "<div>发帖时间：2019-09-24 09:10</div>",
        "<div><span>1楼</span> <span>2019-09-24 09:10</span></div>",
        "<div>注册时间 2008-1-2</div><div>發表於 2019-9-24 09:10 | 倒序</div>",
    ];
    for line in lines {
        for (before, inside) in [(line, ""), ("", line)] {
            let page = page_of("", "").replace("<div>2019-09-24 09:10 来源：某报</div>", before);
            let page = page.replace("<div class=content>", &format!("<div class=content>{inside}"));
            let (article, _) = import_page("a.html", page).await;
            let row = (article["published_at"].as_str(), article["status"].as_str());
            // Without a date, the page would be a draft with a warning.
            assert_eq!(row.0, Some("2019-09-24T01:10:00Z"), "{line} {article}");
        }
    }
}
