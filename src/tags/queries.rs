//! All SQL of tags.
//!
//! `tag_counts` has the published articles of each tag, but for the changes in `tag_changes`, which are added to it every few
//! seconds. Published articles whose time has not come are taken off.

use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::view::{TagCount, TagDetail, TagSort};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, SortColumn, Value};
use crate::db::visibility::SCHEDULED_ARTICLE;
use crate::tx::Tx;

/// The key of the advisory lock under which renamings begin, one after the other.
const RENAMING_LOCK: i64 = 0x696e_6b74_6167_7331;
/// The key of the advisory lock of those who add changes to the counts.
const COUNTING_LOCK: i64 = 0x696e_6b74_6167_7332;
/// Changes that are added to the counts in one transaction.
const MAX_STEP_CHANGES: i64 = 20_000;
/// The articles that are not published, or are in the trash: an index has their tags.
const HIDDEN_ARTICLE: &str = "(articles.status <> 'published' OR articles.deleted_at IS NOT NULL)";

/// The columns of an order.
pub fn order(sort: TagSort) -> Vec<SortColumn> {
    let count = SortColumn { name: "count", sql: "tags.count", cast: "bigint", descending: true };
    let tag = SortColumn { name: "tag", sql: "tags.tag", cast: "text COLLATE \"C\"", descending: false };
    match sort {
        TagSort::CountDown => vec![count, tag],
        TagSort::Tag => vec![tag],
    }
}

/// The order columns of a row, as a cursor keeps them.
pub fn cursor_keys(order: &[SortColumn], row: &TagCount) -> Vec<String> {
    let key =
        |column: &SortColumn| if column.name == "count" { row.count.to_string() } else { row.tag.clone() };
    order.iter().map(key).collect()
}

/// Tags whose count is not the one of their row, and by how much.
fn adjusted() -> String {
    format!(
        "adjusted AS MATERIALIZED (
             SELECT tag, sum(change)::bigint AS change FROM (
                 SELECT tag, change FROM tag_changes
                 UNION ALL
                 SELECT tag COLLATE \"C\", -1 FROM (
                     SELECT DISTINCT id, tag FROM articles, unnest(tags) AS tag WHERE {SCHEDULED_ARTICLE}) AS scheduled
             ) AS changes GROUP BY tag)"
    )
}

/// The tags that public articles have and that meet `conditions`, over `tags`: those whose count is that of their row, which
/// an index has in each order, and the others.
fn select_tags(conditions: &Conditions, tail: &str) -> String {
    let met = conditions.sql();
    format!(
        "(SELECT tags.tag, tags.count FROM tag_counts AS tags
          WHERE tags.count > 0 AND tags.tag NOT IN (SELECT tag FROM adjusted) AND {met} {tail})
         UNION ALL
         (SELECT tags.tag, tags.count FROM (
              SELECT adjusted.tag, coalesce(tag_counts.count, 0) + adjusted.change AS count
              FROM adjusted LEFT JOIN tag_counts USING (tag)) AS tags
          WHERE tags.count > 0 AND {met} {tail})"
    )
}

fn begins_with(prefix: Option<&str>) -> Conditions {
    let mut conditions = Conditions::default();
    let range = "tags.tag >= ? AND tags.tag < ? || chr(1114111)";
    conditions.and_if(range, prefix.map(|prefix| Value::Text(prefix.to_owned())));
    conditions
}

/// The statement of [`list_tags`], and the values it binds.
pub fn list_statement(prefix: Option<&str>, slice: &PageSlice) -> (Conditions, String) {
    let mut conditions = begins_with(prefix);
    slice.add_cursor(&mut conditions);
    let order = slice.order_by();
    let most = slice.limit + slice.offset;
    let tags = select_tags(&conditions, &format!("{order} LIMIT {most}"));
    let limit = slice.limit_and_offset(&mut conditions);
    let text = format!("WITH {} SELECT tag, count FROM ({tags}) AS tags {order} {limit}", adjusted());
    (conditions, text)
}

/// A page of the tags that public articles have, and how many have each.
pub async fn list_tags(
    mut conn: &Connection,
    prefix: Option<&str>,
    slice: &PageSlice,
) -> QueryResult<Vec<TagCount>> {
    let (conditions, text) = list_statement(prefix, slice);
    conditions.statement(text).load(&mut conn).await
}

