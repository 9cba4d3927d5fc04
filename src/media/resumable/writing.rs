//! What arrives of an upload, and what becomes of it.

use std::time::Duration;

use actix_web::web;
use diesel::OptionalExtension;
use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::checksum::Checksum;
use super::turns::UploadTurn;
use crate::app::App;
use crate::error::{Code, Error, Result, Sentence};
use crate::http::query;
use crate::http::slow_body::SlowBody;
use crate::media::files::{self, too_large};
use crate::media::input::UploadParams;
use crate::media::intake;
use crate::media::leases::{SharedWork, make_once};
use crate::media::model::Presence;
use crate::media::picture_work::check_beginning;
use crate::media::queries::uploads::{self, Outcome, UploadRow};
use crate::media::receiving::{Received, create_spool, map_read_error, max_bytes, spool_folder};
use crate::media::uploading::check_id;
use crate::members::guard::CurrentMember;
use crate::storage::{ObjectName, Spool, StoreError};

/// Bytes of an upload that are stored at a time. If the process dies, at most so many arrive again.
const PART_BYTES: u64 = 8 << 20;
/// Uploads that one member or key may have under way.
const MAX_OPEN_UPLOADS: i64 = 100;
/// Bytes of all uploads that one member or key may have under way, in the largest files.
const MAX_OPEN_FILES: i64 = 10;
/// How long the end of an upload is waited for that another request brings to its end.
const FINISH_WAIT: Duration = Duration::from_secs(30);
const FINISH_POLL: Duration = Duration::from_millis(200);
/// How long a process may bring an upload to its end.
const LEASE_SECONDS: i64 = 180;

/// Begins an upload of `bytes` bytes.
pub async fn begin(
    app: &App,
    member: &CurrentMember,
    bytes: i64,
    metadata: Map<String, Value>,
) -> Result<UploadRow> {
    let max = i64::try_from(max_bytes(app)).unwrap_or(i64::MAX);
    if bytes > max {
        return Err(too_large(max_bytes(app)));
    }
    check_id(member, &read_params(&metadata)?)?;
    let (open, open_bytes) = uploads::load_open(&*app.reader().await?, member.id).await?;
    if open >= MAX_OPEN_UPLOADS || open_bytes.saturating_add(bytes) > max.saturating_mul(MAX_OPEN_FILES) {
        let detail = Sentence::from(
            "At most {most} uploads, of {bytes} bytes in all, may be under way: end some, or wait until they expire.",
        );
        let detail = detail.with("most", MAX_OPEN_UPLOADS).with("bytes", max.saturating_mul(MAX_OPEN_FILES));
        return Err(Error::Refused(Code::TooManyUploads, detail));
    }
    let (owner, metadata) = (member.id, Value::Object(metadata));
    app.write(async move |tx| Ok(uploads::insert(tx, Uuid::now_v7(), owner, bytes, &metadata).await?)).await
}

/// What the metadata of an upload say of the file. They have the names of the parameters of an upload in one piece;
/// `filename` and `filetype`, which clients send by themselves, are known too.
pub fn read_params(metadata: &Map<String, Value>) -> Result<UploadParams> {
    let mut texts = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in metadata {
        match key.as_str() {
            "filetype" | "type" | "contentType" | "relativePath" => {}
            "filename" if !metadata.contains_key("name") => {
                texts.append_pair(
                    "name",
                    &value.as_str().unwrap_or_default().chars().take(200).collect::<String>(),
                );
            }
            "filename" => {}
            key => {
                texts.append_pair(key, value.as_str().unwrap_or_default());
            }
        }
    }
    query::read(&texts.finish())
}

/// Adds the bytes of a request to an upload. Returns how it stands then.
///
/// What has arrived before the client was lost is kept, unless it was to have a checksum.
pub async fn append(
    app: &App,
    upload: UploadRow,
    payload: web::Payload,
    checksum: Option<Checksum>,
) -> Result<UploadRow> {
    let mut turn = UploadTurn::take(app, upload.id).await?;
    let appended = append_parts(app, upload, payload, checksum, &mut turn).await;
    turn.end(app).await;
    appended
}

