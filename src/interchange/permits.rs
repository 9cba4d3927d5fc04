//! Limits how many imports and exports a process runs in parallel.

use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::error::{Error, Result};

/// Returns a permit to import or export, or 503 if all are in use.
pub fn acquire_permit(app: &App) -> Result<OwnedSemaphorePermit> {
    let permit = app.transfers.clone().try_acquire_owned();
    permit.map_err(|_| Error::Unavailable("too many imports and exports in parallel".to_owned()))
}
