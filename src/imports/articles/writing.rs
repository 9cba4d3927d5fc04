//! Writes a batch of articles, with the number of statements independent of its size.
//!
//! The passes, in order: rows to write, categories, superseded rows, locks and comparison,
//! slugs, statements.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use diesel::result::{DatabaseErrorKind as Kind, Error as DieselError};
use uuid::Uuid;

use super::identity::Identity;
use super::pending_write::PendingWrite;
use super::prepare::{PrepareContext, PreparedBatch, PreparedRow, RowState, is_unchanged, prepare_row};
use super::queries::{self, ExistingArticle};
use crate::categories::model::Tree;
use crate::categories::queries::{load_tree, lock_tree};
use crate::changes::model::Actor;
use crate::error::{Code, Error, Fault, Result};
use crate::imports::category_ref;
use crate::imports::outcome::{BatchResult, Outcome, RowOutcome};
use crate::imports::params::{ImportParams, Mode};
use crate::interchange::text_filters::FilterCounts;
use crate::tx::Tx;
use crate::{db, slug};

/// Fewest new rows of a batch for which a second, parallel transaction is used.
pub const PARALLEL_MIN_ROWS: usize = 500;
/// Slugs tried for a title whose slug is in use.
const MAX_SLUG_ATTEMPTS: usize = 5;

/// The state of a batch while it is written.
struct BatchWrite<'b> {
    params: &'b ImportParams,
    actor: Actor,
    existing: Cow<'b, HashMap<Identity, ExistingArticle>>,
    tree: Tree,
    /// The outcome of each row, as far as it is known.
    outcomes: Vec<Option<Outcome>>,
    created_categories: u64,
}

/// Writes a batch and returns the outcome of each row. A row that fails is left out.
///
/// `snapshot_is_fresh` tells that this import has not written to the batch's articles since
/// they were loaded. Half of the new rows is written through `parallel_tx`, if there is one.
///
/// Returns a retryable error if another transaction has taken a slug or an id in the meantime.
pub async fn write_batch(
    tx: &mut Tx,
    parallel_tx: Option<&mut Tx>,
    params: &ImportParams,
    actor: Actor,
    prepared: &PreparedBatch,
    snapshot_is_fresh: bool,
) -> Result<BatchResult> {
    let rows = &prepared.rows;
    let existing = match snapshot_is_fresh {
        true => Cow::Borrowed(&prepared.existing),
        false => Cow::Owned(queries::find_existing(tx, prepared.identities()).await?),
    };
    let mut batch = BatchWrite {
        params,
        actor,
        existing,
        tree: load_tree(tx).await?,
        outcomes: vec![None; rows.len()],
        created_categories: 0,
    };
    let mut pending = batch.rows_to_write(tx, rows).await?;
    batch.resolve_categories(tx, &mut pending).await?;
    batch.drop_superseded(rows, &mut pending);
    let failed_before = batch.count_failed();
    batch.lock_and_compare(tx, &mut pending).await?;
    batch.assign_slugs(tx, &mut pending).await?;
    if snapshot_is_fresh && params.mode() == Mode::Update && batch.count_failed() > failed_before {
        // The missing articles can have been created after the snapshot was loaded.
        return Err(retryable_error("rows have failed against an old snapshot"));
    }
    let filter_counts = batch.store(tx, parallel_tx, &pending).await?;
    let outcomes = rows.iter().zip(batch.outcomes).map(|(row, outcome)| RowOutcome {
        line: row.line,
        identity: row.identity_name.clone(),
        outcome: outcome.unwrap_or(Outcome::Unchanged),
    });
    Ok(BatchResult {
        outcomes: outcomes.collect(),
        filter_counts,
        created_categories: batch.created_categories,
    })
}

