//! Writes categories and notices one by one, with the functions of single writes.

use serde_json::{Value, json};

use super::articles::identity::derive_external_id;
use super::category_ref::CategoryRef;
use super::job::{Job, Resource};
use super::outcome::{BatchResult, Outcome, RowOutcome};
use super::params::{ImportParams, Mode};
use super::rows::RawRow;
use crate::categories::view::{CategoryPatch, NewCategory};
use crate::changes::model::Actor;
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::checked;
use crate::http::patch::Patch;
use crate::interchange::row_filters;
use crate::interchange::text_filters::FilterCounts;
use crate::notices::view::NewNotice;
use crate::tx::Tx;
use crate::{categories, notices};

/// A row that was parsed, or the fault that prevented it.
#[derive(Clone, Debug)]
pub struct SingleRow {
    line: u64,
    row: Result<(Value, Vec<Fault>), Fault>,
}

impl SingleRow {
    /// Parses a row.
    pub fn parse(row: &RawRow, is_utf8: bool) -> Self {
        Self { line: row.line, row: row.text.parse(is_utf8) }
    }
}

/// Writes rows, each in a savepoint, and returns their outcomes. A row that fails is rolled back.
pub async fn write_rows(tx: &mut Tx, job: &Job, rows: &[SingleRow]) -> Result<BatchResult> {
    let mut filter_counts = FilterCounts::default();
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let (value, faults) = match row.row.clone() {
            Ok(parsed) => parsed,
            Err(fault) => {
                outcomes.push(RowOutcome {
                    line: row.line,
                    identity: None,
                    outcome: Outcome::Failed(vec![fault]),
                });
                continue;
            }
        };
        let identity = ["external_id", "slug"].iter().find_map(|key| value[*key].as_str()).map(str::to_owned);
        let write = async |tx: &mut Tx| write_row(tx, job, value, faults, &mut filter_counts).await;
        let outcome = match tx.try_step(write).await? {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error.into_faults()?),
        };
        outcomes.push(RowOutcome { line: row.line, identity, outcome });
    }
    Ok(BatchResult { outcomes, filter_counts, created_categories: 0 })
}

async fn write_row(
    tx: &mut Tx,
    job: &Job,
    mut value: Value,
    faults: Vec<Fault>,
    filter_counts: &mut FilterCounts,
) -> Result<Outcome> {
    *filter_counts += row_filters::filter_row(&mut value, job.params.text_filters());
    match job.resource {
        Resource::Categories => write_category(tx, &job.params, job.actor, value, faults).await,
        Resource::Notices | Resource::Articles => {
            job.params.set_default_status(&mut value);
            write_notice(tx, &job.params, job.actor, value, faults).await
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
    let parent = match CategoryRef::parse(&parent) {
        Ok(None) => None,
        Ok(Some(category_ref)) => category_ref.find(&tree).map(|row| row.id).or_else(|| {
            faults.push(Fault::body("/parent", Code::UnknownReference, "unknown category"));
            None
        }),
        Err(fault) => {
            faults.push(Fault::body("/parent", fault.code, fault.detail));
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
        categories::writing::add_category(tx, actor, &content).await?;
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

/// Writes a notice. It is found by its external id, which is derived from the row if it has none.
async fn write_notice(
    tx: &mut Tx,
    params: &ImportParams,
    actor: Actor,
    value: Value,
    faults: Vec<Fault>,
) -> Result<Outcome> {
    let derived_id = derive_external_id(&value);
    let mut new: NewNotice = checked(value, faults)?;
    let external_id = new.external_id.get_or_insert(derived_id).clone();
    let existing = notices::queries::lock_external(tx, &external_id).await?;
    check_mode(params.mode(), existing.is_some(), "/external_id")?;
    let notice = notices::writing::prepare_notice(new).await;
    let Some((row, is_trashed)) = existing else {
        notices::writing::add_notice(tx, actor, notice).await?;
        return Ok(Outcome::Created);
    };
    if is_trashed {
        notices::writing::set_deleted(tx, actor, &row, false).await?;
    }
    let changed = notices::writing::replace_notice(tx, actor, &row, notice).await?.is_some();
    Ok(if changed || is_trashed { Outcome::Updated } else { Outcome::Unchanged })
}
