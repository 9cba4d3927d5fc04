//! Operations to verify an email, to reset a password, and to change an email.

use actix_web::{HttpRequest, Responder, post, web};

use super::reply::accepted_response;
use super::view::{Accepted, Address, EmailChange, MailedToken, Reset};
use super::writing;
use crate::app::App;
use crate::error::Result;
use crate::http::body::Json;
use crate::http::client::Client;
use crate::http::reply::{Data, NoContent};
use crate::members::attempts::{count_mail, count_visitor};
use crate::members::credentials::verify_own_password;
use crate::members::guard::SignedIn;
use crate::members::outbox::model::MailKind;
use crate::members::passwords::Hasher;
use crate::members::queries::load_member;
use crate::members::secrets;
use crate::members::writing::parse_email;

/// Ask for a new password
///
/// Always the same answer; if there is such an account, a mail with a link goes to it.
#[utoipa::path(tag = "access", security(()), responses((status = 202, description = "Taken", body = Data<Accepted>)))]
#[post("/password/forgot")]
pub async fn request_password_reset(
    req: HttpRequest,
    app: web::Data<App>,
    client: Client,
    body: Json<Address>,
) -> Result<impl Responder> {
    count_visitor(&app, &req, &client).await?;
    if let Some(canonical) = writing::admit_mail_request(&app, &body.0.email).await? {
        let kind = MailKind::Reset;
        app.write(async move |tx| writing::request_mail(tx, kind, &canonical).await).await?;
    }
    Ok(accepted_response())
}

/// Ask for the confirmation mail again
///
/// Always the same answer; if there is an account that waits for it, the mail goes out.
#[utoipa::path(tag = "access", security(()), responses((status = 202, description = "Taken", body = Data<Accepted>)))]
#[post("/email/resend")]
pub async fn request_confirmation(
    req: HttpRequest,
    app: web::Data<App>,
    client: Client,
    body: Json<Address>,
) -> Result<impl Responder> {
    count_visitor(&app, &req, &client).await?;
    if let Some(canonical) = writing::admit_mail_request(&app, &body.0.email).await? {
        let kind = MailKind::Verify;
        app.write(async move |tx| writing::request_mail(tx, kind, &canonical).await).await?;
    }
    Ok(accepted_response())
}

/// Set a new password
///
/// With the token of the mail, once. Confirms the address too, ends all
/// sessions, and signs nobody in.
#[utoipa::path(tag = "access", security(()), responses((status = 204, description = "The password is set")))]
#[post("/password/reset")]
pub async fn reset_password(
    req: HttpRequest,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Json<Reset>,
) -> Result<NoContent> {
    count_visitor(&app, &req, &client).await?;
    let Json(reset) = body;
    let token = secrets::hash(&reset.token);
    let prepared = writing::prepare_reset(&app, &hasher, &token, &reset.password).await?;
    let notify = app.mailer.is_some();
    app.write(async move |tx| writing::reset_password(tx, &token, &prepared, notify).await).await?;
    Ok(NoContent)
}

/// Confirm an address
///
/// With the token of the mail, once; of the first address or of a new one.
/// Signs nobody in; a changed address ends all sessions.
#[utoipa::path(tag = "access", security(()), responses((status = 204, description = "The address is confirmed")))]
#[post("/email/verify")]
pub async fn verify_email(
    req: HttpRequest,
    app: web::Data<App>,
    client: Client,
    body: Json<MailedToken>,
) -> Result<NoContent> {
    count_visitor(&app, &req, &client).await?;
    let token = secrets::hash(&body.0.token);
    app.write(async move |tx| writing::verify_email(tx, &token).await).await?;
    Ok(NoContent)
}

/// Change the own address
///
/// Takes the password. The new address gets a mail and counts once it is
/// confirmed; the old one is told. On a site without mail it counts at once.
#[utoipa::path(tag = "access", responses((status = 202, description = "Taken", body = Data<Accepted>)))]
#[post("/email/change")]
pub async fn change_email(
    req: HttpRequest,
    member: SignedIn,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Json<EmailChange>,
) -> Result<impl Responder> {
    let (SignedIn(member), Json(change)) = (member, body);
    let canonical = parse_email(&change.email)?;
    let row = load_member(&mut *app.conn().await?, member.id).await?;
    verify_own_password(&app, &hasher, &req, &client, &row, &change.password).await?;
    let by_mail = app.mailer.is_some();
    if by_mail {
        count_mail(&app, &row.account.email_canonical).await?;
    }
    app.write(async move |tx| {
        let email = change.email.trim();
        writing::request_email_change(tx, &row, email, &canonical, by_mail).await
    })
    .await?;
    Ok(accepted_response())
}
