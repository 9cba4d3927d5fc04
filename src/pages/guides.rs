//! The guides, which are the Markdown of `docs/guides`, and a page about each code of a problem.

use std::fmt::Write;
use std::sync::LazyLock;

use actix_web::{HttpResponse, get, web};

use super::{HTML, reply_page};
use crate::db::types::BodyFormat;
use crate::error::{Code, Error, PROBLEM_PAGES, Result};
use crate::language::Language;
use crate::markup::{Body, Sanitiser};

/// A guide: its name in addresses, and its Markdown.
type Guide = (&'static str, &'static str);

/// The guides, in the order of the list.
const GUIDES: &[Guide] = &[
    ("frontend", include_str!("../../docs/guides/frontend.md")),
    ("paging", include_str!("../../docs/guides/paging.md")),
    ("search", include_str!("../../docs/guides/search.md")),
    ("feeds", include_str!("../../docs/guides/feeds.md")),
    ("changes", include_str!("../../docs/guides/changes.md")),
    ("webhooks", include_str!("../../docs/guides/webhooks.md")),
    ("caching", include_str!("../../docs/guides/caching.md")),
    ("errors", include_str!("../../docs/guides/errors.md")),
    ("bodies", include_str!("../../docs/guides/bodies.md")),
    ("media", include_str!("../../docs/guides/media.md")),
    ("importing", include_str!("../../docs/guides/importing.md")),
    ("clients", include_str!("../../docs/guides/clients.md")),
    ("members", include_str!("../../docs/guides/members.md")),
];
/// What all pages have around their content.
const FRAME: &str = include_str!("frame.html");
/// The longest rendered guide, in characters.
const MAX_GUIDE_CHARS: usize = 200_000;

/// The pages of the guides, by name, rendered once.
static PAGES: LazyLock<Vec<(&'static str, String)>> =
    LazyLock::new(|| GUIDES.iter().map(|guide| (guide.0, render_guide(guide))).collect());

/// The list of the guides.
#[get("/docs/guides/")]
pub async fn get_guides() -> HttpResponse {
    let mut list = String::from("<h1>Guides</h1>\n<ul>");
    for (name, markdown) in GUIDES {
        let _ = write!(list, "<li><a href=\"{name}\">{}</a></li>", escape(title_of(markdown)));
    }
    list.push_str("</ul>\n<p>Every operation is in the <a href=\"/docs/\">reference</a>.</p>");
    reply_page(HTML, None, &frame("Guides", &list))
}

/// A guide.
#[get("/docs/guides/{name}")]
pub async fn get_guide(name: web::Path<String>) -> Result<HttpResponse> {
    let page = PAGES.iter().find(|(known, _)| *known == name.as_str()).ok_or_else(Error::not_found)?;
    Ok(reply_page(HTML, None, &page.1))
}

/// The page about a code, which `type` of a problem leads to.
#[get("/problems/{code}")]
pub async fn get_problem_page(code: web::Path<String>) -> Result<HttpResponse> {
    let code = Code::ALL.iter().find(|known| known.as_str() == code.as_str()).ok_or_else(Error::not_found)?;
    let reason = code.status().canonical_reason().unwrap_or_default();
    let kind = match code.is_warning() {
        true => "A warning: it stands in <code>warnings</code>, beside what was written.".to_owned(),
        false => format!("Status {}, {}.", code.status().as_u16(), escape(reason)),
    };
    let mut page = format!("<h1><code>{}</code></h1>\n<p>{kind}</p>\n", code.as_str());
    for language in Language::ALL {
        let (tag, title, meaning) = (language.tag(), code.title(language), code.meaning(language));
        let _ = write!(
            page,
            "<section lang=\"{tag}\"><h2>{}</h2>\n<p>{}</p></section>\n",
            escape(title),
            escape(meaning)
        );
    }
    page.push_str("<p><a href=\"/docs/guides/errors\">All codes, and what a client does about them</a></p>");
    Ok(reply_page(HTML, None, &frame(code.title(Language::English), &page)))
}

/// The HTML of a guide. That of errors ends with all codes.
fn render_guide((name, markdown): &Guide) -> String {
    let rendered =
        Body::render(&Sanitiser::new(&[]), (*markdown).to_owned(), BodyFormat::Markdown, MAX_GUIDE_CHARS);
    // A guide links to another as a file, so that the folder can be read without a server.
    let mut html = rendered.map(|body| body.html.replace(".md\"", "\"")).unwrap_or_default();
    if *name == "errors" {
        html.push_str(&list_codes());
    }
    frame(title_of(markdown), &html)
}

fn list_codes() -> String {
    let mut table =
        String::from("<table><thead><tr><th>code</th><th>status</th><th>meaning</th></tr></thead><tbody>");
    for code in Code::ALL {
        let name = code.as_str();
        let status = match code.is_warning() {
            true => "warning".to_owned(),
            false => code.status().as_u16().to_string(),
        };
        let meaning = escape(code.meaning(Language::English));
        let _ = write!(
            table,
            "<tr><td><a href=\"{PROBLEM_PAGES}/{name}\"><code>{name}</code></a></td><td>{status}</td><td>{meaning}</td></tr>"
        );
    }
    table + "</tbody></table>"
}

/// The first heading of a guide.
fn title_of(markdown: &str) -> &str {
    markdown.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default()
}

fn frame(title: &str, content: &str) -> String {
    FRAME.replace("{title}", &escape(title)).replace("{content}", content)
}

fn escape(text: &str) -> String {
    html_escape::encode_text(text).into_owned()
}
