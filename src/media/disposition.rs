//! `Content-Disposition` of files (RFC 6266).

use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};

/// How a file is to be shown: in its place, or as a download. `name` gets the ending of the format in which it is sent.
pub fn write(is_shown: bool, name: &str, ending: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = if stem.is_empty() { "file" } else { stem };
    let name = format!("{stem}.{ending}");
    let ascii: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    let mut parameters = vec![DispositionParam::Filename(ascii.clone())];
    if ascii != name {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value: name.into_bytes(),
        }));
    }
    let disposition = if is_shown { DispositionType::Inline } else { DispositionType::Attachment };
    ContentDisposition { disposition, parameters }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_for_old_and_for_new_clients() {
        assert_eq!(write(true, "harbour.png", "webp"), "inline; filename=\"harbour.webp\"");
        assert_eq!(
            write(false, "质量 报告.pdf", "pdf"),
            "attachment; filename=\"_____.pdf\"; filename*=UTF-8''%E8%B4%A8%E9%87%8F%20%E6%8A%A5%E5%91%8A.pdf"
        );
        assert_eq!(
            write(false, "a\".html", "zip"),
            "attachment; filename=\"a_.zip\"; filename*=UTF-8''a%22.zip"
        );
    }
}
