//! Articles whose texts are nearly the same: portals copy each other all day.

use uuid::Uuid;

use super::queries::found::{self, Texts};
use crate::app::App;
use crate::db::visibility::Articles;
use crate::error::{Code, Fault, Result};
use crate::index::fold::fold;
use crate::index::likeness::similarity;
use crate::search::documents::{make_fingerprint, split_blocks};
use crate::search::{filters, finding};

/// The least likeness of copies: the share of their pieces of five characters that both have.
pub const MIN_LIKENESS: f32 = 0.8;
/// Copies of one article that are warned of.
pub const MAX_WARNINGS: usize = 3;
/// Articles that are compared with one.
const CANDIDATES: usize = 20;
/// Characters of a text that are compared.
const MAX_CHARS: usize = 20_000;

/// A copy of an article.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    /// Which article it is.
    pub id: Uuid,
    /// How alike the texts are, from 0 to 1.
    pub likeness: f32,
}

/// The articles in `visible`, but for `own`, whose text is nearly that of an article with this title and this body; the most
/// alike first. None while the index is not ready. It has permits of its own: neither visitors who search nor long bodies keep
/// writers waiting.
pub async fn find_copies(
    app: &App,
    title: &str,
    body: &str,
    own: Option<Uuid>,
    visible: Articles,
) -> Result<Vec<Copy>> {
    let Some(view) = app.search.view_now(app.follower.is_current()) else { return Ok(Vec::new()) };
    let (title, body) = (title.to_owned(), body.to_owned());
    let filter = filters::articles(visible, None, app.now());
    let look = move || {
        let (fingerprint, text) = make_comparable(&title, &body);
        (view.index.find_alike(&fingerprint, &filter, CANDIDATES), text)
    };
    let (found, text) = app.comparers.run(look).await?;
    // Writing goes on without an index.
    let found = found.unwrap_or_else(|cause| {
        finding::drop_failed(app, cause);
        Vec::new()
    });
    let ids: Vec<Uuid> = found.into_iter().map(|(id, _)| id).filter(|id| Some(*id) != own).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // What may be read is asked again: the index can lag behind.
    let texts = found::load_texts(&*app.reader().await?, visible.conditions(), ids).await?;
    let compare = move || {
        let copies = texts.into_iter().map(|other: Texts| Copy {
            id: other.id,
            likeness: similarity(&text, &fold_text(&other.title, &other.body)),
        });
        let mut copies: Vec<Copy> = copies.filter(|copy| copy.likeness >= MIN_LIKENESS).collect();
        copies.sort_by(|a, b| b.likeness.total_cmp(&a.likeness).then(a.id.cmp(&b.id)));
        copies
    };
    app.comparers.run(compare).await
}

/// The warnings about copies of an article that was written.
pub fn warn_of_copies(copies: &[Copy]) -> impl Iterator<Item = Fault> {
    copies.iter().take(MAX_WARNINGS).map(|copy| {
        let detail = "is nearly the text of the article {id}";
        Fault::body("/body", Code::PossibleDuplicate, detail)
            .with("id", copy.id.to_string())
            .with("similarity", round_likeness(copy.likeness))
    })
}

/// A likeness as clients are told it, with two decimals.
pub fn round_likeness(likeness: f32) -> f64 {
    (f64::from(likeness) * 100.0).round() / 100.0
}

/// What of an article is compared.
pub fn fold_text(title: &str, body: &str) -> String {
    fold_blocks(title, &split_blocks(body))
}

/// The terms by which an article is found among others, and what of it is compared with them.
pub fn make_comparable(title: &str, body: &str) -> (Vec<u64>, String) {
    let blocks = split_blocks(body);
    (make_fingerprint(title, &blocks), fold_blocks(title, &blocks))
}

fn fold_blocks(title: &str, blocks: &[String]) -> String {
    let text: String = std::iter::once(title)
        .chain(blocks.iter().map(String::as_str))
        .flat_map(str::chars)
        .take(MAX_CHARS)
        .collect();
    fold(&text)
}
