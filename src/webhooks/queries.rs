//! All SQL of webhooks.

pub mod lanes;
pub mod last_states;
pub mod log;
pub mod position;

use diesel::sql_types::{Array, Integer, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryResult, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Content, DisabledReason, FORMER_SECRET_HOURS, MAX_FORMER_SECRETS, Row};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, IdRow, Value, count as count_rows};
use crate::tx::Tx;

const COLUMNS: &str = "id, url, description, events, coalesce_seconds, status, disabled_reason, secret_number, failing_since, \
     version, created_at, updated_at";

/// The former secrets of a webhook: until when each signs, and how many rotations ago it was replaced. The first of them is in a column
/// of its own.
pub const FORMER_SECRETS: &str = "unnest(array_prepend(former_secret_until, earlier_secrets_until)) \
     WITH ORDINALITY AS former (until, place)";

/// All webhooks, the oldest first.
pub async fn list(mut conn: &Connection) -> QueryResult<Vec<Row>> {
    sql_query(format!("SELECT {COLUMNS} FROM webhooks ORDER BY id")).load(&mut conn).await
}

/// A webhook.
pub async fn get(mut conn: &Connection, id: Uuid) -> QueryResult<Option<Row>> {
    let text = format!("SELECT {COLUMNS} FROM webhooks WHERE id = $1");
    sql_query(text).bind::<SqlUuid, _>(id).get_result(&mut conn).await.optional()
}

/// A webhook, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: Uuid) -> QueryResult<Option<Row>> {
    let text = format!("SELECT {COLUMNS} FROM webhooks WHERE id = $1 FOR NO KEY UPDATE");
    sql_query(text).bind::<SqlUuid, _>(id).get_result(&mut **tx).await.optional()
}

/// How many there are.
pub async fn count(conn: &Connection) -> QueryResult<i64> {
    count_rows(conn, "webhooks", Conditions::default(), None).await
}

/// How many other than `id` are enabled.
pub async fn count_other_enabled(conn: &Connection, id: Uuid) -> QueryResult<i64> {
    let mut conditions = Conditions::default();
    conditions.and("status = 'enabled'");
    conditions.and_if("id <> ?", Some(Value::Id(id)));
    count_rows(conn, "webhooks", conditions, None).await
}

/// Adds a webhook.
pub async fn insert(tx: &mut Tx, id: Uuid, content: &Content) -> QueryResult<Row> {
    let text = format!(
        "INSERT INTO webhooks (id, url, description, events, coalesce_seconds, status, disabled_reason)
         VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $6 = 'disabled' THEN 'by_admin' END) RETURNING {COLUMNS}"
    );
    write_content(tx, text, id, content).await
}

/// Changes what an admin decides. One that is enabled again begins without a past.
pub async fn update(tx: &mut Tx, id: Uuid, content: &Content) -> QueryResult<Row> {
    let text = format!(
        "UPDATE webhooks SET url = $2, description = $3, events = $4, coalesce_seconds = $5, status = $6,
                disabled_reason = CASE WHEN $6 = 'disabled' THEN coalesce(disabled_reason, 'by_admin') END,
                failing_since = CASE WHEN status = $6 THEN failing_since END,
                version = version + 1, updated_at = now()
         WHERE id = $1 RETURNING {COLUMNS}"
    );
    write_content(tx, text, id, content).await
}

/// Runs `text`, in which the parameters are an id and what an admin decides.
async fn write_content(tx: &mut Tx, text: String, id: Uuid, content: &Content) -> QueryResult<Row> {
    sql_query(text)
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(&content.url)
        .bind::<Text, _>(&content.description)
        .bind::<Array<Text>, _>(&content.events)
        .bind::<Integer, _>(content.coalesce_seconds)
        .bind::<Text, _>(content.status.as_str())
        .get_result(&mut **tx)
        .await
}

/// Disables a webhook, unless it is disabled; returns whether it was not.
pub async fn disable(tx: &mut Tx, id: Uuid, reason: DisabledReason) -> QueryResult<bool> {
    let disabled = sql_query(
        "UPDATE webhooks SET status = 'disabled', disabled_reason = $2, version = version + 1, updated_at = now()
         WHERE id = $1 AND status = 'enabled'",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(reason.as_str())
    .execute(&mut **tx)
    .await?;
    Ok(disabled == 1)
}

/// Gives a webhook its next secret. The one before signs too for a while. `None` if as many former ones sign as can.
pub async fn rotate_secret(tx: &mut Tx, id: Uuid) -> QueryResult<Option<Row>> {
    let text = format!(
        "UPDATE webhooks SET secret_number = secret_number + 1,
                former_secret_until = now() + make_interval(hours => $2),
                earlier_secrets_until = ARRAY(SELECT until FROM {FORMER_SECRETS} WHERE place < {MAX_FORMER_SECRETS} ORDER BY place),
                version = version + 1, updated_at = now()
         WHERE id = $1 AND (SELECT count(*) FROM {FORMER_SECRETS} WHERE until > now()) < {MAX_FORMER_SECRETS}
         RETURNING {COLUMNS}"
    );
    let rotate = sql_query(text).bind::<SqlUuid, _>(id).bind::<Integer, _>(FORMER_SECRET_HOURS);
    rotate.get_result(&mut **tx).await.optional()
}

/// Removes a webhook. Its deliveries are removed later, as they may be many.
pub async fn delete(tx: &mut Tx, id: Uuid) -> QueryResult<()> {
    sql_query("DELETE FROM webhooks WHERE id = $1").bind::<SqlUuid, _>(id).execute(&mut **tx).await?;
    Ok(())
}

/// The ids of the members who are told when a webhook is disabled: active admins.
pub async fn list_admins(mut conn: &Connection) -> QueryResult<Vec<Uuid>> {
    let text = "SELECT id FROM members WHERE role = 'admin' AND status = 'active' AND deleted_at IS NULL ORDER BY id";
    let found: Vec<IdRow> = sql_query(text).load(&mut conn).await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// Notes the success of a delivery, or the failure of one.
pub async fn note_health(tx: &mut Tx, id: Uuid, is_healthy: bool) -> QueryResult<()> {
    let text = match is_healthy {
        true => "UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL",
        false => "UPDATE webhooks SET failing_since = now() WHERE id = $1 AND failing_since IS NULL",
    };
    sql_query(text).bind::<SqlUuid, _>(id).execute(&mut **tx).await?;
    Ok(())
}
