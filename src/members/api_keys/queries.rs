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
use crate::members::model::MemberStatus;
use crate::operations::Role;
use crate::tx::Tx;

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
pub async fn insert_key(tx: &mut Tx, key: &NewKeyRow) -> QueryResult<KeyRow> {
    diesel::insert_into(api_keys::table)
        .values(key)
        .returning(KeyRow::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Loads all keys that are not revoked, newest first.
pub async fn list_keys(mut conn: &Connection) -> QueryResult<Vec<KeyRow>> {
    api_keys::table
        .filter(api_keys::revoked_at.is_null())
        .order(api_keys::id.desc())
        .select(KeyRow::as_select())
        .load(&mut conn)
        .await
}

/// A key that may be used.
#[derive(Queryable)]
pub struct UsableKey {
    /// Its id.
    pub id: Uuid,
    /// The names of its scopes.
    pub scopes: Vec<String>,
    /// Whether its last use was noted over a minute ago.
    pub note_is_due: bool,
}

/// The key of this prefix and hash: not revoked, not expired, its owner still an active admin.
pub async fn find_usable(mut conn: &Connection, prefix: &str, hash: &[u8]) -> QueryResult<Option<UsableKey>> {
    let admin = members::role
        .eq(Role::Admin.as_str())
        .and(members::status.eq(MemberStatus::Active.as_str()))
        .and(members::deleted_at.is_null());
    let minute_ago = || (now.into_sql::<Timestamptz>() - LAST_USE_PRECISION).nullable();
    api_keys::table
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
        .select((
            api_keys::id,
            api_keys::scopes,
            api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(minute_ago()).assume_not_null()),
        ))
        .first(&mut conn)
        .await
        .optional()
}

/// Notes that a key is used.
pub async fn note_use(tx: &mut Tx, id: Uuid) -> QueryResult<()> {
    let minute_ago = (now.into_sql::<Timestamptz>() - LAST_USE_PRECISION).nullable();
    diesel::update(api_keys::table.find(id))
        .filter(api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(minute_ago)))
        .set(api_keys::last_used_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Revokes a key; returns whether there was such a key.
pub async fn revoke_key(tx: &mut Tx, id: Uuid) -> QueryResult<bool> {
    let revoked = diesel::update(api_keys::table.find(id))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(revoked == 1)
}
