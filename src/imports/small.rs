//! Categories and notices: few enough to be written one by one, by what single writes use.

use diesel_async::{AnsiTransactionManager, TransactionManager};
use serde_json::{Value, json};

use super::articles::identity::own_id;
use super::category_ref::CategoryRef;
use super::job::{Job, Resource};
use super::outcome::{Outcome, RowOutcome, Written};
use super::params::{ImportParams, Mode};
use super::rows::RawRow;
use crate::app::Tx;
use crate::categories::view::{CategoryPatch, NewCategory};
use crate::changes::model::Actor;
use crate::db::types::Status;
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::checked;
use crate::http::patch::Patch;
use crate::interchange::row_filters;
use crate::interchange::text_filters::Cleaned;
use crate::notices::view::NewNotice;
use crate::{categories, db, notices};

/// A row that has been read, or could not be.
#[derive(Clone, Debug)]
pub struct SingleRow {
    line: u64,
    row: Result<(Value, Vec<Fault>), Fault>,
}

impl SingleRow {
    /// Reads a row.
    pub fn read(row: &RawRow, is_utf8: bool) -> Self {
        Self { line: row.line, row: row.text.parse(is_utf8) }
    }
}

/// Writes rows one after another and says what became of each; one that fails leaves nothing behind.
pub async fn write(tx: &mut Tx, job: &Job, rows: &[SingleRow]) -> Result<Written> {
    let mut cleaned = Cleaned::default();
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let (value, faults) = match row.row.clone() {
            Ok(read) => read,
            Err(fault) => {
                outcomes.push(RowOutcome {
                    line: row.line,
                    name: None,
                    outcome: Outcome::Failed(vec![fault]),
                });
                continue;
            }
        };
        let name = ["external_id", "slug"].iter().find_map(|key| value[*key].as_str()).map(str::to_owned);
        AnsiTransactionManager::begin_transaction(tx).await?;
        let outcome = match one(tx, job, value, faults, &mut cleaned).await {
            Ok(outcome) => {
                AnsiTransactionManager::commit_transaction(tx).await?;
                outcome
            }
            Err(error) => {
                let faults = error.into_faults()?;
                AnsiTransactionManager::rollback_transaction(tx).await?;
                Outcome::Failed(faults)
            }
        };
        outcomes.push(RowOutcome { line: row.line, name, outcome });
    }
    Ok(Written { outcomes, cleaned, categories: 0 })
}

async fn one(
    tx: &mut Tx,
    job: &Job,
    mut value: Value,
    faults: Vec<Fault>,
    cleaned: &mut Cleaned,
) -> Result<Outcome> {
    *cleaned += row_filters::row(&mut value, job.params.cleanings());
    match job.resource {
        Resource::Categories => category(tx, &job.params, job.actor, value, faults).await,
        Resource::Notices | Resource::Articles => {
            job.params.give_status(&mut value);
            notice(tx, &job.params, job.actor, value, faults).await
        }
    }
}

/// Refuses what the mode does not allow for a thing that is there, or is not.
fn allowed(mode: Mode, exists: bool, key: &str) -> Result<()> {
    let refused = match (mode, exists) {
        (Mode::Create, true) => Fault::body(key, Code::ExternalIdTaken, "is there already"),
        (Mode::Update, false) => Fault::body(key, Code::UnknownReference, "names nothing that is there"),
        _ => return Ok(()),
    };
    Err(Error::Faults(refused.code, vec![refused]))
}

/// A category is known by its slug, or else by its name in its parent.
async fn category(
    tx: &mut Tx,
    params: &ImportParams,
    actor: Actor,
    mut value: Value,
    mut faults: Vec<Fault>,
) -> Result<Outcome> {
    let tree = categories::queries::lock_tree(tx).await?;
    let parent = value.get_mut("parent").map(Value::take).unwrap_or_default();
    let parent = match CategoryRef::read(&parent) {
        Ok(None) => None,
        Ok(Some(place)) => place.find(&tree).map(|row| row.id).or_else(|| {
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
    let known = match &new.slug {
        Some(slug) => tree.find(&crate::http::id_or_slug::IdOrSlug::parse(slug)),
        None => tree.children(parent).find(|row| row.content.name == new.name),
    };
    allowed(params.mode(), known.is_some(), "/slug")?;
    let Some(row) = known else {
        let content = categories::handlers::new_content(&tree, new)?;
        categories::handlers::add(tx, actor, &content).await?;
        return Ok(Outcome::Created);
    };
    let patch = CategoryPatch {
        name: Some(new.name),
        slug: None,
        parent: parent.map_or(Patch::Clear, |id| Patch::Set(id.to_string())),
        description: Some(new.description),
        position: Some(new.position),
    };
    let changed = categories::handlers::change(tx, actor, &tree, row, patch).await?;
    Ok(if changed { Outcome::Updated } else { Outcome::Unchanged })
}

/// A notice is known by its external id; one without is known by all that it says.
async fn notice(
    tx: &mut Tx,
    params: &ImportParams,
    actor: Actor,
    value: Value,
    faults: Vec<Fault>,
) -> Result<Outcome> {
    let own = own_id(&value);
    let mut new: NewNotice = checked(value, faults)?;
    let external_id = new.external_id.get_or_insert(own).clone();
    let known = notices::queries::lock_external(tx, &external_id).await?;
    allowed(params.mode(), known.is_some(), "/external_id")?;
    let now = db::now(tx).await?;
    let Some((row, trashed)) = known else {
        let content = new.content(now).await?;
        notices::handlers::add(tx, actor, &content).await?;
        return Ok(Outcome::Created);
    };
    let kept = row.content.published_at.filter(|_| new.status == Some(Status::Published));
    new.published_at = new.published_at.or(kept);
    let after = new.content(now).await?;
    if trashed {
        notices::handlers::move_across(tx, actor, row.id, false).await?;
    }
    let changed = notices::handlers::replace(tx, actor, &row, &after).await?.is_some();
    Ok(if changed || trashed { Outcome::Updated } else { Outcome::Unchanged })
}
