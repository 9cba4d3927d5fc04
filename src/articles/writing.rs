//! What a change of an article does, for handlers, commands and the demo.
//!
//! Whatever takes time (rendering, slug making, finding the category) is done
//! by `prepare_…` before the transaction begins.

use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use futures_util::future::join;
use uuid::Uuid;

use super::former_slugs::{self, FormerSlugs};
use super::input::{ArticlePatch, MAX_BODY_CHARS, NewArticle};
use super::model::{Content, Row};
use super::queries::{self, ArticleRef};
use crate::app::App;
use crate::categories::model::Tree;
use crate::changes::model::{Actor, Change};
use crate::db::types::{BodyFormat, Status};
use crate::db::visibility::Articles;
use crate::error::{Code, Error, Fault, OnConstraint, Result};
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::IdOrSlug;
use crate::http::patch::Patch;
use crate::http::render_body::{render, render_off_thread, warn_of_body};
use crate::markup::{Body, SANITIZER, Sanitiser};
use crate::media;
use crate::media::addresses::{Addresses, UsedMedia};
use crate::media::bodies::complete_body;
use crate::media::covers::find_media;
use crate::site::model::Row as Site;
use crate::slug;
use crate::tx::Tx;

/// How many slugs are tried before giving up: the first, and some with random endings.
const MAX_SLUG_ATTEMPTS: usize = 5;

/// A new article, rendered and checked as far as it can be outside a transaction.
#[derive(Clone)]
pub struct PreparedArticle {
    new: NewArticle,
    body: Result<Body, Fault>,
    category_id: Option<Uuid>,
    former_slugs: Vec<String>,
    faults: Vec<Fault>,
}

/// A change to an article, rendered and checked as far as it can be outside a transaction.
#[derive(Clone)]
pub struct PreparedPatch {
    patch: ArticlePatch,
    body: Option<Result<Body, Fault>>,
    category: Patch<Uuid>,
    former_slugs: FormerSlugs,
    /// What readers get in the place of media.
    addresses: Addresses,
    faults: Vec<Fault>,
}

impl PreparedArticle {
    /// The same with further faults, which are told with its own.
    pub fn with_faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// What was changed of what was sent.
    pub fn warnings(&self) -> Vec<Fault> {
        warn_of_body(&self.body)
    }

    /// The title, and the body as HTML.
    pub fn text(&self) -> (&str, &str) {
        (&self.new.title, self.body.as_ref().map_or("", |body| &body.html))
    }

    /// Fails with all faults that can be found outside a transaction.
    pub fn check(self) -> Result<()> {
        self.new.into_content(self.body, self.category_id, None, self.faults).map(drop)
    }
}

impl PreparedPatch {
    /// What was changed of what was sent.
    pub fn warnings(&self) -> Vec<Fault> {
        self.body.as_ref().map(warn_of_body).unwrap_or_default()
    }

    /// Whether it changes the former slugs of the article `row`, beside keeping the slug that it replaces.
    pub fn changes_former_slugs(&self, row: &Row) -> bool {
        let slug = self.patch.slug.as_ref().unwrap_or(&row.content.slug);
        let keep = FormerSlugs::Add(Vec::new());
        self.former_slugs.apply(row, slug) != keep.apply(row, slug)
    }

    /// Fails with all faults of the change to an article that says `current`.
    pub fn check(self, current: Content, now: DateTime<Utc>) -> Result<()> {
        self.patch.apply(current, self.body, self.category, now, self.faults).map(drop)
    }
}

/// Renders the body of a new article, and finds its category in `tree`.
pub async fn prepare_article(app: &App, tree: &Tree, mut new: NewArticle) -> Result<PreparedArticle> {
    let (source, format) = (std::mem::take(&mut new.body), new.format());
    let body = render_off_thread(app, source, format, MAX_BODY_CHARS).await?;
    Ok(with_category(&app.sanitiser, tree, new, body))
}

/// As [`prepare_article`], on this thread: for short bodies.
pub fn prepare_article_here(sanitiser: &Sanitiser, tree: &Tree, mut new: NewArticle) -> PreparedArticle {
    let (source, format) = (std::mem::take(&mut new.body), new.format());
    with_category(sanitiser, tree, new, render(sanitiser, source, format, MAX_BODY_CHARS))
}

