//! All SQL of articles: single ones here, lists in [`lists`] and [`branches`], slugs in [`slugs`], views in [`popular`].

pub mod addresses;
pub mod archive;
pub mod branches;
pub mod counting;
pub mod found;
pub mod latest;
pub mod listing;
pub mod lists;
pub mod popular;
pub mod slugs;

use diesel::dsl::{now, sql};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use self::slugs::NO_FORMER_SLUGS;
use super::model::{Content, FORMER_SLUGS, MEDIA_TEXTS, NeighborRow, Row};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value, choose_rows};
use crate::db::schema::articles;
use crate::db::visibility::{Articles, PUBLIC_ARTICLE};
use crate::http::id_or_slug::IdOrSlug;
use crate::media::queries::media_in;
use crate::tx::Tx;

/// What goes with an article's own columns; it reads [`VIEWS`].
pub const EXTRA_COLUMNS: &str = "coalesce(article_views.views, 0) AS views";
/// Joins the views of an article.
pub const VIEWS: &str = "LEFT JOIN article_views ON article_views.article_id = articles.id";
/// An article's columns without its body, which is long and stored apart.
const CARD_COLUMNS: &str = "articles.id, articles.slug, articles.external_id, articles.title, articles.summary, \
     articles.summary_made, articles.body_format, articles.sanitizer, articles.author, articles.source_name, \
     articles.source_url, articles.category_id, articles.tags, articles.cover_url, articles.extra, \
     articles.status, articles.published_at, articles.created_by, articles.version, articles.created_at, \
     articles.updated_at";

/// The columns of an article in a list, which has no body.
fn list_columns() -> String {
    format!(
        "{CARD_COLUMNS}, '' AS body, NULL::text AS body_source, {EXTRA_COLUMNS}, {NO_FORMER_SLUGS} AS former_slugs, \
         {} AS media",
        media_in(&MEDIA_TEXTS[..1])
    )
}

/// The columns of an article with its body, but for what staff see.
fn full_columns(body_source: &str, former_slugs: &str) -> String {
    format!(
        "{CARD_COLUMNS}, articles.body, {body_source} AS body_source, {EXTRA_COLUMNS}, {former_slugs} AS former_slugs, \
         {} AS media",
        media_in(&MEDIA_TEXTS)
    )
}

/// How a single article is named.
#[derive(Clone, Debug)]
pub enum ArticleRef {
    /// By id or slug.
    IdOrSlug(IdOrSlug),
    /// By the id it has elsewhere.
    ExternalId(String),
}

/// One article, if it is visible.
pub async fn get(mut conn: &Connection, article: &ArticleRef, visible: Articles) -> QueryResult<Row> {
    let (conditions, text) = one_statement(article, visible);
    conditions.statement(text).get_result(&mut conn).await
}

/// The statement of [`get`], and the values it binds.
pub fn one_statement(article: &ArticleRef, visible: Articles) -> (Conditions, String) {
    // Visitors do not see the former slugs.
    let former_slugs = if visible == Articles::Public { NO_FORMER_SLUGS } else { FORMER_SLUGS };
    let mut conditions = Conditions::default();
    let chosen = choose_rows("articles", &name_in(&mut conditions, article));
    visible.restrict(&mut conditions);
    let columns = full_columns("articles.body_source", former_slugs);
    let text = format!("SELECT {columns} FROM {chosen} {VIEWS} WHERE {}", conditions.sql());
    (conditions, text)
}

/// One article, if it is visible, locked until the transaction ends.
pub async fn lock(tx: &Tx, article: &ArticleRef, visible: Articles) -> QueryResult<Row> {
    let mut conditions = Conditions::default();
    let name = name_in(&mut conditions, article);
    conditions.and(name);
    visible.restrict(&mut conditions);
    let text = format!(
        "SELECT {} FROM articles {VIEWS} WHERE {} FOR NO KEY UPDATE OF articles",
        full_columns("articles.body_source", FORMER_SLUGS),
        conditions.sql()
    );
    conditions.statement(text).get_result(&mut &**tx).await
}

