//! Categories and notices, which are written one by one, with the functions of single writes.

use rayon::prelude::*;
use serde_json::{Value, json};

use super::articles::identity::{Identity, derive_external_id};
use super::category_ref::CategoryRef;
use super::job::{Job, Resource};
use super::outcome::{BatchResult, Outcome, RowOutcome, kept_in_trash};
use super::params::{ImportParams, Mode, SlugConflicts};
use super::rows::{RawRow, RowValue};
use crate::categories::view::{CategoryPatch, NewCategory};
use crate::changes::model::Actor;
use crate::error::{At, Code, Error, Fault, Result};
use crate::http::body::checked;
use crate::http::patch::Patch;
use crate::http::pointer::truncate_key;
use crate::interchange::row_filters;
use crate::interchange::text_filters::FilterCounts;
use crate::markup::Sanitiser;
use crate::markup::changes::MarkupChanges;
use crate::notices::input::NewNotice;
use crate::notices::writing::PreparedNotice;
use crate::tx::Tx;
use crate::{categories, db, notices};

/// A row that was parsed and filtered, and rendered if it is a notice.
pub struct SingleRow {
    line: u64,
    identity: Option<String>,
    filter_counts: FilterCounts,
    markup_changes: MarkupChanges,
    warnings: Vec<Fault>,
    content: Result<RowContent, Vec<Fault>>,
}

/// What a row is to write.
enum RowContent {
    /// A category and the faults of its keys. It is checked when its parent can be found.
    Category(Value, Vec<Fault>),
    /// A notice, and what it is found by.
    Notice(Identity, Box<PreparedNotice>),
}

/// Parses, filters and renders rows on all cores, before their transaction begins.
pub fn prepare_rows(
    resource: Resource,
    params: &ImportParams,
    sanitiser: &Sanitiser,
    rows: &[RawRow],
) -> Result<Vec<SingleRow>> {
    let prepare = |row: &RawRow| match row.text.parse(params.encoding_errors()) {
        Ok(parsed) => {
            let mut prepared = prepare_row(resource, params, sanitiser, row.line, parsed)?;
            prepared.warnings.splice(0..0, row.text.warnings());
            Ok(prepared)
        }
        Err(fault) => {
            let (filter_counts, markup_changes, warnings) = <_>::default();
            let (line, content) = (row.line, Err(vec![fault]));
            Ok(SingleRow { line, identity: None, filter_counts, markup_changes, warnings, content })
        }
    };
    rows.par_iter().map(prepare).collect()
}

fn prepare_row(
    resource: Resource,
    params: &ImportParams,
    sanitiser: &Sanitiser,
    line: u64,
    parsed: RowValue,
) -> Result<SingleRow> {
    let RowValue { mut value, faults, warning } = parsed;
    let identity = ["external_id", "slug"].iter().find_map(|key| value[*key].as_str()).map(truncate_key);
    // Of all that the row says, so that it is the same id as before anything was changed.
    let derived_id = derive_external_id(&value);
    row_filters::normalise_names(&mut value);
    if let Some(dates) = params.json_dates() {
        dates.read_row(&mut value);
    }
    let (filter_counts, mut warnings) = row_filters::clean_row(&mut value, params.text_filters());
    warnings.extend(warning);
    let content = match resource {
        Resource::Categories => Ok(RowContent::Category(value, faults)),
        Resource::Notices | Resource::Articles => {
            params.set_default_status(&mut value);
            prepare_notice(sanitiser, value, faults, derived_id)?
        }
    };
    let mut markup_changes = MarkupChanges::default();
    if let Ok(RowContent::Notice(_, notice)) = &content {
        markup_changes = notice.markup_changes();
        warnings.extend(notice.warnings());
    }
    Ok(SingleRow { line, identity, filter_counts, markup_changes, warnings, content })
}

/// Checks and renders a notice. A row without an external id is known by its slug; one without both gets `derived_id`.
fn prepare_notice(
    sanitiser: &Sanitiser,
    value: Value,
    faults: Vec<Fault>,
    derived_id: String,
) -> Result<Result<RowContent, Vec<Fault>>> {
    let mut new: NewNotice = match checked(value, faults) {
        Ok(new) => new,
        Err(error) => return Ok(Err(error.into_faults()?)),
    };
    let identity = match (&new.external_id, &new.slug) {
        (None, Some(slug)) => Identity::Slug(slug.clone()),
        _ => Identity::ExternalId(new.external_id.get_or_insert(derived_id).clone()),
    };
    let notice = notices::writing::prepare_notice_here(sanitiser, new);
    Ok(Ok(RowContent::Notice(identity, Box::new(notice))))
}

