//! Counting views: gathered in memory, written every second in one statement.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::{post, web};
use uuid::Uuid;

use super::queries;
use crate::app::App;
use crate::error::Result;
use crate::http::id_or_slug::IdOrSlug;
use crate::http::reply::NoContent;
use crate::members::guard::Reader;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation};

/// How often the gathered views are written. A crash loses at most these.
pub const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Views that are not written yet, by article.
#[derive(Debug, Default)]
pub struct ViewCounter {
    gathered: Mutex<HashMap<Uuid, i64>>,
    /// One flush at a time: the last one before the end must not miss what another holds.
    flushing: tokio::sync::Mutex<()>,
}

impl ViewCounter {
    fn add(&self, id: Uuid) {
        *self.gathered.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default() += 1;
    }

    /// Writes what was gathered; what cannot be written is kept for the next time.
    pub async fn flush(&self, app: &App) -> Result<()> {
        let _alone = self.flushing.lock().await;
        let gathered = std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner));
        if gathered.is_empty() {
            return Ok(());
        }
        let (ids, counts) = gathered.iter().map(|(id, count)| (*id, *count)).unzip();
        let (ids, counts): (Vec<Uuid>, Vec<i64>) = (ids, counts);
        let written =
            app.write(async move |tx| Ok(queries::add_views(tx, ids.clone(), counts.clone()).await?)).await;
        if written.is_err() {
            let mut kept = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, count) in gathered {
                *kept.entry(id).or_default() += count;
            }
        }
        written
    }
}

/// The entry of [`count_article_view`].
pub const COUNT_ARTICLE_VIEW: Operation = Operation::post_without_body("count_article_view", Caller::Reader)
    .for_keys_with(Scope::ArticlesRead)
    .without_conflicts();

/// Count a view
///
/// To be sent by a frontend when somebody opens an article. Counts within about a second.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id or slug")), responses((status = 204, description = "Counted")))]
#[post("/{id}/views")]
pub async fn count_article_view(
    app: web::Data<App>,
    counter: web::Data<ViewCounter>,
    reader: Reader,
    id: IdOrSlug,
) -> Result<NoContent> {
    counter.add(queries::find_id(&*app.reader().await?, &id, reader.articles()).await?);
    Ok(NoContent)
}
