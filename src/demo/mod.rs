//! A small demo site, loaded once on request.

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::app::App;
use crate::articles::input::NewArticle;
use crate::categories::view::NewCategory;
use crate::changes::model::{Actor, Change};
use crate::error::{Error, Result};
use crate::http::conditional::IfMatch;
use crate::notices::view::NewNotice;
use crate::site::view::SitePatch;
use crate::tx::Tx;
use crate::{articles, categories, changes, notices, site};

const CONTENT: &str = include_str!("site.json");

/// The demo site as it is written down. Times are hours before the present.
#[derive(Clone, Deserialize)]
struct Demo {
    site: Value,
    categories: Vec<Value>,
    articles: Vec<Map<String, Value>>,
    notices: Vec<Map<String, Value>>,
}

/// Loads the demo site unless it was ever loaded, and says whether it did.
pub async fn load(app: &App) -> anyhow::Result<bool> {
    let demo: Demo = serde_json::from_str(CONTENT)?;
    let loaded = app.write(async move |tx| load_once(tx, demo.clone()).await).await;
    loaded.map_err(|cause| anyhow!("loading the demo site: {cause:?}"))
}

async fn load_once(tx: &mut Tx, demo: Demo) -> Result<bool> {
    // The tree's lock also keeps two processes from loading at once.
    let tree = categories::queries::lock_tree(tx).await?;
    if changes::queries::exists(tx, "load", "demo").await? {
        return Ok(false);
    }
    if !tree.in_order().is_empty() || changes::queries::exists(tx, "create", "article").await? {
        tracing::warn!("The demo site is not loaded: this site has contents of its own");
        return Ok(false);
    }
    let now = tx.now().await?;
    let site =
        site::writing::patch_site(tx, Actor::SYSTEM, &IfMatch::Absent, read::<SitePatch>(demo.site)?).await?;
    let mut tree = tree;
    for category in demo.categories {
        let content = categories::writing::new_content(&tree, read::<NewCategory>(category)?)?;
        tree = tree.with(categories::writing::add_category(tx, Actor::SYSTEM, &content).await?);
    }
    for mut article in demo.articles {
        set_hour(&mut article, "hours_ago", "published_at", |hours| now - hours);
        let article = articles::writing::prepare_article(&tree, read::<NewArticle>(article.into())?).await;
        articles::writing::add_article(tx, Actor::SYSTEM, article).await?;
    }
    for mut notice in demo.notices {
        set_hour(&mut notice, "hours_ago", "published_at", |hours| now - hours);
        set_hour(&mut notice, "expires_in_hours", "expires_at", |hours| now + hours);
        let notice = notices::writing::prepare_notice(read::<NewNotice>(notice.into())?).await;
        notices::writing::add_notice(tx, Actor::SYSTEM, notice).await?;
    }
    tx.record(Actor::SYSTEM, Change::new("load", "demo", site.id));
    Ok(true)
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|cause| Error::Internal(cause.into()))
}

/// Replaces a number of hours under `from` by a time under `to`.
fn set_hour(object: &mut Map<String, Value>, from: &str, to: &str, at: impl Fn(TimeDelta) -> DateTime<Utc>) {
    let hours = object.remove(from).as_ref().and_then(Value::as_i64);
    if let Some(hours) = hours {
        object.insert(to.to_owned(), at(TimeDelta::hours(hours)).to_rfc3339().into());
    }
}
