//! Checks of a password: at the login, and before a change that needs the member's own password.
//!
//! A check takes long, and the password may be changed meanwhile. So a check returns a
//! [`ProvenPassword`], and the transaction that acts on it confirms it under a lock.

use actix_web::HttpRequest;
use uuid::Uuid;

use super::attempts::Attempt;
use super::model::{MemberRow, MemberStatus};
use super::passwords::{self, Hasher};
use super::view::Login;
use super::{email, queries};
use crate::app::App;
use crate::error::{Code, Error, Result};
use crate::http::client::Client;
use crate::tx::Tx;

/// A password that matched the stored hash at the time of the check.
#[derive(Clone)]
pub struct ProvenPassword {
    member: Uuid,
    /// The hash that the password matched.
    hash: String,
    /// A hash with the current parameters, if `hash` was made with others.
    rehashed: Option<String>,
}

impl ProvenPassword {
    /// Whether the password is still that of the active member `row`, which the transaction has locked.
    ///
    /// Replaces a hash made with old parameters.
    async fn is_current(&self, tx: &mut Tx, row: &MemberRow) -> Result<bool> {
        let stored = queries::load_password_hash(tx, row.id).await?;
        let is_current = stored.as_ref() == Some(&self.hash) && row.account.status == MemberStatus::Active;
        if let Some(rehashed) = self.rehashed.as_ref().filter(|_| is_current) {
            queries::renew_password_hash(tx, row.id, &self.hash, rehashed).await?;
        }
        Ok(is_current)
    }
}

fn invalid_credentials() -> Error {
    let detail = "The email or the password is wrong, or the email still waits for its confirmation; \
                  POST /api/v1/auth/email/resend sends the mail again.";
    Error::Refused(Code::InvalidCredentials, detail.into())
}

fn wrong_password() -> Error {
    Error::Refused(Code::WrongPassword, "This is not your password.".into())
}

/// Checks the email and the password of a login; fails with one 401 for all causes.
///
/// It takes the same time whether the account exists or not.
pub async fn verify_login(
    app: &App,
    hasher: &Hasher,
    req: &HttpRequest,
    client: &Client,
    login: &Login,
) -> Result<ProvenPassword> {
    let attempt = Attempt::begin(app, req, client, &login.email).await?;
    let judged = attempt.judge(app, judge_login(app, hasher, login)).await?;
    judged.ok_or_else(invalid_credentials)
}

/// Returns the member that a login is for, and the proof if the password is right.
async fn judge_login(
    app: &App,
    hasher: &Hasher,
    login: &Login,
) -> Result<(Option<Uuid>, Option<ProvenPassword>)> {
    let found = match email::canonicalise(&login.email) {
        Some(canonical) => queries::load_with_password_hash(&*app.reader().await?, &canonical).await?,
        None => None,
    };
    let (member, hash) = found.unzip();
    let matches = hasher.verify(&login.password, hash.clone()).await?;
    let id = member.as_ref().map(|member| member.id);
    let proven = member.zip(hash).filter(|(member, _)| matches && may_sign_in(app, member));
    let Some((member, hash)) = proven else { return Ok((id, None)) };
    // Without a permit, the hash is renewed by a later login.
    let rehashed = match Hasher::is_stale(&hash) {
        true => hasher.hash(passwords::normalise(&login.password)).await.ok(),
        false => None,
    };
    Ok((id, Some(ProvenPassword { member: member.id, hash, rehashed })))
}

/// Locks the member of a login and confirms the login; fails with 401 if a change has come before it.
pub async fn confirm_login(tx: &mut Tx, app: &App, proven: &ProvenPassword) -> Result<MemberRow> {
    let row = queries::lock_member_shared(tx, proven.member).await?;
    let row = row.filter(|row| may_sign_in(app, row)).ok_or_else(invalid_credentials)?;
    if proven.is_current(tx, &row).await? { Ok(row) } else { Err(invalid_credentials()) }
}

/// Whether the member is active and, on a site that sends mail, has verified the email.
fn may_sign_in(app: &App, member: &MemberRow) -> bool {
    let is_verified = app.mailer.is_none() || member.email_verified_at.is_some();
    is_verified && member.account.status == MemberStatus::Active
}

/// Fails with 403 unless `password` is the member's own. Attempts are limited as at the login.
pub async fn verify_own_password(
    app: &App,
    hasher: &Hasher,
    req: &HttpRequest,
    client: &Client,
    member: &MemberRow,
    password: &str,
) -> Result<ProvenPassword> {
    let attempt = Attempt::begin(app, req, client, &member.account.email).await?;
    let check = async {
        let hash = queries::load_password_hash(&*app.reader().await?, member.id).await?;
        let matches = hasher.verify(password, hash.clone()).await?;
        let proven = hash.filter(|_| matches);
        Ok((Some(member.id), proven.map(|hash| ProvenPassword { member: member.id, hash, rehashed: None })))
    };
    attempt.judge(app, check).await?.ok_or_else(wrong_password)
}

/// Locks the member and confirms the own password; fails with 403 if a change has come before it.
pub async fn confirm_own_password(tx: &mut Tx, proven: &ProvenPassword) -> Result<MemberRow> {
    let row = queries::lock_member(tx, proven.member).await?;
    if proven.is_current(tx, &row).await? { Ok(row) } else { Err(wrong_password()) }
}
