//! Giving a tag another name in all articles. If articles have that as a tag already, both become one.
//!
//! Few articles change in the transaction of the request. Many change in steps of a job: no step holds a lock for long, and
//! each can be repeated. An article that is written with the old tag while the job runs is changed too; one that is written
//! with it later keeps it.

use serde_json::json;
use uuid::Uuid;

use super::queries;
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Result};
use crate::jobs;
use crate::jobs::model::{JobKind, JobState};
use crate::tx::Tx;

/// Articles that are changed in one transaction at most.
const MAX_STEP_ARTICLES: i64 = 1_000;

/// What became of a request to rename.
pub enum Renaming {
    /// All articles are changed.
    Done,
    /// The job changes all articles.
    Begun(jobs::model::Row),
}

/// Gives all articles that have the tag `from` the tag `to` in its place, or begins a job for it. 404 if none has it.
pub async fn rename_tag(tx: &mut Tx, actor: Actor, from: &str, to: &str) -> Result<Renaming> {
    queries::lock_renaming(tx).await?;
    if let Some(same) = find_running(tx, from, to).await? {
        return Ok(Renaming::Begun(same));
    }
    let some = queries::count_articles(tx, from, Some(MAX_STEP_ARTICLES + 1)).await?;
    if some == 0 {
        return Err(Error::not_found());
    }
    if from == to || some <= MAX_STEP_ARTICLES && rename_step(tx, actor, from, to).await?.is_complete {
        return Ok(Renaming::Done);
    }
    let total = queries::count_articles(tx, from, None).await?;
    let params = json!({"from": from, "to": to});
    Ok(Renaming::Begun(jobs::queries::insert_job(tx, actor, JobKind::TagMerge, params, total).await?))
}

/// The running job that does the same. 409 if a running job does something that contradicts it.
async fn find_running(tx: &Tx, from: &str, to: &str) -> Result<Option<jobs::model::Row>> {
    for job in jobs::queries::list_running(tx, JobKind::TagMerge).await? {
        let (running_from, running_to) = (&job.params["from"], &job.params["to"]);
        if *running_from == json!(from) && *running_to == json!(to) {
            return Ok(Some(job));
        }
        // Otherwise one of them would take from the other, or both would go on for ever.
        if *running_from == json!(from) || *running_from == json!(to) || *running_to == json!(from) {
            let detail = "A job is renaming one of these tags; wait until it has ended.";
            return Err(Error::Refused(Code::TagBusy, detail.into()));
        }
    }
    Ok(None)
}

/// What a step has done.
struct Step {
    changed: i64,
    /// Whether nothing is left. Articles that others have locked are.
    is_complete: bool,
}

async fn rename_step(tx: &mut Tx, actor: Actor, from: &str, to: &str) -> Result<Step> {
    let changed = queries::replace_tag(tx, from, to, MAX_STEP_ARTICLES).await?;
    let count = i64::try_from(changed.len()).unwrap_or(i64::MAX);
    if let Some(first) = changed.first() {
        let change = Change::new("update", "article", *first).of_fields(vec!["tags".to_owned()]);
        tx.record_many(actor, change, changed);
    }
    let is_complete = queries::count_articles(tx, from, Some(1)).await? == 0;
    Ok(Step { changed: count, is_complete })
}

/// Does the steps of all jobs, until none is left or the rest waits for others.
pub async fn run_jobs(app: &App) -> Result<()> {
    let conn = app.reader().await?;
    for job in jobs::queries::list_running(&conn, JobKind::TagMerge).await? {
        while app.write(async move |tx| run_step(tx, job.id).await).await? {}
    }
    Ok(())
}

/// Does one step of a job. Returns whether the next one can follow at once.
async fn run_step(tx: &mut Tx, id: Uuid) -> Result<bool> {
    let Some(job) = jobs::queries::lock_running(tx, id).await? else { return Ok(false) };
    let (Some(from), Some(to)) = (job.params["from"].as_str(), job.params["to"].as_str()) else {
        jobs::queries::end_job(tx, id, JobState::Failed, Some("its parameters cannot be read")).await?;
        return Ok(false);
    };
    let step = rename_step(tx, job.actor(), from, to).await?;
    jobs::queries::note_progress(tx, id, step.changed).await?;
    if step.is_complete {
        jobs::queries::end_job(tx, id, JobState::Done, None).await?;
        return Ok(false);
    }
    Ok(step.changed > 0)
}
