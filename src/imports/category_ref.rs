//! References to categories in rows: by slug, id or breadcrumb.

use serde_json::Value;
use uuid::Uuid;

use super::articles::slug_repair::find_reason;
use super::params::SlugConflicts;
use crate::articles::former_slugs;
use crate::categories::model::{Row, Tree};
use crate::categories::view::NewCategory;
use crate::categories::writing::{add_category, new_content};
use crate::changes::model::Actor;
use crate::error::{At, Code, Fault, Result};
use crate::http::body::checked;
use crate::http::id_or_slug::IdOrSlug;
use crate::slug;
use crate::tx::Tx;

/// The most characters of a category's name.
const MAX_NAME_CHARS: usize = 100;
/// Most steps of a breadcrumb.
const MAX_PATH_STEPS: usize = 16;

/// A reference to a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CategoryRef {
    /// A slug, an id, or the name of a root category.
    Key(String),
    /// The steps of a breadcrumb, root first.
    Path {
        /// The steps.
        steps: Vec<Step>,
        /// What becomes of the slug of a step that another category has. By default it names that category.
        conflicts: SlugConflicts,
    },
}

/// One step of a breadcrumb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The category's name.
    pub name: String,
    /// The category's slug, if it is given.
    pub slug: Option<String>,
    /// The description that the category gets if it is created.
    pub description: Option<String>,
}

/// The category of a breadcrumb, after those that were missing were created.
pub struct CreatedPath {
    /// The id of the last category.
    pub id: Uuid,
    /// How many were created.
    pub count: u64,
    /// What was changed of the breadcrumb.
    pub warnings: Vec<Fault>,
}

impl CategoryRef {
    /// Parses the `category` of a row: `"local"`, `"新闻/地方动态"`,
    /// `["新闻", "地方动态"]` or `[{"slug": "news", "name": "新闻"}, …]`. Also returns what was changed of it.
    pub fn parse(value: &Value, conflicts: SlugConflicts) -> Result<(Option<Self>, Vec<Fault>), Fault> {
        let steps: Vec<Step> = match value {
            Value::Null => return Ok((None, Vec::new())),
            Value::String(text) if text.contains('/') => text.split('/').map(Step::from_name).collect(),
            Value::String(text) if text.trim().is_empty() => {
                return Err(category_fault(Code::TooShort, "must not be blank"));
            }
            Value::String(text) if conflicts == SlugConflicts::Refuse || is_short_name(text) => {
                return Ok((Some(Self::Key(text.trim().to_owned())), Vec::new()));
            }
            Value::String(text) => vec![Step::from_name(text)],
            Value::Array(items) => items.iter().map(Step::parse).collect::<Result<_, Fault>>()?,
            _ => return Err(category_fault(Code::WrongType, "must be a string or an array")),
        };
        let (steps, warnings) = match conflicts {
            SlugConflicts::Suffix => repair_steps(steps),
            SlugConflicts::Refuse => (steps, Vec::new()),
        };
        if steps.is_empty() || steps.iter().any(|step| step.name.is_empty()) {
            return Err(category_fault(Code::TooShort, "a step has no name"));
        }
        if steps.len() > MAX_PATH_STEPS {
            let fault = category_fault(Code::OutOfRange, "must have at most {max} steps");
            return Err(fault.with("max", MAX_PATH_STEPS));
        }
        let is_repeated =
            |(at, step): (usize, &Step)| steps[..at].iter().any(|earlier| earlier.is_same(step));
        if steps.iter().enumerate().any(is_repeated) {
            return Err(category_fault(Code::CategoryCycle, "repeats a category"));
        }
        Ok((Some(Self::Path { steps, conflicts }), warnings))
    }

