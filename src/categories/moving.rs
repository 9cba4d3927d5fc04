//! Moving all that a category holds into another one, before the category is deleted.
//!
//! Few articles move in the transaction of the request. Many move in steps of a job: no step holds
//! a lock for long, and each can be repeated.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::model::{Row, Tree};
use super::queries;
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Fault, Result};
use crate::http::id_or_slug::IdOrSlug;
use crate::jobs;
use crate::jobs::model::{JobKind, JobState};
use crate::tx::Tx;

/// Articles that are moved in one transaction at most.
const MAX_STEP_ARTICLES: i64 = 1_000;
/// How often jobs are looked for that another process has begun and not ended, or whose articles were locked.
pub const JOB_INTERVAL: Duration = Duration::from_secs(10);

/// What became of a request to move.
pub enum Move {
    /// Everything has moved.
    Done,
    /// The job moves everything.
    Begun(jobs::model::Row),
}

/// Moves all that the category `row` of the locked tree holds into `target`, or begins a job for it.
pub async fn move_contents(tx: &mut Tx, actor: Actor, tree: &Tree, row: &Row, target: &str) -> Result<Move> {
    let target = find_target(tree, row.id, target)?;
    let is_small =
        queries::count_articles_up_to(tx, row.id, MAX_STEP_ARTICLES + 1).await? <= MAX_STEP_ARTICLES;
    if is_small && move_step(tx, actor, row.id, target).await?.is_complete {
        move_children(tx, actor, row.id, target).await?;
        return Ok(Move::Done);
    }
    let running = jobs::queries::list_running(tx, JobKind::CategoryMove).await?;
    if let Some(same) = running.into_iter().find(|job| job.params["from"] == json!(row.id)) {
        return Ok(Move::Begun(same));
    }
    let total = queries::count_articles(tx, row.id).await?;
    let params = json!({"from": row.id, "to": target});
    let job = jobs::queries::insert_job(tx, actor, JobKind::CategoryMove, params, total).await?;
    Ok(Move::Begun(job))
}

fn find_target(tree: &Tree, from: Uuid, target: &str) -> Result<Uuid> {
    let refuse = |detail: &'static str| {
        let fault = Fault::parameter("move_to", Code::InvalidParameter, detail);
        Error::Faults(Code::InvalidParameter, vec![fault])
    };
    let target = tree.find(&IdOrSlug::parse(target)).ok_or_else(|| refuse("unknown category"))?.id;
    if tree.subtree(from).contains(&target) {
        return Err(refuse("is the category itself or one inside it"));
    }
    Ok(target)
}

/// What a step has done.
struct Step {
    moved: i64,
    /// Whether nothing is left. Articles that others have locked are.
    is_complete: bool,
}

async fn move_step(tx: &mut Tx, actor: Actor, from: Uuid, to: Uuid) -> Result<Step> {
    let moved = queries::move_articles(tx, from, to, MAX_STEP_ARTICLES).await?;
    let count = i64::try_from(moved.len()).unwrap_or(i64::MAX);
    if !moved.is_empty() {
        let change = Change::new("update", "article", from).of_fields(vec!["category".to_owned()]);
        tx.record_many(actor, change, moved);
    }
    let is_complete = queries::count_articles_up_to(tx, from, 1).await? == 0;
    Ok(Step { moved: count, is_complete })
}

async fn move_children(tx: &mut Tx, actor: Actor, from: Uuid, to: Uuid) -> Result<()> {
    let categories = queries::move_children(tx, from, to).await?;
    if !categories.is_empty() {
        let change = Change::new("update", "category", from).of_fields(vec!["parent".to_owned()]);
        tx.record_many(actor, change, categories);
    }
    Ok(())
}

/// Does the steps of all jobs, until none is left or the rest waits for others.
pub async fn run_jobs(app: &App) -> Result<()> {
    let conn = app.reader().await?;
    for job in jobs::queries::list_running(&conn, JobKind::CategoryMove).await? {
        while app.write(async move |tx| run_step(tx, job.id).await).await? {}
    }
    Ok(())
}

/// Does one step of a job. Returns whether the next one can follow at once.
async fn run_step(tx: &mut Tx, id: Uuid) -> Result<bool> {
    let Some(job) = jobs::queries::lock_running(tx, id).await? else { return Ok(false) };
    let place = |name: &str| job.params[name].as_str().and_then(|text| text.parse::<Uuid>().ok());
    let (Some(from), Some(to)) = (place("from"), place("to")) else {
        jobs::queries::end_job(tx, id, JobState::Failed, Some("its parameters cannot be read")).await?;
        return Ok(false);
    };
    let tree = queries::load_tree(tx).await?;
    let [source, target] = [from, to].map(|id| tree.find(&IdOrSlug::Id(id)));
    if target.is_none() || tree.subtree(from).contains(&to) {
        let detail = "the category that takes the articles is gone, or inside the one that is deleted";
        jobs::queries::end_job(tx, id, JobState::Failed, Some(detail)).await?;
        return Ok(false);
    }
    if source.is_none() {
        jobs::queries::end_job(tx, id, JobState::Done, None).await?;
        return Ok(false);
    }
    let step = move_step(tx, job.actor(), from, to).await?;
    jobs::queries::note_progress(tx, id, step.moved).await?;
    if step.is_complete {
        finish(tx, &job, from, to).await?;
        return Ok(false);
    }
    Ok(step.moved > 0)
}

/// Deletes the category that nothing is left in.
async fn finish(tx: &mut Tx, job: &jobs::model::Row, from: Uuid, to: Uuid) -> Result<()> {
    queries::lock_tree(tx).await?;
    move_children(tx, job.actor(), from, to).await?;
    let actor = job.actor();
    // An article that was just written into the category stays, and the category with it: the next step takes it.
    let deleted = tx
        .try_step(async |tx| {
            queries::delete(tx, from).await?;
            tx.record(actor, Change::new("delete", "category", from));
            Ok(())
        })
        .await?;
    if deleted.is_ok() {
        jobs::queries::end_job(tx, job.id, JobState::Done, None).await?;
    }
    Ok(())
}