fn with_category(
    sanitiser: &Sanitiser,
    tree: &Tree,
    mut new: NewArticle,
    body: Result<Body, Fault>,
) -> PreparedArticle {
    let cover_fault = new.settle_cover(sanitiser.media_bases());
    let (category_id, mut faults) = find_category(tree, new.category.as_deref());
    let (former_slugs, unusable) = former_slugs::parse_all(&new.former_slugs);
    faults.extend(unusable.into_iter().chain(cover_fault));
    PreparedArticle { new, body, category_id, former_slugs, faults }
}

/// Renders the new body of a changed article, in `format` unless the change names another, and
/// finds its new category in `tree`.
pub async fn prepare_patch(
    app: &App,
    tree: &Tree,
    mut patch: ArticlePatch,
    format: BodyFormat,
) -> Result<PreparedPatch> {
    let format = patch.body_format.unwrap_or(format);
    let cover_fault = patch.settle_cover(app.sanitiser.media_bases());
    let body = match patch.body.take() {
        Some(source) => Some(render_off_thread(app, source, format, MAX_BODY_CHARS).await?),
        None => None,
    };
    let (category, mut faults) = match &patch.category {
        Patch::Keep => (Patch::Keep, Vec::new()),
        Patch::Clear => (Patch::Clear, Vec::new()),
        Patch::Set(category) => {
            let (id, faults) = find_category(tree, Some(category));
            (id.map_or(Patch::Keep, Patch::Set), faults)
        }
    };
    let former_slugs = match &patch.former_slugs {
        None => FormerSlugs::Add(Vec::new()),
        Some(given) => {
            let (slugs, unusable) = former_slugs::parse_all(given);
            faults.extend(unusable);
            FormerSlugs::Replace(slugs)
        }
    };
    faults.extend(cover_fault);
    let site = app.snapshot::<Site>().await?;
    let addresses = Addresses::for_visitors(app, &site);
    Ok(PreparedPatch { patch, body, category, former_slugs, addresses, faults })
}

/// The id of the category of this id or slug, or the fault that there is none.
fn find_category(tree: &Tree, category: Option<&str>) -> (Option<Uuid>, Vec<Fault>) {
    let Some(category) = category else { return (None, Vec::new()) };
    match tree.find(&IdOrSlug::parse(category)) {
        Some(row) => (Some(row.id), Vec::new()),
        None => (None, vec![unknown_category()]),
    }
}

fn unknown_category() -> Fault {
    Fault::body("/category", Code::UnknownReference, "unknown category")
}

/// Says to the client which field a broken constraint of articles is about.
fn map_constraint_errors<T>(result: diesel::QueryResult<T>) -> Result<T> {
    result
        .on_constraint("articles_slug_key", || {
            Fault::body("/slug", Code::SlugTaken, "already used by another article")
        })
        .on_constraint("articles_external_id_key", || {
            Fault::body("/external_id", Code::ExternalIdTaken, "already used by another article")
        })
        .on_constraint("articles_category_id_fkey", unknown_category)
}

/// Adds an article with its views.
///
/// A slug made from the title that an article has, or has had, gets a short random ending; a given one is 409.
pub async fn add_article(tx: &mut Tx, actor: Actor, article: PreparedArticle) -> Result<Row> {
    let PreparedArticle { new, body, category_id, former_slugs, faults } = article;
    let (slug_is_made, views) = (new.slug.is_none(), new.views);
    let made_slug = new.slug();
    // Sent together: one round trip.
    let (now, is_slug_taken) =
        join(async { if new.is_published_now() { tx.now().await.map(Some) } else { Ok(None) } }, async {
            if slug_is_made { queries::slugs::is_slug_taken(tx, &made_slug).await } else { Ok(false) }
        })
        .await;
    let mut content = new.into_content(body, category_id, now?, faults)?;
    if is_slug_taken? {
        content.slug = slug::with_suffix(&made_slug);
    }
    check_cover(tx, None, &content).await?;
    for _ in 0..MAX_SLUG_ATTEMPTS {
        let inserted = queries::insert(tx, &content, actor.member_id(), slug_is_made).await;
        let inserted = map_constraint_errors(inserted).map_err(|error| match error.code() {
            // Another article has had it since it was looked up.
            Code::SlugTaken if slug_is_made => Error::Contended("articles: a made slug".to_owned()),
            _ => error,
        });
        if let Some(mut row) = inserted? {
            if let Some(views) = views {
                queries::set_views(tx, row.id, views).await?;
                row.views = views;
            }
            row.former_slugs = FormerSlugs::Add(former_slugs.clone()).apply(&row, &row.content.slug);
            claim_former_slugs(tx, row.id, &former_slugs, &row.former_slugs).await?;
            tx.record(actor, Change::new("create", "article", row.id));
            return Ok(row);
        }
        content.slug = slug::with_suffix(&made_slug);
    }
    Err(Error::Internal(anyhow::anyhow!("no free slug for {made_slug}")))
}

