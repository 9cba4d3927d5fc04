//! SQL of the slugs that notices have, or have had.
//!
//! A trigger on `notices` writes each slug of a notice to `notice_slugs`, whose primary key gives none away.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value};
use crate::db::schema::{notice_slugs, notices};
use crate::db::visibility::Notices;
use crate::notices::model::Row;
use crate::tx::Tx;

/// A notice at its present slug.
#[derive(Debug, QueryableByName)]
pub struct MovedNotice {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its slug.
    #[diesel(sql_type = Text)]
    pub slug: String,
}

/// The notice that `former` leads to, if it is visible.
pub async fn find_moved(
    mut conn: &Connection,
    former: String,
    visible: Notices,
) -> QueryResult<Option<MovedNotice>> {
    let mut conditions = Conditions::default();
    conditions.and_if("notice_slugs.slug = ?", Some(Value::Text(former)));
    conditions.and("notice_slugs.slug <> notices.slug");
    conditions.and(visible.sql());
    let text = format!(
        "SELECT notices.id, notices.slug FROM notice_slugs JOIN notices ON notices.id = notice_slugs.notice_id WHERE {}",
        conditions.sql()
    );
    conditions.statement(text).get_result(&mut conn).await.optional()
}

/// Whether a notice has the slug, or has had it.
pub async fn is_slug_taken(mut conn: &Connection, slug: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(notice_slugs::table.find(slug))).get_result(&mut conn).await
}

/// Whether a notice, in whatever state, has one of these slugs.
pub async fn any_slug_of(mut conn: &Connection, slugs: &[&str]) -> QueryResult<bool> {
    let found = notices::table.filter(notices::slug.eq_any(slugs));
    diesel::select(diesel::dsl::exists(found)).get_result(&mut conn).await
}

/// The notice with this slug, in whatever state, also in the trash; locked until the transaction ends.
pub async fn lock_by_slug(tx: &Tx, slug: &str) -> QueryResult<Option<Row>> {
    let found = notices::table.filter(notices::slug.eq(slug)).select(Row::as_select()).for_no_key_update();
    found.first(&mut &**tx).await.optional()
}

/// The notice that has or has had this slug, and whether it is in the trash; locked until the transaction ends.
pub async fn lock_by_any_slug(tx: &Tx, slug: &str) -> QueryResult<Option<(Row, bool)>> {
    let id = notice_slugs::table.filter(notice_slugs::slug.eq(slug)).select(notice_slugs::notice_id);
    notices::table
        .filter(notices::id.eq_any(id))
        .select((Row::as_select(), notices::deleted_at.is_not_null()))
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()
}

/// Notices that an earlier version has written, without a slug of their own: these have the form of an id.
pub async fn load_unnamed(mut conn: &Connection, most: i64) -> QueryResult<Vec<Uuid>> {
    let unnamed = notices::table.filter(notices::slug.like("________-____-____-____-____________"));
    let unnamed = unnamed.filter(diesel::dsl::sql::<diesel::sql_types::Bool>(
        "slug ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'",
    ));
    unnamed.order(notices::id).limit(most).select(notices::id).load(&mut conn).await
}

/// Gives a notice its first slug and its summary. It is no edit: nothing is different that a person has written.
pub async fn set_name(tx: &mut Tx, id: Uuid, slug: &str, summary: &str) -> QueryResult<()> {
    diesel::update(notices::table.find(id))
        .set((notices::slug.eq(slug), notices::summary.eq(summary)))
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Gives up a former slug.
pub async fn release(tx: &mut Tx, slug: &str) -> QueryResult<()> {
    let former = "DELETE FROM notice_slugs WHERE slug = $1 AND NOT EXISTS (SELECT FROM notices WHERE notices.slug = $1)";
    sql_query(former).bind::<Text, _>(slug).execute(&mut **tx).await.map(drop)
}
