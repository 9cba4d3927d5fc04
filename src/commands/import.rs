//! `inkstone import`: imports a file, directly into the database or through a running server.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::web;
use anyhow::{Context, bail};
use futures_util::{Stream, StreamExt, stream};
use reqwest::Body;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use url::form_urlencoded;

use super::file::ImportFile;
use super::progress::Display;
use super::remote::{Server, send_request};
use super::resume::ResumeMark;
use super::to_anyhow;
use crate::app::App;
use crate::changes::model::Actor;
use crate::config::bulk::{Import, Kind};
use crate::http::query;
use crate::imports::job::{Job, Resource};
use crate::imports::params::ImportParams;
use crate::imports::payload::PayloadFormat;
use crate::imports::pipeline::run_import;
use crate::imports::rows::Format;
use crate::imports::view::{Ending, Event, RowProblem, Summary};
use crate::interchange::decode::Compression;
use crate::interchange::text_filters::FilterCounts;

/// Bytes of a chunk of an upload.
const UPLOAD_CHUNK_BYTES: usize = 64 << 10;

/// Follows a running import: shows its progress, stores it, and collects the failed rows.
struct ImportMonitor {
    display: Display,
    mark: Option<ResumeMark>,
    failed: BTreeMap<u64, RowProblem>,
    summary: Option<Summary>,
    problem: Option<String>,
    skip: u64,
}

impl ImportMonitor {
    fn handle_event(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Progress(progress) => {
                self.display.show_progress(&progress);
                if let Some(mark) = &self.mark {
                    mark.save_rows(self.skip + progress.rows)?;
                }
            }
            Event::Error(problem) => {
                self.failed.insert(problem.line, problem);
            }
            Event::Warning(problem) => self.display.show_warning(&problem),
            Event::Row(_) => {}
            Event::Summary(summary) => self.summary = Some(*summary),
            Event::Problem { code, detail } => self.problem = Some(detail.unwrap_or(code)),
        }
        Ok(())
    }
}

/// Imports through a running server.
pub async fn remotely(server: &Server, import: &Import) -> anyhow::Result<String> {
    let (input, mut monitor) = open_import(import)?;
    let path = format!("{}/import", import.kind.as_str());
    let mut parameters = import.parameters(monitor.skip);
    parameters.extend(input.encoding.map(|encoding| ("encoding", encoding.name().to_ascii_lowercase())));
    let mut request = server.post(&path, &parameters)?;
    request =
        request.header("accept", "application/x-ndjson").header("content-type", input.format.media_type());
    request = match input.compression {
        Compression::Identity => request,
        Compression::Gzip => request.header("content-encoding", "gzip"),
        Compression::Zstd => request.header("content-encoding", "zstd"),
    };
    let sent = request.body(Body::wrap_stream(stream_source(input.open_source()?)));
    let response = send_request(sent).await?;
    let (mut chunks, mut rest) = (response.bytes_stream(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        rest.extend_from_slice(&chunk.context(
            "the connection was lost, or a proxy in front of the server limits the size of bodies; run the \
                 same import with --resume to continue",
        )?);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            monitor.handle_event(serde_json::from_slice(&line).context("the server's response")?)?;
        }
    }
    finish_import(monitor, &input, import)
}

/// Reads `source` on a thread of its own and returns its bytes as a stream.
fn stream_source(mut source: Box<dyn Read + Send>) -> impl Stream<Item = io::Result<web::Bytes>> + Send {
    let (sender, receiver) = mpsc::channel(4);
    spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; UPLOAD_CHUNK_BYTES];
            let read = source.read(&mut chunk);
            let is_last = !matches!(read, Ok(1..));
            let item = read.map(|length| {
                chunk.truncate(length);
                web::Bytes::from(chunk)
            });
            if sender.blocking_send(item).is_err() || is_last {
                return;
            }
        }
    });
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

/// Imports directly into the database.
pub async fn directly(app: &web::Data<App>, import: &Import) -> anyhow::Result<String> {
    let (input, monitor) = open_import(import)?;
    let params = parse_params(import, monitor.skip)?;
    let format = PayloadFormat {
        format: build_format(&input, import)?,
        compression: input.compression,
        encoding: input.encoding,
    };
    let monitor = Rc::new(RefCell::new(monitor));
    let resource = to_resource(import.kind);
    let job = Job { app: app.clone(), params: Rc::new(params), actor: Actor::SYSTEM, resource };
    let mut failure = Ok(());
    let end = run_import(job, input.open_source()?, format, async |events| {
        for event in events {
            if let Err(cause) = monitor.borrow_mut().handle_event(event) {
                failure = Err(cause);
            }
        }
    })
    .await;
    failure?;
    let Ok(monitor) = Rc::try_unwrap(monitor) else { bail!("the import is still running") };
    let mut monitor = monitor.into_inner();
    monitor.problem = end.stopped_by.map(|error| error.to_string());
    monitor.summary = Some(end.summary);
    finish_import(monitor, &input, import)
}

