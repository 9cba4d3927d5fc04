//! Ghost exports of any version: one JSON document with the tables of a Ghost database.
//!
//! Ghost defines the tables and columns in `core/server/data/schema/schema.js`.

mod addresses;
mod body;
mod cards;
mod descriptions;
mod lexical;
mod mobiledoc;
mod names;
mod post;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::{BufRead, Read};
use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use self::addresses::SiteAddress;
use self::descriptions::tell_descriptions;
use self::names::{NAME_TABLES, Names, read_id};
use self::post::Export;
use self::tables::{Tables, find_position};
use super::found::{Found, Sink};
use super::reader_options::ReaderOptions;

/// Largest file, in bytes. The whole file is held in memory.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// Reads `input` and calls `each` with every post, in the file's order, until `each` breaks.
///
/// A post that is not JSON is unreadable, and the others are read. Of a file that breaks off, the posts before
/// the break are read.
///
/// # Errors
///
/// The file is larger than 512 MiB, not JSON to its end, or not a Ghost export.
pub fn read_export(input: impl BufRead, options: &ReaderOptions, each: &mut Sink) -> Result<(), String> {
    let mut bytes = Vec::new();
    let mut input = input.take(MAX_FILE_BYTES + 1);
    input.read_to_end(&mut bytes).map_err(|error| format!("The file cannot be read: {error}."))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("The file is larger than 512 MiB.".into());
    }
    let tables = Tables::cut(&bytes);
    let Some(posts) = tables.rows("posts") else {
        return Err(match tables.fault {
            Some(fault) => format!("The file is not a Ghost export: {}.", describe_fault(&bytes, fault)),
            None => "The file is not a Ghost export: it has no posts.".to_owned(),
        });
    };
    let export = Export {
        names: Names::read(&tables),
        site: find_site(&tables, options),
        lacks_names: tables.lacks_any(&NAME_TABLES),
        options: &options.origin,
    };
    if tell_descriptions(&tables, each).is_break() {
        return Ok(());
    }
    for text in posts {
        if read_post(text, &bytes, &export, each).is_break() {
            return Ok(());
        }
    }
    match tables.fault {
        None => Ok(()),
        Some(fault) => {
            let fault = describe_fault(&bytes, fault);
            Err(format!(
                "The JSON of the Ghost export is broken: {fault}. {} posts before it were read.",
                posts.len()
            ))
        }
    }
}

fn describe_fault(bytes: &[u8], (at, reason): (usize, &str)) -> String {
    let (line, column) = find_position(bytes, at);
    format!("line {line}, column {column}: {reason}")
}

/// Sends a post and what of it was passed over.
fn read_post(text: &[u8], file: &[u8], export: &Export<'_>, each: &mut Sink) -> ControlFlow<()> {
    let post: Value = match serde_json::from_slice(text) {
        Ok(post) => post,
        Err(error) => return each(describe_broken_post(text, file, &error)),
    };
    let place = format!(
        "post {} {:?}",
        read_id(&post["id"]).unwrap_or_default(),
        post["title"].as_str().unwrap_or_default()
    );
    match export.convert(&post, &place) {
        Ok(converted) => {
            for kind in converted.passed_over {
                each(Found::PassedOver { kind })?;
            }
            converted.row.map_or(ControlFlow::Continue(()), |row| each(Found::Row(row)))
        }
        Err(reason) => each(Found::Unreadable { reason: format!("{place}: {reason}"), place }),
    }
}

/// A post whose JSON is broken, with the place of the fault in the file.
fn describe_broken_post(text: &[u8], file: &[u8], error: &serde_json::Error) -> Found {
    let before =
        text.split(|byte| *byte == b'\n').take(error.line().saturating_sub(1)).map(|line| line.len() + 1);
    let within = before.sum::<usize>() + error.column().saturating_sub(1);
    let start = text.as_ptr() as usize - file.as_ptr() as usize;
    let (line, column) = find_position(file, start + within);
    let place = format!("line {line}, column {column}");
    let words = String::from_utf8_lossy(text);
    let after = words.split_once("\"title\"").map_or("", |(_, rest)| rest.trim_start_matches([':', ' ']));
    let title = after.strip_prefix('"').unwrap_or_default();
    let title: String = title.chars().take_while(|c| *c != '"').take(60).collect();
    let cause = error.to_string();
    let cause = cause.split(" at line ").next().unwrap_or_default();
    Found::Unreadable { reason: format!("The post {title:?} is not JSON in {place}: {cause}."), place }
}

/// The address of the site: as the command line names it, the export, or the canonical addresses of the posts.
fn find_site(tables: &Tables<'_>, options: &ReaderOptions) -> SiteAddress {
    let chosen = options.origin.base_url.as_deref().and_then(SiteAddress::parse);
    let named = || find_named_site(tables);
    chosen.or_else(named).or_else(|| find_canonical_site(tables)).unwrap_or_default()
}

/// The address in the settings of the export, or in what it says of itself.
fn find_named_site(tables: &Tables<'_>) -> Option<SiteAddress> {
    const KEYS: [&str; 4] = ["url", "site_url", "base_url", "blog_url"];
    let meta: Option<Value> = tables.meta.and_then(|meta| serde_json::from_slice(meta).ok());
    let in_meta = meta.and_then(|meta| KEYS.iter().find_map(|key| SiteAddress::parse(meta[*key].as_str()?)));
    let mut settings = tables.rows("settings").unwrap_or_default().iter();
    in_meta.or_else(|| {
        settings.find_map(|row| {
            let row: Value = serde_json::from_slice(row).ok()?;
            let is_address = KEYS.contains(&row["key"].as_str()?);
            is_address.then(|| SiteAddress::parse(row["value"].as_str()?)).flatten()
        })
    })
}

/// What of a post names the site.
#[derive(Deserialize)]
struct CanonicalAddress {
    canonical_url: Option<String>,
    slug: Option<String>,
}

/// The one host of all canonical addresses that end in the slugs of their posts.
fn find_canonical_site(tables: &Tables<'_>) -> Option<SiteAddress> {
    let mut origins = HashSet::new();
    for row in tables.rows("posts")? {
        let Ok(post) = serde_json::from_slice::<CanonicalAddress>(row) else { continue };
        let url = post.canonical_url.and_then(|address| Url::parse(&address).ok());
        let Some((url, slug)) = url.zip(post.slug) else { continue };
        if url.path().trim_end_matches('/').rsplit('/').next() == Some(slug.as_str()) {
            origins.insert(url.origin().ascii_serialization());
        }
    }
    let mut origins = origins.into_iter();
    let only = origins.next().filter(|_| origins.len() == 0)?;
    SiteAddress::parse(&only)
}
