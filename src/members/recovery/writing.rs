//! Verifying emails, resetting passwords and changing emails, by tokens that are sent by mail.

use uuid::Uuid;

use super::queries::{self, Purpose};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Result};
use crate::members::attempts::count_mail;
use crate::members::model::MemberRow;
use crate::members::outbox::model::MailKind;
use crate::members::passwords::{self, Hasher};
use crate::members::writing::{change_email_address, replace_password};
use crate::members::{email, outbox, queries as members, sessions};
use crate::tx::Tx;

fn invalid_token() -> Error {
    let detail = "The token is not valid. It may be used, expired or replaced by a newer one.";
    Error::Refused(Code::InvalidToken, detail.to_owned())
}

/// Returns the canonical email if a mail may be sent to it.
///
/// Too many requests for one email are dropped without an error, so that the
/// answer does not tell how many others were made.
pub async fn admit_mail_request(app: &App, typed: &str) -> Result<Option<String>> {
    let Some(canonical) = email::canonicalise(typed) else { return Ok(None) };
    match count_mail(app, &canonical).await {
        Err(Error::Throttled { .. }) => Ok(None),
        Err(error) => Err(error),
        Ok(()) if app.mailer.is_none() => {
            tracing::warn!("A mail was requested, but no mail server is configured (INKSTONE_MAIL_URL)");
            Ok(None)
        }
        Ok(()) => Ok(Some(canonical)),
    }
}

/// Puts a mail into the outbox. Whether the account exists is checked when the mail is sent.
pub async fn request_mail(tx: &mut Tx, kind: MailKind, canonical: &str) -> Result<()> {
    Ok(outbox::queries::enqueue_mail(tx, kind, canonical, None).await?)
}

/// The member of a claimed reset token, and the hash of the new password.
pub struct PreparedReset {
    member: Uuid,
    hash: String,
}

/// Claims a reset token and hashes the new password. Releases the token if the password is refused.
pub async fn prepare_reset(
    app: &App,
    hasher: &Hasher,
    token: &[u8],
    password: &str,
) -> Result<PreparedReset> {
    let hashed = token.to_vec();
    let claimed =
        app.write(async move |tx| Ok(queries::claim_token(tx, &hashed, Purpose::Reset).await?)).await?;
    let member = claimed.ok_or_else(invalid_token)?;
    match hash_new_password(app, hasher, member, password).await {
        Ok(hash) => Ok(PreparedReset { member, hash }),
        Err(error) => {
            let hashed = token.to_vec();
            app.write(async move |tx| Ok(queries::release_token(tx, &hashed).await?)).await?;
            Err(error)
        }
    }
}

async fn hash_new_password(app: &App, hasher: &Hasher, member: Uuid, password: &str) -> Result<String> {
    let (row, site) = {
        let conn = app.long_reader().await?;
        (members::load_member(&conn, member).await?, members::load_site_name(&conn).await?)
    };
    hasher.hash(passwords::validate_for_site(&site, "/password", password, &row.account.email)?).await
}

/// Spends a reset token, verifies the member's email and sets the new password.
pub async fn reset_password(tx: &mut Tx, token: &[u8], reset: &PreparedReset, notify: bool) -> Result<()> {
    let row = members::lock_member(tx, reset.member).await?;
    queries::spend_token(tx, token, &[Purpose::Reset]).await?.ok_or_else(invalid_token)?;
    mark_email_verified(tx, row.id).await?;
    replace_password(tx, Actor::member(row.id), row.id, &reset.hash, notify.then_some(&row)).await
}

/// Marks a member's email as verified and records the change.
///
/// The first verification ends all sessions and revokes all API keys, because
/// until then somebody else may have registered the email (pre-hijacking).
async fn mark_email_verified(tx: &mut Tx, member: Uuid) -> Result<()> {
    if queries::mark_email_verified(tx, member).await? {
        sessions::queries::end_all_sessions(tx, member).await?;
        queries::revoke_member_keys(tx, member).await?;
        let change = Change::new("update", "member", member).of_fields(vec!["email_verified".to_owned()]);
        tx.record(Actor::member(member), change);
    }
    Ok(())
}

/// Spends a token that verifies the first email or a new one; a new email becomes the member's.
pub async fn verify_email(tx: &mut Tx, token: &[u8]) -> Result<()> {
    let spent = queries::spend_token(tx, token, &[Purpose::Verify, Purpose::ChangeEmail]).await?;
    let spent = spent.ok_or_else(invalid_token)?;
    mark_email_verified(tx, spent.member_id).await?;
    match (spent.purpose, spent.email, spent.email_canonical) {
        (Purpose::ChangeEmail, Some(email), Some(canonical)) => {
            change_email_address(tx, spent.member_id, &email, &canonical, true).await
        }
        _ => Ok(()),
    }
}

/// Sends a mail to the new email, which counts once it is verified. Without mail, it counts at once.
pub async fn request_email_change(
    tx: &mut Tx,
    member: &MemberRow,
    email: &str,
    canonical: &str,
    by_mail: bool,
) -> Result<()> {
    if by_mail {
        let owner = &member.account.email_canonical;
        return Ok(outbox::queries::enqueue_mail(tx, MailKind::ChangeEmail, owner, Some(email)).await?);
    }
    change_email_address(tx, member.id, email, canonical, false).await
}
