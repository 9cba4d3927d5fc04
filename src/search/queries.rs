//! All SQL that keeps the index true: what has changed, and the texts of articles and notices.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::config::timezones::{DEFAULT_TIMEZONE, find_timezone};
use crate::db::connection::Connection;
use crate::db::rows::begins_within_bytes;
use crate::index::live::find_document;

/// What an article or a notice is found by.
#[derive(Debug, QueryableByName)]
#[expect(missing_docs, reason = "they are the columns of the tables")]
pub struct TextRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub title: String,
    #[diesel(sql_type = Text)]
    pub summary: String,
    #[diesel(sql_type = Text)]
    pub body: String,
    #[diesel(sql_type = Array<Text>)]
    pub tags: Vec<String>,
    #[diesel(sql_type = Text)]
    pub author: String,
    #[diesel(sql_type = Text)]
    pub source_name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub category_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub created_by: Option<Uuid>,
    /// The kind of a notice; of an article null.
    #[diesel(sql_type = Nullable<Text>)]
    pub notice_kind: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub audience: Option<String>,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Bool)]
    pub is_deleted: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub published_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    pub views: i64,
}

/// A summary that was made from the body would count twice.
const ARTICLES: &str = "SELECT articles.id, title, CASE WHEN summary_made THEN '' ELSE summary END AS summary, body, \
     tags, author, source_name, articles.category_id, created_by, \
     NULL::text AS notice_kind, NULL::text AS audience, status, deleted_at IS NOT NULL AS is_deleted, published_at, \
     NULL::timestamptz AS expires_at, updated_at, created_at, coalesce(views, 0) AS views \
     FROM articles LEFT JOIN article_views ON article_id = articles.id";
const NOTICES: &str = "SELECT id, title, CASE WHEN summary_made THEN '' ELSE summary END AS summary, body, ARRAY[]::text[] AS tags, '' AS author, \
     '' AS source_name, NULL::uuid AS category_id, NULL::uuid AS created_by, kind AS notice_kind, audience, status, \
     deleted_at IS NOT NULL AS is_deleted, published_at, expires_at, updated_at, created_at, 0::bigint AS views \
     FROM notices";

/// What [`load_after`] walks through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The articles.
    Articles,
    /// The notices.
    Notices,
}

/// The next rows of a table in the order of their ids, `most` at most: those whose bodies begin within 4 MiB.
pub async fn load_after(
    mut conn: &Connection,
    table: Table,
    after: Uuid,
    most: i64,
) -> QueryResult<Vec<TextRow>> {
    let (select, name) = match table {
        Table::Articles => (ARTICLES, "articles"),
        Table::Notices => (NOTICES, "notices"),
    };
    let next = begins_within_bytes(name, "WHERE id > $1 ORDER BY id LIMIT $2", "id");
    let text = format!("{select} WHERE {next} ORDER BY {name}.id");
    sql_query(text).bind::<SqlUuid, _>(after).bind::<BigInt, _>(most).load(&mut conn).await
}

/// Articles and notices among these ids, in whatever state: those whose bodies begin within 4 MiB, by id. None only if there are
/// none.
pub async fn load_by_ids(mut conn: &Connection, ids: &[Uuid]) -> QueryResult<Vec<TextRow>> {
    let among = |table| begins_within_bytes(table, "WHERE id = ANY($1)", "id");
    let text =
        format!("{ARTICLES} WHERE {} UNION ALL {NOTICES} WHERE {}", among("articles"), among("notices"));
    sql_query(text).bind::<Array<SqlUuid>, _>(ids).load(&mut conn).await
}

/// What a look at the log has found.
#[derive(Debug, Default)]
pub struct Look {
    /// The articles and notices that were touched.
    pub ids: Vec<Uuid>,
    /// Whether the index is to be built again.
    pub is_rebuild_wanted: bool,
    /// Whether something that writes no log has changed so many things that `ids` does not have them.
    pub is_incomplete: bool,
    /// The time zone that the site has now.
    pub timezone: String,
    /// The position that the log has now.
    pub position: String,
}

