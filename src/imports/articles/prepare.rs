//! Articles in bulk: rows to articles, on all cores.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::identity::{Identity, own_id};
use super::queries::ExistingArticle;
use super::row;
use crate::articles::input::NewArticle;
use crate::articles::model::Content;
use crate::categories::model::Tree;
use crate::db::types::Status;
use crate::error::{Code, Fault, Result};
use crate::http::body::checked;
use crate::http::render_body;
use crate::imports::category_ref::CategoryRef;
use crate::imports::params::{ImportParams, Mode};
use crate::imports::rows::{RawRow, Text};
use crate::interchange::row_filters;
use crate::interchange::text_filters::Cleaned;
use crate::markup::SANITIZER;

/// A row that has been read.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub(super) line: u64,
    pub(super) identity: Identity,
    pub(super) value: Value,
    pub(super) faults: Vec<Fault>,
    /// Of the row and of what is done to it: the same again makes the same article.
    pub(super) hash: Vec<u8>,
}

impl Parsed {
    /// What tells its article from all others.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// An article ready to be written, if its slug is free and its category exists.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) identity: Identity,
    pub(super) content: Content,
    pub(super) content_hash: Vec<u8>,
    pub(super) source_hash: Vec<u8>,
    pub(super) slug_is_given: bool,
    pub(super) hour_is_given: bool,
    pub(super) place: Option<CategoryRef>,
    pub(super) views: Option<i64>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) cleaned: Cleaned,
}

/// A row on its way to the writer.
#[derive(Clone, Debug)]
pub struct PreparedRow {
    pub(super) line: u64,
    pub(super) name: Option<String>,
    pub(super) state: State,
}

impl PreparedRow {
    pub(super) fn identity(&self) -> Option<&Identity> {
        match &self.state {
            State::Failed(_) => None,
            State::Known(parsed) => Some(&parsed.identity),
            State::Prepared(prepared) => Some(&prepared.identity),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum State {
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
pub(super) fn is_known(parsed: &Parsed, standing: Option<&ExistingArticle>, context: &Context<'_>) -> bool {
    standing.is_some_and(|standing| {
        let same = standing.source_hash.as_ref() == Some(&parsed.hash) && !standing.trashed;
        // Its category may have another name by now.
        let place = || CategoryRef::read(&parsed.value["category"]).ok().flatten();
        let category = || place().and_then(|place| place.find(context.tree).map(|row| row.id));
        same && context.params.mode() != Mode::Create && category() == standing.category_id
    })
}

pub(super) fn prepare_one(
    parsed: Parsed,
    standing: Option<&ExistingArticle>,
    context: &Context<'_>,
) -> PreparedRow {
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
