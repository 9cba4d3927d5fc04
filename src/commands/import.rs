//! `inkstone import`: a file into the site, directly or through a running server.

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

use super::file::{Input, Mark};
use super::progress::Display;
use super::remote::{Server, answered};
use super::to_anyhow;
use crate::app::App;
use crate::changes::model::Actor;
use crate::config::bulk::{Import, Kind};
use crate::http::query;
use crate::imports::body::PayloadFormat;
use crate::imports::job::{Job, Resource};
use crate::imports::params::ImportParams;
use crate::imports::pipeline::run;
use crate::imports::rows::Format;
use crate::imports::view::{Ending, Event, RowProblem, Summary};
use crate::interchange::decode::Compression;

/// Bytes that are sent at once.
const CHUNK: usize = 64 << 10;

/// What is known of an import while it runs.
struct Watch {
    display: Display,
    mark: Option<Mark>,
    failed: BTreeMap<u64, RowProblem>,
    summary: Option<Summary>,
    problem: Option<String>,
    skip: u64,
}

impl Watch {
    fn take(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Progress(progress) => {
                self.display.show(&progress);
                if let Some(mark) = &self.mark {
                    mark.set(self.skip + progress.rows)?;
                }
            }
            Event::Error(problem) => {
                self.failed.insert(problem.line, problem);
            }
            Event::Warning(problem) => self.display.warn(&problem),
            Event::Summary(summary) => self.summary = Some(*summary),
            Event::Problem { code, detail } => self.problem = Some(detail.unwrap_or(code)),
        }
        Ok(())
    }
}

/// Imports through a running server.
pub async fn remotely(server: &Server, import: &Import) -> anyhow::Result<String> {
    let (input, mut watch) = open(import)?;
    let path = format!("{}/import", import.kind.as_str());
    let mut request = server.post(&path, &import.parameters(watch.skip))?;
    request =
        request.header("accept", "application/x-ndjson").header("content-type", input.format.media_type());
    request = match input.compression {
        Compression::Identity => request,
        Compression::Gzip => request.header("content-encoding", "gzip"),
        Compression::Zstd => request.header("content-encoding", "zstd"),
    };
    let sent = request.body(Body::wrap_stream(bytes(input.source()?)));
    let response = answered(sent).await?;
    let (mut chunks, mut rest) = (response.bytes_stream(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        rest.extend_from_slice(&chunk.context("the server hung up; the same import with --resume goes on")?);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            watch.take(serde_json::from_slice(&line).context("the server's answer")?)?;
        }
    }
    finish(watch, &input, import)
}

/// The bytes of `source`, read on a thread of their own.
fn bytes(mut source: Box<dyn Read + Send>) -> impl Stream<Item = io::Result<web::Bytes>> + Send {
    let (sender, receiver) = mpsc::channel(4);
    spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; CHUNK];
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

/// Imports into the database.
pub async fn directly(app: &web::Data<App>, import: &Import) -> anyhow::Result<String> {
    let (input, watch) = open(import)?;
    let params = params(import, watch.skip)?;
    let labels = PayloadFormat {
        format: row_format(&input, import)?,
        compression: input.compression,
        encoding: input.encoding(import)?,
    };
    let watch = Rc::new(RefCell::new(watch));
    let resource = resource(import.kind);
    let job = Job { app: app.clone(), params: Rc::new(params), actor: Actor::SYSTEM, resource };
    let mut failure = Ok(());
    let ended = run(job, input.source()?, labels, async |events| {
        for event in events {
            if let Err(cause) = watch.borrow_mut().take(event) {
                failure = Err(cause);
            }
        }
    })
    .await;
    failure?;
    let Ok(watch) = Rc::try_unwrap(watch) else { bail!("the import is still watched") };
    let mut watch = watch.into_inner();
    watch.problem = ended.stopped_by.map(|error| error.to_string());
    watch.summary = Some(ended.summary);
    finish(watch, &input, import)
}

/// What a kind of rows is called by imports.
fn resource(kind: Kind) -> Resource {
    match kind {
        Kind::Articles => Resource::Articles,
        Kind::Categories => Resource::Categories,
        Kind::Notices => Resource::Notices,
    }
}

/// The file, and what is known before its import begins.
fn open(import: &Import) -> anyhow::Result<(Input, Watch)> {
    let input = Input::open(import)?;
    let mark = input.mark(import)?;
    let skip = if import.resume { mark.as_ref().map_or(Ok(0), Mark::get)? } else { 0 };
    let display = Display::new(input.length, Arc::clone(&input.read));
    let commits = !(import.atomic || import.dry_run);
    let mark = mark.filter(|_| commits);
    let watch = Watch { display, mark, failed: BTreeMap::new(), summary: None, problem: None, skip };
    Ok((input, watch))
}

/// What the command line says, as the API is to_anyhow.
fn params(import: &Import, skip: u64) -> anyhow::Result<ImportParams> {
    let pairs = import.parameters(skip);
    let pairs = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    query::read(&pairs).map_err(to_anyhow)
}

/// How the rows are written, and which columns are which keys.
fn row_format(input: &Input, import: &Import) -> anyhow::Result<Format> {
    let columns = params(import, 0)?.columns().map_err(to_anyhow)?;
    Ok(input.rows(columns.of(resource(import.kind).keys())))
}

/// Writes down what failed, says how it went, and fails unless every row is in.
fn finish(watch: Watch, input: &Input, import: &Import) -> anyhow::Result<String> {
    watch.display.end();
    let written = match watch.failed.is_empty() {
        true => None,
        false => Some(input.write_failed(import, &row_format(input, import)?, &watch.failed)?),
    };
    let Some(summary) = watch.summary else { bail!("the server did not say how it ended; run it again") };
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
    if summary.created_categories > 0 {
        text += &format!("; {} categories created", summary.created_categories);
    }
    if summary.cleaned != crate::interchange::text_filters::Cleaned::default() {
        let cleaned = summary.cleaned;
        text += &format!(
            "; cleaned of {} glosses, {} characters folded",
            cleaned.pinyin_glosses, cleaned.simplified
        );
    }
    let is_done = matches!(summary.ending, Ending::Completed | Ending::DryRun);
    if let Some(mark) = watch.mark.filter(|_| is_done) {
        mark.clear()?;
    }
    match (watch.problem, written) {
        (Some(problem), _) => {
            bail!("{text}; stopped: {problem} ({} bytes read)", input.read.load(Ordering::Relaxed))
        }
        (None, Some(path)) => bail!("{text}; the rows that failed are in {}", path.display()),
        (None, None) if is_done => Ok(text),
        (None, None) => bail!("{text}; stopped"),
    }
}
