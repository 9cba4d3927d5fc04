//! SQL of what may have changed between two positions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::change_feed::model::{Candidate, Kind, Position, Window};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::{PUBLISHED_ARTICLE, PUBLISHED_NOTICE};

/// The place of a line in the log: its transaction, and its number.
pub type LineKey = (i64, i64);

/// A window whose ends are bound.
struct BoundWindow {
    before: String,
    until: String,
}

impl BoundWindow {
    fn bind(conditions: &mut Conditions, window: &Window) -> Self {
        let mut snapshot = |position: &Position| {
            let mark = conditions.bind(Value::Text(position.snapshot.clone()));
            // Parsed once, and not for each row.
            format!("(SELECT {mark}::pg_snapshot)")
        };
        Self { before: snapshot(&window.before), until: snapshot(&window.until) }
    }
}

/// The condition that a time lies in the window.
fn has_time(conditions: &mut Conditions, window: &Window, time: &str) -> String {
    let (before, until) = (window.before.at, window.until.at);
    let (before, until) = (conditions.bind(Value::Time(before)), conditions.bind(Value::Time(until)));
    format!("({time} > {before} AND {time} <= {until})")
}

/// Published articles whose hour came in the window, in the order of their hours.
pub async fn load_timed_articles(
    mut conn: &Connection,
    window: &Window,
    after: Option<(DateTime<Utc>, Uuid)>,
    most: i64,
) -> QueryResult<Vec<Candidate>> {
    let mut conditions = Conditions::default();
    conditions.and(PUBLISHED_ARTICLE);
    let comes = has_time(&mut conditions, window, "articles.published_at");
    conditions.and(comes);
    if let Some((at, id)) = after {
        let (at, id) = (conditions.bind(Value::Time(at)), conditions.bind(Value::Id(id)));
        conditions.and(format!("(articles.published_at, articles.id) > ({at}, {id})"));
    }
    let text = format!(
        "SELECT 'article' AS kind, id, published_at AS at, 0::bigint AS transaction_id, 0::bigint AS seq
         FROM articles WHERE {} ORDER BY published_at, id LIMIT {most}",
        conditions.sql()
    );
    conditions.statement(text).load(&mut conn).await
}

/// Published notices whose hour came or that expired in the window, in the order of their ids.
pub async fn load_timed_notices(
    mut conn: &Connection,
    window: &Window,
    after: Option<Uuid>,
    most: i64,
) -> QueryResult<Vec<Candidate>> {
    let mut conditions = Conditions::default();
    let begins = has_time(&mut conditions, window, "notices.published_at");
    let ends = has_time(&mut conditions, window, "notices.expires_at");
    conditions.and(PUBLISHED_NOTICE);
    conditions.and(format!("({begins} OR {ends})"));
    conditions.and_if("notices.id > ?", after.map(Value::Id));
    let text = format!(
        "SELECT 'notice' AS kind, id, CASE WHEN {ends} THEN expires_at ELSE published_at END AS at,
                0::bigint AS transaction_id, 0::bigint AS seq
         FROM notices WHERE {} ORDER BY id LIMIT {most}",
        conditions.sql()
    );
    conditions.statement(text).load(&mut conn).await
}

/// Lines of the window about things of these kinds, in the order of the log, after the place `after`. A thing may be named
/// several times.
///
/// Lines of transactions that ran at the window's beginning are found by these transactions: one that stays open for hours
/// makes nobody read the log of these hours. Each branch reads the index of the order, and no more lines than are asked for;
/// no index of the kinds may be used, which would read the log from its beginning.
pub async fn load_lines(
    mut conn: &Connection,
    window: &Window,
    kinds: &[Kind],
    after: LineKey,
    most: i64,
) -> QueryResult<Vec<Candidate>> {
    let mut conditions = Conditions::default();
    let BoundWindow { before, until } = BoundWindow::bind(&mut conditions, window);
    let names = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let kinds = conditions.bind(Value::Texts(names));
    let (xid, seq) =
        (conditions.bind(Value::Text(after.0.to_string())), conditions.bind(Value::Number(after.1)));
    let lines = |condition: &str| {
        format!(
            "SELECT entity, entity_id, at, xid, seq FROM changes
             WHERE {condition} AND (xid, seq) > ({xid}::xid8, {seq}) AND pg_visible_in_snapshot(xid, {until})
                   AND (entity = ANY ({kinds})) IS TRUE
             ORDER BY xid, seq LIMIT {most}"
        )
    };
    let of_running = lines("changes.xid = running.xid");
    let of_later = lines(&format!("xid >= pg_snapshot_xmax({before}) AND xid < pg_snapshot_xmax({until})"));
    let text = format!(
        "SELECT entity AS kind, entity_id AS id, at, xid::text::bigint AS transaction_id, seq
         FROM (SELECT line.* FROM pg_snapshot_xip({before}) AS running (xid) CROSS JOIN LATERAL ({of_running}) AS line
               UNION ALL ({of_later})) AS lines
         ORDER BY xid, seq LIMIT {most}"
    );
    conditions.statement(text).load(&mut conn).await
}

/// The place of the last line in the window about each of the things with `ids` that has one.
pub async fn load_last_keys(
    mut conn: &Connection,
    window: &Window,
    ids: Vec<Uuid>,
) -> QueryResult<HashMap<Uuid, LineKey>> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = BigInt)]
        transaction_id: i64,
        #[diesel(sql_type = BigInt)]
        seq: i64,
    }
    let mut conditions = Conditions::default();
    let BoundWindow { before, until } = BoundWindow::bind(&mut conditions, window);
    let ids = conditions.bind(Value::Ids(ids));
    let text = format!(
        "SELECT DISTINCT ON (entity_id) entity_id AS id, xid::text::bigint AS transaction_id, seq FROM changes
         WHERE entity_id = ANY ({ids}) AND NOT pg_visible_in_snapshot(xid, {before}) AND pg_visible_in_snapshot(xid, {until})
         ORDER BY entity_id, xid DESC, seq DESC"
    );
    let last: Vec<Last> = conditions.statement(text).load(&mut conn).await?;
    Ok(last.into_iter().map(|last| (last.id, (last.transaction_id, last.seq))).collect())
}
