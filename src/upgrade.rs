//! What a newer version does about things that an older one stored, where SQL alone cannot.

mod resanitise;

pub use resanitise::{Resanitised, resanitise};

use crate::app::App;
use crate::categories::queries::lock_tree;
use crate::changes::model::Actor;
use crate::error::Result;
use crate::tx::Tx;
use crate::{articles, categories, notices, slug};

/// Gives articles, notices and categories whose slug has become a fixed word of a path another one: the
/// slug with a short ending. Each is recorded as a change. Returns how many there were.
///
/// Words become reserved when an operation is added (`/articles/import` reserves `import`). Until
/// it is renamed, such a thing can be reached by its id alone.
pub async fn rename_reserved_slugs(app: &App) -> Result<usize> {
    let words: Vec<&str> = slug::reserved().collect();
    let conn = app.long_reader().await?;
    if !articles::queries::any_slug_of(&conn, &words).await?
        && !categories::queries::any_slug_of(&conn, &words).await?
        && !notices::queries::slugs::any_slug_of(&conn, &words).await?
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
            renamed += usize::from(notices::writing::change_slug(tx, Actor::SYSTEM, word).await?);
        }
        Ok(renamed)
    })
    .await
}

/// Notices of a transaction that are given a slug.
const STEP_NOTICES: i64 = 100;

/// Gives notices that an earlier version has written a slug made from the title, and a summary made from the body, a few in
/// each transaction. Each is recorded as a change. Returns how many there were.
pub async fn name_notices(app: &App) -> Result<usize> {
    let mut named = 0;
    loop {
        let ids = notices::queries::slugs::load_unnamed(&*app.long_reader().await?, STEP_NOTICES).await?;
        if ids.is_empty() {
            return Ok(named);
        }
        named += ids.len();
        let name = async move |tx: &mut Tx| {
            for id in &ids {
                notices::writing::name_notice(tx, Actor::SYSTEM, *id).await?;
            }
            Ok(())
        };
        app.write(name).await?;
    }
}
