//! The names of the files of the sitemap.

use chrono::NaiveDate;

use super::model::{Month, SitemapFile};

/// The name of a file. The first part of a kind has no number.
pub fn format_name(file: SitemapFile) -> String {
    let number = |part: usize| if part == 1 { String::new() } else { format!("-{part}") };
    match file {
        SitemapFile::Articles(month, part) => {
            format!("articles-{}{}.xml", month.0.format("%Y-%m"), number(part))
        }
        SitemapFile::Categories(part) => format!("categories{}.xml", number(part)),
        SitemapFile::Notices(part) => format!("notices{}.xml", number(part)),
        SitemapFile::News => "news.xml".to_owned(),
    }
}

/// The file with this name, as [`format_name`] writes it.
pub fn parse_name(name: &str) -> Option<SitemapFile> {
    let stem = name.strip_suffix(".xml")?;
    let (kind, rest) = stem.split_once('-').unwrap_or((stem, ""));
    let parse_part = |text: &str| if text.is_empty() { Some(1) } else { text.parse().ok() };
    let file = match kind {
        "articles" => {
            let (month, part) = (rest.get(..7)?, rest.get(7..)?);
            let month = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok()?;
            SitemapFile::Articles(Month(month), parse_part(part.strip_prefix('-').unwrap_or(part))?)
        }
        "categories" => SitemapFile::Categories(parse_part(rest)?),
        "notices" => SitemapFile::Notices(parse_part(rest)?),
        "news" => SitemapFile::News,
        _ => return None,
    };
    // One file has one name.
    let is_first =
        matches!(file, SitemapFile::Articles(_, 0) | SitemapFile::Categories(0) | SitemapFile::Notices(0));
    (!is_first && format_name(file) == name).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name() {
        let month = Month(NaiveDate::from_ymd_opt(2024, 5, 1).unwrap());
        for (file, name) in [
            (SitemapFile::Articles(month, 1), "articles-2024-05.xml"),
            (SitemapFile::Articles(month, 12), "articles-2024-05-12.xml"),
            (SitemapFile::Categories(1), "categories.xml"),
            (SitemapFile::Notices(2), "notices-2.xml"),
            (SitemapFile::News, "news.xml"),
        ] {
            assert_eq!(format_name(file), name);
            assert_eq!(parse_name(name), Some(file));
        }
        for name in [
            "",
            ".xml",
            "articles.xml",
            "articles-2024-5.xml",
            "articles-2024-13.xml",
            "articles-2024-05-1.xml",
            "articles-2024-05-0.xml",
            "articles-2024-05-02.xml",
            "articles-2024-0512.xml",
            "articles-2024-05.xml.xml",
            "categories-1.xml",
            "categories-.xml",
            "notices-x.xml",
            "news-2.xml",
            "news",
            "tags.xml",
            "articles-质量.xml",
            "notices-99999999999999999999.xml",
            "articles-+024-05.xml",
        ] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}
