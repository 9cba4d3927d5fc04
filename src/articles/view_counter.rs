//! Counting views: gathered in memory, written every second in one statement.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use actix_web::{Responder, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::queries;
use super::seen_views::SeenViews;
use crate::app::App;
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::Json;
use crate::http::client::Client;
use crate::http::id_or_slug::IdOrSlug;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::guard::Reader;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation};

/// How often the gathered views are written. A crash loses at most these.
pub const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How long the last flush waits before it asks for a locked article again.
const FLUSH_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Articles of a batch of views at most.
const MAX_BATCH: usize = 100;

/// Views that are not written yet, by article.
pub struct ViewCounter {
    seen: SeenViews,
    gathered: Mutex<HashMap<Uuid, i64>>,
    /// One flush at a time: the last one before the end must not miss what another holds.
    flushing: tokio::sync::Mutex<()>,
}

impl ViewCounter {
    /// Counts a client once for an article within `window`.
    pub fn new(window: Duration) -> Self {
        Self {
            seen: SeenViews::new(window),
            gathered: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
        }
    }

    fn add(&self, client: &Client, id: Uuid) {
        if !self.seen.counts(client, id) {
            return;
        }
        *self.gathered.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default() += 1;
    }

    /// Writes what was gathered. What cannot be written is kept for the next time, also the views
    /// of an article that is locked: a flush waits for no other write.
    pub async fn flush(&self, app: &App) -> Result<()> {
        let _alone = self.flushing.lock().await;
        let gathered = std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner));
        if gathered.is_empty() {
            return Ok(());
        }
        let (ids, counts) = gathered.iter().map(|(id, count)| (*id, *count)).unzip();
        let (ids, counts): (Vec<Uuid>, Vec<i64>) = (ids, counts);
        let locked = app
            .write(async move |tx| Ok(queries::popular::add_views(tx, ids.clone(), counts.clone()).await?))
            .await;
        let mut kept = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let is_kept = |id: &Uuid| locked.as_ref().map_or(true, |locked| locked.contains(id));
        for (id, count) in gathered.into_iter().filter(|(id, _)| is_kept(id)) {
            *kept.entry(id).or_default() += count;
        }
        locked.map(drop)
    }

    /// Writes all that was gathered, as at the end of the process. Waits for locked articles until `patience` has passed.
    pub async fn flush_all(&self, app: &App, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        loop {
            let flushed = self.flush(app).await;
            let left = self.gathered.lock().unwrap_or_else(PoisonError::into_inner).len();
            if left == 0 {
                return flushed;
            }
            if Instant::now() >= end {
                flushed?;
                return Err(Error::Contended(format!("{left} articles stayed locked")));
            }
            sleep(FLUSH_RETRY_DELAY).await;
        }
    }
}

/// The entry of [`count_article_view`].
pub const COUNT_ARTICLE_VIEW: Operation = Operation::post_without_body("count_article_view", Caller::Reader)
    .for_keys_with(Scope::ArticlesRead)
    .without_conflicts();

/// Count a view
///
/// To be sent by a frontend when somebody opens an article. Counts within about a second; a client
/// (its network and user agent) counts once in ten minutes, and known bots not at all.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id or slug", max_length = 120)), responses((status = 204, description = "Counted")))]
#[post("/{id}/views")]
pub async fn count_article_view(
    app: web::Data<App>,
    counter: web::Data<ViewCounter>,
    reader: Reader,
    client: Client,
    id: IdOrSlug,
) -> Result<NoContent> {
    counter.add(&client, queries::find_id(&*app.reader().await?, &id, reader.articles()).await?);
    Ok(NoContent)
}

/// Views of several articles, as an app has gathered them.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ids": ["0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60"]}))]
pub struct ViewBatch {
    /// The ids of the articles that were opened.
    #[schema(min_items = 1, max_items = 100)]
    pub ids: Vec<Uuid>,
}

/// What became of a batch of views.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ViewBatchResult {
    /// The ids that no article has, or none that you may know of.
    pub unknown: Vec<Uuid>,
}

/// The entry of [`count_article_views`].
pub const COUNT_ARTICLE_VIEWS: Operation = Operation::post("count_article_views", Caller::Reader)
    .for_keys_with(Scope::ArticlesRead)
    .without_conflicts();

/// Count views of several articles
///
/// For apps that gather what was read while they were offline. Each view counts as one sent by itself.
#[utoipa::path(tag = "articles", responses((status = 200, description = "Counted", body = Data<ViewBatchResult>)))]
#[post("/views")]
pub async fn count_article_views(
    app: web::Data<App>,
    counter: web::Data<ViewCounter>,
    reader: Reader,
    client: Client,
    body: Json<ViewBatch>,
) -> Result<impl Responder> {
    let mut ids = body.0.ids;
    if ids.len() > MAX_BATCH {
        return Err(Fault::body("/ids", Code::TooLong, "must have at most {max} items")
            .with("max", MAX_BATCH)
            .into());
    }
    let known = queries::find_ids(&*app.reader().await?, ids.clone(), reader.articles()).await?;
    known.iter().for_each(|id| counter.add(&client, *id));
    ids.retain(|id| !known.contains(id));
    Ok(Reply::one(ViewBatchResult { unknown: ids }))
}
