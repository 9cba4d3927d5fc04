//! All SQL of articles in bulk: a statement a batch, whatever its size.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::identity::Identity;
use crate::articles::model::{Content, Row};
use crate::articles::queries::{EXTRA_COLUMNS, VIEWS};
use crate::changes::model::Actor;
use crate::telemetry;

/// An article that a row may be about.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ExistingArticle {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    /// Its name in addresses.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// The category it is in.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub category_id: Option<Uuid>,
    /// From when it is out.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub published_at: Option<DateTime<Utc>>,
    /// The row it stands as, if nothing has changed it since.
    #[diesel(sql_type = Nullable<Binary>)]
    pub source_hash: Option<Vec<u8>>,
    /// Whether it is in the trash.
    #[diesel(sql_type = Bool)]
    pub trashed: bool,
}

/// The articles that rows with these identities are about.
pub async fn standing<'i>(
    conn: &mut AsyncPgConnection,
    identities: impl Iterator<Item = &'i Identity>,
) -> QueryResult<HashMap<Identity, ExistingArticle>> {
    let (mut external, mut slugs) = (Vec::new(), Vec::new());
    for identity in identities {
        match identity {
            Identity::External(id) => external.push(id.as_str()),
            Identity::Slug(slug) => slugs.push(slug.as_str()),
        }
    }
    let columns =
        "id, external_id, slug, category_id, published_at, source_hash, deleted_at IS NOT NULL AS trashed";
    let rows: Vec<ExistingArticle> = sql_query(format!(
        "SELECT {columns} FROM articles WHERE external_id = ANY($1)
         UNION ALL SELECT {columns} FROM articles WHERE external_id IS NULL AND slug = ANY($2)"
    ))
    .bind::<Array<Text>, _>(external)
    .bind::<Array<Text>, _>(slugs)
    .load(conn)
    .await?;
    let identified = rows.into_iter().map(|row| {
        let identity = match &row.external_id {
            Some(id) => Identity::External(id.clone()),
            None => Identity::Slug(row.slug.clone()),
        };
        (identity, row)
    });
    Ok(identified.collect())
}

/// An article with its trash, as it is before a row replaces it.
#[derive(Clone, Debug, QueryableByName)]
pub struct Before {
    /// The article.
    #[diesel(embed)]
    pub article: Row,
    /// Whether it is in the trash.
    #[diesel(sql_type = Bool)]
    pub trashed: bool,
}

/// These articles, locked until the transaction ends; in the order of their ids,
/// so that two imports cannot wait for each other.
pub async fn lock(conn: &mut AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<HashMap<Uuid, Before>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Before> = sql_query(format!(
        "SELECT articles.*, {EXTRA_COLUMNS}, deleted_at IS NOT NULL AS trashed FROM articles {VIEWS}
         WHERE articles.id = ANY($1) ORDER BY articles.id FOR UPDATE OF articles"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|before| (before.article.id, before)).collect())
}

/// An article by its slug.
#[derive(QueryableByName)]
pub struct Owner {
    #[diesel(sql_type = Text)]
    slug: String,
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its id where it comes from.
    #[diesel(sql_type = Nullable<Text>)]
    pub external_id: Option<String>,
}

/// Which of these slugs are in use, and by which article.
pub async fn slugs_in_use(
    conn: &mut AsyncPgConnection,
    slugs: Vec<String>,
) -> QueryResult<HashMap<String, Owner>> {
    let rows: Vec<Owner> = sql_query("SELECT slug, id, external_id FROM articles WHERE slug = ANY($1)")
        .bind::<Array<Text>, _>(slugs)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.slug.clone(), row)).collect())
}

/// An article to be written, with what stands beside its content.
pub struct Line<'w> {
    /// Its id.
    pub id: Uuid,
    /// What it will say.
    pub content: &'w Content,
    /// The digest of that.
    pub content_hash: &'w [u8],
    /// The digest of the row that says it.
    pub source_hash: &'w [u8],
    /// How often it was read, if that is known.
    pub views: Option<i64>,
    /// When it was made, if that is known.
    pub created_at: Option<DateTime<Utc>>,
    /// What the log calls it: `create`, `update` or `restore`.
    pub action: &'static str,
    /// What changes, comma-separated, by the names clients know.
    pub fields: String,
}

/// The columns of [`Line`]s as a table: `new` of the statements below.
const NEW: &str = "unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], \
     $6::bool[], $7::text[], $8::text[], $9::text[], $10::smallint[], $11::text[], $12::text[], $13::text[], \
     $14::uuid[], $15::text[], $16::text[], $17::jsonb[], $18::text[], $19::timestamptz[], $20::bytea[], \
     $21::bytea[], $22::timestamptz[]) \
     AS new(id, slug, external_id, title, summary, summary_made, body, body_source, body_format, sanitizer, \
     author, source_name, source_url, category_id, tags, cover_url, extra, status, published_at, content_hash, \
     source_hash, created_at)";

/// What follows for the ids in `written`: lines of the change log, and numbers of views.
/// It takes the narrow columns alone, so that the wide ones are gone through once.
const FOLLOWING: &str = "beside AS (SELECT * FROM unnest($1::uuid[], $23::bigint[], $24::text[], $25::text[]) \
     AS beside(id, views, action, fields) JOIN written USING (id)), \
     line AS (INSERT INTO changes (actor_kind, actor_id, action, entity, entity_id, fields, request_id) \
     SELECT $26, $27, action, 'article', id, string_to_array(fields, ','), $28 FROM beside), \
     seen AS (INSERT INTO article_views AS v (article_id, views) SELECT id, views FROM beside \
     WHERE views > 0 ON CONFLICT (article_id) DO UPDATE SET views = greatest(v.views, excluded.views))";

