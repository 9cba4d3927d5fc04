//! What composing the home page does.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::model::{Block, BlockKind, Row};
use super::queries;
use super::view::{HomeContent, NewBlock};
use crate::app::App;
use crate::articles::queries::found;
use crate::categories::model::Tree;
use crate::changes::model::{Actor, Change};
use crate::db::types::BodyFormat;
use crate::db::visibility::Articles;
use crate::error::{Code, Error, Fault, Result};
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::IdOrSlug;
use crate::http::render_body::{render_off_thread, warn_of_body};
use crate::menus::model::is_name;
use crate::tx::Tx;

/// Faults of one page that are told.
const MAX_FAULTS: usize = 100;
/// Characters of an HTML block at most.
const MAX_BODY_CHARS: usize = 50_000;

/// Blocks as they are to be stored, and what was changed of what was sent.
pub struct Prepared {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// What was changed.
    pub warnings: Vec<Fault>,
}

/// The blocks that `content` means, with the ids of what they show. Fails with all faults. Ids in the `known` blocks may be
/// those of things that are gone: what was read can be sent again.
pub async fn prepare_blocks(app: &App, content: HomeContent, known: &[Block]) -> Result<Prepared> {
    let tree = app.snapshot::<Tree>().await?;
    let names = content.blocks.iter().flat_map(NewBlock::article_names).collect();
    let articles = found::find_ids_by_names(&*app.reader().await?, names, Articles::All).await?;
    let mut checker = Checker { tree: &tree, articles, known, faults: Vec::new(), warnings: Vec::new() };
    let mut blocks = Vec::new();
    for (at, mut block) in content.blocks.into_iter().enumerate() {
        let pointer = format!("/blocks/{at}");
        let body = block.body.take();
        let mut block = checker.check_block(block, body.is_some(), &pointer);
        if let Some(source) = body {
            block.body = checker.render(app, source, &pointer).await?;
        }
        blocks.push(block);
    }
    Error::body(checker.faults)?;
    Ok(Prepared { blocks, warnings: checker.warnings })
}

struct Checker<'t> {
    tree: &'t Tree,
    /// The ids of the articles that are there, by the names that were sent.
    articles: HashMap<String, Uuid>,
    known: &'t [Block],
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Checker<'_> {
    fn check_block(&mut self, block: NewBlock, has_body: bool, pointer: &str) -> Block {
        self.check_keys(&block, has_body, pointer);
        let NewBlock { kind, title, category, days, ids, notice_kind, size, menu, .. } = block;
        if days.is_some_and(|days| ![1, 7, 30].contains(&days)) {
            self.refuse(pointer, "days", Code::UnknownValue, "must be 1, 7 or 30");
        }
        if menu.as_deref().is_some_and(|name| !is_name(name)) {
            let detail = "must be words of small Latin letters and digits, with hyphens between them";
            self.refuse(pointer, "menu", Code::InvalidFormat, detail);
        }
        let found = category.as_deref().map(|name| self.find_category(name));
        if found == Some(None) {
            self.refuse(pointer, "category", Code::UnknownReference, "unknown category");
        }
        let mut known = Vec::new();
        for (at, name) in ids.into_iter().flatten().enumerate() {
            match self.articles.get(&name).copied().or_else(|| self.find_known_article(&name)) {
                Some(id) if known.contains(&id) => {
                    self.refuse(pointer, &format!("ids/{at}"), Code::InvalidFormat, "names an article twice");
                }
                Some(id) => known.push(id),
                None => {
                    self.refuse(pointer, &format!("ids/{at}"), Code::UnknownReference, "unknown article");
                }
            }
        }
        Block {
            kind,
            title,
            category: found.flatten(),
            days,
            ids: known,
            notice_kind,
            size,
            body: None,
            menu,
        }
    }

    fn find_category(&self, name: &str) -> Option<Uuid> {
        let known = |id: &Uuid| self.known.iter().any(|block| block.category == Some(*id));
        let found = self.tree.find(&IdOrSlug::parse(name)).map(|row| row.id);
        found.or_else(|| Uuid::parse_str(name).ok().filter(known))
    }

    fn find_known_article(&self, name: &str) -> Option<Uuid> {
        Uuid::parse_str(name).ok().filter(|id| self.known.iter().any(|block| block.ids.contains(id)))
    }

    /// Each kind takes its own keys, and some are needed.
    fn check_keys(&mut self, block: &NewBlock, has_body: bool, pointer: &str) {
        use BlockKind::{Articles, Html, Latest, Links, Notices, Popular};
        let kind = block.kind;
        let keys: [(&str, bool, &[BlockKind]); 7] = [
            ("category", block.category.is_some(), &[Latest]),
            ("days", block.days.is_some(), &[Popular]),
            ("ids", block.ids.is_some(), &[Articles]),
            ("notice_kind", block.notice_kind.is_some(), &[Notices]),
            ("size", block.size.is_some(), &[Latest, Popular, Notices]),
            ("body", has_body, &[Html]),
            ("menu", block.menu.is_some(), &[Links]),
        ];
        for (key, is_given, kinds) in keys {
            if is_given && !kinds.contains(&kind) {
                self.refuse(pointer, key, Code::UnknownField, "is no key of a block of this kind");
            }
            let is_needed = matches!((key, kind), ("ids", Articles) | ("body", Html) | ("menu", Links));
            if is_needed && !is_given {
                self.refuse(pointer, key, Code::MissingField, "is required");
            }
        }
    }

    /// The safe HTML of a block.
    async fn render(&mut self, app: &App, source: String, pointer: &str) -> Result<Option<String>> {
        let body = render_off_thread(app, source, BodyFormat::Html, MAX_BODY_CHARS).await?;
        let below = |fault: Fault| fault.below(pointer);
        self.warnings.extend(warn_of_body(&body).into_iter().map(below));
        match body {
            Ok(body) => Ok(Some(body.html)),
            Err(fault) => {
                self.faults.push(below(fault));
                Ok(None)
            }
        }
    }

    fn refuse(&mut self, pointer: &str, key: &str, code: Code, detail: &'static str) {
        // A problem names a bounded number of faults.
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault::body(format!("{pointer}/{key}"), code, detail));
        }
    }
}

/// Gives the home page these blocks, and records it unless it changes nothing.
pub async fn put_blocks(tx: &mut Tx, actor: Actor, blocks: &[Block], if_match: &IfMatch) -> Result<Row> {
    let blocks: Value = serde_json::to_value(blocks).map_err(|cause| Error::Internal(cause.into()))?;
    let row = queries::lock(tx).await?;
    if_match.check(row.as_ref().map_or(0, |row| row.version))?;
    let Some(row) = row else {
        let row = queries::insert(tx, &blocks).await?;
        tx.record(actor, Change::new("create", "home", row.id));
        return Ok(row);
    };
    if row.blocks == blocks {
        return Ok(row);
    }
    let row = queries::update(tx, row.id, &blocks).await?;
    tx.record(actor, Change::new("update", "home", row.id).of_fields(vec!["blocks".to_owned()]));
    Ok(row)
}
