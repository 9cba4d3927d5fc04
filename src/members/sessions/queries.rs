//! All SQL of sessions and refresh tokens.

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::schema::{members, refresh_tokens, sessions};
use crate::members::model::{MemberRow, MemberStatus};
use crate::operations::Role;
use crate::tx::Tx;

/// A session to be inserted.
#[derive(Insertable)]
#[diesel(table_name = sessions)]
pub struct NewSession {
    /// The id.
    pub id: Uuid,
    /// The member the session belongs to.
    pub member_id: Uuid,
    /// The `User-Agent` of the client.
    pub device: String,
    /// The network of the client at the login, as a keyed hash.
    pub network: Vec<u8>,
    /// The time when the session ends, unless it is refreshed.
    pub expires_at: DateTime<Utc>,
}

/// A session.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub struct SessionRow {
    /// The id.
    pub id: Uuid,
    /// The member the session belongs to.
    pub member_id: Uuid,
    /// The `User-Agent` of the client.
    pub device: String,
    /// The time of the login.
    pub created_at: DateTime<Utc>,
    /// The time of the last use.
    pub last_seen_at: DateTime<Utc>,
    /// The time of the last refresh.
    pub refreshed_at: DateTime<Utc>,
    /// The time when the session ends, unless it is refreshed.
    pub expires_at: DateTime<Utc>,
    /// The time when the session was ended early.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Inserts a session; returns its time of creation, by the database's clock.
pub async fn insert_session(tx: &mut Tx, session: NewSession) -> QueryResult<DateTime<Utc>> {
    diesel::insert_into(sessions::table)
        .values(session)
        .returning(sessions::created_at)
        .get_result(&mut **tx)
        .await
}

/// Inserts an unused refresh token. Does nothing if the token exists.
pub async fn insert_refresh_token(tx: &mut Tx, hash: &[u8], session: Uuid) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((refresh_tokens::hash.eq(hash), refresh_tokens::session_id.eq(session)))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Loads the session of a refresh token and its member, and locks the session until the transaction ends.
///
/// The lock makes parallel uses of the session's tokens wait. Returns `None`
/// if the token does not exist or the member was deleted.
pub async fn lock_session_by_token(tx: &mut Tx, hash: &[u8]) -> QueryResult<Option<(SessionRow, MemberRow)>> {
    let session = sessions::table
        .inner_join(refresh_tokens::table.on(refresh_tokens::session_id.eq(sessions::id)))
        .filter(refresh_tokens::hash.eq(hash))
        .select(SessionRow::as_select())
        .for_no_key_update()
        .first(&mut **tx)
        .await
        .optional()?;
    let Some(session) = session else { return Ok(None) };
    let member = crate::members::queries::load_member(tx, session.member_id).await.optional()?;
    Ok(member.map(|member| (session, member)))
}

/// Marks a refresh token as used; returns the time of its first use if it was used before.
pub async fn mark_token_used(tx: &mut Tx, hash: &[u8]) -> QueryResult<Option<DateTime<Utc>>> {
    let used = diesel::update(refresh_tokens::table.find(hash))
        .filter(refresh_tokens::used_at.is_null())
        .set(refresh_tokens::used_at.eq(now))
        .execute(&mut **tx)
        .await?;
    if used == 1 {
        return Ok(None);
    }
    refresh_tokens::table.find(hash).select(refresh_tokens::used_at).first(&mut **tx).await
}

/// Extends a session to `end`; returns the time of the refresh.
pub async fn extend_session(tx: &mut Tx, session: Uuid, end: DateTime<Utc>) -> QueryResult<DateTime<Utc>> {
    diesel::update(sessions::table.find(session))
        .set((sessions::refreshed_at.eq(now), sessions::last_seen_at.eq(now), sessions::expires_at.eq(end)))
        .returning(sessions::last_seen_at)
        .get_result(&mut **tx)
        .await
}

/// Loads the role of `member`, if the session belongs to the member and is open, and the member is active.
pub async fn load_role(mut conn: &Connection, member: Uuid, session: Uuid) -> QueryResult<Option<Role>> {
    sessions::table
        .inner_join(members::table.on(members::id.eq(sessions::member_id)))
        .filter(sessions::id.eq(session))
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(members::status.eq(MemberStatus::Active.as_str()))
        .filter(members::deleted_at.is_null())
        .select(members::role)
        .first(&mut conn)
        .await
        .optional()
}

/// Loads the open sessions of a member, the last used first; at most 200.
pub async fn list_sessions(mut conn: &Connection, member: Uuid) -> QueryResult<Vec<SessionRow>> {
    sessions::table
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .order((sessions::last_seen_at.desc(), sessions::id.desc()))
        .limit(200)
        .select(SessionRow::as_select())
        .load(&mut conn)
        .await
}

/// Whether the member with a canonical email has signed in from this network before.
pub async fn has_session_from(mut conn: &Connection, canonical: &str, network: &[u8]) -> QueryResult<bool> {
    let known = sessions::table
        .inner_join(members::table.on(members::id.eq(sessions::member_id)))
        .filter(members::email_canonical.eq(canonical))
        .filter(members::deleted_at.is_null())
        .filter(sessions::network.eq(network));
    diesel::select(diesel::dsl::exists(known)).get_result(&mut conn).await
}

/// Ends one session of a member; returns whether it was open.
pub async fn end_session(tx: &mut Tx, member: Uuid, session: Uuid) -> QueryResult<bool> {
    let ended = diesel::update(sessions::table.find(session))
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(ended == 1)
}

/// Ends all sessions of a member; returns their number.
pub async fn end_all_sessions(tx: &mut Tx, member: Uuid) -> QueryResult<usize> {
    diesel::update(sessions::table)
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(now))
        .execute(&mut **tx)
        .await
}

/// Deletes sessions that ended more than so many days ago, with their refresh tokens.
pub async fn delete_ended_sessions(tx: &mut Tx, days: i32) -> QueryResult<()> {
    diesel::sql_query(
        "DELETE FROM auth.sessions WHERE least(expires_at, revoked_at) < now() - make_interval(days => $1)",
    )
    .bind::<diesel::sql_types::Integer, _>(days)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
