//! The body of a Ghost post: HTML, or else what one of the editors has stored.

use serde_json::Value;

use super::cards::Rendered;
use super::{lexical, mobiledoc};

/// A body, and what of it is not as it was.
#[derive(Debug, Default)]
pub struct PostBody {
    /// Its text.
    pub text: String,
    /// Its format: `html`, `markdown` or `text`.
    pub format: &'static str,
    /// What was not rendered: codes of warnings, and their details.
    pub warnings: Vec<(&'static str, String)>,
}

/// Renders the document of an editor.
type Renderer = fn(&str) -> Result<Rendered, String>;

/// Chooses the body of a post: its HTML, else Lexical, Mobiledoc, markdown or plain text, whichever comes first.
///
/// Fails if the post has a body that cannot be read, and no other.
pub fn choose_body(post: &Value) -> Result<PostBody, String> {
    let text = |key: &str| post[key].as_str().filter(|text| !text.trim().is_empty());
    if let Some(html) = text("html") {
        return Ok(PostBody { text: html.to_owned(), format: "html", warnings: Vec::new() });
    }
    let mut faults = Vec::new();
    let renderers: [(&str, Renderer); 2] = [("lexical", lexical::render), ("mobiledoc", mobiledoc::render)];
    for (key, render) in renderers {
        match text(key).map(render) {
            Some(Ok(rendered)) if is_empty(&rendered) => {}
            Some(Ok(rendered)) => return Ok(use_rendered(rendered, faults)),
            Some(Err(reason)) => faults.push(format!("its body in {key} cannot be read: {reason}")),
            None => {}
        }
    }
    let plain =
        text("markdown").map(|text| (text, "markdown")).or(text("plaintext").map(|text| (text, "text")));
    match (plain, faults.is_empty()) {
        (Some((text, format)), _) => {
            Ok(PostBody { text: text.to_owned(), format, warnings: warn_of(faults) })
        }
        (None, true) => Ok(PostBody { format: "html", ..PostBody::default() }),
        (None, false) => Err(faults.join("; ")),
    }
}

fn is_empty(rendered: &Rendered) -> bool {
    rendered.html.trim().is_empty() && rendered.hidden.is_empty()
}

fn warn_of(faults: Vec<String>) -> Vec<(&'static str, String)> {
    faults
        .into_iter()
        .map(|fault| ("body_unreadable", format!("{fault}; another form of it was taken")))
        .collect()
}

fn use_rendered(rendered: Rendered, faults: Vec<String>) -> PostBody {
    let mut warnings = warn_of(faults);
    if !rendered.unknown.is_empty() {
        let kinds = rendered.unknown.into_iter().collect::<Vec<_>>().join(", ");
        warnings.push(("cards_unrendered", format!("holds cards of which only the text was kept: {kinds}")));
    }
    if !rendered.hidden.is_empty() {
        let cards = rendered.hidden.join(", ");
        warnings.push(("cards_hidden", format!("leaves out cards that the site did not show: {cards}")));
    }
    PostBody { text: rendered.html, format: "html", warnings }
}