/// Writes rows, each in a savepoint, and returns their outcomes. A row that fails is rolled back.
pub async fn write_rows(tx: &mut Tx, job: &Job, rows: &[SingleRow]) -> Result<BatchResult> {
    let mut filter_counts = FilterCounts::default();
    let mut markup_changes = MarkupChanges::default();
    let mut outcomes = Vec::with_capacity(rows.len());
    db::allow_bulk(tx).await?;
    for row in rows {
        filter_counts += row.filter_counts;
        let outcome = match &row.content {
            Ok(content) => match tx.try_step(async |tx: &mut Tx| write_row(tx, job, content).await).await? {
                Ok(outcome) => outcome,
                Err(error) => Outcome::Failed(error.into_faults()?),
            },
            Err(faults) => Outcome::Failed(faults.clone()),
        };
        if matches!(outcome, Outcome::Created | Outcome::Updated) {
            markup_changes += &row.markup_changes;
        }
        let (identity, mut warnings) = (row.identity.clone(), row.warnings.clone());
        warnings.extend(matches!(outcome, Outcome::KeptInTrash).then(kept_in_trash));
        outcomes.push(RowOutcome { line: row.line, identity, resource: None, outcome, warnings });
    }
    let (created_categories, overwritten_edits) = (0, 0);
    Ok(BatchResult { outcomes, filter_counts, markup_changes, created_categories, overwritten_edits })
}

async fn write_row(tx: &mut Tx, job: &Job, content: &RowContent) -> Result<Outcome> {
    match content {
        RowContent::Category(value, faults) => {
            write_category(tx, &job.params, job.actor, value.clone(), faults.clone()).await
        }
        RowContent::Notice(identity, notice) => {
            write_notice(tx, &job.params, job.actor, identity, (**notice).clone()).await
        }
    }
}

/// Refuses an existing resource in mode `create` and a missing one in mode `update`.
fn check_mode(mode: Mode, exists: bool, key: &str) -> Result<()> {
    let fault = match (mode, exists) {
        (Mode::Create, true) => Fault::body(key, Code::ExternalIdTaken, "already exists"),
        (Mode::Update, false) => Fault::body(key, Code::UnknownReference, "not found"),
        _ => return Ok(()),
    };
    Err(Error::Faults(fault.code, vec![fault]))
}

/// Writes a category. It is found by its slug, or else by its name and its parent.
async fn write_category(
    tx: &mut Tx,
    params: &ImportParams,
    actor: Actor,
    mut value: Value,
    mut faults: Vec<Fault>,
) -> Result<Outcome> {
    let tree = categories::queries::lock_tree(tx).await?;
    let parent = value.get_mut("parent").map(Value::take).unwrap_or_default();
    let parent = match CategoryRef::parse(&parent, SlugConflicts::Refuse).map(|(parent, _)| parent) {
        Ok(None) => None,
        Ok(Some(category_ref)) => category_ref.find(&tree).map(|row| row.id).or_else(|| {
            faults.push(Fault::body("/parent", Code::UnknownReference, "unknown category"));
            None
        }),
        Err(fault) => {
            faults.push(Fault { at: At::Pointer("/parent".to_owned()), ..fault });
            None
        }
    };
    value["parent"] = json!(parent);
    let new: NewCategory = checked(value, faults)?;
    let existing = match &new.slug {
        Some(slug) => tree.find(&crate::http::id_or_slug::IdOrSlug::parse(slug)),
        None => tree.children(parent).find(|row| row.content.name == new.name),
    };
    check_mode(params.mode(), existing.is_some(), "/slug")?;
    let Some(row) = existing else {
        let content = categories::writing::new_content(&tree, new)?;
        categories::writing::add_category(tx, actor, &tree, &content).await?;
        return Ok(Outcome::Created);
    };
    let patch = CategoryPatch {
        name: Some(new.name),
        slug: None,
        parent: parent.map_or(Patch::Clear, |id| Patch::Set(id.to_string())),
        description: Some(new.description),
        position: Some(new.position),
    };
    let changed = categories::writing::patch_category(tx, actor, &tree, row, patch).await?.is_some();
    Ok(if changed { Outcome::Updated } else { Outcome::Unchanged })
}

/// Writes a notice. It is found by its external id, or else by a slug that it has or has had.
async fn write_notice(
    tx: &mut Tx,
    params: &ImportParams,
    actor: Actor,
    identity: &Identity,
    notice: PreparedNotice,
) -> Result<Outcome> {
    let (existing, key) = match identity {
        Identity::ExternalId(id) => (notices::queries::lock_external(tx, id).await?, "/external_id"),
        Identity::Slug(slug) => (notices::queries::slugs::lock_by_any_slug(tx, slug).await?, "/slug"),
    };
    check_mode(params.mode(), existing.is_some(), key)?;
    let Some((row, is_trashed)) = existing else {
        notices::writing::add_notice(tx, actor, notice).await?;
        return Ok(Outcome::Created);
    };
    if is_trashed && !params.restores() {
        return Ok(Outcome::KeptInTrash);
    }
    if is_trashed {
        notices::writing::set_deleted(tx, actor, &row, false).await?;
    }
    let changed = notices::writing::replace_notice(tx, actor, &row, notice).await?.is_some();
    Ok(if changed || is_trashed { Outcome::Updated } else { Outcome::Unchanged })
}