    /// Finds the category in the tree.
    pub fn find<'t>(&self, tree: &'t Tree) -> Option<&'t Row> {
        match self {
            Self::Key(key) => {
                tree.find(&IdOrSlug::parse(key)).or_else(|| Step::from_name(key).find_below(tree, None))
            }
            Self::Path { steps, conflicts } => {
                if let (Some(slug), SlugConflicts::Refuse) = (&steps.last()?.slug, conflicts) {
                    return tree.find(&IdOrSlug::parse(slug));
                }
                let mut found: Option<&Row> = None;
                for step in steps {
                    let parent = found.map(|row| row.id);
                    let moved = || step.find_moved(tree).filter(|_| *conflicts == SlugConflicts::Suffix);
                    found = Some(step.find_below(tree, parent).or_else(moved)?);
                }
                found
            }
        }
    }

    /// Warns of descriptions that the category found, and those around it, do not have.
    pub fn warn_of_descriptions(&self, tree: &Tree, found: &Row) -> Vec<Fault> {
        let Self::Path { steps, .. } = self else { return Vec::new() };
        let path = tree.path(found.id);
        steps
            .iter()
            .rev()
            .zip(path.iter().rev())
            .filter_map(|(step, row)| step.warn_of_description(row))
            .collect()
    }

    /// The steps of the breadcrumb, one for each category to create.
    fn to_steps(&self) -> (Vec<Step>, SlugConflicts) {
        match self {
            Self::Key(key) => (vec![Step::from_name(key)], SlugConflicts::Refuse),
            Self::Path { steps, conflicts } => (steps.clone(), *conflicts),
        }
    }

    /// Creates the missing categories of the breadcrumb.
    ///
    /// The caller must have locked the tree. New categories are added to it.
    pub async fn create_missing(&self, tx: &mut Tx, actor: Actor, tree: &mut Tree) -> Result<CreatedPath> {
        let (mut parent, mut count, mut warnings) = (None, 0, Vec::new());
        let (steps, conflicts) = self.to_steps();
        for mut step in steps {
            let by_slug = step.slug.as_ref().and_then(|slug| tree.find(&IdOrSlug::parse(slug)));
            let found = match conflicts {
                SlugConflicts::Refuse => by_slug.or_else(|| step.find_below(tree, parent)),
                SlugConflicts::Suffix => step.find_below(tree, parent).or_else(|| step.find_moved(tree)),
            };
            if let Some(row) = found {
                warnings.extend(step.warn_of_description(row));
                parent = Some(row.id);
                continue;
            }
            if by_slug.is_some() {
                warnings.extend(step.give_suffix());
            }
            let mut new = serde_json::json!({"name": step.name, "slug": step.slug, "parent": parent});
            if let Some(description) = step.description {
                new["description"] = description.into();
            }
            let new: NewCategory = checked(new, Vec::new()).map_err(map_to_category_fault)?;
            let content = new_content(tree, new).map_err(map_to_category_fault)?;
            let row = add_category(tx, actor, tree, &content).await?;
            parent = Some(row.id);
            *tree = tree.with(row);
            count += 1;
        }
        let id = parent.ok_or_else(unknown_category)?;
        Ok(CreatedPath { id, count, warnings })
    }
}

/// Makes the steps of a foreign breadcrumb such that its categories can be created. Returns what was changed.
fn repair_steps(steps: Vec<Step>) -> (Vec<Step>, Vec<Fault>) {
    let (mut repaired, mut warnings): (Vec<Step>, _) = (Vec::new(), Vec::new());
    for mut step in steps {
        if step.name.is_empty() {
            match step.slug.clone() {
                Some(slug) => step.name = slug,
                // It holds nothing.
                None => continue,
            }
        }
        warnings.extend(step.cut_name());
        warnings.extend(step.repair_slug());
        if repaired.iter().any(|earlier| earlier.is_same(&step)) {
            let warning = category_fault(Code::CategoryChanged, "names {name} twice; it counts once");
            warnings.push(warning.with("name", step.name));
        } else {
            repaired.push(step);
        }
    }
    (repaired, warnings)
}

fn is_short_name(text: &str) -> bool {
    text.trim().chars().nth(MAX_NAME_CHARS).is_none()
}

impl Step {
    fn from_name(name: &str) -> Self {
        Self { name: name.trim().to_owned(), slug: None, description: None }
    }

