//! The sweep: takes away bytes that nothing uses, a bounded number at a time, a day after they were used last.

use std::time::Duration;

use actix_web::web::Bytes;
use data_encoding::HEXLOWER;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::files::{find_digest, name, name_clean, name_master, name_original, name_variants};
use super::leases::Lease;
use super::queries::files::{self, ClaimedFile};
use super::queries::{self, uploads};
use super::resumable::writing::delete_parts;
use crate::app::App;
use crate::error::{Error, Result};
use crate::storage::{ObjectName, remove_stale_files};

/// How long bytes are kept that nothing uses.
const MIN_AGE: Duration = Duration::from_secs(24 * 3600);
/// Files that are taken away in one sweep.
const MAX_FILES: i64 = 200;
/// Objects that are looked up at a time.
const LOOKUP_OBJECTS: usize = 500;
/// How long taking away the claimed files may last. Nobody stores their bytes again for two minutes.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(60);
/// Endings that a master can have.
const MASTER_ENDINGS: [&str; 2] = ["jpg", "png"];
/// Endings of files that are served as they are, but cleaned.
const CLEAN_ENDINGS: [&str; 4] = ["gif", "png", "webp", "svg"];

/// Bytes of a mark at most.
const MAX_MARK_BYTES: usize = 100;
/// How long after a look through the whole store no other one begins, in seconds.
const LOOK_SECONDS: i64 = 23 * 3600;
/// How long one process sweeps for all, in seconds.
const SWEEP_SECONDS: i64 = 3000;

/// Whether this process is the one that sweeps now.
pub async fn take_turn(app: &App) -> Result<bool> {
    Ok(Lease::take(app, "sweep", SWEEP_SECONDS).await?.is_some())
}

/// Whether this process is the one that looks through the whole store now: once a day, whichever processes run.
pub async fn take_turn_to_look(app: &App) -> Result<bool> {
    Ok(Lease::take(app, "look through the store", LOOK_SECONDS).await?.is_some())
}

/// The name of the mark that this site leaves in its store.
fn name_mark(app: &App) -> Result<ObjectName> {
    name(format!("sites/{}", HEXLOWER.encode(&app.keys.derive(&[b"media store"])[..16])))
}

/// Leaves the mark of this site in its store.
pub async fn leave_mark(app: &App) -> Result<()> {
    app.store.put_bytes(&name_mark(app)?, Bytes::from_static(b"Inkstone")).await?;
    Ok(())
}

/// Whether the store is one that this site has used. If the site has no files yet, it begins to use this one.
pub async fn claim_store(app: &App) -> Result<bool> {
    if app.store.read(&name_mark(app)?, MAX_MARK_BYTES).await?.is_some() {
        return Ok(true);
    }
    if files::has_files(&*app.reader().await?).await? {
        return Ok(false);
    }
    leave_mark(app).await?;
    Ok(true)
}

