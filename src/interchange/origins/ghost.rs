//! Ghost exports of any version since 1.0: one JSON document with the tables of a Ghost database.
//!
//! Ghost defines the tables and columns in `core/server/data/schema/schema.js`.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::dates;
use super::found::{Found, FoundRow, Sink};
use super::reader_options::ReaderOptions;
use super::row_builder::{RowBuilder, accept_slug, accept_web_url, fold_whitespace, make_summary};

/// Largest file, in bytes. The whole file is held in memory.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// Reads `input` and calls `each` with every post, in the file's order, until `each` breaks.
/// Pages are skipped.
///
/// # Errors
///
/// The file is larger than 512 MiB, not JSON, or not a Ghost export.
pub fn read_export(input: impl BufRead, _options: &ReaderOptions, each: &mut Sink) -> Result<(), String> {
    let mut bytes = Vec::new();
    let mut input = input.take(MAX_FILE_BYTES + 1);
    input.read_to_end(&mut bytes).map_err(|error| format!("The file cannot be read: {error}."))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("The file is larger than 512 MiB.".into());
    }
    let file: File = serde_json::from_slice(&bytes)
        .map_err(|error| format!("The file is not a Ghost export: {error}."))?;
    drop(bytes);
    let data = match file {
        File { data: Some(data), .. } => data,
        File { db, .. } => {
            db.into_iter().next().ok_or("The file is not a Ghost export: it has no data.")?.data
        }
    };
    let names = Names::new(&data);
    for post in data.posts {
        let title = post["title"].as_str().unwrap_or_default();
        let place = format!("post {} {title:?}", parse_id(&post["id"]).unwrap_or_default());
        let found = match convert_post(post, &names, &place) {
            Ok(Some(row)) => Found::Row(row),
            Ok(None) => Found::PassedOver { kind: "page".to_owned() },
            Err(reason) => Found::Unreadable { place, reason },
        };
        if each(found).is_break() {
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

/// The tables that hold data of articles.
#[derive(Deserialize)]
struct Data {
    posts: Vec<Value>,
    #[serde(default)]
    tags: Vec<NamedRecord>,
    #[serde(default)]
    posts_tags: Vec<PostLink>,
    #[serde(default)]
    users: Vec<NamedRecord>,
    #[serde(default)]
    posts_authors: Vec<PostLink>,
}

/// A tag or a user.
#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedRecord {
    id: Value,
    name: Option<String>,
    visibility: Option<String>,
}

/// Links a post to a tag or an author.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PostLink {
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
    /// Marks a page in exports older than `type`.
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
        let is_public = |tag: &&NamedRecord| {
            let is_internal = tag.visibility.as_deref() == Some("internal");
            !is_internal && !tag.name.as_deref().unwrap_or_default().starts_with('#')
        };
        let public = index_names(data.tags.iter().filter(is_public));
        let users = index_names(data.users.iter());
        let tags = group_by_post(&data.posts_tags, &public);
        Self { authors: group_by_post(&data.posts_authors, &users), users, tags }
    }
}

fn index_names<'a>(table: impl Iterator<Item = &'a NamedRecord>) -> HashMap<String, String> {
    table.filter_map(|row| Some((parse_id(&row.id)?, row.name.clone()?))).collect()
}

fn group_by_post(links: &[PostLink], names: &HashMap<String, String>) -> HashMap<String, Vec<String>> {
    let mut links: Vec<&PostLink> = links.iter().collect();
    links.sort_by_key(|link| link.sort_order);
    let mut by_post: HashMap<String, Vec<String>> = HashMap::new();
    for link in links {
        let name = parse_id(&link.to).and_then(|to| names.get(&to));
        if let Some((post, name)) = parse_id(&link.post_id).zip(name) {
            by_post.entry(post).or_default().push(name.clone());
        }
    }
    by_post
}

/// Reads an id. Ids are numbers in old exports and strings in new ones.
fn parse_id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() && id.len() <= 64 => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Reads a time in UTC. Old exports have milliseconds.
fn parse_time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => dates::parse_utc(text),
        Value::Number(millis) => dates::parse_millis(millis.as_i64()?),
        _ => None,
    }
}

/// Converts a post to a row. Returns `None` for a page.
fn convert_post(post: Value, names: &Names, place: &str) -> Result<Option<FoundRow>, String> {
    let id = parse_id(&post["id"]).or_else(|| parse_id(&post["uuid"]));
    let id = id.ok_or("A post has neither an id nor a uuid.")?;
    let post: Post =
        serde_json::from_value(post).map_err(|error| format!("Post {id} cannot be read: {error}."))?;
    let is_page = matches!(post.page, Value::Bool(true)) || post.page.as_i64() == Some(1);
    if is_page || post.kind.as_deref().is_some_and(|kind| kind != "post") {
        return Ok(None);
    }
    Ok(Some(build_row(&id, &post, names)?.build(place)))
}

