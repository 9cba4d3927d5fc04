//! SQL of what readers open: view counts, and lists of what is popular.
//!
//! `article_popularity` has a score for each window of time. A view counts twice as much as one half-life before, so an
//! index in the order of the scores stays right while time passes.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Double, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::listing::Listing;
use crate::db::connection::Connection;
use crate::db::rows::{self, PageSlice, SortColumn};
use crate::tx::Tx;

/// The articles that were viewed lately.
const POPULAR: &str = "article_popularity JOIN articles ON articles.id = article_popularity.article_id";
/// Lines that are deleted in one statement.
const MAX_DELETED: u32 = 10_000;

/// For how long the views of an article count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// A day.
    Day,
    /// Seven days.
    Week,
    /// Thirty days.
    Month,
}

impl Window {
    /// The window as SQL.
    fn interval(self) -> &'static str {
        match self {
            Self::Day => "interval '1 day'",
            Self::Week => "interval '7 days'",
            Self::Month => "interval '30 days'",
        }
    }

    /// The time in which a view loses half of its weight, as SQL: half of the window.
    fn half_life(self) -> String {
        format!("{} / 2", self.interval())
    }

    /// The column of the scores: in it, a view loses half of its weight in half of the window.
    const fn score(self) -> &'static str {
        match self {
            Self::Day => "article_popularity.day_score",
            Self::Week => "article_popularity.week_score",
            Self::Month => "article_popularity.month_score",
        }
    }

    /// The order, the most popular first.
    pub fn order(self) -> Vec<SortColumn> {
        let score = self.score();
        vec![
            SortColumn { name: "popularity", sql: score, cast: "float8", descending: true },
            SortColumn { name: "id", sql: "article_popularity.article_id", cast: "uuid", descending: true },
        ]
    }
}

/// An article of a page of popular ones.
#[derive(Clone, Debug, QueryableByName)]
pub struct Scored {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its score, which is compared with others only.
    #[diesel(sql_type = Double)]
    pub score: f64,
}

/// The articles of `listing` on the page `slice` of those that were viewed within `window`.
pub async fn choose(
    mut conn: &Connection,
    listing: &Listing,
    window: Window,
    slice: &PageSlice,
) -> QueryResult<Vec<Scored>> {
    let mut conditions = listing.to_conditions();
    conditions.and(viewed_within(window));
    let columns = format!("articles.id, {} AS score", window.score());
    conditions.page_query(&columns, POPULAR, slice).load(&mut conn).await
}

/// How many articles of `listing` were viewed within `window`; counts to `most` only, if that is given.
pub async fn count(
    conn: &Connection,
    listing: &Listing,
    window: Window,
    most: Option<i64>,
) -> QueryResult<i64> {
    let mut conditions = listing.to_conditions();
    conditions.and(viewed_within(window));
    rows::count(conn, POPULAR, conditions, most).await
}

/// The condition on articles that were viewed within `window`. Their scores are at least that of one view at its beginning,
/// two half-lives ago: an index has where they end.
fn viewed_within(window: Window) -> String {
    let (interval, score) = (window.interval(), window.score());
    format!(
        "article_popularity.viewed_at > now() - {interval} \
         AND {score} >= add_views_to_score(NULL, 1, {}) - 2 * ln(2::double precision) - 0.001",
        window.half_life()
    )
}

/// Adds views to many articles at once. Ids that no article has are passed over.
///
/// Waits for nobody: returns the ids of articles that another transaction has locked, whose views
/// were not added.
pub async fn add_views(tx: &mut Tx, ids: Vec<Uuid>, counts: Vec<i64>) -> QueryResult<Vec<Uuid>> {
    // A share lock on an article keeps off whoever would change it or set its views, and skips the
    // article that such a one has already. Triggers have given each article its line.
    let [day, week, month] = [Window::Day, Window::Week, Window::Month].map(Window::half_life);
    let added = "(SELECT count FROM seen WHERE id = p.article_id)";
    let locked: Vec<LockedId> = sql_query(format!(
        "WITH seen AS (SELECT * FROM unnest($1, $2) AS seen(id, count)),
         free AS (SELECT articles.id FROM articles JOIN seen USING (id) ORDER BY id FOR SHARE OF articles SKIP LOCKED),
         counted AS (SELECT article_id AS id FROM article_views JOIN free ON free.id = article_id
                     ORDER BY article_id FOR NO KEY UPDATE OF article_views SKIP LOCKED),
         added AS (UPDATE article_views AS v SET views = v.views + seen.count
                   FROM counted JOIN seen USING (id) WHERE v.article_id = counted.id RETURNING v.article_id AS id),
         scored AS (INSERT INTO article_popularity AS p
                    SELECT id, add_views_to_score(NULL, count, {day}), add_views_to_score(NULL, count, {week}),
                        add_views_to_score(NULL, count, {month}), now()
                    FROM added JOIN seen USING (id) ORDER BY id
                    ON CONFLICT (article_id) DO UPDATE SET
                        day_score = add_views_to_score(p.day_score, {added}, {day}),
                        week_score = add_views_to_score(p.week_score, {added}, {week}),
                        month_score = add_views_to_score(p.month_score, {added}, {month}),
                        viewed_at = now())
         SELECT articles.id FROM articles JOIN seen USING (id) WHERE id NOT IN (SELECT id FROM added)"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(counts)
    .load(&mut **tx)
    .await?;
    Ok(locked.into_iter().map(|found| found.id).collect())
}

#[derive(QueryableByName)]
struct LockedId {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Deletes lines of articles that nobody has viewed for longer than the longest window. Returns whether there may be
/// more.
pub async fn delete_forgotten(tx: &mut Tx) -> QueryResult<bool> {
    let kept = Window::Month.interval();
    let deleted = sql_query(format!(
        "DELETE FROM article_popularity WHERE viewed_at < now() - {kept} AND article_id IN (
             SELECT article_id FROM article_popularity WHERE viewed_at < now() - {kept}
             ORDER BY article_id LIMIT {MAX_DELETED} FOR UPDATE SKIP LOCKED)"
    ))
    .execute(&mut **tx)
    .await?;
    Ok(deleted == MAX_DELETED as usize)
}