/// How many tags public articles have; counts to `most` only, if that is given.
pub async fn count_tags(mut conn: &Connection, prefix: Option<&str>, most: Option<i64>) -> QueryResult<i64> {
    let conditions = begins_with(prefix);
    let tail = most.map_or_else(String::new, |most| format!("LIMIT {most}"));
    let tags = select_tags(&conditions, &tail);
    let text =
        format!("WITH {} SELECT count(*) FROM (SELECT FROM ({tags}) AS tags {tail}) AS counted", adjusted());
    let row: Count = conditions.statement(text).get_result(&mut conn).await?;
    Ok(row.count)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A tag, whether an article has it or not.
pub async fn load_tag(mut conn: &Connection, tag: &str) -> QueryResult<TagDetail> {
    sql_query(
        "SELECT $1 AS tag,
             coalesce((SELECT count FROM tag_counts WHERE tag = $1), 0)
             + coalesce((SELECT sum(change) FROM tag_changes WHERE tag = $1), 0)::bigint
             - (SELECT count(*) FROM article_tags WHERE tag = $1 AND published_at > now()) AS count,
             (SELECT max(published_at) FROM article_tags WHERE tag = $1 AND published_at <= now()) AS last_published_at",
    )
    .bind::<Text, _>(tag)
    .get_result(&mut conn)
    .await
}

/// Adds changes to the counts, a bounded number; returns whether there may be more. Of several processes one does it.
pub async fn add_changes(tx: &mut Tx) -> QueryResult<bool> {
    let locked = sql_query("SELECT 1 WHERE pg_try_advisory_xact_lock($1)");
    if locked.bind::<BigInt, _>(COUNTING_LOCK).execute(&mut **tx).await? == 0 {
        return Ok(false);
    }
    let row: Count = sql_query(
        "WITH taken AS (
             DELETE FROM tag_changes WHERE id IN (SELECT id FROM tag_changes ORDER BY id LIMIT $1) RETURNING tag, change),
         added AS (
             INSERT INTO tag_counts (tag, count) SELECT tag, sum(change) FROM taken GROUP BY tag ORDER BY tag
             ON CONFLICT (tag) DO UPDATE SET count = tag_counts.count + excluded.count)
         SELECT count(*) AS count FROM taken",
    )
    .bind::<BigInt, _>(MAX_STEP_CHANGES)
    .get_result(&mut **tx)
    .await?;
    if row.count > 0 {
        sql_query("DELETE FROM tag_counts WHERE count = 0").execute(&mut **tx).await?;
    }
    Ok(row.count == MAX_STEP_CHANGES)
}

/// Lets nobody else begin to rename a tag until this transaction ends.
pub async fn lock_renaming(tx: &Tx) -> QueryResult<()> {
    let lock = sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(RENAMING_LOCK);
    lock.execute(&mut &**tx).await.map(drop)
}

/// How many articles have the tag, in whatever state; counts to `most` only.
pub async fn count_articles(mut conn: &Connection, tag: &str, most: Option<i64>) -> QueryResult<i64> {
    let limit = most.map_or_else(String::new, |most| format!("LIMIT {most}"));
    let text = format!(
        "SELECT count(*) AS count FROM (SELECT FROM (
             (SELECT FROM article_tags WHERE tag = $1 {limit})
             UNION ALL
             (SELECT FROM articles WHERE tags @> ARRAY[$1] AND {HIDDEN_ARTICLE} {limit})) AS found {limit}) AS counted"
    );
    let row: Count = sql_query(text).bind::<Text, _>(tag).get_result(&mut conn).await?;
    Ok(row.count)
}

/// Gives up to `most` articles that have the tag `from` the tag `to` in its place, and says which. Articles that others have
/// locked stay.
pub async fn replace_tag(tx: &mut Tx, from: &str, to: &str, most: i64) -> QueryResult<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct Changed {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let text = format!(
        "WITH chosen AS (
             SELECT id FROM articles WHERE id = ANY (ARRAY(
                 (SELECT article_id FROM article_tags WHERE tag = $1 LIMIT {most})
                 UNION ALL
                 (SELECT id FROM articles WHERE tags @> ARRAY[$1] AND {HIDDEN_ARTICLE} LIMIT {most})
                 LIMIT {most})) AND tags @> ARRAY[$1]
             FOR NO KEY UPDATE SKIP LOCKED)
         UPDATE articles SET
             tags = ARRAY(
                 SELECT name FROM (
                     SELECT CASE WHEN tag = $1 THEN $2 ELSE tag END AS name, min(place) AS place
                     FROM unnest(tags) WITH ORDINALITY AS old(tag, place) GROUP BY 1) AS distinct_names
                 ORDER BY place),
             -- It is an edit, which an import tells before it overwrites it.
             source_hash = NULL, version = version + 1, updated_at = now()
         FROM chosen WHERE articles.id = chosen.id RETURNING articles.id"
    );
    let changed = sql_query(text).bind::<Text, _>(from).bind::<Text, _>(to);
    let changed: Vec<Changed> = changed.load(&mut **tx).await?;
    Ok(changed.into_iter().map(|changed| changed.id).collect())
}
