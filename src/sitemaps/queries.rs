//! All SQL of sitemaps.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{MAX_ADDRESSES, MAX_NEWS, Month};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::{Articles, Notices, PUBLIC_ARTICLE, SCHEDULED_ARTICLE};
use crate::tx::Tx;

/// The public articles of a month.
#[derive(Debug, QueryableByName)]
pub struct MonthRow {
    /// Its first day.
    #[diesel(sql_type = Date)]
    pub month: NaiveDate,
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    pub articles: i64,
    /// When one of them last changed.
    #[diesel(sql_type = Timestamptz)]
    pub changed_at: DateTime<Utc>,
}

/// What an address of an article is made from.
#[derive(Debug, QueryableByName)]
pub struct ArticleRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its slug.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// The category it is in.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub category_id: Option<Uuid>,
    /// From when it is out.
    #[diesel(sql_type = Timestamptz)]
    pub published_at: DateTime<Utc>,
    /// When it last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// What an address of a notice is made from.
#[derive(Debug, QueryableByName)]
pub struct NoticeRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The slug, used in URLs.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// From when it is up.
    #[diesel(sql_type = Timestamptz)]
    pub published_at: DateTime<Utc>,
    /// When it last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// The columns of an [`ArticleRow`].
const ARTICLE_COLUMNS: &str = "articles.id, articles.slug, articles.title, articles.category_id, \
     articles.published_at, articles.updated_at";

/// The months in which public articles came out: those published, less those whose time has not come.
pub async fn load_months(mut conn: &Connection) -> QueryResult<Vec<MonthRow>> {
    let text = format!(
        "WITH scheduled AS (
             SELECT sitemap_month(published_at) AS month, count(*) AS waiting FROM articles
             WHERE {SCHEDULED_ARTICLE} AND isfinite(published_at) GROUP BY 1)
         SELECT month, (sum(change) - coalesce(max(waiting), 0))::bigint AS articles, max(changed_at) AS changed_at
         FROM sitemap_months LEFT JOIN scheduled USING (month)
         GROUP BY month HAVING sum(change) > coalesce(max(waiting), 0) ORDER BY month"
    );
    sql_query(text).load(&mut conn).await
}

/// When the newest public article came out.
pub async fn load_newest(mut conn: &Connection) -> QueryResult<Option<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Newest {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        newest: Option<DateTime<Utc>>,
    }
    let text = format!("SELECT max(published_at) AS newest FROM articles WHERE {PUBLIC_ARTICLE}");
    let row: Newest = sql_query(text).get_result(&mut conn).await?;
    Ok(row.newest)
}

/// The public articles of a month, in the order in which they came out, after the first `skipped`.
pub async fn load_articles(
    mut conn: &Connection,
    month: Month,
    skipped: usize,
) -> QueryResult<Vec<ArticleRow>> {
    let start = match skipped {
        0 => None,
        _ => {
            let (conditions, text) = start_statement(month, skipped);
            let start: Option<Start> = conditions.statement(text).get_result(&mut conn).await.optional()?;
            let Some(start) = start else { return Ok(Vec::new()) };
            Some((start.published_at, start.id))
        }
    };
    let (conditions, text) = month_statement(month, start);
    conditions.statement(text).load(&mut conn).await
}

/// Where a part of a month begins.
#[derive(QueryableByName)]
struct Start {
    #[diesel(sql_type = Timestamptz)]
    published_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The statement that finds the first article after `skipped` ones of a month, and the values it binds. Rows are not read:
/// the index has what is asked for.
pub fn start_statement(month: Month, skipped: usize) -> (Conditions, String) {
    let mut conditions = conditions_of(month);
    let offset = conditions.bind(Value::Number(i64::try_from(skipped).unwrap_or(i64::MAX)));
    let text = format!(
        "SELECT articles.published_at, articles.id FROM articles WHERE {} \
         ORDER BY articles.published_at, articles.id LIMIT 1 OFFSET {offset}",
        conditions.sql()
    );
    (conditions, text)
}

/// The statement that reads the articles of a file, which begins at `start`, and the values it binds.
pub fn month_statement(month: Month, start: Option<(DateTime<Utc>, Uuid)>) -> (Conditions, String) {
    let mut conditions = conditions_of(month);
    if let Some((published_at, id)) = start {
        let marks = [Value::Time(published_at), Value::Id(id)].map(|value| conditions.bind(value));
        conditions.and(format!("(articles.published_at, articles.id) >= ({})", marks.join(", ")));
    }
    let text = format!(
        "SELECT {ARTICLE_COLUMNS} FROM articles WHERE {} \
         ORDER BY articles.published_at, articles.id LIMIT {MAX_ADDRESSES}",
        conditions.sql()
    );
    (conditions, text)
}

fn conditions_of(month: Month) -> Conditions {
    let mut conditions = Articles::Public.conditions();
    let (from, to) = month.bounds();
    conditions.and_if("articles.published_at >= ?", Some(Value::Time(from)));
    conditions.and_if("articles.published_at < ?", Some(Value::Time(to)));
    conditions
}

/// The public articles of the last two days, the newest first.
pub async fn load_news(mut conn: &Connection) -> QueryResult<Vec<ArticleRow>> {
    let text = format!(
        "SELECT {ARTICLE_COLUMNS} FROM articles \
         WHERE {PUBLIC_ARTICLE} AND articles.published_at > now() - interval '2 days' \
         ORDER BY articles.published_at DESC, articles.id DESC LIMIT {MAX_NEWS}"
    );
    sql_query(text).load(&mut conn).await
}

/// How many notices are up for everybody, and when one of them last changed.
pub async fn count_notices(mut conn: &Connection) -> QueryResult<(i64, Option<DateTime<Utc>>)> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        changed_at: Option<DateTime<Utc>>,
    }
    let text = format!(
        "SELECT count(*) AS count, max(greatest(updated_at, published_at)) AS changed_at FROM notices WHERE {}",
        Notices::Public.sql()
    );
    let row: Count = sql_query(text).get_result(&mut conn).await?;
    Ok((row.count, row.changed_at))
}

/// The notices that are up for everybody, in the order in which they came out, after the first `skipped`.
pub async fn load_notices(mut conn: &Connection, skipped: usize) -> QueryResult<Vec<NoticeRow>> {
    let text = format!(
        "SELECT id, slug, kind, published_at, updated_at FROM notices WHERE {} \
         ORDER BY published_at, id LIMIT {MAX_ADDRESSES} OFFSET $1",
        Notices::Public.sql()
    );
    let offset = i64::try_from(skipped).unwrap_or(i64::MAX);
    sql_query(text).bind::<BigInt, _>(offset).load(&mut conn).await
}

/// Joins the lines of each month in `sitemap_months`.
pub async fn join_months(tx: &mut Tx) -> QueryResult<()> {
    // Lines that another transaction joins meanwhile are gone, and so not counted twice.
    sql_query(
        "WITH many AS (SELECT month FROM sitemap_months GROUP BY month HAVING count(*) > 1),
              joined AS (DELETE FROM sitemap_months USING many WHERE sitemap_months.month = many.month
                         RETURNING sitemap_months.month, change, changed_at)
         INSERT INTO sitemap_months (month, change, changed_at)
         SELECT month, sum(change), max(changed_at) FROM joined GROUP BY month HAVING sum(change) <> 0",
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}
