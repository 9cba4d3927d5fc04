//! Where commands keep media: in a running server, or in the database and the store themselves.

use std::path::Path;
use std::rc::Rc;

use actix_web::web;
use anyhow::Context;
use data_encoding::HEXLOWER;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::remote::{Server, send_request};
use super::to_anyhow;
use crate::app::App;
use crate::changes::model::Actor;
use crate::db::rows::PageSlice;
use crate::db::types::Audience;
use crate::db::visibility::Media;
use crate::media::input::UploadParams;
use crate::media::model::Row;
use crate::media::queries::{self, Filter};
use crate::media::receiving::{Received, create_spool};
use crate::media::{files, intake, sweep, writing};
use crate::outbound::error::FetchError;

/// Media that are read at a time.
const PAGE_ROWS: i64 = 100;

/// Where media are kept.
#[derive(Clone)]
pub enum MediaTarget {
    /// A running server.
    Server(Rc<Server>),
    /// The database and the store.
    Database(web::Data<App>),
}

/// Media in an export: all that is said of them, and the name of the file with their bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MediaLine {
    /// The id.
    pub id: Uuid,
    /// The name of the file in the folder.
    pub file: String,
    /// The digest of the bytes, in hexadecimal.
    pub sha256: String,
    /// The name that the file was uploaded with.
    pub name: String,
    /// What a picture shows.
    #[serde(default)]
    pub alt: String,
    /// The text below it.
    #[serde(default)]
    pub caption: String,
    /// Whose work it is.
    #[serde(default)]
    pub credit: String,
    /// The address it was taken from.
    #[serde(default)]
    pub source_url: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where it is cropped about.
    pub focal_point: Value,
    /// Whom it is for.
    pub audience: Audience,
}

impl MediaLine {
    /// What is said of the file when it is uploaded.
    pub fn to_params(&self) -> UploadParams {
        UploadParams {
            id: Some(self.id),
            name: Some(self.name.clone()),
            alt: Some(self.alt.clone()),
            caption: Some(self.caption.clone()),
            credit: Some(self.credit.clone()),
            source_url: self.source_url.clone(),
            tags: Some(self.tags.clone()).filter(|tags| !tags.is_empty()),
            audience: Some(self.audience),
        }
    }

    fn of_row(row: Row) -> Self {
        let (x, y) = row.content.focal().to_parts();
        Self {
            id: row.id,
            file: format!("{}.{}", row.id, files::find_ending(&row.mime)),
            sha256: HEXLOWER.encode(&row.sha256),
            name: row.content.name,
            alt: row.content.alt,
            caption: row.content.caption,
            credit: row.content.credit,
            source_url: row.content.source_url,
            tags: row.content.tags,
            focal_point: json!({"x": x, "y": y}),
            audience: row.content.audience,
        }
    }

    /// The line of media as the API answers them.
    fn of_answer(media: &Value) -> anyhow::Result<Self> {
        let mut line = media.clone();
        let mime = media["mime"].as_str().unwrap_or_default();
        let id = media["id"].as_str().unwrap_or_default();
        line["file"] = format!("{id}.{}", files::find_ending(mime)).into();
        serde_json::from_value(line).context("the server's media")
    }
}

/// The parameters of an upload, as a query.
fn write_query(params: &UploadParams) -> Vec<(&'static str, String)> {
    let tags = params.tags.as_ref().map(|tags| tags.join(","));
    let pairs = [
        ("id", params.id.map(|id| id.to_string())),
        ("name", params.name.clone()),
        ("alt", params.alt.clone()),
        ("caption", params.caption.clone()),
        ("credit", params.credit.clone()),
        ("source_url", params.source_url.clone()),
        ("tags", tags.filter(|tags| !tags.is_empty())),
        ("audience", params.audience.map(|audience| audience.as_str().to_owned())),
    ];
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .collect()
}

