//! Making the files of the sitemap from what visitors see.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::model::{Address, IndexedFile, MAX_ADDRESSES, MAX_FILES, Month, News, SitemapFile, count_parts};
use super::names::format_name;
use super::queries::{self, ArticleRow, MonthRow, NoticeRow};
use super::xml_files::{find_news_language, write_addresses, write_index};
use crate::app::App;
use crate::categories::model::Tree;
use crate::error::{Error, Result};
use crate::site::links::{Links, PageKind, Thing};
use crate::site::model::Row as Site;

/// For how long an article is news.
const NEWS_AGE: TimeDelta = TimeDelta::days(2);

/// What sitemaps take from outside their rows.
pub struct SitemapContext {
    tree: Arc<Tree>,
    site: Arc<Site>,
    links: Links,
}

impl SitemapContext {
    /// Loads it. To be done after the times and before the rows.
    pub async fn load(app: &App) -> Result<Self> {
        let (tree, site) = (app.snapshot::<Tree>().await?, app.snapshot::<Site>().await?);
        let links = Links::new(&site);
        Ok(Self { tree, site, links })
    }

    /// The index, at the time `now`. A sitemap may name addresses of its own host only: there are no files of others.
    pub async fn write_index(&self, app: &App, now: DateTime<Utc>) -> Result<Vec<u8>> {
        let conn = app.costly_reader().await?;
        let mut files = Vec::new();
        if self.links.is_on_site(PageKind::Article) {
            let newest = queries::load_newest(&conn).await?;
            let months = queries::load_months(&conn).await?;
            files.extend(self.list_news(newest, now));
            // The newest first: they are what a search engine asks for.
            months.into_iter().rev().for_each(|month| self.add_month(&month, newest, &mut files));
        }
        if self.links.is_on_site(PageKind::Category) {
            let parts = 1..=count_parts(self.tree.len());
            files.extend(parts.map(|part| self.index_file(SitemapFile::Categories(part), None)));
        }
        if self.links.is_on_site(PageKind::Notice) {
            let (count, changed_at) = queries::count_notices(&conn).await?;
            let parts = 1..=count_parts(usize::try_from(count).unwrap_or_default());
            files.extend(parts.map(|part| self.index_file(SitemapFile::Notices(part), changed_at)));
        }
        files.truncate(MAX_FILES);
        write_index(&files).map_err(|cause| Error::Internal(cause.into()))
    }

    fn index_file(&self, file: SitemapFile, modified_at: Option<DateTime<Utc>>) -> IndexedFile {
        let address = self.links.own(&format!("/sitemaps/{}", format_name(file)));
        IndexedFile { address, modified_at }
    }

    fn list_news(&self, newest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<IndexedFile> {
        newest.filter(|at| *at > now - NEWS_AGE).map(|at| self.index_file(SitemapFile::News, Some(at)))
    }

    fn add_month(&self, row: &MonthRow, newest: Option<DateTime<Utc>>, files: &mut Vec<IndexedFile>) {
        let month = Month(row.month);
        // One that was written earlier may just have come out.
        let newest = newest.filter(|at| Month::of(*at) == Some(month));
        let changed_at = newest.map_or(row.changed_at, |at| at.max(row.changed_at));
        let parts = 1..=count_parts(usize::try_from(row.articles).unwrap_or_default());
        files.extend(
            parts.rev().map(|part| self.index_file(SitemapFile::Articles(month, part), Some(changed_at))),
        );
    }

    /// A file. A part without addresses does not exist.
    pub async fn write_file(&self, app: &App, file: SitemapFile) -> Result<Vec<u8>> {
        let addresses = match file {
            SitemapFile::Articles(month, part) => {
                self.check_host(PageKind::Article)?;
                let rows = queries::load_articles(&*app.costly_reader().await?, month, skip_to(part)).await?;
                rows.iter().map(|row| self.article(row)).collect()
            }
            SitemapFile::News => {
                self.check_host(PageKind::Article)?;
                let rows = queries::load_news(&*app.costly_reader().await?).await?;
                rows.into_iter().map(|row| self.news(row)).collect()
            }
            SitemapFile::Categories(part) => {
                self.check_host(PageKind::Category)?;
                self.list_categories(part)
            }
            SitemapFile::Notices(part) => {
                self.check_host(PageKind::Notice)?;
                let rows = queries::load_notices(&*app.costly_reader().await?, skip_to(part)).await?;
                rows.iter().map(|row| self.notice(row)).collect::<Vec<_>>()
            }
        };
        if addresses.is_empty() && file != SitemapFile::News {
            return Err(Error::not_found());
        }
        let content = &self.site.content;
        let publication = (content.name.as_str(), find_news_language(&content.locale));
        write_addresses(&addresses, (publication.0, &publication.1))
            .map_err(|cause| Error::Internal(cause.into()))
    }

    fn check_host(&self, kind: PageKind) -> Result<()> {
        if self.links.is_on_site(kind) { Ok(()) } else { Err(Error::not_found()) }
    }

    fn article(&self, row: &ArticleRow) -> Address {
        let path = self.list_slugs(row.category_id);
        let thing = Thing {
            id: row.id,
            slug: &row.slug,
            category_path: &path,
            published_at: Some(row.published_at),
            ..Thing::default()
        };
        Address {
            address: self.links.page(PageKind::Article, &thing),
            modified_at: Some(row.updated_at.max(row.published_at)),
            ..Address::default()
        }
    }

    fn news(&self, row: ArticleRow) -> Address {
        let address = self.article(&row);
        let news = News { title: row.title, published_at: row.published_at };
        Address { news: Some(news), ..address }
    }

    /// In the order in which they were made, so that a new one changes the last file.
    fn list_categories(&self, part: usize) -> Vec<Address> {
        let mut ids: Vec<Uuid> = self.tree.in_order().iter().map(|row| row.id).collect();
        ids.sort_unstable();
        let part = ids.into_iter().skip(skip_to(part)).take(MAX_ADDRESSES);
        part.map(|id| {
            let path = self.list_slugs(Some(id));
            let slug = path.last().copied().unwrap_or_default();
            let thing = Thing { id, slug, category_path: &path, ..Thing::default() };
            Address { address: self.links.page(PageKind::Category, &thing), ..Address::default() }
        })
        .collect()
    }

    fn notice(&self, row: &NoticeRow) -> Address {
        let thing = Thing {
            id: row.id,
            slug: &row.slug,
            kind: &row.kind,
            published_at: Some(row.published_at),
            ..Thing::default()
        };
        Address {
            address: self.links.page(PageKind::Notice, &thing),
            modified_at: Some(row.updated_at.max(row.published_at)),
            ..Address::default()
        }
    }

    /// The slugs of a category and of those above it, the root first.
    fn list_slugs(&self, category: Option<Uuid>) -> Vec<&str> {
        let path = category.map(|id| self.tree.path(id)).unwrap_or_default();
        path.into_iter().map(|row| row.content.slug.as_str()).collect()
    }
}

/// How many addresses are in the parts before a part.
fn skip_to(part: usize) -> usize {
    part.saturating_sub(1).saturating_mul(MAX_ADDRESSES)
}
