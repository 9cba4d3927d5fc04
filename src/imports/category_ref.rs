//! References to categories in rows: by slug, id or breadcrumb.

use serde_json::Value;
use uuid::Uuid;

use crate::categories::model::{Row, Tree};
use crate::categories::view::NewCategory;
use crate::categories::writing::{add_category, new_content};
use crate::changes::model::Actor;
use crate::error::{At, Code, Fault, Result};
use crate::http::body::checked;
use crate::http::id_or_slug::IdOrSlug;
use crate::tx::Tx;

/// Most steps of a breadcrumb.
const MAX_PATH_STEPS: usize = 16;

/// A reference to a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CategoryRef {
    /// A slug, an id, or the name of a root category.
    Key(String),
    /// The steps of a breadcrumb, root first.
    Path(Vec<Step>),
}

/// One step of a breadcrumb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The category's name.
    pub name: String,
    /// The category's slug, if it is given.
    pub slug: Option<String>,
}

impl CategoryRef {
    /// Parses the `category` of a row: `"local"`, `"新闻/地方动态"`,
    /// `["新闻", "地方动态"]` or `[{"slug": "news", "name": "新闻"}, …]`.
    pub fn parse(value: &Value) -> Result<Option<Self>, Fault> {
        let steps: Vec<Step> = match value {
            Value::Null => return Ok(None),
            Value::String(text) if text.contains('/') => text.split('/').map(Step::from_name).collect(),
            Value::String(text) if text.trim().is_empty() => {
                return Err(category_fault(Code::TooShort, "must not be blank"));
            }
            Value::String(text) => return Ok(Some(Self::Key(text.trim().to_owned()))),
            Value::Array(items) => items.iter().map(Step::parse).collect::<Result<_, Fault>>()?,
            _ => return Err(category_fault(Code::WrongType, "must be a string or an array")),
        };
        if steps.is_empty() || steps.iter().any(|step| step.name.is_empty()) {
            return Err(category_fault(Code::TooShort, "a step has no name"));
        }
        if steps.len() > MAX_PATH_STEPS {
            let fault = category_fault(Code::OutOfRange, "must have at most {max} steps");
            return Err(fault.with("max", MAX_PATH_STEPS));
        }
        let is_repeated = |(at, step): (usize, &Step)| {
            steps[..at].iter().any(|earlier| {
                earlier.name == step.name || (step.slug.is_some() && earlier.slug == step.slug)
            })
        };
        if steps.iter().enumerate().any(is_repeated) {
            return Err(category_fault(Code::CategoryCycle, "repeats a category"));
        }
        Ok(Some(Self::Path(steps)))
    }

    /// Finds the category in the tree.
    pub fn find<'t>(&self, tree: &'t Tree) -> Option<&'t Row> {
        match self {
            Self::Key(key) => {
                tree.find(&IdOrSlug::parse(key)).or_else(|| Step::from_name(key).find_below(tree, None))
            }
            Self::Path(steps) => {
                let last = steps.last()?;
                if let Some(slug) = &last.slug {
                    return tree.find(&IdOrSlug::parse(slug));
                }
                let mut found: Option<&Row> = None;
                for step in steps {
                    found = Some(step.find_below(tree, found.map(|row| row.id))?);
                }
                found
            }
        }
    }

    /// The steps of the breadcrumb, one for each category to create.
    fn to_steps(&self) -> Vec<Step> {
        match self {
            Self::Key(key) => vec![Step::from_name(key)],
            Self::Path(steps) => steps.clone(),
        }
    }

    /// Creates the missing categories of the breadcrumb. Returns the id of the last one and the
    /// number of categories created.
    ///
    /// The caller must have locked the tree. New categories are added to it.
    pub async fn create_missing(&self, tx: &mut Tx, actor: Actor, tree: &mut Tree) -> Result<(Uuid, u64)> {
        let (mut parent, mut created) = (None, 0);
        for step in self.to_steps() {
            let by_slug = step.slug.as_ref().and_then(|slug| tree.find(&IdOrSlug::parse(slug)));
            if let Some(row) = by_slug.or_else(|| step.find_below(tree, parent)) {
                parent = Some(row.id);
                continue;
            }
            let new = serde_json::json!({"name": step.name, "slug": step.slug, "parent": parent});
            let new: NewCategory = checked(new, Vec::new()).map_err(map_to_category_fault)?;
            let content = new_content(tree, new).map_err(map_to_category_fault)?;
            let row = add_category(tx, actor, tree, &content).await?;
            parent = Some(row.id);
            *tree = tree.with(row);
            created += 1;
        }
        parent.map(|id| (id, created)).ok_or_else(|| unknown_category().into())
    }
}

impl Step {
    fn from_name(name: &str) -> Self {
        Self { name: name.trim().to_owned(), slug: None }
    }

    fn parse(value: &Value) -> Result<Self, Fault> {
        if let Some(name) = value.as_str() {
            return Ok(Self::from_name(name));
        }
        let text = |key: &str| value[key].as_str().map(|text| text.trim().to_owned());
        let has_known_keys =
            |object: &serde_json::Map<_, _>| object.keys().all(|key| key == "name" || key == "slug");
        let step = Self { name: text("name").unwrap_or_default(), slug: text("slug") };
        match value.as_object() {
            Some(object) if has_known_keys(object) => Ok(step),
            _ => Err(category_fault(
                Code::WrongType,
                "each step must be a name, or an object with name and slug",
            )),
        }
    }

    /// Finds the child of `parent` with this step's name or slug.
    fn find_below<'t>(&self, tree: &'t Tree, parent: Option<Uuid>) -> Option<&'t Row> {
        let slug = self.slug.as_ref().unwrap_or(&self.name);
        let mut children = tree.children(parent);
        children.find(|row| row.content.name == self.name || row.content.slug == *slug)
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

    #[test]
    fn a_reference_is_a_key_or_a_path() {
        let read = |value| CategoryRef::parse(&value).map_err(|fault| fault.code);
        let named =
            |names: &[&str]| CategoryRef::Path(names.iter().map(|name| Step::from_name(name)).collect());
        assert_eq!(read(json!(null)), Ok(None));
        assert_eq!(read(json!("local")), Ok(Some(CategoryRef::Key("local".to_owned()))));
        assert_eq!(read(json!("新闻 / 地方动态")), Ok(Some(named(&["新闻", "地方动态"]))));
        assert_eq!(read(json!(["新闻", "地方动态"])), Ok(Some(named(&["新闻", "地方动态"]))));
        let slugged = Step { name: "新闻".to_owned(), slug: Some("news".to_owned()) };
        assert_eq!(
            read(json!([{"name": "新闻", "slug": "news"}])),
            Ok(Some(CategoryRef::Path(vec![slugged])))
        );
        assert_eq!(read(json!("新闻//地方")), Err(Code::TooShort));
        assert_eq!(read(json!("新闻/地方/新闻")), Err(Code::CategoryCycle));
        assert_eq!(read(json!([7])), Err(Code::WrongType));
        assert_eq!(read(json!([{"title": "x"}])), Err(Code::WrongType));
        assert_eq!(read(json!(7)), Err(Code::WrongType));
        assert_eq!(read(json!("a/".repeat(17) + "b")), Err(Code::OutOfRange));
    }
}
