//! Articles in bulk: rows to articles, on all cores.

pub mod queries;
pub mod row;
pub mod writing;

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::category_ref::CategoryRef;
use super::params::{ImportParams, Mode};
use super::rows::{RawRow, Text};
use crate::articles::input::NewArticle;
use crate::articles::model::Content;
use crate::categories::model::Tree;
use crate::db::types::Status;
use crate::error::{Code, Fault, Result};
use crate::http::body::checked;
use crate::http::render_body;
use crate::interchange::row_filters;
use crate::interchange::text_filters::Cleaned;
use crate::markup::SANITIZER;
use queries::ExistingArticle;

/// What tells a row's article from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Its id where it comes from, given or made from the row itself.
    External(String),
    /// Its slug, in rows without an external id.
    Slug(String),
}

impl Parsed {
    /// What tells its article from all others.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl Identity {
    /// As reports name it.
    pub fn name(&self) -> &str {
        let (Self::External(name) | Self::Slug(name)) = self;
        name
    }
}

/// A row that has been read.
#[derive(Clone, Debug)]
pub struct Parsed {
    line: u64,
    identity: Identity,
    value: Value,
    faults: Vec<Fault>,
    /// Of the row and of what is done to it: the same again makes the same article.
    hash: Vec<u8>,
}

/// An article ready to be written, if its slug is free and its category exists.
#[derive(Clone, Debug)]
pub struct Prepared {
    identity: Identity,
    content: Content,
    content_hash: Vec<u8>,
    source_hash: Vec<u8>,
    slug_is_given: bool,
    hour_is_given: bool,
    place: Option<CategoryRef>,
    views: Option<i64>,
    created_at: Option<DateTime<Utc>>,
    cleaned: Cleaned,
}

/// A row on its way to the writer.
#[derive(Clone, Debug)]
pub struct PreparedRow {
    line: u64,
    name: Option<String>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Failed(Vec<Fault>),
    /// It stood there a moment ago as just this row left it.
    Known(Box<Parsed>),
    Prepared(Box<Prepared>),
}

/// Rows of a batch, with the articles that they were held against.
#[derive(Clone, Debug)]
pub struct PreparedBatch {
    /// The rows, in the body's order.
    pub rows: Vec<PreparedRow>,
    /// The articles that were there a moment ago.
    pub standing: HashMap<Identity, ExistingArticle>,
}

impl PreparedBatch {
    /// What the rows are about.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.rows.iter().filter_map(PreparedRow::identity)
    }
}

/// What preparing a row takes.
pub struct Context<'c> {
    /// How to import.
    pub params: &'c ImportParams,
    /// The categories.
    pub tree: &'c Tree,
    /// The time, by the database's clock.
    pub now: DateTime<Utc>,
}

/// Reads rows on all cores.
pub fn parse(rows: Vec<RawRow>, params: &ImportParams, is_utf8: bool) -> Vec<Result<Parsed, PreparedRow>> {
    let status = params.status.map_or("", Status::as_str);
    let salt = format!("{SANITIZER}{:?}{status}", params.clean);
    rows.into_par_iter().map(|row| parse_one(&row, &salt, is_utf8)).collect()
}

fn parse_one(row: &RawRow, salt: &str, is_utf8: bool) -> Result<Parsed, PreparedRow> {
    let line = row.line;
    let failed = |faults| PreparedRow { line, name: None, state: State::Failed(faults) };
    let (value, faults) = row.text.parse(is_utf8).map_err(|fault| failed(vec![fault]))?;
    let text = match &row.text {
        Text::Line(line) => Cow::Borrowed(line.as_slice()),
        _ => Cow::Owned(value.to_string().into_bytes()),
    };
    let given = |key: &str| value[key].as_str().filter(|name| !name.trim().is_empty()).map(str::to_owned);
    let identity = match (given("external_id"), given("slug")) {
        (Some(id), _) => Identity::External(id),
        (None, Some(slug)) => Identity::Slug(slug),
        (None, None) => Identity::External(own_id(&value)),
    };
    let hash = Sha256::new().chain_update(salt).chain_update(text).finalize().to_vec();
    Ok(Parsed { line, identity, value, faults, hash })
}

