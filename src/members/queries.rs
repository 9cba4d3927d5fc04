//! All SQL of members and their sessions.

use diesel::dsl::{exists, now, select};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Account, MemberRow, MemberStatus, Role};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice};
use crate::db::schema::{members, passwords, site};

/// Adds a member. Constraint: `members_email_key`.
pub async fn insert(conn: &mut Connection, account: &Account, hash: &str) -> QueryResult<MemberRow> {
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
pub async fn by_id(conn: &mut Connection, id: Uuid) -> QueryResult<MemberRow> {
    members::table
        .find(id)
        .filter(members::deleted_at.is_null())
        .select(MemberRow::as_select())
        .first(conn)
        .await
}

/// The member of a canonical address, if there is one, locked until the transaction ends.
pub async fn by_address(conn: &mut Connection, canonical: &str) -> QueryResult<Option<MemberRow>> {
    members::table
        .filter(members::email_canonical.eq(canonical))
        .filter(members::deleted_at.is_null())
        .select(MemberRow::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()
}

/// One member, locked until the transaction ends.
pub async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<MemberRow> {
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
    conn: &mut Connection,
    conditions: Conditions,
    slice: &PageSlice,
) -> QueryResult<Vec<MemberRow>> {
    conditions.page_query("*", "members", slice).load(conn).await
}

/// Replaces what can be changed about a member; notes since when the profile is complete.
pub async fn update(
    conn: &mut Connection,
    id: Uuid,
    account: &Account,
    complete: bool,
) -> QueryResult<MemberRow> {
    let since = diesel::dsl::case_when(
        complete.into_sql::<diesel::sql_types::Bool>(),
        diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>>(
            "coalesce(profile_completed_at, now())",
        ),
    );
    diesel::update(members::table.find(id))
        .set((
            account,
            members::profile_completed_at.eq(since),
            members::version.eq(members::version + 1),
            members::updated_at.eq(now),
        ))
        .returning(MemberRow::as_returning())
        .get_result(conn)
        .await
}

/// Deletes a member; the address becomes free, and what they told of themselves is gone.
pub async fn delete(conn: &mut Connection, id: Uuid) -> QueryResult<()> {
    diesel::update(members::table.find(id))
        .set((
            members::deleted_at.eq(now),
            members::email.eq(""),
            members::email_canonical.eq(id.to_string()),
            members::display_name.eq(""),
            members::phone.eq(""),
            members::organisation.eq(""),
            members::title.eq(""),
            members::bio.eq(""),
            members::avatar_url.eq(None::<String>),
            members::version.eq(members::version + 1),
            members::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether an active admin other than `id` remains. Locks the others it counts on.
pub async fn other_admin_remains(conn: &mut Connection, id: Uuid) -> QueryResult<bool> {
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
pub async fn any_admin(conn: &mut Connection) -> QueryResult<bool> {
    let admins =
        members::table.filter(members::role.eq(Role::Admin.as_str())).filter(members::deleted_at.is_null());
    select(exists(admins)).get_result(conn).await
}

/// A member with the password's hash, by canonical address.
pub async fn by_email(conn: &mut Connection, canonical: &str) -> QueryResult<Option<(MemberRow, String)>> {
    members::table
        .inner_join(passwords::table.on(passwords::member_id.eq(members::id)))
        .filter(members::email_canonical.eq(canonical))
        .filter(members::deleted_at.is_null())
        .select((MemberRow::as_select(), passwords::hash))
        .first(conn)
        .await
        .optional()
}

/// The hash of a member's password, if they have one.
pub async fn password(conn: &mut Connection, member: Uuid) -> QueryResult<Option<String>> {
    passwords::table.find(member).select(passwords::hash).first(conn).await.optional()
}

/// Sets a member's password.
pub async fn set_password(conn: &mut Connection, member: Uuid, hash: &str) -> QueryResult<()> {
    diesel::insert_into(passwords::table)
        .values((passwords::member_id.eq(member), passwords::hash.eq(hash)))
        .on_conflict(passwords::member_id)
        .do_update()
        .set((passwords::hash.eq(hash), passwords::updated_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(())
}

/// The site's name, which makes a poor password.
pub async fn site_name(conn: &mut Connection) -> QueryResult<String> {
    site::table.select(site::name).first(conn).await
}
