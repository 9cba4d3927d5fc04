//! What a newer version does about things that an older one stored, where SQL alone cannot.

mod resanitise;

pub use resanitise::{Resanitised, resanitise};

use crate::app::App;
use crate::categories::queries::lock_tree;
use crate::changes::model::Actor;
use crate::error::Result;
use crate::{articles, categories, slug};

/// Gives articles and categories whose slug has become a fixed word of a path another one: the
/// slug with a short ending. Each is recorded as a change. Returns how many there were.
///
/// Words become reserved when an operation is added (`/articles/import` reserves `import`). Until
/// it is renamed, such a thing can be reached by its id alone.
pub async fn rename_reserved_slugs(app: &App) -> Result<usize> {
    let words: Vec<&str> = slug::reserved().collect();
    let conn = app.long_reader().await?;
    if !articles::queries::any_slug_of(&conn, &words).await?
        && !categories::queries::any_slug_of(&conn, &words).await?
    {
        return Ok(0);
    }
    drop(conn);
    app.write(async |tx| {
        let mut renamed = 0;
        let tree = lock_tree(tx).await?;
        for word in slug::reserved() {
            renamed += usize::from(articles::writing::change_slug(tx, Actor::SYSTEM, word).await?);
            renamed += usize::from(categories::writing::change_slug(tx, Actor::SYSTEM, &tree, word).await?);
        }
        Ok(renamed)
    })
    .await
}
