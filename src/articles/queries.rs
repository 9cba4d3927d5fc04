//! All SQL of articles.

use diesel::dsl::{now, sql};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Content, NeighborRow, Row};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, Value};
use crate::db::schema::articles;
use crate::db::visibility::Articles;
use crate::http::id_or_slug::IdOrSlug;

/// What goes with an article's own columns; it reads [`VIEWS`].
pub const EXTRA_COLUMNS: &str =
    "coalesce(article_views.views, 0) AS views, (SELECT base_url FROM site) AS base_url";
/// The views beside an article.
pub const VIEWS: &str = "LEFT JOIN article_views ON article_views.article_id = articles.id";
/// An article's columns without its body, which is long and stored apart.
const CARD: &str = "articles.id, articles.slug, articles.external_id, articles.title, articles.summary, \
     articles.summary_made, articles.body_format, articles.sanitizer, articles.author, articles.source_name, \
     articles.source_url, articles.category_id, articles.tags, articles.cover_url, articles.extra, \
     articles.status, articles.published_at, articles.created_by, articles.version, articles.created_at, \
     articles.updated_at";

/// Which articles a list shows, and how much of each.
pub struct Listing {
    /// Conditions on `articles`, visibility included.
    pub conditions: Conditions,
    /// Only those in these categories.
    pub categories: Option<Vec<Uuid>>,
    /// Whether the bodies are wanted.
    pub with_body: bool,
}

/// A stretch of a list.
///
/// Within categories it takes the first rows of each category from that category's
/// index, and merges: the cost follows the number of categories, not of articles.
pub async fn list(conn: &mut Connection, listing: Listing, slice: &PageSlice) -> QueryResult<Vec<Row>> {
    let Listing { mut conditions, categories, with_body } = listing;
    slice.add_cursor(&mut conditions);
    let order = slice.order_by();
    let (limit, offset) = (slice.limit, slice.offset);
    let columns = if with_body {
        "articles.*".to_owned()
    } else {
        format!("{CARD}, '' AS body, NULL::text AS body_source")
    };
    let from = match categories {
        None => format!("articles {VIEWS} WHERE {}", conditions.sql()),
        Some(categories) => {
            let mark = conditions.bind(Value::Ids(categories));
            format!(
                "unnest({mark}::uuid[]) AS category(id) CROSS JOIN LATERAL (
                     SELECT * FROM articles
                     WHERE articles.category_id = category.id AND {}
                     {order} LIMIT {}
                 ) AS articles {VIEWS}",
                conditions.sql(),
                limit + offset,
            )
        }
    };
    let text = format!("SELECT {columns}, {EXTRA_COLUMNS} FROM {from} {order} LIMIT {limit} OFFSET {offset}");
    conditions.statement(text).load(conn).await
}

/// The conditions of a list as a plain condition on `articles`, for counting.
pub fn countable(listing: &Listing) -> Conditions {
    let mut conditions = listing.conditions.clone();
    conditions.and_if("articles.category_id = ANY(?)", listing.categories.clone().map(Value::Ids));
    conditions
}

/// How a single article is named.
#[derive(Clone, Debug)]
pub enum ArticleRef {
    /// By id or slug.
    IdOrSlug(IdOrSlug),
    /// By the id it has elsewhere.
    ExternalId(String),
}

impl From<Uuid> for ArticleRef {
    fn from(id: Uuid) -> Self {
        Self::IdOrSlug(IdOrSlug::Id(id))
    }
}

/// One article, if it is visible.
pub async fn get(conn: &mut Connection, name: &ArticleRef, visible: Articles) -> QueryResult<Row> {
    single(conn, name, visible, "").await
}

/// One article, if it is visible, locked until the transaction ends.
pub async fn lock(conn: &mut Connection, name: &ArticleRef, visible: Articles) -> QueryResult<Row> {
    single(conn, name, visible, "FOR UPDATE OF articles").await
}

/// One article by its external id, and whether it is in the trash; locked until
/// the transaction ends. The id itself is locked too, so that two who would
/// both create the article take turns.
pub async fn lock_external(conn: &mut Connection, external_id: &str) -> QueryResult<Option<(Row, bool)>> {
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(external_id)
        .execute(conn)
        .await?;
    let name = ArticleRef::ExternalId(external_id.to_owned());
    for (visible, trashed) in [(Articles::All, false), (Articles::Trash, true)] {
        if let Some(row) = lock(conn, &name, visible).await.optional()? {
            return Ok(Some((row, trashed)));
        }
    }
    Ok(None)
}

