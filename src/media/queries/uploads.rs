//! Uploads that arrive in parts.

use chrono::{DateTime, Utc};
use diesel::dsl::{now, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::schema::media_uploads;
use crate::tx::Tx;

/// An upload that arrives in parts.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = media_uploads, check_for_backend(Pg))]
pub struct UploadRow {
    /// Its id.
    pub id: Uuid,
    /// The member or the key that began it.
    pub owner_id: Uuid,
    /// How many bytes it will have.
    pub bytes: i64,
    /// How many have arrived.
    pub received: i64,
    /// The names of the parts in the store, in order.
    pub parts: Vec<String>,
    /// What is said of the file.
    pub metadata: Value,
    /// The media that it has become.
    pub media_id: Option<Uuid>,
    /// Whether there were media with the same bytes, which the owner may see.
    pub duplicate: bool,
    /// Why the file was refused.
    pub refusal: Option<Value>,
    /// Until when it is kept.
    pub expires_at: DateTime<Utc>,
}

/// Hours for which an upload that does not go on is kept.
pub const KEPT_HOURS: i32 = 48;

/// Begins an upload.
pub async fn insert(
    tx: &mut Tx,
    id: Uuid,
    owner_id: Uuid,
    bytes: i64,
    metadata: &Value,
) -> QueryResult<UploadRow> {
    diesel::insert_into(media_uploads::table)
        .values((
            media_uploads::id.eq(id),
            media_uploads::owner_id.eq(owner_id),
            media_uploads::bytes.eq(bytes),
            media_uploads::metadata.eq(metadata),
            media_uploads::expires_at
                .eq(sql::<Timestamptz>(&format!("now() + interval '{KEPT_HOURS} hours'"))),
        ))
        .returning(UploadRow::as_returning())
        .get_result(&mut **tx)
        .await
}

/// How many uploads an owner has under way, and how many bytes they will have.
pub async fn load_open(mut conn: &Connection, owner_id: Uuid) -> QueryResult<(i64, i64)> {
    #[derive(QueryableByName)]
    struct Open {
        #[diesel(sql_type = BigInt)]
        count: i64,
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let open: Open = sql_query(
        "SELECT count(*) AS count, coalesce(sum(bytes), 0)::bigint AS bytes FROM media_uploads
         WHERE owner_id = $1 AND media_id IS NULL AND refusal IS NULL AND expires_at > now()",
    )
    .bind::<SqlUuid, _>(owner_id)
    .get_result(&mut conn)
    .await?;
    Ok((open.count, open.bytes))
}

/// An upload that has not expired.
pub async fn find(mut conn: &Connection, id: Uuid, owner_id: Uuid) -> QueryResult<UploadRow> {
    let found = media_uploads::table.find(id).filter(media_uploads::owner_id.eq(owner_id));
    found.filter(media_uploads::expires_at.gt(now)).select(UploadRow::as_select()).first(&mut conn).await
}

/// Adds a part that is in the store. `false` if another request has added one since `received` was read.
pub async fn add_part(tx: &mut Tx, id: Uuid, received: i64, name: &str, bytes: i64) -> QueryResult<bool> {
    let updated = sql_query(
        "UPDATE media_uploads SET parts = parts || $3::text, received = received + $4,
                                  expires_at = now() + $5 * interval '1 hour'
         WHERE id = $1 AND received = $2 AND media_id IS NULL AND refusal IS NULL",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(received)
    .bind::<Text, _>(name)
    .bind::<BigInt, _>(bytes)
    .bind::<BigInt, _>(i64::from(KEPT_HOURS))
    .execute(&mut **tx)
    .await?;
    Ok(updated == 1)
}

/// What has become of an upload: media, or a refusal.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The media that it has become.
    pub media_id: Option<Uuid>,
    /// Whether there were media with the same bytes.
    pub duplicate: bool,
    /// Why the file was refused.
    pub refusal: Option<Value>,
}

/// Notes what has become of an upload that has arrived as a whole. Returns the parts, which nothing needs any more; `None`
/// if that was noted before.
pub async fn finish(tx: &mut Tx, id: Uuid, outcome: Outcome) -> QueryResult<Option<Vec<String>>> {
    let open = media_uploads::table
        .find(id)
        .filter(media_uploads::media_id.is_null().and(media_uploads::refusal.is_null()));
    let parts: Option<Vec<String>> =
        open.select(media_uploads::parts).for_update().first(&mut **tx).await.optional()?;
    if parts.is_some() {
        diesel::update(media_uploads::table.find(id))
            .set((
                media_uploads::media_id.eq(outcome.media_id),
                media_uploads::duplicate.eq(outcome.duplicate),
                media_uploads::refusal.eq(outcome.refusal),
                media_uploads::parts.eq(Vec::<String>::new()),
            ))
            .execute(&mut **tx)
            .await?;
    }
    Ok(parts)
}

/// Deletes an upload. Returns its parts; `None` if there is none.
pub async fn delete(tx: &mut Tx, id: Uuid, owner_id: Uuid) -> QueryResult<Option<Vec<String>>> {
    let found = media_uploads::table.find(id).filter(media_uploads::owner_id.eq(owner_id));
    diesel::delete(found).returning(media_uploads::parts).get_result(&mut **tx).await.optional()
}

/// Deletes some uploads that have expired. Returns the parts of each.
pub async fn delete_expired(tx: &mut Tx) -> QueryResult<Vec<Vec<String>>> {
    let expired = media_uploads::table
        .filter(media_uploads::expires_at.lt(now))
        .order(media_uploads::expires_at)
        .limit(100)
        .select(media_uploads::id)
        .for_update()
        .skip_locked();
    let ids: Vec<Uuid> = expired.load(&mut **tx).await?;
    let gone = media_uploads::table.filter(media_uploads::id.eq_any(ids));
    diesel::delete(gone).returning(media_uploads::parts).get_results(&mut **tx).await
}

/// Those of `parts` that uploads have.
pub async fn find_known_parts(mut conn: &Connection, parts: Vec<String>) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = Text)]
        part: String,
    }
    let known: Vec<Known> = sql_query(
        "SELECT part FROM media_uploads, unnest(parts) AS part
         WHERE media_uploads.id IN (SELECT split_part(one, '/', 2)::uuid FROM unnest($1) AS one
                                    WHERE split_part(one, '/', 2) ~ '^[0-9a-f-]{36}$')",
    )
    .bind::<diesel::sql_types::Array<Text>, _>(parts)
    .load(&mut conn)
    .await?;
    Ok(known.into_iter().map(|known| known.part).collect())
}
