//! SQL of the slugs that articles have, or have had.
//!
//! Triggers on `articles` write each slug of an article to `article_slugs`, whose primary key gives none away.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value};
use crate::db::schema::article_slugs;
use crate::db::visibility::Articles;
use crate::tx::Tx;

/// In place of [`FORMER_SLUGS`](crate::articles::model::FORMER_SLUGS) where nobody reads them.
pub const NO_FORMER_SLUGS: &str = "'{}'::text[]";

/// An article at its present slug.
#[derive(Debug, QueryableByName)]
pub struct MovedArticle {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its slug.
    #[diesel(sql_type = Text)]
    pub slug: String,
}

#[derive(QueryableByName)]
struct TakenSlug {
    #[diesel(sql_type = Text)]
    slug: String,
}

/// The article that `former` leads to, if it is visible.
pub async fn find_moved(
    mut conn: &Connection,
    former: String,
    visible: Articles,
) -> QueryResult<Option<MovedArticle>> {
    let mut conditions = Conditions::default();
    conditions.and_if("article_slugs.slug = ?", Some(Value::Text(former)));
    conditions.and("article_slugs.slug <> articles.slug");
    visible.restrict(&mut conditions);
    let text = format!(
        "SELECT articles.id, articles.slug FROM article_slugs JOIN articles ON articles.id = article_slugs.article_id \
         WHERE {}",
        conditions.sql()
    );
    conditions.statement(text).get_result(&mut conn).await.optional()
}

/// Whether an article has the slug, or has had it.
pub async fn is_slug_taken(mut conn: &Connection, slug: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(article_slugs::table.find(slug))).get_result(&mut conn).await
}

/// Makes these lead to the article `id`. Returns those that are another article's, which stay so.
///
/// Waits for other transactions that write one of them.
pub async fn claim(tx: &mut Tx, id: Uuid, slugs: &[String]) -> QueryResult<Vec<String>> {
    let taken: Vec<TakenSlug> = sql_query(
        "WITH claimed AS (INSERT INTO article_slugs (slug, article_id)
             SELECT DISTINCT slug, $1 FROM unnest($2) AS wanted(slug) ORDER BY slug
             ON CONFLICT (slug) DO UPDATE SET article_id = article_slugs.article_id RETURNING slug, article_id)
         SELECT slug FROM claimed WHERE article_id <> $1",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Array<Text>, _>(slugs)
    .load(&mut **tx)
    .await?;
    Ok(taken.into_iter().map(|taken| taken.slug).collect())
}

/// Gives up these former slugs of the article `id`.
pub async fn release(tx: &mut Tx, id: Uuid, slugs: &[String]) -> QueryResult<()> {
    let former = article_slugs::table.filter(article_slugs::article_id.eq(id));
    diesel::delete(former.filter(article_slugs::slug.eq_any(slugs))).execute(&mut **tx).await.map(drop)
}
