//! SQL of articles in bulk. The number of statements for a batch does not depend on its size.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::identity::{FormerIdentity, Identity, UnseenWrites};
use crate::articles::alike::MAX_BODY_CHARS;
use crate::articles::model::{Content, Row};
use crate::articles::queries::slugs::NO_FORMER_SLUGS;
use crate::articles::queries::{EXTRA_COLUMNS, VIEWS};
use crate::changes::model::Actor;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::Articles;
use crate::imports::outcome::ResourceRef;
use crate::telemetry;

/// An article that a row can be about, or whose slug a row wants.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ExistingArticle {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    /// Its slug.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// Its category.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub category_id: Option<Uuid>,
    /// Its publication time.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub published_at: Option<DateTime<Utc>>,
    /// The digest of the row that wrote it. Any other change removes it.
    #[diesel(sql_type = Nullable<Binary>)]
    pub source_hash: Option<Vec<u8>>,
    /// Whether it is in the trash.
    #[diesel(sql_type = Bool)]
    pub trashed: bool,
    /// The address it was taken from.
    #[diesel(sql_type = Nullable<Text>)]
    pub source_url: Option<String>,
    /// The wanted slug that it has, or has had, if it was found by that.
    #[diesel(sql_type = Nullable<Text>)]
    wanted_slug: Option<String>,
}

impl ExistingArticle {
    /// The article for reports.
    pub fn to_resource(&self) -> ResourceRef {
        ResourceRef { id: self.id, slug: self.slug.clone() }
    }
}

/// The articles that existed when a statement ran.
#[derive(Clone, Debug, Default)]
pub struct ExistingArticles {
    articles: HashMap<Identity, ExistingArticle>,
    slug_owners: HashMap<String, Uuid>,
}

impl ExistingArticles {
    /// The article with this identity.
    pub fn get(&self, identity: &Identity) -> Option<&ExistingArticle> {
        self.articles.get(identity)
    }

    /// The article of the same site that an earlier import gave this id.
    pub fn find_former(&self, former: &FormerIdentity) -> Option<&ExistingArticle> {
        self.get(&former.identity).filter(|article| former.is_of(article.source_url.as_deref()))
    }

    /// Forgets the digests of the articles that may have changed since. Their rows are compared
    /// with them when they are written.
    pub fn forget_digests(&mut self, unseen_writes: &UnseenWrites) {
        for (identity, article) in &mut self.articles {
            if unseen_writes.may_include(identity) {
                article.source_hash = None;
            }
        }
    }

    /// The id of the article that has this slug, or has had it.
    pub fn find_slug_owner(&self, slug: &str) -> Option<Uuid> {
        self.slug_owners.get(slug).copied()
    }
}

/// Loads the articles with these identities and those that have these slugs, or have had them, without locking them.
pub async fn find_existing<'i>(
    mut conn: &Connection,
    identities: impl Iterator<Item = &'i Identity>,
    mut slugs: Vec<&'i str>,
) -> QueryResult<ExistingArticles> {
    let mut external_ids = Vec::new();
    for identity in identities {
        match identity {
            Identity::ExternalId(id) => external_ids.push(id.as_str()),
            Identity::Slug(slug) => slugs.push(slug.as_str()),
        }
    }
    // One statement, so that both answers are of the same moment.
    let columns = "articles.id, external_id, articles.slug, category_id, published_at, source_hash, source_url, \
                   deleted_at IS NOT NULL AS trashed";
    let rows: Vec<ExistingArticle> = sql_query(format!(
        "SELECT {columns}, NULL::text AS wanted_slug FROM articles WHERE external_id = ANY($1) UNION ALL \
         SELECT {columns}, article_slugs.slug FROM article_slugs JOIN articles ON articles.id = article_slugs.article_id \
         WHERE article_slugs.slug = ANY($2)"
    ))
    .bind::<Array<Text>, _>(external_ids)
    .bind::<Array<Text>, _>(slugs)
    .load(&mut conn)
    .await?;
    let mut existing = ExistingArticles::default();
    for row in rows {
        if let Some(slug) = &row.wanted_slug {
            existing.slug_owners.insert(slug.clone(), row.id);
        }
        let identity = match (&row.external_id, &row.wanted_slug) {
            (Some(id), _) => Identity::ExternalId(id.clone()),
            // A row with a former slug is about the article, too.
            (None, Some(slug)) => Identity::Slug(slug.clone()),
            (None, None) => Identity::Slug(row.slug.clone()),
        };
        existing.articles.insert(identity, row);
    }
    Ok(existing)
}

/// What of an article is compared with rows.
#[derive(QueryableByName)]
pub struct ArticleText {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// The beginning of its body, as HTML.
    #[diesel(sql_type = Text)]
    pub body: String,
}

