//! A small demo site. It is loaded once, on request.

mod canvas;
mod pictures;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use crate::app::App;
use crate::articles::input::NewArticle;
use crate::categories::model::Tree;
use crate::categories::view::NewCategory;
use crate::changes::model::{Actor, Change};
use crate::error::{Error, Result};
use crate::http::conditional::IfMatch;
use crate::markup::Sanitiser;
use crate::media::addresses::Addresses;
use crate::media::input::UploadParams;
use crate::media::intake::{self, StoredFile};
use crate::media::receiving::{Received, create_spool};
use crate::menus::writing::{prepare_items, put_menu};
use crate::notices::input::NewNotice;
use crate::site::view::SitePatch;
use crate::tx::Tx;
use crate::{articles, categories, changes, media, notices, site};

const SITE_JSON: &str = include_str!("site.json");
/// How long the start waits for the store of media. The site is loaded without pictures after that.
const PICTURES_TIMEOUT: Duration = Duration::from_secs(30);

/// The content of `site.json`. Times are given as hours before or after the present. Covers and bodies name pictures by
/// the names that these have in `pictures`.
#[derive(Clone, Deserialize)]
struct DemoSite {
    site: Value,
    categories: Vec<Value>,
    pictures: BTreeMap<String, UploadParams>,
    articles: Vec<Map<String, Value>>,
    notices: Vec<Map<String, Value>>,
    menus: BTreeMap<String, Vec<Value>>,
}

/// Loads the demo site, unless it was loaded before. Returns whether it was loaded now.
pub async fn load(app: &App) -> anyhow::Result<bool> {
    let demo: DemoSite = serde_json::from_str(SITE_JSON)?;
    load_site(app, demo).await.map_err(|cause| anyhow!("loading the demo site: {cause:?}"))
}

async fn load_site(app: &App, demo: DemoSite) -> Result<bool> {
    if !app.write(async move |tx| Ok(lock_empty_tree(tx).await?.is_some())).await? {
        return Ok(false);
    }
    let pictures = store_pictures(app, demo.pictures.clone()).await;
    let (sanitiser, menus) = (app.sanitiser.clone(), demo.menus.clone());
    let load = async move |tx: &mut Tx| load_once(tx, &sanitiser, demo.clone(), &pictures).await;
    let is_loaded = app.write(load).await?;
    if is_loaded {
        load_menus(app, menus).await?;
    }
    Ok(is_loaded)
}

/// Draws and stores the pictures, by name. Returns none, and tells the log, if the store cannot be used.
async fn store_pictures(app: &App, params: BTreeMap<String, UploadParams>) -> BTreeMap<String, StoredFile> {
    let storing = async {
        let mut stored = BTreeMap::new();
        for (name, params) in params {
            stored.insert(name.clone(), store_picture(app, name, params).await?);
        }
        Ok::<_, Error>(stored)
    };
    let late = |_| Err(Error::Unavailable("media: the store takes too long".to_owned()));
    timeout(PICTURES_TIMEOUT, storing).await.unwrap_or_else(late).unwrap_or_else(|error| {
        tracing::warn!(%error, "The demo site is loaded without pictures");
        BTreeMap::new()
    })
}

