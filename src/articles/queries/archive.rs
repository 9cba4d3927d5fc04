//! SQL of the archive. Triggers count the published articles of each month in `article_months`.

use diesel::QueryResult;
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::articles::archive_month::ArchiveMonth;
use crate::db::allow_bulk;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::SCHEDULED_ARTICLE;
use crate::tx::Tx;

/// The months in which articles came out, newest first; in `categories`, if these are given. The counts are those of all
/// published articles, less those whose time has not come.
pub async fn count_months(
    mut conn: &Connection,
    categories: Option<Vec<Uuid>>,
) -> QueryResult<Vec<ArchiveMonth>> {
    let (conditions, text) = month_statement(categories);
    conditions.statement(text).load(&mut conn).await
}

/// The statement of [`count_months`], and the values it binds.
pub fn month_statement(categories: Option<Vec<Uuid>>) -> (Conditions, String) {
    let mut conditions = Conditions::default();
    let (counted, scheduled) = match categories {
        None => ("category_id IS NULL".to_owned(), String::new()),
        Some(categories) => {
            let mark = conditions.bind(Value::Ids(categories));
            (format!("category_id = ANY({mark})"), format!("AND category_id = ANY({mark})"))
        }
    };
    let text = format!(
        "WITH zone AS MATERIALIZED (SELECT find_site_timezone() AS name),
         months AS (
             SELECT month, sum(change)::bigint AS count FROM (
                 SELECT month, change FROM article_months WHERE {counted}
                 UNION ALL
                 SELECT find_month(published_at, zone.name), -1 FROM articles, zone
                 WHERE {SCHEDULED_ARTICLE} {scheduled}) AS changes
             GROUP BY month HAVING sum(change) > 0)
         SELECT to_char(months.month, 'YYYY-MM') AS month, count,
             months.month::timestamp AT TIME ZONE zone.name AS \"from\",
             (months.month + interval '1 month') AT TIME ZONE zone.name AS \"to\"
         FROM months, zone ORDER BY months.month DESC"
    );
    (conditions, text)
}

/// Joins the lines of each month in `article_months`. After a large import there are as many as it had rows.
pub async fn join_article_months(tx: &mut Tx) -> QueryResult<()> {
    allow_bulk(tx).await?;
    // Lines that another transaction joins meanwhile are gone, and so not counted twice.
    sql_query(
        "WITH many AS (SELECT category_id, month FROM article_months GROUP BY category_id, month HAVING count(*) > 1),
              joined AS (DELETE FROM article_months USING many
                         -- This equality can be hashed.
                         WHERE coalesce(article_months.category_id::text, '') = coalesce(many.category_id::text, '')
                               AND article_months.month = many.month
                         RETURNING article_months.category_id, article_months.month, change)
         INSERT INTO article_months (category_id, month, change)
         SELECT category_id, month, sum(change) FROM joined GROUP BY category_id, month HAVING sum(change) <> 0",
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}
