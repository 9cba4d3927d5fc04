//! JSON, read strictly: a key twice, or a NUL character anywhere, is a fault with a place.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::pointer::{MAX_FAULTS, escape, truncate_key};
use crate::error::{Code, Error, Fault, Result, Sentence};

/// Most values of a document, counted at all depths. An `extra` of 16 KiB has at most 8,192.
///
/// A value takes up to 150 times the memory of its text, so the length of a document does not bound its memory.
pub const MAX_VALUES: usize = 10_000;

/// Why a text is not taken as JSON.
#[derive(Debug)]
pub enum ParseError {
    /// It is not JSON (RFC 8259).
    Malformed(serde_json::Error),
    /// It has more than [`MAX_VALUES`] values.
    TooManyValues,
}

impl ParseError {
    /// The fault of the document as a whole.
    pub fn into_fault(self) -> Fault {
        match self {
            Self::Malformed(cause) => Fault::body("", Code::MalformedJson, "is not JSON: {reason}")
                .with("reason", cause.to_string()),
            Self::TooManyValues => {
                Fault::body("", Code::TooLong, "must have at most {max} values").with("max", MAX_VALUES)
            }
        }
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Malformed(cause) => {
                let detail = Sentence::from("The body is not JSON: {reason}.");
                Self::Refused(Code::MalformedJson, detail.with("reason", cause.to_string()))
            }
            ParseError::TooManyValues => error.into_fault().into(),
        }
    }
}

/// The value in `bytes`, and the faults found on the way.
pub fn parse(bytes: &[u8]) -> Result<(Value, Vec<Fault>), ParseError> {
    let mut path = JsonPath::default();
    let mut input = serde_json::Deserializer::from_slice(bytes);
    let read = Strict(&mut path).deserialize(&mut input).and_then(|value| input.end().map(|()| value));
    match read {
        Ok(value) => Ok((value, path.faults)),
        Err(_) if path.values > MAX_VALUES => Err(ParseError::TooManyValues),
        Err(cause) => Err(ParseError::Malformed(cause)),
    }
}

#[derive(Default)]
struct JsonPath {
    path: Vec<String>,
    faults: Vec<Fault>,
    /// The values read so far.
    values: usize,
}

impl JsonPath {
    fn pointer(&self) -> String {
        self.path.iter().map(|segment| format!("/{}", escape(&truncate_key(segment)))).collect()
    }

    /// Keeps a fault at the current place, while there are not too many.
    fn fault(&mut self, code: Code, detail: &'static str) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault::body(self.pointer(), code, detail));
        }
    }

    fn check(&mut self, text: &str) {
        if text.contains('\0') {
            self.fault(Code::InvalidFormat, "must not contain the NUL character");
        }
    }
}

/// Reads one value at the current place.
struct Strict<'p>(&'p mut JsonPath);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        self.0.values += 1;
        if self.0.values > MAX_VALUES {
            return Err(D::Error::custom("too many values"));
        }
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        self.0.check(value);
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        loop {
            self.0.path.push(array.len().to_string());
            let item = items.next_element_seed(Strict(self.0));
            self.0.path.pop();
            match item? {
                Some(item) => array.push(item),
                None => return Ok(Value::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.0.path.push(key.clone());
            self.0.check(&key);
            if object.contains_key(&key) {
                self.0.fault(Code::DuplicateField, "is given more than once");
            }
            let value = entries.next_value_seed(Strict(self.0));
            self.0.path.pop();
            object.insert(key, value?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(String, Code)> {
        let (_, faults) = parse(text.as_bytes()).unwrap();
        faults
            .into_iter()
            .map(|fault| match fault.at {
                crate::error::At::Pointer(pointer) => (pointer, fault.code),
                crate::error::At::Parameter(_) => unreachable!(),
            })
            .collect()
    }

    #[test]
    fn a_repeated_key_is_found_at_any_depth() {
        let found = places(r#"{"a": 1, "b/c": [{"x": 1, "x": 2}], "a": 3}"#);
        assert_eq!(
            found,
            [("/b~1c/0/x".to_owned(), Code::DuplicateField), ("/a".to_owned(), Code::DuplicateField)]
        );
    }

    #[test]
    fn nul_is_found_in_values_and_keys() {
        let found = places(r#"{"a": ["\u0000"], "b\u0000": 1}"#);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], ("/a/0".to_owned(), Code::InvalidFormat));
    }

    #[test]
    fn what_is_not_json_is_refused_with_a_place() {
        for text in ["", "{", r#"{"a": 1e400}"#, r#""\ud800""#, "1 2", "\u{feff}{}"] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(matches!(error, ParseError::Malformed(_)), "{text}: {error:?}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn values_are_counted_at_all_depths() {
        for text in ["[0]".to_owned(), "[[],{}]".to_owned(), r#"{"a": [1, {"b": null}]}"#.to_owned()] {
            assert!(parse(text.as_bytes()).is_ok());
        }
        let flat = format!("[{}0]", "0,".repeat(MAX_VALUES));
        let nested = format!("[{}[]]", "[[[0]]],".repeat(MAX_VALUES / 4));
        let keys: Vec<_> = (0..=MAX_VALUES).map(|at| format!("\"{at}\": {{}}")).collect();
        for text in [flat, nested, format!("{{{}}}", keys.join(","))] {
            assert!(matches!(parse(text.as_bytes()), Err(ParseError::TooManyValues)));
        }
    }
}
