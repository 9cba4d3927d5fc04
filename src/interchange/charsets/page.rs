//! Decodes a page or another file that is held in memory.

use std::io::Cursor;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};

use super::choice::{Choice, choose_by_head};
use super::declared::Declaration;
use super::decoder::TextDecoder;

/// A page as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedPage {
    /// Its text. It has [marks](super::marks) where bytes are no characters.
    pub text: String,
    /// The character set that it was in.
    pub charset: &'static Encoding,
    /// What the page declares and is not: a clause about the page, for a warning.
    pub contradiction: Option<String>,
}

/// Decodes a page. The character set is the one given, if there is one, else that of the page.
///
/// What cannot be decoded becomes a mark in the text. Whoever takes the rows of a reader finds the marks in
/// them, so a reader need not look for them.
pub fn decode_page(bytes: &[u8], given: Option<&'static Encoding>, declaration: Declaration) -> DecodedPage {
    let shared: Arc<[u8]> = bytes.into();
    let choice = choose_by_head(given, declaration, bytes, &mut || Ok(Box::new(Cursor::new(shared.clone()))));
    // Reading from memory does not fail.
    let choice = choice.unwrap_or(Choice { encoding: UTF_8, is_guessed: true, contradiction: None });
    let mut text = String::new();
    TextDecoder::new(choice.encoding).decode(bytes, true, &mut text);
    DecodedPage { text, charset: choice.encoding, contradiction: choice.contradiction }
}
