//! Fills the blocks of the home page, with a number of queries that does not grow with the blocks.

use std::collections::HashMap;

use uuid::Uuid;

use super::model::{Block, BlockKind, Composition};
use super::view::{ArticlesBlock, HomeBlock, HtmlBlock, LatestBlock, LinksBlock, NoticesBlock, PopularBlock};
use crate::app::App;
use crate::articles::latest::merge_newest;
use crate::articles::queries::latest::{Newest, load_newest, load_newest_of_all};
use crate::articles::queries::popular::{self, Window};
use crate::articles::queries::{found, listing::Listing};
use crate::articles::view::ArticleCard;
use crate::articles::view_context::ViewContext;
use crate::categories::view::CategorySummary;
use crate::db::connection::Connection;
use crate::db::rows::PageSlice;
use crate::db::visibility::{Articles, Notices};
use crate::error::{Error, Result};
use crate::media;
use crate::media::addresses::UsedMedia;
use crate::menus;
use crate::menus::resolving::Targets;
use crate::menus::view::MenuItem;
use crate::notices::model::NoticeKind;
use crate::notices::queries::lists::load_first;
use crate::notices::view::NoticeCard;

/// Fills the blocks of `composition` with what everybody may see. A block of a category that is gone is left out.
pub async fn fill_blocks(app: &App, composition: &Composition) -> Result<Vec<HomeBlock>> {
    let blocks = &composition.blocks[..];
    let context = ViewContext::load(app).await?;
    let conn = app.costly_reader().await?;
    let chosen = choose_articles(&conn, &context, blocks).await?;
    let cards = load_cards(&conn, &context, &chosen).await?;
    let notices = load_notices(&conn, blocks).await?;
    drop(conn);
    let links = load_links(app, &context, blocks).await?;
    let media = load_media(app, blocks).await?;
    let contents = Contents { context, cards, notices, links, media };
    let mut filled = Vec::with_capacity(blocks.len());
    for (block, ids) in blocks.iter().zip(chosen) {
        filled.extend(match block.kind {
            BlockKind::Html if composition.has_old_html => Some(fill_old_html(app, block).await?),
            _ => contents.fill(block, &ids),
        });
    }
    Ok(filled)
}

/// The block of a piece of HTML that an earlier sanitiser has made safe. It may have kept what this one does not.
async fn fill_old_html(app: &App, block: &Block) -> Result<HomeBlock> {
    let (sanitiser, source) = (app.sanitiser.clone(), block.body.clone().unwrap_or_default());
    let body = app.renderers.run(move || sanitiser.sanitise(&source, usize::MAX)).await?;
    let body = body.map(|(html, _)| html).unwrap_or_default();
    Ok(HomeBlock::Html(HtmlBlock { title: block.title.clone(), body }))
}

/// What blocks show.
struct Contents {
    context: ViewContext,
    cards: HashMap<Uuid, ArticleCard>,
    notices: HashMap<Option<NoticeKind>, Vec<NoticeCard>>,
    links: HashMap<String, Vec<MenuItem>>,
    /// The media in pieces of HTML.
    media: Vec<UsedMedia>,
}

impl Contents {
    /// The block with the articles `ids`, or what else it shows. `None` if its category is gone.
    fn fill(&self, block: &Block, ids: &[Uuid]) -> Option<HomeBlock> {
        let items = || ids.iter().filter_map(|id| self.cards.get(id).cloned()).collect::<Vec<_>>();
        let title = block.title.clone();
        Some(match block.kind {
            BlockKind::Latest => {
                let category = block.category.map(|id| CategorySummary::of(self.context.tree(), id));
                if category.as_ref().is_some_and(Option::is_none) {
                    return None;
                }
                HomeBlock::Latest(LatestBlock { title, category: category.flatten(), items: items() })
            }
            BlockKind::Popular => {
                HomeBlock::Popular(PopularBlock { title, days: block.days.unwrap_or(7), items: items() })
            }
            BlockKind::Articles => HomeBlock::Articles(ArticlesBlock { title, items: items() }),
            BlockKind::Notices => {
                let size = usize::try_from(block.size()).unwrap_or_default();
                let of_kind = self.notices.get(&block.notice_kind).into_iter().flatten();
                let items = of_kind.take(size).cloned().collect();
                HomeBlock::Notices(NoticesBlock { title, notice_kind: block.notice_kind, items })
            }
            BlockKind::Html => {
                let body = block.body.clone().unwrap_or_default();
                HomeBlock::Html(HtmlBlock { title, body: self.context.complete_html(body, &self.media) })
            }
            BlockKind::Links => {
                let menu = block.menu.clone().unwrap_or_default();
                let items = self.links.get(&menu).cloned().unwrap_or_default();
                HomeBlock::Links(LinksBlock { title, menu, items })
            }
        })
    }
}

