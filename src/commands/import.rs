//! `inkstone import`: imports a file, directly into the database or through a running server.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::web;
use anyhow::{Context, bail};
use chrono_tz::Tz;
use futures_util::StreamExt;
use reqwest::Body;
use url::form_urlencoded;

use super::fetched_media::{self, SharedCounts, check_rows, fetch_media, read_counts};
use super::file::ImportFile;
use super::images::ImageFinder;
use super::media_target::MediaTarget;
use super::monitor::{ImportMonitor, list_faults};
use super::no_rows::explain_nothing;
use super::progress::Display;
use super::remote::{Server, send_request};
use super::report::{Conclusion, ReportFile};
use super::resume::ResumeMark;
use super::source::{MAX_PAUSE, SourceFault, fill_pauses, stream_source};
use super::table::{build_table, count_kinds, describe_counts};
use super::to_anyhow;
use crate::app::App;
use crate::changes::model::Actor;
use crate::config::bulk::{Import, Kind, RowFormat};
use crate::db::visibility::Articles;
use crate::error::{Code, Error};
use crate::http::query;
use crate::imports::job::{Job, Resource};
use crate::imports::params::ImportParams;
use crate::imports::payload::PayloadFormat;
use crate::imports::pipeline::run_import;
use crate::imports::rows::Format;
use crate::imports::view::{Ending, Event, PlacedFault};
use crate::interchange::decode::Compression;
use crate::search::finding;
use crate::site::model::Row as SiteRow;

/// An import that was opened.
struct OpenImport {
    input: ImportFile,
    monitor: ImportMonitor,
    fault: SourceFault,
    /// Where fetched pictures are kept.
    media: MediaTarget,
    /// What became of the pictures, if they are fetched.
    fetched: Option<SharedCounts>,
}

/// Imports through a running server.
pub async fn remotely(server: &Server, import: &Import, media: MediaTarget) -> anyhow::Result<String> {
    let timezone = match import.reads_dates() {
        true => server.load_timezone().await,
        false => Ok(None),
    };
    let mut open = open_import(import, *timezone.as_ref().unwrap_or(&None), media)?;
    let failure = match timezone {
        Ok(_) => upload(server, import, &mut open).await.err(),
        Err(failure) => Some(failure),
    };
    finish_import(open, import, failure)
}

/// Sends the file, and handles the events of the answer.
async fn upload(server: &Server, import: &Import, open: &mut OpenImport) -> anyhow::Result<()> {
    let path = format!("{}/import", import.kind.as_str());
    let mut parameters = import.parameters(open.monitor.skip);
    parameters.extend(open.input.encoding.map(|encoding| ("encoding", encoding.name().to_ascii_lowercase())));
    let body = open_body(open, import)?;
    let mut request = server.post(&path, &parameters)?.header("accept", "application/x-ndjson");
    request = request.header("content-type", open.input.format.media_type());
    request = match open.input.compression {
        Compression::Identity => request,
        Compression::Gzip => request.header("content-encoding", "gzip"),
        Compression::Zstd => request.header("content-encoding", "zstd"),
    };
    let sent = request.body(body);
    let response = match send_request(sent).await {
        // A file that cannot be read breaks the connection: the file is the reason.
        Err(failure) if failure.is_lost && open.fault.describe().is_some() => return Ok(()),
        Err(failure) if failure.is_lost => {
            return Err(server.find_refusal(&path, &parameters).await.unwrap_or(failure.cause));
        }
        answered => answered.map_err(|failure| failure.cause)?,
    };
    let (mut chunks, mut rest) = (response.bytes_stream(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        if chunk.is_err() && open.fault.describe().is_some() {
            return Ok(());
        }
        rest.extend_from_slice(&chunk.context(
            "the connection was lost, or a proxy in front of the server limits the size of bodies; run the \
                 same import with --resume to continue",
        )?);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            if let Some(event) = parse_event(&line)? {
                open.monitor.handle_event(event)?;
            }
        }
    }
    Ok(())
}

