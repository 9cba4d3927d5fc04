//! All SQL of categories.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::future::{join, try_join};
use uuid::Uuid;

use super::model::{Content, Row, Tree};
use crate::app::App;
use crate::db::connection::Connection;
use crate::db::read_clock;
use crate::db::schema::{articles, categories, category_slugs};
use crate::db::types::Status;
use crate::db::visibility::SCHEDULED_ARTICLE;
use crate::error::Result;
use crate::follower::Snapshot;
use crate::http::modified::{LastChange, ListTimes, Upcoming};
use crate::tx::Tx;

/// The key of the advisory lock under which the tree changes its shape.
const TREE_LOCK: i64 = 0x696e_6b74_7265_6531;

impl Snapshot for Tree {
    const ENTITIES: &'static [&'static str] = &["category", "categories"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        load_tree(conn).await
    }
}

/// When the tree last changed.
pub struct CategoryChange(pub LastChange);

static LAST_CATEGORY_CHANGE: AtomicI64 = AtomicI64::new(0);

impl Snapshot for CategoryChange {
    const ENTITIES: &'static [&'static str] = &["category", "categories"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        Ok(Self(LastChange::new(read_clock(conn).await?, &LAST_CATEGORY_CHANGE)))
    }
}

/// When lists and numbers of articles last changed for the public.
struct ArticleChange(LastChange);

static LAST_ARTICLE_CHANGE: AtomicI64 = AtomicI64::new(0);

impl Snapshot for ArticleChange {
    // Tags of answers: what the public does not see changes nothing.
    const ENTITIES: &'static [&'static str] = &["articles", "categories", "site"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        Ok(Self(LastChange::new(read_clock(conn).await?, &LAST_ARTICLE_CHANGE)))
    }
}

/// When the next articles become public.
struct UpcomingArticles(Arc<Upcoming>);

impl Snapshot for UpcomingArticles {
    const ENTITIES: &'static [&'static str] = &["articles", "scheduled_articles"];

    async fn load(mut conn: &Connection) -> QueryResult<Self> {
        let published = || {
            let published = articles::table.filter(articles::status.eq(Status::Published));
            published.filter(articles::deleted_at.is_null()).select(articles::published_at.assume_not_null())
        };
        let read_at = read_clock(conn).await?;
        let next = published().filter(articles::published_at.gt(read_at)).order(articles::published_at);
        let next = next.limit(Upcoming::MAX as i64).load(&mut conn).await?;
        let passed =
            published().filter(articles::published_at.le(read_at)).order(articles::published_at.desc());
        let passed = passed.first(&mut conn).await.optional()?;
        Ok(Self(Arc::new(Upcoming::new(passed, next))))
    }
}

/// When lists and numbers of articles change for the public. To be asked before the rows are read.
pub async fn load_article_times(app: &App) -> Result<ListTimes> {
    let change = app.snapshot::<ArticleChange>().await?.0;
    let mut upcoming = app.snapshot::<UpcomingArticles>().await?;
    if upcoming.0.is_exhausted(app.now()) {
        app.follower.drop_snapshot::<UpcomingArticles>();
        upcoming = app.snapshot::<UpcomingArticles>().await?;
    }
    Ok(ListTimes::new(change, upcoming.0.clone()))
}

/// The whole tree.
pub async fn load_tree(conn: &Connection) -> QueryResult<Tree> {
    // Sent together: one round trip.
    let (rows, former_slugs) = try_join(load_rows(conn), load_former_slugs(conn)).await?;
    Ok(Tree::new(rows).with_former_slugs(former_slugs))
}

async fn load_rows(mut conn: &Connection) -> QueryResult<Vec<Row>> {
    categories::table.select(Row::as_select()).load(&mut conn).await
}

/// Slugs that categories have had, and the categories. Triggers on `categories` write them to `category_slugs`, whose
/// primary key gives none away.
async fn load_former_slugs(mut conn: &Connection) -> QueryResult<Vec<(String, Uuid)>> {
    category_slugs::table
        .inner_join(categories::table.on(categories::id.eq(category_slugs::category_id)))
        .filter(category_slugs::slug.ne(categories::slug))
        .select((category_slugs::slug, category_slugs::category_id))
        .load(&mut conn)
        .await
}

/// The whole tree, which nobody else can change until this transaction ends.
pub async fn lock_tree(tx: &Tx) -> QueryResult<Tree> {
    // Sent together: the second statement begins when the first has the lock, and sees what was
    // committed before that.
    let (locked, tree) = join(take_tree_lock(tx), load_tree(tx)).await;
    locked?;
    tree
}

