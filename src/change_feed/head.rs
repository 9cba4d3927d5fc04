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
        app.follower.drop_snapshot::<Self>();
        Ok(Self::clone(&*app.snapshot::<Self>().await?))
    }

    /// Whether time may have changed something since.
    fn is_passed(&self, now: DateTime<Utc>) -> bool {
        self.next_moment.is_some_and(|moment| moment <= now + CLOCK_MARGIN)
    }
}
