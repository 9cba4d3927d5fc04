//! Verifying emails, resetting passwords and changing emails, by tokens that are sent by mail.

use diesel::OptionalExtension;
use uuid::Uuid;

use super::queries::{self, Purpose};
use super::view::PasswordReset;
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Result};
use crate::http::client::Client;
use crate::members::attempts::admit_mail;
use crate::members::model::MemberRow;
use crate::members::outbox::model::MailKind;
use crate::members::outbox::queries::NewMail;
use crate::members::passwords::{self, Hasher};
use crate::members::writing::{change_email_address, replace_password};
use crate::members::{email, outbox, queries as members, sessions};
use crate::tx::Tx;

fn invalid_token() -> Error {
    let detail = "The token is not valid. It may be used, expired or replaced by a newer one.";
    Error::Refused(Code::InvalidToken, detail.into())
}

/// Returns the canonical email if a mail may be sent to it.
pub async fn admit_mail_request(app: &App, client: &Client, typed: &str) -> Result<Option<String>> {
    let Some(canonical) = email::canonicalise(typed) else { return Ok(None) };
    if !admit_mail(app, client, &canonical).await? {
        return Ok(None);
    }
    if app.mailer.is_none() {
        tracing::warn!("A mail was requested, but no mail server is configured (INKSTONE_MAIL_URL)");
        return Ok(None);
    }
    Ok(Some(canonical))
}

/// Puts a mail into the outbox. Whether the account exists is checked when the mail is sent.
pub async fn request_mail(tx: &mut Tx, kind: MailKind, canonical: &str) -> Result<()> {
    let mail = NewMail { kind, email_canonical: canonical.to_owned(), recipient: None, member_id: None };
    Ok(outbox::queries::enqueue_mail(tx, mail).await?)
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
    let claimed = app
        .write_for_sign_in(async move |tx| Ok(queries::claim_token(tx, &hashed, Purpose::Reset).await?))
        .await?;
    let member = claimed.ok_or_else(invalid_token)?;
    match hash_new_password(app, hasher, member, password).await {
        Ok(hash) => Ok(PreparedReset { member, hash }),
        Err(error) => {
            let hashed = token.to_vec();
            app.write_for_sign_in(async move |tx| Ok(queries::release_token(tx, &hashed).await?)).await?;
            Err(error)
        }
    }
}

/// Fails with what is wrong with the password of a reset, as far as it can be told without its token.
pub async fn check_reset(app: &App, reset: &PasswordReset) -> Result<()> {
    let site = members::load_site_name(&*app.reader().await?).await?;
    passwords::validate_for_site(&site, "/password", &reset.password, "").map(drop)
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
    prove_mailbox(tx, &row).await?;
    replace_password(tx, Actor::member(row.id), row.id, &reset.hash, notify.then_some(&row)).await
}

/// Marks a member's email as verified and records the change; returns whether a password remains.
///
/// Until the first verification somebody else may have registered the email (pre-hijacking). So
/// the first one voids everything older: sessions, API keys, tokens, requests for mails. If more
/// than one password was given until then, it also removes the password and the profile, because
/// nobody knows which of them came from the owner of the mailbox.
async fn prove_mailbox(tx: &mut Tx, row: &MemberRow) -> Result<bool> {
    if !queries::mark_email_verified(tx, row.id).await? {
        return Ok(true);
    }
    sessions::queries::end_all_sessions(tx, row.id).await?;
    queries::revoke_member_keys(tx, row.id).await?;
    queries::void_tokens(tx, row.id).await?;
    let is_disputed = members::is_password_disputed(tx, row.id).await?;
    if is_disputed {
        members::forget_password_and_profile(tx, row.id).await?;
    }
    let change = Change::new("update", "member", row.id).of_fields(vec!["email_verified".to_owned()]);
    tx.record(Actor::member(row.id), change);
    Ok(!is_disputed)
}

/// Spends a token that verifies the first email or a new one; a new email becomes the member's.
///
/// Returns whether the member has a password. If not, the same token sets one.
pub async fn verify_email(tx: &mut Tx, token: &[u8]) -> Result<bool> {
    let member = queries::find_token_member(tx, token).await?.ok_or_else(invalid_token)?;
    let row = members::lock_member(tx, member).await.optional()?.ok_or_else(invalid_token)?;
    let spent = queries::spend_token(tx, token, &[Purpose::Verify, Purpose::ChangeEmail]).await?;
    let spent = spent.ok_or_else(invalid_token)?;
    let has_password = prove_mailbox(tx, &row).await?;
    if let (Purpose::ChangeEmail, Some(email), Some(canonical)) =
        (spent.purpose, spent.email, spent.email_canonical)
    {
        change_email_address(tx, row.id, &email, &canonical, true).await?;
    }
    if !has_password {
        queries::turn_into_reset_token(tx, token).await?;
    }
    Ok(has_password)
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
        let mail = NewMail::to_member(MailKind::ChangeEmail, member);
        let mail = NewMail { recipient: Some(email.to_owned()), ..mail };
        return Ok(outbox::queries::enqueue_mail(tx, mail).await?);
    }
    change_email_address(tx, member.id, email, canonical, false).await
}
