//! Renders the bodies of articles and notices, before the transaction that stores them.

use serde_json::json;

use crate::app::App;
use crate::db::types::BodyFormat;
use crate::error::{Code, Fault, Result};
use crate::markup::changes::MarkupChanges;
use crate::markup::{Body, Refusal, Sanitiser};

/// Bodies up to this length are rendered at once, in less time than a hop to another thread and back takes.
const MAX_INLINE_BYTES: usize = 8 << 10;

/// Renders and sanitises a body. A long one is rendered on a thread that pauses often, behind a
/// permit, so that readers are served besides.
///
/// Fails as [`render`], and with 503 if there is no permit in time.
pub async fn render_off_thread(
    app: &App,
    source: String,
    format: BodyFormat,
    max_chars: usize,
) -> Result<Result<Body, Fault>> {
    if source.len() <= MAX_INLINE_BYTES {
        return Ok(render(&app.sanitiser, source, format, max_chars));
    }
    let sanitiser = app.sanitiser.clone();
    app.renderers.run(move || render(&sanitiser, source, format, max_chars)).await
}

/// Renders and sanitises a body on this thread. Its HTML has at most `max_chars` characters.
///
/// A body that cannot be parsed in reasonable time is a fault at `/body`.
pub fn render(
    sanitiser: &Sanitiser,
    source: String,
    format: BodyFormat,
    max_chars: usize,
) -> Result<Body, Fault> {
    Body::render(sanitiser, source, format, max_chars).map_err(|refusal| match refusal {
        Refusal::Unreadable(reason) => Fault::body("/body", Code::InvalidFormat, reason),
        Refusal::TooLong(max) => {
            Fault::body("/body", Code::TooLong, "has more than {max} characters as clean HTML")
                .with("max", max)
        }
    })
}

/// The rendered body; an empty one, and one fault more, if it could not be rendered.
pub fn keep_fault(body: Result<Body, Fault>, format: BodyFormat, faults: &mut Vec<Fault>) -> Body {
    body.unwrap_or_else(|fault| {
        faults.push(fault);
        let (html, summary, changes) = <_>::default();
        Body { html, source: None, format, summary, changes }
    })
}

/// What rendering changed of a body, as warnings. One that failed has none.
pub fn warn_of_body(body: &Result<Body, Fault>) -> Vec<Fault> {
    body.as_ref().map(|body| warn_of_changes(&body.changes)).unwrap_or_default()
}

fn warn_of_changes(changes: &MarkupChanges) -> Vec<Fault> {
    let counts = [
        (
            Code::EmbedLinked,
            "frames, videos or sounds that became links to their addresses: {count}",
            changes.embeds_linked,
        ),
        (
            Code::RelativeAddress,
            "addresses without a scheme and a host, kept as they are: {count}",
            changes.relative_addresses,
        ),
        (
            Code::TableRepaired,
            "tables that were closed, or had content outside of their cells that was moved: {count}",
            changes.tables_repaired,
        ),
    ];
    let counted = counts.into_iter().filter(|(_, _, count)| *count > 0);
    let counted =
        counted.map(|(code, detail, count)| Fault::body("/body", code, detail).with("count", count));
    warn_of_dropped(changes).into_iter().chain(counted).collect()
}

fn warn_of_dropped(changes: &MarkupChanges) -> Option<Fault> {
    let elements = changes.elements.iter().map(|(name, count)| format!("<{name}> \u{d7}{count}"));
    let attributes = changes.attributes.iter().map(|(name, count)| format!("{name} \u{d7}{count}"));
    let list: Vec<String> = elements.chain(attributes).collect();
    let detail = "elements and attributes that are not allowed were removed: {list}";
    let warning = Fault::body("/body", Code::MarkupDropped, detail)
        .with("elements", json!(changes.elements))
        .with("attributes", json!(changes.attributes))
        .with("list", list.join(", "));
    (!list.is_empty()).then_some(warning)
}
