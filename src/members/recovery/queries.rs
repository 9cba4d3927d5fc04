//! All SQL of the tokens that come by mail.

use chrono::TimeDelta;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::schema::{api_keys, members, one_time_tokens};
use crate::db::types::text_enum;

text_enum! {
    /// What a token is good for.
    Purpose {
        /// Confirms an address.
        Verify => "verify",
        /// Sets a password.
        Reset => "reset",
        /// Confirms a new address.
        ChangeEmail => "change_email",
    }
}

/// For how long a token is nobody else's while a password is hashed.
const CLAIM: TimeDelta = TimeDelta::seconds(10);

/// A token to be made good.
pub struct NewToken {
    /// SHA-256 of its text.
    pub hash: Vec<u8>,
    /// Whose.
    pub member_id: Uuid,
    /// What for.
    pub purpose: Purpose,
    /// The new address, as typed.
    pub email: Option<String>,
    /// The new address, as compared.
    pub email_canonical: Option<String>,
    /// For how long, from now.
    pub minutes: i64,
}

/// What a token that was spent was good for.
pub type Spent = (Uuid, Purpose, Option<String>, Option<String>);

/// Makes a token good from now on, and older ones of its purpose void; false when it was spent already.
pub async fn ready(conn: &mut Connection, new: NewToken) -> QueryResult<bool> {
    let purpose = new.purpose.as_str();
    diesel::delete(one_time_tokens::table)
        .filter(one_time_tokens::member_id.eq(new.member_id))
        .filter(one_time_tokens::purpose.eq(purpose))
        .filter(one_time_tokens::hash.ne(&new.hash))
        .execute(conn)
        .await?;
    let expires_at = now.into_sql::<Timestamptz>() + TimeDelta::minutes(new.minutes);
    let made = diesel::insert_into(one_time_tokens::table)
        .values((
            one_time_tokens::hash.eq(&new.hash),
            one_time_tokens::member_id.eq(new.member_id),
            one_time_tokens::purpose.eq(purpose),
            one_time_tokens::email.eq(new.email),
            one_time_tokens::email_canonical.eq(new.email_canonical),
            one_time_tokens::expires_at.eq(expires_at),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    if made == 1 {
        return Ok(true);
    }
    let renewed = diesel::update(one_time_tokens::table.find(&new.hash))
        .filter(one_time_tokens::expires_at.gt(now))
        .set(one_time_tokens::expires_at.eq(expires_at))
        .execute(conn)
        .await?;
    Ok(renewed == 1)
}

/// Takes a token for the time that hashing a password takes; says whose it is.
pub async fn claim(conn: &mut Connection, hash: &[u8], purpose: Purpose) -> QueryResult<Option<Uuid>> {
    diesel::update(one_time_tokens::table.find(hash))
        .filter(one_time_tokens::purpose.eq(purpose.as_str()))
        .filter(one_time_tokens::expires_at.gt(now))
        .filter(one_time_tokens::claimed_until.le(now))
        .set(one_time_tokens::claimed_until.eq(now.into_sql::<Timestamptz>() + CLAIM))
        .returning(one_time_tokens::member_id)
        .get_result(conn)
        .await
        .optional()
}

/// Gives a claimed token back.
pub async fn unclaim(conn: &mut Connection, hash: &[u8]) -> QueryResult<()> {
    diesel::update(one_time_tokens::table.find(hash))
        .set(one_time_tokens::claimed_until.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Spends a token: of all who try at once, one succeeds.
pub async fn spend(conn: &mut Connection, hash: &[u8], purposes: &[Purpose]) -> QueryResult<Option<Spent>> {
    let purposes: Vec<&str> = purposes.iter().map(|purpose| purpose.as_str()).collect();
    diesel::update(one_time_tokens::table.find(hash))
        .filter(one_time_tokens::purpose.eq_any(purposes))
        .filter(one_time_tokens::expires_at.gt(now))
        .set(one_time_tokens::expires_at.eq(now))
        .returning((
            one_time_tokens::member_id,
            one_time_tokens::purpose,
            one_time_tokens::email,
            one_time_tokens::email_canonical,
        ))
        .get_result(conn)
        .await
        .optional()
}

/// Makes all tokens of a member void.
pub async fn void_all(conn: &mut Connection, member: Uuid) -> QueryResult<()> {
    diesel::update(one_time_tokens::table.filter(one_time_tokens::member_id.eq(member)))
        .filter(one_time_tokens::expires_at.gt(now))
        .set(one_time_tokens::expires_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that a member's address is confirmed; false if it was already.
pub async fn verify(conn: &mut Connection, member: Uuid) -> QueryResult<bool> {
    let verified = diesel::update(members::table.find(member))
        .filter(members::email_verified_at.is_null())
        .set((
            members::email_verified_at.eq(now),
            members::version.eq(members::version + 1),
            members::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(verified == 1)
}

/// Revokes all API keys of a member.
pub async fn revoke_keys(conn: &mut Connection, member: Uuid) -> QueryResult<()> {
    diesel::update(api_keys::table.filter(api_keys::member_id.eq(member)))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}
