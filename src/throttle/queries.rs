//! All SQL of the throttles.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Binary, Bool, Integer};
use diesel_async::RunQueryDsl;

use super::{LimitState, Rule};
use crate::db::connection::Connection;

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Integer)]
    wait: i32,
    #[diesel(sql_type = Bool)]
    refused: bool,
}

/// Counts an attempt, unless it comes too early.
pub async fn take(conn: &mut Connection, rule: Rule, key: Vec<u8>) -> QueryResult<LimitState> {
    let taken: Taken = sql_query(
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
    .get_result(conn)
    .await?;
    Ok(LimitState { rule, key, attempts: taken.attempts, wait: taken.wait, refused: taken.refused })
}

/// Takes back one attempt at each key.
pub async fn forgive(conn: &mut Connection, keys: &[&[u8]]) -> QueryResult<()> {
    sql_query(
        "UPDATE auth.throttles SET attempts = greatest(0, attempts - 1), free_at = '-infinity'
         WHERE key IN (SELECT key FROM auth.throttles WHERE key = ANY($1) ORDER BY key FOR UPDATE)",
    )
    .bind::<Array<Binary>, _>(keys)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what has been forgiven.
pub async fn sweep(conn: &mut Connection) -> QueryResult<()> {
    sql_query("DELETE FROM auth.throttles WHERE window_ends < now()").execute(conn).await?;
    Ok(())
}
