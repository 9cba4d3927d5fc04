//! Sessions: opened by a login, kept alive by refresh tokens, ended by many things.
//!
//! A session is the family of its refresh tokens. Each is good for one use; a
//! retry within [`GRACE`] gets the same child again, on any node, and any later
//! use ends the session: one of the two holders is a thief (RFC 9700 §4.14).

pub mod handlers;
pub mod queries;
pub mod view;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::model::{MemberRow, Role};
use super::view::{Session, SignedInMember};
use super::{secrets, tokens};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::Result;
use crate::http::client::Client;
use crate::tx::Tx;

/// For how long a used refresh token gives its child again.
pub const GRACE: TimeDelta = TimeDelta::seconds(10);

/// How long a session of this role may rest, and how long it lives at most.
fn lifetimes(role: Role) -> (TimeDelta, TimeDelta) {
    match role {
        Role::Member => (TimeDelta::days(14), TimeDelta::days(60)),
        Role::Author | Role::Editor | Role::Admin => (TimeDelta::hours(12), TimeDelta::days(7)),
    }
}

/// When a session ends that was opened and last refreshed at these times.
pub fn end(role: Role, opened: DateTime<Utc>, refreshed: DateTime<Utc>) -> DateTime<Utc> {
    let (idle, absolute) = lifetimes(role);
    (opened + absolute).min(refreshed + idle)
}

/// A new session and its first refresh token.
pub struct Opened {
    /// Its id.
    pub id: Uuid,
    /// When it was opened, by the database's clock.
    pub at: DateTime<Utc>,
    /// Gives the next tokens.
    pub refresh_token: String,
}

/// Opens a session for a member, and records it.
pub async fn open(tx: &mut Tx, app: &App, member: &MemberRow, client: &Client) -> Result<Opened> {
    let refresh_token = secrets::random(secrets::REFRESH)?;
    let now = crate::db::now(tx).await?;
    let session = queries::NewSession {
        id: Uuid::now_v7(),
        member_id: member.id,
        device: client.device.clone(),
        network: network(app, client),
        expires_at: end(member.account.role, now, now),
    };
    let id = session.id;
    let at = queries::open(tx, session).await?;
    queries::add_token(tx, &secrets::hash(&refresh_token), id).await?;
    tx.record(Actor::member(member.id), Change::new("create", "session", id));
    Ok(Opened { id, at, refresh_token })
}

/// How a session remembers where it was opened.
pub fn network(app: &App, client: &Client) -> Vec<u8> {
    app.keys.seal(&[b"network", client.network.as_bytes()])
}

/// The answer that carries a session's tokens.
pub fn answer(app: &App, member: &MemberRow, opened: Opened) -> Result<Session> {
    let ttl: Duration = app.config.access.access_token_ttl;
    Ok(Session {
        access_token: tokens::issue(&app.keys, member.id, opened.id, opened.at, ttl.as_secs())?,
        token_type: "Bearer",
        expires_in: ttl.as_secs(),
        refresh_token: opened.refresh_token,
        member: SignedInMember {
            id: member.id,
            email: member.account.email.clone(),
            role: member.account.role,
            display_name: member.account.display_name.clone(),
        },
    })
}
