//! What the view of an article takes from outside its row.

use std::sync::Arc;

use super::model::Row;
use super::view::{Article, ArticleCard};
use crate::app::App;
use crate::categories::model::Tree;
use crate::error::Result;
use crate::media::addresses::{Addresses, UsedMedia};
use crate::media::bodies::complete_body;
use crate::site::model::Row as Site;

/// What the view of an article takes from outside its row.
pub struct ViewContext {
    tree: Arc<Tree>,
    site: Arc<Site>,
    /// Articles are public: media for members are not shown in them, whoever reads.
    addresses: Addresses,
}

impl ViewContext {
    /// The context of what is in memory.
    pub fn new(app: &App, tree: Arc<Tree>, site: Arc<Site>) -> Self {
        let addresses = Addresses::for_visitors(app, &site);
        Self { tree, site, addresses }
    }

    /// Loads it. To be done before a change: after the commit nothing may fail any more.
    pub async fn load(app: &App) -> Result<Self> {
        Ok(Self::new(app, app.snapshot().await?, app.snapshot().await?))
    }

    /// The tree of categories.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The article in `row` as a card.
    pub fn card(&self, row: Row) -> ArticleCard {
        ArticleCard::new(&self.tree, &self.site.content.base_url, &self.addresses, row)
    }

    /// A piece of HTML that names media, with its pictures as visitors get them.
    pub fn complete_html(&self, html: String, media: &[UsedMedia]) -> String {
        complete_body(html, media, &self.addresses)
    }

    /// The newest context that is to be had, after the change.
    pub async fn renew(self, app: &App) -> Self {
        Self::load(app).await.unwrap_or(self)
    }

    /// The article in `row`, as the staff or a visitor sees it.
    pub fn view(&self, row: Row, for_staff: bool) -> Article {
        Article::new(&self.tree, &self.site.content.base_url, &self.addresses, row, for_staff)
    }
}