fn build_row(id: &str, post: &Post, names: &Names) -> Result<RowBuilder, String> {
    let public = matches!(post.visibility.as_deref(), None | Some("public"));
    let is_published = public && matches!(post.status.as_deref(), Some("published" | "scheduled"));
    let (body, format) = match (&post.html, &post.plaintext) {
        (Some(html), _) => (html.as_str(), "html"),
        (None, Some(text)) => (text.as_str(), "text"),
        _ if post.lexical.is_some() || post.mobiledoc.is_some() => {
            return Err(format!("Post {id} has a body in Ghost's own format only."));
        }
        _ => ("", "html"),
    };
    let text = |field: &'_ Option<String>| field.clone().unwrap_or_default();
    let author = parse_id(&post.id).and_then(|id| names.authors.get(&id)?.first());
    let author = author.or_else(|| names.users.get(&parse_id(&post.author_id)?));
    let tagged = parse_id(&post.id).and_then(|id| names.tags.get(&id)).cloned().unwrap_or_default();
    let published = parse_time(&post.published_at);
    Ok(RowBuilder::new(format!("ghost:{id}"))
        .with("title", Some(fold_whitespace(&text(&post.title))))
        .with("slug", accept_slug(&text(&post.slug)))
        .with("summary", Some(make_summary(&text(&post.custom_excerpt))))
        .with_body(body, format)
        .with_tags(tagged)
        .with("author", author.map(String::as_str))
        .with("source_url", accept_web_url(&text(&post.canonical_url)))
        .with("cover_url", accept_web_url(&text(&post.feature_image)))
        .with("status", Some(if is_published { "published" } else { "draft" }))
        .with_time("published_at", published.filter(|_| is_published))
        .with_time("created_at", parse_time(&post.created_at).or(published)))
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use serde_json::json;

    use super::*;
    use crate::interchange::origins::row_builder::RowResult;
    use crate::interchange::origins::tests::{options, to_result};

    fn read_all(file: &Value) -> Vec<RowResult> {
        let mut row = Vec::new();
        let end = read_export(file.to_string().as_bytes(), &options(), &mut |article| {
            row.extend(to_result(article));
            ControlFlow::Continue(())
        });
        assert_eq!(end, Ok(()));
        row
    }

    fn row(post: Value) -> Value {
        read_all(&json!({ "data": { "posts": [post] } })).remove(0).unwrap().row.into()
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
        assert_eq!(Value::from(read_all(&file).remove(0).unwrap().row), expected);
    }

    #[test]
    fn an_old_export_has_numbers_for_ids_and_times() {
        let row = row(json!({ "id": 3, "html": null, "plaintext": "a", "page": 0, "status": "published",
            "published_at": 1_583_109_000_000_i64 }));
        assert_eq!(row["external_id"], "ghost:3");
        assert_eq!(row["body_format"], "text");
        assert_eq!(row["published_at"], "2020-03-02T00:30:00Z");
    }

    #[test]
    fn posts_for_some_readers_only_are_drafts() {
        for (status, visibility) in [("draft", "public"), ("sent", "public"), ("published", "members")] {
            let row = row(json!({ "id": "a", "html": "", "status": status, "visibility": visibility }));
            assert_eq!(row["status"], "draft", "{status} {visibility}");
        }
    }

    #[test]
    fn pages_are_skipped_and_a_bad_post_stops_no_other() {
        let file = json!({ "data": { "posts": [
            { "id": "a", "type": "page" }, { "id": "b", "page": 1 }, 7, { "id": "c", "title": 1 },
            { "id": "d", "lexical": "{}" }, { "id": "e" },
        ] } });
        let row: Vec<bool> = read_all(&file).iter().map(Result::is_ok).collect();
        assert_eq!(row, [false, false, false, true]);
    }

    #[test]
    fn a_file_that_is_not_an_export_is_refused() {
        for file in ["", "[]", "{}", "{\"db\": []}", "{\"db\": [{\"data\": {}}]}", &"[".repeat(100_000)] {
            let end = read_export(file.as_bytes(), &options(), &mut |_| ControlFlow::Continue(()));
            assert!(end.unwrap_err().contains("Ghost export"), "{file}");
        }
    }
}
