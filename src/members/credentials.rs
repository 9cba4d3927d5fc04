//! Checks of a password: at the login, and before a change that needs the member's own password.

use actix_web::HttpRequest;

use super::attempts::Attempt;
use super::model::{MemberRow, MemberStatus};
use super::passwords::{self, Hasher};
use super::view::Login;
use super::{email, queries};
use crate::app::App;
use crate::error::{Code, Error, Result};
use crate::http::client::Client;

/// Checks the email and the password of a login; fails with one 401 for all causes.
///
/// It takes the same time whether the account exists or not. A hash made with
/// old parameters is replaced.
pub async fn verify_login(
    app: &App,
    hasher: &Hasher,
    req: &HttpRequest,
    client: &Client,
    login: &Login,
) -> Result<MemberRow> {
    let attempt = Attempt::begin(app, req, client, &login.email).await?;
    let found = match email::canonicalise(&login.email) {
        Some(canonical) => queries::load_with_password_hash(&*app.long_reader().await?, &canonical).await?,
        None => None,
    };
    let (member, hash) = found.unzip();
    let is_stale = hash.as_deref().is_some_and(Hasher::is_stale);
    let matches = hasher.verify(&login.password, hash).await?;
    let Some(member) = member.clone().filter(|member| matches && may_sign_in(app, member)) else {
        attempt.record_failure(app, member.map(|member| member.id)).await?;
        return Err(Error::Refused(
            Code::InvalidCredentials,
            "The email or the password is wrong.".to_owned(),
        ));
    };
    attempt.record_success(app).await?;
    if is_stale {
        let hash = hasher.hash(passwords::normalise(&login.password)).await?;
        let id = member.id;
        app.write(async move |tx| Ok(queries::set_password_hash(tx, id, &hash).await?)).await?;
    }
    Ok(member)
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
) -> Result<()> {
    let attempt = Attempt::begin(app, req, client, &member.account.email).await?;
    let hash = queries::load_password_hash(&*app.long_reader().await?, member.id).await?;
    if !hasher.verify(password, hash).await? {
        attempt.record_failure(app, Some(member.id)).await?;
        return Err(Error::Refused(Code::WrongPassword, "This is not your password.".to_owned()));
    }
    attempt.record_success(app).await
}