/// Changes the article `row`, which is locked; does nothing, and records nothing, where nothing changes.
pub async fn patch_article(tx: &mut Tx, actor: Actor, row: Row, patch: PreparedPatch) -> Result<Row> {
    let PreparedPatch { patch, body, category, former_slugs, addresses, faults } = patch;
    let views = patch.views;
    let mut after = patch.apply(row.content.clone(), body, category, tx.now().await?, faults)?;
    if row.media.is_some() && after.body != row.content.body {
        let media = UsedMedia::read_all(row.media.clone());
        let read = |body: &str| complete_body(body.to_owned(), &media, &addresses);
        // A body that is sent as it was read says nothing new: it stays as it was written.
        if read(&after.body) == read(&row.content.body) {
            after.body.clone_from(&row.content.body);
        }
    }
    replace_content(tx, actor, row, &after, &former_slugs, views).await
}

/// Checks that a new cover, if it is media, is there and for everybody.
async fn check_cover(tx: &Tx, before: Option<&Content>, after: &Content) -> Result<()> {
    let is_new = before.is_none_or(|before| before.cover_url != after.cover_url);
    let Some(id) = after.cover_url.as_deref().filter(|_| is_new).and_then(find_media) else { return Ok(()) };
    if media::queries::lock_public(tx, &[id]).await?.is_empty() {
        let detail = "unknown media, or media for members, which no article can show";
        return Err(Fault::body("/cover", Code::UnknownReference, detail).into());
    }
    Ok(())
}

/// Makes `claims` lead to the article `id`; 409 for one that leads to another. `named` are the former slugs as the
/// request names them.
async fn claim_former_slugs(tx: &mut Tx, id: Uuid, named: &[String], claims: &[String]) -> Result<()> {
    if claims.is_empty() {
        return Ok(());
    }
    let taken = queries::slugs::claim(tx, id, claims).await?;
    let is_slug_taken = |(_, slug): &(usize, &String)| taken.contains(slug);
    let faults = named.iter().enumerate().filter(is_slug_taken).map(|(index, _)| {
        Fault::body(format!("/former_slugs/{index}"), Code::SlugTaken, "already used by another article")
    });
    Error::body(faults.collect())
}

/// Replaces what the article `row` says, and its views if they are given.
async fn replace_content(
    tx: &mut Tx,
    actor: Actor,
    row: Row,
    after: &Content,
    former_slugs: &FormerSlugs,
    views: Option<i64>,
) -> Result<Row> {
    let mut current = row;
    check_cover(tx, Some(&current.content), after).await?;
    if let Some(views) = views.filter(|views| *views != current.views) {
        queries::set_views(tx, current.id, views).await?;
        tx.record(actor, Change::new("update", "article", current.id).of_fields(vec!["views".to_owned()]));
        current.views = views;
    }
    let kept = FormerSlugs::Add(Vec::new()).apply(&current, &after.slug);
    let slugs = former_slugs.apply(&current, &after.slug);
    if *after == current.content && slugs == kept {
        return Ok(current);
    }
    let mut updated = map_constraint_errors(queries::update(tx, current.id, after).await)?;
    let mut change = Change::between("article", current.id, &current.content, after);
    if slugs != kept {
        let without = |slugs: &[String], others: &[String]| -> Vec<String> {
            slugs.iter().filter(|slug| !others.contains(slug)).cloned().collect()
        };
        claim_former_slugs(tx, current.id, former_slugs.named(), &without(&slugs, &kept)).await?;
        queries::slugs::release(tx, current.id, &without(&kept, &slugs)).await?;
        change.fields.push("former_slugs".to_owned());
        updated.former_slugs = slugs;
    }
    tx.record(actor, change);
    Ok(updated)
}

/// What [`put_article`] did.
pub enum Put {
    /// It added the article.
    Created(Row),
    /// It replaced the article, which may have changed nothing.
    Replaced(Row),
}