/// The condition that `article` is named by, with its value bound to `conditions`.
fn name_in(conditions: &mut Conditions, article: &ArticleRef) -> String {
    let (column, value) = match article.clone() {
        ArticleRef::IdOrSlug(IdOrSlug::Id(id)) => ("id", Value::Id(id)),
        ArticleRef::IdOrSlug(IdOrSlug::Slug(slug)) => ("slug", Value::Text(slug)),
        ArticleRef::ExternalId(id) => ("external_id", Value::Text(id)),
    };
    format!("articles.{column} = {}", conditions.bind(value))
}

/// The article with this slug, in whatever state, also in the trash; locked until the transaction ends.
pub async fn lock_by_slug(tx: &Tx, slug: &str) -> QueryResult<Option<Row>> {
    let found = articles::table.filter(articles::slug.eq(slug)).select(Row::as_select()).for_no_key_update();
    found.first(&mut &**tx).await.optional()
}

/// Whether an article, in whatever state, has one of these slugs.
pub async fn any_slug_of(mut conn: &Connection, slugs: &[&str]) -> QueryResult<bool> {
    let found = articles::table.filter(articles::slug.eq_any(slugs));
    diesel::select(diesel::dsl::exists(found)).get_result(&mut conn).await
}

/// Lets those who would write the article `external_id` take turns, also if it is not there yet.
pub async fn lock_external_id(tx: &Tx, external_id: &str) -> QueryResult<()> {
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(external_id)
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

/// The article `external_id`, and whether it is in the trash; locked until the transaction ends.
pub async fn lock_by_external_id(tx: &Tx, external_id: &str) -> QueryResult<Option<(Row, bool)>> {
    articles::table
        .filter(articles::external_id.eq(external_id))
        .select((Row::as_select(), articles::deleted_at.is_not_null()))
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()
}

/// The public articles just before and just after this one in its category.
pub async fn neighbors(mut conn: &Connection, row: &Row) -> QueryResult<Vec<NeighborRow>> {
    let side = |is_previous: bool, sign: &str, direction: &str| {
        format!(
            "(SELECT id, slug, title, published_at, {is_previous} AS is_previous FROM articles
              WHERE category_id = $1 AND (published_at, id) {sign} ($2, $3) AND {PUBLIC_ARTICLE}
              ORDER BY published_at {direction}, id {direction} LIMIT 1)"
        )
    };
    let text = format!("{} UNION ALL {}", side(true, "<", "DESC"), side(false, ">", "ASC"));
    sql_query(text)
        .bind::<Nullable<SqlUuid>, _>(row.content.category_id)
        .bind::<Nullable<Timestamptz>, _>(row.content.published_at)
        .bind::<SqlUuid, _>(row.id)
        .load(&mut conn)
        .await
}

/// Adds an article; `None` if the slug is taken and `slug_is_made`.
/// Constraints: `articles_slug_key`, `articles_external_id_key`, `articles_category_id_fkey`.
pub async fn insert(
    tx: &mut Tx,
    content: &Content,
    created_by: Option<Uuid>,
    slug_is_made: bool,
) -> QueryResult<Option<Row>> {
    let row = (articles::id.eq(Uuid::now_v7()), content, articles::created_by.eq(created_by));
    let insert = diesel::insert_into(articles::table).values(row);
    if slug_is_made {
        // Leaves the transaction usable, so that another slug can be tried.
        let insert = insert.on_conflict(articles::slug).do_nothing().returning(Row::as_returning());
        insert.get_result(&mut **tx).await.optional()
    } else {
        insert.returning(Row::as_returning()).get_result(&mut **tx).await.map(Some)
    }
}