/// An id made from all that a row says: the same row again is the same article.
pub fn own_id(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let digest = Sha256::digest(sorted.to_string());
    format!("row:{}", digest[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Validates and sanitises rows on all cores, but for those that stand there already.
pub fn prepare(
    rows: Vec<Result<Parsed, PreparedRow>>,
    standing: HashMap<Identity, ExistingArticle>,
    context: &Context<'_>,
) -> PreparedBatch {
    let prepared = rows.into_par_iter().map(|row| match row {
        Ok(parsed) if is_known(&parsed, standing.get(&parsed.identity), context) => PreparedRow {
            line: parsed.line,
            name: Some(parsed.identity.name().to_owned()),
            state: State::Known(Box::new(parsed)),
        },
        Ok(parsed) => {
            let known = standing.get(&parsed.identity);
            prepare_one(parsed, known, context)
        }
        Err(failed) => failed,
    });
    PreparedBatch { rows: prepared.collect(), standing }
}

/// Whether the article stands as just this row left it.
fn is_known(parsed: &Parsed, standing: Option<&ExistingArticle>, context: &Context<'_>) -> bool {
    standing.is_some_and(|standing| {
        let same = standing.source_hash.as_ref() == Some(&parsed.hash) && !standing.trashed;
        // Its category may have another name by now.
        let place = || CategoryRef::read(&parsed.value["category"]).ok().flatten();
        let category = || place().and_then(|place| place.find(context.tree).map(|row| row.id));
        same && context.params.mode() != Mode::Create && category() == standing.category_id
    })
}

fn prepare_one(parsed: Parsed, standing: Option<&ExistingArticle>, context: &Context<'_>) -> PreparedRow {
    let (line, name) = (parsed.line, parsed.identity.name().to_owned());
    let state = match prepared(parsed, standing, context) {
        Ok(prepared) => State::Prepared(Box::new(prepared)),
        Err(faults) => State::Failed(faults),
    };
    PreparedRow { line, name: Some(name), state }
}

/// What the row makes of its article; all its faults together.
fn prepared(
    mut parsed: Parsed,
    standing: Option<&ExistingArticle>,
    context: &Context<'_>,
) -> Result<Prepared, Vec<Fault>> {
    let cleaned = row_filters::row(&mut parsed.value, context.params.cleanings());
    context.params.give_status(&mut parsed.value);
    let mut faults = parsed.faults;
    let (place, created_at) = row::beside(&mut parsed.value, &mut faults);
    let external_id = match &parsed.identity {
        Identity::External(id) => Some(id.clone()),
        Identity::Slug(_) => None,
    };
    let in_words = |error: crate::error::Error| {
        error.into_faults().unwrap_or_else(|_| vec![Fault::body("", Code::InvalidBody, "cannot be read")])
    };
    let mut new: NewArticle = checked(parsed.value, faults).map_err(in_words)?;
    new.external_id = external_id;
    let body = render_body::render(std::mem::take(&mut new.body), new.format());
    let (slug_is_given, hour_is_given, views) = (new.slug.is_some(), new.published_at.is_some(), new.views);
    if let Some(standing) = standing {
        new.slug.get_or_insert_with(|| standing.slug.clone());
        let kept = standing.published_at.filter(|_| new.status == Some(Status::Published));
        new.published_at = new.published_at.or(kept);
    }
    let category = place.as_ref().and_then(|place| place.find(context.tree)).map(|row| row.id);
    let content = new.with_body(body, category, context.now, Vec::new()).map_err(in_words)?;
    Ok(Prepared {
        identity: parsed.identity,
        content_hash: content.hash(),
        content,
        source_hash: parsed.hash,
        slug_is_given,
        hour_is_given,
        place,
        views,
        created_at,
        cleaned,
    })
}