async fn single(
    conn: &mut Connection,
    name: &ArticleRef,
    visible: Articles,
    locking: &str,
) -> QueryResult<Row> {
    let mut conditions = Conditions::default();
    conditions.and(visible.sql());
    match name.clone() {
        ArticleRef::IdOrSlug(IdOrSlug::Id(id)) => conditions.and_if("articles.id = ?", Some(Value::Id(id))),
        ArticleRef::IdOrSlug(IdOrSlug::Slug(slug)) => {
            conditions.and_if("articles.slug = ?", Some(Value::Text(slug)))
        }
        ArticleRef::ExternalId(id) => conditions.and_if("articles.external_id = ?", Some(Value::Text(id))),
    }
    let text = format!(
        "SELECT articles.*, {EXTRA_COLUMNS} FROM articles {VIEWS} WHERE {} {locking}",
        conditions.sql()
    );
    conditions.statement(text).get_result(conn).await
}

/// The public articles just before and just after this one in its category.
pub async fn neighbors(conn: &mut Connection, row: &Row) -> QueryResult<Vec<NeighborRow>> {
    let side = |is_previous: bool, sign: &str, direction: &str| {
        format!(
            "(SELECT id, slug, title, published_at, {is_previous} AS is_previous FROM articles
              WHERE category_id = $1 AND (published_at, id) {sign} ($2, $3) AND {}
              ORDER BY published_at {direction}, id {direction} LIMIT 1)",
            Articles::Public.sql(),
        )
    };
    let text = format!("{} UNION ALL {}", side(true, "<", "DESC"), side(false, ">", "ASC"));
    sql_query(text)
        .bind::<Nullable<SqlUuid>, _>(row.content.category_id)
        .bind::<Nullable<Timestamptz>, _>(row.content.published_at)
        .bind::<SqlUuid, _>(row.id)
        .load(conn)
        .await
}

/// Adds an article and returns its id; `None` if the slug is taken and `slug_is_made`.
/// Constraints: `articles_slug_key`, `articles_external_id_key`, `articles_category_id_fkey`.
pub async fn insert(
    conn: &mut Connection,
    content: &Content,
    created_by: Option<Uuid>,
    slug_is_made: bool,
) -> QueryResult<Option<Uuid>> {
    let row = (
        articles::id.eq(Uuid::now_v7()),
        content,
        articles::content_hash.eq(content.hash()),
        articles::created_by.eq(created_by),
    );
    let insert = diesel::insert_into(articles::table).values(row);
    if slug_is_made {
        // Leaves the transaction usable, so that another slug can be tried.
        insert
            .on_conflict(articles::slug)
            .do_nothing()
            .returning(articles::id)
            .get_result(conn)
            .await
            .optional()
    } else {
        insert.returning(articles::id).get_result(conn).await.map(Some)
    }
}

/// Replaces what can be changed about an article. Constraints as for [`insert`].
pub async fn update(conn: &mut Connection, id: Uuid, content: &Content) -> QueryResult<()> {
    diesel::update(articles::table.find(id))
        .set((
            content,
            articles::content_hash.eq(content.hash()),
            articles::source_hash.eq(None::<Vec<u8>>),
            articles::version.eq(articles::version + 1),
            articles::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Puts an article into the trash, or takes it out.
pub async fn set_deleted(conn: &mut Connection, id: Uuid, deleted: bool) -> QueryResult<()> {
    diesel::update(articles::table.find(id))
        .set((
            articles::deleted_at.eq(sql::<Nullable<Timestamptz>>(if deleted { "now()" } else { "NULL" })),
            articles::version.eq(articles::version + 1),
            articles::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Sets the number of views, as an import brings it.
pub async fn set_views(conn: &mut Connection, id: Uuid, views: i64) -> QueryResult<()> {
    sql_query(
        "INSERT INTO article_views (article_id, views) VALUES ($1, $2)
         ON CONFLICT (article_id) DO UPDATE SET views = excluded.views",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(views)
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds views to many articles at once; ids that no article has are passed over.
pub async fn add_views(conn: &mut Connection, ids: Vec<Uuid>, counts: Vec<i64>) -> QueryResult<()> {
    // In id order, so that two processes that flush at once cannot deadlock.
    sql_query(
        "INSERT INTO article_views AS v (article_id, views)
         SELECT articles.id, seen.count FROM unnest($1, $2) AS seen(id, count) JOIN articles USING (id)
         ORDER BY articles.id
         ON CONFLICT (article_id) DO UPDATE SET views = v.views + excluded.views",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(counts)
    .execute(conn)
    .await?;
    Ok(())
}
