//! Paths in one spelling (RFC 3986 §6.2.2).

use percent_encoding::percent_encode_byte;

/// Bytes of a path that stay as they are.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Writes a path with every character encoded that must be and no other, in upper-case digits. Paths that differ in this
/// alone are one path.
pub fn normalize_path(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut normal = String::with_capacity(path.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let digits = (byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let decoded =
            digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match decoded {
            Some(decoded) if is_unreserved(decoded) => normal.push(char::from(decoded)),
            Some(decoded) => normal.push_str(percent_encode_byte(decoded)),
            None if byte.is_ascii() && !byte.is_ascii_control() && byte != b'%' => {
                normal.push(char::from(byte))
            }
            None => normal.push_str(percent_encode_byte(byte)),
        }
        at += if decoded.is_some() { 3 } else { 1 };
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_path_are_one() {
        for (path, normal) in [
            ("/api/v1/articles", "/api/v1/articles"),
            ("/a/%61%2d%7E", "/a/a-~"),
            ("/a/%e8%b4%a8", "/a/%E8%B4%A8"),
            ("/a/质", "/a/%E8%B4%A8"),
            ("/a/%2f%2F/", "/a/%2F%2F/"),
            ("/a/%252f", "/a/%252f"),
            ("/a/%", "/a/%25"),
            ("/a/%zz", "/a/%25zz"),
            ("/a/b+c", "/a/b+c"),
        ] {
            assert_eq!(normalize_path(path), normal, "{path}");
            assert_eq!(normalize_path(&normalize_path(path)), normal);
        }
    }
}
