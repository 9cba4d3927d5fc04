//! Variants of pictures: made when they are first asked for, kept in the store.

use std::time::Duration;

use actix_web::web::Bytes;
use tokio::time::{Instant, sleep};

use super::files::{name_master, name_variant};
use super::model::{Picture, Row};
use super::picture_work::{self, VariantFormat};
use super::presets::{Crop, write_hex};
use super::queries;
use crate::app::App;
use crate::error::{Error, Result};
use crate::tx::Tx;

/// How long a process may make a variant that another one waits for.
const LEASE_SECONDS: i64 = 30;
/// How long a variant is waited for.
const VARIANT_WAIT: Duration = Duration::from_secs(10);
/// How often it is looked whether it is there.
const VARIANT_POLL: Duration = Duration::from_millis(25);
/// The largest variant that is read.
const MAX_VARIANT_BYTES: usize = 64 << 20;
/// The largest master that is read.
const MAX_MASTER_BYTES: usize = 128 << 20;

/// The bytes of a variant: from the store, or made now. It is made once, by all processes together.
///
/// Fails with 503 if too many pictures are worked on, with 404 if the picture has no variants.
pub async fn load_variant(
    app: &App,
    row: &Row,
    picture: &Picture,
    crop: Crop,
    format: VariantFormat,
) -> Result<Bytes> {
    let digest = crop.digest(&row.sha256);
    let name = name_variant(&row.sha256, &digest, format.ending())?;
    let lease = format!("variant {} {digest} {}", write_hex(&row.sha256), format.ending());
    let until = Instant::now() + VARIANT_WAIT;
    loop {
        if let Some(bytes) = app.store.read(&name, MAX_VARIANT_BYTES).await? {
            return Ok(bytes);
        }
        let taken = lease.clone();
        let take = async move |tx: &mut Tx| Ok(queries::files::take_lease(tx, &taken, LEASE_SECONDS).await?);
        if app.write(take).await? {
            // It may have been made since it was looked for.
            let made = match app.store.read(&name, MAX_VARIANT_BYTES).await? {
                Some(bytes) => Ok(bytes),
                None => make_variant(app, row, picture, crop, format).await,
            };
            if let Ok(bytes) = &made {
                app.store.put_bytes(&name, bytes.clone()).await?;
            }
            let release = async move |tx: &mut Tx| Ok(queries::files::release_lease(tx, &lease).await?);
            if let Err(error) = app.write(release).await {
                tracing::warn!(%error, "A lease ends by its time");
            }
            return made;
        }
        if Instant::now() >= until {
            return Err(Error::Unavailable("media: a variant is being made".to_owned()));
        }
        sleep(VARIANT_POLL).await;
    }
}

async fn make_variant(
    app: &App,
    row: &Row,
    picture: &Picture,
    crop: Crop,
    format: VariantFormat,
) -> Result<Bytes> {
    let ending = picture.master.as_deref().ok_or_else(Error::not_found)?;
    let master = app.store.read(&name_master(&row.sha256, ending)?, MAX_MASTER_BYTES).await?;
    let master = master.ok_or_else(|| Error::Unavailable("media: a master is missing".to_owned()))?;
    let made = picture_work::make_variant(app, master, row, crop, format).await?;
    app.metrics.variants_made.inc();
    Ok(made.into())
}