fn bound<'l>(text: String, lines: &'l [Line<'l>], actor: Actor) -> BoxedSqlQuery<'l, Pg, SqlQuery> {
    fn all<'l, T>(lines: &'l [Line<'l>], column: impl Fn(&'l Line<'l>) -> T) -> Vec<T> {
        lines.iter().map(column).collect()
    }
    sql_query(text)
        .into_boxed()
        .bind::<Array<SqlUuid>, _>(all(lines, |line| line.id))
        .bind::<Array<Text>, _>(all(lines, |line| line.content.slug.as_str()))
        .bind::<Array<Nullable<Text>>, _>(all(lines, |line| line.content.external_id.as_deref()))
        .bind::<Array<Text>, _>(all(lines, |line| line.content.title.as_str()))
        .bind::<Array<Text>, _>(all(lines, |line| line.content.summary.as_str()))
        .bind::<Array<Bool>, _>(all(lines, |line| line.content.summary_made))
        .bind::<Array<Text>, _>(all(lines, |line| line.content.body.as_str()))
        .bind::<Array<Nullable<Text>>, _>(all(lines, |line| line.content.body_source.as_deref()))
        .bind::<Array<Text>, _>(all(lines, |line| line.content.body_format))
        .bind::<Array<SmallInt>, _>(all(lines, |line| line.content.sanitizer))
        .bind::<Array<Text>, _>(all(lines, |line| line.content.author.as_str()))
        .bind::<Array<Text>, _>(all(lines, |line| line.content.source_name.as_str()))
        .bind::<Array<Nullable<Text>>, _>(all(lines, |line| line.content.source_url.as_deref()))
        .bind::<Array<Nullable<SqlUuid>>, _>(all(lines, |line| line.content.category_id))
        // Tags hold no commas.
        .bind::<Array<Text>, _>(all(lines, |line| line.content.tags.join(",")))
        .bind::<Array<Nullable<Text>>, _>(all(lines, |line| line.content.cover_url.as_deref()))
        .bind::<Array<Jsonb>, _>(all(lines, |line| &line.content.extra))
        .bind::<Array<Text>, _>(all(lines, |line| line.content.status))
        .bind::<Array<Nullable<Timestamptz>>, _>(all(lines, |line| line.content.published_at))
        .bind::<Array<Binary>, _>(all(lines, |line| line.content_hash))
        .bind::<Array<Binary>, _>(all(lines, |line| line.source_hash))
        .bind::<Array<Nullable<Timestamptz>>, _>(all(lines, |line| line.created_at))
        .bind::<Array<Nullable<BigInt>>, _>(all(lines, |line| line.views))
        .bind::<Array<Text>, _>(all(lines, |line| line.action))
        .bind::<Array<Text>, _>(all(lines, |line| line.fields.as_str()))
        .bind::<Text, _>(actor.kind)
        .bind::<Nullable<SqlUuid>, _>(actor.id)
        .bind::<Nullable<Text>, _>(telemetry::request_id())
}

/// Adds articles with their views and their lines in the log. Constraints as for a single one.
pub async fn insert(conn: &mut AsyncPgConnection, lines: &[Line<'_>], actor: Actor) -> QueryResult<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let text = format!(
        "WITH written AS (
             INSERT INTO articles (id, slug, external_id, title, summary, summary_made, body, body_source,
                 body_format, sanitizer, author, source_name, source_url, category_id, tags, cover_url, extra,
                 status, published_at, content_hash, source_hash, created_at, created_by)
             SELECT id, slug, external_id, title, summary, summary_made, body, body_source,
                 body_format, sanitizer, author, source_name, source_url, category_id,
                 string_to_array(tags, ','), cover_url, extra, status, published_at, content_hash, source_hash,
                 coalesce(created_at, now()), $29
             FROM {NEW} RETURNING id
         ), {FOLLOWING} SELECT count(*) FROM written"
    );
    let statement = bound(text, lines, actor).bind::<Nullable<SqlUuid>, _>(actor.member_id());
    statement.execute(conn).await?;
    Ok(())
}

/// Replaces what articles say, takes them out of the trash, and writes their lines in the log.
pub async fn update(conn: &mut AsyncPgConnection, lines: &[Line<'_>], actor: Actor) -> QueryResult<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let text = format!(
        "WITH written AS (
             UPDATE articles SET slug = new.slug, external_id = new.external_id, title = new.title,
                 summary = new.summary, summary_made = new.summary_made, body = new.body,
                 body_source = new.body_source, body_format = new.body_format, sanitizer = new.sanitizer,
                 author = new.author, source_name = new.source_name, source_url = new.source_url,
                 category_id = new.category_id, tags = string_to_array(new.tags, ','),
                 cover_url = new.cover_url, extra = new.extra, status = new.status,
                 published_at = new.published_at, content_hash = new.content_hash,
                 source_hash = new.source_hash, created_at = coalesce(new.created_at, articles.created_at),
                 deleted_at = NULL, version = articles.version + 1, updated_at = now()
             FROM {NEW} WHERE articles.id = new.id RETURNING articles.id
         ), {FOLLOWING} SELECT count(*) FROM written"
    );
    bound(text, lines, actor).execute(conn).await?;
    Ok(())
}