    fn parse(value: &Value) -> Result<Self, Fault> {
        if let Some(name) = value.as_str() {
            return Ok(Self::from_name(name));
        }
        let text = |key: &str| {
            value[key].as_str().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let has_known_keys = |object: &serde_json::Map<String, Value>| {
            object.keys().all(|key| ["name", "slug", "description"].contains(&key.as_str()))
        };
        let name = text("name").unwrap_or_default();
        let step = Self { name, slug: text("slug"), description: text("description") };
        match value.as_object() {
            Some(object) if has_known_keys(object) => Ok(step),
            _ => Err(category_fault(
                Code::WrongType,
                "each step must be a name, or an object with name, slug and description",
            )),
        }
    }

    /// Whether both steps are the same category: by their slugs, or by their names if one has no slug.
    fn is_same(&self, other: &Self) -> bool {
        match (&self.slug, &other.slug) {
            (Some(one), Some(other)) => one == other,
            _ => self.name == other.name,
        }
    }

    /// Finds the child of `parent` with this step's slug, or else with its name.
    fn find_below<'t>(&self, tree: &'t Tree, parent: Option<Uuid>) -> Option<&'t Row> {
        let slug = self.slug.as_ref().unwrap_or(&self.name);
        let by_slug = tree.children(parent).find(|row| row.content.slug == *slug);
        by_slug.or_else(|| tree.children(parent).find(|row| row.content.name == self.name))
    }

    /// Finds the category with this step's slug and name that was moved here since it was made. One that was not
    /// stands in another breadcrumb, and is another category.
    fn find_moved<'t>(&self, tree: &'t Tree) -> Option<&'t Row> {
        let found = tree.find(&IdOrSlug::Slug(self.slug.clone()?))?;
        (found.content.name == self.name && found.version > 1).then_some(found)
    }

    /// Warns of a description if the category, which exists, has another one or none.
    fn warn_of_description(&self, row: &Row) -> Option<Fault> {
        let text = self.description.as_ref().filter(|text| **text != row.content.description)?;
        let detail = "the category {name} exists and keeps its description; left out: {description}";
        let warning = category_fault(Code::DescriptionDropped, detail);
        Some(warning.with("name", row.content.name.clone()).with("description", text.clone()))
    }

    /// Cuts a name that is too long.
    fn cut_name(&mut self) -> Option<Fault> {
        let (end, _) = self.name.char_indices().nth(MAX_NAME_CHARS)?;
        let cut = self.name[..end].trim_end().to_owned();
        let from = std::mem::replace(&mut self.name, cut);
        let warning = category_fault(Code::CategoryChanged, "the name {from} was cut to {max} characters");
        Some(warning.with("from", from).with("max", MAX_NAME_CHARS))
    }

    /// Replaces a slug that cannot be used by one that is made of it, or leaves it to be made from the name.
    fn repair_slug(&mut self) -> Option<Fault> {
        let from = self.slug.clone()?;
        find_reason(&from)?;
        let made = slug::from_title(&former_slugs::normalize(&from), "");
        if made.is_empty() {
            self.slug = None;
            let detail = "the slug {from} cannot be used; one is made from the name";
            return Some(category_fault(Code::CategoryChanged, detail).with("from", from));
        }
        self.slug = Some(made.clone());
        let warning =
            category_fault(Code::CategoryChanged, "the slug {from} cannot be used, and became {to}");
        Some(warning.with("from", from).with("to", made))
    }

    /// Gives the slug, which another category has, a suffix.
    fn give_suffix(&mut self) -> Option<Fault> {
        let from = self.slug.take()?;
        let to = slug::with_suffix(&from);
        self.slug = Some(to.clone());
        let detail = "the slug {from} is used by another category, and became {to}";
        Some(category_fault(Code::CategoryChanged, detail).with("from", from).with("to", to))
    }
}

fn category_fault(code: Code, detail: &'static str) -> Fault {
    Fault::body("/category", code, detail)
}

/// The fault of a reference to a category that does not exist.
pub fn unknown_category() -> Fault {
    category_fault(Code::UnknownReference, "unknown category; create_categories=true would create it")
}