/// Parses an event. A later server may send events that this version does not know: they are `None`.
fn parse_event(line: &[u8]) -> anyhow::Result<Option<Event>> {
    const KNOWN: [&str; 6] = ["progress", "error", "warning", "row", "summary", "problem"];
    match serde_json::from_slice(line) {
        Ok(event) => Ok(Some(event)),
        Err(cause) => {
            let value: serde_json::Value = serde_json::from_slice(line).context("the server's response")?;
            match value["type"].as_str() {
                Some(kind) if !KNOWN.contains(&kind) => Ok(None),
                _ => Err(cause).context("the server's response"),
            }
        }
    }
}

/// Imports directly into the database.
pub async fn directly(app: &web::Data<App>, import: &Import, media: MediaTarget) -> anyhow::Result<String> {
    let timezone = app.snapshot::<SiteRow>().await.map_err(to_anyhow)?.timezone();
    let mut open = open_import(import, Some(timezone), media)?;
    let mut params = parse_params(import, open.monitor.skip)?;
    params.site_timezone = Some(timezone);
    let source = open_source(&mut open, import)?;
    let format = build_payload_format(&open.input, import, &params)?;
    let OpenImport { input, monitor, fault, media, fetched } = open;
    let monitor = Rc::new(RefCell::new(monitor));
    let resource = to_resource(import.kind);
    let (params, actor, readable) = (Rc::new(params), Actor::SYSTEM, Articles::All);
    let job = Job { app: app.clone(), params, actor, readable, resource };
    if job.compares_texts() {
        finding::wait_for_index(app).await;
    }
    let mut failure = None;
    let end = run_import(job, source, format, async |events| {
        for event in events {
            if let Err(cause) = monitor.borrow_mut().handle_event(event) {
                failure.get_or_insert(cause);
            }
        }
    })
    .await;
    if let Some(recording) = end.recording {
        // The process ends with the command.
        let _ = recording.await;
    }
    let Ok(monitor) = Rc::try_unwrap(monitor) else { bail!("the import is still running") };
    let mut monitor = monitor.into_inner();
    monitor.handle_event(Event::Summary(Box::new(end.summary)))?;
    monitor.problem = end.stopped_by.as_ref().map(describe_stop);
    finish_import(OpenImport { input, monitor, fault, media, fetched }, import, failure)
}

/// Says why an import has stopped.
fn describe_stop(error: &Error) -> String {
    let faults: Vec<PlacedFault> = error.faults().iter().map(PlacedFault::from).collect();
    let detail = match error {
        Error::Refused(..) | Error::Faults(..) => error.detail(),
        _ => None,
    };
    list_faults(detail.unwrap_or_else(|| error.to_string()), &faults)
}

/// The import engine's name for a kind of rows.
fn to_resource(kind: Kind) -> Resource {
    match kind {
        Kind::Articles => Resource::Articles,
        Kind::Categories => Resource::Categories,
        Kind::Notices => Resource::Notices,
    }
}

/// Opens the file, begins the report and loads the progress of an earlier import.
fn open_import(import: &Import, timezone: Option<Tz>, media: MediaTarget) -> anyhow::Result<OpenImport> {
    for (option, path) in [("--report", &import.report), ("--errors", &import.errors)] {
        let same = path
            .as_ref()
            .and_then(|path| Some(path.canonicalize().ok()? == import.file.canonicalize().ok()?));
        if same == Some(true) {
            bail!("{option} names the file that is imported");
        }
    }
    let input = ImportFile::open(import, timezone)?;
    if import.fetch_media {
        check_rows(input.format == RowFormat::Ndjson, input.encoding.is_none())?;
    }
    let mark = ResumeMark::find(import)?;
    let skip = if import.resume { mark.as_ref().map_or(Ok(0), ResumeMark::load_rows)? } else { 0 };
    let display = Display::new(input.length, Arc::clone(&input.bytes_read));
    if let Some(remark) = &input.remark {
        display.print_line(remark);
    }
    let commits = !(import.atomic || import.dry_run);
    let mut monitor = ImportMonitor::new(display, mark.filter(|_| commits), input.notes.clone(), skip);
    monitor.report = import.report.as_deref().map(ReportFile::create).transpose()?;
    Ok(OpenImport { input, monitor, fault: SourceFault::default(), media, fetched: None })
}

