//! `inkstone media import`, and the media of `inkstone export` and `inkstone import`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::media_target::{MediaLine, MediaTarget, describe};
use crate::media::input::UploadParams;

/// Files that are uploaded at a time.
const PARALLEL_UPLOADS: usize = 4;
/// Bytes that are hashed at a time.
const HASH_CHUNK_BYTES: usize = 256 << 10;
/// The file with what is said of exported media.
const LIST_FILE: &str = "media.ndjson";

/// Uploads all files of a folder and its subfolders that are not there yet. Prints a line for each file with its id. Returns
/// what became of them. Fails if some could not be uploaded.
pub async fn import_folder(target: &MediaTarget, folder: &Path) -> anyhow::Result<String> {
    target.check_store().await?;
    let files = list_files(folder)?;
    let (mut added, mut known, mut failed) = (0, 0, Vec::new());
    let known_files = KnownFiles::default();
    let uploads = stream::iter(files).map(async |file| {
        let done = import_file(target, &known_files, &file).await;
        (file, done)
    });
    let mut uploads = std::pin::pin!(uploads.buffer_unordered(PARALLEL_UPLOADS));
    while let Some((file, done)) = uploads.next().await {
        match done {
            Ok((id, is_new)) => {
                if is_new {
                    added += 1
                } else {
                    known += 1
                }
                writeln!(std::io::stdout().lock(), "{id} {}", file.display())?;
            }
            Err(cause) => failed.push(format!("{}: {}", file.display(), describe(&cause))),
        }
    }
    conclude(format!("{added} files added, {known} were there already"), failed)
}

fn conclude(text: String, failed: Vec<String>) -> anyhow::Result<String> {
    if failed.is_empty() {
        return Ok(text);
    }
    bail!("{text}, {} failed:\n  {}", failed.len(), failed.join("\n  "))
}

/// The media of files by their digests. Of equal files that come together, one is uploaded, and the others wait for it.
type KnownFiles = RefCell<HashMap<String, Rc<OnceCell<Uuid>>>>;

/// Uploads a file, unless its bytes are there. Returns its id, and whether it is new.
async fn import_file(target: &MediaTarget, known: &KnownFiles, file: &Path) -> anyhow::Result<(Uuid, bool)> {
    let digest = hash_file(file.to_owned()).await?;
    let cell = known.borrow_mut().entry(digest.clone()).or_default().clone();
    let mut is_new = false;
    let upload = async || {
        if let Some(id) = target.find(None, Some(&digest)).await? {
            return Ok(id);
        }
        is_new = true;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        let params = UploadParams { name, ..UploadParams::default() };
        target.upload(file, params).await
    };
    let id = *cell.get_or_try_init(upload).await?;
    Ok((id, is_new))
}

async fn hash_file(file: PathBuf) -> anyhow::Result<String> {
    let hashing = tokio::task::spawn_blocking(move || {
        let (mut digest, mut file) = (Sha256::new(), File::open(&file)?);
        let mut chunk = vec![0; HASH_CHUNK_BYTES];
        loop {
            match file.read(&mut chunk)? {
                0 => return std::io::Result::Ok(HEXLOWER.encode(&digest.finalize())),
                length => digest.update(&chunk[..length]),
            }
        }
    });
    Ok(hashing.await??)
}

/// The files below a folder, in the order of their paths. Hidden ones are left out.
fn list_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            // A link to a folder could lead back here.
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.path().is_file() {
                files.insert(entry.path());
            }
        }
    }
    Ok(files.into_iter().collect())
}

/// Writes all media to a folder: a file each, and what is said of them as lines of JSON. Files that are there already with
/// the right length stay.
pub async fn export_media(target: &MediaTarget, folder: &Path) -> anyhow::Result<()> {
    target.check_store().await?;
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut list = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
    // In the order of their ids: the export of what was imported from this one is the same.
    let mut exported: BTreeMap<Uuid, String> = BTreeMap::new();
    let mut position = None;
    loop {
        let (lines, next) = target.list_page(position).await?;
        for line in &lines {
            let path = folder.join(&line.file);
            let is_there = path.is_file() && hash_file(path.clone()).await? == line.sha256;
            if !is_there {
                target.download(line, &path).await.with_context(|| format!("writing {}", path.display()))?;
            }
            exported.insert(line.id, serde_json::to_string(line)?);
        }
        if next.is_none() {
            break;
        }
        position = next;
    }
    for line in exported.values() {
        writeln!(list, "{line}")?;
    }
    let list = list.into_inner().map_err(|cause| anyhow::anyhow!("{cause}"))?;
    list.persist(folder.join(LIST_FILE)).map_err(|cause| anyhow::anyhow!("writing {LIST_FILE}: {cause}"))?;
    Ok(())
}

/// Uploads the media of an exported folder under the ids that they had. Those that are there stay as they are. Returns what
/// became of them. Fails if some could not be uploaded.
pub async fn import_media(target: &MediaTarget, folder: &Path) -> anyhow::Result<String> {
    target.check_store().await?;
    let path = folder.join(LIST_FILE);
    let list = BufReader::new(File::open(&path).with_context(|| format!("opening {}", path.display()))?);
    let (mut stored, mut failed) = (0, Vec::new());
    for (at, line) in list.lines().enumerate() {
        let line: MediaLine =
            serde_json::from_str(&line?).with_context(|| format!("line {} of {}", at + 1, path.display()))?;
        // The list comes from elsewhere: a name that leads out of the folder is none.
        let is_plain = Path::new(&line.file).file_name() == Some(line.file.as_ref());
        let uploaded = async {
            anyhow::ensure!(is_plain, "{} is no name of a file", line.file);
            target.upload(&folder.join(&line.file), line.to_params()).await?;
            target.set_focal_point(line.id, &line.focal_point).await
        };
        match uploaded.await {
            Ok(()) => stored += 1,
            Err(cause) => failed.push(format!("{}: {}", line.file, describe(&cause))),
        }
    }
    conclude(format!("{stored} media stored"), failed)
}
