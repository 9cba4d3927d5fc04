//! Reading and changing menus.

use actix_web::{HttpRequest, Responder, delete, get, put, web};

use super::model::{Row, is_name};
use super::queries;
use super::resolving::{LinkTimes, Targets, view_menus};
use super::view::{Menu, MenuContent};
use super::writing::{self, Put, prepare_items};
use crate::app::App;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{CATEGORIES, tag_articles_in_any};
use crate::categories::model::Tree;
use crate::db::visibility::Notices;
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::Unchecked;
use crate::http::conditional::{CreateOnly, IfMatch};
use crate::http::modified::Modified;
use crate::http::paging::List;
use crate::http::reply::{Data, NoContent, Rendered, Reply};
use crate::members::guard::{Editor, Reader};
use crate::notices::answer_tags::tag_notices;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`list_menus`].
pub const LIST_MENUS: Operation =
    Operation::read("list_menus", Caller::Reader).for_keys_as_visitors().same_as_visitors_for(Role::Author);

/// List menus
///
/// All menus with all their items, as readers see them: a site's header, footer and lists of links in one request.
#[utoipa::path(tag = "site", responses((status = 200, description = "All menus", body = List<Menu>)))]
#[get("/site/menus")]
pub async fn list_menus(app: web::Data<App>, reader: Reader) -> Result<impl Responder> {
    let times = LinkTimes::load(&app).await?;
    let rows = queries::list(&*app.reader().await?).await?;
    let for_staff = is_editor(&reader);
    let tree = app.snapshot::<Tree>().await?;
    let reply = Reply::list(List::unpaged(view_menus(&app, &tree, rows, for_staff).await?));
    let reply = reply.with_last_modified(times.modified()).as_visitors_get(!for_staff);
    Ok(reply.kept_for(times.lifetime(), tags()))
}

/// The entry of [`get_menu`].
pub const GET_MENU: Operation =
    Operation::read("get_menu", Caller::Reader).for_keys_as_visitors().same_as_visitors_for(Role::Author);

/// Get a menu
///
/// By its name, with all its items as readers see them. Editors get `source` too: the items as they were sent.
#[utoipa::path(tag = "site", params(("name" = String, Path, description = "The menu's name", max_length = 60)), responses((status = 200, description = "The menu", body = Data<Menu>)))]
#[get("/site/menus/{name}")]
pub async fn get_menu(req: HttpRequest, app: web::Data<App>, reader: Reader) -> Result<impl Responder> {
    let times = LinkTimes::load(&app).await?;
    let row = queries::get(&*app.reader().await?, req.match_info().query("name")).await?;
    let for_staff = is_editor(&reader);
    let menu = view_menu(&app, row.ok_or_else(Error::not_found)?, for_staff).await?;
    let version = menu.version;
    let reply = Reply::one(menu).with_version(version).with_last_modified(times.modified());
    Ok(reply.as_visitors_get(!for_staff).kept_for(times.lifetime(), tags()))
}

/// The entry of [`put_menu`].
pub const PUT_MENU: Operation = Operation::put("put_menu", Caller::Role(Role::Editor));

/// Create or replace a menu
///
/// Under the name in the path: Latin letters, digits and hyphens between them. `If-None-Match: *` creates only.
#[utoipa::path(tag = "site", params(("name" = String, Path, description = "The menu's name", max_length = 60)), request_body = MenuContent, responses((status = 200, description = "The menu as replaced", body = Data<Menu>), (status = 201, description = "The new menu", body = Data<Menu>)))]
#[put("/site/menus/{name}")]
pub async fn put_menu(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    if_match: IfMatch,
    only: CreateOnly,
    body: Unchecked<MenuContent>,
) -> Result<Rendered> {
    let name = req.match_info().query("name").to_owned();
    if !is_name(&name) {
        let detail = "must be words of small Latin letters and digits, with hyphens between them";
        return Err(Fault::parameter("name", Code::InvalidParameter, detail).into());
    }
    let known = queries::get(&*app.reader().await?, &name).await?.map(|row| row.items());
    let known = known.transpose().map_err(|cause| Error::Internal(cause.into()))?.unwrap_or_default();
    let content = body.check(async |content| prepare_items(&app, content, &known).await.map(drop)).await?;
    let items = prepare_items(&app, content, &known).await?;
    // After the commit nothing may fail any more.
    let tree = app.snapshot::<Tree>().await?;
    let targets = Targets::load(&app, &tree, std::slice::from_ref(&items)).await?;
    let stored = items.clone();
    let put = app
        .write(async move |tx| {
            writing::put_menu(tx, editor.0.actor(), &name, &stored, &if_match, only.0).await
        })
        .await?;
    match put {
        Put::Created(row) => {
            let location = format!("/api/v1/site/menus/{}", row.name);
            let menu = targets.view(row, items, true);
            let version = menu.version;
            Reply::created(location, menu).with_version(version).render()
        }
        Put::Replaced(row) => {
            let menu = targets.view(row, items, true);
            let (version, modified) = (menu.version, menu.updated_at);
            Reply::one(menu).with_version(version).with_last_modified(Modified::of_row(modified)).render()
        }
    }
}

/// The entry of [`delete_menu`].
pub const DELETE_MENU: Operation = Operation::delete("delete_menu", Caller::Role(Role::Editor));

/// Delete a menu
///
/// It is gone for good: menus have no trash.
#[utoipa::path(tag = "site", params(("name" = String, Path, description = "The menu's name", max_length = 60)), responses((status = 204, description = "Deleted")))]
#[delete("/site/menus/{name}")]
pub async fn delete_menu(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    if_match: IfMatch,
) -> Result<NoContent> {
    let name = req.match_info().query("name").to_owned();
    app.write(async move |tx| writing::delete_menu(tx, editor.0.actor(), &name, &if_match).await).await?;
    Ok(NoContent)
}

fn is_editor(reader: &Reader) -> bool {
    reader.notices() == Notices::All
}

async fn view_menu(app: &App, row: Row, for_staff: bool) -> Result<Menu> {
    let tree = app.snapshot::<Tree>().await?;
    let menus = view_menus(app, &tree, vec![row], for_staff).await?;
    menus.into_iter().next().ok_or_else(Error::not_found)
}

/// What menus are made from.
fn tags() -> Vec<Tag> {
    let mut tags: Vec<Tag> = ["menus", CATEGORIES].map(Tag::all).into();
    tags.extend(tag_notices());
    tags.extend(tag_articles_in_any(None));
    tags
}
