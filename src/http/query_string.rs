//! Query strings, decoded.

use percent_encoding::percent_decode_str;

use crate::error::{Code, Error, Fault, Result};

/// Parameters a query string may have; no operation knows half as many.
const MAX_PARAMETERS: usize = 64;

/// The decoded names and values of a query string, in order.
///
/// Fails with 400 on percent-encoding that is not UTF-8, on NUL, and on a name given twice.
pub fn decode_pairs(query: &str) -> Result<Vec<(String, String)>> {
    if query.split('&').nth(MAX_PARAMETERS).is_some() {
        let detail = format!("A query string may have at most {MAX_PARAMETERS} parameters.");
        return Err(Error::Refused(Code::BadRequest, detail.into()));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name)?;
        let value = decode(value)?;
        if pairs.iter().any(|(known, _)| *known == name) {
            let fault = Fault::parameter(
                name,
                Code::RepeatedParameter,
                "is given more than once; separate values by commas",
            );
            return Err(Error::Faults(Code::RepeatedParameter, vec![fault]));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
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
