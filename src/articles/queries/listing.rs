//! Which articles a list shows, as conditions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::rows::{Conditions, Value};
use crate::db::visibility::{Articles, Part, any_of};

/// The condition on articles with a cover. An index has these.
const WITH_COVER: &str = "articles.cover_url IS NOT NULL";

/// Which articles a list shows.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Conditions on the publication time and on ids that all of them meet.
    pub conditions: Conditions,
    /// The parts of the articles that may be seen.
    pub parts: Vec<Part>,
    /// Only those in these categories.
    pub categories: Option<Vec<Uuid>>,
    /// Only those with one of these tags.
    pub tags: Option<Vec<String>>,
    /// Only those with all of `tags`.
    pub has_all_tags: bool,
    /// Only those with this byline.
    pub author: Option<String>,
    /// Only those from this source.
    pub source: Option<String>,
    /// Only those changed at or after this time.
    pub updated_since: Option<DateTime<Utc>>,
    /// Only those with a cover.
    pub has_cover: bool,
}

impl Listing {
    /// All that everybody may read now.
    pub fn public() -> Self {
        let mut conditions = Conditions::default();
        let parts = Articles::Public.parts(None, &mut conditions);
        Self { conditions, parts, ..Self::default() }
    }

    /// The whole as a plain condition on `articles`.
    pub fn to_conditions(&self) -> Conditions {
        let mut conditions = self.conditions.clone();
        conditions.and(any_of(&self.parts));
        conditions.and_if("articles.category_id = ANY(?)", self.categories.clone().map(Value::Ids));
        let names = Names::new(&mut conditions, self);
        let all: Vec<String> = names.conditions().map(str::to_owned).collect();
        all.into_iter().for_each(|condition| conditions.and(condition));
        conditions
    }
}

/// The names and traits that a list filters by.
pub(super) struct Names {
    /// Conditions on the author and the source. An index has each in the order of publication.
    pub bylines: Vec<String>,
    /// The condition on the tags, over articles.
    pub tagged: Option<String>,
    /// The same over the lines of tags, for each tag by itself and for all.
    pub lines: Vec<String>,
    pub all_lines: String,
    /// Conditions on what else articles have.
    pub traits: Vec<Trait>,
}

/// A condition on what an article has, which is no name.
pub(super) struct Trait {
    /// The condition over articles.
    pub condition: String,
    /// The same over the lines of tags.
    pub of_line: String,
    /// The column of the order in which an index has the articles that meet it.
    pub order: &'static str,
    /// That order, the newest first.
    pub newest_first: &'static str,
}

impl Names {
    pub fn new(conditions: &mut Conditions, listing: &Listing) -> Self {
        let mut bylines = Vec::new();
        for (column, value) in [("author", &listing.author), ("source_name", &listing.source)] {
            let mark = value.clone().map(|value| conditions.bind(Value::Text(value)));
            bylines.extend(mark.map(|mark| format!("articles.{column} = {mark}")));
        }
        let tags = listing.tags.clone().unwrap_or_default();
        let marks: Vec<_> = tags.iter().map(|tag| conditions.bind(Value::Text(tag.clone()))).collect();
        let each = marks.iter().map(|mark| format!("articles.tag = {mark}"));
        let lines: Vec<_> = match listing.has_all_tags {
            true => (!marks.is_empty()).then(|| find_lines_of_all(&marks)).into_iter().collect(),
            false => each.collect(),
        };
        let mark = listing.tags.clone().map(|tags| conditions.bind(Value::Texts(tags)));
        let all_lines = match &lines[..] {
            [one] => one.clone(),
            _ => mark.as_ref().map_or_else(String::new, |mark| format!("articles.tag = ANY({mark})")),
        };
        let operator = if listing.has_all_tags { "@>" } else { "&&" };
        let tagged = mark.map(|mark| format!("articles.tags {operator} {mark}"));
        Self { bylines, tagged, lines, all_lines, traits: list_traits(conditions, listing) }
    }

    /// All conditions, over articles.
    pub fn conditions(&self) -> impl Iterator<Item = &str> {
        let traits = self.traits.iter().map(|one| &one.condition);
        self.bylines.iter().chain(&self.tagged).chain(traits).map(String::as_str)
    }

    /// Whether the list filters by no name.
    pub fn are_none(&self) -> bool {
        self.bylines.is_empty() && self.tagged.is_none()
    }

    /// Whether no index has the order of `column` among the articles with the traits.
    pub fn have_traits_apart_from(&self, column: &str) -> bool {
        self.traits.iter().any(|one| one.order != column)
    }
}

/// The condition on the lines of the first tag whose article has all others too.
fn find_lines_of_all(marks: &[String]) -> String {
    let others = marks.iter().skip(1).map(|mark| {
        format!(
            " AND EXISTS (SELECT FROM article_tags AS other WHERE other.tag = {mark} \
                          AND other.published_at = articles.published_at AND other.article_id = articles.id)"
        )
    });
    format!("articles.tag = {}{}", marks[0], others.collect::<String>())
}

fn list_traits(conditions: &mut Conditions, listing: &Listing) -> Vec<Trait> {
    let mut traits = Vec::new();
    if let Some(since) = listing.updated_since {
        let condition = format!("articles.updated_at >= {}", conditions.bind(Value::Time(since)));
        let newest_first = "ORDER BY articles.updated_at DESC";
        traits.push(Trait { of_line: condition.clone(), condition, order: "updated_at", newest_first });
    }
    if listing.has_cover {
        let of_line =
            "EXISTS (SELECT FROM articles AS own WHERE own.id = articles.id AND own.cover_url IS NOT NULL)";
        traits.push(Trait {
            condition: WITH_COVER.to_owned(),
            of_line: of_line.to_owned(),
            order: "published_at",
            newest_first: "ORDER BY articles.published_at DESC",
        });
    }
    traits
}
