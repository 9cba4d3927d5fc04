//! All SQL of the change feed.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Candidate, Head, Kind, Position, Window};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, SizedRow, Value};
use crate::db::visibility::{Articles, Notices, PUBLISHED_ARTICLE, PUBLISHED_NOTICE};
use crate::tx::Tx;

/// The end of the log, and the next moment at which time alone changes what readers see.
pub async fn load_head(mut conn: &Connection) -> QueryResult<Head> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(embed)]
        position: Position,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        next_moment: Option<DateTime<Utc>>,
    }
    let text = format!(
        "SELECT pg_current_snapshot()::text AS snapshot, now() AS at, least(
             (SELECT min(published_at) FROM articles WHERE {PUBLISHED_ARTICLE} AND published_at > now()),
             (SELECT min(published_at) FROM notices WHERE {PUBLISHED_NOTICE} AND published_at > now()),
             (SELECT min(expires_at) FROM notices WHERE {PUBLISHED_NOTICE} AND expires_at > now())) AS next_moment"
    );
    let found: Found = sql_query(text).get_result(&mut conn).await?;
    Ok(Head { position: found.position, next_moment: found.next_moment })
}

/// The position that the log has now.
pub async fn load_position(mut conn: &Connection) -> QueryResult<Position> {
    sql_query("SELECT pg_current_snapshot()::text AS snapshot, now() AS at").get_result(&mut conn).await
}

/// A window whose ends are bound.
struct BoundWindow {
    before: String,
    until: String,
    before_at: String,
    until_at: String,
}

impl BoundWindow {
    fn bind(conditions: &mut Conditions, window: &Window) -> Self {
        let mut snapshot = |position: &Position| {
            let mark = conditions.bind(Value::Text(position.snapshot.clone()));
            format!("{mark}::pg_snapshot")
        };
        let (before, until) = (snapshot(&window.before), snapshot(&window.until));
        let before_at = conditions.bind(Value::Time(window.before.at));
        let until_at = conditions.bind(Value::Time(window.until.at));
        Self { before, until, before_at, until_at }
    }

    /// The condition that a line of `table` was written in the window.
    fn has_line(&self, table: &str) -> String {
        let Self { before, until, .. } = self;
        format!(
            "NOT pg_visible_in_snapshot({table}.xid, {before}) AND pg_visible_in_snapshot({table}.xid, {until})"
        )
    }

    /// The condition that a time lies in the window.
    fn has_time(&self, time: &str) -> String {
        format!("({time} > {} AND {time} <= {})", self.before_at, self.until_at)
    }

    /// The condition that no line of the log in the window is about the thing with this id.
    fn has_no_line_about(&self, id: &str) -> String {
        format!(
            "NOT EXISTS (SELECT FROM changes WHERE changes.entity_id = {id} AND {})",
            self.has_line("changes")
        )
    }
}

/// Articles that time alone has changed, in the order of their ids.
pub async fn load_timed_articles(
    mut conn: &Connection,
    window: &Window,
    after: Option<Uuid>,
    most: i64,
) -> QueryResult<Vec<Candidate>> {
    let mut conditions = Conditions::default();
    let bound = BoundWindow::bind(&mut conditions, window);
    conditions.and(PUBLISHED_ARTICLE);
    conditions.and(bound.has_time("articles.published_at"));
    conditions.and_if("articles.id > ?", after.map(Value::Id));
    conditions.and(bound.has_no_line_about("articles.id"));
    let text = format!(
        "SELECT 'article' AS kind, id, published_at AS at, 0::bigint AS transaction_id, 0::bigint AS seq
         FROM articles WHERE {} ORDER BY id LIMIT {most}",
        conditions.sql()
    );
    conditions.statement(text).load(&mut conn).await
}

/// Notices that time alone has changed, in the order of their ids.
pub async fn load_timed_notices(
    mut conn: &Connection,
    window: &Window,
    after: Option<Uuid>,
    most: i64,
) -> QueryResult<Vec<Candidate>> {
    let mut conditions = Conditions::default();
    let bound = BoundWindow::bind(&mut conditions, window);
    let (begins, ends) = (bound.has_time("notices.published_at"), bound.has_time("notices.expires_at"));
    conditions.and(PUBLISHED_NOTICE);
    conditions.and(format!("({begins} OR {ends})"));
    conditions.and_if("notices.id > ?", after.map(Value::Id));
    conditions.and(bound.has_no_line_about("notices.id"));
    let text = format!(
        "SELECT 'notice' AS kind, id, CASE WHEN {ends} THEN expires_at ELSE published_at END AS at,
                0::bigint AS transaction_id, 0::bigint AS seq
         FROM notices WHERE {} ORDER BY id LIMIT {most}",
        conditions.sql()
    );
    conditions.statement(text).load(&mut conn).await
}

