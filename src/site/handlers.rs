//! Reading and changing the site.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{Responder, get, patch, web};
use url::Url;

use super::links::{PageKind, check_template};
use super::model::Row;
use super::queries::SiteChange;
use super::view::{Site, SitePatch};
use super::writing;
use crate::app::App;
use crate::cache::tags::Tag;
use crate::config::timezones::{find_near_names, find_timezone};
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::Unchecked;
use crate::http::conditional::IfMatch;
use crate::http::modified::{ListTimes, Modified};
use crate::http::reply::{Data, Reply};
use crate::members::guard::{Admin, Reader};
use crate::operations::{Caller, Operation, Role};

/// The entry of [`get_site`].
pub const GET_SITE: Operation =
    Operation::read("get_site", Caller::Reader).for_keys_as_visitors().same_as_visitors_for(Role::Admin);

/// Get the site
///
/// Its name, address and settings: what a frontend needs to introduce it.
#[utoipa::path(tag = "site", responses((status = 200, description = "The site", body = Data<Site>)))]
#[get("/site")]
pub async fn get_site(app: web::Data<App>, _: Reader) -> Result<impl Responder> {
    // Before the site is read.
    let times = ListTimes::new(app.snapshot::<SiteChange>().await?.0, Arc::default());
    let reply = reply_with((*app.snapshot::<Row>().await?).clone())?;
    Ok(reply
        .with_last_modified(times.modified(app.now()))
        .kept_for(Some(Duration::MAX), vec![Tag::all("site")]))
}

fn reply_with(row: Row) -> Result<Reply<Data<Site>>> {
    let site = Site::try_from(row).map_err(|cause| Error::Internal(cause.into()))?;
    let (version, modified) = (site.version, site.updated_at);
    Ok(Reply::one(site)
        .with_version(version)
        .with_last_modified(Modified::of_row(modified))
        .as_visitors_get(true))
}

/// The entry of [`update_site`].
pub const UPDATE_SITE: Operation = Operation::patch("update_site", Caller::Role(Role::Admin));

/// Change the site
///
/// A merge patch: keys that are absent are kept.
#[utoipa::path(tag = "site", request_body = SitePatch, responses((status = 200, description = "The site as changed", body = Data<Site>)))]
#[patch("/site")]
pub async fn update_site(
    app: web::Data<App>,
    admin: Admin,
    if_match: IfMatch,
    body: Unchecked<SitePatch>,
) -> Result<impl Responder> {
    let patch = check_patch(body.check(async |patch| check_patch(patch).map(drop)).await?)?;
    let row = app
        .write(async move |tx| writing::patch_site(tx, admin.0.actor(), &if_match, patch.clone()).await)
        .await?;
    reply_with(row)
}

/// Checks what the schema cannot check. The time zone is written as IANA has it.
fn check_patch(mut patch: SitePatch) -> Result<SitePatch> {
    let mut faults = Vec::new();
    if patch.base_url.as_deref().is_some_and(|url| Url::parse(url).is_err()) {
        let detail = "must be an address that a browser can open";
        faults.push(Fault::body("/base_url", Code::InvalidFormat, detail));
    }
    if patch.websub_hub.as_deref().is_some_and(|url| !url.is_empty() && Url::parse(url).is_err()) {
        let detail = "must be an address that a browser can open";
        faults.push(Fault::body("/websub_hub", Code::InvalidFormat, detail));
    }
    let templates = [
        (PageKind::Article, &patch.article_url, "/article_url"),
        (PageKind::Category, &patch.category_url, "/category_url"),
        (PageKind::Notice, &patch.notice_url, "/notice_url"),
        (PageKind::Tag, &patch.tag_url, "/tag_url"),
    ];
    let check =
        |(kind, text, pointer): (_, &Option<String>, _)| check_template(kind, text.as_deref()?, pointer);
    faults.extend(templates.into_iter().filter_map(check));
    if let Some(name) = &mut patch.timezone {
        match find_timezone(name) {
            Some(zone) => zone.name().clone_into(name),
            None => {
                let detail = "must be the IANA name of a time zone, like {options}";
                let fault = Fault::body("/timezone", Code::UnknownValue, detail);
                faults.push(fault.with("options", find_near_names(name)));
            }
        }
    }
    Error::body(faults)?;
    Ok(patch)
}
