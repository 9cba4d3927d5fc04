//! The breadcrumb of a page: the categories of its article.

use dom_query::NodeRef;

use super::labels::is_filler;
use super::lines::Line;
use crate::interchange::origins::row_builder::RowBuilder;
use crate::interchange::text_filters;

/// Longest line that can be a breadcrumb, in bytes.
const MAX_LINE_BYTES: usize = 500;
/// Most steps of a breadcrumb that are kept.
const MAX_BREADCRUMB_STEPS: usize = 10;

/// The steps of a breadcrumb, without the home page. Returns `None` if the line is no breadcrumb.
///
/// A breadcrumb begins with a label, as in `当前位置: 首页 > 新闻`, or with the home page.
pub fn parse_breadcrumb(line: &str) -> Option<Vec<String>> {
    const SIGNS: [&[char]; 5] =
        [&['>', '＞', '›', '»', '→', '⟩'], &['/', '／', '\\'], &['|', '｜'], &['-', '—'], &['·']];
    const LABELS: [&str; 8] =
        ["位置", "當前欄目", "当前栏目", "所在栏目", "当前频道", "您在", "you are here", "your location"];
    if line.len() > MAX_LINE_BYTES {
        return None;
    }
    let line = text_filters::strip_glosses(line, &mut 0);
    let lower = line.to_ascii_lowercase();
    let labelled = LABELS.iter().find_map(|label| {
        let after = line[lower.find(label)? + label.len()..].trim_start_matches(is_filler);
        after.strip_prefix([':', '：'])
    });
    let split = |signs: &[char]| -> Vec<String> {
        let steps = labelled.unwrap_or(&line).split(|c| signs.contains(&c)).map(str::trim);
        steps.filter(|step| !step.is_empty()).map(str::to_owned).collect()
    };
    let begins_at_home = |steps: &Vec<String>| steps.len() > 1 && is_home(&steps[0]);
    let steps = match labelled {
        Some(_) => {
            SIGNS.iter().map(|signs| split(signs)).find(|steps| steps.len() > 1).unwrap_or_else(|| split(&[]))
        }
        None => SIGNS[..2].iter().map(|signs| split(signs)).find(begins_at_home)?,
    };
    let inner = steps.into_iter().filter(|step| !is_home(step)).take(MAX_BREADCRUMB_STEPS);
    Some(inner.collect())
}

/// Whether a step of a breadcrumb is the home page.
pub fn is_home(step: &str) -> bool {
    const HOME: [&str; 10] =
        ["首页", "首頁", "主页", "主頁", "网站首页", "網站首頁", "网站主页", "返回首页", "home", "index"];
    HOME.contains(&step.trim().to_lowercase().as_str())
}

/// Leaves out of a breadcrumb each step that has come before. Returns whether there was one.
pub fn fold_repeated_steps(steps: &mut Vec<String>) -> bool {
    let before = steps.len();
    let mut seen = std::collections::HashSet::new();
    steps.retain(|step| seen.insert(step.to_lowercase()));
    steps.len() < before
}

/// The steps of the page's breadcrumb: a line of them, or the lines of an element with that name.
pub fn find_breadcrumb(lines: &[Line]) -> Vec<String> {
    if let Some(steps) = lines.iter().find_map(|line| parse_breadcrumb(&line.text)) {
        return steps;
    }
    let Some(root) = lines.iter().find_map(find_crumbs) else { return Vec::new() };
    let inside = lines.iter().filter(|line| find_crumbs(line).is_some_and(|found| found.id == root.id));
    let steps = inside
        .map(|line| line.text.trim_matches(|c| is_filler(c) || matches!(c, '>' | '»' | '›')).to_owned());
    let steps: Vec<String> = steps.filter(|step| !step.is_empty()).collect();
    parse_breadcrumb(&format!("位置：{}", steps.join(" > "))).unwrap_or_default()
}

/// The element around a line whose name says that it is the breadcrumb.
fn find_crumbs<'d>(line: &Line<'d>) -> Option<NodeRef<'d>> {
    let is_crumbs = |name: &str| name.to_ascii_lowercase().contains("crumb");
    let mut around = std::iter::once(line.block).chain(line.block.ancestors_it(Some(4)));
    around.find(|node| is_crumbs(&node.attr_or("class", "")) || is_crumbs(&node.attr_or("id", "")))
}

/// Adds the category of a breadcrumb, without a last step that names the article.
pub fn add_breadcrumb(row: RowBuilder, mut steps: Vec<String>, title: &str) -> RowBuilder {
    let title = text_filters::strip_glosses(title, &mut 0);
    steps.pop_if(|last| {
        let stem = last.trim_end_matches(['.', '…']);
        matches!(stem, "正文" | "内容" | "")
            || *last == *title
            || (stem.len() < last.len() && title.starts_with(stem))
    });
    let is_folded = fold_repeated_steps(&mut steps);
    let category = steps.iter().map(|name| serde_json::json!({ "name": name })).collect();
    let row = row.with_list("category", category);
    match is_folded {
        true => row.warn(
            "/category",
            "category_repeated",
            "has a step of the breadcrumb only once that comes twice",
        ),
        false => row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breadcrumb_is_known_by_its_label_or_its_home() {
        let steps = |line: &str| parse_breadcrumb(line).map(|steps| steps.join("/"));
        assert_eq!(steps("您當(dāng)前的位置: 首頁 > 新聞 > 行業動態").as_deref(), Some("新聞/行業動態"));
        assert_eq!(steps("当前位置：首页 / 新闻 / 行业动态").as_deref(), Some("新闻/行业动态"));
        assert_eq!(steps("您的位置：首页-新闻-行业动态").as_deref(), Some("新闻/行业动态"));
        assert_eq!(steps("Home » News").as_deref(), Some("News"));
        for line in ["位置精度优于1米", "a > b", "首页", "", "Home - News"] {
            assert_eq!(steps(line), None, "{line}");
        }
    }

    #[test]
    fn a_step_that_comes_twice_is_folded() {
        let mut steps = ["快讯", "公司", "公司"].map(str::to_owned).to_vec();
        assert!(fold_repeated_steps(&mut steps) && steps == ["快讯", "公司"]);
        assert!(!fold_repeated_steps(&mut steps));
    }
}