/// The last line in the window about each thing of these kinds, in the order of the log, after the line `after`.
///
/// Lines of transactions that ran at the window's beginning are found by these transactions: one that stays open for hours
/// makes nobody read the log of these hours.
pub async fn load_lines(
    mut conn: &Connection,
    window: &Window,
    kinds: &[Kind],
    after: (i64, i64),
    most: i64,
) -> QueryResult<Vec<Candidate>> {
    let mut conditions = Conditions::default();
    let bound = BoundWindow::bind(&mut conditions, window);
    let BoundWindow { before, until, .. } = &bound;
    let names = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let kinds = conditions.bind(Value::Texts(names));
    let (xid, seq) =
        (conditions.bind(Value::Text(after.0.to_string())), conditions.bind(Value::Number(after.1)));
    let text = format!(
        "SELECT line.entity AS kind, line.entity_id AS id, line.at, line.xid::text::bigint AS transaction_id, line.seq
         FROM (SELECT entity, entity_id, at, xid, seq FROM changes
               WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip({before})))
               UNION ALL
               SELECT entity, entity_id, at, xid, seq FROM changes
               WHERE xid >= pg_snapshot_xmax({before}) AND xid < pg_snapshot_xmax({until})) AS line
         WHERE pg_visible_in_snapshot(line.xid, {until}) AND line.entity = ANY ({kinds})
               AND (line.xid, line.seq) > ({xid}::xid8, {seq})
               AND line.seq = (SELECT changes.seq FROM changes
                               WHERE changes.entity_id = line.entity_id AND changes.entity = line.entity AND {}
                               ORDER BY changes.at DESC, changes.seq DESC LIMIT 1)
         ORDER BY line.xid, line.seq LIMIT {most}",
        bound.has_line("changes")
    );
    conditions.statement(text).load(&mut conn).await
}

/// Which thing.
#[derive(Clone, Copy, Debug, QueryableByName)]
struct ThingId {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// A thing that can be seen.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Visible {
    /// Which one.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its version.
    #[diesel(sql_type = Integer)]
    pub version: i32,
}

/// Those of the articles with `ids` that everybody may read now.
pub async fn find_articles(mut conn: &Connection, ids: Vec<Uuid>) -> QueryResult<Vec<Visible>> {
    let mut conditions = Articles::Public.conditions();
    conditions.and_if("articles.id = ANY(?)", Some(Value::Ids(ids)));
    let text = format!("SELECT id, version FROM articles WHERE {}", conditions.sql());
    conditions.statement(text).load(&mut conn).await
}

/// Those of the notices with `ids` that are up now for these readers.
pub async fn find_notices(
    mut conn: &Connection,
    ids: Vec<Uuid>,
    visible: Notices,
) -> QueryResult<Vec<Visible>> {
    let conditions = notices_with_ids(ids, visible);
    let text = format!("SELECT id, version FROM notices WHERE {}", conditions.sql());
    conditions.statement(text).load(&mut conn).await
}

/// The conditions of notices with `ids` that are up now for these readers.
pub fn notices_with_ids(ids: Vec<Uuid>, visible: Notices) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.and(visible.sql());
    conditions.and_if("notices.id = ANY(?)", Some(Value::Ids(ids)));
    conditions
}

/// Those of `ids` that these readers could see at `before`. They are known not to be visible now.
///
/// A row of the table tells what could be seen before its change, and so at any time since the change before it.
pub async fn find_withdrawn(
    mut conn: &Connection,
    before: &Position,
    ids: Vec<Uuid>,
    visible: Notices,
) -> QueryResult<Vec<Uuid>> {
    let mut conditions = Conditions::default();
    let (ids, at) = (conditions.bind(Value::Ids(ids)), conditions.bind(Value::Time(before.at)));
    let snapshot = conditions.bind(Value::Text(before.snapshot.clone()));
    let audience = if visible == Notices::Public { "AND NOT members_only" } else { "" };
    let text = format!(
        "SELECT entity_id AS id FROM visibility_changes
         WHERE entity_id = ANY ({ids}) AND NOT pg_visible_in_snapshot(xid, {snapshot}::pg_snapshot)
               AND visible_from <= {at} AND (visible_until IS NULL OR visible_until > {at}) {audience}
         UNION SELECT id FROM notices WHERE id = ANY ({ids}) AND {}",
        visible.sql_at(&at)
    );
    let withdrawn: Vec<ThingId> = conditions.statement(text).load(&mut conn).await?;
    Ok(withdrawn.into_iter().map(|one| one.id).collect())
}

