//! Operations to verify an email, to reset a password, and to change an email.

use actix_web::{Either, HttpRequest, Responder, post, web};

use super::reply::accepted_response;
use super::view::{Accepted, AccountEmail, EmailChange, MailedToken, PasswordRequired, PasswordReset};
use super::writing;
use crate::app::App;
use crate::error::Result;
use crate::http::body::{Json, Unchecked};
use crate::http::client::Client;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::attempts::{count_own_mail, count_visitor};
use crate::members::credentials::{confirm_own_password, verify_own_password};
use crate::members::email::tidy;
use crate::members::guard::SignedIn;
use crate::members::outbox::model::MailKind;
use crate::members::passwords::Hasher;
use crate::members::queries::load_member;
use crate::members::secrets;
use crate::members::writing::parse_email;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`request_password_reset`].
pub const REQUEST_PASSWORD_RESET: Operation =
    Operation::post("request_password_reset", Caller::Anyone).throttled();

/// Request a password reset
///
/// The answer is always the same. If the account exists, a mail with a link is sent to it.
#[utoipa::path(tag = "access", responses((status = 202, description = "Accepted", body = Data<Accepted>)))]
#[post("/password/forgot")]
pub async fn request_password_reset(
    req: HttpRequest,
    app: web::Data<App>,
    client: Client,
    body: Json<AccountEmail>,
) -> Result<impl Responder> {
    count_visitor(&app, &req, &client).await?;
    if let Some(canonical) = writing::admit_mail_request(&app, &client, &body.0.email).await? {
        let kind = MailKind::Reset;
        app.write_for_sign_in(async move |tx| writing::request_mail(tx, kind, &canonical).await).await?;
    }
    Ok(accepted_response())
}

/// The entry of [`request_confirmation`].
pub const REQUEST_CONFIRMATION: Operation =
    Operation::post("request_confirmation", Caller::Anyone).throttled();

/// Request the verification mail again
///
/// The answer is always the same. If there is an unverified account, the mail is sent to it.
#[utoipa::path(tag = "access", responses((status = 202, description = "Accepted", body = Data<Accepted>)))]
#[post("/email/resend")]
pub async fn request_confirmation(
    req: HttpRequest,
    app: web::Data<App>,
    client: Client,
    body: Json<AccountEmail>,
) -> Result<impl Responder> {
    count_visitor(&app, &req, &client).await?;
    if let Some(canonical) = writing::admit_mail_request(&app, &client, &body.0.email).await? {
        let kind = MailKind::Verify;
        app.write_for_sign_in(async move |tx| writing::request_mail(tx, kind, &canonical).await).await?;
    }
    Ok(accepted_response())
}

/// The entry of [`reset_password`].
pub const RESET_PASSWORD: Operation = Operation::post("reset_password", Caller::Anyone).throttled();

/// Set a new password
///
/// Requires the token from the mail, which can be used once. Also verifies the
/// email and ends all sessions. Does not sign in.
#[utoipa::path(tag = "access", request_body = PasswordReset, responses((status = 204, description = "The password is set")))]
#[post("/password/reset")]
pub async fn reset_password(
    req: HttpRequest,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Unchecked<PasswordReset>,
) -> Result<NoContent> {
    count_visitor(&app, &req, &client).await?;
    let reset = body.check(async |reset| writing::check_reset(&app, &reset).await).await?;
    let token = secrets::hash(&reset.token);
    let prepared = writing::prepare_reset(&app, &hasher, &token, &reset.password).await?;
    let notify = app.mailer.is_some();
    app.write_for_sign_in(async move |tx| writing::reset_password(tx, &token, &prepared, notify).await)
        .await?;
    Ok(NoContent)
}

/// The entry of [`verify_email`].
pub const VERIFY_EMAIL: Operation = Operation::post("verify_email", Caller::Anyone).throttled();

/// Verify an email
///
/// Requires the token from the mail, which can be used once. Verifies the first
/// email or a new one. The first verification voids everything older: sessions,
/// API keys, other tokens. A new email ends all sessions. Does not sign in.
///
/// Answers 200 if more than one password was given for the email while it
/// waited. None of them counts then: the same token sets one at
/// `/auth/password/reset`, within 30 minutes.
#[utoipa::path(tag = "access", responses((status = 200, description = "The email is verified; the account needs a password", body = Data<PasswordRequired>), (status = 204, description = "The email is verified")))]
#[post("/email/verify")]
pub async fn verify_email(
    req: HttpRequest,
    app: web::Data<App>,
    client: Client,
    body: Json<MailedToken>,
) -> Result<Either<NoContent, Reply<Data<PasswordRequired>>>> {
    count_visitor(&app, &req, &client).await?;
    let token = secrets::hash(&body.0.token);
    let has_password = app.write_for_sign_in(async move |tx| writing::verify_email(tx, &token).await).await?;
    Ok(match has_password {
        true => Either::Left(NoContent),
        false => Either::Right(Reply::one(PasswordRequired { status: "password_required" })),
    })
}

/// The entry of [`change_email`].
pub const CHANGE_EMAIL: Operation = Operation::post("change_email", Caller::Role(Role::Member)).throttled();

/// Change the own email
///
/// Requires the password. The new email gets a mail and takes effect once it is
/// verified; then the old email gets a mail too. If the site sends no mail, the
/// new email takes effect at once.
#[utoipa::path(tag = "access", request_body = EmailChange, responses((status = 202, description = "Accepted", body = Data<Accepted>)))]
#[post("/email/change")]
pub async fn change_email(
    req: HttpRequest,
    member: SignedIn,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Unchecked<EmailChange>,
) -> Result<impl Responder> {
    let SignedIn(member) = member;
    let change = body.check(async |change: EmailChange| parse_email(&change.email).map(drop)).await?;
    let canonical = parse_email(&change.email)?;
    let row = load_member(&*app.reader().await?, member.id).await?;
    let proven = verify_own_password(&app, &hasher, &req, &client, &row, &change.password).await?;
    let by_mail = app.mailer.is_some();
    if by_mail {
        count_own_mail(&app, &row.account.email_canonical).await?;
    }
    app.write_for_sign_in(async move |tx| {
        let row = confirm_own_password(tx, &proven).await?;
        writing::request_email_change(tx, &row, &tidy(&change.email), &canonical, by_mail).await
    })
    .await?;
    Ok(accepted_response())
}
