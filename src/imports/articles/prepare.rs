//! Prepares rows on all cores: parse, detect unchanged articles, filter, validate, render.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::extra_keys::{self, ExtraKeys};
use super::identity::{FormerIdentity, Identity, derive_external_id};
use super::queries::{ExistingArticle, ExistingArticles};
use super::slug_repair::RefusedSlug;
use crate::articles::input::{MAX_BODY_CHARS, NewArticle};
use crate::articles::model::Content;
use crate::categories::model::Tree;
use crate::config::charsets::EncodingErrors;
use crate::db::types::Status;
use crate::error::{Code, Fault, Result};
use crate::http::body::checked;
use crate::http::render_body;
use crate::imports::category_ref::CategoryRef;
use crate::imports::outcome::{Outcome, ResourceRef};
use crate::imports::params::{ImportParams, Mode};
use crate::imports::rows::{RawRow, RawText, RowValue};
use crate::interchange::cell_dates::DateStyle;
use crate::interchange::row_filters;
use crate::interchange::text_filters::FilterCounts;
use crate::markup::Sanitiser;
use crate::markup::changes::MarkupChanges;

/// The most characters of an external id or a slug.
const MAX_KEY_CHARS: usize = 200;

/// A row that is valid JSON and has an identity.
#[derive(Clone, Debug)]
pub struct ParsedRow {
    pub(super) line: u64,
    pub(super) identity: Identity,
    pub(super) former_identity: Option<FormerIdentity>,
    pub(super) value: Value,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<Fault>,
    /// Digest of the row and of the parameters that change its article. If the digest is
    /// equal, the article is equal.
    pub(super) hash: Vec<u8>,
}

impl ParsedRow {
    /// The identities by which its article can be found.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        let former = self.former_identity.as_ref().map(|former| &former.identity);
        std::iter::once(&self.identity).chain(former)
    }
}

/// A validated and rendered article. Its slug and its category are not final yet.
#[derive(Clone, Debug)]
pub struct PreparedImport {
    pub(super) identity: Identity,
    pub(super) former_identity: Option<FormerIdentity>,
    /// Slugs that lead to it besides its own.
    pub(super) former_slugs: Vec<String>,
    /// The slug of the row, if it cannot be used. Another one is in `content` then.
    pub(super) refused_slug: Option<RefusedSlug>,
    pub(super) content: Content,
    /// Whether no article was found that it is about.
    pub(super) is_new: bool,
    pub(super) source_hash: Vec<u8>,
    pub(super) slug_is_given: bool,
    pub(super) published_at_is_given: bool,
    pub(super) category_ref: Option<CategoryRef>,
    pub(super) views: Option<i64>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) filter_counts: FilterCounts,
    pub(super) markup_changes: MarkupChanges,
    pub(super) warnings: Vec<Fault>,
}

impl PreparedImport {
    /// The identities by which its article can be found.
    pub(super) fn identities(&self) -> impl Iterator<Item = &Identity> {
        let former = self.former_identity.as_ref().map(|former| &former.identity);
        std::iter::once(&self.identity).chain(former)
    }

    /// The slugs that it wants, its own first.
    pub(super) fn wanted_slugs(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.content.slug).chain(&self.former_slugs).map(String::as_str)
    }
}

/// A row as the writer takes it.
#[derive(Clone, Debug)]
pub struct PreparedRow {
    pub(super) line: u64,
    pub(super) identity_name: Option<String>,
    pub(super) state: RowState,
}

impl PreparedRow {
    pub(super) fn identity(&self) -> Option<&Identity> {
        match &self.state {
            RowState::Failed(_) => None,
            RowState::Unchanged(identity, _) => Some(identity),
            RowState::Prepared(article) => Some(&article.identity),
        }
    }

    /// The article to write, if there is one.
    pub(super) fn article(&self) -> Option<&PreparedImport> {
        match &self.state {
            RowState::Prepared(article) => Some(article),
            RowState::Failed(_) | RowState::Unchanged(..) => None,
        }
    }

    /// The article, if the row leaves it as it is.
    pub(super) fn unchanged_resource(&self) -> Option<ResourceRef> {
        match &self.state {
            RowState::Unchanged(_, resource) => Some(resource.clone()),
            RowState::Failed(_) | RowState::Prepared(_) => None,
        }
    }