/// How many bytes the bodies of the articles and notices with `ids` have.
pub async fn load_body_sizes(mut conn: &Connection, ids: Vec<Uuid>) -> QueryResult<Vec<SizedRow>> {
    sql_query(
        "SELECT id, octet_length(body)::bigint AS bytes FROM articles WHERE id = ANY ($1)
         UNION ALL SELECT id, octet_length(body)::bigint FROM notices WHERE id = ANY ($1)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(&mut conn)
    .await
}

/// Those of `ids` that visitors could not see at `before`. They are known to be visible now.
///
/// What was made since could not be seen. Of anything else, the first change of what can be seen tells; without one, it is
/// as it was.
pub async fn find_appeared(
    mut conn: &Connection,
    before: &Position,
    ids: Vec<Uuid>,
) -> QueryResult<HashSet<Uuid>> {
    let mut conditions = Conditions::default();
    let (ids, at) = (conditions.bind(Value::Ids(ids)), conditions.bind(Value::Time(before.at)));
    let snapshot = format!("{}::pg_snapshot", conditions.bind(Value::Text(before.snapshot.clone())));
    let text = format!(
        "SELECT thing.id FROM unnest({ids}) AS thing (id)
         LEFT JOIN LATERAL (
             SELECT NOT members_only AND visible_from <= {at} AND (visible_until IS NULL OR visible_until > {at}) AS visible
             FROM visibility_changes
             WHERE entity_id = thing.id AND NOT pg_visible_in_snapshot(xid, {snapshot}) ORDER BY seq LIMIT 1) AS first ON true
         WHERE EXISTS (SELECT FROM changes WHERE changes.entity_id = thing.id AND changes.action = 'create'
                             AND NOT pg_visible_in_snapshot(changes.xid, {snapshot}))
            OR NOT coalesce(first.visible, (SELECT {PUBLISHED_ARTICLE} AND published_at <= {at} FROM articles WHERE articles.id = thing.id),
                            (SELECT {} FROM notices WHERE notices.id = thing.id), false)",
        Notices::Public.sql_at(&at)
    );
    let appeared: Vec<ThingId> = conditions.statement(text).load(&mut conn).await?;
    Ok(appeared.into_iter().map(|one| one.id).collect())
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

/// The pages of `ids` as visitors could see them at `before`. They are known not to be visible now.
pub async fn load_former_pages(
    mut conn: &Connection,
    before: &Position,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<FormerPage>> {
    let mut conditions = Conditions::default();
    let (ids, at) = (conditions.bind(Value::Ids(ids)), conditions.bind(Value::Time(before.at)));
    let snapshot = format!("{}::pg_snapshot", conditions.bind(Value::Text(before.snapshot.clone())));
    let text = format!(
        "SELECT DISTINCT ON (entity_id) entity_id AS id, slug, category_id, notice_kind, visible_from AS published_at,
                NOT EXISTS (SELECT FROM articles WHERE articles.id = entity_id AND deleted_at IS NULL)
                AND NOT EXISTS (SELECT FROM notices WHERE notices.id = entity_id AND deleted_at IS NULL) AS is_deleted
         FROM visibility_changes
         WHERE entity_id = ANY ({ids}) AND NOT pg_visible_in_snapshot(xid, {snapshot}) AND NOT members_only
               AND visible_from <= {at} AND (visible_until IS NULL OR visible_until > {at})
         ORDER BY entity_id, visibility_changes.seq",
    );
    let text = format!(
        "(SELECT * FROM ({text}) AS noted) UNION ALL
         (SELECT id, slug, NULL, kind, published_at, false FROM notices WHERE id = ANY ({ids}) AND {})",
        Notices::Public.sql_at(&at)
    );
    conditions.statement(text).load(&mut conn).await
}

/// The things of a kind that these readers can see, in the order of their ids.
pub async fn list_visible(
    mut conn: &Connection,
    kind: Kind,
    visible: Notices,
    after: Option<Uuid>,
    most: i64,
) -> QueryResult<Vec<Candidate>> {
    let (table, mut conditions) = match kind {
        Kind::Article => ("articles", Articles::Public.conditions()),
        Kind::Notice => ("notices", Conditions::default()),
        Kind::Category => ("categories", Conditions::default()),
    };
    if kind == Kind::Notice {
        conditions.and(visible.sql());
    }
    conditions.and_if("id > ?", after.map(Value::Id));
    let text = format!(
        "SELECT '{}' AS kind, id, updated_at AS at, 0::bigint AS transaction_id, 0::bigint AS seq
         FROM {table} WHERE {} ORDER BY id LIMIT {most}",
        kind.as_str(),
        conditions.sql()
    );
    conditions.statement(text).load(&mut conn).await
}

/// Deletes changes of visibility that are older than so many days, a bounded number; returns whether there may be more.
pub async fn delete_old(tx: &mut Tx, days: i32) -> QueryResult<bool> {
    const MAX_ROWS: usize = 10_000;
    let deleted = sql_query(format!(
        "DELETE FROM visibility_changes WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM visibility_changes WHERE at < now() - make_interval(days => $1) ORDER BY at LIMIT {MAX_ROWS}))"
    ))
    .bind::<Integer, _>(days)
    .execute(&mut **tx)
    .await?;
    Ok(deleted == MAX_ROWS)
}
