//! All SQL of API keys.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::schema::{api_keys, members};
use crate::members::model::{MemberStatus, Role};

/// How exactly the last use is known.
const USE_STEP: TimeDelta = TimeDelta::minutes(1);

/// A key to be kept.
#[derive(Clone, Insertable)]
#[diesel(table_name = api_keys)]
pub struct NewKeyRow {
    /// Its id.
    pub id: Uuid,
    /// The part of its text that names it.
    pub prefix: String,
    /// SHA-256 of its text.
    pub hash: Vec<u8>,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The admin it belongs to.
    pub member_id: Option<Uuid>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key without its secret.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(Pg))]
pub struct KeyRow {
    /// Its id.
    pub id: Uuid,
    /// The part of its text that names it.
    pub prefix: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The admin it belongs to.
    pub member_id: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, within a minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Keeps a key.
pub async fn insert(conn: &mut Connection, key: &NewKeyRow) -> QueryResult<KeyRow> {
    diesel::insert_into(api_keys::table).values(key).returning(KeyRow::as_returning()).get_result(conn).await
}

/// All keys that were not revoked, the newest first.
pub async fn list(conn: &mut Connection) -> QueryResult<Vec<KeyRow>> {
    api_keys::table
        .filter(api_keys::revoked_at.is_null())
        .order(api_keys::id.desc())
        .select(KeyRow::as_select())
        .load(conn)
        .await
}

/// The living key of this name and hash, whose owner is still an active admin; notes that it is used.
pub async fn in_use(
    conn: &mut Connection,
    prefix: &str,
    hash: &[u8],
) -> QueryResult<Option<(Uuid, Vec<String>)>> {
    let admin = members::role
        .eq(Role::Admin.as_str())
        .and(members::status.eq(MemberStatus::Active.as_str()))
        .and(members::deleted_at.is_null());
    let found = api_keys::table
        .left_join(members::table.on(api_keys::member_id.eq(members::id.nullable())))
        .filter(api_keys::prefix.eq(prefix))
        .filter(api_keys::hash.eq(hash))
        .filter(api_keys::revoked_at.is_null())
        .filter(
            api_keys::expires_at
                .is_null()
                .or(api_keys::expires_at.gt(now.into_sql::<Timestamptz>().nullable())),
        )
        .filter(api_keys::member_id.is_null().or(admin.assume_not_null()))
        .select((api_keys::id, api_keys::scopes))
        .first::<(Uuid, Vec<String>)>(conn)
        .await
        .optional()?;
    if let Some((id, _)) = &found {
        let before = (now.into_sql::<Timestamptz>() - USE_STEP).nullable();
        diesel::update(api_keys::table.find(id))
            .filter(api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(before)))
            .set(api_keys::last_used_at.eq(now))
            .execute(conn)
            .await?;
    }
    Ok(found)
}

/// Revokes a key; says whether there was one.
pub async fn revoke(conn: &mut Connection, id: Uuid) -> QueryResult<bool> {
    let revoked = diesel::update(api_keys::table.find(id))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .execute(conn)
        .await?;
    Ok(revoked == 1)
}