/// As the follower of snapshots does it: no transaction is missed, and none is waited for.
const LOOK: &str = "WITH fresh AS (
         SELECT entity, entity_id FROM changes
         WHERE xid >= pg_snapshot_xmax($1::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())
         UNION
         SELECT entity, entity_id FROM changes
         WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))))
     SELECT pg_current_snapshot()::text AS position,
         pg_snapshot_xmax($1::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot()) AS is_known,
         ARRAY(SELECT entity_id FROM fresh WHERE entity IN ('article', 'notice')) AS ids,
         ARRAY(
             SELECT tag FROM invalidations, unnest(tags) AS tag
             WHERE xid >= pg_snapshot_xmax($1::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())
                   AND (tag LIKE 'article:%' OR tag LIKE 'notice:%')
             UNION
             SELECT tag FROM invalidations, unnest(tags) AS tag
             WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))
                   AND (tag LIKE 'article:%' OR tag LIKE 'notice:%')) AS tags,
         EXISTS (SELECT FROM fresh WHERE entity = 'search') AS is_rebuild_wanted,
         EXISTS (
             SELECT FROM (
                 SELECT xid, tags FROM invalidations
                 WHERE xid >= pg_snapshot_xmax($1::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())
                 UNION ALL
                 SELECT xid, tags FROM invalidations
                 WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))) AS stale
             WHERE '*' = ANY (tags) AND NOT EXISTS (SELECT FROM changes WHERE changes.xid = stale.xid)) AS is_incomplete,
         coalesce((SELECT timezone FROM site), '') AS timezone";

/// Looks at what was committed since `position`. `None` if the database has never been at that position: it was put back to
/// an earlier state.
pub async fn look_since(mut conn: &Connection, position: &str) -> QueryResult<Option<Look>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        position: String,
        #[diesel(sql_type = Bool)]
        is_known: bool,
        #[diesel(sql_type = Array<SqlUuid>)]
        ids: Vec<Uuid>,
        #[diesel(sql_type = Array<Text>)]
        tags: Vec<String>,
        #[diesel(sql_type = Bool)]
        is_rebuild_wanted: bool,
        #[diesel(sql_type = Bool)]
        is_incomplete: bool,
        #[diesel(sql_type = Text)]
        timezone: String,
    }
    let found: Found = sql_query(LOOK).bind::<Text, _>(position).get_result(&mut conn).await?;
    let mut ids = found.ids;
    ids.extend(found.tags.iter().filter_map(|tag| find_document(tag)));
    ids.sort_unstable();
    ids.dedup();
    let look = Look {
        ids,
        is_rebuild_wanted: found.is_rebuild_wanted,
        is_incomplete: found.is_incomplete,
        timezone: found.timezone,
        position: found.position,
    };
    Ok(found.is_known.then_some(look))
}

/// What an index is built on. On another base it has to be built again.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Base {
    /// The database, also told from copies of it elsewhere: positions of one mean nothing in another. And its tables, which
    /// are others when they come back from a dump: the log does not tell what is in them.
    #[diesel(sql_type = Text)]
    database: String,
    /// The time zone of the site, by which years are counted.
    #[diesel(sql_type = Text)]
    pub timezone: String,
}

impl Base {
    /// The base as a text.
    pub fn identity(&self) -> String {
        format!("{} {}", self.database, self.timezone)
    }

    /// The time zone of the site.
    pub fn timezone(&self) -> Tz {
        find_timezone(&self.timezone).unwrap_or(DEFAULT_TIMEZONE)
    }
}

/// What an index of this database is built on.
pub async fn load_base(mut conn: &Connection) -> QueryResult<Base> {
    let text = "SELECT concat_ws('/', system_identifier, pg_database.oid, datname, \
         'articles'::regclass::oid, 'notices'::regclass::oid) AS database, \
         coalesce((SELECT timezone FROM site), '') AS timezone \
         FROM pg_control_system(), pg_database WHERE datname = current_database()";
    sql_query(text).get_result(&mut conn).await
}
