//! The three states of a member in a JSON merge patch (RFC 7396).

use serde::{Deserialize, Deserializer};

/// What a merge patch says about one field that may be empty.
///
/// Use with `#[serde(default)]`, so that an absent field is [`Patch::Keep`].
/// Fields that cannot be empty are plain `Option`s whose schema refuses null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Absent: leave it as it is.
    #[default]
    Keep,
    /// null: empty it.
    Clear,
    /// Put this value.
    Set(T),
}

impl<T> Patch<T> {
    /// What diesel's `AsChangeset` expects for a nullable column.
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// The value that holds afterwards, given the current one.
    pub fn over(self, current: Option<T>) -> Option<T> {
        self.into_change().unwrap_or(current)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(match Option::deserialize(input)? {
            Some(value) => Self::Set(value),
            None => Self::Clear,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        url: Patch<String>,
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        let read = |text| serde_json::from_str::<Body>(text).unwrap().url;
        assert_eq!(read("{}"), Patch::Keep);
        assert_eq!(read(r#"{"url": null}"#), Patch::Clear);
        assert_eq!(read(r#"{"url": "x"}"#), Patch::Set("x".to_owned()));
    }
}
