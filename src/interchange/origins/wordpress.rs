//! WordPress exports: WXR 1.0 to 1.2, an extension of RSS with posts, terms and authors.
//!
//! WordPress writes these elements in `wp-admin/includes/export.php`. They are matched by
//! their full names, prefix included.

mod post;
mod wxr;

use std::io::BufRead;

use super::found::Sink;
use super::reader_options::ReaderOptions;
use post::SiteTerms;
use wxr::RecordReader;

/// Reads `input` and calls `each` with every post, in the file's order, until `each` breaks.
///
/// Skips posts in the trash, pages, attachments and other types. Holds one item in memory
/// at a time, of at most 16 MiB.
///
/// # Errors
///
/// The file is not XML in UTF-8, is not RSS, declares a document type, or has an item that is
/// too large.
pub fn read_export(input: impl BufRead, options: &ReaderOptions, each: &mut Sink) -> Result<(), String> {
    let mut reader = RecordReader::new(input);
    let mut terms = SiteTerms::default();
    while let Some(record) = reader.next_record()? {
        if record.name != "item" {
            terms.add_record(&record);
        } else if each(post::convert_item(&record, &terms, options)).is_break() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::wxr::MAX_ITEM_BYTES;
    use super::*;
    use crate::interchange::origins::row_builder::RowResult;
    use crate::interchange::origins::tests::{options, to_result};

    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Metrology &amp; news</title>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:author><wp:author_login><![CDATA[lin]]></wp:author_login><wp:author_display_name><![CDATA[林记者]]></wp:author_display_name></wp:author>
<wp:category><wp:category_nicename>news</wp:category_nicename><wp:category_parent></wp:category_parent><wp:cat_name><![CDATA[新闻]]></wp:cat_name></wp:category>
<wp:category><wp:category_nicename>%e5%9c%b0</wp:category_nicename><wp:category_parent>news</wp:category_parent><wp:cat_name><![CDATA[地方 &amp; 行业]]></wp:cat_name></wp:category>"#;

    fn read_all(items: &str) -> (Vec<RowResult>, Result<(), String>) {
        let mut found = Vec::new();
        let file = format!("{HEAD}{items}</channel></rss>");
        let end = read_export(file.as_bytes(), &options(), &mut |article| {
            found.extend(to_result(article));
            ControlFlow::Continue(())
        });
        (found, end)
    }

    fn post(fields: &str) -> String {
        format!("<item><wp:post_id>7</wp:post_id><wp:post_type>post</wp:post_type>{fields}</item>")
    }

    fn row(fields: &str) -> serde_json::Value {
        let (mut found, end) = read_all(&post(fields));
        assert_eq!(end, Ok(()));
        found.remove(0).unwrap().row.into()
    }

    #[test]
    fn a_post_becomes_a_row_with_all_its_fields() {
        let row = row(r#"<title>Weights &amp;amp; scales</title><link>https://example.org/?p=7</link>
            <dc:creator>lin</dc:creator><pubDate>Mon, 02 Mar 2020 01:00:00 +0000</pubDate>
            <excerpt:encoded><![CDATA[<b>Short</b> words]]></excerpt:encoded>
            <content:encoded><![CDATA[one
two

<h2>A]]]]><![CDATA[>B</h2>

three]]></content:encoded>
            <wp:post_date_gmt>2020-03-02 00:30:00</wp:post_date_gmt><wp:post_name>weights</wp:post_name>
            <wp:status>future</wp:status><category domain="category" nicename="news">新闻</category>
            <category domain="category" nicename="%e5%9c%b0"><![CDATA[地方 &amp; 行业]]></category>
            <category domain="category" nicename="other">其他</category>
            <category domain="post_tag" nicename="a"><![CDATA[计量,校准]]></category>
            <wp:postmeta><wp:meta_key>title</wp:meta_key></wp:postmeta>"#);
        let expected = serde_json::json!({
            "external_id": "wordpress:7", "title": "Weights & scales", "slug": "weights",
            "summary": "Short words", "body": "<p>one<br>\ntwo</p>\n<h2>A]]>B</h2>\n<p>three</p>\n",
            "body_format": "html",
            "category": [{ "name": "新闻", "slug": "news" }, { "name": "地方 & 行业" }],
            "tags": ["计量 校准", "其他"], "author": "林记者", "source_url": "https://example.org/?p=7",
            "status": "published", "published_at": "2020-03-02T00:30:00Z", "created_at": "2020-03-02T00:30:00Z",
        });
        assert_eq!(row, expected);
    }

    #[test]
    fn unpublished_posts_are_drafts() {
        for (fields, status) in [
            ("<wp:status>publish</wp:status>", "published"),
            ("<wp:status>private</wp:status>", "draft"),
            ("<wp:status>auto-draft</wp:status>", "draft"),
            ("<wp:status>publish</wp:status><wp:post_password>x</wp:post_password>", "draft"),
        ] {
            assert_eq!(row(fields)["status"], status, "{fields}");
        }
        let draft = row(
            "<wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt><wp:post_date>2020-03-02 08:00:00</wp:post_date>",
        );
        assert_eq!(draft["created_at"], "2020-03-02T00:00:00Z");
        assert_eq!(draft.get("published_at"), None);
    }

    #[test]
    fn bodies_with_paragraphs_or_blocks_are_kept() {
        for body in ["<p>a</p>\n\nb", "<!-- wp:list -->\n\n<ul></ul>"] {
            assert_eq!(row(&format!("<content:encoded><![CDATA[{body}]]></content:encoded>"))["body"], body);
        }
    }

    #[test]
    fn other_types_are_skipped_and_a_bad_post_stops_no_other() {
        let items = "<item><wp:post_id>1</wp:post_id><wp:post_type>page</wp:post_type></item><item/>"
            .to_owned()
            + &post("<wp:status>trash</wp:status>")
            + &post("<title>&nbsp;</title>")
            + "<item><title>x</title></item>"
            + &post("");
        let (found, end) = read_all(&items);
        assert_eq!(end, Ok(()));
        assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_file_that_is_not_an_export_is_refused() {
        let read = |file: &str| read_export(file.as_bytes(), &options(), &mut |_| ControlFlow::Continue(()));
        assert!(read("").unwrap_err().contains("no element"));
        assert!(read("<html></html>").unwrap_err().contains("not RSS"));
        assert!(read("<rss><channel>").unwrap_err().contains("ends in the middle"));
        let bomb = "<!DOCTYPE rss [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><rss></rss>";
        assert!(read(bomb).unwrap_err().contains("document type"));
        assert!(read("<rss><a></b></rss>").is_err());
    }

    #[test]
    fn an_item_that_is_too_large_ends_the_reading() {
        let large =
            format!("<content:encoded><![CDATA[{}]]></content:encoded>", "长文".repeat(MAX_ITEM_BYTES / 6));
        let (found, end) = read_all(&(post("") + &post(&large)));
        assert_eq!(found.len(), 1);
        assert!(end.unwrap_err().contains("16 MiB"));
        let many = post(&format!("<title>{}</title>", "x".repeat(1 << 20))).repeat(20);
        assert_eq!(read_all(&many).1, Ok(()));
    }

    #[test]
    fn reading_stops_when_the_callback_breaks() {
        let file = format!("{HEAD}{}", post("").repeat(3));
        let mut count = 0;
        let end = read_export(file.as_bytes(), &options(), &mut |_| {
            count += 1;
            ControlFlow::Break(())
        });
        assert_eq!((end, count), (Ok(()), 1));
    }
}
