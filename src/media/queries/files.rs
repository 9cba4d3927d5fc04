//! The files of media, the presets there have been, and the sweep of what nothing uses.

use chrono::{DateTime, Utc};
use diesel::dsl::{now, sql};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::db::connection::Connection;
use crate::db::schema::{media_files, media_leases, media_presets};
use crate::media::model::{MediaKind, Presence};
use crate::tx::Tx;

/// What is stored of a file.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = media_files, check_for_backend(diesel::pg::Pg))]
pub struct FileRow {
    /// The digest of the bytes.
    pub sha256: Vec<u8>,
    /// How many bytes it has.
    pub bytes: i64,
    /// Its media type.
    pub mime: String,
    /// What it is.
    pub kind: MediaKind,
    /// What was found in a picture.
    pub picture: Option<Value>,
}

/// How long the sweep has to take bytes away, in minutes. After that, they can be stored again.
const REMOVAL_MINUTES: i64 = 2;

/// The file with these bytes, if they are in the store. They are leaving while the sweep takes them away.
pub async fn find_file(mut conn: &Connection, sha256: &[u8]) -> QueryResult<Presence<FileRow>> {
    let is_leaving =
        sql::<Nullable<Bool>>(&format!("removing_at > now() - interval '{REMOVAL_MINUTES} minutes'"));
    let found: Option<(FileRow, Option<bool>)> = media_files::table
        .find(sha256)
        .select((FileRow::as_select(), is_leaving))
        .first(&mut conn)
        .await
        .optional()?;
    Ok(match found {
        Some((file, None)) => Presence::There(file),
        Some((_, Some(true))) => Presence::Leaving,
        Some((_, Some(false))) | None => Presence::Absent,
    })
}

/// Adds a file, whose bytes are in the store, or notes that it is used again. Locks it until the transaction ends.
/// `false` if it is being taken away: then its bytes are to be stored again.
pub async fn use_file(tx: &mut Tx, file: &FileRow) -> QueryResult<bool> {
    let used = sql_query(
        "INSERT INTO media_files (sha256, bytes, mime, kind, picture) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (sha256) DO UPDATE SET last_used_at = now(), bytes = excluded.bytes, mime = excluded.mime,
             kind = excluded.kind, picture = excluded.picture, removing_at = NULL
         WHERE media_files.removing_at IS NULL OR media_files.removing_at < now() - $6 * interval '1 minute'",
    )
    .bind::<Binary, _>(&file.sha256)
    .bind::<BigInt, _>(file.bytes)
    .bind::<Text, _>(&file.mime)
    .bind::<Text, _>(file.kind.as_str())
    .bind::<Nullable<Jsonb>, _>(&file.picture)
    .bind::<BigInt, _>(REMOVAL_MINUTES)
    .execute(&mut **tx)
    .await?;
    Ok(used == 1)
}

/// Claims files for removal: those of `found` in the store that have no row, those that nothing has used for a day, and
/// those that were claimed ten minutes ago or more and are still there. From then on, nothing begins to use them.
///
/// The caller has a minute to take the bytes away. Returns each digest, and whether it was claimed before.
pub async fn claim_unused(tx: &mut Tx, found: &[Vec<u8>], most: i64) -> QueryResult<Vec<ClaimedFile>> {
    sql_query(
        "INSERT INTO media_files (sha256, bytes, mime, kind, last_used_at, removing_at)
         SELECT one, 0, '', 'document', '-infinity', '-infinity' FROM unnest($1) AS one ON CONFLICT DO NOTHING",
    )
    .bind::<Array<Binary>, _>(found)
    .execute(&mut **tx)
    .await?;
    sql_query(
        "WITH unused AS (
             SELECT sha256, removing_at > '-infinity' AS was_claimed FROM media_files
             WHERE (removing_at IS NULL AND last_used_at < now() - interval '1 day'
                    OR removing_at < now() - interval '10 minutes')
             AND NOT EXISTS (SELECT FROM media WHERE media.sha256 = media_files.sha256)
             ORDER BY last_used_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE media_files SET removing_at = now() FROM unused WHERE media_files.sha256 = unused.sha256
         RETURNING media_files.sha256, coalesce(unused.was_claimed, false) AS was_claimed",
    )
    .bind::<BigInt, _>(most)
    .load(&mut **tx)
    .await
}