async fn append_parts(
    app: &App,
    mut upload: UploadRow,
    payload: web::Payload,
    mut checksum: Option<Checksum>,
    turn: &mut UploadTurn,
) -> Result<UploadRow> {
    let mut body = SlowBody::new(payload);
    let has_checksum = checksum.is_some();
    let mut part = create_part(app, &upload).await?;
    let lost = loop {
        let chunk = match body.next().await {
            None => break None,
            Some(Err(cause)) => break Some(map_read_error(cause)),
            Some(Ok(chunk)) => chunk,
        };
        if let Some(checksum) = &mut checksum {
            checksum.update(&chunk);
        }
        part.write(&chunk).await.map_err(|cause| match cause {
            StoreError::TooLarge { .. } => exceeds_length(&upload),
            cause => cause.into(),
        })?;
        turn.renew(app).await?;
        if part.size() >= PART_BYTES && !has_checksum {
            upload = add_part(app, upload, part).await?;
            part = create_part(app, &upload).await?;
        }
    };
    match (lost, checksum.map(Checksum::is_met)) {
        (Some(cause), Some(_)) => Err(cause),
        (None, Some(false)) => {
            let detail = "The bytes do not have the checksum that was sent with them; they were not added.";
            Err(Error::Refused(Code::ChecksumMismatch, detail.into()))
        }
        (lost, _) => {
            let upload = if part.size() > 0 { add_part(app, upload, part).await? } else { upload };
            lost.map_or(Ok(upload), Err)
        }
    }
}

async fn create_part(app: &App, upload: &UploadRow) -> Result<Spool> {
    Ok(Spool::create(&spool_folder(app), upload_space(upload)).await?)
}

/// The bytes that an upload still lacks.
fn upload_space(upload: &UploadRow) -> u64 {
    u64::try_from(upload.bytes - upload.received).unwrap_or_default()
}

fn exceeds_length(upload: &UploadRow) -> Error {
    let sentence = Sentence::from("The upload was announced with {bytes} bytes, and more came.");
    Error::Refused(Code::PayloadTooLarge, sentence.with("bytes", upload.bytes))
}

/// Stores a part, and notes it. 409 if another request has added one meanwhile.
async fn add_part(app: &App, upload: UploadRow, part: Spool) -> Result<UploadRow> {
    let part = part.finish().await?;
    if upload.received == 0
        && let Err(refusal) = check_beginning(app, &part).await
    {
        // What cannot become media need not arrive.
        note_refusal(app, upload.id, &refusal).await?;
        return Err(refusal);
    }
    let bytes = i64::try_from(part.size()).unwrap_or(i64::MAX);
    let name = format!("uploads/{}/{:016}-{}", upload.id, upload.received, Uuid::new_v4().simple());
    let object = files::name(name.clone())?;
    app.store.put_spooled(&object, part).await?;
    let (id, received) = (upload.id, upload.received);
    let is_added =
        app.write(async move |tx| Ok(uploads::add_part(tx, id, received, &name, bytes).await?)).await;
    match is_added {
        Ok(true) => {
            let mut parts = upload.parts.clone();
            parts.push(object.as_str().to_owned());
            Ok(UploadRow { received: received + bytes, parts, ..upload })
        }
        Ok(false) => {
            delete_parts(app, &[object.as_str().to_owned()]).await;
            let detail = "Another request has added to this upload; ask for its offset again.";
            Err(Error::Refused(Code::OffsetMismatch, detail.into()))
        }
        // It may have been noted: the sweep finds out.
        Err(error) => Err(error),
    }
}

