//! Reading and renaming tags.

use actix_web::{Either, Responder, get, patch, web};

use super::queries;
use super::renaming::{Renaming, rename_tag};
use super::view::{TagCount, TagDetail, TagFilter, TagName, TagPatch};
use crate::app::App;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{ARTICLES, tag_articles_in_any};
use crate::categories::queries::load_article_times;
use crate::error::{Error, Result};
use crate::http::body::Json;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{Data, Reply};
use crate::jobs::handlers::reply_accepted;
use crate::jobs::view::Job;
use crate::members::guard::{Editor, Reader};
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`list_tags`].
pub const LIST_TAGS: Operation =
    Operation::list("list_tags", Caller::Reader).for_keys_as_visitors().same_as_visitors_for(Role::Admin);

/// List tags
///
/// The tags that articles have which everybody may read now, and how many have each.
#[utoipa::path(tag = "tags", params(TagFilter, PagingParams), responses((status = 200, description = "A page of tags", body = List<TagCount>)))]
#[get("")]
pub async fn list_tags(
    app: web::Data<App>,
    _: Reader,
    filter: Query<TagFilter>,
    paging: Paging,
) -> Result<impl Responder> {
    let (prefix, sort) = (filter.0.prefix.as_deref(), filter.0.sort.unwrap_or_default());
    let slice = paging.page_slice(queries::order(sort))?;
    // Before the rows are read.
    let (times, now) = (load_article_times(&app).await?, app.now());
    let conn = app.costly_reader().await?;
    let total = paging.total(|most| queries::count_tags(&conn, prefix, most)).await?;
    let rows = queries::list_tags(&conn, prefix, &slice).await?;
    let page = paging.page(&slice, rows, total, |row| queries::cursor_keys(&slice.order, row));
    let reply = Reply::list(page).with_last_modified(times.modified(now)).as_visitors_get(true);
    Ok(reply.kept_for(times.lifetime(now), tag_articles_in_any(None)))
}

/// The entry of [`get_tag`].
pub const GET_TAG: Operation =
    Operation::read("get_tag", Caller::Reader).for_keys_as_visitors().same_as_visitors_for(Role::Admin);

/// Get a tag
///
/// How many articles have it which everybody may read now, and when the newest of them came out. 404 if there is none.
#[utoipa::path(tag = "tags", params(("tag" = String, Path, description = "The tag, percent-encoded", max_length = 64)), responses((status = 200, description = "The tag", body = Data<TagDetail>)))]
#[get("/{tag}")]
pub async fn get_tag(app: web::Data<App>, _: Reader, tag: TagName) -> Result<impl Responder> {
    // Before the articles are counted.
    let (times, now) = (load_article_times(&app).await?, app.now());
    let found = queries::load_tag(&*app.costly_reader().await?, &tag.0).await?;
    if found.count == 0 {
        return Err(Error::not_found());
    }
    let tags = vec![Tag::one("tag", &tag.0, ARTICLES)];
    let reply = Reply::one(found).with_version(0).with_last_modified(times.modified(now));
    Ok(reply.as_visitors_get(true).kept_for(times.lifetime(now), tags))
}

/// The entry of [`update_tag`].
pub const UPDATE_TAG: Operation = Operation::patch("update_tag", Caller::Role(Role::Editor))
    .for_keys_with(Scope::ArticlesWrite)
    .without_version();

/// Rename a tag
///
/// In all articles, whatever state they are in. If articles have the new name as a tag already, both become one. Where over a
/// thousand articles change, they do in steps, and the answer is 202 with the job that changes them.
#[utoipa::path(tag = "tags", params(("tag" = String, Path, description = "The tag, percent-encoded", max_length = 64)), request_body = TagPatch, responses((status = 200, description = "The tag under its new name", body = Data<TagDetail>), (status = 202, description = "Accepted: the job renames the tag", body = Data<Job>)))]
#[patch("/{tag}")]
pub async fn update_tag(
    app: web::Data<App>,
    editor: Editor,
    tag: TagName,
    body: Json<TagPatch>,
) -> Result<Either<Reply<Data<TagDetail>>, Reply<Data<Job>>>> {
    let renaming = app.write(async move |tx| {
        let to = &body.0.tag;
        Ok(match rename_tag(tx, editor.0.actor(), &tag.0, to).await? {
            Renaming::Done => Either::Left(queries::load_tag(tx, to).await?),
            Renaming::Begun(job) => Either::Right(job),
        })
    });
    Ok(match renaming.await? {
        Either::Left(renamed) => Either::Left(Reply::one(renamed)),
        Either::Right(job) => {
            app.job_begun.notify_one();
            Either::Right(reply_accepted(job))
        }
    })
}