/// Replaces what can be changed about an article, as an edit: an import compares it with its row again, and tells
/// what it overwrites. Constraints as for [`insert`].
pub async fn update(tx: &mut Tx, id: Uuid, content: &Content) -> QueryResult<Row> {
    diesel::update(articles::table.find(id))
        .set((
            content,
            articles::source_hash.eq(None::<Vec<u8>>),
            articles::version.eq(articles::version + 1),
            articles::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Replaces what was rendered of an article. It is no edit.
pub async fn refresh(tx: &mut Tx, id: Uuid, content: &Content) -> QueryResult<Row> {
    diesel::update(articles::table.find(id))
        .set((content, articles::version.eq(articles::version + 1), articles::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Sets the member who may change the article as an author.
pub async fn set_creator(tx: &mut Tx, id: Uuid, created_by: Option<Uuid>) -> QueryResult<()> {
    let update = diesel::update(articles::table.find(id)).set(articles::created_by.eq(created_by));
    update.execute(&mut **tx).await.map(drop)
}

/// Puts an article into the trash, or takes it out.
pub async fn set_deleted(tx: &mut Tx, id: Uuid, deleted: bool) -> QueryResult<Row> {
    diesel::update(articles::table.find(id))
        .set((
            articles::deleted_at.eq(sql::<Nullable<Timestamptz>>(if deleted { "now()" } else { "NULL" })),
            articles::version.eq(articles::version + 1),
            articles::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Sets the number of views of an article. Answers that show it are stale then.
pub async fn set_views(tx: &mut Tx, id: Uuid, views: i64) -> QueryResult<()> {
    sql_query(
        "WITH set_views AS (INSERT INTO article_views (article_id, views) VALUES ($1, $2)
                            ON CONFLICT (article_id) DO UPDATE SET views = excluded.views)
         SELECT note_stale_article($1)",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(views)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The id of an article, if it is visible.
pub async fn find_id(mut conn: &Connection, article: &IdOrSlug, visible: Articles) -> QueryResult<Uuid> {
    let mut conditions = Conditions::default();
    let name = name_in(&mut conditions, &ArticleRef::IdOrSlug(article.clone()));
    let chosen = choose_rows("articles", &name);
    visible.restrict(&mut conditions);
    let text = format!("SELECT articles.id FROM {chosen} WHERE {}", conditions.sql());
    let found: FoundId = conditions.statement(text).get_result(&mut conn).await?;
    Ok(found.id)
}

/// Those of `ids` that articles have which are visible.
pub async fn find_ids(mut conn: &Connection, ids: Vec<Uuid>, visible: Articles) -> QueryResult<Vec<Uuid>> {
    let mut conditions = Conditions::default();
    conditions.and_if("articles.id = ANY(?)", Some(Value::Ids(ids)));
    visible.restrict(&mut conditions);
    let text = format!("SELECT articles.id FROM articles WHERE {}", conditions.sql());
    let found: Vec<FoundId> = conditions.statement(text).load(&mut conn).await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

#[derive(QueryableByName)]
struct FoundId {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The next articles after `after`, in whatever state, whose body was made by a sanitiser before `version`.
pub async fn load_outdated(
    mut conn: &Connection,
    after: Uuid,
    version: i16,
    limit: i64,
) -> QueryResult<Vec<Row>> {
    let outdated = articles::table.filter(articles::id.gt(after)).filter(articles::sanitizer.lt(version));
    outdated.order(articles::id).limit(limit).select(Row::as_select()).load(&mut conn).await
}

/// An article in whatever state, locked until the transaction ends.
pub async fn lock_any(tx: &mut Tx, id: Uuid) -> QueryResult<Option<Row>> {
    let found = articles::table.find(id).select(Row::as_select()).for_no_key_update();
    found.first(&mut **tx).await.optional()
}

/// Notes that the body is as the sanitiser `version` makes it. Nothing that clients see changes.
pub async fn set_sanitizer(tx: &mut Tx, id: Uuid, version: i16) -> QueryResult<()> {
    let update = diesel::update(articles::table.find(id)).set(articles::sanitizer.eq(version));
    update.execute(&mut **tx).await.map(drop)
}

/// Whether there is an article, in the trash or not.
pub async fn has_articles(mut conn: &Connection) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(articles::table.select(articles::id))).get_result(&mut conn).await
}
