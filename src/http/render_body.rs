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
    let rendering = app.renderers.run(move || render(&sanitiser, source, format, max_chars)).await?;
    Ok(rendering)
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

/// What rendering changed of a body, as warnings. One that failed has none.
pub fn warn_of_body(body: &Result<Body, Fault>) -> Vec<Fault> {
    body.as_ref().map(|body| warn_of_changes(&body.changes)).unwrap_or_default()
}

fn warn_of_changes(changes: &MarkupChanges) -> Vec<Fault> {
    let mut warnings = Vec::new();
    let mut warn = |code, detail: &'static str| warnings.push(Fault::body("/body", code, detail));
    if !changes.elements.is_empty() || !changes.attributes.is_empty() {
        warn(Code::MarkupDropped, "elements and attributes that are not allowed were removed: {list}");
    }
    if changes.embeds_linked > 0 {
        warn(Code::EmbedLinked, "{count} frames, videos or sounds became links to their addresses");
    }
    if changes.relative_addresses > 0 {
        warn(Code::RelativeAddress, "{count} addresses have no scheme and host; they were kept as they are");
    }
    if changes.tables_repaired > 0 {
        warn(
            Code::TableRepaired,
            "{count} tables were not closed or had content outside of their cells; they were closed, and that content moved",
        );
    }
    warnings.into_iter().map(|warning| add_counts(warning, changes)).collect()
}

/// Adds to a warning the numbers that its sentence names.
fn add_counts(warning: Fault, changes: &MarkupChanges) -> Fault {
    let count = match warning.code {
        Code::EmbedLinked => changes.embeds_linked,
        Code::RelativeAddress => changes.relative_addresses,
        Code::TableRepaired => changes.tables_repaired,
        _ => {
            let list = changes.elements.iter().map(|(name, count)| format!("<{name}> \u{d7}{count}"));
            let list =
                list.chain(changes.attributes.iter().map(|(name, count)| format!("{name} \u{d7}{count}")));
            let list = list.collect::<Vec<_>>().join(", ");
            return warning
                .with("list", list)
                .with("elements", json!(changes.elements))
                .with("attributes", json!(changes.attributes));
        }
    };
    warning.with("count", count)
}
