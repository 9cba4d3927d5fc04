//! Sessions: refreshed, listed, ended.

use actix_web::{Responder, delete, get, post, web};

use super::view::{OpenSession, Refresh};
use super::{GRACE, Opened, answer, end, queries};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::db;
use crate::error::{Code, Error, Result};
use crate::http::body::Json;
use crate::http::id_or_slug::Id;
use crate::http::paging::List;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::guard::{Admin, SignedIn};
use crate::members::model::{MemberRow, MemberStatus};
use crate::members::secrets;
use crate::members::view::Session;
use crate::tx::Tx;

/// Refresh a session
///
/// Gives new tokens for a refresh token, which is good for one use. The same
/// request within ten seconds gets the same answer's refresh token again, so a
/// lost answer can be asked for; any later use of a used token ends the session.
#[utoipa::path(tag = "access", security(()), responses((status = 200, description = "The session goes on", body = Data<Session>)))]
#[post("/refresh")]
pub async fn refresh_session(app: web::Data<App>, body: Json<Refresh>) -> Result<impl Responder> {
    let token = body.0.refresh_token;
    let shared = app.clone();
    let outcome = app.write(async move |tx| rotate(tx, &shared, &token).await).await?;
    // The reuse is on record by now: a refusal would have rolled that back.
    let (member, opened) = outcome.ok_or_else(refused)?;
    Ok(Reply::one(answer(&app, &member, opened)?))
}

fn refused() -> Error {
    Error::Refused(Code::InvalidRefreshToken, "This session has ended; sign in again.".to_owned())
}

async fn rotate(tx: &mut Tx, app: &App, token: &str) -> Result<Option<(MemberRow, Opened)>> {
    let hash = secrets::hash(token);
    let Some((session, member)) = queries::lock_by_token(tx, &hash).await? else { return Ok(None) };
    let now = db::now(tx).await?;
    let role = member.account.role;
    let ended = session.revoked_at.is_some()
        || session.expires_at.min(end(role, session.created_at, session.refreshed_at)) <= now
        || member.account.status != MemberStatus::Active;
    if ended {
        return Ok(None);
    }
    let used = queries::use_token(tx, &hash).await?;
    if used.is_some_and(|used| used + GRACE < now) {
        queries::end(tx, member.id, session.id).await?;
        tracing::warn!(session = %session.id, "A refresh token was used twice: its session has ended");
        let change = Change::new("reuse", "session", session.id);
        tx.record(Actor::member(member.id), change);
        return Ok(None);
    }
    let child = secrets::derived(&app.keys, secrets::REFRESH, &[b"refresh", token.as_bytes()]);
    if used.is_none() {
        queries::add_token(tx, &secrets::hash(&child), session.id).await?;
    }
    let at = queries::refresh(tx, session.id, end(role, session.created_at, now)).await?;
    Ok(Some((member, Opened { id: session.id, at, refresh_token: child })))
}

/// Log out
///
/// Ends the session of the token that this request carries, on every node at once.
#[utoipa::path(tag = "access", responses((status = 204, description = "The session has ended")))]
#[post("/logout")]
pub async fn logout_member(app: web::Data<App>, member: SignedIn) -> Result<NoContent> {
    let SignedIn(member) = member;
    app.write(async move |tx| {
        queries::end(tx, member.id, member.session).await?;
        let change = Change::new("delete", "session", member.session);
        Ok(tx.record(member.actor(), change))
    })
    .await?;
    Ok(NoContent)
}

/// List the own sessions
///
/// Everywhere you are signed in, the last used first.
#[utoipa::path(tag = "members", responses((status = 200, description = "The sessions", body = List<OpenSession>)))]
#[get("/me/sessions")]
pub async fn list_own_sessions(app: web::Data<App>, member: SignedIn) -> Result<impl Responder> {
    let rows = queries::list(&mut *app.conn().await?, member.0.id).await?;
    let current = Some(member.0.session);
    Ok(Reply::list(List::whole(rows.into_iter().map(|row| OpenSession::new(row, current)).collect())))
}

/// Log out everywhere
///
/// Ends all own sessions, this one included.
#[utoipa::path(tag = "members", responses((status = 204, description = "All sessions have ended")))]
#[delete("/me/sessions")]
pub async fn end_own_sessions(app: web::Data<App>, member: SignedIn) -> Result<NoContent> {
    let SignedIn(member) = member;
    app.write(async move |tx| {
        queries::end_all(tx, member.id).await?;
        let change = Change::new("logout_everywhere", "member", member.id);
        Ok(tx.record(member.actor(), change))
    })
    .await?;
    Ok(NoContent)
}

/// End an own session
///
/// Signs a lost phone out.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The session's id")), responses((status = 204, description = "The session has ended")))]
#[delete("/me/sessions/{id}")]
pub async fn end_own_session(app: web::Data<App>, member: SignedIn, id: Id) -> Result<NoContent> {
    let SignedIn(member) = member;
    app.write(async move |tx| {
        if !queries::end(tx, member.id, id.0).await? {
            return Err(Error::not_found());
        }
        let change = Change::new("delete", "session", id.0);
        Ok(tx.record(member.actor(), change))
    })
    .await?;
    Ok(NoContent)
}

/// List a member's sessions
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 200, description = "The sessions", body = List<OpenSession>)))]
#[get("/{id}/sessions")]
pub async fn list_member_sessions(app: web::Data<App>, admin: Admin, id: Id) -> Result<impl Responder> {
    let mut conn = app.conn().await?;
    let member = crate::members::queries::by_id(&mut conn, id.0).await?;
    let rows = queries::list(&mut conn, member.id).await?;
    let current = Some(admin.0.session);
    Ok(Reply::list(List::whole(rows.into_iter().map(|row| OpenSession::new(row, current)).collect())))
}

/// End a member's sessions
///
/// Signs the member out everywhere, at once.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 204, description = "All sessions have ended")))]
#[delete("/{id}/sessions")]
pub async fn end_member_sessions(app: web::Data<App>, admin: Admin, id: Id) -> Result<NoContent> {
    app.write(async move |tx| {
        let member = crate::members::queries::by_id(tx, id.0).await?;
        queries::end_all(tx, member.id).await?;
        let change = Change::new("logout_everywhere", "member", member.id);
        Ok(tx.record(admin.0.actor(), change))
    })
    .await?;
    Ok(NoContent)
}
