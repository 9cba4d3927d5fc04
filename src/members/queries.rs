//! All SQL of members and their sessions.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{exists, now, select};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::model::{Account, MemberRow, MemberStatus, Role};
use crate::db::rows::{Conditions, Walk};
use crate::db::schema::{members, passwords, sessions};

/// Adds a member. Constraint: `members_email_key`.
pub async fn insert(conn: &mut AsyncPgConnection, account: &Account, hash: &str) -> QueryResult<MemberRow> {
    let row: MemberRow = diesel::insert_into(members::table)
        .values((members::id.eq(Uuid::new_v4()), account))
        .returning(MemberRow::as_returning())
        .get_result(conn)
        .await?;
    diesel::insert_into(passwords::table)
        .values((passwords::member_id.eq(row.id), passwords::hash.eq(hash)))
        .execute(conn)
        .await?;
    Ok(row)
}

/// One member.
pub async fn by_id(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<MemberRow> {
    members::table
        .find(id)
        .filter(members::deleted_at.is_null())
        .select(MemberRow::as_select())
        .first(conn)
        .await
}

/// One member, locked until the transaction ends.
pub async fn lock(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<MemberRow> {
    members::table
        .find(id)
        .filter(members::deleted_at.is_null())
        .select(MemberRow::as_select())
        .for_update()
        .first(conn)
        .await
}

/// Members that meet `conditions` and are not deleted.
pub async fn list(
    conn: &mut AsyncPgConnection,
    conditions: Conditions,
    walk: &Walk,
) -> QueryResult<Vec<MemberRow>> {
    conditions.stretch("*", "members", walk).load(conn).await
}

/// Replaces what can be changed about a member.
pub async fn update(conn: &mut AsyncPgConnection, id: Uuid, account: &Account) -> QueryResult<MemberRow> {
    diesel::update(members::table.find(id))
        .set((account, members::version.eq(members::version + 1), members::updated_at.eq(now)))
        .returning(MemberRow::as_returning())
        .get_result(conn)
        .await
}

/// Deletes a member; the address becomes free.
pub async fn delete(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    diesel::update(members::table.find(id))
        .set((
            members::deleted_at.eq(now),
            members::version.eq(members::version + 1),
            members::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether an active admin other than `id` remains. Locks the others it counts on.
pub async fn other_admin_remains(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<bool> {
    let others: Vec<Uuid> = members::table
        .filter(members::role.eq(Role::Admin.as_str()))
        .filter(members::status.eq(MemberStatus::Active.as_str()))
        .filter(members::deleted_at.is_null())
        .order(members::id)
        .select(members::id)
        .for_update()
        .load(conn)
        .await?;
    Ok(others.iter().any(|other| *other != id))
}

/// Whether there is any admin.
pub async fn any_admin(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    let admins =
        members::table.filter(members::role.eq(Role::Admin.as_str())).filter(members::deleted_at.is_null());
    select(exists(admins)).get_result(conn).await
}

/// A member with the password's hash, by canonical address.
pub async fn by_email(
    conn: &mut AsyncPgConnection,
    canonical: &str,
) -> QueryResult<Option<(MemberRow, String)>> {
    members::table
        .inner_join(passwords::table.on(passwords::member_id.eq(members::id)))
        .filter(members::email_canonical.eq(canonical))
        .filter(members::deleted_at.is_null())
        .select((MemberRow::as_select(), passwords::hash))
        .first(conn)
        .await
        .optional()
}

/// Opens a session and says when it began, by the database's clock.
pub async fn open_session(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    member: Uuid,
    device: &str,
    lifetime: Duration,
) -> QueryResult<DateTime<Utc>> {
    let lifetime = TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX);
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::member_id.eq(member),
            sessions::device.eq(device),
            sessions::expires_at.eq(now.into_sql::<Timestamptz>() + lifetime),
        ))
        .returning(sessions::created_at)
        .get_result(conn)
        .await
}

/// The role of `member` if the session is theirs and alive, and they may sign in.
pub async fn role_in_session(
    conn: &mut AsyncPgConnection,
    member: Uuid,
    session: Uuid,
) -> QueryResult<Option<Role>> {
    sessions::table
        .inner_join(members::table.on(members::id.eq(sessions::member_id)))
        .filter(sessions::id.eq(session))
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(members::status.eq(MemberStatus::Active.as_str()))
        .filter(members::deleted_at.is_null())
        .select(members::role)
        .first(conn)
        .await
        .optional()
}

/// Ends one session.
pub async fn end_session(conn: &mut AsyncPgConnection, session: Uuid) -> QueryResult<()> {
    diesel::update(sessions::table.find(session))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends all sessions of a member.
pub async fn end_all_sessions(conn: &mut AsyncPgConnection, member: Uuid) -> QueryResult<()> {
    diesel::update(sessions::table)
        .filter(sessions::member_id.eq(member))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}
