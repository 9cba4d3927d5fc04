//! All SQL of media.

pub mod files;
pub mod uploads;

use std::fmt::Write;

use data_encoding::HEXLOWER;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Content, Focal, MediaKind, Row, UserRow};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, SortColumn, Value};
use crate::db::schema::media;
use crate::db::visibility::Media;
use crate::tx::Tx;

/// The columns of a row, over `media` joined with its file.
const COLUMNS: &str = "media.id, media.sha256, media.kind, media.name, media.alt, media.caption, media.credit, \
     media.source_url, media.tags, media.focal_x, media.focal_y, media.former_focals, media.audience, \
     media.created_by, media.version, media.created_at, media.updated_at, media.deleted_at, media_files.mime, \
     media_files.bytes, media_files.picture";
const WITH_FILES: &str = "media JOIN media_files ON media_files.sha256 = media.sha256";

/// The media whose ids are in the array `ids`, as JSON for [`UsedMedia`](super::addresses::UsedMedia).
fn used_media(ids: &str) -> String {
    format!(
        "(SELECT jsonb_agg(jsonb_build_object('id', media.id, 'sha256', encode(media.sha256, 'hex'), \
         'kind', media.kind, 'mime', media_files.mime, 'bytes', media_files.bytes, 'alt', media.alt, \
         'caption', media.caption, 'credit', media.credit, 'focal_x', media.focal_x, 'focal_y', media.focal_y, \
         'audience', media.audience, 'picture', media_files.picture)) \
         FROM {WITH_FILES} WHERE media.id = ANY ({ids}) AND media.deleted_at IS NULL)"
    )
}

/// The media that texts in the columns `texts` name, as JSON. Null if none does.
pub fn media_in(texts: &[&str]) -> String {
    let names_media =
        texts.iter().map(|text| format!("{text} LIKE '%/media/%'")).collect::<Vec<_>>().join(" OR ");
    let ids = used_media(&format!("find_media_ids(concat_ws(' ', {}))", texts.join(", ")));
    format!("CASE WHEN {names_media} THEN {ids} END")
}

/// The media that a text names, as JSON. Null if it names none.
pub async fn load_media_in(mut conn: &Connection, text: String) -> QueryResult<Option<serde_json::Value>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Jsonb>)]
        media: Option<serde_json::Value>,
    }
    let statement =
        format!("SELECT {} AS media FROM (SELECT $1 AS text) AS given", media_in(&["given.text"]));
    let found: Found =
        sql_query(statement).bind::<diesel::sql_types::Text, _>(text).get_result(&mut conn).await?;
    Ok(found.media)
}

/// Media, if they are visible.
pub async fn get(mut conn: &Connection, id: Uuid, visible: Media) -> QueryResult<Row> {
    let (conditions, text) = select_one(id, visible, "");
    conditions.statement(text).get_result(&mut conn).await
}

/// Media, if they are visible, locked until the transaction ends. `exclusively`: nothing can begin to use them meanwhile.
pub async fn lock(tx: &Tx, id: Uuid, visible: Media, exclusively: bool) -> QueryResult<Row> {
    let strength = if exclusively { "FOR UPDATE OF media" } else { "FOR NO KEY UPDATE OF media" };
    let (conditions, text) = select_one(id, visible, strength);
    conditions.statement(text).get_result(&mut &**tx).await
}

fn select_one(id: Uuid, visible: Media, locking: &str) -> (Conditions, String) {
    let mut conditions = Conditions::default();
    conditions.and_if("media.id = ?", Some(Value::Id(id)));
    visible.restrict(&mut conditions);
    let text = format!("SELECT {COLUMNS} FROM {WITH_FILES} WHERE {} {locking}", conditions.sql());
    (conditions, text)
}

/// What a list of media can be cut down to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What the files are.
    pub kind: Option<MediaKind>,
    /// All of these tags.
    pub tags: Vec<String>,
    /// A part of the name, of a text or of an address, in any case.
    pub text: Option<String>,
    /// The digest of the bytes.
    pub sha256: Option<String>,
    /// The address they were taken from.
    pub source_url: Option<String>,
    /// Whether anything uses them.
    pub used: Option<bool>,
    /// Who made them.
    pub created_by: Option<Uuid>,
}

/// The order of a list of media: the newest first.
pub fn order() -> Vec<SortColumn> {
    let column = |name, sql, cast| SortColumn { name, sql, cast, descending: true };
    vec![column("created_at", "media.created_at", "timestamptz"), column("id", "media.id", "uuid")]
}

/// The conditions of a list.
pub fn conditions(filter: Filter, visible: Media) -> Conditions {
    let mut conditions = Conditions::default();
    visible.restrict(&mut conditions);
    conditions.and_if("media.kind = ?", filter.kind.map(|kind| Value::Text(kind.as_str().to_owned())));
    conditions.and_if("media.tags @> ?", Some(filter.tags).filter(|tags| !tags.is_empty()).map(Value::Texts));
    conditions.and_if("media.sha256 = decode(?, 'hex')", filter.sha256.map(Value::Text));
    // The index is of a digest, as an address can be longer than a line of an index.
    conditions.and_if("md5(media.source_url) = md5(?)", filter.source_url.map(Value::Text));
    conditions.and_if("media.created_by = ?", filter.created_by.map(Value::Id));
    if let Some(text) = filter.text {
        let mark = conditions.bind(Value::Text(like_pattern(&text)));
        let columns =
            ["name", "alt", "caption", "credit"].map(|column| format!("media.{column} ILIKE {mark}"));
        conditions.and(format!("({})", columns.join(" OR ")));
    }
    match filter.used {
        Some(true) => conditions.and("EXISTS (SELECT FROM media_uses WHERE media_uses.media_id = media.id)"),
        Some(false) => {
            conditions.and("NOT EXISTS (SELECT FROM media_uses WHERE media_uses.media_id = media.id)")
        }
        None => {}
    }
    conditions
}

