//! Query strings, decoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Code, Error, Fault, Result, Sentence};

/// Name and value pairs a query string may have. Lists that are sent as repeats take a pair for each value.
const MAX_PAIRS: usize = 512;
/// Characters that a query string has percent-encoded: all but the unreserved ones (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The end of a list's name in the form of PHP: `tag[]=a&tag[]=b`.
const LIST_ENDING: &str = "[]";

/// The decoded names and values of a query string, in order, as they were sent.
///
/// Fails with 400 on percent-encoding that is not UTF-8, on NUL, and on too many pairs.
pub fn decode_pairs(query: &str) -> Result<Vec<(String, String)>> {
    if query.split('&').nth(MAX_PAIRS).is_some() {
        let detail = Sentence::from("A query string may have at most {max} parameters.");
        return Err(Error::Refused(Code::BadRequest, detail.with("max", MAX_PAIRS)));
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// The parameters in `pairs`, each once, in the order in which their names first come.
///
/// The values of a list are joined by commas, whether they were sent so (`tag=a,b`), as repeats (`tag=a&tag=b`),
/// in the form of PHP (`tag[]=a&tag[]=b`), or mixed. So one list has one form from here on, in cursors and links too.
/// A parameter of which `is_single` is true and that is given more than once is a fault; its first value is kept.
pub fn join_lists(
    pairs: Vec<(String, String)>,
    is_single: impl Fn(&str) -> bool,
) -> (Vec<(String, String)>, Vec<Fault>) {
    let mut joined: Vec<(String, String)> = Vec::new();
    let mut faults: Vec<Fault> = Vec::new();
    for (mut name, value) in pairs {
        if let Some(list) = name.strip_suffix(LIST_ENDING).filter(|name| !is_single(name)) {
            name.truncate(list.len());
        }
        match joined.iter_mut().find(|(known, _)| *known == name) {
            None => joined.push((name, value)),
            Some((_, values)) if !is_single(&name) => {
                values.push(',');
                values.push_str(&value);
            }
            Some(_) => {
                let fault = Fault::parameter(
                    name,
                    Code::RepeatedParameter,
                    "takes one value, and is given more than once",
                );
                if !faults.iter().any(|known| known.at == fault.at) {
                    faults.push(fault);
                }
            }
        }
    }
    (joined, faults)
}

/// Percent-encodes a name or a value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn decode(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) if !decoded.contains('\0') => Ok(decoded.into_owned()),
        _ => Err(Error::Refused(
            Code::BadRequest,
            "The query string is not percent-encoded UTF-8 without NUL.".into(),
        )),
    }
}
