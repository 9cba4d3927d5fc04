//! The pictures of imported rows: fetched from where they are, kept as media, and named by the rows in their place.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt;
use serde::Serialize;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use url::Url;
use uuid::Uuid;

use super::media_target::{MediaTarget, describe};
use crate::config::charsets::EncodingErrors;
use crate::db::types::BodyFormat;
use crate::imports::rows::{self, Format, RawRow, RawText, RowValue};
use crate::interchange::channel_reader::ChannelReader;
use crate::interchange::decode::{Compression, decode_body};
use crate::markup::addresses::{read_attributes, rewrite_start_tags, write_start_tag};
use crate::markup::images::find_images;
use crate::media::input::{UploadParams, name_in_url};
use crate::outbound::client::{ClientSettings, OutboundClient};
use crate::outbound::download::DownloadLimits;
use crate::outbound::error::FetchError;
use crate::outbound::polite::{PoliteFetcher, PoliteSettings};

/// Rows whose pictures are fetched at a time.
const WINDOW_ROWS: usize = 64;
/// Pieces of rows that wait to be sent.
const MAX_QUEUED_PIECES: usize = 16;
/// The largest picture that is fetched.
const MAX_IMAGE_BYTES: u64 = 50_000_000;
/// How long one download may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(120);
/// Bytes a second that a server must send on average.
const MIN_RATE: u64 = 2 << 10;
/// The least time between two requests to a host.
const HOST_INTERVAL: Duration = Duration::from_millis(100);

/// What became of the pictures of an import.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FetchCounts {
    /// Pictures that were fetched and stored.
    pub fetched: u64,
    /// Pictures that an earlier import has fetched.
    pub known: u64,
    /// Why others could not be fetched, by their addresses. The rows keep these addresses.
    pub failed: BTreeMap<String, String>,
}

/// The counts, which the thread that reads the rows and the one that fetches share.
pub type SharedCounts = Arc<Mutex<FetchCounts>>;

/// A picture that is wanted, and who waits for it.
struct FetchJob {
    address: String,
    reply: std::sync::mpsc::Sender<(String, Option<Uuid>)>,
}

/// Returns what the import is to read in the place of `source`, which are lines of JSON: the same lines, in which pictures are
/// named by the media that they have become. Fetching goes on beside the import, on this thread.
pub fn fetch_media(
    source: Box<dyn Read + Send>,
    compression: Compression,
    target: MediaTarget,
    allowed_networks: Vec<ipnet::IpNet>,
) -> anyhow::Result<(Box<dyn Read + Send>, SharedCounts)> {
    let counts = SharedCounts::default();
    let (jobs, waiting) = unbounded_channel();
    let settings = ClientSettings {
        allowed_networks,
        ..ClientSettings::new(concat!("Inkstone/", env!("CARGO_PKG_VERSION"), " (import)"))
    };
    let fetcher = Fetcher {
        client: OutboundClient::new(settings)?,
        polite: PoliteFetcher::new(PoliteSettings {
            min_interval: HOST_INTERVAL,
            ..PoliteSettings::default()
        }),
        target,
        counts: counts.clone(),
    };
    rt::spawn(serve_jobs(Rc::new(fetcher), waiting));
    let (pieces, rows) = sync_channel(MAX_QUEUED_PIECES);
    std::thread::spawn(move || rewrite_rows(source, compression, &jobs, &pieces));
    Ok((Box::new(ChannelReader::new(rows)), counts))
}

/// Fetches pictures, each once.
struct Fetcher {
    client: OutboundClient,
    polite: PoliteFetcher,
    target: MediaTarget,
    counts: SharedCounts,
}

/// Those who wait for a picture, or what has become of it.
enum Fetched {
    Waiting(Vec<std::sync::mpsc::Sender<(String, Option<Uuid>)>>),
    Done(Option<Uuid>),
}

async fn serve_jobs(fetcher: Rc<Fetcher>, mut jobs: UnboundedReceiver<FetchJob>) {
    let known: Rc<RefCell<HashMap<String, Fetched>>> = Rc::default();
    while let Some(FetchJob { address, reply }) = jobs.recv().await {
        match known.borrow_mut().get_mut(&address) {
            Some(Fetched::Done(id)) => {
                let _ = reply.send((address, *id));
                continue;
            }
            Some(Fetched::Waiting(others)) => {
                others.push(reply);
                continue;
            }
            None => {}
        }
        known.borrow_mut().insert(address.clone(), Fetched::Waiting(vec![reply]));
        let (fetcher, known) = (fetcher.clone(), known.clone());
        rt::spawn(async move {
            let id = fetcher.get(&address).await;
            let before = known.borrow_mut().insert(address.clone(), Fetched::Done(id));
            if let Some(Fetched::Waiting(waiting)) = before {
                // Whoever waits no longer has stopped the import.
                waiting.into_iter().for_each(|reply| drop(reply.send((address.clone(), id))));
            }
        });
    }
}