/// The texts, with the beginnings of the bodies, of the articles among `ids` that are `readable`, or among `own` and not in the trash.
pub async fn load_texts(
    mut conn: &Connection,
    readable: Articles,
    own: Vec<Uuid>,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<ArticleText>> {
    let mut conditions = Conditions::default();
    let readable = conditions.apart(|conditions| readable.restrict(conditions));
    let own = conditions.bind(Value::Ids(own));
    conditions.and(format!("({readable} OR (articles.id = ANY({own}) AND articles.deleted_at IS NULL))"));
    conditions.and_if("articles.id = ANY(?)", Some(Value::Ids(ids)));
    let columns = format!("id, title, left(body, {MAX_BODY_CHARS}) AS body");
    let text = format!("SELECT {columns} FROM articles WHERE {}", conditions.sql());
    conditions.statement(text).load(&mut conn).await
}

/// An article before a row replaces it, locked.
#[derive(Clone, Debug, QueryableByName)]
pub struct LockedArticle {
    /// The article.
    #[diesel(embed)]
    pub article: Row,
    /// Whether it is in the trash.
    #[diesel(sql_type = Bool)]
    pub trashed: bool,
    /// Whether it was changed, or made, other than by an import since its last import.
    #[diesel(sql_type = Bool)]
    pub edited: bool,
}

/// Loads articles and locks them until the transaction ends.
///
/// Locks in the order of ids, so that two imports do not deadlock.
pub async fn lock_articles(
    conn: &mut Connection,
    ids: Vec<Uuid>,
) -> QueryResult<HashMap<Uuid, LockedArticle>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<LockedArticle> = sql_query(format!(
        "SELECT articles.*, {EXTRA_COLUMNS}, {NO_FORMER_SLUGS} AS former_slugs, NULL::jsonb AS media,
         deleted_at IS NOT NULL AS trashed, source_hash IS NULL AS edited FROM articles {VIEWS}
         WHERE articles.id = ANY($1) ORDER BY articles.id FOR NO KEY UPDATE OF articles"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|before| (before.article.id, before)).collect())
}

/// An article to insert or update.
pub struct ArticleWrite<'w> {
    /// Its id.
    pub id: Uuid,
    /// Its new content.
    pub content: &'w Content,
    /// The digest of the row.
    pub source_hash: &'w [u8],
    /// Its number of views, if the row has one.
    pub views: Option<i64>,
    /// Its creation time. `None` is the time of the transaction.
    pub created_at: Option<DateTime<Utc>>,
    /// The action for the change log: `create`, `update` or `restore`.
    pub action: &'static str,
    /// The changed fields for the change log, comma-separated.
    pub fields: String,
}

/// Inserts a row for each [`ArticleWrite`]; its columns are bound as arrays.
const INSERT_ARTICLES: &str = "INSERT INTO articles (id, slug, external_id, title, summary, summary_made, body, \
     body_source, body_format, sanitizer, author, source_name, source_url, category_id, tags, cover_url, extra, \
     status, published_at, source_hash, created_at, created_by) \
     SELECT id, slug, external_id, title, summary, summary_made, body, \
     body_source, body_format, sanitizer, author, source_name, source_url, category_id, \
     string_to_array(tags, ','), cover_url, extra, status, published_at, source_hash, \
     coalesce(created_at, now()), $28 \
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], \
     $6::bool[], $7::text[], $8::text[], $9::text[], $10::smallint[], $11::text[], $12::text[], $13::text[], \
     $14::uuid[], $15::text[], $16::text[], $17::jsonb[], $18::text[], $19::timestamptz[], $20::bytea[], $21::timestamptz[]) \
     AS new(id, slug, external_id, title, summary, summary_made, body, body_source, body_format, sanitizer, \
     author, source_name, source_url, category_id, tags, cover_url, extra, status, published_at, \
     source_hash, created_at)";

/// Replaces articles that have the id of a row, and takes them out of the trash.
///
/// The importer becomes their creator: an author may read and change what he created, and must not
/// gain that over what others import by an id or a slug that he has used before.
const REPLACE_ARTICLES: &str = "ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, external_id = excluded.external_id, \
     title = excluded.title, summary = excluded.summary, summary_made = excluded.summary_made, \
     body = excluded.body, body_source = excluded.body_source, body_format = excluded.body_format, \
     sanitizer = excluded.sanitizer, author = excluded.author, source_name = excluded.source_name, \
     source_url = excluded.source_url, category_id = excluded.category_id, tags = excluded.tags, \
     cover_url = excluded.cover_url, extra = excluded.extra, status = excluded.status, \
     published_at = excluded.published_at, \
     source_hash = excluded.source_hash, created_at = excluded.created_at, \
     created_by = excluded.created_by, deleted_at = NULL, version = articles.version + 1, updated_at = now() RETURNING id";

/// Adds entries to the change log and view counters for the ids in `written`.
///
/// Reads the narrow columns only, so that PostgreSQL expands the wide ones once.
const LOG_AND_VIEWS: &str = "details AS (SELECT * FROM unnest($1::uuid[], $22::bigint[], $23::text[], $24::text[]) \
     AS details(id, views, action, fields) JOIN written USING (id)), \
     log_entries AS (INSERT INTO changes (actor_kind, actor_id, action, entity, entity_id, fields, request_id) \
     SELECT $25, $26, action, 'article', id, string_to_array(fields, ','), $27 FROM details), \
     counters AS (INSERT INTO article_views AS v (article_id, views) SELECT id, views FROM details \
     WHERE views > 0 ON CONFLICT (article_id) DO UPDATE SET views = greatest(v.views, excluded.views))";

/// Inserts or replaces articles by their ids, takes them out of the trash, and writes their view
/// counters and their entries in the change log.
pub async fn write_articles(
    conn: &mut Connection,
    writes: &[ArticleWrite<'_>],
    actor: Actor,
) -> QueryResult<()> {
    if writes.is_empty() {
        return Ok(());
    }
    sql_query(format!(
        "WITH written AS ({INSERT_ARTICLES} {REPLACE_ARTICLES}), {LOG_AND_VIEWS} SELECT count(*) FROM written"
    ))
    .bind::<Array<SqlUuid>, _>(collect(writes, |write| write.id))
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.slug.as_str()))
    .bind::<Array<Nullable<Text>>, _>(collect(writes, |write| write.content.external_id.as_deref()))
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.title.as_str()))
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.summary.as_str()))
    .bind::<Array<Bool>, _>(collect(writes, |write| write.content.summary_made))
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.body.as_str()))
    .bind::<Array<Nullable<Text>>, _>(collect(writes, |write| write.content.body_source.as_deref()))
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.body_format))
    .bind::<Array<SmallInt>, _>(collect(writes, |write| write.content.sanitizer))
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.author.as_str()))
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.source_name.as_str()))
    .bind::<Array<Nullable<Text>>, _>(collect(writes, |write| write.content.source_url.as_deref()))
    .bind::<Array<Nullable<SqlUuid>>, _>(collect(writes, |write| write.content.category_id))
    // A tag never contains a comma.
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.tags.join(",")))
    .bind::<Array<Nullable<Text>>, _>(collect(writes, |write| write.content.cover_url.as_deref()))
    .bind::<Array<Jsonb>, _>(collect(writes, |write| &write.content.extra))
    .bind::<Array<Text>, _>(collect(writes, |write| write.content.status))
    .bind::<Array<Nullable<Timestamptz>>, _>(collect(writes, |write| write.content.published_at))
    .bind::<Array<Binary>, _>(collect(writes, |write| write.source_hash))
    .bind::<Array<Nullable<Timestamptz>>, _>(collect(writes, |write| write.created_at))
    .bind::<Array<Nullable<BigInt>>, _>(collect(writes, |write| write.views))
    .bind::<Array<Text>, _>(collect(writes, |write| write.action))
    .bind::<Array<Text>, _>(collect(writes, |write| write.fields.as_str()))
    .bind::<Text, _>(actor.kind)
    .bind::<Nullable<SqlUuid>, _>(actor.id)
    .bind::<Nullable<Text>, _>(telemetry::request_id())
    .bind::<Nullable<SqlUuid>, _>(actor.member_id())
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes slugs lead to articles, unless they lead to others. Returns those that do now.
pub async fn claim_former_slugs(
    conn: &mut Connection,
    slugs: Vec<&str>,
    ids: Vec<Uuid>,
) -> QueryResult<HashSet<String>> {
    #[derive(QueryableByName)]
    struct Claimed {
        #[diesel(sql_type = Text)]
        slug: String,
    }
    if slugs.is_empty() {
        return Ok(HashSet::new());
    }
    // All imports claim in the same order, so that two with the same slugs do not deadlock.
    let claimed: Vec<Claimed> = sql_query(
        "INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM unnest($1, $2) AS claimed(slug, id)
         ORDER BY slug ON CONFLICT (slug) DO NOTHING RETURNING slug",
    )
    .bind::<Array<Text>, _>(slugs)
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
    .await?;
    Ok(claimed.into_iter().map(|claimed| claimed.slug).collect())
}

/// A column of all rows.
fn collect<'w, T>(writes: &'w [ArticleWrite<'w>], column: impl Fn(&'w ArticleWrite<'w>) -> T) -> Vec<T> {
    writes.iter().map(column).collect()
}