impl BatchWrite<'_> {
    fn count_failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| matches!(outcome, Some(Outcome::Failed(_)))).count()
    }

    fn fail(&mut self, index: usize, faults: Vec<Fault>) {
        self.outcomes[index] = Some(Outcome::Failed(faults));
    }

    /// Collects the rows to write. Prepares rows again whose article has changed since.
    async fn rows_to_write<'b>(
        &mut self,
        tx: &mut Tx,
        rows: &'b [PreparedRow],
    ) -> Result<Vec<PendingWrite<'b>>> {
        let now = db::now(tx).await?;
        let mut pending = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let context = PrepareContext { params: self.params, tree: &self.tree, now };
            let article = match &row.state {
                RowState::Prepared(article) => Cow::Borrowed(&**article),
                RowState::Failed(faults) => {
                    self.fail(index, faults.clone());
                    continue;
                }
                RowState::Unchanged(parsed) => {
                    let existing = self.existing.get(&parsed.identity);
                    if is_unchanged(parsed, existing, &context) {
                        continue;
                    }
                    match prepare_row(*parsed.clone(), existing, &context).state {
                        RowState::Prepared(article) => Cow::Owned(*article),
                        RowState::Failed(faults) => {
                            self.fail(index, faults);
                            continue;
                        }
                        RowState::Unchanged(_) => continue,
                    }
                }
            };
            pending.push(PendingWrite { index, article, id: Uuid::now_v7(), before: None });
        }
        Ok(pending)
    }

    /// Finds the category of each row, or creates it if the parameters allow that.
    async fn resolve_categories(&mut self, tx: &mut Tx, pending: &mut Vec<PendingWrite<'_>>) -> Result<()> {
        let is_missing = |write: &PendingWrite| {
            write.article.category_ref.as_ref().is_some_and(|category| category.find(&self.tree).is_none())
        };
        if self.params.creates_categories() && pending.iter().any(is_missing) {
            self.tree = lock_tree(tx).await?;
        }
        let mut resolved = Vec::with_capacity(pending.len());
        for mut write in pending.drain(..) {
            let Some(category_ref) = write.article.category_ref.clone() else {
                resolved.push(write);
                continue;
            };
            let category = match category_ref.find(&self.tree) {
                Some(category) => Ok(category.id),
                None if !self.params.creates_categories() => Err(vec![category_ref::unknown_category()]),
                None => match category_ref.create_missing(tx, self.actor, &mut self.tree).await {
                    Ok((category, created)) => {
                        self.created_categories += created;
                        Ok(category)
                    }
                    Err(error) => Err(error.into_faults()?),
                },
            };
            match category {
                Ok(category) => {
                    write.change_content(
                        |content| content.category_id != Some(category),
                        |content| content.category_id = Some(category),
                    );
                    resolved.push(write);
                }
                Err(faults) => self.fail(write.index, faults),
            }
        }
        *pending = resolved;
        Ok(())
    }

    /// If several rows have the same identity, keeps the last valid one and marks the others superseded.
    fn drop_superseded(&mut self, rows: &[PreparedRow], pending: &mut Vec<PendingWrite<'_>>) {
        let mut last_lines: HashMap<&Identity, u64> = HashMap::new();
        for (index, row) in rows.iter().enumerate().rev() {
            let Some(identity) = row.identity().filter(|_| self.outcomes[index].is_none()) else { continue };
            match last_lines.get(identity) {
                Some(line) => self.outcomes[index] = Some(Outcome::Superseded(*line)),
                None => {
                    last_lines.insert(identity, row.line);
                }
            }
        }
        pending.retain(|write| self.outcomes[write.index].is_none());
    }

    /// Locks the existing articles and compares them with their rows. Drops rows that change nothing.
    async fn lock_and_compare(&mut self, tx: &mut Tx, pending: &mut Vec<PendingWrite<'_>>) -> Result<()> {
        let existing_id =
            |write: &PendingWrite| self.existing.get(&write.article.identity).map(|existing| existing.id);
        let mut locked = queries::lock_articles(tx, pending.iter().filter_map(existing_id).collect()).await?;
        let mut changed = Vec::with_capacity(pending.len());
        for mut write in pending.drain(..) {
            let id = self.existing.get(&write.article.identity).map(|existing| existing.id);
            let before = id.and_then(|id| locked.remove(&id));
            match (&before, self.params.mode()) {
                (Some(_), Mode::Create) => {
                    let fault = Fault::body("/external_id", Code::ExternalIdTaken, "already exists");
                    self.fail(write.index, vec![fault]);
                    continue;
                }
                (None, Mode::Update) => {
                    let fault = Fault::body("/external_id", Code::UnknownReference, "not found");
                    self.fail(write.index, vec![fault]);
                    continue;
                }
                (None, _) => {}
                (Some(before), _) => {
                    write.id = before.article.id;
                    write.keep_unspecified(before);
                    if write.article.changes_nothing(before) {
                        self.outcomes[write.index] = Some(Outcome::Unchanged);
                        continue;
                    }
                }
            }
            write.before = before;
            changed.push(write);
        }
        *pending = changed;
        Ok(())
    }

    /// Gives every row a slug that no other article uses. A slug made from the title gets a
    /// suffix if it is in use; a given slug fails then.
    async fn assign_slugs(&mut self, tx: &mut Tx, pending: &mut Vec<PendingWrite<'_>>) -> Result<()> {
        let wanted = pending.iter().map(|write| write.article.content.slug.clone()).collect();
        let owners = queries::find_slug_owners(tx, wanted).await?;
        let was_created_meanwhile = |write: &PendingWrite| {
            let content = &write.article.content;
            let owner = owners.get(&content.slug).filter(|owner| owner.id != write.id);
            write.before.is_none() && owner.is_some_and(|owner| owner.external_id == content.external_id)
        };
        if pending.iter().any(was_created_meanwhile) {
            return Err(retryable_error("an article was created since the snapshot"));
        }
        let mut assigned: HashSet<String> = HashSet::new();
        let outcomes = &mut self.outcomes;
        pending.retain_mut(|write| {
            let is_free = |slug: &str, assigned: &HashSet<String>| {
                !assigned.contains(slug) && owners.get(slug).is_none_or(|owner| owner.id == write.id)
            };
            let original = write.article.content.slug.clone();
            let mut slug = original.clone();
            let may_change = !write.article.slug_is_given && write.before.is_none();
            for _ in 0..MAX_SLUG_ATTEMPTS {
                if is_free(&slug, &assigned) || !may_change {
                    break;
                }
                slug = slug::with_suffix(&original);
            }
            if !is_free(&slug, &assigned) {
                let fault = Fault::body("/slug", Code::SlugTaken, "already used by another article");
                outcomes[write.index] = Some(Outcome::Failed(vec![fault]));
                return false;
            }
            write.change_content(|content| content.slug != slug, |content| content.slug.clone_from(&slug));
            assigned.insert(slug)
        });
        Ok(())
    }

    /// Inserts and updates all pending rows. If `parallel_tx` is used, it inserts half of the new rows.
    async fn store(
        &mut self,
        tx: &mut Tx,
        parallel_tx: Option<&mut Tx>,
        pending: &[PendingWrite<'_>],
    ) -> Result<FilterCounts> {
        let (updates, inserts): (Vec<_>, Vec<_>) = pending.iter().partition(|write| write.before.is_some());
        let [updates, mut inserts] = [updates, inserts]
            .map(|writes| writes.into_iter().map(PendingWrite::to_article_write).collect::<Vec<_>>());
        // All imports insert in the same order, so that two with the same rows do not deadlock.
        inserts.sort_unstable_by_key(|write| {
            (write.content.external_id.as_deref(), write.content.slug.as_str())
        });
        // The parallel transaction cannot see categories created in this one.
        let parallel_tx =
            parallel_tx.filter(|_| self.created_categories == 0 && inserts.len() >= PARALLEL_MIN_ROWS);
        let middle = if parallel_tx.is_some() { inserts.len() / 2 } else { inserts.len() };
        let (own_inserts, parallel_inserts) = inserts.split_at(middle);
        let own = async {
            queries::insert_articles(tx, own_inserts, self.actor).await?;
            queries::update_articles(tx, &updates, self.actor).await
        };
        let parallel = async {
            match parallel_tx {
                Some(parallel_tx) => {
                    queries::insert_articles(parallel_tx, parallel_inserts, self.actor).await
                }
                None => Ok(()),
            }
        };
        // Wait for both, even if one fails: a statement whose future is dropped still holds its locks.
        let (own, parallel) = futures_util::future::join(own, parallel).await;
        own.and(parallel).map_err(map_conflicts)?;
        let mut filter_counts = FilterCounts::default();
        for write in pending {
            filter_counts += write.article.filter_counts;
            let outcome = if write.before.is_some() { Outcome::Updated } else { Outcome::Created };
            self.outcomes[write.index] = Some(outcome);
        }
        Ok(filter_counts)
    }
}

/// Maps conflicts with other transactions to retryable errors: another transaction has taken a
/// slug or an id, or has deleted a category.
fn map_conflicts(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(Kind::UniqueViolation | Kind::ForeignKeyViolation, _) => {
            retryable_error("conflict with another transaction")
        }
        other => other.into(),
    }
}

/// An error after which the batch is written again, in a new transaction.
pub fn retryable_error(why: &str) -> Error {
    Error::Contended(format!("imports: {why}"))
}
