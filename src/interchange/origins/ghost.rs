//! Ghost exports: one JSON document with the tables of a Ghost database, of any version since 1.0.
//!
//! The tables and their columns are those of Ghost's own schema,
//! `core/server/data/schema/schema.js`.

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::dates;
use super::row::{Found, Row, slug, summary, tags, web_url, words};

/// Largest file, in bytes: it is held in memory as a whole.
const LARGEST: u64 = 512 << 20;

/// Reads `input`, handing each article to `each` in the file's order until that breaks. Pages are
/// passed over.
///
/// # Errors
///
/// The file as a whole cannot be read: it is larger than 512 MiB, not JSON, or not a Ghost export.
pub fn read(input: impl BufRead, each: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Result<(), String> {
    let mut bytes = Vec::new();
    let mut input = input.take(LARGEST + 1);
    input.read_to_end(&mut bytes).map_err(|error| format!("The file cannot be read: {error}."))?;
    if bytes.len() as u64 > LARGEST {
        return Err("The file is larger than 512 MiB.".into());
    }
    let file: File =
        serde_json::from_slice(&bytes).map_err(|error| format!("The file is no Ghost export: {error}."))?;
    drop(bytes);
    let data = match file {
        File { data: Some(data), .. } => data,
        File { db, .. } => db.into_iter().next().ok_or("The file is no Ghost export: it has no data.")?.data,
    };
    let names = Names::new(&data);
    for post in data.posts {
        let found = post_row(post, &names);
        if let Some(found) = found.transpose()
            && each(found).is_break()
        {
            break;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    db: Vec<Database>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Database {
    data: Data,
}

/// The tables that say something about articles.
#[derive(Deserialize)]
struct Data {
    posts: Vec<Value>,
    #[serde(default)]
    tags: Vec<Named>,
    #[serde(default)]
    posts_tags: Vec<Link>,
    #[serde(default)]
    users: Vec<Named>,
    #[serde(default)]
    posts_authors: Vec<Link>,
}

/// A tag or a user.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    id: Value,
    name: Option<String>,
    visibility: Option<String>,
}

/// A tag or an author of a post.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Link {
    post_id: Value,
    #[serde(alias = "tag_id", alias = "author_id")]
    to: Value,
    sort_order: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Post {
    id: Value,
    uuid: Option<String>,
    title: Option<String>,
    slug: Option<String>,
    html: Option<String>,
    plaintext: Option<String>,
    mobiledoc: Option<String>,
    lexical: Option<String>,
    feature_image: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Before `type` there was this.
    page: Value,
    status: Option<String>,
    visibility: Option<String>,
    author_id: Value,
    created_at: Value,
    published_at: Value,
    custom_excerpt: Option<String>,
    canonical_url: Option<String>,
}

/// The names of tags and authors by post.
struct Names {
    users: HashMap<String, String>,
    authors: HashMap<String, Vec<String>>,
    tags: HashMap<String, Vec<String>>,
}

impl Names {
    fn new(data: &Data) -> Self {
        let is_public = |tag: &&Named| {
            let is_internal = tag.visibility.as_deref() == Some("internal");
            !is_internal && !tag.name.as_deref().unwrap_or_default().starts_with('#')
        };
        let public = names(data.tags.iter().filter(is_public));
        let users = names(data.users.iter());
        let tags = by_post(&data.posts_tags, &public);
        Self { authors: by_post(&data.posts_authors, &users), users, tags }
    }
}

fn names<'a>(table: impl Iterator<Item = &'a Named>) -> HashMap<String, String> {
    table.filter_map(|row| Some((id(&row.id)?, row.name.clone()?))).collect()
}

fn by_post(links: &[Link], names: &HashMap<String, String>) -> HashMap<String, Vec<String>> {
    let mut links: Vec<&Link> = links.iter().collect();
    links.sort_by_key(|link| link.sort_order);
    let mut by_post: HashMap<String, Vec<String>> = HashMap::new();
    for link in links {
        let name = id(&link.to).and_then(|to| names.get(&to));
        if let Some((post, name)) = id(&link.post_id).zip(name) {
            by_post.entry(post).or_default().push(name.clone());
        }
    }
    by_post
}

/// An identifier: Ghost had numbers before it had texts.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() && id.len() <= 64 => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// A moment, in UTC: older exports have it in milliseconds.
fn moment(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => dates::read_utc(text),
        Value::Number(millis) => dates::read_millis(millis.as_i64()?),
        _ => None,
    }
}

/// The row for a post; none if it is a page.
fn post_row(post: Value, names: &Names) -> Result<Option<serde_json::Map<String, Value>>, String> {
    let known = id(&post["id"]).or_else(|| id(&post["uuid"]));
    let known = known.ok_or("A post has neither an id nor a uuid.")?;
    let post: Post =
        serde_json::from_value(post).map_err(|error| format!("Post {known} cannot be read: {error}."))?;
    let is_page = matches!(post.page, Value::Bool(true)) || post.page.as_i64() == Some(1);
    if is_page || post.kind.as_deref().is_some_and(|kind| kind != "post") {
        return Ok(None);
    }
    Ok(Some(row(&known, &post, names)?.done()))
}

fn row(known: &str, post: &Post, names: &Names) -> Result<Row, String> {
    let public = matches!(post.visibility.as_deref(), None | Some("public"));
    let is_published = public && matches!(post.status.as_deref(), Some("published" | "scheduled"));
    let (body, format) = match (&post.html, &post.plaintext) {
        (Some(html), _) => (html.as_str(), "html"),
        (None, Some(text)) => (text.as_str(), "text"),
        _ if post.lexical.is_some() || post.mobiledoc.is_some() => {
            return Err(format!("Post {known} has a body in Ghost's own format only."));
        }
        _ => ("", "html"),
    };
    let text = |field: &'_ Option<String>| field.clone().unwrap_or_default();
    let author = id(&post.id).and_then(|id| names.authors.get(&id)?.first());
    let author = author.or_else(|| names.users.get(&id(&post.author_id)?));
    let tagged = id(&post.id).and_then(|id| names.tags.get(&id)).cloned().unwrap_or_default();
    let published = moment(&post.published_at);
    Ok(Row::new(format!("ghost:{known}"))
        .with("title", Some(words(&text(&post.title))))
        .with("slug", slug(&text(&post.slug)))
        .with("summary", Some(summary(&text(&post.custom_excerpt))))
        .with_body(body, format)
        .with_list("tags", tags(tagged))
        .with("author", author.map(String::as_str))
        .with("source_url", web_url(&text(&post.canonical_url)))
        .with("cover_url", web_url(&text(&post.feature_image)))
        .with("status", Some(if is_published { "published" } else { "draft" }))
        .with_moment("published_at", published.filter(|_| is_published))
        .with_moment("created_at", moment(&post.created_at).or(published)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_all(file: &Value) -> Vec<Found> {
        let mut found = Vec::new();
        let end = read(file.to_string().as_bytes(), &mut |article| {
            found.push(article);
            ControlFlow::Continue(())
        });
        assert_eq!(end, Ok(()));
        found
    }

    fn row(post: Value) -> Value {
        read_all(&json!({ "data": { "posts": [post] } })).remove(0).unwrap().into()
    }

    #[test]
    fn a_post_becomes_a_row_with_its_tags_and_author() {
        let file = json!({ "db": [{ "meta": { "version": "5.2.0" }, "data": {
            "posts": [{
                "id": "5f", "uuid": "u", "title": " 秤 & 尺 ", "slug": "scales", "html": "<p>a</p>", "plaintext": "a",
                "feature_image": "https://example.org/a.png", "type": "post", "status": "scheduled",
                "visibility": "public", "created_at": "2020-03-01T00:00:00.000Z",
                "published_at": "2020-03-02T00:30:00.000Z", "custom_excerpt": "Short", "canonical_url": null,
            }],
            "tags": [
                { "id": "1", "name": "校准" }, { "id": "2", "name": "#hidden" }, { "id": "3", "name": "计量" },
            ],
            "posts_tags": [
                { "post_id": "5f", "tag_id": "1", "sort_order": 2 }, { "post_id": "5f", "tag_id": "2", "sort_order": 1 },
                { "post_id": "5f", "tag_id": "3", "sort_order": 0 },
            ],
            "users": [{ "id": "9", "name": "林记者" }],
            "posts_authors": [{ "post_id": "5f", "author_id": "9", "sort_order": 0 }],
        } }] });
        let expected = json!({
            "external_id": "ghost:5f", "title": "秤 & 尺", "slug": "scales", "summary": "Short", "body": "<p>a</p>",
            "body_format": "html", "tags": ["计量", "校准"], "author": "林记者",
            "cover_url": "https://example.org/a.png", "status": "published",
            "published_at": "2020-03-02T00:30:00Z", "created_at": "2020-03-01T00:00:00Z",
        });
        assert_eq!(Value::from(read_all(&file).remove(0).unwrap()), expected);
    }

    #[test]
    fn an_old_export_has_numbers_for_ids_and_moments() {
        let row = row(json!({ "id": 3, "html": null, "plaintext": "a", "page": 0, "status": "published",
            "published_at": 1_583_109_000_000_i64 }));
        assert_eq!(row["external_id"], "ghost:3");
        assert_eq!(row["body_format"], "text");
        assert_eq!(row["published_at"], "2020-03-02T00:30:00Z");
    }

    #[test]
    fn what_not_every_reader_may_see_is_a_draft() {
        for (status, visibility) in [("draft", "public"), ("sent", "public"), ("published", "members")] {
            let row = row(json!({ "id": "a", "html": "", "status": status, "visibility": visibility }));
            assert_eq!(row["status"], "draft", "{status} {visibility}");
        }
    }

    #[test]
    fn pages_are_passed_over_and_a_bad_post_stops_no_other() {
        let file = json!({ "data": { "posts": [
            { "id": "a", "type": "page" }, { "id": "b", "page": 1 }, 7, { "id": "c", "title": 1 },
            { "id": "d", "lexical": "{}" }, { "id": "e" },
        ] } });
        let found: Vec<bool> = read_all(&file).iter().map(Result::is_ok).collect();
        assert_eq!(found, [false, false, false, true]);
    }

    #[test]
    fn a_file_that_is_no_export_is_refused() {
        for file in ["", "[]", "{}", "{\"db\": []}", "{\"db\": [{\"data\": {}}]}", &"[".repeat(100_000)] {
            let end = read(file.as_bytes(), &mut |_| ControlFlow::Continue(()));
            assert!(end.unwrap_err().contains("Ghost export"), "{file}");
        }
    }
}