impl Fetcher {
    /// The media of the picture at `address`, fetched unless an earlier import has. `None` if it is not to be had, which is
    /// noted.
    async fn get(&self, address: &str) -> Option<Uuid> {
        let got = self.find_or_fetch(address).await;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match got {
            Ok((id, is_new)) => {
                if is_new {
                    counts.fetched += 1
                } else {
                    counts.known += 1
                }
                Some(id)
            }
            Err(cause) => {
                counts.failed.insert(address.to_owned(), describe(&cause));
                None
            }
        }
    }

    async fn find_or_fetch(&self, address: &str) -> anyhow::Result<(Uuid, bool)> {
        if let Some(id) = self.target.find(Some(address), None).await? {
            return Ok((id, false));
        }
        let url = self.client.guard().parse_url(address).map_err(FetchError::from)?;
        let file = self.polite.fetch(&url, async |url| self.download(&url).await).await?;
        let params = UploadParams {
            name: Some(name_in_url(&url)),
            source_url: Some(address.to_owned()),
            ..UploadParams::default()
        };
        Ok((self.target.upload(file.path(), params).await?, true))
    }

    async fn download(&self, url: &Url) -> Result<NamedTempFile, FetchError> {
        let file = NamedTempFile::new().map_err(FetchError::NotWritten)?;
        let opened = file.reopen().map_err(FetchError::NotWritten)?;
        let limits =
            DownloadLimits { max_bytes: MAX_IMAGE_BYTES, timeout: FETCH_TIMEOUT, min_rate: MIN_RATE };
        self.client.download(url, &mut tokio::fs::File::from_std(opened), limits).await?;
        Ok(file)
    }
}