    /// What was changed of what was sent.
    pub(super) fn warnings(&self) -> Vec<Fault> {
        self.article().map(|article| article.warnings.clone()).unwrap_or_default()
    }

    /// The outcome, if the row has failed already.
    pub(super) fn known_outcome(&self) -> Option<Outcome> {
        match &self.state {
            RowState::Failed(faults) => Some(Outcome::Failed(faults.clone())),
            RowState::Unchanged(..) | RowState::Prepared(_) => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum RowState {
    Failed(Vec<Fault>),
    /// The article has this row's digest.
    Unchanged(Identity, ResourceRef),
    Prepared(Box<PreparedImport>),
}

/// The inputs of preparing a row.
pub struct PrepareContext<'c> {
    /// The parameters of the import.
    pub params: &'c ImportParams,
    /// The articles that exist.
    pub existing: &'c ExistingArticles,
    /// The categories.
    pub tree: &'c Tree,
    /// Makes the bodies safe.
    pub sanitiser: &'c Sanitiser,
    /// The current time, by the database's clock.
    pub now: DateTime<Utc>,
}

/// Parses rows on all cores.
pub fn parse_rows(
    rows: Vec<RawRow>,
    params: &ImportParams,
    sanitiser: &Sanitiser,
) -> Vec<Result<ParsedRow, PreparedRow>> {
    let status = params.status.map_or("", Status::as_str);
    let dates = params.json_dates();
    let in_zone = dates.map_or(String::new(), |dates| format!("{dates:?}"));
    let salt = format!("{}{:?}{status}{in_zone}", sanitiser.fingerprint(), params.clean);
    rows.into_par_iter().map(|row| parse_row(&row, &salt, dates.as_ref(), params.encoding_errors())).collect()
}

fn parse_row(
    row: &RawRow,
    salt: &str,
    dates: Option<&DateStyle>,
    errors: EncodingErrors,
) -> Result<ParsedRow, PreparedRow> {
    let line = row.line;
    let failed = |faults| PreparedRow { line, identity_name: None, state: RowState::Failed(faults) };
    let RowValue { mut value, faults, warning } =
        row.text.parse(errors).map_err(|fault| failed(vec![fault]))?;
    let text = match &row.text {
        // The text of a row with a warning has offsets in it.
        RawText::Json(text) if warning.is_none() => Cow::Borrowed(text.as_slice()),
        _ => Cow::Owned(value.to_string().into_bytes()),
    };
    // A key that is refused later must not reach the database before: it may hold a NUL, or megabytes.
    let is_plausible = |text: &&str| {
        !text.trim().is_empty() && !text.contains('\0') && text.chars().nth(MAX_KEY_CHARS).is_none()
    };
    let given = |key: &str| value[key].as_str().filter(is_plausible).map(str::to_owned);
    let identity = match (given("external_id"), given("slug")) {
        (Some(id), _) => Identity::ExternalId(id),
        (None, Some(slug)) => Identity::Slug(slug),
        (None, None) => Identity::ExternalId(derive_external_id(&value)),
    };
    let former_id = given("former_external_id").filter(|id| *id != identity.as_str());
    let former_identity = match &identity {
        Identity::ExternalId(_) => former_id.zip(value["source_url"].as_str()),
        Identity::Slug(_) => None,
    };
    let former_identity = former_identity.and_then(|(id, source_url)| FormerIdentity::new(id, source_url));
    let hash = Sha256::new().chain_update(salt).chain_update(text).finalize().to_vec();
    row_filters::normalise_names(&mut value);
    if let Some(dates) = dates {
        dates.read_row(&mut value);
    }
    let warnings = warning.into_iter().chain(row.text.warnings()).collect();
    Ok(ParsedRow { line, identity, former_identity, value, faults, warnings, hash })
}

/// Prepares rows on all cores. Rows whose article is unchanged are not validated again.
pub fn prepare_rows(
    rows: Vec<Result<ParsedRow, PreparedRow>>,
    context: &PrepareContext<'_>,
) -> Vec<PreparedRow> {
    let prepared =
        rows.into_par_iter().map(|row| row.map_or_else(|failed| failed, |row| prepare_row(row, context)));
    prepared.collect()
}

fn prepare_row(parsed: ParsedRow, context: &PrepareContext<'_>) -> PreparedRow {
    let (line, identity_name) = (parsed.line, parsed.identity.as_str().to_owned());
    let former = || parsed.former_identity.as_ref().and_then(|former| context.existing.find_former(former));
    let existing = context.existing.get(&parsed.identity).or_else(former);
    let unchanged = existing.filter(|existing| is_unchanged(&parsed, existing, context));
    let state = match unchanged {
        Some(existing) => RowState::Unchanged(parsed.identity, existing.to_resource()),
        None => match build_article(parsed, existing, context) {
            Ok(article) => RowState::Prepared(Box::new(article)),
            Err(faults) => RowState::Failed(faults),
        },
    };
    PreparedRow { line, identity_name: Some(identity_name), state }
}

/// Whether the article is still as this row has left it. Compares digests and the category.
fn is_unchanged(parsed: &ParsedRow, existing: &ExistingArticle, context: &PrepareContext<'_>) -> bool {
    let has_same_hash = existing.source_hash.as_ref() == Some(&parsed.hash) && !existing.trashed;
    // Look the category up again: a category can have been renamed.
    let conflicts = context.params.slug_conflicts();
    let category_ref = || CategoryRef::parse(&parsed.value["category"], conflicts).ok()?.0;
    let category = || category_ref().and_then(|found| found.find(context.tree).map(|row| row.id));
    has_same_hash && context.params.mode() != Mode::Create && category() == existing.category_id
}

/// Filters, validates and renders a row. Returns all its faults together.
fn build_article(
    mut parsed: ParsedRow,
    existing: Option<&ExistingArticle>,
    context: &PrepareContext<'_>,
) -> Result<PreparedImport, Vec<Fault>> {
    let (filter_counts, filtered) = row_filters::clean_row(&mut parsed.value, context.params.text_filters());
    let mut warnings = [parsed.warnings, filtered].concat();
    context.params.set_default_status(&mut parsed.value);
    let (row, conflicts) = (&mut parsed.value, context.params.slug_conflicts());
    let ExtraKeys { category_ref, created_at, former_slugs, refused_slug } =
        extra_keys::take_extra_keys(row, conflicts, &mut parsed.faults, &mut warnings);
    let mut new: NewArticle = checked(parsed.value, parsed.faults).map_err(into_faults)?;
    new.external_id = parsed.identity.external_id();
    let cover_fault = new.settle_cover(context.sanitiser.media_bases());
    let body = std::mem::take(&mut new.body);
    let body = render_body::render(context.sanitiser, body, new.format(), MAX_BODY_CHARS);
    warnings.extend(render_body::warn_of_body(&body));
    let markup_changes = body.as_ref().map(|body| body.changes.clone()).unwrap_or_default();
    let slug_is_given = new.slug.is_some() && refused_slug.is_none();
    let (published_at_is_given, views) = (new.published_at.is_some(), new.views);
    keep_unspecified(&mut new, existing);
    let category = category_ref.as_ref().and_then(|found| found.find(context.tree)).map(|row| row.id);
    let content = new
        .into_content(body, category, Some(context.now), Vec::from_iter(cover_fault))
        .map_err(into_faults)?;
    Ok(PreparedImport {
        identity: parsed.identity,
        former_identity: parsed.former_identity,
        former_slugs,
        refused_slug,
        content,
        is_new: existing.is_none(),
        source_hash: parsed.hash,
        slug_is_given,
        published_at_is_given,
        category_ref,
        views,
        created_at,
        filter_counts,
        markup_changes,
        warnings,
    })
}

/// Gives a row the slug and the publication time of its article, if it has none.
fn keep_unspecified(new: &mut NewArticle, existing: Option<&ExistingArticle>) {
    let Some(existing) = existing else { return };
    new.slug.get_or_insert_with(|| existing.slug.clone());
    let published_at = existing.published_at.filter(|_| new.status == Some(Status::Published));
    new.published_at = new.published_at.or(published_at);
}

fn into_faults(error: crate::error::Error) -> Vec<Fault> {
    error.into_faults().unwrap_or_else(|_| vec![Fault::body("", Code::InvalidBody, "cannot be read")])
}