/// The articles of each block, in order: three kinds of queries at most, and one for each window of popularity.
async fn choose_articles(
    conn: &Connection,
    context: &ViewContext,
    blocks: &[Block],
) -> Result<Vec<Vec<Uuid>>> {
    let tree = context.tree();
    let latest = |block: &&Block| block.kind == BlockKind::Latest;
    let most = blocks.iter().filter(latest).map(Block::size).max().unwrap_or_default();
    let most = usize::try_from(most).unwrap_or_default();
    let mut categories: Vec<Uuid> =
        blocks.iter().filter_map(|block| block.category).flat_map(|id| tree.subtree(id)).collect();
    categories.sort_unstable();
    categories.dedup();
    let newest: Vec<Newest> = match categories.is_empty() {
        true => Vec::new(),
        false => load_newest(conn, categories, most).await?,
    };
    let is_of_site = |block: &Block| block.kind == BlockKind::Latest && block.category.is_none();
    let of_site = match blocks.iter().any(is_of_site) {
        true => load_newest_of_all(conn, most).await?,
        false => Vec::new(),
    };
    let popular = load_popular(conn, blocks).await?;
    let choose = |block: &Block| {
        let size = usize::try_from(block.size()).unwrap_or_default();
        match (block.kind, block.category) {
            (BlockKind::Latest, Some(id)) => merge_newest(&newest, &tree.subtree(id), size),
            (BlockKind::Latest, None) => of_site.iter().take(size).copied().collect(),
            (BlockKind::Popular, _) => {
                let of_window = popular.get(&block.popular().window()).into_iter().flatten();
                of_window.take(size).copied().collect()
            }
            (BlockKind::Articles, _) => block.ids.clone(),
            (BlockKind::Notices | BlockKind::Html | BlockKind::Links, _) => Vec::new(),
        }
    };
    Ok(blocks.iter().map(choose).collect())
}

/// The most popular articles of each window that blocks show.
async fn load_popular(conn: &Connection, blocks: &[Block]) -> Result<HashMap<Window, Vec<Uuid>>> {
    let mut sizes: HashMap<Window, i64> = HashMap::new();
    for block in blocks.iter().filter(|block| block.kind == BlockKind::Popular) {
        let size = sizes.entry(block.popular().window()).or_default();
        *size = block.size().max(*size);
    }
    let mut found = HashMap::new();
    for (window, limit) in sizes {
        let slice = PageSlice::first(window.order(), limit);
        let chosen = popular::choose(conn, &Listing::public(), window, &slice).await?;
        found.insert(window, chosen.into_iter().map(|one| one.id).collect());
    }
    Ok(found)
}

/// The cards of all chosen articles that everybody may see.
async fn load_cards(
    conn: &Connection,
    context: &ViewContext,
    chosen: &[Vec<Uuid>],
) -> Result<HashMap<Uuid, ArticleCard>> {
    let mut ids: Vec<Uuid> = chosen.iter().flatten().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = found::load_cards(conn, Articles::Public.conditions(), ids, None).await?;
    Ok(rows.into_iter().map(|row| (row.id, context.card(row))).collect())
}

/// The first notices of each kind that blocks show.
async fn load_notices(
    conn: &Connection,
    blocks: &[Block],
) -> Result<HashMap<Option<NoticeKind>, Vec<NoticeCard>>> {
    let mut sizes: HashMap<Option<NoticeKind>, i64> = HashMap::new();
    for block in blocks.iter().filter(|block| block.kind == BlockKind::Notices) {
        let size = sizes.entry(block.notice_kind).or_default();
        *size = block.size().max(*size);
    }
    let mut found = HashMap::new();
    for (kind, size) in sizes {
        let rows = load_first(conn, kind, Notices::Public, size).await?;
        found.insert(kind, rows.into_iter().map(NoticeCard::from).collect());
    }
    Ok(found)
}

/// The media in the pieces of HTML of blocks.
async fn load_media(app: &App, blocks: &[Block]) -> Result<Vec<UsedMedia>> {
    let texts: Vec<String> = blocks.iter().filter_map(|block| block.body.clone()).collect();
    let html = texts.concat();
    if !html.contains("/media/") {
        return Ok(Vec::new());
    }
    Ok(UsedMedia::read_all(media::queries::load_media_in(&*app.reader().await?, html).await?))
}

/// The items of the menus that blocks show, by their names.
async fn load_links(
    app: &App,
    context: &ViewContext,
    blocks: &[Block],
) -> Result<HashMap<String, Vec<MenuItem>>> {
    let names: Vec<String> = blocks.iter().filter_map(|block| block.menu.clone()).collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = menus::queries::list(&*app.reader().await?).await?;
    let rows: Vec<_> = rows.into_iter().filter(|row| names.contains(&row.name)).collect();
    let items = rows.iter().map(menus::model::Row::items).collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|cause| Error::Internal(cause.into()))?;
    let targets = Targets::load(app, context.tree(), &items).await?;
    Ok(rows.into_iter().zip(&items).map(|(row, items)| (row.name, targets.resolve(items))).collect())
}