/// Rewrites the rows, a window of them at a time, so that many pictures are fetched together. A row in, a line out.
fn rewrite_rows(
    source: Box<dyn Read + Send>,
    compression: Compression,
    jobs: &UnboundedSender<FetchJob>,
    pieces: &SyncSender<Vec<u8>>,
) {
    let Ok(body) = decode_body(source, compression, None) else { return };
    let mut window: Vec<RawRow> = Vec::new();
    let mut lines = 0;
    let mut send = |window: &mut Vec<RawRow>| {
        let piece = rewrite_window(std::mem::take(window), jobs, &mut lines);
        match pieces.send(piece) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    // A fault of the file ends the rows; the import tells what it has read.
    let _ = rows::read_rows(&Format::Ndjson, body, &mut |row| {
        window.push(row);
        if window.len() < WINDOW_ROWS { ControlFlow::Continue(()) } else { send(&mut window) }
    });
    let _ = send(&mut window);
}

/// The lines of a window of rows. `lines` counts those that were written: each row keeps its number.
fn rewrite_window(window: Vec<RawRow>, jobs: &UnboundedSender<FetchJob>, lines: &mut u64) -> Vec<u8> {
    let rows: Vec<(RawRow, Option<Value>)> = window
        .into_iter()
        .map(|row| {
            let value = row.text.parse(EncodingErrors::default()).ok();
            let value = value.map(|RowValue { value, .. }| value);
            (row, value)
        })
        .collect();
    let wanted: Vec<String> =
        rows.iter().filter_map(|(_, value)| value.as_ref()).flat_map(list_images).collect();
    let media = fetch_all(wanted, jobs);
    let mut piece = Vec::new();
    for (row, value) in rows {
        // Blank lines and remarks are no rows.
        while *lines + 1 < row.line {
            piece.push(b'\n');
            *lines += 1;
        }
        match (value, row.text) {
            (Some(value), _) => {
                let _ = write!(piece, "{}", name_media(value, &media));
            }
            (None, RawText::Json(text)) => piece.extend_from_slice(&text),
            // Too large for a row: told as such.
            (None, _) => piece.extend_from_slice(b"null"),
        }
        piece.push(b'\n');
        *lines += 1;
    }
    piece
}

/// Waits until all of these pictures are fetched, or known not to be had.
fn fetch_all(mut wanted: Vec<String>, jobs: &UnboundedSender<FetchJob>) -> HashMap<String, Uuid> {
    wanted.sort_unstable();
    wanted.dedup();
    let (reply, replies): (_, Receiver<(String, Option<Uuid>)>) = channel();
    for address in wanted {
        let _ = jobs.send(FetchJob { address, reply: reply.clone() });
    }
    drop(reply);
    replies.into_iter().filter_map(|(address, id)| Some((address, id?))).collect()
}

fn format_of(value: &Value) -> BodyFormat {
    match value["body_format"].as_str() {
        Some("markdown") => BodyFormat::Markdown,
        Some("text") => BodyFormat::Text,
        _ => BodyFormat::Html,
    }
}

/// The addresses of the pictures of a row that can be fetched.
fn list_images(value: &Value) -> Vec<String> {
    let mut images = find_images(value["body"].as_str().unwrap_or_default(), format_of(value));
    images.extend(["cover", "cover_url"].iter().filter_map(|key| value[*key].as_str()).map(str::to_owned));
    images.retain(|address| address.starts_with("http://") || address.starts_with("https://"));
    images
}

/// The row with media in the place of the pictures that were fetched.
fn name_media(mut value: Value, media: &HashMap<String, Uuid>) -> Value {
    let path = |address: &str| media.get(address.trim()).map(|id| format!("/media/{id}"));
    let body = value["body"].as_str().map(|body| match format_of(&value) {
        BodyFormat::Html => rewrite_html(body, &path),
        BodyFormat::Markdown => rewrite_markdown(body, media),
        BodyFormat::Text => body.to_owned(),
    });
    if let (Some(body), Some(row)) = (body, value.as_object_mut()) {
        row.insert("body".to_owned(), body.into());
    }
    for key in ["cover", "cover_url"] {
        if let Some(own) = value[key].as_str().and_then(&path) {
            value[key] = own.into();
        }
    }
    value
}

/// The HTML with media in its pictures, which have one address then.
fn rewrite_html(body: &str, path: &impl Fn(&str) -> Option<String>) -> String {
    rewrite_start_tags(body, |tag| {
        let wanted = match tag.name.as_slice() {
            b"img" => "src",
            b"video" => "poster",
            _ => return None,
        };
        let mut attributes = read_attributes(tag);
        let own = attributes.iter().find(|(name, _)| name == wanted).and_then(|(_, value)| path(value))?;
        attributes.retain(|(name, _)| !["srcset", "sizes"].contains(&name.as_str()));
        let found = attributes.iter_mut().find(|(name, _)| name == wanted)?;
        found.1 = own;
        Some(write_start_tag(tag, attributes))
    })
    .into_owned()
}

/// The markdown with media in the place of addresses. The longest come first: one can begin another.
fn rewrite_markdown(body: &str, media: &HashMap<String, Uuid>) -> String {
    let mut addresses: Vec<&String> = media.keys().collect();
    addresses.sort_by_key(|address| std::cmp::Reverse(address.len()));
    let replace = |body: String, address: &&String| {
        body.replace(address.as_str(), &format!("/media/{}", media[address.as_str()]))
    };
    addresses.iter().fold(body.to_owned(), replace)
}

/// What became of the pictures, in a line.
pub fn describe_counts(counts: &FetchCounts) -> String {
    let FetchCounts { fetched, known, failed } = counts;
    let mut text =
        format!("pictures: {fetched} fetched, {known} were there already, {} not to be had", failed.len());
    for (address, reason) in failed.iter().take(20) {
        text += &format!("\n  {address}: {reason}");
    }
    if failed.len() > 20 {
        text += &format!("\n  and {} more, in the report (--report)", failed.len() - 20);
    }
    text
}

/// Checks that the rows can be rewritten.
pub fn check_rows(is_ndjson: bool, is_utf8: bool) -> anyhow::Result<()> {
    anyhow::ensure!(is_ndjson, "--fetch-media takes the export of another system (--from) or NDJSON");
    anyhow::ensure!(is_utf8, "--fetch-media takes NDJSON in UTF-8");
    Ok(())
}

/// A copy of the counts.
pub fn read_counts(shared: &SharedCounts) -> FetchCounts {
    shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_name_media_in_the_place_of_pictures() {
        let id = Uuid::from_u128(7);
        let media = HashMap::from([("https://o.example/a.jpg".to_owned(), id)]);
        let row = json!({
            "title": "a", "cover_url": "https://o.example/a.jpg",
            "body": "<p>x &lt; y</p><img srcset='z 2x' src='https://o.example/a.jpg' alt=b><img src=https://o.example/b.jpg>",
        });
        let named = name_media(row, &media);
        assert_eq!(named["cover_url"], format!("/media/{id}"));
        let body =
            format!("<p>x &lt; y</p><img alt=\"b\" src=\"/media/{id}\"><img src=https://o.example/b.jpg>");
        assert_eq!(named["body"], body);
        let row = json!({"body_format": "markdown", "body": "![b](https://o.example/a.jpg) text"});
        assert_eq!(name_media(row, &media)["body"], format!("![b](/media/{id}) text"));
    }
}
