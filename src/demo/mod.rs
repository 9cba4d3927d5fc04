//! A small demo site. It is loaded once, on request.

use std::collections::BTreeMap;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::articles::input::NewArticle;
use crate::categories::view::NewCategory;
use crate::changes::model::{Actor, Change};
use crate::error::{Error, Result};
use crate::http::conditional::IfMatch;
use crate::markup::Sanitiser;
use crate::menus::writing::{prepare_items, put_menu};
use crate::notices::input::NewNotice;
use crate::site::view::SitePatch;
use crate::tx::Tx;
use crate::{articles, categories, changes, notices, site};

const SITE_JSON: &str = include_str!("site.json");

/// The content of `site.json`. Times are given as hours before or after the present.
#[derive(Clone, Deserialize)]
struct DemoSite {
    site: Value,
    categories: Vec<Value>,
    articles: Vec<Map<String, Value>>,
    notices: Vec<Map<String, Value>>,
    menus: BTreeMap<String, Vec<Value>>,
}

/// Loads the demo site, unless it was loaded before. Returns whether it was loaded now.
pub async fn load(app: &App) -> anyhow::Result<bool> {
    let demo: DemoSite = serde_json::from_str(SITE_JSON)?;
    let sanitiser = app.sanitiser.clone();
    let menus = demo.menus.clone();
    let load = async || {
        let is_loaded = app.write(async move |tx| load_once(tx, &sanitiser, demo.clone()).await).await?;
        if is_loaded {
            load_menus(app, menus).await?;
        }
        Ok::<_, Error>(is_loaded)
    };
    load().await.map_err(|cause| anyhow!("loading the demo site: {cause:?}"))
}

/// Loads the menus, which lead to what is there by now.
async fn load_menus(app: &App, menus: BTreeMap<String, Vec<Value>>) -> Result<()> {
    for (name, items) in menus {
        let items = prepare_items(app, parse_body(json!({"items": items}))?, &[]).await?;
        app.write(async move |tx| {
            put_menu(tx, Actor::SYSTEM, &name, &items, &IfMatch::Absent, false).await.map(drop)
        })
        .await?;
    }
    Ok(())
}

async fn load_once(tx: &mut Tx, sanitiser: &Sanitiser, demo: DemoSite) -> Result<bool> {
    // The lock on the tree also prevents two processes from loading at the same time.
    let tree = categories::queries::lock_tree(tx).await?;
    if changes::queries::exists(tx, "load", "demo").await? {
        return Ok(false);
    }
    if !tree.in_order().is_empty() || articles::queries::has_articles(tx).await? {
        tracing::warn!("The demo site is not loaded: this site has contents of its own");
        return Ok(false);
    }
    let now = tx.now().await?;
    let site =
        site::writing::patch_site(tx, Actor::SYSTEM, &IfMatch::Absent, parse_body::<SitePatch>(demo.site)?)
            .await?;
    let mut tree = tree;
    for category in demo.categories {
        let content = categories::writing::new_content(&tree, parse_body::<NewCategory>(category)?)?;
        tree = tree.with(categories::writing::add_category(tx, Actor::SYSTEM, &tree, &content).await?);
    }
    for mut article in demo.articles {
        replace_hours_by_time(&mut article, "hours_ago", "published_at", |hours| now - hours);
        let new = parse_body::<NewArticle>(article.into())?;
        let article = articles::writing::prepare_article_here(sanitiser, &tree, new);
        articles::writing::add_article(tx, Actor::SYSTEM, article).await?;
    }
    for mut notice in demo.notices {
        replace_hours_by_time(&mut notice, "hours_ago", "published_at", |hours| now - hours);
        replace_hours_by_time(&mut notice, "expires_in_hours", "expires_at", |hours| now + hours);
        let notice =
            notices::writing::prepare_notice_here(sanitiser, parse_body::<NewNotice>(notice.into())?);
        notices::writing::add_notice(tx, Actor::SYSTEM, notice).await?;
    }
    tx.record(Actor::SYSTEM, Change::new("load", "demo", site.id));
    Ok(true)
}

fn parse_body<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|cause| Error::Internal(cause.into()))
}

/// Replaces the number of hours under `from` by a time under `to`.
fn replace_hours_by_time(
    object: &mut Map<String, Value>,
    from: &str,
    to: &str,
    at: impl Fn(TimeDelta) -> DateTime<Utc>,
) {
    let hours = object.remove(from).as_ref().and_then(Value::as_i64);
    if let Some(hours) = hours {
        object.insert(to.to_owned(), at(TimeDelta::hours(hours)).to_rfc3339().into());
    }
}
