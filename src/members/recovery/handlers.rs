//! Confirm an address, recover a password, change an address.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, Responder, post, web};
use uuid::Uuid;

use super::queries::{self, Purpose};
use super::view::{Accepted, Address, EmailChange, MailedToken, Reset};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Result};
use crate::http::body::Json;
use crate::http::client::Client;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::auth::{canonical, prove, replace_password, unless_taken};
use crate::members::guard::SignedIn;
use crate::members::outbox::Kind;
use crate::members::passwords::{self, Hasher};
use crate::members::{attempts, email, outbox, queries as members, secrets, sessions};
use crate::tx::Tx;

/// 202, the same whatever is behind it.
pub fn accepted_response() -> Reply<Data<Accepted>> {
    Reply::new(StatusCode::ACCEPTED, Data { data: Accepted { status: "accepted" } })
}

fn invalid_token() -> Error {
    let detail = "The token is not valid: used, expired, replaced by a newer one, or none of ours.";
    Error::Refused(Code::InvalidToken, detail.to_owned())
}

/// Asks for a mail to an account; too many for one address are left out, and nobody is told.
async fn ask_for(app: &App, kind: Kind, address: &str) -> Result<()> {
    let Some(canonical) = email::canonical(address) else { return Ok(()) };
    match attempts::mail(app, &canonical).await {
        Err(Error::Throttled { .. }) => Ok(()),
        Err(error) => Err(error),
        Ok(()) if app.mailer.is_none() => {
            tracing::warn!("A mail was asked for, but no mail is configured (INKSTONE_MAIL_URL)");
            Ok(())
        }
        Ok(()) => {
            app.write(async move |tx| Ok(outbox::queries::enqueue(tx, kind, &canonical, None).await?)).await
        }
    }
}

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
    attempts::visitor(&app, &req, &client).await?;
    ask_for(&app, Kind::Reset, &body.0.email).await?;
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
    attempts::visitor(&app, &req, &client).await?;
    ask_for(&app, Kind::Verify, &body.0.email).await?;
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
    attempts::visitor(&app, &req, &client).await?;
    let Json(reset) = body;
    let token = secrets::hash(&reset.token);
    let claimed = queries::claim(&mut *app.conn().await?, &token, Purpose::Reset).await?;
    let member = claimed.ok_or_else(invalid_token)?;
    let hash = match hash_for(&app, &hasher, member, &reset.password).await {
        Ok(hash) => hash,
        Err(error) => {
            queries::unclaim(&mut *app.conn().await?, &token).await?;
            return Err(error);
        }
    };
    let tells = app.mailer.is_some();
    app.write(async move |tx| {
        let row = members::lock(tx, member).await?;
        queries::spend(tx, &token, &[Purpose::Reset]).await?.ok_or_else(invalid_token)?;
        confirm(tx, member).await?;
        replace_password(tx, Actor::member(member), member, &hash, tells.then_some(&row)).await
    })
    .await?;
    Ok(NoContent)
}

async fn hash_for(app: &App, hasher: &Hasher, member: Uuid, password: &str) -> Result<String> {
    let (row, site) = {
        let mut conn = app.conn().await?;
        (members::by_id(&mut conn, member).await?, members::site_name(&mut conn).await?)
    };
    hasher.hash(passwords::admit_on(&site, "/password", password, &row.account.email)?).await
}

/// Confirms a member's address. Whoever used the account before that proved nothing: they are out.
async fn confirm(tx: &mut Tx, member: Uuid) -> Result<()> {
    if queries::verify(tx, member).await? {
        sessions::queries::end_all(tx, member).await?;
        queries::revoke_keys(tx, member).await?;
        let change = Change::new("update", "member", member).of_fields(vec!["email_verified".to_owned()]);
        tx.record(Actor::member(member), change);
    }
    Ok(())
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
    attempts::visitor(&app, &req, &client).await?;
    let token = secrets::hash(&body.0.token);
    app.write(async move |tx| {
        let spent = queries::spend(tx, &token, &[Purpose::Verify, Purpose::ChangeEmail]).await?;
        let (member, purpose, address, canonical) = spent.ok_or_else(invalid_token)?;
        confirm(tx, member).await?;
        match (purpose, address, canonical) {
            (Purpose::ChangeEmail, Some(address), Some(canonical)) => {
                change_address(tx, member, address, canonical, true).await
            }
            _ => Ok(()),
        }
    })
    .await?;
    Ok(NoContent)
}

/// Gives a member another address, ends what the old one gave a right to, and tells it.
async fn change_address(
    tx: &mut Tx,
    member: Uuid,
    address: String,
    canonical: String,
    tells: bool,
) -> Result<()> {
    let row = members::lock(tx, member).await?;
    let old = row.account.email.clone();
    let after =
        crate::members::model::Account { email: address, email_canonical: canonical, ..row.account.clone() };
    unless_taken(members::update(tx, member, &after, row.profile_completed_at.is_some()).await)?;
    sessions::queries::end_all(tx, member).await?;
    queries::void_all(tx, member).await?;
    if tells {
        let canonical = &after.email_canonical;
        outbox::queries::enqueue(tx, Kind::EmailChanged, canonical, Some(&old)).await?;
    }
    let change = Change::between("member", member, &row.account, &after);
    Ok(tx.record(Actor::member(member), change))
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
    let canonical = canonical(&change.email)?;
    let row = members::by_id(&mut *app.conn().await?, member.id).await?;
    prove(&app, &hasher, &req, &client, &row, &change.password).await?;
    let by_mail = app.mailer.is_some();
    if by_mail {
        attempts::mail(&app, &row.account.email_canonical).await?;
    }
    app.write(async move |tx| {
        let address = change.email.trim();
        if by_mail {
            let owner = &row.account.email_canonical;
            return Ok(outbox::queries::enqueue(tx, Kind::ChangeEmail, owner, Some(address)).await?);
        }
        change_address(tx, member.id, address.to_owned(), canonical.clone(), false).await
    })
    .await?;
    Ok(accepted_response())
}
