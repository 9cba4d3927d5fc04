//! Articles whose texts are nearly the same: portals copy each other all day.

use uuid::Uuid;

use super::queries::found;
use crate::app::App;
use crate::db::visibility::Articles;
use crate::error::{Code, Fault, Result};
use crate::index::fold::fold;
use crate::index::likeness::Pieces;
use crate::search::documents::{make_fingerprint, split_blocks};
use crate::search::{filters, finding};

/// The least likeness of copies: the share of their pieces of five characters that both have.
pub const MIN_LIKENESS: f32 = 0.8;
/// Copies of one article that are warned of.
pub const MAX_WARNINGS: usize = 3;
/// Articles that are compared with one that is written.
pub const MAX_COMPARED: usize = 6;
/// Characters of a body, with its markup, that are compared.
pub const MAX_BODY_CHARS: usize = 60_000;
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
/// alike first. At most `most` are compared, those that share the most with it. None while the index is not ready. It has
/// permits of its own: neither visitors who search nor long bodies keep writers waiting.
pub async fn find_copies(
    app: &App,
    title: &str,
    body: &str,
    own: Option<Uuid>,
    visible: Articles,
    most: usize,
) -> Result<Vec<Copy>> {
    let Some(view) = app.search.view_now(app.follower.is_current()) else { return Ok(Vec::new()) };
    let (title, body) = (title.to_owned(), body.to_owned());
    let filter = filters::articles(visible, None, app.now());
    let index = view.index.clone();
    let look = move || {
        let fingerprint = make_fingerprint(&title, &split_blocks(&body));
        // The article itself may be among them.
        (view.index.find_alike(&fingerprint, &filter, most + 1), title, body)
    };
    let (found, title, body) = app.comparers.run(look).await?;
    // Writing goes on without an index.
    let found = found.unwrap_or_else(|cause| {
        finding::drop_failed(app, &index, cause);
        Vec::new()
    });
    let others = found.into_iter().map(|(id, _)| id).filter(|id| Some(*id) != own);
    let ids: Vec<Uuid> = others.take(most).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // What may be read is asked again: the index can lag behind.
    let conditions = visible.conditions();
    let texts = found::load_beginnings(&*app.reader().await?, conditions, ids, MAX_BODY_CHARS).await?;
    let compare = move || {
        let pieces = list_pieces(&title, &body);
        let rate = |other: &str, body: &str| pieces.likeness(&list_pieces(other, body));
        let copies =
            texts.iter().map(|other| Copy { id: other.id, likeness: rate(&other.title, &other.body) });
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

/// The pieces of the text of an article by which it is compared: those of the beginning of a long one.
pub fn list_pieces(title: &str, body: &str) -> Pieces {
    let end = body.char_indices().nth(MAX_BODY_CHARS).map_or(body.len(), |(end, _)| end);
    let blocks = split_blocks(&body[..end]);
    let texts = std::iter::once(title).chain(blocks.iter().map(String::as_str));
    let text: String = texts.flat_map(str::chars).take(MAX_CHARS).collect();
    Pieces::of(&fold(&text))
}
