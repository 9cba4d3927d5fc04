//! Articles in bulk: a batch into the database, in its own order.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use diesel::result::{DatabaseErrorKind as Kind, Error as DieselError};
use uuid::Uuid;

use super::identity::Identity;
use super::prepare::{Context, Prepared, PreparedBatch, PreparedRow, State, is_known, prepare_one};
use super::queries::{self, Before, ExistingArticle, Line};
use crate::app::Tx;
use crate::articles::model::Content;
use crate::categories::model::Tree;
use crate::categories::queries::{lock_tree, tree};
use crate::changes::model::{Actor, Change};
use crate::db::types::Status;
use crate::error::{Code, Error, Fault, Result};
use crate::imports::category_ref;
use crate::imports::outcome::{Outcome, RowOutcome, Written};
use crate::imports::params::{ImportParams, Mode};
use crate::interchange::text_filters::Cleaned;
use crate::{db, slug};

/// New rows that are worth two transactions.
pub const PARALLEL_MIN_ROWS: usize = 500;
/// How many slugs are tried for a title whose slug is taken.
const SLUG_ATTEMPTS: usize = 5;

/// A row to be written, at its place in the batch.
struct Pending<'b> {
    at: usize,
    /// Its own copy only where the batch changes it.
    row: Cow<'b, Prepared>,
    id: Uuid,
    /// The article as it is, if there is one.
    before: Option<Before>,
}

/// A batch being written.
struct Batch<'b> {
    params: &'b ImportParams,
    actor: Actor,
    standing: Cow<'b, HashMap<Identity, ExistingArticle>>,
    tree: Tree,
    outcomes: Vec<Option<Outcome>>,
    created_categories: u64,
}

/// Writes a batch and says what became of each of its rows.
///
/// `snapshot_is_fresh` says that the import itself has not touched the portion's articles since it looked.
/// Some of it goes through `beside`, a second transaction, to be written at the same time.
/// A row that cannot be written is left out and told. Fails, and is to be
/// repeated from the start, when somebody else took a slug or an id meanwhile.
pub async fn write(
    tx: &mut Tx,
    beside: Option<&mut Tx>,
    params: &ImportParams,
    actor: Actor,
    portion: &PreparedBatch,
    snapshot_is_fresh: bool,
) -> Result<Written> {
    let rows = &portion.rows;
    let standing = match snapshot_is_fresh {
        true => Cow::Borrowed(&portion.standing),
        false => Cow::Owned(queries::standing(tx, portion.identities()).await?),
    };
    let mut batch = Batch {
        params,
        actor,
        standing,
        tree: tree(tx).await?,
        outcomes: vec![None; rows.len()],
        created_categories: 0,
    };
    let mut pending = batch.rows_to_write(tx, rows).await?;
    batch.resolve_categories(tx, &mut pending).await?;
    batch.drop_superseded(rows, &mut pending);
    let failed = batch.failed();
    batch.lock_and_compare(tx, &mut pending).await?;
    batch.assign_slugs(tx, &mut pending).await?;
    if snapshot_is_fresh && params.mode() == Mode::Update && batch.failed() > failed {
        // Perhaps for what has come since the portion was looked at.
        return Err(retryable("rows that failed are looked at anew"));
    }
    let cleaned = batch.store(tx, beside, &pending).await?;
    let outcomes = rows.iter().zip(batch.outcomes).map(|(row, outcome)| RowOutcome {
        line: row.line,
        name: row.name.clone(),
        outcome: outcome.unwrap_or(Outcome::Unchanged),
    });
    Ok(Written { outcomes: outcomes.collect(), cleaned, categories: batch.created_categories })
}

