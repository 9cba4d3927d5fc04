//! The site as clients see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Content, FeedContent, Row};

/// A place to share to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareTarget {
    /// A short name for programs.
    #[schema(example = "weibo", min_length = 1, max_length = 40, pattern = "^[a-z0-9-]+$")]
    pub id: String,
    /// The name for people.
    #[schema(format = "plain-text", example = "微博", min_length = 1, max_length = 60, pattern = r"\S")]
    pub name: String,
    /// The address to open, with `{url}` and `{title}` where the article's go (http, https or mailto).
    #[schema(
        example = "https://service.weibo.com/share/share.php?url={url}&title={title}",
        max_length = 500,
        pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?|mailto:[^\s<>\x22]*)$"
    )]
    pub url: String,
}

/// The site.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Site {
    /// Its name.
    #[schema(example = "砚台计量网")]
    pub name: String,
    /// A line below the name.
    pub tagline: String,
    /// Its public address, without a slash at the end.
    #[schema(example = "https://news.example.org")]
    pub base_url: String,
    /// Its language, as a BCP 47 tag.
    #[schema(example = "zh-CN")]
    pub locale: String,
    /// Where readers may share to, in the order to offer them.
    pub share_targets: Vec<ShareTarget>,
    /// The time zone of dates without one in imports, by its IANA name.
    #[schema(example = "Asia/Shanghai")]
    pub timezone: String,
    /// The address of an article's page; empty for `/articles/{slug}`.
    #[schema(example = "/news/{category_path}/{slug}")]
    pub article_url: String,
    /// The address of a category's page; empty for `/categories/{slug}`.
    pub category_url: String,
    /// The address of a notice's page; empty for `/notices/{slug}`.
    pub notice_url: String,
    /// The address of the page of a tag; empty for `/tags/{tag}`.
    pub tag_url: String,
    /// How much of an article feeds hold.
    pub feed_content: FeedContent,
    /// The hub of WebSub that feeds name; empty for none.
    pub websub_hub: String,
    /// For `If-Match`.
    pub version: i32,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Site {
    type Error = serde_json::Error;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        Ok(Self {
            name: row.content.name,
            tagline: row.content.tagline,
            base_url: row.content.base_url,
            locale: row.content.locale,
            share_targets: serde_json::from_value(row.content.share_targets)?,
            timezone: row.content.timezone,
            article_url: row.content.article_url,
            category_url: row.content.category_url,
            notice_url: row.content.notice_url,
            tag_url: row.content.tag_url,
            feed_content: row.content.feed_content,
            websub_hub: row.content.websub_hub,
            version: row.version,
            updated_at: row.updated_at,
        })
    }
}

/// A change to the site. Absent: kept.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "砚台计量网", "locale": "zh-CN"}))]
pub struct SitePatch {
    /// Its name.
    #[schema(format = "plain-text", min_length = 1, max_length = 100, pattern = r"\S", nullable = false)]
    pub name: Option<String>,
    /// A line below the name.
    #[schema(format = "plain-text", max_length = 200, nullable = false)]
    pub tagline: Option<String>,
    /// Its public address: http or https, host and port, no path.
    #[schema(max_length = 200, pattern = r"^https?://[^\s/?#@\\<>\x22]+$", nullable = false)]
    pub base_url: Option<String>,
    /// Its language, as a BCP 47 tag.
    #[schema(max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", nullable = false)]
    pub locale: Option<String>,
    /// Where readers may share to, in the order to offer them.
    #[schema(max_items = 30, nullable = false)]
    pub share_targets: Option<Vec<ShareTarget>>,
    /// The time zone of dates without one in imports, by its IANA name, like Asia/Shanghai.
    #[schema(min_length = 1, max_length = 60, nullable = false)]
    pub timezone: Option<String>,
    /// The address of an article's page: http or https, or a path below `base_url`, with `{id}` or `{slug}`, and as you
    /// like `{category}`, `{category_path}`, `{year}`, `{month}` and `{day}`. Empty for `/articles/{slug}`.
    #[schema(
        max_length = 500,
        pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?][^\s#\\<>\x22]*)?|/([^\s/#\\<>\x22][^\s#\\<>\x22]*)?)?$",
        nullable = false
    )]
    pub article_url: Option<String>,
    /// The same of a category's page: with `{id}`, `{slug}`, or `{category_path}`, the slugs from the root on. Empty for
    /// `/categories/{slug}`.
    #[schema(
        max_length = 500,
        pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?][^\s#\\<>\x22]*)?|/([^\s/#\\<>\x22][^\s#\\<>\x22]*)?)?$",
        nullable = false
    )]
    pub category_url: Option<String>,
    /// The same of a notice's page: with `{id}` or `{slug}`, and as you like `{kind}`, `{year}`, `{month}` and `{day}`.
    /// Empty for `/notices/{slug}`.
    #[schema(
        max_length = 500,
        pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?][^\s#\\<>\x22]*)?|/([^\s/#\\<>\x22][^\s#\\<>\x22]*)?)?$",
        nullable = false
    )]
    pub notice_url: Option<String>,
    /// The same of the page of a tag, with `{tag}`. Empty for `/tags/{tag}`.
    #[schema(
        max_length = 500,
        pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?][^\s#\\<>\x22]*)?|/([^\s/#\\<>\x22][^\s#\\<>\x22]*)?)?$",
        nullable = false
    )]
    pub tag_url: Option<String>,
    /// How much of an article feeds hold.
    #[schema(nullable = false)]
    pub feed_content: Option<FeedContent>,
    /// The hub of WebSub that feeds name: an http or https address; empty for none.
    #[schema(
        max_length = 500,
        pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?][^\s#<>\x22]*)?)?$",
        nullable = false
    )]
    pub websub_hub: Option<String>,
}

impl SitePatch {
    /// The site after the change.
    pub fn over(self, current: Content) -> Result<Content, serde_json::Error> {
        Ok(Content {
            name: self.name.unwrap_or(current.name),
            tagline: self.tagline.unwrap_or(current.tagline),
            base_url: self.base_url.unwrap_or(current.base_url),
            locale: self.locale.unwrap_or(current.locale),
            share_targets: match self.share_targets {
                Some(targets) => serde_json::to_value(targets)?,
                None => current.share_targets,
            },
            timezone: self.timezone.unwrap_or(current.timezone),
            article_url: self.article_url.unwrap_or(current.article_url),
            category_url: self.category_url.unwrap_or(current.category_url),
            notice_url: self.notice_url.unwrap_or(current.notice_url),
            tag_url: self.tag_url.unwrap_or(current.tag_url),
            feed_content: self.feed_content.unwrap_or(current.feed_content),
            websub_hub: self.websub_hub.unwrap_or(current.websub_hub),
        })
    }
}