/// Whether another site has left its mark in the store: one that shares it, or one whose database was there before. What has
/// no row here may be theirs.
async fn is_shared(app: &App) -> Result<bool> {
    let own = name_mark(app)?;
    let mut marks = app.store.list(Some(&name("sites".to_owned())?));
    while let Some(mark) = marks.next().await {
        if mark?.name != own {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes old trash, expired uploads, and the bytes that nothing uses. Its steps fail apart.
pub async fn run(app: &App) -> Vec<Result<()>> {
    let spool = super::receiving::spool_folder(app);
    vec![
        delete_trash(app).await,
        delete_uploads(app).await,
        app.write(async |tx| Ok(files::delete_ended_leases(tx).await?)).await,
        remove_unused(app, Vec::new()).await,
        remove_stale_files(&spool, MIN_AGE).await.map(drop).map_err(Error::from),
    ]
}

/// Looks through the whole store for what has no row: leftovers of processes that died. About once a day.
pub async fn look_through_store(app: &App) -> Result<()> {
    app.store.remove_stale_temporaries(MIN_AGE).await?;
    if is_shared(app).await? {
        tracing::warn!(store = ?app.store, "Another site has media in this store: what has no row here is left alone");
        return Ok(());
    }
    let young_since = files::load_young_since(&*app.reader().await?).await?;
    let mut objects = app.store.list(None);
    let (mut digests, mut parts): (Vec<Vec<u8>>, Vec<ObjectName>) = (Vec::new(), Vec::new());
    while let Some(object) = objects.next().await {
        let object = object?;
        if object.last_modified > young_since {
            continue;
        }
        match find_digest(&object.name) {
            Some(digest) if !object.name.as_str().starts_with("uploads/") => digests.push(digest),
            _ => parts.push(object.name),
        }
        if digests.len() + parts.len() >= LOOKUP_OBJECTS {
            look_up(app, std::mem::take(&mut digests), std::mem::take(&mut parts)).await?;
        }
    }
    look_up(app, digests, parts).await
}

/// Takes away those of these objects of the store that have no row.
async fn look_up(app: &App, mut digests: Vec<Vec<u8>>, parts: Vec<ObjectName>) -> Result<()> {
    digests.sort();
    digests.dedup();
    let unknown = files::find_unknown(&*app.reader().await?, digests).await?;
    if !unknown.is_empty() {
        remove_unused(app, unknown).await?;
    }
    let names: Vec<String> = parts.iter().map(|part| part.as_str().to_owned()).collect();
    let known = uploads::find_known_parts(&*app.reader().await?, names.clone()).await?;
    let unknown: Vec<String> =
        names.into_iter().filter(|part| part.starts_with("uploads/") && !known.contains(part)).collect();
    if !unknown.is_empty() {
        delete_parts(app, &unknown).await;
    }
    Ok(())
}

async fn delete_trash(app: &App) -> Result<()> {
    let days = app.config.media.trash_days;
    while days > 0 && app.write(async move |tx| Ok(queries::delete_old_trash(tx, days).await?)).await? {}
    Ok(())
}

async fn delete_uploads(app: &App) -> Result<()> {
    loop {
        let expired = app.write(async |tx| Ok(uploads::delete_expired(tx).await?)).await?;
        for parts in &expired {
            delete_parts(app, parts).await;
        }
        if expired.is_empty() {
            return Ok(());
        }
    }
}

/// Takes away the bytes of files that nothing uses, and of `found`, which have no row.
async fn remove_unused(app: &App, found: Vec<Vec<u8>>) -> Result<()> {
    let claimed = app.write(async move |tx| Ok(files::claim_unused(tx, &found, MAX_FILES).await?)).await?;
    if claimed.is_empty() {
        return Ok(());
    }
    let removing = async {
        for file in &claimed {
            remove_objects(app, file).await?;
        }
        Ok(())
    };
    timeout(REMOVAL_TIMEOUT, removing)
        .await
        .unwrap_or_else(|_| Err(Error::Unavailable("media: the sweep is left for later".to_owned())))?;
    // Those that were claimed for the first time are looked at once more: somebody may have been about to use them.
    let gone: Vec<Vec<u8>> =
        claimed.into_iter().filter(|file| file.was_claimed).map(|file| file.sha256).collect();
    if gone.is_empty() {
        return Ok(());
    }
    app.write(async move |tx| Ok(files::forget_removed(tx, &gone).await?)).await
}

async fn remove_objects(app: &App, file: &ClaimedFile) -> Result<()> {
    let mut names = vec![name_original(&file.sha256)?];
    for ending in MASTER_ENDINGS {
        names.push(name_master(&file.sha256, ending)?);
    }
    for ending in CLEAN_ENDINGS {
        names.push(name_clean(&file.sha256, ending)?);
    }
    let mut variants = app.store.list(Some(&name_variants(&file.sha256)?));
    while let Some(variant) = variants.next().await {
        names.push(name(variant?.name.as_str().to_owned())?);
    }
    app.store.delete_many(&names).await?;
    Ok(())
}
