//! Variants of pictures: made when they are first asked for, kept in the store.

use std::time::Duration;

use actix_web::web::Bytes;
use data_encoding::HEXLOWER;

use super::files::{name_master, name_variant};
use super::leases::{SharedWork, make_once};
use super::model::{Picture, Presence, Row};
use super::picture_work::{self, VariantFormat};
use super::presets::Crop;
use crate::app::App;
use crate::error::{Error, Result};

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
    let work = SharedWork {
        name: format!("variant {} {digest} {}", HEXLOWER.encode(&row.sha256), format.ending()),
        seconds: LEASE_SECONDS,
        wait: VARIANT_WAIT,
        poll: VARIANT_POLL,
        busy: "a variant is being made",
    };
    let find = async || {
        let stored = app.store.read(&name, MAX_VARIANT_BYTES).await?;
        Ok(stored.map_or(Presence::Absent, Presence::There))
    };
    let make = async || {
        let bytes = make_variant(app, row, picture, crop, format).await?;
        app.store.put_bytes(&name, bytes.clone()).await?;
        Ok(bytes)
    };
    make_once(app, work, find, make).await
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