impl Batch<'_> {
    /// How many rows have failed so far.
    fn failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| matches!(outcome, Some(Outcome::Failed(_)))).count()
    }

    /// The rows that are to be written, as far as can be told from them alone.
    async fn rows_to_write<'b>(&mut self, tx: &mut Tx, rows: &'b [PreparedRow]) -> Result<Vec<Pending<'b>>> {
        let now = db::now(tx).await?;
        let mut pending = Vec::with_capacity(rows.len());
        for (at, ready) in rows.iter().enumerate() {
            let context = Context { params: self.params, tree: &self.tree, now };
            let row = match &ready.state {
                State::Prepared(prepared) => Cow::Borrowed(&**prepared),
                State::Failed(faults) => {
                    self.outcomes[at] = Some(Outcome::Failed(faults.clone()));
                    continue;
                }
                State::Known(parsed) => {
                    let standing = self.standing.get(&parsed.identity);
                    if is_known(parsed, standing, &context) {
                        continue;
                    }
                    match prepare_one(*parsed.clone(), standing, &context).state {
                        State::Prepared(prepared) => Cow::Owned(*prepared),
                        State::Failed(faults) => {
                            self.outcomes[at] = Some(Outcome::Failed(faults));
                            continue;
                        }
                        State::Known(_) => continue,
                    }
                }
            };
            pending.push(Pending { at, row, id: Uuid::now_v7(), before: None });
        }
        Ok(pending)
    }

    /// Finds the category of each row, or makes it.
    async fn resolve_categories(&mut self, tx: &mut Tx, pending: &mut Vec<Pending<'_>>) -> Result<()> {
        let is_new =
            |row: &Pending| row.row.place.as_ref().is_some_and(|place| place.find(&self.tree).is_none());
        if self.params.creates_categories() && pending.iter().any(is_new) {
            self.tree = lock_tree(tx).await?;
        }
        let mut kept = Vec::with_capacity(pending.len());
        for mut row in pending.drain(..) {
            let Some(place) = row.row.place.clone() else {
                kept.push(row);
                continue;
            };
            let category = match place.find(&self.tree) {
                Some(category) => Ok(category.id),
                None if !self.params.creates_categories() => Err(vec![category_ref::unknown()]),
                None => match place.create(tx, self.actor, &mut self.tree).await {
                    Ok((category, created)) => {
                        self.created_categories += created;
                        Ok(category)
                    }
                    Err(error) => Err(error.into_faults()?),
                },
            };
            match category {
                Ok(category) => {
                    row.set(
                        |content| content.category_id != Some(category),
                        |content| content.category_id = Some(category),
                    );
                    kept.push(row);
                }
                Err(faults) => self.outcomes[row.at] = Some(Outcome::Failed(faults)),
            }
        }
        *pending = kept;
        Ok(())
    }

    /// Of rows with one identity the last counts that has not failed.
    fn drop_superseded(&mut self, rows: &[PreparedRow], pending: &mut Vec<Pending<'_>>) {
        let mut last: HashMap<&Identity, u64> = HashMap::new();
        for (at, row) in rows.iter().enumerate().rev() {
            let Some(identity) = row.identity().filter(|_| self.outcomes[at].is_none()) else { continue };
            match last.get(identity) {
                Some(line) => self.outcomes[at] = Some(Outcome::Superseded(*line)),
                None => {
                    last.insert(identity, row.line);
                }
            }
        }
        pending.retain(|row| self.outcomes[row.at].is_none());
    }

    /// Compares rows with the articles they are about, which are locked; those that change nothing are done.
    async fn lock_and_compare(&mut self, tx: &mut Tx, pending: &mut Vec<Pending<'_>>) -> Result<()> {
        let known = |row: &Pending| self.standing.get(&row.row.identity).map(|standing| standing.id);
        let mut before = queries::lock(tx, pending.iter().filter_map(known).collect()).await?;
        let mut kept = Vec::with_capacity(pending.len());
        for mut row in pending.drain(..) {
            let standing = self.standing.get(&row.row.identity).map(|standing| standing.id);
            let before = standing.and_then(|id| before.remove(&id));
            match (&before, self.params.mode()) {
                (Some(_), Mode::Create) => {
                    let fault = Fault::body("/external_id", Code::ExternalIdTaken, "is there already");
                    self.outcomes[row.at] = Some(Outcome::Failed(vec![fault]));
                    continue;
                }
                (None, Mode::Update) => {
                    let fault = Fault::body("/external_id", Code::UnknownReference, "names no article");
                    self.outcomes[row.at] = Some(Outcome::Failed(vec![fault]));
                    continue;
                }
                (None, _) => {}
                (Some(before), _) => {
                    row.id = before.article.id;
                    row.keep(before);
                    if row.row.changes_nothing(before) {
                        self.outcomes[row.at] = Some(Outcome::Unchanged);
                        continue;
                    }
                }
            }
            row.before = before;
            kept.push(row);
        }
        *pending = kept;
        Ok(())
    }

    /// Gives every row a slug of its own: a made one that is taken gets an ending.
    async fn assign_slugs(&mut self, tx: &mut Tx, pending: &mut Vec<Pending<'_>>) -> Result<()> {
        let wanted = pending.iter().map(|row| row.row.content.slug.clone()).collect();
        let in_use = queries::slugs_in_use(tx, wanted).await?;
        let is_new_here = |row: &Pending| {
            let owner = in_use.get(&row.row.content.slug).filter(|owner| owner.id != row.id);
            row.before.is_none()
                && owner.is_some_and(|owner| owner.external_id == row.row.content.external_id)
        };
        if pending.iter().any(is_new_here) {
            return Err(retryable("an article has come since it was looked for"));
        }
        let mut taken: HashSet<String> = HashSet::new();
        let outcomes = &mut self.outcomes;
        pending.retain_mut(|row| {
            let is_free = |slug: &str, taken: &HashSet<String>| {
                !taken.contains(slug) && in_use.get(slug).is_none_or(|owner| owner.id == row.id)
            };
            let made = row.row.content.slug.clone();
            let mut slug = made.clone();
            let may_change = !row.row.slug_is_given && row.before.is_none();
            for _ in 0..SLUG_ATTEMPTS {
                if is_free(&slug, &taken) || !may_change {
                    break;
                }
                slug = slug::with_suffix(&made);
            }
            if !is_free(&slug, &taken) {
                let fault = Fault::body("/slug", Code::SlugTaken, "already used by another article");
                outcomes[row.at] = Some(Outcome::Failed(vec![fault]));
                return false;
            }
            row.set(|content| content.slug != slug, |content| content.slug.clone_from(&slug));
            taken.insert(slug)
        });
        Ok(())
    }

    /// Writes all rows: those that are there already here, the new ones half here, half `beside`.
    async fn store(
        &mut self,
        tx: &mut Tx,
        beside: Option<&mut Tx>,
        pending: &[Pending<'_>],
    ) -> Result<Cleaned> {
        let (old, new): (Vec<_>, Vec<_>) = pending.iter().partition(|row| row.before.is_some());
        let [old, mut new] = [old, new].map(|rows| rows.into_iter().map(Pending::line).collect::<Vec<_>>());
        // All imports in one order, so that of two with the same rows one waits, and not each for the other.
        new.sort_unstable_by_key(|line| (line.content.external_id.as_deref(), line.content.slug.as_str()));
        // Another transaction does not see the categories made in this one.
        let beside = beside.filter(|_| self.created_categories == 0 && new.len() >= PARALLEL_MIN_ROWS);
        let (here, there) = new.split_at(if beside.is_some() { new.len() / 2 } else { new.len() });
        let writing_here = async {
            queries::insert(tx, here, self.actor).await?;
            queries::update(tx, &old, self.actor).await
        };
        let writing_there = async {
            match beside {
                Some(beside) => queries::insert(beside, there, self.actor).await,
                None => Ok(()),
            }
        };
        // Both to their ends: a statement that is left alone goes on, and keeps its locks.
        let (here, there) = futures_util::future::join(writing_here, writing_there).await;
        here.and(there).map_err(or_retryable)?;
        let mut cleaned = Cleaned::default();
        for row in pending {
            cleaned += row.row.cleaned;
            let outcome = if row.before.is_some() { Outcome::Updated } else { Outcome::Created };
            self.outcomes[row.at] = Some(outcome);
        }
        Ok(cleaned)
    }
}

