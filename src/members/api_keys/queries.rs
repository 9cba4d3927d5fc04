//! All SQL of API keys.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::schema::{api_keys, members};
use crate::members::model::{MemberStatus, Role};

/// The precision of the time of last use.
const LAST_USE_PRECISION: TimeDelta = TimeDelta::minutes(1);

/// A key to be inserted.
#[derive(Clone, Insertable)]
#[diesel(table_name = api_keys)]
pub struct NewKeyRow {
    /// The id.
    pub id: Uuid,
    /// The public part of the key, which identifies it.
    pub prefix: String,
    /// The SHA-256 of the key.
    pub hash: Vec<u8>,
    /// The purpose of the key.
    pub name: String,
    /// The scopes of the key.
    pub scopes: Vec<String>,
    /// The admin the key belongs to.
    pub member_id: Option<Uuid>,
    /// The time when the key expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key without its secret.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(Pg))]
pub struct KeyRow {
    /// The id.
    pub id: Uuid,
    /// The public part of the key, which identifies it.
    pub prefix: String,
    /// The purpose of the key.
    pub name: String,
    /// The scopes of the key.
    pub scopes: Vec<String>,
    /// The admin the key belongs to.
    pub member_id: Option<Uuid>,
    /// The time of creation.
    pub created_at: DateTime<Utc>,
    /// The time when the key expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// The time of the last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Inserts a key.
pub async fn insert_key(conn: &mut AsyncPgConnection, key: &NewKeyRow) -> QueryResult<KeyRow> {
    diesel::insert_into(api_keys::table).values(key).returning(KeyRow::as_returning()).get_result(conn).await
}

/// Loads all keys that are not revoked, newest first.
pub async fn list_keys(conn: &mut AsyncPgConnection) -> QueryResult<Vec<KeyRow>> {
    api_keys::table
        .filter(api_keys::revoked_at.is_null())
        .order(api_keys::id.desc())
        .select(KeyRow::as_select())
        .load(conn)
        .await
}

/// Loads the id and the scopes of a valid key, and updates its time of last use.
///
/// A key is valid if it is neither revoked nor expired, and has no owner or an
/// owner who is an active admin.
pub async fn in_use(
    conn: &mut AsyncPgConnection,
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
        let before = (now.into_sql::<Timestamptz>() - LAST_USE_PRECISION).nullable();
        diesel::update(api_keys::table.find(id))
            .filter(api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(before)))
            .set(api_keys::last_used_at.eq(now))
            .execute(conn)
            .await?;
    }
    Ok(found)
}

/// Revokes a key; returns whether there was such a key.
pub async fn revoke_key(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<bool> {
    let revoked = diesel::update(api_keys::table.find(id))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .execute(conn)
        .await?;
    Ok(revoked == 1)
}
