//! All SQL of the throttles.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Binary, Bool, Integer};
use diesel_async::RunQueryDsl;

use super::model::{LimitState, Rule};
use crate::tx::Tx;

#[derive(QueryableByName)]
struct AttemptRow {
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Integer)]
    wait: i32,
    #[diesel(sql_type = Bool)]
    refused: bool,
}

/// Counts an attempt, unless it comes too early.
pub async fn count_attempt(tx: &mut Tx, rule: Rule, key: Vec<u8>) -> QueryResult<LimitState> {
    let row: AttemptRow = sql_query(
        "INSERT INTO auth.throttles AS t (key, attempts, window_ends, free_at)
         VALUES ($1, 1, now() + make_interval(secs => $2), '-infinity')
         ON CONFLICT (key) DO UPDATE SET (attempts, window_ends, free_at, refused) = (
             SELECT CASE WHEN forgiven THEN 1 WHEN early THEN t.attempts ELSE t.attempts + 1 END,
                    CASE WHEN early THEN t.window_ends ELSE now() + make_interval(secs => $2) END,
                    CASE WHEN forgiven THEN '-infinity' WHEN early THEN t.free_at
                         WHEN t.attempts + 1 < $3 THEN '-infinity'
                         ELSE now() + make_interval(secs => least($4, power(2, least(t.attempts + 1 - $3, 20)))) END,
                    early
             FROM (SELECT t.window_ends <= now() AS forgiven,
                          t.window_ends > now() AND t.free_at > now() AS early) AS state)
         RETURNING attempts, refused, CASE WHEN free_at > now() THEN ceil(extract(epoch FROM free_at - now()))::int ELSE 0 END AS wait",
    )
    .bind::<Binary, _>(&key)
    .bind::<Integer, _>(rule.window)
    .bind::<Integer, _>(rule.free)
    .bind::<Integer, _>(rule.longest)
    .get_result(&mut **tx)
    .await?;
    Ok(LimitState { rule, key, attempts: row.attempts, wait: row.wait, refused: row.refused })
}

/// Takes back one attempt under each key.
pub async fn forgive_attempts(tx: &mut Tx, keys: &[Vec<u8>]) -> QueryResult<()> {
    sql_query(
        "UPDATE auth.throttles SET attempts = greatest(0, attempts - 1), free_at = '-infinity'
         WHERE key IN (SELECT key FROM auth.throttles WHERE key = ANY($1) ORDER BY key FOR NO KEY UPDATE)",
    )
    .bind::<Array<Binary>, _>(keys)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Deletes the counts whose window has ended.
pub async fn delete_ended_windows(tx: &mut Tx) -> QueryResult<()> {
    sql_query("DELETE FROM auth.throttles WHERE window_ends < now()").execute(&mut **tx).await?;
    Ok(())
}