/// The pattern of texts that hold `text`.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        let escape = if matches!(c, '%' | '_' | '\\') { "\\" } else { "" };
        // Writing to a string does not fail.
        let _ = write!(pattern, "{escape}{c}");
    }
    pattern + "%"
}

/// A page of media.
pub async fn list(mut conn: &Connection, conditions: Conditions, slice: &PageSlice) -> QueryResult<Vec<Row>> {
    conditions.page_query(COLUMNS, WITH_FILES, slice).load(&mut conn).await
}

/// Adds media over the file `sha256`, which is there.
pub async fn insert(
    tx: &mut Tx,
    id: Uuid,
    (sha256, kind): (&[u8], MediaKind),
    content: &Content,
    created_by: Option<Uuid>,
) -> QueryResult<Row> {
    let row = (
        media::id.eq(id),
        media::sha256.eq(sha256),
        media::kind.eq(kind),
        content,
        media::created_by.eq(created_by),
    );
    let insert = diesel::insert_into(media::table).values(row).returning(Row::as_returning());
    insert.get_result(&mut **tx).await
}

/// Whether media over this file are visible.
pub async fn has_media_of(tx: &Tx, sha256: &[u8], visible: Media) -> QueryResult<bool> {
    let mut conditions = Conditions::default();
    conditions.and_if("media.sha256 = decode(?, 'hex')", Some(Value::Text(HEXLOWER.encode(sha256))));
    visible.restrict(&mut conditions);
    crate::db::rows::count(tx, "media", conditions, Some(1)).await.map(|count| count > 0)
}

/// Replaces what can be changed about media. A focal point that is left is kept, for the addresses made with it.
pub async fn update(tx: &mut Tx, before: &Row, content: &Content) -> QueryResult<Row> {
    let mut former = before.former_focals.clone();
    let was = before.content.focal();
    let is_known = former.chunks_exact(2).any(|pair| Focal { x: pair[0], y: pair[1] } == was);
    if was != content.focal() && !is_known {
        former.extend([was.x, was.y]);
    }
    diesel::update(media::table.find(before.id))
        .set((
            content,
            media::former_focals.eq(former),
            media::version.eq(media::version + 1),
            media::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Puts media into the trash, or takes them out.
pub async fn set_deleted(tx: &mut Tx, id: Uuid, deleted: bool) -> QueryResult<Row> {
    use diesel::sql_types::{Nullable, Timestamptz};
    let at = diesel::dsl::sql::<Nullable<Timestamptz>>(if deleted { "now()" } else { "NULL" });
    diesel::update(media::table.find(id))
        .set((media::deleted_at.eq(at), media::version.eq(media::version + 1), media::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// What uses these media, the first `most` of each. Drafts and what is in the trash use them too.
pub async fn load_users(mut conn: &Connection, ids: Vec<Uuid>, most: i64) -> QueryResult<Vec<UserRow>> {
    sql_query(
        "SELECT uses.media_id, uses.entity, uses.user_id AS id,
                coalesce(articles.title, notices.title, menus.name, '') AS title
         FROM unnest($1) AS wanted, LATERAL (
             SELECT media_id, entity, user_id FROM media_uses WHERE media_id = wanted
             ORDER BY entity, user_id LIMIT $2) AS uses
         LEFT JOIN articles ON uses.entity = 'article' AND articles.id = uses.user_id
         LEFT JOIN notices ON uses.entity = 'notice' AND notices.id = uses.user_id
         LEFT JOIN menus ON uses.entity = 'menu' AND menus.id = uses.user_id
         ORDER BY uses.media_id, uses.entity, uses.user_id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<BigInt, _>(most)
    .load(&mut conn)
    .await
}

/// Those of `ids` that media have which are for everybody. They cannot be deleted until the transaction ends.
pub async fn lock_public(tx: &Tx, ids: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    let mut conditions = Conditions::default();
    conditions.and_if("media.id = ANY(?)", Some(Value::Ids(ids.to_vec())));
    Media::Public.restrict(&mut conditions);
    let text = format!("SELECT media.id FROM media WHERE {} FOR KEY SHARE", conditions.sql());
    let found: Vec<FoundId> = conditions.statement(text).load(&mut &**tx).await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

#[derive(QueryableByName)]
struct FoundId {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Deletes some media that were put into the trash `days` ago and that nothing uses. Returns whether there may be more.
pub async fn delete_old_trash(tx: &mut Tx, days: u32) -> QueryResult<bool> {
    const STEP: usize = 500;
    let deleted = sql_query(format!(
        "DELETE FROM media WHERE id IN (
             SELECT id FROM media WHERE deleted_at < now() - $1 * interval '1 day'
             AND NOT EXISTS (SELECT FROM media_uses WHERE media_uses.media_id = media.id)
             ORDER BY deleted_at LIMIT {STEP} FOR UPDATE SKIP LOCKED)"
    ))
    .bind::<BigInt, _>(i64::from(days))
    .execute(&mut **tx)
    .await?;
    Ok(deleted == STEP)
}