/// The import engine's name for a kind of rows.
fn to_resource(kind: Kind) -> Resource {
    match kind {
        Kind::Articles => Resource::Articles,
        Kind::Categories => Resource::Categories,
        Kind::Notices => Resource::Notices,
    }
}

/// Opens the file and loads the progress of an earlier import.
fn open_import(import: &Import) -> anyhow::Result<(ImportFile, ImportMonitor)> {
    let input = ImportFile::open(import)?;
    let mark = input.resume_mark(import)?;
    let skip = if import.resume { mark.as_ref().map_or(Ok(0), ResumeMark::load_rows)? } else { 0 };
    let display = Display::new(input.length, Arc::clone(&input.bytes_read));
    if let Some(remark) = &input.remark {
        display.print_line(remark);
    }
    let commits = !(import.atomic || import.dry_run);
    let mark = mark.filter(|_| commits);
    let monitor =
        ImportMonitor { display, mark, failed: BTreeMap::new(), summary: None, problem: None, skip };
    Ok((input, monitor))
}

/// Converts the command line's options to the parameters of the API.
fn parse_params(import: &Import, skip: u64) -> anyhow::Result<ImportParams> {
    let pairs = import.parameters(skip);
    let pairs = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    query::read(&pairs).map_err(to_anyhow)
}

/// The format of the rows, with the mapping of columns.
fn build_format(input: &ImportFile, import: &Import) -> anyhow::Result<Format> {
    let columns = parse_params(import, 0)?.parse_columns().map_err(to_anyhow)?;
    Ok(input.row_format(columns.with_known_keys(to_resource(import.kind).keys())))
}

/// What became of the rows, in a line.
fn describe_counts(summary: &Summary) -> String {
    let mut text = format!(
        "{} rows in {:.1} s: {} created, {} updated, {} unchanged, {} failed",
        summary.rows,
        summary.elapsed_ms as f64 / 1000.0,
        summary.created,
        summary.updated,
        summary.unchanged,
        summary.failed
    );
    if summary.superseded > 0 {
        text += &format!(", {} superseded", summary.superseded);
    }
    if summary.replaced_characters > 0 {
        text += &format!("; {} characters replaced by U+FFFD", summary.replaced_characters);
    }
    let kept_and_overwritten = [
        (summary.kept_in_trash, "left in the trash (--restore takes them out)"),
        (summary.kept_edits, "left as edited here"),
        (summary.overwritten_edits, "replaced what was edited here (--keep-edited leaves it)"),
    ];
    for (count, text_of) in kept_and_overwritten.into_iter().filter(|(count, _)| *count > 0) {
        text += &format!(", {count} {text_of}");
    }
    if summary.created_categories > 0 {
        text += &format!("; {} categories created", summary.created_categories);
    }
    if summary.cleaned != FilterCounts::default() {
        let counts = summary.cleaned;
        text +=
            &format!("; {} glosses removed, {} characters folded", counts.pinyin_glosses, counts.simplified);
    }
    let dropped = summary.markup.elements.values().chain(summary.markup.attributes.values()).sum::<u64>();
    if dropped > 0 {
        text += &format!("; {dropped} elements and attributes removed from bodies");
    }
    text
}

/// Writes the failed rows to a file and returns the summary. Fails unless all rows are stored.
fn finish_import(monitor: ImportMonitor, input: &ImportFile, import: &Import) -> anyhow::Result<String> {
    monitor.display.clear();
    let failed_path = match monitor.failed.is_empty() {
        true => None,
        false => Some(input.write_failed(import, &build_format(input, import)?, &monitor.failed)?),
    };
    let Some(summary) = monitor.summary else { bail!("the server sent no summary; run the import again") };
    let mut text = describe_counts(&summary);
    if monitor.display.count_warnings() > 0 {
        text += &format!("; {} rows have warnings", monitor.display.count_warnings());
    }
    let is_complete = matches!(summary.ending, Ending::Completed | Ending::DryRun);
    if let Some(mark) = monitor.mark.filter(|_| is_complete) {
        mark.remove()?;
    }
    let broken_off = input.notes.lock().broken_off.clone();
    match (monitor.problem.or(broken_off), failed_path) {
        (Some(problem), _) => {
            bail!("{text}; stopped: {problem} ({} bytes read)", input.bytes_read.load(Ordering::Relaxed))
        }
        (None, Some(path)) => bail!("{text}; the rows that failed are in {}", path.display()),
        (None, None) if is_complete => Ok(text),
        (None, None) => bail!("{text}; stopped"),
    }
}
