//! The archive: how many articles came out in each month.

use actix_web::{Responder, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::archive_month::ArchiveMonth;
use super::listing::find_category;
use super::queries::archive::count_months;
use crate::app::App;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{tag_articles_in_any, tag_category, tag_tree};
use crate::categories::model::Tree;
use crate::categories::queries::load_article_times;
use crate::error::Result;
use crate::http::paging::List;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::members::guard::Reader;
use crate::operations::{Caller, Operation, Role};

/// Which articles the archive counts.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArchiveFilter {
    /// Only those in this category (id, slug or former slug) and the categories below it.
    #[param(min_length = 1, max_length = 120, nullable = false)]
    pub category: Option<String>,
    /// Whether categories below count too.
    #[param(default = true, nullable = false)]
    pub descendants: Option<bool>,
}

/// The entry of [`list_archive_months`].
pub const LIST_ARCHIVE_MONTHS: Operation = Operation::read("list_archive_months", Caller::Reader)
    .for_keys_as_visitors()
    .same_as_visitors_for(Role::Admin);

/// List the months of the archive
///
/// All months in which articles came out that everybody may read now, newest first, in the time zone of the site.
#[utoipa::path(tag = "articles", params(ArchiveFilter), responses((status = 200, description = "The months", body = List<ArchiveMonth>)))]
#[get("/archive")]
pub async fn list_archive_months(
    app: web::Data<App>,
    _: Reader,
    filter: Query<ArchiveFilter>,
) -> Result<impl Responder> {
    let Query(filter) = filter;
    // Before the articles are counted.
    let (times, now) = (load_article_times(&app).await?, app.now());
    let mut tags = vec![Tag::all("site")];
    let categories = match &filter.category {
        None => None,
        Some(category) => {
            let tree = app.snapshot::<Tree>().await?;
            let id = find_category(&tree, category)?;
            tags.push(tag_category(id));
            Some(if filter.descendants == Some(false) {
                vec![id]
            } else {
                tags.push(tag_tree(id));
                tree.subtree(id)
            })
        }
    };
    tags.extend(tag_articles_in_any(categories.as_deref()));
    let months = count_months(&*app.costly_reader().await?, categories).await?;
    let reply = Reply::list(List::unpaged(months)).with_last_modified(times.modified(now));
    Ok(reply.as_visitors_get(true).kept_for(times.lifetime(now), tags))
}
