//! SQL of what could be seen before, and cannot be seen any more.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::change_feed::model::Position;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, IdRow, Value};
use crate::db::visibility::{Notices, PUBLISHED_ARTICLE};

fn bind_snapshot(conditions: &mut Conditions, position: &Position) -> String {
    // Parsed once, and not for each row.
    format!("(SELECT {}::pg_snapshot)", conditions.bind(Value::Text(position.snapshot.clone())))
}

/// A minute before the time at the mark `at`. Things are read somewhat later than the position that they are told at: what
/// ended just before it may not have been told.
fn lenient(at: &str) -> String {
    format!("{at} - interval '1 minute'")
}

/// The condition that something could be seen before a change of what can be seen, at any time since that at the mark `at`.
///
/// The change may have become visible later than it was made: its hour may have come before the end of its transaction.
fn was_visible_since(at: &str) -> String {
    format!(
        "visible_from <= now() AND visible_from <= visibility_changes.at + interval '10 minutes'
         AND (visible_until IS NULL OR visible_until > {})",
        lenient(at)
    )
}

/// Those of `ids` that these readers could see at any time since `before`. They are known not to be visible now.
///
/// A row of the table tells what could be seen before its change. What came into sight since `before` counts too: the reader may
/// have been told of it already, as things are told as they are when they are read.
pub async fn find_withdrawn(
    mut conn: &Connection,
    before: &Position,
    ids: Vec<Uuid>,
    visible: Notices,
) -> QueryResult<Vec<Uuid>> {
    let mut conditions = Conditions::default();
    let (ids, at) = (conditions.bind(Value::Ids(ids)), conditions.bind(Value::Time(before.at)));
    let snapshot = bind_snapshot(&mut conditions, before);
    let audience = if visible == Notices::Public { "AND NOT members_only" } else { "" };
    let text = format!(
        "SELECT entity_id AS id FROM visibility_changes
         WHERE entity_id = ANY ({ids}) AND NOT pg_visible_in_snapshot(xid, {snapshot})
               AND {} {audience}
         UNION SELECT id FROM notices WHERE id = ANY ({ids}) AND {}",
        was_visible_since(&at),
        visible.sql_since(&lenient(&at))
    );
    let withdrawn: Vec<IdRow> = conditions.statement(text).load(&mut conn).await?;
    Ok(withdrawn.into_iter().map(|one| one.id).collect())
}

/// Those of the articles and notices with `ids` that visitors could not see at `before`.
///
/// What was made since could not be seen. Of anything else, the first change of what can be seen tells; without one, it is
/// as it was.
pub async fn find_invisible(
    mut conn: &Connection,
    before: &Position,
    ids: Vec<Uuid>,
) -> QueryResult<HashSet<Uuid>> {
    let mut conditions = Conditions::default();
    let (ids, at) = (conditions.bind(Value::Ids(ids)), conditions.bind(Value::Time(before.at)));
    let snapshot = bind_snapshot(&mut conditions, before);
    let text = format!(
        "SELECT thing.id FROM unnest({ids}) AS thing (id)
         LEFT JOIN LATERAL (
             SELECT NOT members_only AND visible_from <= {at} AND (visible_until IS NULL OR visible_until > {}) AS visible
             FROM visibility_changes
             WHERE entity_id = thing.id AND NOT pg_visible_in_snapshot(xid, {snapshot}) ORDER BY seq LIMIT 1) AS first ON true
         WHERE EXISTS (SELECT FROM changes WHERE changes.entity_id = thing.id AND changes.action = 'create'
                             AND NOT pg_visible_in_snapshot(changes.xid, {snapshot}))
            OR NOT coalesce(first.visible, (SELECT {PUBLISHED_ARTICLE} AND published_at <= {at} FROM articles WHERE articles.id = thing.id),
                            (SELECT {} FROM notices WHERE notices.id = thing.id), false)",
        lenient(&at),
        Notices::Public.sql_at(&at)
    );
    let invisible: Vec<IdRow> = conditions.statement(text).load(&mut conn).await?;
    Ok(invisible.into_iter().map(|one| one.id).collect())
}

/// What the address of a page was made of that is not to be seen any more.
#[derive(Clone, Debug, QueryableByName)]
pub struct FormerPage {
    /// Which thing it was of.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its slug.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// The category it was in.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub category_id: Option<Uuid>,
    /// Its kind, if it was a notice.
    #[diesel(sql_type = Nullable<Text>)]
    pub notice_kind: Option<String>,
    /// From when it was out.
    #[diesel(sql_type = Timestamptz)]
    pub published_at: DateTime<Utc>,
    /// Whether it is in the trash, or gone altogether.
    #[diesel(sql_type = Bool)]
    pub is_deleted: bool,
}

/// The pages of `ids` as visitors could last see them, since `before`. They are known not to be visible now. A notice that was
/// edited since it expired has none: its slug may be new.
pub async fn load_former_pages(
    mut conn: &Connection,
    before: &Position,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<FormerPage>> {
    let mut conditions = Conditions::default();
    let (ids, at) = (conditions.bind(Value::Ids(ids)), conditions.bind(Value::Time(before.at)));
    let snapshot = bind_snapshot(&mut conditions, before);
    let text = format!(
        "(SELECT DISTINCT ON (entity_id) entity_id AS id, slug, category_id, notice_kind, visible_from AS published_at,
                NOT EXISTS (SELECT FROM articles WHERE articles.id = entity_id AND deleted_at IS NULL)
                AND NOT EXISTS (SELECT FROM notices WHERE notices.id = entity_id AND deleted_at IS NULL) AS is_deleted
         FROM visibility_changes
         WHERE entity_id = ANY ({ids}) AND NOT pg_visible_in_snapshot(xid, {snapshot}) AND NOT members_only AND {}
         ORDER BY entity_id, seq DESC)
         UNION ALL
         (SELECT id, slug, NULL, kind, published_at, false FROM notices
          WHERE id = ANY ({ids}) AND updated_at < expires_at AND {})",
        was_visible_since(&at),
        Notices::Public.sql_since(&lenient(&at))
    );
    conditions.statement(text).load(&mut conn).await
}
