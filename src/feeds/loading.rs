//! Making a feed from what visitors see.

use std::io;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use url::Url;
use uuid::{Builder, Uuid};

use super::answer_tags::tag_article_feed;
use super::model::{ArticleSet, Enclosure, Entry, Feed, MAX_ENTRIES, Term};
use super::names::FeedFormat;
use super::queries::{NoticeRow, load_newest_notices};
use super::{atom, json_feed, rss};
use crate::app::App;
use crate::articles::listing::order;
use crate::articles::model::Row as Article;
use crate::articles::queries::listing::Listing;
use crate::articles::queries::lists;
use crate::cache::tags::Tag;
use crate::categories::model::{Row as Category, Tree};
use crate::db::rows::PageSlice;
use crate::error::{Error, Result};
use crate::http::id_or_slug::IdOrSlug;
use crate::markup::addresses::make_absolute;
use crate::media::addresses::{Addresses, UsedMedia};
use crate::media::bodies::complete_body;
use crate::media::covers::Cover;
use crate::notices::model::NoticeKind;
use crate::site::links::{Links, PageKind, Thing, encode_segment};
use crate::site::model::{FeedContent, Row as Site};

/// What feeds take from outside their rows.
#[derive(Clone)]
pub struct FeedContext {
    tree: Arc<Tree>,
    site: Arc<Site>,
    links: Links,
    addresses: Addresses,
}

impl FeedContext {
    /// Loads it. To be done after the times and before the rows.
    pub async fn load(app: &App) -> Result<Self> {
        let (tree, site) = (app.snapshot::<Tree>().await?, app.snapshot::<Site>().await?);
        let links = Links::new(&site);
        let addresses = Addresses::for_visitors(app, &site);
        Ok(Self { tree, site, links, addresses })
    }

    /// The category with this id, slug or former slug.
    pub fn find_category(&self, key: &IdOrSlug) -> Result<&Category> {
        self.tree.find(key).ok_or_else(Error::not_found)
    }

    /// The feed of a set of articles in a format, and what it was made from.
    pub async fn write_article_feed(
        self,
        app: &App,
        set: ArticleSet,
        format: FeedFormat,
    ) -> Result<(Vec<u8>, Vec<Tag>)> {
        let rows = self.load_articles(app, &set).await?;
        let tags = tag_article_feed(&set, &self.tree, rows.iter().map(|row| row.content.category_id));
        let write = move || {
            let entries = rows.into_iter().filter_map(|row| self.article_entry(row)).collect();
            write_feed(&self.article_feed(&set, format, entries), format)
        };
        Ok((write_off_thread(write).await?, tags))
    }

    /// The feed of a kind of notices in a format.
    pub async fn write_notice_feed(self, app: &App, kind: NoticeKind, format: FeedFormat) -> Result<Vec<u8>> {
        let rows = load_newest_notices(&*app.costly_reader().await?, kind).await?;
        let write = move || {
            let entries = rows.into_iter().map(|row| self.notice_entry(kind, row)).collect();
            let path = format!("notices/{}", kind.as_str());
            let title = self.title_of(self.name_of_kind(kind));
            let id = self.derive_id(&path);
            let page = self.links.own("/");
            write_feed(&self.feed(id, title, String::new(), (&path, format), page, entries), format)
        };
        write_off_thread(write).await
    }

    async fn load_articles(&self, app: &App, set: &ArticleSet) -> Result<Vec<Article>> {
        let mut listing = Listing::public();
        match set {
            ArticleSet::All => {}
            ArticleSet::Category(id) => listing.categories = Some(self.tree.subtree(*id)),
            ArticleSet::Tag(name) => listing.tags = Some(vec![name.clone()]),
            ArticleSet::Author(name) => listing.author = Some(name.clone()),
        }
        let order = order(None, true)?;
        let slice = PageSlice::first(order, MAX_ENTRIES);
        let conn = app.costly_reader().await?;
        Ok(match self.site.content.feed_content {
            FeedContent::Full => lists::load_full(&conn, listing, &slice).await?.rows,
            FeedContent::Summary => lists::load_cards(&conn, listing, &slice).await?,
        })
    }

    fn article_feed(&self, set: &ArticleSet, format: FeedFormat, entries: Vec<Entry>) -> Feed {
        match set {
            ArticleSet::All => {
                let (title, subtitle) = (self.site.content.name.clone(), self.site.content.tagline.clone());
                self.feed(self.site.id, title, subtitle, ("articles", format), self.links.own("/"), entries)
            }
            ArticleSet::Category(id) => {
                let (name, description, slug, page) = self.describe_category(*id);
                let path = format!("categories/{}", encode_segment(&slug));
                self.feed(*id, self.title_of(&name), description, (&path, format), page, entries)
            }
            ArticleSet::Tag(name) => {
                let path = format!("tags/{}", encode_segment(name));
                let page = self.links.page(PageKind::Tag, &Thing { tag: name, ..Thing::default() });
                let id = self.derive_id(&path);
                self.feed(id, self.title_of(name), String::new(), (&path, format), page, entries)
            }
            ArticleSet::Author(name) => {
                let path = format!("authors/{}", encode_segment(name));
                let (id, page) = (self.derive_id(&path), self.links.own("/"));
                self.feed(id, self.title_of(name), String::new(), (&path, format), page, entries)
            }
        }
    }

