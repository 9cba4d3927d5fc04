//! All SQL of sessions and refresh tokens.

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::schema::{members, refresh_tokens, sessions};
use crate::members::model::{MemberRow, MemberStatus, Role};

/// A session to be opened.
#[derive(Insertable)]
#[diesel(table_name = sessions)]
pub struct NewSession {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub member_id: Uuid,
    /// What the client calls itself.
    pub device: String,
    /// Where it was opened, as a keyed hash.
    pub network: Vec<u8>,
    /// When it ends if nobody refreshes it.
    pub expires_at: DateTime<Utc>,
}

/// A session.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub struct SessionRow {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub member_id: Uuid,
    /// What the client calls itself.
    pub device: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_seen_at: DateTime<Utc>,
    /// When it was last refreshed.
    pub refreshed_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Opens a session and says when, by the database's clock.
pub async fn open(conn: &mut Connection, session: NewSession) -> QueryResult<DateTime<Utc>> {
    diesel::insert_into(sessions::table)
        .values(session)
        .returning(sessions::created_at)
        .get_result(conn)
        .await
}

/// Adds an unused refresh token; adding it again does nothing.
pub async fn add_token(conn: &mut Connection, hash: &[u8], session: Uuid) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((refresh_tokens::hash.eq(hash), refresh_tokens::session_id.eq(session)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// The session of a refresh token, locked so that the uses of its tokens queue, with its member;
/// none when no such token was ever given, or the member is gone.
pub async fn lock_by_token(
    conn: &mut Connection,
    hash: &[u8],
) -> QueryResult<Option<(SessionRow, MemberRow)>> {
    let session = sessions::table
        .inner_join(refresh_tokens::table.on(refresh_tokens::session_id.eq(sessions::id)))
        .filter(refresh_tokens::hash.eq(hash))
        .select(SessionRow::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()?;
    let Some(session) = session else { return Ok(None) };
    let member = crate::members::queries::by_id(conn, session.member_id).await.optional()?;
    Ok(member.map(|member| (session, member)))
}

/// Marks a refresh token as used, if it was not; says when it had been used before.
pub async fn use_token(conn: &mut Connection, hash: &[u8]) -> QueryResult<Option<DateTime<Utc>>> {
    let used = diesel::update(refresh_tokens::table.find(hash))
        .filter(refresh_tokens::used_at.is_null())
        .set(refresh_tokens::used_at.eq(now))
        .execute(conn)
        .await?;
    if used == 1 {
        return Ok(None);
    }
    refresh_tokens::table.find(hash).select(refresh_tokens::used_at).first(conn).await
}

/// Notes that a session was refreshed; it now ends at `end`. Says when it was.
pub async fn refresh(conn: &mut Connection, session: Uuid, end: DateTime<Utc>) -> QueryResult<DateTime<Utc>> {
    diesel::update(sessions::table.find(session))
        .set((sessions::refreshed_at.eq(now), sessions::last_seen_at.eq(now), sessions::expires_at.eq(end)))
        .returning(sessions::last_seen_at)
        .get_result(conn)
        .await
}

/// The role of `member` if the session is theirs and alive, and they may sign in.
pub async fn role(mut conn: &Connection, member: Uuid, session: Uuid) -> QueryResult<Option<Role>> {
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

/// The live sessions of a member, the last used first; at most 200.
pub async fn list(conn: &mut Connection, member: Uuid) -> QueryResult<Vec<SessionRow>> {
    sessions::table
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .order((sessions::last_seen_at.desc(), sessions::id.desc()))
        .limit(200)
        .select(SessionRow::as_select())
        .load(conn)
        .await
}

/// Whether a member has signed in from this network, and not only now.
pub async fn knows_network(conn: &mut Connection, canonical: &str, network: &[u8]) -> QueryResult<bool> {
    let known = sessions::table
        .inner_join(members::table.on(members::id.eq(sessions::member_id)))
        .filter(members::email_canonical.eq(canonical))
        .filter(members::deleted_at.is_null())
        .filter(sessions::network.eq(network));
    diesel::select(diesel::dsl::exists(known)).get_result(conn).await
}

/// Ends one session of a member; says whether there was one to end.
pub async fn end(conn: &mut Connection, member: Uuid, session: Uuid) -> QueryResult<bool> {
    let ended = diesel::update(sessions::table.find(session))
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(now))
        .execute(conn)
        .await?;
    Ok(ended == 1)
}

/// Ends all sessions of a member; says how many.
pub async fn end_all(conn: &mut Connection, member: Uuid) -> QueryResult<usize> {
    diesel::update(sessions::table)
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(now))
        .execute(conn)
        .await
}

/// Removes sessions that ended long ago, and their refresh tokens.
pub async fn sweep(conn: &mut Connection) -> QueryResult<()> {
    diesel::sql_query(
        "DELETE FROM auth.sessions WHERE least(expires_at, revoked_at) < now() - interval '30 days'",
    )
    .execute(conn)
    .await?;
    Ok(())
}
