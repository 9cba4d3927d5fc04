//! Operations on sessions: refresh, log out, list, end.

use actix_web::{Responder, delete, get, post, web};

use super::queries::{self, SessionRow};
use super::view::{OpenSession, RefreshRequest};
use super::writing;
use crate::app::App;
use crate::error::{Code, Error, Result};
use crate::http::body::Json;
use crate::http::id_or_slug::Id;
use crate::http::paging::List;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::guard::{Admin, CurrentMember, SignedIn};
use crate::members::queries::load_member;
use crate::members::view::Session;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`refresh_session`].
pub const REFRESH_SESSION: Operation =
    Operation::post("refresh_session", Caller::Anyone).checking_a_credential();

/// Refresh a session
///
/// Returns new tokens for a refresh token, which can be used once. The same
/// request within ten seconds returns the same refresh token again, so a client
/// can retry after a lost answer. Any later use of a used token ends the session.
#[utoipa::path(tag = "access", responses((status = 200, description = "The session with new tokens", body = Data<Session>)))]
#[post("/refresh")]
pub async fn refresh_session(app: web::Data<App>, body: Json<RefreshRequest>) -> Result<impl Responder> {
    let token = body.0.refresh_token;
    let shared = app.clone();
    let refreshed =
        app.write_for_sign_in(async move |tx| writing::refresh_session(tx, &shared, &token).await).await?;
    let (member, opened) = refreshed.ok_or_else(|| {
        let detail = "This session has ended; sign in again.";
        Error::Refused(Code::InvalidRefreshToken, detail.into())
    })?;
    Ok(Reply::one(writing::build_session(&app, &member, opened).await?))
}

/// The entry of [`logout_member`].
pub const LOGOUT_MEMBER: Operation =
    Operation::post_without_body("logout_member", Caller::Role(Role::Member)).without_conflicts();

/// Log out
///
/// Ends the session of this request, on all nodes at once.
#[utoipa::path(tag = "access", responses((status = 204, description = "The session has ended")))]
#[post("/logout")]
pub async fn logout_member(app: web::Data<App>, member: SignedIn) -> Result<NoContent> {
    let SignedIn(member) = member;
    app.write_for_sign_in(async move |tx| {
        writing::log_out(tx, member.actor(), member.id, member.session).await
    })
    .await?;
    Ok(NoContent)
}

/// The entry of [`list_own_sessions`].
pub const LIST_OWN_SESSIONS: Operation =
    Operation::read("list_own_sessions", Caller::Role(Role::Member)).without_last_modified();

/// List the own sessions
///
/// Your open sessions, the last used first.
#[utoipa::path(tag = "members", responses((status = 200, description = "The sessions", body = List<OpenSession>)))]
#[get("/me/sessions")]
pub async fn list_own_sessions(app: web::Data<App>, member: SignedIn) -> Result<impl Responder> {
    let rows = queries::list_sessions(&*app.long_reader().await?, member.0.id).await?;
    Ok(list_response(rows, &member.0))
}

/// Returns all sessions in `rows`, seen from the session of `caller`.
fn list_response(rows: Vec<SessionRow>, caller: &CurrentMember) -> Reply<List<OpenSession>> {
    let sessions = rows.into_iter().map(|row| OpenSession::new(row, Some(caller.session)));
    Reply::list(List::unpaged(sessions.collect()))
}

/// The entry of [`end_own_sessions`].
pub const END_OWN_SESSIONS: Operation =
    Operation::delete("end_own_sessions", Caller::Role(Role::Member)).without_version();

/// Log out everywhere
///
/// Ends all own sessions, this one included.
#[utoipa::path(tag = "members", responses((status = 204, description = "All sessions have ended")))]
#[delete("/me/sessions")]
pub async fn end_own_sessions(app: web::Data<App>, member: SignedIn) -> Result<NoContent> {
    let SignedIn(member) = member;
    app.write_for_sign_in(async move |tx| writing::end_all_sessions(tx, member.actor(), member.id).await)
        .await?;
    Ok(NoContent)
}

/// The entry of [`end_own_session`].
pub const END_OWN_SESSION: Operation =
    Operation::delete("end_own_session", Caller::Role(Role::Member)).without_version();

/// End an own session
///
/// For example, the session on a lost phone.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The session's id")), responses((status = 204, description = "The session has ended")))]
#[delete("/me/sessions/{id}")]
pub async fn end_own_session(app: web::Data<App>, member: SignedIn, id: Id) -> Result<NoContent> {
    let SignedIn(member) = member;
    app.write_for_sign_in(async move |tx| writing::end_session(tx, member.actor(), member.id, id.0).await)
        .await?;
    Ok(NoContent)
}

/// The entry of [`list_member_sessions`].
pub const LIST_MEMBER_SESSIONS: Operation =
    Operation::read("list_member_sessions", Caller::Role(Role::Admin)).without_last_modified();

/// List a member's sessions
///
/// The open sessions of the member, the last used first.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 200, description = "The sessions", body = List<OpenSession>)))]
#[get("/{id}/sessions")]
pub async fn list_member_sessions(app: web::Data<App>, admin: Admin, id: Id) -> Result<impl Responder> {
    let conn = app.long_reader().await?;
    let member = load_member(&conn, id.0).await?;
    let rows = queries::list_sessions(&conn, member.id).await?;
    Ok(list_response(rows, &admin.0))
}

/// The entry of [`end_member_sessions`].
pub const END_MEMBER_SESSIONS: Operation =
    Operation::delete("end_member_sessions", Caller::Role(Role::Admin)).without_version();

/// End a member's sessions
///
/// Ends all sessions of the member at once.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 204, description = "All sessions have ended")))]
#[delete("/{id}/sessions")]
pub async fn end_member_sessions(app: web::Data<App>, admin: Admin, id: Id) -> Result<NoContent> {
    app.write_for_sign_in(async move |tx| {
        let member = load_member(tx, id.0).await?;
        writing::end_all_sessions(tx, admin.0.actor(), member.id).await
    })
    .await?;
    Ok(NoContent)
}
