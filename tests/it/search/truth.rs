//! What a reader of all public texts would find: rows read through the API without `q`, words looked for one by one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ask;
use crate::cache::staleness::Numbers;
use crate::harness::Client;

/// Characters of texts, each in both scripts.
pub const HAN: [(char, char); 10] = [
    ('质', '質'),
    ('量', '量'),
    ('标', '標'),
    ('准', '準'),
    ('发', '髮'),
    ('发', '發'),
    ('后', '後'),
    ('里', '裡'),
    ('检', '檢'),
    ('定', '定'),
];
/// Latin words of texts: too short to tolerate typos.
pub const LATIN: [&str; 5] = ["iso", "GB", "Beta", "is", "CMS"];

/// A row that everybody may read.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub is_article: bool,
    pub published_at: String,
    pub tags: Vec<String>,
    /// The category and those above it, as ids and slugs.
    pub categories: Vec<(String, String)>,
    /// All texts by which it is found, each folded.
    pub texts: Vec<String>,
}

impl Row {
    fn new(row: &Value, is_article: bool) -> Self {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let tags: Vec<String> =
            list(&row["tags"]).iter().map(|tag| tag.as_str().unwrap().to_owned()).collect();
        let body =
            text("body").replace("</p>", "\n").replace("<p>", "").replace("<b>", "").replace("</b>", "");
        // A summary that was made from the body is no text of its own.
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        let summary = text("summary");
        let is_own = !letters(&body).starts_with(&letters(summary.trim_end_matches('…')));
        let summary = if is_own { summary } else { String::new() };
        let fields = [text("title"), summary, text("author"), text("source_name")];
        let texts =
            fields.iter().map(String::as_str).chain(body.lines()).chain(tags.iter().map(String::as_str));
        let crumb =
            |one: &Value| (one["id"].as_str().unwrap().to_owned(), one["slug"].as_str().unwrap().to_owned());
        Self {
            id: text("id"),
            is_article,
            published_at: text("published_at"),
            categories: list(&row["category"]["path"]).iter().map(crumb).collect(),
            texts: texts.map(fold).filter(|text| !text.is_empty()).collect(),
            tags,
        }
    }
}

/// All that everybody may read now.
pub async fn read_public(client: &Client) -> Vec<Row> {
    let fields = "title,summary,body,tags,author,source_name,category,published_at";
    let articles = walk(client, "/api/v1/articles", &[("fields", fields), ("page_size", "100")]).await.0;
    let notices = walk(client, "/api/v1/notices", &[("page_size", "100")]).await.0;
    let articles = articles.iter().map(|row| Row::new(row, true));
    articles.chain(notices.iter().map(|row| Row::new(row, false))).collect()
}

/// All rows of a list, and its first page.
pub async fn walk(client: &Client, path: &str, query: &[(&str, &str)]) -> (Vec<Value>, Value) {
    let first = ask(client, path, query).await;
    let mut rows = first["data"].as_array().unwrap().clone();
    let mut next = first["page"]["next_cursor"].clone();
    while let Some(cursor) = next.as_str().map(str::to_owned) {
        let query: Vec<_> = query.iter().copied().chain([("cursor", cursor.as_str())]).collect();
        let page = ask(client, path, &query).await;
        rows.extend(page["data"].as_array().unwrap().clone());
        next = page["page"]["next_cursor"].clone();
    }
    (rows, first)
}

