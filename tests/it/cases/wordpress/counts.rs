//! What is stored of generated exports, compared with what a script counts in them that shares nothing with the
//! reader.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::Command;

use super::*;

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn words(&mut self) -> String {
        const WORDS: [&str; 9] = [
            "质量提升",
            "weights",
            "&amp; scales",
            "<b>抽查</b>",
            "合格率",
            "10 &lt; 11",
            "，",
            "。",
            "<em>a</em> b",
        ];
        (0..=self.roll(8)).map(|_| WORDS[self.roll(WORDS.len())]).collect::<Vec<_>>().join(" ")
    }

    fn classic_part(&mut self) -> String {
        let (a, b) = (self.words(), self.words());
        match self.roll(8) {
            0 => format!("{a}\n{b}"),
            1 => format!("<pre>{a}\n\n  {b}\n</pre>"),
            2 => format!("<ul>\n<li>{a}</li>\n\n<li>{b}\n{a}</li>\n</ul>"),
            3 => format!("<table>\n\n<tr><td>{a}</td>\n<td>{b}\n\n{a}</td></tr>\n</table>"),
            4 => format!("<h2>{a}</h2>\n{b}"),
            5 => format!(
                "[caption width=\"3\"]<img src=\"https://i.example/{}.png\" /> {a}[/caption]",
                self.roll(99)
            ),
            6 => format!("<img src=\"/uploads/{}.jpg\" alt=\"{}\" /> {a}", self.roll(99), self.roll(9)),
            _ => a,
        }
    }

    fn block_part(&mut self) -> String {
        let (a, b) = (self.words(), self.words());
        match self.roll(3) {
            0 => format!("<!-- wp:list --><ul>\n<li>{a}</li><li>{b}</li></ul><!-- /wp:list -->"),
            1 => format!(
                "<!-- wp:image {{\"id\":9}} --><figure class=\"wp-block-image\"><img src=\"https://i.example/9.png\"/>\
                          <figcaption>{a}</figcaption></figure><!-- /wp:image -->"
            ),
            _ => format!("<!-- wp:paragraph -->\n<p>{a}\n{b}</p>\n<!-- /wp:paragraph -->"),
        }
    }

    fn content(&mut self) -> String {
        let is_blocks = self.roll(3) == 0;
        let gap = if self.roll(9) == 0 { "\r\n\r\n" } else { "\n\n" };
        let mut part = || if is_blocks { self.block_part() } else { self.classic_part() };
        let parts: Vec<_> = (0..6).map(|_| part()).collect();
        parts.join(gap)
    }

    fn export(&mut self, posts: u32) -> String {
        let mut items = String::new();
        for id in 1..=posts {
            let kind = ["post", "post", "post", "page", "attachment"][self.roll(5)];
            let status = if self.roll(9) == 0 { "trash" } else { "publish" };
            let content = self.content();
            let (day, second) = (self.roll(28) + 1, self.roll(60));
            write!(
                items,
                "<item><title>题 {id}</title><link>https://news.example.org/?p={id}</link><wp:post_id>{id}</wp:post_id>\
                 <wp:post_date_gmt>2020-03-{day:02} 00:30:{second:02}</wp:post_date_gmt><wp:status>{status}</wp:status>\
                 <wp:post_type>{kind}</wp:post_type><content:encoded><![CDATA[{content}]]></content:encoded>"
            )
            .unwrap();
            for term in 0..self.roll(5) {
                let domain = ["category", "post_tag"][self.roll(2)];
                write!(items, "<category domain=\"{domain}\" nicename=\"{domain}-{term}\"><![CDATA[{domain} {term}]]></category>").unwrap();
            }
            items += &"<wp:comment><wp:comment_id>1</wp:comment_id></wp:comment>".repeat(self.roll(3));
            items += "</item>\n";
        }
        items
    }
}

/// What is in the file, by the script. `None` on a machine without Python.
fn count_independently(path: &str) -> Option<Value> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases/wordpress/count_wxr.py");
    let output = Command::new("python3").arg(script).arg(path).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The characters of the text of stored HTML, without white space.
fn count_characters(html: &str) -> usize {
    let mut text = String::new();
    let mut pieces = html.split('<');
    text += pieces.next().unwrap();
    text.extend(pieces.map(|piece| piece.split_once('>').unwrap().1));
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&nbsp;", "");
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// The paragraphs that are in no cell and in no item.
fn count_paragraphs(html: &str) -> usize {
    let mut outside = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once("<td>") {
        outside += before;
        rest = after.split_once("</td>").unwrap().1;
    }
    (outside + rest).matches("<p>").count()
}

#[actix_web::test]
async fn an_independent_count_equals_what_is_stored() {
    for seed in 1..=3 {
        let site = Site::start().await;
        let text = wrap_items("", &Dice(seed).export(60));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export.xml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let Some(counted) = count_independently(path) else { return };
        let import = site.import(&["--from", "wordpress", path, "--create-categories"]).await;
        assert!(import.success, "{}", import.text);
        let articles = site.load_articles().await;
        let posts = counted["posts"].as_object().unwrap();
        assert_eq!(articles.len(), posts.len());
        for article in &articles {
            let post = &posts[article["external_id"].as_str().unwrap().rsplit(':').next().unwrap()];
            let body = body_of(article);
            let mut terms: BTreeSet<_> = article["tags"]
                .as_array()
                .unwrap()
                .iter()
                .map(|tag| tag.as_str().unwrap().to_owned())
                .collect();
            terms.extend(Some(category_path(article)).filter(|path| !path.is_empty()));
            let stored = serde_json::json!({
                "date": article["published_at"], "terms": terms, "images": body.matches("<img ").count(),
                "paragraphs": count_paragraphs(body), "characters": count_characters(body),
            });
            assert_eq!(&stored, post, "seed {seed}: {article}");
        }
    }
}
