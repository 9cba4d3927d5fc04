//! Writes a batch of articles, with the number of statements independent of its size.
//!
//! In order: load what exists, resolve categories, drop superseded rows, lock and compare, assign
//! slugs, write.

use std::collections::{HashMap, HashSet};

use diesel::result::{DatabaseErrorKind as Kind, Error as DieselError};
use futures_util::future::try_join3;
use uuid::Uuid;

use super::copies::BatchCopies;
use super::identity::Identity;
use super::pending_write::PendingWrite;
use super::prepare::{PreparedImport, PreparedRow};
use super::queries::{self, ExistingArticles, LockedArticle};
use super::slugs;
use crate::categories::model::Tree;
use crate::categories::queries::{load_tree, lock_tree};
use crate::changes::model::Actor;
use crate::db;
use crate::error::{Code, Error, Fault, Result};
use crate::imports::category_ref::{self, CategoryRef};
use crate::imports::outcome::{BatchResult, Outcome, ResourceRef, RowOutcome, kept_in_trash};
use crate::imports::params::{ImportParams, Mode};
use crate::interchange::text_filters::FilterCounts;
use crate::markup::changes::MarkupChanges;
use crate::tx::Tx;

/// The state of a batch while it is written.
struct BatchWrite<'b> {
    params: &'b ImportParams,
    actor: Actor,
    existing: ExistingArticles,
    tree: Tree,
    /// The outcome of each row, as far as it is known.
    outcomes: Vec<Option<Outcome>>,
    /// The article of each row, as far as it is known.
    resources: Vec<Option<ResourceRef>>,
    /// What was changed, by row, besides what was found before the transaction.
    warnings: Vec<Vec<Fault>>,
    created_categories: u64,
    overwritten_edits: u64,
}

/// Writes a batch and returns the outcome of each row. A row that fails is left out.
///
/// Returns a retryable error if another transaction has taken a slug or an id in the meantime.
pub async fn write_batch(
    tx: &mut Tx,
    params: &ImportParams,
    actor: Actor,
    rows: &[PreparedRow],
    copies: &BatchCopies,
) -> Result<BatchResult> {
    let articles = || rows.iter().filter_map(PreparedRow::article);
    let identities = articles().flat_map(PreparedImport::identities);
    let slugs = articles().flat_map(PreparedImport::wanted_slugs).collect();
    // Sent together: one round trip.
    let (_, tree, existing) =
        try_join3(db::allow_bulk(tx), load_tree(tx), queries::find_existing(tx, identities, slugs)).await?;
    let mut batch = BatchWrite {
        params,
        actor,
        existing,
        tree,
        outcomes: rows.iter().map(PreparedRow::known_outcome).collect(),
        resources: rows.iter().map(PreparedRow::unchanged_resource).collect(),
        warnings: vec![Vec::new(); rows.len()],
        created_categories: 0,
        overwritten_edits: 0,
    };
    let mut pending = batch.resolve_categories(tx, rows).await?;
    batch.drop_superseded(rows, &mut pending);
    batch.lock_and_compare(tx, rows, &mut pending).await?;
    copies.skip_copies_of_articles(&mut pending, &mut batch.outcomes, &mut batch.warnings);
    slugs::assign_slugs(params.slug_conflicts(), &batch.existing, &mut pending, &mut batch.outcomes);
    copies.tell(rows, &mut pending, &mut batch.outcomes, &mut batch.warnings);
    let (filter_counts, markup_changes) = batch.store(tx, pending).await?;
    let (created_categories, overwritten_edits) = (batch.created_categories, batch.overwritten_edits);
    let outcomes = batch.into_outcomes(rows);
    Ok(BatchResult { outcomes, filter_counts, markup_changes, created_categories, overwritten_edits })
}

