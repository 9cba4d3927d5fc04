//! Sessions that were found valid a moment ago.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::QueryResult;
use lru::LruCache;
use uuid::Uuid;

use super::queries;
use crate::app::App;
use crate::db::connection::Connection;
use crate::error::Result;
use crate::follower::Snapshot;
use crate::operations::Role;

/// How long a session counts as valid after it was looked up: no longer than other processes take to notice its end.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Sessions that are remembered.
const MAX_SESSIONS: usize = 10_000;

/// The roles of sessions, as of the time at which they were looked up. Any change of a session or of a member empties it.
struct KnownSessions(Mutex<LruCache<(Uuid, Uuid), (Role, Instant)>>);

impl Snapshot for KnownSessions {
    const ENTITIES: &'static [&'static str] = &["session", "member"];

    async fn load(_: &Connection) -> QueryResult<Self> {
        Ok(Self(Mutex::new(LruCache::unbounded())))
    }
}

/// The role of a member in a session; `None` if the session or the membership has ended. It may be a second old, but no
/// older than the last change that was acknowledged here.
pub async fn load_role(app: &App, member: Uuid, session: Uuid) -> Result<Option<Role>> {
    if !app.follower.is_current() {
        return Ok(queries::load_role(&*app.reader().await?, member, session).await?);
    }
    // Before the database is asked: what is remembered there after a change is not seen any more.
    let known = app.snapshot::<KnownSessions>().await?;
    let remembered = known.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(member, session)).copied();
    if let Some((role, at)) = remembered
        && at.elapsed() < MAX_AGE
    {
        return Ok(Some(role));
    }
    let asked_at = Instant::now();
    let role = queries::load_role(&*app.reader().await?, member, session).await?;
    if let Some(role) = role {
        let mut known = known.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put((member, session), (role, asked_at));
        if known.len() > MAX_SESSIONS {
            known.pop_lru();
        }
    }
    Ok(role)
}
