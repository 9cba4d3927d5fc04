//! The category a row belongs to: by slug or id, or by its breadcrumb.

use serde_json::Value;
use uuid::Uuid;

use crate::categories::model::{Row, Tree};
use crate::categories::view::NewCategory;
use crate::categories::writing::{add_category, new_content};
use crate::changes::model::Actor;
use crate::error::{Code, Fault, Result};
use crate::http::body::checked;
use crate::http::id_or_slug::IdOrSlug;
use crate::tx::Tx;

/// Steps a breadcrumb may have.
const MOST_STEPS: usize = 16;

/// Where a row says it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CategoryRef {
    /// A slug, an id, or the name of a root.
    Key(String),
    /// A breadcrumb, root first.
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
    /// The place in the `category` of a row: `"local"`, `"新闻/地方动态"`,
    /// `["新闻", "地方动态"]` or `[{"slug": "news", "name": "新闻"}, …]`.
    pub fn read(value: &Value) -> Result<Option<Self>, Fault> {
        let steps: Vec<Step> = match value {
            Value::Null => return Ok(None),
            Value::String(text) if text.contains('/') => text.split('/').map(Step::named).collect(),
            Value::String(text) if text.trim().is_empty() => {
                return Err(fault(Code::TooShort, "must not be blank"));
            }
            Value::String(text) => return Ok(Some(Self::Key(text.trim().to_owned()))),
            Value::Array(items) => items.iter().map(Step::read).collect::<Result<_, Fault>>()?,
            _ => return Err(fault(Code::WrongType, "must be a text or an array")),
        };
        if steps.is_empty() || steps.iter().any(|step| step.name.is_empty()) {
            return Err(fault(Code::TooShort, "has a step without a name"));
        }
        if steps.len() > MOST_STEPS {
            return Err(fault(Code::OutOfRange, &format!("has more than {MOST_STEPS} steps")));
        }
        let repeats = |(at, step): (usize, &Step)| {
            steps[..at].iter().any(|earlier| {
                earlier.name == step.name || (step.slug.is_some() && earlier.slug == step.slug)
            })
        };
        if steps.iter().enumerate().any(repeats) {
            return Err(fault(Code::CategoryCycle, "leads into a category that it has passed already"));
        }
        Ok(Some(Self::Path(steps)))
    }

    /// The category of this place, if it is in the tree.
    pub fn find<'t>(&self, tree: &'t Tree) -> Option<&'t Row> {
        match self {
            Self::Key(key) => tree.find(&IdOrSlug::parse(key)).or_else(|| Step::named(key).below(tree, None)),
            Self::Path(steps) => {
                let last = steps.last()?;
                if let Some(slug) = &last.slug {
                    return tree.find(&IdOrSlug::parse(slug));
                }
                let mut found: Option<&Row> = None;
                for step in steps {
                    found = Some(step.below(tree, found.map(|row| row.id))?);
                }
                found
            }
        }
    }

    /// The steps to this place, as categories to be made.
    fn steps(&self) -> Vec<Step> {
        match self {
            Self::Key(key) => vec![Step::named(key)],
            Self::Path(steps) => steps.clone(),
        }
    }

    /// Creates what is missing of this place and returns its category, with the
    /// number of new ones. Needs the locked tree, which is read again after a change.
    pub async fn create(&self, tx: &mut Tx, actor: Actor, tree: &mut Tree) -> Result<(Uuid, u64)> {
        let (mut parent, mut created) = (None, 0);
        for step in self.steps() {
            let known = step.slug.as_ref().and_then(|slug| tree.find(&IdOrSlug::parse(slug)));
            if let Some(row) = known.or_else(|| step.below(tree, parent)) {
                parent = Some(row.id);
                continue;
            }
            let new = serde_json::json!({"name": step.name, "slug": step.slug, "parent": parent});
            let new: NewCategory = checked(new, Vec::new()).map_err(at_category)?;
            let content = new_content(tree, new).map_err(at_category)?;
            let row = add_category(tx, actor, &content).await?;
            parent = Some(row.id);
            *tree = tree.with(row);
            created += 1;
        }
        parent.map(|id| (id, created)).ok_or_else(|| unknown().into())
    }
}

impl Step {
    fn named(name: &str) -> Self {
        Self { name: name.trim().to_owned(), slug: None }
    }

    fn read(value: &Value) -> Result<Self, Fault> {
        if let Some(name) = value.as_str() {
            return Ok(Self::named(name));
        }
        let text = |key: &str| value[key].as_str().map(|text| text.trim().to_owned());
        let known = |object: &serde_json::Map<_, _>| object.keys().all(|key| key == "name" || key == "slug");
        let step = Self { name: text("name").unwrap_or_default(), slug: text("slug") };
        match value.as_object() {
            Some(object) if known(object) => Ok(step),
            _ => Err(fault(Code::WrongType, "takes steps that are names, or objects of name and slug")),
        }
    }

    /// The category that this step leads to from `parent`.
    fn below<'t>(&self, tree: &'t Tree, parent: Option<Uuid>) -> Option<&'t Row> {
        let slug = self.slug.as_ref().unwrap_or(&self.name);
        let mut children = tree.children(parent);
        children.find(|row| row.content.name == self.name || row.content.slug == *slug)
    }
}

fn fault(code: Code, detail: &str) -> Fault {
    Fault::body("/category", code, detail)
}

/// The fault of a place that no category has.
pub fn unknown() -> Fault {
    fault(Code::UnknownReference, "unknown category; create_categories=true would create it")
}

/// An error about a category to be made, as one about the row that names it.
fn at_category(error: crate::error::Error) -> crate::error::Error {
    match error {
        crate::error::Error::Faults(code, faults) => {
            let faults = faults.into_iter().map(|one| fault(one.code, &one.detail)).collect();
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
    fn a_place_is_a_name_or_a_path() {
        let read = |value| CategoryRef::read(&value).map_err(|fault| fault.code);
        let named = |names: &[&str]| CategoryRef::Path(names.iter().map(|name| Step::named(name)).collect());
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
