//! How a file that has arrived becomes media: it is looked at, stored, and noted.

use std::time::Duration;

use data_encoding::HEXLOWER;

use super::files::{name_clean, name_master, name_original};
use super::input::UploadParams;
use super::leases::{SharedWork, make_once};
use super::model::Row;
use super::picture_work::{FileFacts, look_at, make_picture};
use super::queries;
use super::queries::files::FileRow;
use super::receiving::Received;
use super::scanner;
use super::writing;
use crate::app::App;
use crate::db::visibility;
use crate::error::{Error, Result};
use crate::members::guard::CurrentMember;
use crate::storage::Spooled;
use crate::tx::Tx;

/// How long a process may work on a file that another one waits for. Beyond it, both do: the outcome is the same.
const LEASE_SECONDS: i64 = 30;
/// How long a file is waited for that another request, or another process, works on.
const FILE_WAIT: Duration = Duration::from_secs(60);
/// How often it is looked whether it is ready.
const FILE_POLL: Duration = Duration::from_millis(40);

/// A file that is in the store, and what is said of it.
#[derive(Clone)]
pub struct StoredFile {
    /// The file.
    pub file: FileRow,
    /// What is said of it.
    pub params: UploadParams,
}

/// Checks a file that has arrived, and stores its bytes.
///
/// The same file that others bring at the same time is worked on once, by all processes together. Fails with 415 for a
/// type that is not taken, with 413 for a file that is too large for its type, with 422 for one that is damaged or harmful.
pub async fn store(app: &App, received: Received) -> Result<StoredFile> {
    let Received { file: spooled, params } = received;
    let file = store_file(app, spooled).await?;
    Ok(StoredFile { file, params })
}

async fn store_file(app: &App, spooled: Spooled) -> Result<FileRow> {
    let sha256 = spooled.sha256().to_vec();
    let facts = look_at(app, &spooled).await?;
    if let Some(scanner) = &app.config.media.scanner {
        scanner::scan(scanner, spooled.path()).await?;
    }
    let work = SharedWork {
        name: format!("file {}", HEXLOWER.encode(&sha256)),
        seconds: LEASE_SECONDS,
        wait: FILE_WAIT,
        poll: FILE_POLL,
        busy: "the same file is being worked on",
    };
    let find = async || Ok(queries::files::find_file(&*app.reader().await?, &sha256).await?);
    make_once(app, work, find, async || make_file(app, &spooled, &sha256, &facts).await).await
}

/// Makes the master of a picture, and stores both. Nobody else does so at the same time.
async fn make_file(app: &App, spooled: &Spooled, sha256: &[u8], facts: &FileFacts) -> Result<FileRow> {
    let made = make_picture(app, spooled, facts).await?;
    let mut picture = None;
    if let Some(made) = made {
        if let (Some(ending), Some(bytes)) = (&made.picture.master, made.master) {
            app.store.put_bytes(&name_master(sha256, ending)?, bytes.into()).await?;
        }
        if let (Some(ending), Some(bytes)) = (&made.picture.served, made.served) {
            app.store.put_bytes(&name_clean(sha256, ending)?, bytes.into()).await?;
        }
        picture = Some(serde_json::to_value(made.picture).map_err(|cause| Error::Internal(cause.into()))?);
    }
    app.store.put_file(&name_original(sha256)?, spooled.path()).await?;
    let file = FileRow {
        sha256: sha256.to_vec(),
        bytes: i64::try_from(spooled.size()).unwrap_or(i64::MAX),
        mime: facts.mime().to_owned(),
        kind: facts.kind(),
        picture,
    };
    let row = file.clone();
    let is_noted = app.write(async move |tx| Ok(queries::files::use_file(tx, &row).await?)).await?;
    if is_noted {
        Ok(file)
    } else {
        Err(Error::Unavailable("media: the file is being taken away".to_owned()))
    }
}

/// Adds media over a file that is in the store. Returns also whether there were media with the same bytes before, which
/// `member` may see.
///
/// With an id that media have, these are changed instead; 409 if they have other bytes.
pub async fn add(tx: &mut Tx, member: &CurrentMember, stored: &StoredFile) -> Result<(Row, bool)> {
    let StoredFile { file, params } = stored;
    use_stored_file(tx, file).await?;
    let is_duplicate = match visible_to(member) {
        Some(visible) => queries::has_media_of(tx, &file.sha256, visible).await?,
        None => false,
    };
    let row = writing::put_media(tx, member.actor(), file, params.clone()).await?;
    Ok((row, is_duplicate))
}

/// Notes that a file in the store is used again. To be done in the transaction that adds media over it.
pub async fn use_stored_file(tx: &mut Tx, file: &FileRow) -> Result<()> {
    if !queries::files::use_file(tx, file).await? {
        return Err(Error::Contended("media: the file is being taken away".to_owned()));
    }
    Ok(())
}

/// The media that an uploader may be told of. A key that only writes is told of none.
fn visible_to(member: &CurrentMember) -> Option<visibility::Media> {
    member.may_read_back.then_some(visibility::Media::ForMembers)
}
