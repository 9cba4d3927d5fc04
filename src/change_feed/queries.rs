//! All SQL of the change feed.

pub mod sight;
pub mod windows;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Candidate, Head, Kind, Position};
use crate::articles::queries::found::choose_articles;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, SizedRow, Value, delete_batch};
use crate::db::visibility::{Articles, Notices, PUBLISHED_ARTICLE, PUBLISHED_NOTICE};

/// The snapshot of the statement as text. If very many transactions run, it ends before the first of them, so that a cursor has
/// a bounded length: what is visible besides is told later.
const SNAPSHOT: &str = "(SELECT CASE WHEN length(now::text) <= 2000 THEN now::text
     ELSE concat(pg_snapshot_xmin(now), ':', pg_snapshot_xmin(now), ':') END FROM pg_current_snapshot() AS now)";

/// The end of the log, and the next moment at which time alone changes what readers see.
pub async fn load_head(mut conn: &Connection) -> QueryResult<Head> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(embed)]
        position: Position,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        next_moment: Option<DateTime<Utc>>,
        #[diesel(sql_type = BigInt)]
        xmax: i64,
    }
    let text = format!(
        "SELECT {SNAPSHOT} AS snapshot, now() AS at, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax, least(
             (SELECT min(published_at) FROM articles WHERE {PUBLISHED_ARTICLE} AND published_at > now()),
             (SELECT min(published_at) FROM notices WHERE {PUBLISHED_NOTICE} AND published_at > now()),
             (SELECT min(expires_at) FROM notices WHERE {PUBLISHED_NOTICE} AND expires_at > now())) AS next_moment"
    );
    let found: Found = sql_query(text).get_result(&mut conn).await?;
    let xmax = u64::try_from(found.xmax).unwrap_or_default();
    Ok(Head { position: found.position, xmax, next_moment: found.next_moment })
}

/// The position that the log has now.
pub async fn load_position(mut conn: &Connection) -> QueryResult<Position> {
    sql_query(format!("SELECT {SNAPSHOT} AS snapshot, now() AS at")).get_result(&mut conn).await
}

/// The first transaction that has not begun.
pub async fn load_xmax(mut conn: &Connection) -> QueryResult<u64> {
    let xmax = diesel::dsl::sql::<BigInt>("pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
    let xmax: i64 = diesel::select(xmax).get_result(&mut conn).await?;
    Ok(u64::try_from(xmax).unwrap_or_default())
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
    let chosen = choose_articles(&mut conditions, ids);
    let text = format!("SELECT id, version FROM {chosen} WHERE {}", conditions.sql());
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
pub async fn delete_old(conn: &Connection, days: i32) -> QueryResult<bool> {
    let mut conditions = Conditions::default();
    conditions.and_if("at < now() - make_interval(days => ?::integer)", Some(Value::Number(days.into())));
    delete_batch(conn, "visibility_changes", conditions, "at").await
}
