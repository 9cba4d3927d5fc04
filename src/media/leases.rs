//! Work that one process does for all of them.
//!
//! Who does it is written in the database, with a time at which it ends: the work of a process that died is taken over.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::model::Presence;
use super::queries::files;
use crate::app::App;
use crate::error::{Error, Result};

/// The right to do some work. It ends with its time, or by [`Lease::release`].
pub struct Lease {
    name: String,
}

impl Lease {
    /// Takes the work `name` for `seconds`. `None` if somebody else does it.
    pub async fn take(app: &App, name: &str, seconds: i64) -> Result<Option<Self>> {
        let lease = Self { name: name.to_owned() };
        let name = lease.name.clone();
        let is_taken = app.write(async move |tx| Ok(files::take_lease(tx, &name, seconds).await?)).await?;
        Ok(is_taken.then_some(lease))
    }

    /// Keeps the work for further `seconds`.
    pub async fn renew(&self, app: &App, seconds: i64) -> Result<()> {
        let name = self.name.clone();
        app.write(async move |tx| Ok(files::renew_lease(tx, &name, seconds).await?)).await
    }

    /// Gives the work back.
    pub async fn release(self, app: &App) {
        let released = app.write(async move |tx| Ok(files::release_lease(tx, &self.name).await?)).await;
        if let Err(error) = released {
            tracing::warn!(%error, "A lease ends by its time");
        }
    }
}

/// Work whose outcome all wait for.
pub struct SharedWork {
    /// Its name.
    pub name: String,
    /// How long a process may do it. Beyond it, another one begins too.
    pub seconds: i64,
    /// How long its outcome is waited for.
    pub wait: Duration,
    /// How often it is looked for the outcome.
    pub poll: Duration,
    /// What is logged when that is too long.
    pub busy: &'static str,
}

/// The outcome of `work`: found, or made by whoever gets the lease. Fails with 503 if others work on it for too long.
pub async fn make_once<T>(
    app: &App,
    work: SharedWork,
    find: impl AsyncFn() -> Result<Presence<T>>,
    make: impl AsyncFnOnce() -> Result<T>,
) -> Result<T> {
    let until = Instant::now() + work.wait;
    loop {
        match find().await? {
            Presence::There(outcome) => return Ok(outcome),
            Presence::Leaving => {}
            Presence::Absent => {
                if let Some(lease) = Lease::take(app, &work.name, work.seconds).await? {
                    // It may have been made since it was looked for.
                    let outcome = match find().await {
                        Ok(Presence::There(outcome)) => Ok(outcome),
                        Ok(Presence::Absent | Presence::Leaving) => make().await,
                        Err(error) => Err(error),
                    };
                    lease.release(app).await;
                    return outcome;
                }
            }
        }
        if Instant::now() >= until {
            return Err(Error::Unavailable(format!("media: {}", work.busy)));
        }
        sleep(work.poll).await;
    }
}