/// Maps the faults of a category to faults of the row's `category`.
fn map_to_category_fault(error: crate::error::Error) -> crate::error::Error {
    match error {
        crate::error::Error::Faults(code, faults) => {
            let at = At::Pointer("/category".to_owned());
            let faults = faults.into_iter().map(|fault| Fault { at: at.clone(), ..fault }).collect();
            crate::error::Error::Faults(code, faults)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(steps: Vec<Step>) -> CategoryRef {
        CategoryRef::Path { steps, conflicts: SlugConflicts::Refuse }
    }

    fn slugged(name: &str, slug: &str) -> Step {
        Step { name: name.to_owned(), slug: Some(slug.to_owned()), description: None }
    }

    #[test]
    fn a_reference_is_a_key_or_a_path() {
        let read = |value| {
            let parsed = CategoryRef::parse(&value, SlugConflicts::Refuse);
            parsed.map(|(found, _)| found).map_err(|fault| fault.code)
        };
        let named = |names: &[&str]| path(names.iter().map(|name| Step::from_name(name)).collect());
        assert_eq!(read(json!(null)), Ok(None));
        assert_eq!(read(json!("local")), Ok(Some(CategoryRef::Key("local".to_owned()))));
        assert_eq!(read(json!("新闻 / 地方动态")), Ok(Some(named(&["新闻", "地方动态"]))));
        assert_eq!(read(json!(["新闻", "地方动态"])), Ok(Some(named(&["新闻", "地方动态"]))));
        assert_eq!(
            read(json!([{"name": "新闻", "slug": "news"}])),
            Ok(Some(path(vec![slugged("新闻", "news")])))
        );
        let one_in_another = json!([{"name": "公司", "slug": "gs"}, {"name": "公司", "slug": "gs-2"}]);
        let steps = vec![slugged("公司", "gs"), slugged("公司", "gs-2")];
        assert_eq!(read(one_in_another), Ok(Some(path(steps))));
        let described = Step { description: Some("各地".to_owned()), ..slugged("地方", "local") };
        let value = json!([{"name": "地方", "slug": "local", "description": " 各地 "}]);
        assert_eq!(read(value), Ok(Some(path(vec![described]))));
        assert_eq!(read(json!("新闻//地方")), Err(Code::TooShort));
        assert_eq!(read(json!("新闻/地方/新闻")), Err(Code::CategoryCycle));
        assert_eq!(read(json!([7])), Err(Code::WrongType));
        assert_eq!(read(json!([{"title": "x"}])), Err(Code::WrongType));
        assert_eq!(read(json!(7)), Err(Code::WrongType));
        assert_eq!(read(json!("a/".repeat(17) + "b")), Err(Code::OutOfRange));
    }

    #[test]
    fn a_foreign_breadcrumb_is_made_such_that_its_categories_can_be_created() {
        let long = "长".repeat(101);
        let cases = [
            (json!("快讯/公司/公司"), vec![Step::from_name("快讯"), Step::from_name("公司")], 1),
            (json!("新闻/地方/新闻"), vec![Step::from_name("新闻"), Step::from_name("地方")], 1),
            (json!("新闻//地方/"), vec![Step::from_name("新闻"), Step::from_name("地方")], 0),
            (json!([{"name": "新闻", "slug": "News_Room"}]), vec![slugged("新闻", "news-room")], 1),
            (json!([{"name": "新闻", "slug": "%e6%96%b0%e9%97%bb"}]), vec![slugged("新闻", "xin-wen")], 1),
            (json!([{"name": "新闻", "slug": "!!"}]), vec![Step::from_name("新闻")], 1),
            (json!([{"name": "", "slug": "news"}]), vec![slugged("news", "news")], 0),
            (json!(long), vec![Step::from_name(&"长".repeat(100))], 1),
            (json!([{"name": long, "slug": "a"}, long]), vec![slugged(&"长".repeat(100), "a")], 3),
        ];
        for (value, steps, warned) in cases {
            let (found, warnings) = CategoryRef::parse(&value, SlugConflicts::Suffix).unwrap();
            assert_eq!(found, Some(CategoryRef::Path { steps, conflicts: SlugConflicts::Suffix }), "{value}");
            assert_eq!(warnings.len(), warned, "{value}: {warnings:?}");
        }
    }
}
