//! Cuts a Ghost export into the rows of its tables, without parsing the rows.
//!
//! A row with broken JSON inside costs that row only, as long as its brackets and its quotes are closed.

use std::collections::HashMap;

/// The tables of an export.
#[derive(Debug, Default)]
pub struct Tables<'b> {
    rows: HashMap<String, Vec<&'b [u8]>>,
    /// The tables that were read to their ends.
    complete: Vec<String>,
    /// What the export says of itself.
    pub meta: Option<&'b [u8]>,
    /// Where the file stops being JSON, and why.
    pub fault: Option<(usize, &'static str)>,
}

impl<'b> Tables<'b> {
    /// Cuts the file. One that breaks off gives the rows before the break.
    pub fn cut(bytes: &'b [u8]) -> Self {
        let mut tables = Self::default();
        let mut scanner = Scanner { bytes, at: 0 };
        tables.fault = scanner.read_file(&mut tables).err().map(|reason| (scanner.at, reason));
        tables
    }

    /// The rows of a table. `None` if the export has no such table.
    pub fn rows(&self, table: &str) -> Option<&[&'b [u8]]> {
        self.rows.get(table).map(Vec::as_slice)
    }

    /// Whether the break of the file comes before the end of one of these tables.
    pub fn lacks_any(&self, tables: &[&str]) -> bool {
        self.fault.is_some() && tables.iter().any(|table| !self.complete.iter().any(|name| name == table))
    }
}

/// The line and the column of a byte, from 1. The column counts characters.
pub fn find_position(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at.min(bytes.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    (lines + 1, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

type Scan<T> = Result<T, &'static str>;

/// Reads the outline of JSON.
struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Scanner<'b> {
    /// `{"db": [{"meta": {…}, "data": {…}}]}`, or the object in the array alone.
    fn read_file(&mut self, tables: &mut Tables<'b>) -> Scan<()> {
        self.read_object(&mut |scanner, key| match (key, scanner.peek()) {
            ("db", Some(b'[')) => scanner.read_array(&mut |scanner| scanner.read_database(tables)),
            ("db", Some(b'{')) => scanner.read_database(tables),
            _ => scanner.read_member(key, tables),
        })?;
        match self.peek() {
            None => Ok(()),
            Some(_) => Err("something follows the end"),
        }
    }

    fn read_database(&mut self, tables: &mut Tables<'b>) -> Scan<()> {
        self.read_object(&mut |scanner, key| scanner.read_member(key, tables))
    }

    fn read_member(&mut self, key: &str, tables: &mut Tables<'b>) -> Scan<()> {
        match (key, self.peek()) {
            ("data", Some(b'{')) => self.read_object(&mut |scanner, table| scanner.read_table(table, tables)),
            ("meta", Some(b'{')) => {
                tables.meta = Some(self.skip_value()?);
                Ok(())
            }
            _ => self.skip_value().map(drop),
        }
    }

    fn read_table(&mut self, table: &str, tables: &mut Tables<'b>) -> Scan<()> {
        if self.peek() != Some(b'[') {
            return self.skip_value().map(drop);
        }
        let rows = tables.rows.entry(table.to_owned()).or_default();
        self.read_array(&mut |scanner| {
            rows.push(scanner.skip_value()?);
            Ok(())
        })?;
        tables.complete.push(table.to_owned());
        Ok(())
    }

    fn read_object(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Scan<()>) -> Scan<()> {
        self.expect(b'{', "expected an object")?;
        while self.peek() != Some(b'}') {
            if self.peek() != Some(b'"') {
                return Err("expected a key");
            }
            let key = self.skip_value()?;
            self.expect(b':', "expected `:` after a key")?;
            self.peek();
            let key: String = serde_json::from_slice(key).unwrap_or_default();
            each(self, &key)?;
            self.end_item(b'}')?;
        }
        self.at += 1;
        Ok(())
    }

    fn read_array(&mut self, each: &mut dyn FnMut(&mut Self) -> Scan<()>) -> Scan<()> {
        self.expect(b'[', "expected an array")?;
        while self.peek() != Some(b']') {
            each(self)?;
            self.end_item(b']')?;
        }
        self.at += 1;
        Ok(())
    }

    /// Passes over the comma after an item, unless `end` follows.
    fn end_item(&mut self, end: u8) -> Scan<()> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(())
            }
            Some(byte) if byte == end => Ok(()),
            Some(_) => Err("expected `,` or the end of the list"),
            None => Err("the file ends too early"),
        }
    }

    fn expect(&mut self, byte: u8, reason: &'static str) -> Scan<()> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(reason),
            None => Err("the file ends too early"),
        }
    }

    /// Skips white space and returns the byte after it.
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// Skips a value and returns its text. Only its brackets and quotes are checked.
    fn skip_value(&mut self) -> Scan<&'b [u8]> {
        self.peek();
        let start = self.at;
        let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
        let mut end = start;
        for byte in &self.bytes[start..] {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_string => is_escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'[' | b'{' => depth += 1,
                b',' | b']' | b'}' | b':' if depth == 0 => break,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            end += 1;
            let ends_with_it = matches!(byte, b'"' | b']' | b'}') && !is_escaped;
            if depth == 0 && !in_string && ends_with_it {
                break;
            }
        }
        if depth > 0 || in_string {
            return Err("the file ends within a value");
        }
        self.at = end;
        let text = self.bytes[start..end].trim_ascii_end();
        if text.is_empty() { Err("expected a value") } else { Ok(text) }
    }
}