/// Opens the body of an upload: the bytes of the file.
fn open_body(open: &mut OpenImport, import: &Import) -> anyhow::Result<Body> {
    let source = stream_source(open_source(open, import)?);
    Ok(match import.from.is_some() || import.fetch_media {
        // What a reader finds, and what waits for pictures, comes as whole lines.
        true => Body::wrap_stream(fill_pauses(source, MAX_PAUSE)),
        false => Body::wrap_stream(source),
    })
}

/// Opens the bytes of the file, or the lines of what a reader finds in it. With a report, the images of its rows are looked
/// for as they are read.
fn open_source(open: &mut OpenImport, import: &Import) -> anyhow::Result<Box<dyn Read + Send>> {
    let mut source = open.fault.watch(open.input.open_source()?);
    if let Some(report) = &mut open.monitor.report {
        let format = build_payload_format(&open.input, import, &parse_params(import, 0)?)?;
        let finder;
        (finder, source) = ImageFinder::start(source, format, open.monitor.skip);
        report.set_images(finder);
    }
    if import.fetch_media && !import.dry_run {
        let compression = std::mem::replace(&mut open.input.compression, Compression::Identity);
        let (rewritten, counts) =
            fetch_media(source, compression, open.media.clone(), import.fetch_allow.clone())?;
        (source, open.fetched) = (rewritten, Some(counts));
    }
    Ok(source)
}

/// Converts the command line's options to the parameters of the API.
fn parse_params(import: &Import, skip: u64) -> anyhow::Result<ImportParams> {
    let pairs = import.parameters(skip);
    let pairs = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    query::read(&pairs).map_err(to_anyhow)
}

/// The format of the bytes.
fn build_payload_format(
    input: &ImportFile,
    import: &Import,
    params: &ImportParams,
) -> anyhow::Result<PayloadFormat> {
    let format = build_format(input, import, params)?;
    Ok(PayloadFormat { format, compression: input.compression, encoding: input.encoding })
}

/// The format of the rows, with the mapping of columns.
fn build_format(input: &ImportFile, import: &Import, params: &ImportParams) -> anyhow::Result<Format> {
    let columns = params.parse_columns().map_err(to_anyhow)?;
    Ok(input.row_format(columns.with_known_keys(to_resource(import.kind).keys())))
}

/// Writes the failed rows and the report to their files, prints the table and returns the counts. Fails unless all
/// rows are stored.
fn finish_import(
    open: OpenImport,
    import: &Import,
    failure: Option<anyhow::Error>,
) -> anyhow::Result<String> {
    let OpenImport { input, mut monitor, fault, fetched, .. } = open;
    let fetched = fetched.as_ref().map(read_counts);
    monitor.display.clear();
    let failure = failure.or(monitor.tell_file_warnings().err());
    let stopped_by = find_reason(&monitor, &fault, &input, import, failure);
    let failed_path = write_failed_rows(&monitor, &input, import);
    let reported = match monitor.report.take() {
        Some(report) => report.finish(&Conclusion {
            summary: monitor.summary.as_ref(),
            stopped_by: stopped_by.as_deref(),
            passed_over: &monitor.notes.lock().passed_over,
            warnings: &monitor.warnings,
            fetched: fetched.as_ref(),
        }),
        None => Ok(()),
    };
    let shown_path = failed_path.as_ref().ok().and_then(Option::as_deref);
    print_table(&build_table(&monitor, shown_path))?;
    fetched.as_ref().map_or(Ok(()), print_fetched)?;
    let text = describe_end(&monitor);
    let ending = monitor.summary.as_ref().map(|summary| summary.ending);
    let is_complete = matches!(ending, Some(Ending::Completed | Ending::DryRun));
    if let Some(mark) = monitor.mark.filter(|_| is_complete) {
        mark.remove()?;
    }
    let failures = [
        stopped_by.map(|reason| format!("; stopped: {reason}{}", describe_bytes_read(&input, import))),
        match failed_path {
            Ok(path) => path.map(|path| format!("; the rows that failed are in {}", path.display())),
            Err(cause) => Some(format!("; the rows that failed could not be written: {cause:#}")),
        },
        reported.err().map(|cause| format!("; {cause:#}")),
    ];
    let failures: String = failures.into_iter().flatten().collect();
    match (failures.is_empty(), is_complete) {
        (true, true) => Ok(text),
        (true, false) => bail!("{text}; stopped"),
        (false, _) => bail!("{text}{failures}"),
    }
}