impl MediaTarget {
    /// Fails if the store is another one than that of the site: it would get files that no reader finds.
    pub async fn check_store(&self) -> anyhow::Result<()> {
        let Self::Database(app) = self else { return Ok(()) };
        let is_own = sweep::claim_store(app).await.map_err(to_anyhow)?;
        anyhow::ensure!(
            is_own,
            "this site has not kept media in {:?}: name its store as for the server (INKSTONE_MEDIA_URL, \
             --data-dir), or work through the server (--url)",
            app.store
        );
        Ok(())
    }

    /// The media that were taken from an address, or that have these bytes. `None` if there are none.
    pub async fn find(&self, source_url: Option<&str>, sha256: Option<&str>) -> anyhow::Result<Option<Uuid>> {
        match self {
            Self::Server(server) => {
                let mut query = vec![("page_size", "1".to_owned())];
                query.extend(source_url.map(|address| ("source_url", address.to_owned())));
                query.extend(sha256.map(|digest| ("sha256", digest.to_owned())));
                let answer = send_request(server.get("media", &query)?).await?;
                let list: Value = serde_json::from_slice(&answer.bytes().await?)?;
                let id = list["data"][0]["id"].as_str();
                Ok(id.map(Uuid::try_parse).transpose()?)
            }
            Self::Database(app) => {
                let filter = Filter {
                    source_url: source_url.map(str::to_owned),
                    sha256: sha256.map(str::to_owned),
                    ..Filter::default()
                };
                let conditions = queries::conditions(filter, Media::ForMembers);
                let conn = app.long_reader().await.map_err(to_anyhow)?;
                let rows = queries::list(&conn, conditions, &PageSlice::first(queries::order(), 1)).await?;
                Ok(rows.first().map(|row| row.id))
            }
        }
    }

    /// Uploads a file. Returns the id that it has.
    pub async fn upload(&self, file: &Path, params: UploadParams) -> anyhow::Result<Uuid> {
        match self {
            Self::Server(server) => {
                let opened = tokio::fs::File::open(file).await?;
                let length = opened.metadata().await?.len();
                let body = reqwest::Body::wrap_stream(read_chunks(opened));
                let request = server.post("media", &write_query(&params))?;
                let request = request.header("content-type", "application/octet-stream");
                let request = request.header("content-length", length).body(body);
                let answer: Value = serde_json::from_slice(&send_request(request).await?.bytes().await?)?;
                let id = answer["data"]["id"].as_str().context("the server's answer names no media")?;
                Ok(Uuid::try_parse(id)?)
            }
            Self::Database(app) => {
                let mut spool = create_spool(app).await.map_err(to_anyhow)?;
                let mut chunks = std::pin::pin!(read_chunks(tokio::fs::File::open(file).await?));
                while let Some(chunk) = chunks.next().await {
                    spool.write(&chunk?).await?;
                }
                let received = Received { file: spool.finish().await?, params };
                let stored = intake::store(app, received).await.map_err(to_anyhow)?;
                let added = app.write(async move |tx| {
                    intake::use_stored_file(tx, &stored.file).await?;
                    writing::put_media(tx, Actor::SYSTEM, &stored.file, stored.params.clone()).await
                });
                Ok(added.await.map_err(to_anyhow)?.id)
            }
        }
    }

    /// Gives media their focal point.
    pub async fn set_focal_point(&self, id: Uuid, point: &Value) -> anyhow::Result<()> {
        match self {
            Self::Server(server) => {
                let request = server.patch(&format!("media/{id}"))?;
                let body = json!({"focal_point": point}).to_string();
                send_request(request.header("content-type", "application/json").body(body)).await?;
            }
            Self::Database(app) => {
                let patch = serde_json::from_value(json!({"focal_point": point}))?;
                let changed = app.write(async move |tx| {
                    let row = queries::lock(tx, id, Media::ForMembers, false).await?;
                    let patch: crate::media::input::MediaPatch = Clone::clone(&patch);
                    let after = patch.apply(row.content.clone());
                    writing::change_media(tx, Actor::SYSTEM, row, &after).await
                });
                changed.await.map_err(to_anyhow)?;
            }
        }
        Ok(())
    }

