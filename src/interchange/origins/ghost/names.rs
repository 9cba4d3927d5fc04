//! The tags and the authors of the posts in a Ghost export.

use std::collections::HashMap;

use serde_json::Value;

use super::tables::Tables;

/// The tables that hold tags and authors.
pub const NAME_TABLES: [&str; 4] = ["tags", "posts_tags", "users", "posts_authors"];

/// The tags and authors of posts, by the ids of the posts.
#[derive(Default)]
pub struct Names {
    users: HashMap<String, String>,
    authors: HashMap<String, Links>,
    tags: HashMap<String, Links>,
    meta: HashMap<String, Value>,
}

/// What a post is linked to.
#[derive(Clone, Default)]
pub struct Links {
    /// The names, in their order.
    pub names: Vec<String>,
    /// Links to tags that only themes see.
    pub internal: u64,
    /// Links to what the export does not have.
    pub dangling: u64,
}

impl Names {
    /// Reads the tables. A row that is not JSON is passed over: the links to it are dangling.
    pub fn read(tables: &Tables<'_>) -> Self {
        let rows = |table: &str| -> Vec<Value> {
            let rows = tables.rows(table).unwrap_or_default();
            rows.iter().filter_map(|row| serde_json::from_slice(row).ok()).collect()
        };
        let (users, tags) = (index_names(&rows("users")), index_names(&rows("tags")));
        let meta = rows("posts_meta").into_iter().filter_map(|row| Some((read_id(&row["post_id"])?, row)));
        Self {
            authors: group_links(rows("posts_authors"), "author_id", &users),
            tags: group_links(rows("posts_tags"), "tag_id", &tags),
            users: users.into_iter().filter_map(|(id, name)| Some((id, name?))).collect(),
            meta: meta.collect(),
        }
    }

    /// The tags of a post, also those that stand in the post itself.
    pub fn tags(&self, id: &str, post: &Value) -> Links {
        read_embedded(&post["tags"]).or_else(|| self.tags.get(id).cloned()).unwrap_or_default()
    }

    /// The authors of a post. The first is the main one.
    pub fn authors(&self, id: &str, post: &Value) -> Links {
        let found = read_embedded(&post["authors"]).or_else(|| self.authors.get(id).cloned());
        let found = found.filter(|links| !links.names.is_empty());
        found.unwrap_or_else(|| {
            let id = read_id(&post["author_id"]).or_else(|| read_id(&post["author"]));
            let name = id.as_ref().and_then(|id| self.users.get(id));
            // An author that is no id is a name.
            let given = post["author"]["name"]
                .as_str()
                .or(post["author"].as_str())
                .filter(|_| post["author_id"].is_null());
            let names: Vec<String> = name.cloned().or(given.map(str::to_owned)).into_iter().collect();
            Links { dangling: u64::from(id.is_some() && names.is_empty()), names, internal: 0 }
        })
    }

    /// The row of a post in the table that holds what Ghost says of it to search engines and networks.
    pub fn meta(&self, id: &str) -> &Value {
        self.meta.get(id).unwrap_or(&Value::Null)
    }
}

/// Reads an id. Ids are numbers in old exports and strings in new ones.
pub fn read_id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.trim().is_empty() && id.len() <= 64 => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn is_internal(row: &Value) -> bool {
    row["visibility"] == "internal"
        || row["name"].as_str().is_some_and(|name| name.trim_start().starts_with('#'))
}

/// The names of rows by their ids. Those of internal tags are absent.
fn index_names(rows: &[Value]) -> HashMap<String, Option<String>> {
    let named = rows.iter().filter_map(|row| {
        let name = row["name"].as_str().filter(|name| !name.trim().is_empty())?;
        Some((read_id(&row["id"])?, (!is_internal(row)).then(|| name.to_owned())))
    });
    named.collect()
}

fn group_links(
    mut links: Vec<Value>,
    key: &str,
    names: &HashMap<String, Option<String>>,
) -> HashMap<String, Links> {
    links.sort_by_key(|link| link["sort_order"].as_i64());
    let mut by_post: HashMap<String, Links> = HashMap::new();
    for link in links {
        let Some(post) = read_id(&link["post_id"]) else { continue };
        let found = by_post.entry(post).or_default();
        match read_id(&link[key]).and_then(|id| names.get(&id)) {
            Some(Some(name)) => found.names.push(name.clone()),
            Some(None) => found.internal += 1,
            None => found.dangling += 1,
        }
    }
    by_post
}

/// Reads names that stand in a post: a list of texts, or of objects with names.
fn read_embedded(list: &Value) -> Option<Links> {
    let mut links = Links::default();
    for item in list.as_array()? {
        match item["name"].as_str().or(item.as_str()) {
            Some(_) if is_internal(item) => links.internal += 1,
            Some(name) => links.names.push(name.to_owned()),
            None => links.dangling += 1,
        }
    }
    Some(links)
}