/// Prints how many pictures were fetched.
fn print_fetched(counts: &fetched_media::FetchCounts) -> anyhow::Result<()> {
    print_table(&format!("{}\n", fetched_media::describe_counts(counts)))
}

/// Writes the rows that failed to a file of their own. Returns its path, if there are any.
fn write_failed_rows(
    monitor: &ImportMonitor,
    input: &ImportFile,
    import: &Import,
) -> anyhow::Result<Option<PathBuf>> {
    if monitor.failed.is_empty() {
        return Ok(None);
    }
    let format = build_format(input, import, &parse_params(import, 0)?)?;
    input.write_failed(import, &format, &monitor.failed).map(Some)
}

/// Says how far a file was read. The bytes of a foreign file are those of its rows, of which nobody knows.
fn describe_bytes_read(input: &ImportFile, import: &Import) -> String {
    match import.from {
        Some(_) => String::new(),
        None => format!(" ({} bytes read)", input.bytes_read.load(Ordering::Relaxed)),
    }
}

/// Prints the table before the counts, which are the last line.
fn print_table(table: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(table.as_bytes())?;
    Ok(out.flush()?)
}

/// What became of the rows, in a line.
fn describe_end(monitor: &ImportMonitor) -> String {
    let mut text = match (&monitor.summary, &monitor.progress) {
        (Some(summary), _) => describe_counts(summary),
        (None, Some(progress)) => format!("{} rows are done", progress.rows),
        (None, None) => "no row is done".to_owned(),
    };
    let replaced = monitor.summary.as_ref().map_or(0, |summary| summary.replaced_characters)
        + monitor.notes.lock().replaced_characters;
    if replaced > 0 {
        text += &format!("; {replaced} characters replaced by U+FFFD");
    }
    if monitor.display.count_warnings() > 0 {
        text += &format!("; {} rows have warnings", monitor.display.count_warnings());
    }
    if monitor.display.count_file_warnings() > 0 {
        text += &format!("; {} warnings about the file as a whole", monitor.display.count_file_warnings());
    }
    if let Some(count) = monitor.warnings.get(Code::TitleReplaced.as_str()) {
        text += &format!(
            "; {count} articles had other titles: if they are those of another folder of the same name, import each \
             folder with its own --id-prefix"
        );
    }
    let passed_over = count_kinds(&monitor.notes.lock().passed_over);
    if !passed_over.is_empty() {
        text += &format!("; {passed_over} passed over");
    }
    if matches!(&monitor.summary, Some(summary) if summary.ending == Ending::DryRun) {
        text += "; nothing is stored: it was a dry run";
    }
    text
}

/// Finds why an import has stopped, or has imported nothing. A fault of the file comes before what follows from it.
fn find_reason(
    monitor: &ImportMonitor,
    fault: &SourceFault,
    input: &ImportFile,
    import: &Import,
    failure: Option<anyhow::Error>,
) -> Option<String> {
    let of_file = fault.describe().map(|cause| format!("reading {}: {cause}", import.file.display()));
    let reasons = [
        failure.map(|cause| format!("{cause:#}")),
        monitor.notes.lock().broken_off.clone(),
        of_file.or_else(|| monitor.problem.clone()),
    ];
    let mut reasons: Vec<String> = reasons.into_iter().flatten().collect();
    if monitor.summary.is_none() && reasons.is_empty() {
        reasons.push("the server sent no summary; run the import again".to_owned());
    }
    if reasons.is_empty() {
        let is_empty = is_empty(import, input.bytes_read.load(Ordering::Relaxed));
        reasons.extend(explain_nothing(monitor, import).filter(|_| !is_empty));
    }
    reasons.dedup();
    Some(reasons.join("; ")).filter(|reasons| !reasons.is_empty())
}

/// Whether there is nothing at all in the file or the folder.
fn is_empty(import: &Import, bytes_read: u64) -> bool {
    let path = &import.file;
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len() == 0,
        Ok(metadata) if metadata.is_dir() => {
            std::fs::read_dir(path).is_ok_and(|mut all| all.next().is_none())
        }
        // Of a foreign file the bytes of the rows are counted.
        _ => import.from.is_none() && bytes_read == 0,
    }
}
