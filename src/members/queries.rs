//! All SQL of members and their passwords.

use diesel::dsl::{exists, now, select};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Account, MemberCriteria, MemberRow, MemberStatus};
use crate::changes;
use crate::changes::model::Entry;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, SortColumn, Value};
use crate::db::schema::{members, passwords, site};
use crate::operations::Role;
use crate::tx::Tx;

/// The key of the advisory lock under which a site gets its first admin.
const FIRST_START_LOCK_KEY: i64 = 0x696e_6b66_6972_7374;

/// Adds a member. Constraint: `members_email_key`.
pub async fn insert_member(tx: &mut Tx, account: &Account, hash: &str) -> QueryResult<MemberRow> {
    let row: MemberRow = diesel::insert_into(members::table)
        .values((members::id.eq(Uuid::new_v4()), account))
        .returning(MemberRow::as_returning())
        .get_result(&mut **tx)
        .await?;
    diesel::insert_into(passwords::table)
        .values((passwords::member_id.eq(row.id), passwords::hash.eq(hash)))
        .execute(&mut **tx)
        .await?;
    Ok(row)
}

/// The statement that selects a member.
#[diesel::dsl::auto_type(no_type_alias)]
fn select_member(id: Uuid) -> _ {
    let row: diesel::dsl::AsSelect<MemberRow, diesel::pg::Pg> = MemberRow::as_select();
    members::table.find(id).filter(members::deleted_at.is_null()).select(row)
}

/// Loads a member.
pub async fn load_member(mut conn: &Connection, id: Uuid) -> QueryResult<MemberRow> {
    select_member(id).first(&mut conn).await
}

/// Loads the member with a canonical email, if there is one, and locks it until the transaction ends.
pub async fn lock_member_by_email(tx: &mut Tx, canonical: &str) -> QueryResult<Option<MemberRow>> {
    members::table
        .filter(members::email_canonical.eq(canonical))
        .filter(members::deleted_at.is_null())
        .select(MemberRow::as_select())
        .for_no_key_update()
        .first(&mut **tx)
        .await
        .optional()
}

/// Loads a member and locks it until the transaction ends.
pub async fn lock_member(tx: &mut Tx, id: Uuid) -> QueryResult<MemberRow> {
    select_member(id).for_no_key_update().first(&mut **tx).await
}

/// Loads a member, if there is one, and locks it against changes until the transaction ends.
///
/// Logins of one member do not wait for each other.
pub async fn lock_member_shared(tx: &mut Tx, id: Uuid) -> QueryResult<Option<MemberRow>> {
    select_member(id).for_share().first(&mut **tx).await.optional()
}

/// Returns the conditions for members that meet `criteria` and are not deleted.
pub fn filter_members(criteria: MemberCriteria) -> Conditions {
    let MemberCriteria { roles, statuses, text, email_verified } = criteria;
    let mut conditions = Conditions::default();
    conditions.and("members.deleted_at IS NULL");
    let roles = roles.map(|roles| roles.iter().map(|role| role.as_str().to_owned()).collect());
    conditions.and_if("members.role = ANY(?)", roles.map(Value::Texts));
    let statuses = statuses.map(|statuses| statuses.iter().map(|one| one.as_str().to_owned()).collect());
    conditions.and_if("members.status = ANY(?)", statuses.map(Value::Texts));
    let contains = "strpos(lower(members.display_name || ' ' || members.email), lower(?)) > 0";
    conditions.and_if(contains, text.map(Value::Text));
    match email_verified {
        Some(true) => conditions.and("members.email_verified_at IS NOT NULL"),
        Some(false) => conditions.and("members.email_verified_at IS NULL"),
        None => {}
    }
    conditions
}

/// Returns the order of the member list: by the time of registration.
pub fn order_members(oldest_first: bool) -> Vec<SortColumn> {
    let descending = !oldest_first;
    vec![
        SortColumn { name: "created_at", sql: "members.created_at", cast: "timestamptz", descending },
        SortColumn { name: "id", sql: "members.id", cast: "uuid", descending },
    ]
}

/// Loads the newest entries of the change log that a member caused, at most `limit`.
pub async fn list_activity(conn: &Connection, member: Uuid, limit: i64) -> QueryResult<Vec<Entry>> {
    let mut conditions = Conditions::default();
    conditions.and_if("actor_id = ?", Some(Value::Id(member)));
    let order = changes::queries::newest_first();
    let slice = PageSlice::first(order, limit);
    changes::queries::list(conn, conditions, &slice).await
}

/// Loads a page of the members that meet `conditions`.
pub async fn list_members(
    mut conn: &Connection,
    conditions: Conditions,
    slice: &PageSlice,
) -> QueryResult<Vec<MemberRow>> {
    conditions.page_query("*", "members", slice).load(&mut conn).await
}