/// The ids of rows.
pub fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// A text in one script, in small letters, with one blank for all that separates words.
pub fn fold(text: &str) -> String {
    let mut folded = String::new();
    for c in text.chars() {
        let c = HAN.iter().find(|(_, traditional)| *traditional == c).map_or(c, |(simple, _)| *simple);
        if c.is_alphanumeric() {
            folded.extend(c.to_lowercase());
        } else if !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.trim().to_owned()
}

/// A word of a query.
#[derive(Clone, Debug)]
pub struct Word {
    folded: String,
    is_prefix: bool,
    is_excluded: bool,
}

impl Word {
    /// Whether a folded text has it: Latin words whole, or by their beginning.
    fn is_in(&self, text: &str) -> bool {
        let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        text.char_indices().any(|(at, _)| {
            let Some(rest) = text[at..].strip_prefix(&self.folded) else { return false };
            let cuts_before =
                is_letter(self.folded.chars().next()) && is_letter(text[..at].chars().next_back());
            let cuts_after = is_letter(self.folded.chars().next_back()) && is_letter(rest.chars().next());
            !cuts_before && (!cuts_after || self.is_prefix)
        })
    }
}

/// What is searched for.
#[derive(Debug)]
pub struct Wanted {
    pub q: String,
    pub words: Vec<Word>,
    /// Only what has this tag.
    pub tag: Option<String>,
    /// Only what is in this category or below it.
    pub category: Option<String>,
}

impl Wanted {
    /// Something random: parts of `rows`, for the most.
    pub fn make(numbers: &mut Numbers, rows: &[Row]) -> Self {
        let mut words = Vec::new();
        let mut typed = Vec::new();
        for _ in 0..*numbers.one_of(&[1, 1, 1, 2, 2, 3]) {
            let (text, is_quoted) = make_word(numbers, rows);
            let is_excluded = !words.is_empty() && numbers.below(4) == 0;
            let quote = if is_quoted { "\"" } else { "" };
            typed.push(format!("{}{quote}{text}{quote}", if is_excluded { "-" } else { "" }));
            let is_open = !is_quoted && !is_excluded && text.ends_with(|c: char| c.is_ascii_alphabetic());
            words.push((Word { folded: fold(&text), is_prefix: false, is_excluded }, is_open));
        }
        if let Some((last, true)) = words.last_mut() {
            last.is_prefix = true;
        }
        let words = words.into_iter().map(|(word, _)| word).collect();
        let (mut tag, mut category) = (None, None);
        match numbers.below(6) {
            0 => tag = rows.iter().flat_map(|row| &row.tags).nth(numbers.below(20)).cloned(),
            1 => {
                category = rows
                    .iter()
                    .flat_map(|row| &row.categories)
                    .nth(numbers.below(20))
                    .map(|one| one.1.clone())
            }
            _ => {}
        }
        Self { q: typed.join(" "), words, tag, category }
    }

    /// The parameters.
    pub fn parameters(&self) -> Vec<(&str, &str)> {
        let mut all = vec![("q", self.q.as_str())];
        all.extend(self.tag.as_deref().map(|tag| ("tag", tag)));
        all.extend(self.category.as_deref().map(|category| ("category", category)));
        all
    }

    /// The rows that have all its words, and no excluded one.
    pub fn find<'r>(&self, rows: &'r [Row]) -> Vec<&'r Row> {
        let passes = |row: &&Row| {
            self.tag.as_ref().is_none_or(|tag| row.tags.contains(tag))
                && self.category.as_ref().is_none_or(|slug| row.categories.iter().any(|one| one.1 == *slug))
                && self
                    .words
                    .iter()
                    .all(|word| row.texts.iter().any(|text| word.is_in(text)) != word.is_excluded)
        };
        rows.iter().filter(passes).collect()
    }
}

/// A word, and whether it stands in quotes.
fn make_word(numbers: &mut Numbers, rows: &[Row]) -> (String, bool) {
    let texts: Vec<&String> = rows.iter().flat_map(|row| &row.texts).collect();
    let text: Vec<char> = match texts.is_empty() {
        true => "质量".chars().collect(),
        false => numbers.one_of(&texts).chars().collect(),
    };
    let is_han = |c: char| !c.is_ascii();
    let part = |from: usize, chars: usize, fits: &dyn Fn(char) -> bool| -> String {
        text[from..].iter().copied().take(chars).take_while(|c| fits(*c)).collect()
    };
    let from = numbers.below(text.len());
    match numbers.below(8) {
        0 => ((*numbers.one_of(&LATIN)).to_owned(), numbers.below(2) == 0),
        1 => (LATIN[2][..1 + numbers.below(3)].to_owned(), false),
        // Across words, in quotes.
        2 => {
            let part = part(from, 2 + numbers.below(8), &|_| true);
            if part.trim().is_empty() { ("质".to_owned(), true) } else { (part.trim().to_owned(), true) }
        }
        3 => (make_text(numbers, 2).chars().filter(|c| is_han(*c)).chain(['标']).collect(), false),
        _ => {
            let part = part(from, 1 + numbers.below(6), &is_han);
            let part = if part.is_empty() { "量".to_owned() } else { part };
            (part.chars().map(|c| write_in_some_script(numbers, c)).collect(), false)
        }
    }
}

fn write_in_some_script(numbers: &mut Numbers, c: char) -> char {
    let both = HAN.iter().find(|(simple, _)| *simple == c);
    both.map_or(c, |(simple, traditional)| if numbers.below(3) == 0 { *traditional } else { *simple })
}

/// A text of up to `most` parts.
pub fn make_text(numbers: &mut Numbers, most: usize) -> String {
    let mut text = String::new();
    for _ in 0..=numbers.below(most) {
        match numbers.below(6) {
            0 => text = format!("{text} {} ", numbers.one_of(&LATIN)),
            1 => text.push_str(numbers.one_of::<&str>(&["，", "。", " ", "、", "·"])),
            _ => {
                for _ in 0..1 + numbers.below(5) {
                    let c = numbers.one_of(&HAN).0;
                    text.push(write_in_some_script(numbers, c));
                }
            }
        }
    }
    text
}

/// What the facets of an answer say, as names and counts.
pub fn list_facets(answer: &Value) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (facet, key) in [("category", "id"), ("tag", "tag"), ("year", "year"), ("type", "type")] {
        for one in answer["facets"][facet].as_array().unwrap() {
            let name = one[key].as_str().map_or_else(|| one[key].to_string(), str::to_owned);
            all.insert(format!("{facet} {name}"), one["count"].as_u64().unwrap());
        }
    }
    all
}

/// What the facets of these rows should say.
pub fn count_facets(rows: &[&Row]) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for row in rows {
        let mut count = |name: String| *all.entry(name).or_default() += 1;
        row.categories.iter().for_each(|(id, _)| count(format!("category {id}")));
        row.tags.iter().for_each(|tag| count(format!("tag {tag}")));
        count(format!("year {}", &row.published_at[..4]));
        count(format!("type {}", if row.is_article { "article" } else { "notice" }));
    }
    all
}