/// A file that the sweep takes away.
#[derive(Clone, Debug, QueryableByName)]
pub struct ClaimedFile {
    /// The digest of its bytes.
    #[diesel(sql_type = Binary)]
    pub sha256: Vec<u8>,
    /// Whether that was begun before.
    #[diesel(sql_type = Bool)]
    pub was_claimed: bool,
}

/// Forgets files whose bytes have been taken away.
pub async fn forget_removed(tx: &mut Tx, removed: &[Vec<u8>]) -> QueryResult<()> {
    let gone = media_files::table
        .filter(media_files::sha256.eq_any(removed))
        .filter(media_files::removing_at.is_not_null());
    diesel::delete(gone).execute(&mut **tx).await.map(drop)
}

/// Whether the site has any file.
pub async fn has_files(mut conn: &Connection) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(media_files::table.select(media_files::sha256)))
        .get_result(&mut conn)
        .await
}

/// Those of `digests` that have no row.
pub async fn find_unknown(mut conn: &Connection, digests: Vec<Vec<u8>>) -> QueryResult<Vec<Vec<u8>>> {
    let unknown: Vec<Digest> = sql_query(
        "SELECT one AS sha256 FROM unnest($1) AS one
         WHERE NOT EXISTS (SELECT FROM media_files WHERE media_files.sha256 = one)",
    )
    .bind::<Array<Binary>, _>(digests)
    .load(&mut conn)
    .await?;
    Ok(unknown.into_iter().map(|row| row.sha256).collect())
}

#[derive(QueryableByName)]
struct Digest {
    #[diesel(sql_type = Binary)]
    sha256: Vec<u8>,
}

/// Notes the definitions of presets, so that addresses made with them stay valid.
pub async fn note_presets(mut conn: &Connection, presets: &[(String, String)]) -> QueryResult<()> {
    let rows: Vec<_> = presets
        .iter()
        .map(|(name, definition)| (media_presets::name.eq(name), media_presets::definition.eq(definition)))
        .collect();
    let insert = diesel::insert_into(media_presets::table).values(rows).on_conflict_do_nothing();
    insert.execute(&mut conn).await.map(drop)
}

/// The definitions that a preset has had.
pub async fn load_definitions(mut conn: &Connection, name: &str) -> QueryResult<Vec<String>> {
    let found = media_presets::table.filter(media_presets::name.eq(name));
    found.select(media_presets::definition).load(&mut conn).await
}

/// The time of the database's clock from which on an object of the store is too young to be swept.
pub async fn load_young_since(mut conn: &Connection) -> QueryResult<DateTime<Utc>> {
    diesel::select(sql::<Timestamptz>("now() - interval '1 day'")).get_result(&mut conn).await
}

/// Takes the work `name` for `seconds`. `false` if somebody else does it.
pub async fn take_lease(tx: &mut Tx, name: &str, seconds: i64) -> QueryResult<bool> {
    let taken = sql_query(
        "INSERT INTO media_leases (name, until) VALUES ($1, now() + $2 * interval '1 second')
         ON CONFLICT (name) DO UPDATE SET until = excluded.until WHERE media_leases.until < now()",
    )
    .bind::<Text, _>(name)
    .bind::<BigInt, _>(seconds)
    .execute(&mut **tx)
    .await?;
    Ok(taken == 1)
}

/// Keeps the work `name`, which this process has, for further `seconds`.
pub async fn renew_lease(tx: &mut Tx, name: &str, seconds: i64) -> QueryResult<()> {
    sql_query("UPDATE media_leases SET until = now() + $2 * interval '1 second' WHERE name = $1")
        .bind::<Text, _>(name)
        .bind::<BigInt, _>(seconds)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Whether nobody does the work `name`.
pub async fn is_free(mut conn: &Connection, name: &str) -> QueryResult<bool> {
    let taken = media_leases::table.find(name).filter(media_leases::until.ge(now));
    let is_taken: bool = diesel::select(diesel::dsl::exists(taken)).get_result(&mut conn).await?;
    Ok(!is_taken)
}

/// Gives the work `name` back.
pub async fn release_lease(tx: &mut Tx, name: &str) -> QueryResult<()> {
    diesel::delete(media_leases::table.find(name)).execute(&mut **tx).await.map(drop)
}

/// Forgets leases that have ended.
pub async fn delete_ended_leases(tx: &mut Tx) -> QueryResult<()> {
    let ended = media_leases::table.filter(media_leases::until.lt(now));
    diesel::delete(ended).execute(&mut **tx).await.map(drop)
}
