//! The end of an import, as the change log and webhooks are told of it.

use std::time::Duration;

use actix_web::{rt, web};
use backon::{BackoffBuilder, ExponentialBuilder};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::job::Job;
use super::view::Summary;
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::changes::queries::has_changes;
use crate::error::Result;
use crate::tx::Tx;
use crate::webhooks::events::EventType;
use crate::webhooks::queries::last_states::insert_announcement;

/// What the log calls an import.
const ENTITY: &str = "import";
/// The pauses before the end of an import is recorded again: about a minute in all.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(15);
const MAX_RETRIES: usize = 7;

/// The end of an import: a line in the log, and an announcement to webhooks.
#[derive(Clone)]
pub struct EndRecord {
    id: Uuid,
    actor: Actor,
    data: Value,
}

impl EndRecord {
    /// The end of `job`, which has come as far as `summary` says.
    pub fn new(job: &Job, summary: &Summary, is_complete: bool) -> Self {
        let data = json!({
            "entity": job.resource,
            "is_complete": is_complete,
            "created": summary.created,
            "updated": summary.updated,
            "unchanged": summary.unchanged,
            "failed": summary.failed,
        });
        Self { id: Uuid::now_v7(), actor: job.actor, data }
    }

    /// Writes it in a transaction.
    pub async fn write(&self, tx: &mut Tx) -> Result<()> {
        tx.record(self.actor, Change::new("finish", ENTITY, self.id));
        Ok(insert_announcement(tx, EventType::ImportFinished, self.data.clone()).await?)
    }

    /// Writes it in a transaction of its own.
    async fn write_alone(&self, app: &App) -> Result<()> {
        let end = self.clone();
        app.write(async move |tx| end.write(tx).await).await
    }

    /// The same after an attempt that has failed, which may have been committed though its answer was lost.
    async fn write_again(&self, app: &App) -> Result<()> {
        let end = self.clone();
        app.write(
            async move |tx| {
                if has_changes(tx, ENTITY, end.id).await? { Ok(()) } else { end.write(tx).await }
            },
        )
        .await
    }
}

/// Records the end of an import whose rows are committed already. What fails is tried again in the background for about a minute;
/// the task that does so is returned.
///
/// A process that is killed between the last rows and this record leaves the end untold. The events of the rows are told.
pub async fn record_end(app: &web::Data<App>, end: EndRecord) -> Option<JoinHandle<()>> {
    let error = end.write_alone(app).await.err()?;
    tracing::warn!(%error, "The end of an import is not recorded yet");
    let app = app.clone();
    Some(rt::spawn(async move { record_again(&app, &end).await }))
}

async fn record_again(app: &App, end: &EndRecord) {
    let pauses = ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(MAX_PAUSE)
        .with_max_times(MAX_RETRIES)
        .with_jitter();
    let mut last_error = None;
    for pause in pauses.build() {
        rt::time::sleep(pause).await;
        match end.write_again(app).await {
            Ok(()) => return,
            Err(error) => last_error = Some(error),
        }
    }
    if let Some(error) = last_error {
        tracing::error!(%error, "The end of an import is not recorded");
    }
}