async fn take_tree_lock(mut conn: &Connection) -> QueryResult<()> {
    sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(TREE_LOCK).execute(&mut conn).await?;
    Ok(())
}

/// Whether a category has one of these slugs.
pub async fn any_slug_of(mut conn: &Connection, slugs: &[&str]) -> QueryResult<bool> {
    let found = categories::table.filter(categories::slug.eq_any(slugs));
    diesel::select(diesel::dsl::exists(found)).get_result(&mut conn).await
}

/// Adds a category. Constraint: `categories_slug_key`.
pub async fn insert(tx: &mut Tx, content: &Content) -> QueryResult<Row> {
    diesel::insert_into(categories::table)
        .values((categories::id.eq(Uuid::now_v7()), content))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Replaces what can be changed about a category. Constraint: `categories_slug_key`.
pub async fn update(tx: &mut Tx, id: Uuid, content: &Content) -> QueryResult<Row> {
    diesel::update(categories::table.find(id))
        .set((content, categories::version.eq(categories::version + 1), categories::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Removes a category that holds nothing, with its former slugs.
pub async fn delete(tx: &mut Tx, id: Uuid) -> QueryResult<()> {
    diesel::delete(categories::table.find(id)).execute(&mut **tx).await?;
    Ok(())
}

/// How many articles the public finds in `categories`: those published, less those whose time has not come.
pub async fn count_public_articles(mut conn: &Connection, categories: Vec<Uuid>) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let text = format!(
        "SELECT (SELECT coalesce(sum(change), 0) FROM article_counts WHERE category_id = ANY($1))::bigint
              - (SELECT count(*) FROM articles WHERE category_id = ANY($1) AND {SCHEDULED_ARTICLE}) AS count"
    );
    let row: Count = sql_query(text).bind::<Array<SqlUuid>, _>(categories).get_result(&mut conn).await?;
    Ok(row.count)
}

/// Joins the lines of each category in `article_counts`.
pub async fn join_article_counts(tx: &mut Tx) -> QueryResult<()> {
    // Lines that another transaction joins meanwhile are gone, and so not counted twice.
    sql_query(
        "WITH many AS (SELECT category_id FROM article_counts GROUP BY category_id HAVING count(*) > 1),
              joined AS (DELETE FROM article_counts USING many WHERE article_counts.category_id = many.category_id
                         RETURNING article_counts.category_id, change)
         INSERT INTO article_counts (category_id, change)
         SELECT category_id, sum(change) FROM joined GROUP BY category_id HAVING sum(change) <> 0",
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// How many articles are in the category itself, drafts and trash included.
pub async fn count_articles(mut conn: &Connection, category: Uuid) -> QueryResult<i64> {
    articles::table.filter(articles::category_id.eq(category)).count().get_result(&mut conn).await
}

/// How many articles are in the category itself, drafts and trash included; counts to `most` only.
pub async fn count_articles_up_to(mut conn: &Connection, category: Uuid, most: i64) -> QueryResult<i64> {
    let some = articles::table.filter(articles::category_id.eq(category)).limit(most);
    let ids: Vec<Uuid> = some.select(articles::id).load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Moves up to `most` articles of a category, and says which. Articles that others have locked stay.
pub async fn move_articles(tx: &mut Tx, from: Uuid, to: Uuid, most: i64) -> QueryResult<Vec<Uuid>> {
    let free: Vec<Uuid> = articles::table
        .filter(articles::category_id.eq(from))
        .limit(most)
        .select(articles::id)
        .for_no_key_update()
        .skip_locked()
        .load(&mut **tx)
        .await?;
    diesel::update(articles::table.filter(articles::id.eq_any(free)))
        .set((
            articles::category_id.eq(to),
            // It is an edit, which an import tells before it overwrites it.
            articles::source_hash.eq(None::<Vec<u8>>),
            articles::version.eq(articles::version + 1),
            articles::updated_at.eq(now),
        ))
        .returning(articles::id)
        .get_results(&mut **tx)
        .await
}

/// Moves all categories that are directly in a category, and says which.
pub async fn move_children(tx: &mut Tx, from: Uuid, to: Uuid) -> QueryResult<Vec<Uuid>> {
    diesel::update(categories::table.filter(categories::parent_id.eq(from)))
        .set((
            categories::parent_id.eq(to),
            categories::version.eq(categories::version + 1),
            categories::updated_at.eq(now),
        ))
        .returning(categories::id)
        .get_results(&mut **tx)
        .await
}
