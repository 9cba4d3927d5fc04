//! The categories and tags of a post.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::descriptions::Term;
use super::names::plain_name;
use super::record::Element;
use crate::config::origins::ExtraCategories;
use crate::interchange::origins::row_builder::{RowBuilder, accept_slug};

/// Most steps of a category's path.
const MAX_CATEGORY_DEPTH: usize = 16;
/// Meta keys under which plugins keep the id of the main category of a post.
const PRIMARY_KEYS: [&str; 2] = ["_yoast_wpseo_primary_category", "rank_math_primary_category"];

/// The categories of the site.
#[derive(Debug, Default)]
pub struct Categories {
    /// By their nicename (WordPress' word for a slug).
    by_nicename: HashMap<String, Category>,
    nicename_by_id: HashMap<String, String>,
    /// The first nicename of each name.
    nicename_by_name: HashMap<String, String>,
}

#[derive(Debug)]
struct Category {
    name: String,
    parent: String,
    description: String,
    /// Whether the breadcrumb of a post has the description.
    is_described: Cell<bool>,
}

impl Categories {
    /// Adds the category of a record. Other terms have no place.
    pub fn add(&mut self, record: &Element) {
        let Some(term) = Term::of(record).filter(|term| term.taxonomy == "category") else { return };
        let (name, nicename) = (plain_name(term.name), term.nicename.to_owned());
        let id = record.text("wp:term_id");
        if !id.is_empty() {
            self.nicename_by_id.insert(id.to_owned(), nicename.clone());
        }
        self.nicename_by_name.entry(name.clone()).or_insert_with(|| nicename.clone());
        let (parent, (description, _)) = (term.parent.to_owned(), term.split_description());
        let is_described = Cell::default();
        self.by_nicename.insert(nicename, Category { name, parent, description, is_described });
    }

    /// The categories whose descriptions no post has brought: names and descriptions, sorted.
    pub fn list_undescribed(&self) -> Vec<(&str, &str)> {
        let others = self.by_nicename.values().filter(|category| !category.is_described.get());
        let texts = others.map(|category| (category.name.as_str(), category.description.as_str()));
        let mut texts: Vec<_> = texts.filter(|(_, description)| !description.is_empty()).collect();
        texts.sort_unstable();
        texts
    }

    /// The description of a category, which a breadcrumb brings.
    fn bring_description(&self, nicename: &str) -> &str {
        self.by_nicename.get(nicename).map_or("", |category| {
            category.is_described.set(true);
            &category.description
        })
    }

    /// Finds a parent, which exports name by its nicename, its name or its id.
    fn find_parent<'a>(&'a self, parent: &'a str) -> &'a str {
        if self.by_nicename.contains_key(parent) {
            return parent;
        }
        let by_name = self.nicename_by_name.get(parent);
        by_name.or_else(|| self.nicename_by_id.get(parent)).map_or(parent, String::as_str)
    }

    /// The path to a category, root first.
    fn build_path<'a>(&'a self, nicename: &'a str, name: &str) -> Vec<Step<'a>> {
        let description = self.bring_description(nicename);
        let mut path = vec![Step { nicename, name: Cow::Owned(name.to_owned()), description }];
        let mut at = self.by_nicename.get(nicename);
        while let Some(parent) = at.map(|category| category.parent.as_str())
            && !matches!(parent, "" | "0")
            && path.len() < MAX_CATEGORY_DEPTH
        {
            let parent = self.find_parent(parent);
            if path.iter().any(|step| step.nicename == parent) {
                break;
            }
            at = self.by_nicename.get(parent);
            let name = at.map_or(parent, |category| category.name.as_str());
            let description = self.bring_description(parent);
            path.push(Step { nicename: parent, name: Cow::Borrowed(name), description });
        }
        path.reverse();
        path
    }
}

struct Step<'a> {
    nicename: &'a str,
    name: Cow<'a, str>,
    description: &'a str,
}

impl Step<'_> {
    fn to_json(&self) -> Value {
        let mut step = json!({ "name": self.name });
        if let Some(slug) = accept_slug(self.nicename) {
            step["slug"] = slug.into();
        }
        if !self.description.is_empty() {
            step["description"] = self.description.into();
        }
        step
    }
}