    /// The next media after those that `position` tells of, and where to go on. `None` at the end.
    pub async fn list_page(
        &self,
        position: Option<String>,
    ) -> anyhow::Result<(Vec<MediaLine>, Option<String>)> {
        match self {
            Self::Server(server) => {
                let mut query = vec![("page_size", PAGE_ROWS.to_string())];
                query.extend(position.map(|cursor| ("cursor", cursor)));
                let answer = send_request(server.get("media", &query)?).await?;
                let list: Value = serde_json::from_slice(&answer.bytes().await?)?;
                let lines = list["data"].as_array().into_iter().flatten().map(MediaLine::of_answer);
                let next = list["page"]["next_cursor"].as_str().map(str::to_owned);
                Ok((lines.collect::<anyhow::Result<_>>()?, next))
            }
            Self::Database(app) => {
                let conditions = queries::conditions(Filter::default(), Media::ForMembers);
                let mut slice = PageSlice::first(queries::order(), PAGE_ROWS);
                slice.keys = position.map(|keys| keys.split(' ').map(str::to_owned).collect());
                let conn = app.long_reader().await.map_err(to_anyhow)?;
                let rows = queries::list(&conn, conditions, &slice).await?;
                let is_last = rows.len() < PAGE_ROWS as usize;
                let next = rows.last().filter(|_| !is_last);
                let next = next.map(|row| format!("{} {}", row.created_at.to_rfc3339(), row.id));
                Ok((rows.into_iter().map(MediaLine::of_row).collect(), next))
            }
        }
    }

    /// Writes the bytes of media to a file, which is there only when it is complete.
    pub async fn download(&self, line: &MediaLine, path: &Path) -> anyhow::Result<()> {
        let partial = path.with_extension("partial");
        let mut out = tokio::fs::File::create(&partial).await?;
        match self {
            Self::Server(server) => {
                let request = server.get(&format!("media/{}/original", line.id), &[])?;
                let mut chunks = send_request(request).await?.bytes_stream();
                while let Some(chunk) = chunks.next().await {
                    out.write_all(&chunk?).await?;
                }
            }
            Self::Database(app) => {
                let digest = HEXLOWER.decode(line.sha256.as_bytes()).ok().filter(|digest| digest.len() == 32);
                let digest = digest.with_context(|| format!("{} is no SHA-256 digest", line.sha256))?;
                let name = files::name_original(&digest).map_err(to_anyhow)?;
                let object = app.store.open_object(&name, None).await?;
                let mut object = object.with_context(|| format!("the bytes of {} are missing", line.id))?;
                while let Some(chunk) = object.next().await {
                    out.write_all(&chunk?).await?;
                }
            }
        }
        out.sync_all().await?;
        drop(out);
        tokio::fs::rename(&partial, path).await.with_context(|| format!("writing {}", path.display()))
    }
}

/// The bytes of a file, a chunk at a time.
fn read_chunks(
    file: tokio::fs::File,
) -> impl futures_util::Stream<Item = std::io::Result<web::Bytes>> + Send {
    use tokio::io::AsyncReadExt;
    const CHUNK_BYTES: usize = 64 << 10;
    futures_util::stream::unfold(file, |mut file| async move {
        let mut chunk = vec![0; CHUNK_BYTES];
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(length) => {
                chunk.truncate(length);
                Some((Ok(web::Bytes::from(chunk)), file))
            }
            Err(cause) => Some((Err(cause), file)),
        }
    })
}

/// A failure for a person. That of a download says all in its own sentence.
pub fn describe(cause: &anyhow::Error) -> String {
    if cause.is::<FetchError>() { cause.to_string() } else { format!("{cause:#}") }
}
