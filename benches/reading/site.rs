//! The site that is read, and what a client needs to read and change it.

use anyhow::{Context, ensure};
use reqwest::Client;
use serde_json::{Value, json};

use crate::floor::Database;
use crate::rows;
use crate::support::{ADMIN, PASSWORD, Server, login};

/// Articles that change while they are read. Their slugs are [`changing_slug`].
pub const CHANGING: usize = 1_000;

/// A filled database.
pub struct Site {
    pub database: Database,
    /// An API key that may write articles.
    pub key: String,
    /// The path of the first list.
    pub list: String,
    /// A category with others below it.
    pub category: String,
    /// The path of the list of the articles that change.
    pub changing_list: String,
    /// How many articles there are, without those that change.
    pub articles: usize,
}

impl Site {
    /// Imports the articles, and makes the key.
    pub async fn fill(server: &Server, database: Database, articles: usize) -> anyhow::Result<Self> {
        let client = Client::new();
        let session = server.post(&client, "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
        let session: Value = session.error_for_status()?.json().await?;
        let token = session["data"]["access_token"].as_str().context("a token")?;
        let rows = (1..=articles).map(article).chain((0..CHANGING).map(changing));
        let rows: String = rows.map(|row| format!("{row}\n")).collect();
        let import = format!("{}/api/v1/articles/import?create_categories=true", server.url);
        let import = client.post(import).bearer_auth(token).header("content-type", "application/x-ndjson");
        let summary: Value = import.body(rows).send().await?.error_for_status()?.json().await?;
        ensure!(summary["data"]["created"] == articles + CHANGING, "{summary:#}");
        let wanted = json!({"name": "bench", "scopes": ["articles:write"]});
        let made = server.post(&client, "/api-keys", &wanted).bearer_auth(token).send().await?;
        let made: Value = made.error_for_status()?.json().await?;
        let category = async |slug: &str| {
            let address = format!("{}/api/v1/articles/{slug}", server.url);
            let card: Value = client.get(address).send().await?.error_for_status()?.json().await?;
            let category = card["data"]["category"]["path"][0]["slug"].as_str().context("a category")?;
            anyhow::Ok(category.to_owned())
        };
        let (category, changing) = (category("1").await?, category(&changing_slug(0)).await?);
        database.psql(&["VACUUM (ANALYZE)", "CHECKPOINT"])?;
        Ok(Self {
            database,
            key: made["data"]["key"].as_str().context("a key")?.to_owned(),
            list: "/api/v1/articles".to_owned(),
            changing_list: format!("/api/v1/articles?category={changing}"),
            category,
            articles,
        })
    }
}

/// Words of an article: about 4 KB of HTML.
const LENGTH: usize = 580;

/// The path of the article `number`.
pub fn path(number: usize) -> String {
    format!("/api/v1/articles/{number}")
}

/// The article `number`, in one of 5 categories with 8 below each.
pub fn article(number: usize) -> Value {
    let mut article = rows::row(number, LENGTH);
    article["slug"] = json!(number.to_string());
    article["category"] = json!(format!("新闻{}/栏目{}", number % 5, number % 40));
    // Only imports of admins set them.
    article.as_object_mut().map(|article| article.remove("views"));
    article
}

/// The slug of the changing article `number`.
pub fn changing_slug(number: usize) -> String {
    format!("changing-{number}")
}

/// The title of a revision of the changing article `number`.
pub fn changing_title(number: usize, revision: u32) -> String {
    format!("Changing {number} revision {revision}.")
}

fn changing(number: usize) -> Value {
    let mut article = rows::row(number + 1, LENGTH);
    article["external_id"] = json!(changing_slug(number));
    article["slug"] = json!(changing_slug(number));
    article["title"] = json!(changing_title(number, 0));
    article["category"] = json!("changing");
    // The first list of all is not among what changes.
    article["published_at"] = json!("2001-01-01T00:00:00Z");
    article.as_object_mut().map(|article| article.remove("views"));
    article
}
