//! What a line can be by its text alone, wherever it stands.

use super::breadcrumb::parse_breadcrumb;
use super::furniture::begins_site_text;
use super::labels::PageLabels;
use super::lines::Line;

/// Whether a line between two texts of the article is the article's: a label is, there.
pub fn is_text_between(line: &Line) -> bool {
    line.own_chars() > 0 && !line.is_linked() && !begins_site_text(&line.text)
}

/// Whether a line is text that is no menu, label or notice of the site.
pub fn is_plain_text(line: &Line) -> bool {
    is_text_between(line) && !is_labels(&line.text) && parse_breadcrumb(&line.text).is_none()
}

/// Whether a line has labels that speak of the page.
pub fn is_labels(text: &str) -> bool {
    PageLabels::parse(text, chrono_tz::UTC).is_some_and(|labels| labels.is_of_page())
}

/// Whether a line beside a text of the article can be the article's: a single label can, a line of labels cannot.
pub fn is_short_text(line: &Line) -> bool {
    let labels = PageLabels::parse(&line.text, chrono_tz::UTC);
    is_text_between(line)
        && parse_breadcrumb(&line.text).is_none()
        && !labels.is_some_and(|labels| labels.is_certain())
}
