//! Articles, as every kind of client meets them.

mod archive;
mod authors;
mod bodies;
mod browser;
mod by_url;
mod conditions;
mod external;
mod faults;
mod filters;
mod former_slugs;
mod hiding;
mod list_parameters;
mod lists;
mod losses;
mod pages;
mod plans;
mod popular;
mod portal_page;
mod reading;
mod sorting;
mod upkeep;
mod views;
mod walks;
mod warnings;
mod writing;

use serde_json::{Value, json};

use crate::harness::{Client, TestApp, column};

/// Where articles are.
const ARTICLES: &str = "/api/v1/articles";

/// The address of an article.
fn at(article: &Value) -> String {
    format!("{ARTICLES}/{}", article["id"].as_str().unwrap())
}

/// A published article's body with `keys` put over it.
fn with(keys: Value) -> Value {
    let mut body =
        json!({"title": "潮汐表 Tide tables", "body": "<p>High water at noon.</p>", "status": "published"});
    body.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    body
}

/// Creates a published article with `keys`.
async fn create(by: &Client, keys: Value) -> Value {
    by.post(ARTICLES, with(keys)).await.data(201)
}

/// The titles a list shows, in order.
async fn titles(client: &Client, query: &str) -> Vec<String> {
    column(&client.get(&format!("{ARTICLES}?{query}")).await.data(200), "title")
}

/// `rows` published articles, `row 00001` and on, without the API; `hour` is SQL over their number `n`.
async fn db_rows(app: &TestApp, rows: usize, hour: &str) {
    // A statement has five seconds.
    for from in (1..=rows).step_by(2_500) {
        let to = rows.min(from + 2_499);
        app.db_execute(&format!(
            "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at, category_id)
             SELECT gen_random_uuid(), 'row-' || n, 'row ' || lpad(n::text, 5, '0'), '', '<p>' || n || '</p>', 1,
                    'published', {hour}, (SELECT id FROM categories WHERE slug = 'part-' || n % 3)
             FROM generate_series({from}, {to}) AS n"
        ))
        .await;
    }
}

/// Publication hours a minute apart, so that `row 00001` is the newest.
const A_MINUTE_APART: &str = "timestamptz '2019-09-20T00:00:00Z' - n * interval '1 minute'";
