//! What is told to a person, in the language of the request.

use serde_json::{Map, Value};

use super::chinese::translate;
use super::code::Code;
use super::reasons::{translate_reason, translate_types};
use crate::language::Language;

/// The parameters of a sentence, by name.
pub type Params = Map<String, Value>;

/// A sentence, and what it holds.
///
/// It is written in English, with `{name}` for a parameter. Chinese has its own; where there is none, the
/// meaning of the code stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    template: String,
    params: Vec<(&'static str, Value)>,
}

impl Sentence {
    /// The same with a parameter.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.params.push((name, value.into()));
        self
    }

    /// What the sentence holds, for programs.
    pub fn params(&self) -> Params {
        self.params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// The same with a hint at what may have been meant.
    pub fn suggest(mut self, nearest: Option<&str>) -> Self {
        let Some(nearest) = nearest else { return self };
        self.template.push_str("; did you mean `{suggestion}`?");
        self.with("suggestion", nearest)
    }

    /// The sentence in a language. `code` says what it is about.
    pub fn to_text(&self, code: Code, language: Language) -> String {
        let template = match language {
            Language::English => self.template.as_str(),
            Language::Chinese => translate(&self.template).unwrap_or_else(|| code.meaning(language)),
        };
        self.params.iter().fold(template.to_owned(), |text, (name, value)| {
            let place = format!("{{{name}}}");
            if !text.contains(&place) {
                return text;
            }
            text.replace(&place, &in_words(name, value, language))
        })
    }
}

/// The value of the parameter `name`, as a sentence has it. Only reasons and types have words of a language.
fn in_words(name: &str, value: &Value, language: Language) -> String {
    let is_chinese = language == Language::Chinese;
    match (name, value) {
        ("reason", Value::String(text)) if is_chinese => translate_reason(text),
        ("expected" | "found", Value::String(text)) if is_chinese => translate_types(text),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(items)) => {
            let separator = if is_chinese { "、" } else { ", " };
            items.iter().map(|item| in_words(name, item, language)).collect::<Vec<_>>().join(separator)
        }
        (_, other) => other.to_string(),
    }
}

impl From<&str> for Sentence {
    fn from(template: &str) -> Self {
        Self { template: template.to_owned(), params: Vec::new() }
    }
}

impl From<String> for Sentence {
    fn from(template: String) -> Self {
        Self { template, params: Vec::new() }
    }
}
