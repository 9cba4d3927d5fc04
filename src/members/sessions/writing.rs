//! Opening, refreshing and ending sessions.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::queries;
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::db;
use crate::error::{Error, Result};
use crate::http::client::Client;
use crate::members::model::{MemberRow, MemberStatus};
use crate::members::view::{Session, SignedInMember};
use crate::members::{secrets, tokens};
use crate::operations::Role;
use crate::tx::Tx;

/// The time within which a used refresh token returns its child again.
const REFRESH_RETRY_WINDOW: TimeDelta = TimeDelta::seconds(10);

/// Returns the longest time a session of this role lives without a refresh, and at all.
fn session_lifetimes(role: Role) -> (TimeDelta, TimeDelta) {
    match role {
        Role::Member => (TimeDelta::days(14), TimeDelta::days(60)),
        Role::Author | Role::Editor | Role::Admin => (TimeDelta::hours(12), TimeDelta::days(7)),
    }
}

/// Returns the end of a session that was opened and last refreshed at these times.
fn compute_session_end(role: Role, opened: DateTime<Utc>, refreshed: DateTime<Utc>) -> DateTime<Utc> {
    let (idle, absolute) = session_lifetimes(role);
    (opened + absolute).min(refreshed + idle)
}

/// An opened or refreshed session and its next refresh token.
pub struct OpenedSession {
    /// The session's id.
    pub id: Uuid,
    /// The time of opening or refresh, by the database's clock.
    pub at: DateTime<Utc>,
    /// The token for the next refresh.
    pub refresh_token: String,
}

/// Opens a session for a member and records the change.
pub async fn open_session(
    tx: &mut Tx,
    app: &App,
    member: &MemberRow,
    client: &Client,
) -> Result<OpenedSession> {
    let refresh_token = secrets::generate_token(secrets::REFRESH_PREFIX)?;
    let now = db::now(tx).await?;
    let session = queries::NewSession {
        id: Uuid::now_v7(),
        member_id: member.id,
        device: client.device.clone(),
        network: hash_network(app, client),
        expires_at: compute_session_end(member.account.role, now, now),
    };
    let id = session.id;
    let at = queries::insert_session(tx, session).await?;
    queries::insert_refresh_token(tx, &secrets::hash(&refresh_token), id).await?;
    tx.record(Actor::member(member.id), Change::new("create", "session", id));
    Ok(OpenedSession { id, at, refresh_token })
}

/// Hashes the client's network with the site's secret, as sessions store it.
pub fn hash_network(app: &App, client: &Client) -> Vec<u8> {
    app.keys.seal(&[b"network", client.network.as_bytes()])
}

/// Issues an access token and builds the answer with the session's tokens.
pub async fn build_session(app: &App, member: &MemberRow, opened: OpenedSession) -> Result<Session> {
    let lifetime = app.config.access.access_token_ttl;
    Ok(Session {
        access_token: tokens::issue(
            &*app.ring().await?,
            member.id,
            opened.id,
            opened.at,
            lifetime.as_secs(),
        )?,
        token_type: "Bearer",
        expires_in: lifetime.as_secs(),
        refresh_token: opened.refresh_token,
        member: SignedInMember {
            id: member.id,
            email: member.account.email.clone(),
            role: member.account.role,
            display_name: member.account.display_name.clone(),
        },
    })
}

/// Uses a refresh token; returns the session with the child token.
///
/// Returns `None`, not an error, if the token or the session is not valid:
/// when a reused token ends the session, the transaction must commit.
pub async fn refresh_session(
    tx: &mut Tx,
    app: &App,
    token: &str,
) -> Result<Option<(MemberRow, OpenedSession)>> {
    let hash = secrets::hash(token);
    let Some((session, member)) = queries::lock_session_by_token(tx, &hash).await? else { return Ok(None) };
    let now = db::now(tx).await?;
    let role = member.account.role;
    let end = compute_session_end(role, session.created_at, session.refreshed_at);
    let has_ended = session.revoked_at.is_some()
        || session.expires_at.min(end) <= now
        || member.account.status != MemberStatus::Active;
    if has_ended {
        return Ok(None);
    }
    let used_at = queries::mark_token_used(tx, &hash).await?;
    if used_at.is_some_and(|used_at| used_at + REFRESH_RETRY_WINDOW < now) {
        queries::end_session(tx, member.id, session.id).await?;
        tracing::warn!(session = %session.id, "A refresh token was used twice: its session has ended");
        let change = Change::new("reuse", "session", session.id);
        tx.record(Actor::member(member.id), change);
        return Ok(None);
    }
    let child = secrets::derive_token(&app.keys, secrets::REFRESH_PREFIX, &[b"refresh", token.as_bytes()]);
    if used_at.is_none() {
        queries::insert_refresh_token(tx, &secrets::hash(&child), session.id).await?;
    }
    let end = compute_session_end(role, session.created_at, now);
    let at = queries::extend_session(tx, session.id, end).await?;
    Ok(Some((member, OpenedSession { id: session.id, at, refresh_token: child })))
}

/// Ends the session of the current request and records the change.
pub async fn log_out(tx: &mut Tx, actor: Actor, member: Uuid, session: Uuid) -> Result<()> {
    queries::end_session(tx, member, session).await?;
    tx.record(actor, Change::new("delete", "session", session));
    Ok(())
}

/// Ends one session of a member and records the change; fails with 404 if there is none.
pub async fn end_session(tx: &mut Tx, actor: Actor, member: Uuid, session: Uuid) -> Result<()> {
    if !queries::end_session(tx, member, session).await? {
        return Err(Error::not_found());
    }
    tx.record(actor, Change::new("delete", "session", session));
    Ok(())
}

/// Ends all sessions of a member and records the change.
pub async fn end_all_sessions(tx: &mut Tx, actor: Actor, member: Uuid) -> Result<()> {
    queries::end_all_sessions(tx, member).await?;
    tx.record(actor, Change::new("logout_everywhere", "member", member));
    Ok(())
}