/// Stores a picture as if it were uploaded.
async fn store_picture(app: &App, name: String, params: UploadParams) -> Result<StoredFile> {
    let drawing = spawn_blocking(move || pictures::draw(&name));
    let bytes = drawing.await.map_err(|cause| Error::Internal(cause.into()))?;
    let bytes = bytes.ok_or_else(|| Error::Internal(anyhow!("a picture that cannot be drawn")))?;
    let mut spool = create_spool(app).await?;
    spool.write(&bytes).await?;
    intake::store(app, Received { file: spool.finish().await?, params }).await
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

/// Locks the tree of categories. Returns it if the demo site can be loaded: neither was it before, nor is there content.
async fn lock_empty_tree(tx: &mut Tx) -> Result<Option<Tree>> {
    // The lock on the tree also prevents two processes from loading at the same time.
    let tree = categories::queries::lock_tree(tx).await?;
    if changes::queries::exists(tx, "load", "demo").await? {
        return Ok(None);
    }
    if !tree.in_order().is_empty() || articles::queries::has_articles(tx).await? {
        tracing::warn!("The demo site is not loaded: this site has contents of its own");
        return Ok(None);
    }
    Ok(Some(tree))
}

async fn load_once(
    tx: &mut Tx,
    sanitiser: &Sanitiser,
    demo: DemoSite,
    pictures: &BTreeMap<String, StoredFile>,
) -> Result<bool> {
    let Some(mut tree) = lock_empty_tree(tx).await? else { return Ok(false) };
    let now = tx.now().await?;
    let site =
        site::writing::patch_site(tx, Actor::SYSTEM, &IfMatch::Absent, parse_body::<SitePatch>(demo.site)?)
            .await?;
    let pictures = add_pictures(tx, pictures).await?;
    for category in demo.categories {
        let content = categories::writing::new_content(&tree, parse_body::<NewCategory>(category)?)?;
        tree = tree.with(categories::writing::add_category(tx, Actor::SYSTEM, &tree, &content).await?);
    }
    for mut article in demo.articles {
        replace_hours_by_time(&mut article, "hours_ago", "published_at", |hours| now - hours);
        place_pictures(&mut article, &pictures);
        let new = parse_body::<NewArticle>(article.into())?;
        let article = articles::writing::prepare_article_here(sanitiser, &tree, new);
        articles::writing::add_article(tx, Actor::SYSTEM, article).await?;
    }
    for mut notice in demo.notices {
        replace_hours_by_time(&mut notice, "hours_ago", "published_at", |hours| now - hours);
        replace_hours_by_time(&mut notice, "expires_in_hours", "expires_at", |hours| now + hours);
        place_pictures(&mut notice, &pictures);
        let notice =
            notices::writing::prepare_notice_here(sanitiser, parse_body::<NewNotice>(notice.into())?);
        notices::writing::add_notice(tx, Actor::SYSTEM, notice).await?;
    }
    tx.record(Actor::SYSTEM, Change::new("load", "demo", site.id));
    Ok(true)
}

/// Adds the media over the files that are stored. Returns their ids by name.
async fn add_pictures(tx: &mut Tx, stored: &BTreeMap<String, StoredFile>) -> Result<BTreeMap<String, Uuid>> {
    let mut ids = BTreeMap::new();
    for (name, StoredFile { file, params }) in stored {
        if !media::queries::files::use_file(tx, file).await? {
            return Err(Error::Contended("media: the file is being taken away".to_owned()));
        }
        let content = params.clone().into_content();
        let row = media::writing::add_media(tx, Actor::SYSTEM, Uuid::now_v7(), file, content).await?;
        ids.insert(name.clone(), row.id);
    }
    Ok(ids)
}

/// Replaces the names of pictures by their ids: in `cover`, and in `/media/{name}` in `body`. Without pictures, takes
/// away the cover, and the lines of the body that have one.
fn place_pictures(object: &mut Map<String, Value>, ids: &BTreeMap<String, Uuid>) {
    if let Some(name) = object.remove("cover") {
        let id = name.as_str().and_then(|name| ids.get(name));
        object.insert("cover".to_owned(), json!(id));
    }
    let Some(Value::String(body)) = object.get_mut("body") else { return };
    for (name, id) in ids {
        *body = body.replace(&format!("/media/{name}"), &Addresses::path_of(*id));
    }
    if ids.is_empty() {
        *body = body.split('\n').filter(|line| !line.contains("/media/")).collect::<Vec<_>>().join("\n");
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_that_is_named_can_be_drawn() {
        let demo: DemoSite = serde_json::from_str(SITE_JSON).unwrap();
        let ids: BTreeMap<_, _> = demo.pictures.keys().map(|name| (name.clone(), Uuid::now_v7())).collect();
        assert!(ids.keys().all(|name| pictures::draw(name).is_some()));
        for mut object in demo.articles.into_iter().chain(demo.notices) {
            let (mut without, is_cover_named) = (object.clone(), object.contains_key("cover"));
            place_pictures(&mut object, &ids);
            assert_eq!(object.get("cover").is_some_and(Value::is_string), is_cover_named, "{object:?}");
            let body = object["body"].as_str().unwrap();
            let named =
                body.split("/media/").skip(1).filter_map(|rest| Uuid::try_parse(rest.get(..36)?).ok());
            assert_eq!(named.count(), body.matches("/media/").count(), "{body}");
            place_pictures(&mut without, &BTreeMap::new());
            assert!(!without["body"].as_str().unwrap().contains("<figure>"));
        }
    }
}
