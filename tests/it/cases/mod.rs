//! Files of other systems on which imports have failed, each with what must become of it.
//!
//! The files are in `files/`. A test is named by what it forbids; its file begins with the case's number.

mod charsets;
mod descriptions;
mod engine;
mod ghost;
mod media;
mod pages;
mod report;
mod rows;
mod wordpress;

use std::path::PathBuf;

use inkstone::operations::Role;
use serde_json::Value;

use crate::harness::process::{inkstone, run_on, write_file};
use crate::harness::{Client, TestApp};

/// An empty site with an editor, into which files are imported.
struct Site {
    app: TestApp,
    editor: Client,
}

/// What `inkstone import` said.
struct Import {
    success: bool,
    /// Both outputs.
    text: String,
}

impl Site {
    async fn start() -> Self {
        let (app, _) = TestApp::start().await;
        let editor = app.db_member(Role::Editor).await;
        Self { app, editor }
    }

    /// Runs `inkstone import` with these arguments on the database of the site.
    async fn import(&self, arguments: &[&str]) -> Import {
        let (code, out, shown) = run_on(&self.app, &[&["import"], arguments].concat()).await;
        Import { success: code == Some(0), text: out + &shown }
    }

    /// All articles of any status, with their bodies, in the order of their external ids.
    async fn load_articles(&self) -> Vec<Value> {
        let path = "/api/v1/articles?status=draft,published,archived&page_size=100&fields=id,external_id,slug,\
                    title,summary,body,category,tags,author,source_name,source_url,cover_url,status,\
                    published_at,views";
        let list = self.editor.get(path).await.expect(200).json();
        let mut articles = list["data"].as_array().unwrap().clone();
        articles.sort_by_key(|article| article["external_id"].to_string());
        articles
    }

    /// The only article.
    async fn load_only_article(&self) -> Value {
        let mut articles = self.load_articles().await;
        assert_eq!(articles.len(), 1, "{articles:?}");
        articles.remove(0)
    }
}

/// The path of a case's file.
fn case_path(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases/files").join(name);
    assert!(path.exists(), "{}", path.display());
    path.to_str().unwrap().to_owned()
}

/// The names of an article's category, from the root on, joined by slashes.
fn category_path(article: &Value) -> String {
    let path = article["category"]["path"].as_array();
    let names = path.into_iter().flatten().map(|step| step["name"].as_str().unwrap());
    names.collect::<Vec<_>>().join("/")
}