/// Stores an account, and the time since which its profile is complete.
pub async fn update_member(
    tx: &mut Tx,
    id: Uuid,
    account: &Account,
    is_complete: bool,
) -> QueryResult<MemberRow> {
    let completed_at = diesel::dsl::case_when(
        is_complete.into_sql::<diesel::sql_types::Bool>(),
        diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>>(
            "coalesce(profile_completed_at, now())",
        ),
    );
    diesel::update(members::table.find(id))
        .set((
            account,
            members::profile_completed_at.eq(completed_at),
            members::version.eq(members::version + 1),
            members::updated_at.eq(now),
        ))
        .returning(MemberRow::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Marks a member as deleted, frees the email and removes the profile.
pub async fn delete_member(tx: &mut Tx, id: Uuid) -> QueryResult<()> {
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
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether there is an active admin other than `id`. Locks all active admins until the transaction ends.
pub async fn has_other_admin(tx: &mut Tx, id: Uuid) -> QueryResult<bool> {
    let others: Vec<Uuid> = members::table
        .filter(members::role.eq(Role::Admin.as_str()))
        .filter(members::status.eq(MemberStatus::Active.as_str()))
        .filter(members::deleted_at.is_null())
        .order(members::id)
        .select(members::id)
        .for_no_key_update()
        .load(&mut **tx)
        .await?;
    Ok(others.iter().any(|other| *other != id))
}

/// Waits for the lock under which a site gets its first admin, and holds it until the transaction ends.
pub async fn lock_first_start(tx: &mut Tx) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(FIRST_START_LOCK_KEY)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether there is an admin.
pub async fn has_admin(mut conn: &Connection) -> QueryResult<bool> {
    let admins =
        members::table.filter(members::role.eq(Role::Admin.as_str())).filter(members::deleted_at.is_null());
    select(exists(admins)).get_result(&mut conn).await
}

/// Loads a member and the hash of its password, by canonical email. A disputed password is none.
pub async fn load_with_password_hash(
    mut conn: &Connection,
    canonical: &str,
) -> QueryResult<Option<(MemberRow, String)>> {
    members::table
        .inner_join(passwords::table.on(passwords::member_id.eq(members::id)))
        .filter(members::email_canonical.eq(canonical))
        .filter(members::deleted_at.is_null())
        .filter(passwords::disputed.eq(false).or(members::email_verified_at.is_not_null()))
        .select((MemberRow::as_select(), passwords::hash))
        .first(&mut conn)
        .await
        .optional()
}

/// Loads the hash of a member's password, if there is one.
pub async fn load_password_hash(mut conn: &Connection, member: Uuid) -> QueryResult<Option<String>> {
    passwords::table.find(member).select(passwords::hash).first(&mut conn).await.optional()
}

/// Whether more than one password was given for a member whose email was not verified.
pub async fn is_password_disputed(mut conn: &Connection, member: Uuid) -> QueryResult<bool> {
    let disputed = passwords::table.find(member).filter(passwords::disputed.eq(true));
    select(exists(disputed)).get_result(&mut conn).await
}

/// Notes that another password was given for a member whose email is not verified.
pub async fn dispute_password(tx: &mut Tx, member: Uuid) -> QueryResult<()> {
    diesel::update(passwords::table.find(member))
        .set(passwords::disputed.eq(true))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Removes the password of a member, and the profile that came with it.
pub async fn forget_password_and_profile(tx: &mut Tx, member: Uuid) -> QueryResult<()> {
    diesel::delete(passwords::table.find(member)).execute(&mut **tx).await?;
    diesel::update(members::table.find(member))
        .set((
            members::display_name.eq(""),
            members::phone.eq(""),
            members::organisation.eq(""),
            members::title.eq(""),
            members::bio.eq(""),
            members::avatar_url.eq(None::<String>),
            members::locale.eq(None::<String>),
            members::profile_completed_at.eq(None::<chrono::DateTime<chrono::Utc>>),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Stores the hash of a member's password, which is not disputed then.
pub async fn set_password_hash(tx: &mut Tx, member: Uuid, hash: &str) -> QueryResult<()> {
    diesel::insert_into(passwords::table)
        .values((passwords::member_id.eq(member), passwords::hash.eq(hash)))
        .on_conflict(passwords::member_id)
        .do_update()
        .set((passwords::hash.eq(hash), passwords::updated_at.eq(now), passwords::disputed.eq(false)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Replaces the hash `old` of a member's password by another hash of the same password.
///
/// Does nothing if the password was changed meanwhile.
pub async fn renew_password_hash(tx: &mut Tx, member: Uuid, old: &str, new: &str) -> QueryResult<()> {
    diesel::update(passwords::table.find(member))
        .filter(passwords::hash.eq(old))
        .set((passwords::hash.eq(new), passwords::updated_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Loads the site's name, which is refused as a password.
pub async fn load_site_name(mut conn: &Connection) -> QueryResult<String> {
    site::table.select(site::name).first(&mut conn).await
}
