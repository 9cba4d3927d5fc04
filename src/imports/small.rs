//! Categories and notices: few enough to be written one by one, by what single writes use.

use serde_json::{Value, json};

use super::articles::own_id;
use super::category_ref::CategoryRef;
use super::cleaning;
use super::params::{ImportParams, Mode};
use super::report::{Cleaned, Outcome, RowOutcome};
use super::rows::RawRow;
use super::writer::{Job, Resource, Written};
use crate::categories::view::{CategoryPatch, NewCategory};
use crate::changes::model::Actor;
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::checked;
use crate::http::patch::Patch;
use crate::notices::view::NewNotice;
use crate::tx::Tx;
use crate::{categories, notices};

/// The keys of a category's row.
pub const CATEGORY_KEYS: &[&str] = &["slug", "name", "parent", "description", "position"];
/// The keys of a notice's row.
pub const NOTICE_KEYS: &[&str] = &[
    "external_id",
    "kind",
    "title",
    "body",
    "body_format",
    "pinned",
    "audience",
    "status",
    "published_at",
    "expires_at",
];

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
        let written = tx.try_step(async |tx| one(tx, job, value, faults, &mut cleaned).await).await?;
        let outcome = match written {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error.into_faults()?),
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
    *cleaned += cleaning::row(&mut value, &job.params);
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
    let notice = notices::writing::prepare_notice(new).await;
    let Some((row, trashed)) = known else {
        notices::writing::add_notice(tx, actor, notice).await?;
        return Ok(Outcome::Created);
    };
    if trashed {
        notices::writing::set_deleted(tx, actor, &row, false).await?;
    }
    let changed = notices::writing::replace_notice(tx, actor, &row, notice).await?.is_some();
    Ok(if changed || trashed { Outcome::Updated } else { Outcome::Unchanged })
}