/// What is worth another try: somebody else took a slug or an id, or removed a
/// category, while the batch was on its way.
fn or_retryable(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(Kind::UniqueViolation | Kind::ForeignKeyViolation, _) => {
            retryable("somebody was faster")
        }
        other => other.into(),
    }
}

/// A failure after which the batch is written again.
pub fn retryable(why: &str) -> Error {
    Error::Unavailable(format!("imports: could not serialize: {why}"))
}

impl Prepared {
    fn changes_nothing(&self, before: &Before) -> bool {
        let row = &before.article;
        !before.trashed
            && self.content == row.content
            // Readers have gone on counting.
            && self.views.is_none_or(|views| views <= row.views)
            && self.created_at.is_none_or(|at| at == row.created_at)
    }
}

impl Pending<'_> {
    /// Changes the content where it `differs`; its digest follows.
    fn set(&mut self, differs: impl FnOnce(&Content) -> bool, change: impl FnOnce(&mut Content)) {
        if differs(&self.row.content) {
            let row = self.row.to_mut();
            change(&mut row.content);
            row.content_hash = row.content.hash();
        }
    }

    /// Keeps of the article what the row does not say.
    fn keep(&mut self, before: &Before) {
        let kept = &before.article.content;
        if !self.row.slug_is_given {
            self.set(|content| content.slug != kept.slug, |content| content.slug.clone_from(&kept.slug));
        }
        let hour = kept.published_at.filter(|_| self.row.content.status == Status::Published);
        if !self.row.hour_is_given && hour.is_some() {
            self.set(|content| content.published_at != hour, |content| content.published_at = hour);
        }
    }

    fn line(&self) -> Line<'_> {
        let (action, fields) = match &self.before {
            None => ("create", String::new()),
            Some(before) => {
                let change = Change::between("article", self.id, &before.article.content, &self.row.content);
                (if before.trashed { "restore" } else { "update" }, change.fields.join(","))
            }
        };
        Line {
            id: self.id,
            content: &self.row.content,
            content_hash: &self.row.content_hash,
            source_hash: &self.row.source_hash,
            views: self.row.views,
            created_at: self.row.created_at,
            action,
            fields,
        }
    }
}
