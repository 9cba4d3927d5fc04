//! Cuts a JSON array into the texts of its items, which are parsed later.
//!
//! Only one item is held at a time. Its size is the number of bytes that it takes in the body.

use std::io::{self, BufRead};

/// Why an array cannot be cut.
#[derive(Debug)]
pub enum CutError {
    /// The body cannot be read.
    Io(io::Error),
    /// The body is not an array; the text says why, after the number of the item. The first is 1.
    Malformed(u64, &'static str),
    /// An item is longer than the limit.
    TooLong,
}

impl From<io::Error> for CutError {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

/// Reads the items of one JSON array.
pub struct ItemReader<R> {
    source: R,
    max_bytes: u64,
    /// Items begun so far: the number of the present one, from 1.
    count: u64,
    has_ended: bool,
}

impl<R: BufRead> ItemReader<R> {
    /// Reads the array in `source`. An item may have at most `max_bytes` bytes.
    pub fn new(source: R, max_bytes: u64) -> Self {
        Self { source, max_bytes, count: 0, has_ended: false }
    }

    /// The text of the next item. `None` at the end of the array, after which nothing may follow.
    ///
    /// The text is not checked, except that its brackets are closed.
    pub fn next_item(&mut self) -> Result<Option<Vec<u8>>, CutError> {
        if self.has_ended {
            return Ok(None);
        }
        let is_first = self.count == 0;
        if is_first && self.skip_space()? != Some(b'[') {
            return Err(CutError::Malformed(1, "expected `[` before it"));
        }
        if !is_first {
            match self.skip_space()? {
                Some(b']') => return self.end(),
                Some(b',') => {}
                Some(_) => return Err(self.malformed("expected `,` or `]` after it")),
                None => return Err(self.malformed("expected `,` or `]` after it, and the body ends")),
            }
        }
        self.source.consume(1);
        self.count += 1;
        match self.skip_space()? {
            Some(b']') if is_first => self.end(),
            Some(b',' | b']' | b'}') => Err(self.malformed("expected a value")),
            _ => self.read_item().map(Some),
        }
    }

    /// Reads to the end of the item that begins here.
    fn read_item(&mut self) -> Result<Vec<u8>, CutError> {
        let mut item = Vec::new();
        let (mut depth, mut in_string, mut is_escaped) = (0_u64, false, false);
        loop {
            let Some(byte) = self.peek()? else { return Err(self.malformed("the body ends in it")) };
            if depth == 0 && !in_string && (matches!(byte, b',' | b']') || byte.is_ascii_whitespace()) {
                return Ok(item);
            }
            self.source.consume(1);
            item.push(byte);
            if item.len() as u64 > self.max_bytes {
                return Err(CutError::TooLong);
            }
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_string => is_escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => continue,
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth == 0 => return Err(self.malformed("closes a bracket that is not open")),
                b']' | b'}' => depth -= 1,
                _ => continue,
            }
            // An object is complete without the comma after it, which a slow sender may send much later.
            if depth == 0 && !in_string {
                return Ok(item);
            }
        }
    }

    fn end(&mut self) -> Result<Option<Vec<u8>>, CutError> {
        self.source.consume(1);
        self.has_ended = true;
        match self.skip_space()? {
            None => Ok(None),
            Some(_) => Err(self.malformed("the array ends with it, and the body goes on")),
        }
    }

    fn malformed(&self, reason: &'static str) -> CutError {
        CutError::Malformed(self.count, reason)
    }

    /// Skips white space. Returns the byte after it, without consuming it.
    fn skip_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.source.consume(1),
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.source.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Result<Vec<String>, CutError> {
        let mut reader = ItemReader::new(text.as_bytes(), 100);
        let mut items = Vec::new();
        while let Some(item) = reader.next_item()? {
            items.push(String::from_utf8(item).unwrap());
        }
        Ok(items)
    }

    #[test]
    fn items_are_cut_at_the_commas_between_them() {
        assert_eq!(cut(" [ ] ").unwrap(), [""; 0]);
        assert_eq!(cut("[1,true , null]").unwrap(), ["1", "true", "null"]);
        assert_eq!(
            cut("[\n {\"a\": [1, {}]},\n \"x,]\",[\"\\\"]\"]\n]\n").unwrap(),
            ["{\"a\": [1, {}]}", "\"x,]\"", "[\"\\\"]\"]",]
        );
    }

    #[test]
    fn a_fault_names_its_item_from_one() {
        for (text, item) in [
            ("", 1),
            ("{}", 1),
            ("[", 1),
            ("[,1]", 1),
            ("[1", 1),
            ("[1 2]", 1),
            ("[{} {}]", 1),
            ("[1] 2", 1),
            ("[1,", 2),
            ("[1,]", 2),
            ("[1,{]", 2),
            ("[1,2,\"a]", 3),
            ("[1,2 3]", 2),
        ] {
            assert!(matches!(cut(text), Err(CutError::Malformed(found, _)) if found == item), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_array_is_refused() {
        for text in ["", "{}", "[", "[1", "[1,", "[1,]", "[,1]", "[{]", "[}]", "[1] 2", "[{} {}]", "[\"a]"] {
            assert!(matches!(cut(text), Err(CutError::Malformed(..))), "{text}");
        }
        assert!(matches!(cut(&format!("[{}]", "7".repeat(101))), Err(CutError::TooLong)));
    }
}