impl BatchWrite<'_> {
    fn fail(&mut self, index: usize, faults: Vec<Fault>) {
        self.outcomes[index] = Some(Outcome::Failed(faults));
    }

    /// Collects the articles to write. Finds the category of each, or creates it if the
    /// parameters allow that.
    async fn resolve_categories<'b>(
        &mut self,
        tx: &mut Tx,
        rows: &'b [PreparedRow],
    ) -> Result<Vec<PendingWrite<'b>>> {
        let articles = || rows.iter().enumerate().filter_map(|(index, row)| Some((index, row.article()?)));
        let is_missing = |article: &PreparedImport| {
            article.category_ref.as_ref().is_some_and(|category| category.find(&self.tree).is_none())
        };
        if self.params.creates_categories() && articles().any(|(_, article)| is_missing(article)) {
            self.tree = lock_tree(tx).await?;
        }
        let mut pending = Vec::with_capacity(rows.len());
        for (index, article) in articles() {
            let mut write = PendingWrite::new(index, article);
            let category = match &article.category_ref {
                Some(category_ref) => self.find_or_create_category(tx, index, category_ref).await?.map(Some),
                None => Ok(None),
            };
            match category {
                Ok(category) => write.change_content(
                    |content| content.category_id != category,
                    |content| content.category_id = category,
                ),
                Err(faults) => {
                    self.fail(index, faults);
                    continue;
                }
            }
            pending.push(write);
        }
        Ok(pending)
    }

    /// Finds the category of the row at `index`, or creates it if the parameters allow that.
    async fn find_or_create_category(
        &mut self,
        tx: &mut Tx,
        index: usize,
        category_ref: &CategoryRef,
    ) -> Result<Result<Uuid, Vec<Fault>>> {
        if let Some(category) = category_ref.find(&self.tree) {
            self.warnings[index].extend(category_ref.warn_of_descriptions(&self.tree, category));
            return Ok(Ok(category.id));
        }
        if !self.params.creates_categories() {
            return Ok(Err(vec![category_ref::unknown_category()]));
        }
        match category_ref.create_missing(tx, self.actor, &mut self.tree).await {
            Ok(created) => {
                self.created_categories += created.count;
                self.warnings[index].extend(created.warnings);
                Ok(Ok(created.id))
            }
            Err(error) => Ok(Err(error.into_faults()?)),
        }
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
    async fn lock_and_compare(
        &mut self,
        tx: &mut Tx,
        rows: &[PreparedRow],
        pending: &mut Vec<PendingWrite<'_>>,
    ) -> Result<()> {
        let ids = self.find_ids(rows, pending);
        let mut locked = queries::lock_articles(tx, ids.iter().flatten().copied().collect()).await?;
        let mut changed = Vec::with_capacity(pending.len());
        for (mut write, id) in pending.drain(..).zip(ids) {
            let before = id.and_then(|id| locked.remove(&id));
            if before.as_ref().is_some_and(|before| !write.article.is_about(before)) {
                return Err(Error::Contended("imports: an article has got another external id".to_owned()));
            }
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
                    if let Some(outcome) = self.keep_existing(&mut write, before) {
                        self.end_row(write, outcome, &before.article.content.slug);
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

    /// The id of the article that each row is about. One article of a former id is that of the first row that names
    /// it, unless a row is about that id itself.
    fn find_ids(&self, rows: &[PreparedRow], pending: &[PendingWrite<'_>]) -> Vec<Option<Uuid>> {
        let identities: HashSet<&Identity> = rows.iter().filter_map(PreparedRow::identity).collect();
        let mut taken_over = HashSet::new();
        let find_id = |write: &PendingWrite<'_>| {
            if let Some(existing) = self.existing.get(&write.article.identity) {
                return Some(existing.id);
            }
            let former = write.article.former_identity.as_ref();
            let former = former.filter(|former| !identities.contains(&former.identity))?;
            let id = self.existing.find_former(former)?.id;
            taken_over.insert(id).then_some(id)
        };
        pending.iter().map(find_id).collect()
    }

    /// The outcome of a row that leaves its article as it is. Otherwise warns of the edits that it replaces.
    fn keep_existing(&self, write: &mut PendingWrite<'_>, before: &LockedArticle) -> Option<Outcome> {
        if before.trashed && !self.params.restores() {
            write.warnings.push(kept_in_trash());
            return Some(Outcome::KeptInTrash);
        }
        let is_claimed = |slug: &String| self.existing.find_slug_owner(slug).is_some();
        if write.article.changes_nothing(before) && write.article.former_slugs.iter().all(is_claimed) {
            return Some(Outcome::Unchanged);
        }
        let old_title = &before.article.content.title;
        if self.params.tells_titles() && write.article.content.title != *old_title {
            let fault =
                Fault::body("/title", Code::TitleReplaced, "the article with this id had the title {from}");
            write.warnings.push(fault.with("from", old_title.clone()));
        }
        let fields = if before.edited { write.changed_fields(before) } else { Vec::new() };
        if fields.is_empty() {
            return None;
        }
        if self.params.keeps_edited() {
            let detail = "was edited here and stays as it is; the row differs in {fields}";
            let fault = Fault::body("", Code::EditsKept, detail);
            write.warnings.push(fault.with("fields", fields.join(", ")));
            return Some(Outcome::KeptEdited);
        }
        write.overwrites_edits = true;
        let fault = Fault::body("", Code::EditsOverwritten, "replaced what was edited here: {fields}");
        write.warnings.push(fault.with("fields", fields.join(", ")));
        None
    }

    /// Notes what became of a row, and of which article.
    fn end_row(&mut self, write: PendingWrite<'_>, outcome: Outcome, slug: &str) {
        let PendingWrite { index, id, warnings, .. } = write;
        self.outcomes[index] = Some(outcome);
        self.resources[index] = Some(ResourceRef { id, slug: slug.to_owned() });
        self.warnings[index].extend(warnings);
    }

    /// Writes all pending rows, in one statement.
    async fn store(
        &mut self,
        tx: &mut Tx,
        mut pending: Vec<PendingWrite<'_>>,
    ) -> Result<(FilterCounts, MarkupChanges)> {
        let mut writes: Vec<_> = pending.iter().map(PendingWrite::to_article_write).collect();
        // All imports insert in the same order, so that two with the same rows do not deadlock.
        writes.sort_unstable_by_key(|write| {
            (write.content.external_id.as_deref(), write.content.slug.as_str())
        });
        queries::write_articles(tx, &writes, self.actor).await.map_err(map_conflicts)?;
        slugs::claim_former_slugs(tx, &mut pending).await?;
        let (mut filter_counts, mut markup_changes) = (FilterCounts::default(), MarkupChanges::default());
        for write in pending {
            filter_counts += write.article.filter_counts;
            markup_changes += &write.article.markup_changes;
            self.overwritten_edits += u64::from(write.overwrites_edits);
            let outcome = if write.before.is_some() { Outcome::Updated } else { Outcome::Created };
            let slug = write.article.content.slug.clone();
            self.end_row(write, outcome, &slug);
        }
        Ok((filter_counts, markup_changes))
    }

    /// The outcome of each row.
    fn into_outcomes(self, rows: &[PreparedRow]) -> Vec<RowOutcome> {
        let found = self.outcomes.into_iter().zip(self.resources).zip(self.warnings);
        let outcomes = rows.iter().zip(found).map(|(row, ((outcome, resource), warnings))| RowOutcome {
            line: row.line,
            identity: row.identity_name.clone(),
            resource,
            outcome: outcome.unwrap_or(Outcome::Unchanged),
            warnings: [row.warnings(), warnings].concat(),
        });
        outcomes.collect()
    }
}

/// Maps conflicts with other transactions to retryable errors: another transaction has taken a
/// slug or an id, or has deleted a category.
fn map_conflicts(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(Kind::UniqueViolation | Kind::ForeignKeyViolation, _) => {
            Error::Contended("imports: conflict with another transaction".to_owned())
        }
        other => other.into(),
    }
}
