//! JSON-LD of a page: the article among the things that it describes.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::metadata::split_keywords;
use crate::interchange::origins::dates;

/// The deepest nesting in which an article is looked for.
const MAX_DEPTH: usize = 8;

/// What the JSON-LD of a page says of its article.
#[derive(Debug, Default)]
pub struct LinkedData {
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Its authors.
    pub author: Option<String>,
    /// The address of its picture.
    pub image: Option<String>,
    /// Its tags.
    pub keywords: Vec<String>,
    /// The names of its categories, from the root on.
    pub breadcrumb: Vec<String>,
}

impl LinkedData {
    /// Reads the scripts of a page. An article comes before the page, and the page before things without a type.
    pub fn read(scripts: &[String], timezone: Tz) -> Self {
        let mut things = Vec::new();
        let mut texts = Vec::new();
        for script in scripts {
            match parse_script(script) {
                Some(data) => collect_things(&data, 0, &mut things),
                None => texts.push(script),
            }
        }
        let mut data = Self { breadcrumb: find_breadcrumb(&things), ..Self::default() };
        things.sort_by_key(rank_thing);
        for thing in things.iter().filter(|thing| rank_thing(thing) < NO_ARTICLE) {
            data.add(thing, timezone);
        }
        let broken = || texts.iter().find_map(|text| find_date_in_text(text, timezone));
        data.published_at = data.published_at.or_else(broken);
        data
    }

    fn add(&mut self, thing: &Map<String, Value>, timezone: Tz) {
        let text = |key: &str| thing.get(key).and_then(Value::as_str);
        let date = || text("datePublished").and_then(|text| dates::parse_stamp(text, timezone));
        self.published_at = self.published_at.or_else(date);
        if rank_thing(thing) > 0 {
            return;
        }
        self.author = self.author.take().or_else(|| join_names(thing.get("author")?));
        self.image = self.image.take().or_else(|| find_address(thing.get("image")?));
        if self.keywords.is_empty() {
            self.keywords = thing.get("keywords").map(list_keywords).unwrap_or_default();
        }
    }
}

/// The rank of things that are neither an article nor its page.
const NO_ARTICLE: u8 = 3;

fn rank_thing(thing: &Map<String, Value>) -> u8 {
    let types = list_texts(thing.get("@type").unwrap_or(&Value::Null));
    let has = |ending: &str| types.iter().any(|kind| kind.ends_with(ending));
    if has("Article") || has("Posting") || has("Report") || has("CreativeWork") {
        0
    } else if has("WebPage") || has("ItemPage") {
        1
    } else if types.is_empty() {
        2
    } else {
        NO_ARTICLE
    }
}

/// Parses a script, also within CDATA or comments, and with line breaks in its texts.
fn parse_script(script: &str) -> Option<Value> {
    let mut text = script.trim();
    for mark in ["/*", "*/", "//", "<!--", "<![CDATA[", "-->", "]]>"].repeat(2) {
        text = text.trim_start_matches(mark).trim_end_matches(mark).trim();
    }
    let text = text.trim_end_matches(';');
    let parsed = serde_json::from_str(text).ok();
    let repair = || {
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        serde_json::from_str(&plain).ok()
    };
    parsed.or_else(repair)
}

fn collect_things(data: &Value, depth: usize, things: &mut Vec<Map<String, Value>>) {
    if depth > MAX_DEPTH {
        return;
    }
    match data {
        Value::Array(items) => items.iter().for_each(|item| collect_things(item, depth + 1, things)),
        Value::Object(thing) => {
            things.push(thing.clone());
            let inner = ["@graph", "mainEntity", "mainEntityOfPage", "breadcrumb"];
            inner
                .iter()
                .filter_map(|key| thing.get(*key))
                .for_each(|item| collect_things(item, depth + 1, things));
        }
        _ => {}
    }
}

fn list_texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    }
}

fn join_names(value: &Value) -> Option<String> {
    let name = |person: &Value| match person {
        Value::Object(person) => person.get("name").and_then(Value::as_str).map(str::to_owned),
        other => other.as_str().map(str::to_owned),
    };
    let names: Vec<String> = match value {
        Value::Array(people) => people.iter().filter_map(name).collect(),
        other => name(other).into_iter().collect(),
    };
    Some(names.join(", ")).filter(|names| !names.is_empty() && !names.contains("://"))
}

fn find_address(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(find_address),
        Value::Object(image) => image.get("url").or_else(|| image.get("contentUrl")).and_then(find_address),
        other => other.as_str().map(str::to_owned),
    }
}

fn list_keywords(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => other.as_str().map(split_keywords).unwrap_or_default(),
    }
}

fn find_breadcrumb(things: &[Map<String, Value>]) -> Vec<String> {
    let is_list = |thing: &&Map<String, Value>| {
        list_texts(thing.get("@type").unwrap_or(&Value::Null)).contains(&"BreadcrumbList")
    };
    let items = things.iter().find(is_list).and_then(|list| list.get("itemListElement")?.as_array());
    let names = items.into_iter().flatten().filter_map(|item| {
        let name = item.get("name").or_else(|| item.get("item")?.get("name"));
        name.and_then(Value::as_str).map(|name| name.trim().to_owned())
    });
    names.collect()
}

/// The date of a script that is no JSON.
fn find_date_in_text(text: &str, timezone: Tz) -> Option<DateTime<Utc>> {
    let (_, after) = text.split_once("\"datePublished\"")?;
    let value = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    dates::parse_stamp(value.split('"').next()?, timezone)
}