/// Adds the article `external_id`, or replaces it; one in the trash comes back.
///
/// Of several at once, one adds it and the others replace it. With `create_only` an existing one is
/// refused; so is one whose version `if_match` does not name.
pub async fn put_article(
    tx: &mut Tx,
    actor: Actor,
    external_id: &str,
    article: PreparedArticle,
    if_match: &IfMatch,
    create_only: bool,
) -> Result<Put> {
    let (locked, existing) =
        join(queries::lock_external_id(tx, external_id), queries::lock_by_external_id(tx, external_id)).await;
    locked?;
    match existing? {
        Some(_) if create_only => {
            Err(Error::Refused(Code::AlreadyExists, "An article with this external id exists.".into()))
        }
        Some((row, is_deleted)) => {
            if_match.check(row.version)?;
            Ok(Put::Replaced(replace_article(tx, actor, row, is_deleted, article).await?))
        }
        None if !matches!(if_match, IfMatch::Absent) => {
            Err(Error::Refused(Code::VersionMismatch, "There is no such article to match.".into()))
        }
        None => Ok(Put::Created(add_article(tx, actor, article).await?)),
    }
}

/// Replaces the article `row` by `article`; takes it out of the trash first if it is there.
async fn replace_article(
    tx: &mut Tx,
    actor: Actor,
    mut row: Row,
    is_deleted: bool,
    article: PreparedArticle,
) -> Result<Row> {
    let PreparedArticle { mut new, body, category_id, former_slugs, faults } = article;
    if is_deleted {
        row = queries::set_deleted(tx, row.id, false).await?;
        tx.record(actor, Change::new("restore", "article", row.id));
    }
    let views = new.views;
    new.slug.get_or_insert_with(|| row.content.slug.clone());
    // Published again without a time, it keeps the one it had.
    let is_published = new.status == Some(Status::Published);
    new.published_at = new.published_at.or(row.content.published_at.filter(|_| is_published));
    let after = new.into_content(body, category_id, Some(tx.now().await?), faults)?;
    if after != row.content && row.created_by != actor.member_id() {
        // As an import does, so that an author has no rights over what is put by an id of his.
        queries::set_creator(tx, row.id, actor.member_id()).await?;
        row.created_by = actor.member_id();
    }
    replace_content(tx, actor, row, &after, &FormerSlugs::Add(former_slugs), views).await
}

/// Gives the article `row`, which is locked, its body as it is rendered now. Returns whether clients see a difference.
pub async fn refresh_body(tx: &mut Tx, actor: Actor, row: Row, body: Body) -> Result<bool> {
    let mut after = Content { body: body.html, ..row.content.clone() };
    if after.summary_made {
        after.summary = body.summary;
    }
    if after == row.content {
        if row.content.sanitizer != SANITIZER {
            queries::set_sanitizer(tx, row.id, SANITIZER).await?;
        }
        return Ok(false);
    }
    after.sanitizer = SANITIZER;
    queries::refresh(tx, row.id, &after).await?;
    tx.record(actor, Change::between("article", row.id, &row.content, &after));
    Ok(true)
}

/// Puts the article `row`, which is locked, into the trash.
pub async fn delete_article(tx: &mut Tx, actor: Actor, row: &Row) -> Result<()> {
    queries::set_deleted(tx, row.id, true).await?;
    tx.record(actor, Change::new("delete", "article", row.id));
    Ok(())
}

/// Takes an article out of the trash, as it was. 404 unless it is among those in `trash`.
pub async fn restore_article(
    tx: &mut Tx,
    actor: Actor,
    article: &ArticleRef,
    trash: Articles,
    if_match: &IfMatch,
) -> Result<Row> {
    let row = queries::lock(tx, article, trash).await.optional()?.ok_or_else(Error::not_found)?;
    if_match.check(row.version)?;
    let row = queries::set_deleted(tx, row.id, false).await?;
    tx.record(actor, Change::new("restore", "article", row.id));
    Ok(row)
}

/// Gives the article with this slug, which no path can name any more, another one: the slug with a short ending.
/// Returns whether there is one.
pub async fn change_slug(tx: &mut Tx, actor: Actor, slug: &str) -> Result<bool> {
    let Some(row) = queries::lock_by_slug(tx, slug).await? else { return Ok(false) };
    let after = Content { slug: slug::with_suffix(slug), ..row.content.clone() };
    let row = replace_content(tx, actor, row, &after, &FormerSlugs::Add(Vec::new()), None).await?;
    queries::slugs::release(tx, row.id, &[slug.to_owned()]).await?;
    Ok(true)
}
