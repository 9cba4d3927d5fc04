//! All SQL of jobs.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::model::{JobKind, JobState, Row};
use crate::changes::model::Actor;
use crate::db::connection::Connection;
use crate::db::schema::jobs;
use crate::tx::Tx;

/// Adds a job of `total` pieces, for `actor`.
pub async fn insert_job(
    tx: &mut Tx,
    actor: Actor,
    kind: JobKind,
    params: Value,
    total: i64,
) -> QueryResult<Row> {
    diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(Uuid::now_v7()),
            jobs::kind.eq(kind),
            jobs::params.eq(params),
            jobs::total.eq(total),
            jobs::actor_kind.eq(actor.kind),
            jobs::actor_id.eq(actor.id),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// The job `id`.
pub async fn load_job(mut conn: &Connection, id: Uuid) -> QueryResult<Row> {
    jobs::table.find(id).select(Row::as_select()).first(&mut conn).await
}

/// The running jobs of a kind, the oldest first.
pub async fn list_running(mut conn: &Connection, kind: JobKind) -> QueryResult<Vec<Row>> {
    jobs::table
        .filter(jobs::kind.eq(kind).and(jobs::state.eq(JobState::Running)))
        .order((jobs::created_at, jobs::id))
        .select(Row::as_select())
        .load(&mut conn)
        .await
}

/// The running job `id`, locked until the transaction ends. `None` if it has ended, or another
/// process does a step of it.
pub async fn lock_running(tx: &Tx, id: Uuid) -> QueryResult<Option<Row>> {
    jobs::table
        .filter(jobs::id.eq(id).and(jobs::state.eq(JobState::Running)))
        .select(Row::as_select())
        .for_no_key_update()
        .skip_locked()
        .first(&mut &**tx)
        .await
        .optional()
}

/// Notes that `pieces` more of a job are done.
pub async fn note_progress(tx: &mut Tx, id: Uuid, pieces: i64) -> QueryResult<()> {
    diesel::update(jobs::table.find(id))
        .set((jobs::done.eq(jobs::done + pieces), jobs::updated_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends a job.
pub async fn end_job(tx: &mut Tx, id: Uuid, state: JobState, detail: Option<&str>) -> QueryResult<()> {
    diesel::update(jobs::table.find(id))
        .set((jobs::state.eq(state), jobs::detail.eq(detail), jobs::updated_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes jobs that ended over 30 days ago.
pub async fn delete_old_jobs(tx: &mut Tx) -> QueryResult<()> {
    sql_query("DELETE FROM jobs WHERE state <> 'running' AND updated_at < now() - interval '30 days'")
        .execute(&mut **tx)
        .await?;
    Ok(())
}