    fn feed(
        &self,
        id: Uuid,
        title: String,
        subtitle: String,
        (path, format): (&str, FeedFormat),
        page: String,
        entries: Vec<Entry>,
    ) -> Feed {
        let content = &self.site.content;
        let newest = entries.iter().map(|entry| entry.updated_at).max();
        Feed {
            id,
            title,
            subtitle,
            address: self.links.own(&format!("/feeds/{path}.{}", format.ending())),
            page,
            hub: content.websub_hub.clone(),
            language: content.locale.clone(),
            site: content.name.clone(),
            updated_at: newest.unwrap_or(self.site.updated_at),
            entries,
        }
    }

    fn article_entry(&self, row: Article) -> Option<Entry> {
        let content = row.content;
        let path = content.category_id.map(|id| self.tree.path(id)).unwrap_or_default();
        let slugs: Vec<&str> = path.iter().map(|row| row.content.slug.as_str()).collect();
        // Public articles have a time.
        let published_at = content.published_at?;
        let thing = Thing {
            id: row.id,
            slug: &content.slug,
            category_path: &slugs,
            published_at: Some(published_at),
            ..Thing::default()
        };
        let page = self.links.page(PageKind::Article, &thing);
        let category = path.last().map(|row| &row.content);
        let terms = category.map(|content| Term { name: content.slug.clone(), label: content.name.clone() });
        let tags = content.tags.into_iter().map(|tag| Term { name: tag.clone(), label: tag });
        let media = UsedMedia::read_all(row.media);
        let (html, stored) = (&content.body, content.cover_url);
        let html = self.has_bodies().then(|| self.complete_body(html.clone(), &media, &page));
        let enclosure = self.find_enclosure(stored.as_deref(), &media);
        let cover = Cover::new(stored, self.links.base(), &self.addresses, &media);
        Some(Entry {
            id: row.id,
            title: content.title,
            published_at,
            // It comes out later than it was written.
            updated_at: row.updated_at.max(published_at),
            author: content.author,
            terms: terms.into_iter().chain(tags).collect(),
            summary: content.summary,
            html,
            image: cover.address,
            enclosure,
            page,
        })
    }

    fn notice_entry(&self, kind: NoticeKind, row: NoticeRow) -> Entry {
        let thing = Thing {
            id: row.id,
            slug: &row.slug,
            kind: kind.as_str(),
            published_at: Some(row.published_at),
            ..Thing::default()
        };
        let page = self.links.page(PageKind::Notice, &thing);
        Entry {
            id: row.id,
            title: row.title,
            published_at: row.published_at,
            updated_at: row.updated_at.max(row.published_at),
            author: String::new(),
            terms: Vec::new(),
            summary: row.summary,
            html: self
                .has_bodies()
                .then(|| self.complete_body(row.body, &UsedMedia::read_all(row.media), &page)),
            image: None,
            enclosure: None,
            page,
        }
    }

    fn has_bodies(&self) -> bool {
        self.site.content.feed_content == FeedContent::Full
    }

    /// A body with absolute addresses.
    fn complete_body(&self, html: String, media: &[UsedMedia], page: &str) -> String {
        let html = complete_body(html, media, &self.addresses);
        match (Url::parse(self.links.base()), Url::parse(page)) {
            (Ok(site), Ok(page)) => make_absolute(&html, &site, &page).into_owned(),
            _ => html,
        }
    }

    /// The cover as a file that all readers of feeds can show.
    fn find_enclosure(&self, stored: Option<&str>, media: &[UsedMedia]) -> Option<Enclosure> {
        let found = self.addresses.find(stored?, media)?;
        let (address, media_type) = self.addresses.plain_file(found)?;
        Some(Enclosure { address, media_type })
    }

    /// The name, the description, the slug and the page of a category.
    fn describe_category(&self, id: Uuid) -> (String, String, String, String) {
        let path = self.tree.path(id);
        let slugs: Vec<&str> = path.iter().map(|row| row.content.slug.as_str()).collect();
        let content = path.last().map(|row| row.content.clone());
        let (name, description, slug) =
            content.map(|content| (content.name, content.description, content.slug)).unwrap_or_default();
        let thing = Thing { id, slug: &slug, category_path: &slugs, ..Thing::default() };
        let page = self.links.page(PageKind::Category, &thing);
        (name, description, slug, page)
    }

    fn name_of_kind(&self, kind: NoticeKind) -> &'static str {
        let is_chinese = self.site.content.locale.to_ascii_lowercase().starts_with("zh");
        match (kind, is_chinese) {
            (NoticeKind::Notice, true) => "通知",
            (NoticeKind::Announcement, true) => "公告",
            (NoticeKind::Notice, false) => "Notices",
            (NoticeKind::Announcement, false) => "Announcements",
        }
    }

    fn title_of(&self, name: &str) -> String {
        format!("{name} - {}", self.site.content.name)
    }

    /// The id of what has none of its own, like a tag: always the same for a path of this site.
    fn derive_id(&self, path: &str) -> Uuid {
        let digest = Sha256::new_with_prefix(self.site.id.as_bytes()).chain_update(path).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}

fn write_feed(feed: &Feed, format: FeedFormat) -> io::Result<Vec<u8>> {
    match format {
        FeedFormat::Atom => atom::write_feed(feed),
        FeedFormat::Rss => rss::write_feed(feed),
        FeedFormat::Json => json_feed::write_feed(feed),
    }
}

/// Writes a feed on another thread: bodies may be megabytes.
async fn write_off_thread(write: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) -> Result<Vec<u8>> {
    let written = spawn_blocking(write).await.map_err(|cause| Error::Internal(cause.into()))?;
    written.map_err(|cause| Error::Internal(cause.into()))
}
