//! The end of the change log, in memory: whoever stands there learns without a query that nothing is new.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;

use super::model::Head;
use super::queries;
use crate::app::App;
use crate::db::connection::Connection;
use crate::error::Result;
use crate::follower::Snapshot;

/// How far our reading of the database's clock may be off.
const CLOCK_MARGIN: TimeDelta = TimeDelta::milliseconds(250);
/// The age at which a position is read anew though nothing has changed. Cursors hold the time of their position, and are refused
/// when it is older than the log: on a site where nothing happens, readers have to move on too.
const MAX_POSITION_AGE: TimeDelta = TimeDelta::hours(1);

impl Snapshot for Head {
    /// What the feed tells of, and the ends of imports, after which webhooks are told of them.
    const ENTITIES: &'static [&'static str] = &["article", "notice", "category", "import"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        queries::load_head(conn).await
    }
}

impl Head {
    /// The end of the log as it is now: no older than what was committed here before, and at most a second behind
    /// other processes.
    pub async fn find(app: &App) -> Result<Self> {
        let head = app.snapshot::<Self>().await?;
        if !head.is_passed(app.now()) {
            return Ok(Self::clone(&head));
        }
        Self::find_anew(app).await
    }

    /// The end of the log as the database has it now. All who ask in this process get it from then on.
    pub async fn find_anew(app: &App) -> Result<Self> {
        app.follower.drop_snapshot::<Self>();
        Ok(Self::clone(&*app.snapshot::<Self>().await?))
    }

    /// Whether time may have changed something since, or the position is old.
    fn is_passed(&self, now: DateTime<Utc>) -> bool {
        now - self.position.at >= MAX_POSITION_AGE
            || self.next_moment.is_some_and(|moment| moment <= now + CLOCK_MARGIN)
    }
}
