//! Reading and composing the home page.

use actix_web::{Responder, get, put, web};

use super::composing::{prepare_blocks, put_blocks};
use super::filling::fill_blocks;
use super::model::{Block, BlockKind, Composition, Row};
use super::queries;
use super::view::{Home, HomeComposition, HomeContent};
use crate::app::App;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{CATEGORIES, tag_articles_in_any};
use crate::categories::model::Tree;
use crate::error::{Error, Result};
use crate::http::body::Unchecked;
use crate::http::conditional::IfMatch;
use crate::http::modified::Modified;
use crate::http::reply::{Data, Rendered, Reply, Written};
use crate::members::guard::{Editor, Reader};
use crate::menus::resolving::LinkTimes;
use crate::notices::answer_tags::tag_notices;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`get_home`].
pub const GET_HOME: Operation =
    Operation::read("get_home", Caller::Reader).for_keys_as_visitors().same_as_visitors_for(Role::Admin);

/// Get the home page
///
/// The blocks that staff have composed, each with what everybody may see now. Until somebody composes it: the newest
/// articles, the notices, and the newest articles of each root category.
#[utoipa::path(tag = "site", responses((status = 200, description = "The home page", body = Data<Home>)))]
#[get("/home")]
pub async fn get_home(app: web::Data<App>, _: Reader) -> Result<impl Responder> {
    let times = LinkTimes::load(&app).await?;
    let composition = load_composition(&app).await?;
    let filled = fill_blocks(&app, &composition).await?;
    let Composition { blocks, version, .. } = composition;
    let reply = Reply::one(Home { blocks: filled, version });
    let reply = reply.with_version(version).with_last_modified(times.modified());
    Ok(reply.as_visitors_get(true).kept_for(times.lifetime(), tag_home(&blocks)))
}

async fn load_composition(app: &App) -> Result<Composition> {
    let tree = app.snapshot::<Tree>().await?;
    let row = queries::get(&*app.reader().await?).await?;
    Composition::of(row, &tree).map_err(|cause| Error::Internal(cause.into()))
}

/// What the home page is made from.
fn tag_home(blocks: &[Block]) -> Vec<Tag> {
    let mut tags: Vec<Tag> = ["home", "site", CATEGORIES].map(Tag::all).into();
    let has = |kind| blocks.iter().any(|block| block.kind == kind);
    if has(BlockKind::Notices) || has(BlockKind::Links) {
        tags.extend(tag_notices());
    }
    if has(BlockKind::Links) {
        tags.push(Tag::all("menus"));
    }
    let has_articles = [BlockKind::Latest, BlockKind::Popular, BlockKind::Articles, BlockKind::Links];
    if has_articles.into_iter().any(has) {
        tags.extend(tag_articles_in_any(None));
    }
    tags
}

/// The entry of [`get_home_composition`].
pub const GET_HOME_COMPOSITION: Operation =
    Operation::read("get_home_composition", Caller::Role(Role::Editor));

/// Get how the home page is composed
///
/// Its blocks as they were sent, to be edited and sent again.
#[utoipa::path(tag = "site", responses((status = 200, description = "The composition", body = Data<HomeComposition>)))]
#[get("/site/home")]
pub async fn get_home_composition(app: web::Data<App>, _: Editor) -> Result<impl Responder> {
    let composition = load_composition(&app).await?;
    let modified = composition.updated_at.unwrap_or_else(|| app.now());
    let version = composition.version;
    let reply = Reply::one(HomeComposition {
        blocks: composition.blocks,
        version,
        updated_at: composition.updated_at,
    });
    Ok(reply.with_version(version).with_last_modified(Modified::of_row(modified).proving_nothing()))
}

/// The entry of [`put_home_composition`].
pub const PUT_HOME_COMPOSITION: Operation =
    Operation::put("put_home_composition", Caller::Role(Role::Editor));

/// Compose the home page
///
/// Replaces all its blocks.
#[utoipa::path(tag = "site", request_body = HomeContent, responses((status = 200, description = "The composition", body = Written<HomeComposition>)))]
#[put("/site/home")]
pub async fn put_home_composition(
    app: web::Data<App>,
    editor: Editor,
    if_match: IfMatch,
    body: Unchecked<HomeContent>,
) -> Result<Rendered> {
    let known = load_composition(&app).await?.blocks;
    let content = body.check(async |content| prepare_blocks(&app, content, &known).await.map(drop)).await?;
    let prepared = prepare_blocks(&app, content, &known).await?;
    let (blocks, warnings) = (prepared.blocks, prepared.warnings);
    // After the commit nothing may fail any more.
    let tree = app.snapshot::<Tree>().await?;
    let row = app.write(async move |tx| put_blocks(tx, editor.0.actor(), &blocks, &if_match).await).await?;
    reply_with(row, &tree)?.with_warnings(&warnings).render()
}

fn reply_with(row: Row, tree: &Tree) -> Result<Reply<Data<HomeComposition>>> {
    let (version, modified) = (row.version, row.updated_at);
    let composition = Composition::of(Some(row), tree).map_err(|cause| Error::Internal(cause.into()))?;
    let reply = Reply::one(HomeComposition {
        blocks: composition.blocks,
        version,
        updated_at: composition.updated_at,
    });
    Ok(reply.with_version(version).with_last_modified(Modified::of_row(modified)))
}
