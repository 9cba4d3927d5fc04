//! What an address of another site has become, for redirects.

use actix_web::{Either, Responder, get, web};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::former_slugs;
use super::queries::ArticleRef;
use super::queries::addresses::{self, Address};
use super::reading::{Detail, find_single};
use super::view::Article;
use crate::app::App;
use crate::categories::answer_tags::tag_articles_in_any;
use crate::db::visibility::Articles;
use crate::error::{Code, Error, Fault, Result};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::query::Query;
use crate::http::reply::Data;
use crate::members::guard::Reader;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// Which address the article had. One of them is needed.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OldAddress {
    /// The path of the old address, with its query if it had one, on whatever host.
    #[param(min_length = 1, max_length = 2000, nullable = false, example = "/news/2019/09/123.html")]
    pub path: Option<String>,
    /// The whole old address.
    #[param(
        max_length = 2000,
        pattern = r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$",
        nullable = false,
        example = "https://old.example.com/news/2019/09/123.html"
    )]
    pub url: Option<String>,
}

/// The entry of [`get_article_by_url`].
pub const GET_ARTICLE_BY_URL: Operation = Operation::read("get_article_by_url", Caller::Reader)
    .for_keys_with(Scope::ArticlesRead)
    .finding_one()
    .same_as_visitors_for(Role::Member);

/// Get an article by its old address
///
/// Finds what an address of another site, or of an earlier one, has become: the article whose `source_url` has this path
/// and query (on this host, with `url`), of several the newest; else the article that has or has had the last part of the
/// path as its slug. `http` and `https`, `www.`, slashes at the end, the order of a query and ways to encode make no
/// difference; a query that no address has is left out. The answer is that of the article by id or slug.
#[utoipa::path(tag = "articles", params(OldAddress, Detail), responses((status = 200, description = "The article", body = Data<Article>)))]
#[get("/by-url")]
pub async fn get_article_by_url(
    app: web::Data<App>,
    reader: Reader,
    address: Query<OldAddress>,
    detail: Query<Detail>,
) -> Result<impl Responder> {
    let address = parse_address(address.0)?;
    let id = find_id(&app, &address, reader.articles()).await?.ok_or_else(Error::not_found)?;
    let article = ArticleRef::IdOrSlug(IdOrSlug::Id(id));
    let reply = find_single(&app, &reader, article, detail.0).await?.ok_or_else(Error::not_found)?;
    // Another article may get the address.
    let others = tag_articles_in_any(None);
    Ok(match reply {
        Either::Left(reply) => Either::Left(reply.made_from(others)),
        Either::Right(reply) => Either::Right(reply.made_from(others)),
    })
}

/// The address that is asked for. 400 for none, and for two.
fn parse_address(asked: OldAddress) -> Result<Address> {
    let refuse = |name: &'static str, detail: &'static str| {
        Err(Fault::parameter(name, Code::InvalidParameter, detail).into())
    };
    match (asked.path, asked.url) {
        (Some(path), None) => Ok(Address { text: path, is_of_any_host: true }),
        (None, Some(url)) => Ok(Address { text: url, is_of_any_host: false }),
        (Some(_), Some(_)) => refuse("path", "cannot go together with url"),
        (None, None) => refuse("path", "path or url is needed"),
    }
}

/// The article that an address leads to, if it is visible.
async fn find_id(app: &App, address: &Address, visible: Articles) -> Result<Option<Uuid>> {
    let conn = app.costly_reader().await?;
    if let Some(id) = addresses::find_exact(&conn, address, visible).await? {
        return Ok(Some(id));
    }
    let found = match address.text.split_once('?') {
        Some((path, _)) => {
            let path = Address { text: path.to_owned(), is_of_any_host: address.is_of_any_host };
            addresses::find_exact(&conn, &path, visible).await?
        }
        None => addresses::find_only_with_query(&conn, address, visible).await?,
    };
    let slugs = list_slugs(&address.text);
    match found {
        None if !slugs.is_empty() => Ok(addresses::find_by_slugs(&conn, slugs, visible).await?),
        found => Ok(found),
    }
}

/// The slugs that the last part of a path may be: as it is, and without what follows its last dot.
fn list_slugs(address: &str) -> Vec<String> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let path =
        path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let last = former_slugs::normalize(last);
    let stem = last.rsplit_once('.').map(|(stem, _)| stem.to_owned());
    [Some(last), stem]
        .into_iter()
        .flatten()
        .filter(|slug| former_slugs::refusal(slug, "").is_none())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_path_is_taken_for_a_slug() {
        for (address, slugs) in [
            ("/news/old-post/", vec!["old-post"]),
            ("/2019/Old_Post.html?page=2", vec!["Old_Post.html", "Old_Post"]),
            ("https://a.example/%E8%B4%A8%E9%87%8F", vec!["质量"]),
            ("https://a.example", vec![]),
            ("/", vec![]),
            ("/?p=7", vec![]),
            ("post", vec!["post"]),
        ] {
            assert_eq!(list_slugs(address), slugs, "{address}");
        }
    }
}
