//! One request at a time adds to an upload, whichever process it has come to.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Code, Error, Result};
use crate::media::leases::Lease;
use crate::media::queries::files;

/// How long a turn lasts that is not renewed: if its process dies, the upload waits so long.
const TURN_SECONDS: i64 = 30;
/// How often a turn is renewed while bytes arrive.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(10);
/// How long the end of another request is waited for: the connection of a client that has come back is about to end.
const TURN_WAIT: Duration = Duration::from_secs(5);
const TURN_POLL: Duration = Duration::from_millis(40);

/// The turn of a request to add to an upload. To be ended by [`UploadTurn::end`].
pub struct UploadTurn {
    lease: Lease,
    renewed_at: Instant,
}

fn name_turn(id: Uuid) -> String {
    format!("upload {id} arriving")
}

/// Waits until no request adds to the upload, so that its offset is the true one; not for long.
pub async fn wait_until_free(app: &App, id: Uuid) -> Result<()> {
    let until = Instant::now() + TURN_WAIT;
    while !files::is_free(&*app.reader().await?, &name_turn(id)).await? && Instant::now() < until {
        sleep(TURN_POLL).await;
    }
    Ok(())
}

impl UploadTurn {
    /// Takes the turn. 409 if another request goes on adding.
    pub async fn take(app: &App, id: Uuid) -> Result<Self> {
        let (name, until) = (name_turn(id), Instant::now() + TURN_WAIT);
        loop {
            if let Some(lease) = Lease::take(app, &name, TURN_SECONDS).await? {
                return Ok(Self { lease, renewed_at: Instant::now() });
            }
            if Instant::now() >= until {
                let detail = "Another request adds to this upload; ask for its offset again.";
                return Err(Error::Refused(Code::OffsetMismatch, detail.into()));
            }
            sleep(TURN_POLL).await;
        }
    }

    /// Keeps the turn while bytes arrive.
    pub async fn renew(&mut self, app: &App) -> Result<()> {
        if self.renewed_at.elapsed() < RENEWAL_INTERVAL {
            return Ok(());
        }
        self.lease.renew(app, TURN_SECONDS).await?;
        self.renewed_at = Instant::now();
        Ok(())
    }

    /// Ends the turn.
    pub async fn end(self, app: &App) {
        self.lease.release(app).await;
    }
}
