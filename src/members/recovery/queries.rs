//! All SQL of the tokens that are sent by mail.

use chrono::TimeDelta;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::schema::{api_keys, members, one_time_tokens};
use crate::db::types::text_enum;
use crate::tx::Tx;

text_enum! {
    /// The purpose of a token.
    Purpose {
        /// Verifies an email.
        Verify => "verify",
        /// Sets a password.
        Reset => "reset",
        /// Verifies a new email.
        ChangeEmail => "change_email",
    }
}

/// The time for which a claimed token is reserved while a password is hashed.
const CLAIM_LIFETIME: TimeDelta = TimeDelta::seconds(10);

/// The lifetime of a token that sets a password.
pub const RESET_LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// A token to be activated.
pub struct NewToken {
    /// The SHA-256 of the token.
    pub hash: Vec<u8>,
    /// The member the token belongs to.
    pub member_id: Uuid,
    /// The purpose of the token.
    pub purpose: Purpose,
    /// The new email, as typed.
    pub email: Option<String>,
    /// The new email, in its canonical form.
    pub email_canonical: Option<String>,
    /// The lifetime, from now.
    pub lifetime: TimeDelta,
}

/// A token that has just been spent.
#[derive(Queryable)]
pub struct SpentToken {
    /// The member the token belongs to.
    pub member_id: Uuid,
    /// The purpose of the token.
    pub purpose: Purpose,
    /// The new email, as typed.
    pub email: Option<String>,
    /// The new email, in its canonical form.
    pub email_canonical: Option<String>,
}

/// Activates a token and deletes the member's other tokens of its purpose.
///
/// Other tokens that verify the email stay: a stranger who registers the email again must not void
/// the link of its owner.
///
/// Returns false if the token was spent already.
pub async fn activate_token(tx: &mut Tx, new: NewToken) -> QueryResult<bool> {
    let purpose = new.purpose.as_str();
    diesel::delete(one_time_tokens::table)
        .filter(one_time_tokens::member_id.eq(new.member_id))
        .filter(one_time_tokens::purpose.eq(purpose))
        .filter(one_time_tokens::hash.ne(&new.hash))
        .filter(one_time_tokens::purpose.ne(Purpose::Verify.as_str()).or(one_time_tokens::expires_at.le(now)))
        .execute(&mut **tx)
        .await?;
    let expires_at = now.into_sql::<Timestamptz>() + new.lifetime;
    let inserted = diesel::insert_into(one_time_tokens::table)
        .values((
            one_time_tokens::hash.eq(&new.hash),
            one_time_tokens::member_id.eq(new.member_id),
            one_time_tokens::purpose.eq(purpose),
            one_time_tokens::email.eq(new.email),
            one_time_tokens::email_canonical.eq(new.email_canonical),
            one_time_tokens::expires_at.eq(expires_at),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    if inserted == 1 {
        return Ok(true);
    }
    let renewed = diesel::update(one_time_tokens::table.find(&new.hash))
        .filter(one_time_tokens::expires_at.gt(now))
        .set(one_time_tokens::expires_at.eq(expires_at))
        .execute(&mut **tx)
        .await?;
    Ok(renewed == 1)
}

/// Reserves a token while a password is hashed; returns the member it belongs to.
pub async fn claim_token(tx: &mut Tx, hash: &[u8], purpose: Purpose) -> QueryResult<Option<Uuid>> {
    diesel::update(one_time_tokens::table.find(hash))
        .filter(one_time_tokens::purpose.eq(purpose.as_str()))
        .filter(one_time_tokens::expires_at.gt(now))
        .filter(one_time_tokens::claimed_until.le(now))
        .set(one_time_tokens::claimed_until.eq(now.into_sql::<Timestamptz>() + CLAIM_LIFETIME))
        .returning(one_time_tokens::member_id)
        .get_result(&mut **tx)
        .await
        .optional()
}

/// Ends the reservation of a token.
pub async fn release_token(tx: &mut Tx, hash: &[u8]) -> QueryResult<()> {
    diesel::update(one_time_tokens::table.find(hash))
        .set(one_time_tokens::claimed_until.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Spends a token. Of parallel attempts, one succeeds.
pub async fn spend_token(tx: &mut Tx, hash: &[u8], purposes: &[Purpose]) -> QueryResult<Option<SpentToken>> {
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
        .get_result(&mut **tx)
        .await
        .optional()
}

/// Returns the member that a token belongs to, if there is such a token.
pub async fn find_token_member(mut conn: &Connection, hash: &[u8]) -> QueryResult<Option<Uuid>> {
    one_time_tokens::table.find(hash).select(one_time_tokens::member_id).first(&mut conn).await.optional()
}

/// Makes a token that has verified an email set a password, once, within 30 minutes.
pub async fn turn_into_reset_token(tx: &mut Tx, hash: &[u8]) -> QueryResult<()> {
    diesel::update(one_time_tokens::table.find(hash))
        .set((
            one_time_tokens::purpose.eq(Purpose::Reset.as_str()),
            one_time_tokens::expires_at.eq(now.into_sql::<Timestamptz>() + RESET_LIFETIME),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Voids all tokens of a member, and withdraws the mails that would bring others.
pub async fn void_tokens(tx: &mut Tx, member: Uuid) -> QueryResult<()> {
    diesel::update(one_time_tokens::table.filter(one_time_tokens::member_id.eq(member)))
        .filter(one_time_tokens::expires_at.gt(now))
        .set(one_time_tokens::expires_at.eq(now))
        .execute(&mut **tx)
        .await?;
    diesel::sql_query(
        "DELETE FROM auth.outbox AS mail USING members
         WHERE members.id = $1 AND mail.kind IN ('verify', 'reset', 'invitation', 'change_email')
           AND (mail.member_id = members.id
                OR mail.member_id IS NULL AND mail.email_canonical = members.email_canonical)",
    )
    .bind::<diesel::sql_types::Uuid, _>(member)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Marks a member's email as verified; returns false if it was verified already.
pub async fn mark_email_verified(tx: &mut Tx, member: Uuid) -> QueryResult<bool> {
    let verified = diesel::update(members::table.find(member))
        .filter(members::email_verified_at.is_null())
        .set((
            members::email_verified_at.eq(now),
            members::version.eq(members::version + 1),
            members::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(verified == 1)
}

/// Revokes all API keys of a member.
pub async fn revoke_member_keys(tx: &mut Tx, member: Uuid) -> QueryResult<()> {
    diesel::update(api_keys::table.filter(api_keys::member_id.eq(member)))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