/// The terms of a post by their taxonomy.
#[derive(Default)]
struct PostTerms<'e> {
    /// Categories: nicename and name.
    categories: Vec<(Cow<'e, str>, String)>,
    tags: Vec<String>,
    /// Terms of other taxonomies, as `taxonomy: name`.
    others: Vec<String>,
}

impl<'e> PostTerms<'e> {
    fn collect(item: &'e Element, known: &Categories) -> Self {
        let mut terms = Self::default();
        let fields = item.find_children("category");
        for field in fields.clone() {
            let name = plain_name(&field.text);
            let twin = |other: &Element| !other.domain.is_empty() && plain_name(&other.text) == name;
            match field.domain.as_str() {
                _ if name.is_empty() => {}
                // WXR 1.0 has each term a second time, without its taxonomy.
                "" if fields.clone().any(twin) => {}
                "" | "category" => {
                    let nicename = match field.nicename.as_str() {
                        "" => known.nicename_by_name.get(&name).cloned().unwrap_or_default().into(),
                        nicename => Cow::Borrowed(nicename),
                    };
                    let is_new = |(other, other_name): &(Cow<'_, str>, String)| {
                        *other != nicename || (nicename.is_empty() && *other_name != name)
                    };
                    if terms.categories.iter().all(is_new) {
                        terms.categories.push((nicename, name));
                    }
                }
                "post_tag" | "tag" => terms.tags.push(name),
                // Formats of posts are counted with what is passed over.
                "post_format" => {}
                taxonomy => terms.others.push(format!("{taxonomy}: {name}")),
            }
        }
        terms
    }

    /// Moves the category to the front that a plugin calls the main one.
    fn put_primary_first(&mut self, item: &Element, known: &Categories) {
        let id = PRIMARY_KEYS.iter().find_map(|key| find_meta(item, key));
        let nicename = id.and_then(|id| known.nicename_by_id.get(id));
        if let Some(nicename) = nicename
            && let Some(at) = self.categories.iter().position(|(other, _)| other == nicename)
        {
            self.categories[..=at].rotate_right(1);
        }
    }
}

/// Whether a meta key is read here.
pub fn is_category_meta(key: &str) -> bool {
    PRIMARY_KEYS.contains(&key)
}

/// The values of the `wp:postmeta` with this key.
pub fn find_metas<'e>(item: &'e Element, key: &'e str) -> impl Iterator<Item = &'e str> {
    let metas = item.find_children("wp:postmeta").filter(move |meta| meta.text("wp:meta_key") == key);
    metas.map(|meta| meta.text("wp:meta_value"))
}

/// Returns the value of the first `wp:postmeta` with this key, unless it is empty.
pub fn find_meta<'e>(item: &'e Element, key: &'e str) -> Option<&'e str> {
    find_metas(item, key).next().filter(|value| !value.is_empty())
}

/// Sets the category and the tags of a row. Warns of what is not kept as it is.
pub fn add_terms(
    mut row: RowBuilder,
    item: &Element,
    known: &Categories,
    extra: ExtraCategories,
) -> RowBuilder {
    let mut terms = PostTerms::collect(item, known);
    terms.put_primary_first(item, known);
    let mut categories = terms.categories.iter();
    let path = categories.next().map(|(nicename, name)| known.build_path(nicename, name)).unwrap_or_default();
    row = row.with_list("category", path.iter().map(Step::to_json).collect());
    let is_step = |nicename: &str| path.iter().any(|step| !nicename.is_empty() && step.nicename == nicename);
    let extras: Vec<String> =
        categories.filter(|(nicename, _)| !is_step(nicename)).map(|(_, name)| name.clone()).collect();
    if !extras.is_empty() {
        let names = extras.join(", ");
        let detail = match extra {
            ExtraCategories::Tags => format!("has only the first category; these became tags: {names}"),
            ExtraCategories::Drop => format!("has only the first category; left out: {names}"),
        };
        row = row.warn("/category", "extra_categories", detail);
    }
    if !terms.others.is_empty() {
        row = row.warn("/tags", "terms_dropped", format!("left out: {}", terms.others.join(", ")));
    }
    let mut tags = terms.tags;
    if extra == ExtraCategories::Tags {
        tags.extend(extras);
    }
    row.with_tags(tags)
}