/// Takes away parts that nothing needs any more. What stays is swept later.
pub async fn delete_parts(app: &App, parts: &[String]) {
    let names: Vec<ObjectName> = parts.iter().filter_map(|name| ObjectName::new(name.clone()).ok()).collect();
    if let Err(error) = app.store.delete_many(&names).await {
        tracing::warn!(%error, "Parts of an upload are left for the sweep");
    }
}

/// Brings an upload to its end if all of it has arrived: the parts become a file, and media. Does nothing to one that has
/// ended. Returns the upload as it is then.
pub async fn finish(app: &App, member: &CurrentMember, upload: UploadRow) -> Result<UploadRow> {
    let has_ended = |upload: &UploadRow| upload.media_id.is_some() || upload.refusal.is_some();
    if has_ended(&upload) || upload.received < upload.bytes {
        return Ok(upload);
    }
    let work = SharedWork {
        name: format!("upload {}", upload.id),
        seconds: LEASE_SECONDS,
        wait: FINISH_WAIT,
        poll: FINISH_POLL,
        busy: "the upload is still being worked on",
    };
    let load = async || -> Result<UploadRow> {
        let found = uploads::find(&*app.reader().await?, upload.id, upload.owner_id).await.optional()?;
        found.ok_or_else(Error::not_found)
    };
    let find = async || {
        let found = load().await?;
        Ok(if has_ended(&found) { Presence::There(found) } else { Presence::Absent })
    };
    let make = async || {
        join_parts(app, member, &upload).await?;
        load().await
    };
    make_once(app, work, find, make).await
}

/// Makes media of the parts of an upload, or notes why they are refused.
async fn join_parts(app: &App, member: &CurrentMember, upload: &UploadRow) -> Result<()> {
    let params = match &upload.metadata {
        Value::Object(metadata) => read_params(metadata)?,
        _ => UploadParams::default(),
    };
    let mut spool = create_spool(app).await?;
    for part in &upload.parts {
        let object = app.store.open_object(&files::name(part.clone())?, None).await?;
        let mut object = object.ok_or_else(|| Error::Unavailable("media: a part is missing".to_owned()))?;
        while let Some(chunk) = object.next().await {
            spool.write(&chunk?).await?;
        }
    }
    let received = Received { file: spool.finish().await?, params };
    let (member, id) = (*member, upload.id);
    let parts = match intake::store(app, received).await {
        Ok(stored) => {
            app.write(async move |tx| {
                let (row, duplicate) = intake::add(tx, &member, &stored).await?;
                let outcome = Outcome { media_id: Some(row.id), duplicate, refusal: None };
                let parts = uploads::finish(tx, id, outcome).await?;
                // Somebody else has brought it to its end: these media are not needed.
                parts.ok_or_else(|| Error::Contended("media: the upload has ended".to_owned()))
            })
            .await?
        }
        Err(refusal @ (Error::Refused(..) | Error::Faults(..))) => {
            note_refusal(app, id, &refusal).await?;
            return Err(refusal);
        }
        Err(failure) => return Err(failure),
    };
    delete_parts(app, &parts).await;
    Ok(())
}

/// Ends an upload that cannot become media.
async fn note_refusal(app: &App, id: Uuid, refusal: &Error) -> Result<()> {
    let told = json!({
        "code": refusal.code().as_str(),
        "detail": refusal.detail().unwrap_or_default(),
    });
    let refused = Outcome { refusal: Some(told), ..Outcome::default() };
    let ended = app.write(async move |tx| Ok(uploads::finish(tx, id, refused.clone()).await?)).await?;
    delete_parts(app, &ended.unwrap_or_default()).await;
    Ok(())
}

/// What is told of an upload that was refused: what was told at first.
pub fn tell_refusal(refusal: &Value) -> Error {
    let code = Code::ALL.iter().find(|code| refusal["code"] == code.as_str());
    let detail = refusal["detail"].as_str().unwrap_or_default();
    let sentence = Sentence::from("The file was refused: {reason}").with("reason", detail);
    Error::Refused(code.copied().unwrap_or(Code::RefusedFile), sentence)
}
