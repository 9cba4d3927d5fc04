//! Feeds and sitemaps.

mod caching;
mod formats;
mod hidden;
mod links;
mod names;
mod parser;
mod sitemaps;
mod xml;

use serde_json::{Value, json};

use crate::harness::Client;

pub const ARTICLES: &str = "/api/v1/articles";
pub const NOTICES: &str = "/api/v1/notices";
pub const SITE: &str = "/api/v1/site";
pub const FORMATS: [&str; 3] = ["atom", "rss", "json"];

/// Gives the site an address that is not that of the test's server.
pub async fn name_site(admin: &Client) {
    let site = json!({"name": "砝码 & Co", "tagline": "<计量>", "base_url": "https://news.example.org", "locale": "zh-CN"});
    admin.patch(SITE, site).await.expect(200);
}

/// Publishes an article with the given fields.
pub async fn publish(editor: &Client, fields: Value) -> Value {
    let mut article = json!({"title": "Tide", "body": "<p>Tide</p>", "status": "published"});
    let fields = fields.as_object().unwrap().clone();
    article.as_object_mut().unwrap().extend(fields);
    editor.post(ARTICLES, article).await.data(201)
}
