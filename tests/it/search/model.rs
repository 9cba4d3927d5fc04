//! Whatever happens, what is found is what a reader of all public texts would find, and nothing else is counted.
//!
//! `SEARCH_STEPS=5000 SEED=…` takes so many steps; the seed is printed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::start;
use super::truth::{Row, Wanted, count_facets, ids, list_facets, make_text, read_public, walk};
use crate::cache::staleness::Numbers;
use crate::harness::{Answer, Client, TestApp};

const ARTICLES: &str = "/api/v1/articles";
const NOTICES: &str = "/api/v1/notices";
const SEARCH: &str = "/api/v1/search";
/// Steps of a run.
const STEPS: usize = 300;
/// Steps between two comparisons of everything.
const ROUND: usize = 12;
/// Queries of a comparison.
const QUERIES: usize = 6;
const CATEGORIES: usize = 5;
/// Articles beyond which more are deleted than made.
const MANY_ARTICLES: usize = 60;

/// Somebody who does random things.
struct Writer {
    editor: Client,
    numbers: Numbers,
    articles: Vec<String>,
    notices: Vec<String>,
}

fn keep_id(all: &mut Vec<String>, answer: &Answer) {
    if answer.status == 201 {
        all.push(answer.json()["data"]["id"].as_str().unwrap().to_owned());
    }
}

impl Writer {
    fn slug(&mut self) -> String {
        format!("c{}", self.numbers.below(CATEGORIES))
    }

    /// Something of an article.
    fn make_article(&mut self) -> Value {
        let numbers = &mut self.numbers;
        let paragraphs: Vec<String> =
            (0..numbers.below(4)).map(|_| format!("<p>{}</p>", make_text(numbers, 8))).collect();
        let body = paragraphs.concat().replacen('量', "<b>量</b>", numbers.below(2));
        let tags: BTreeSet<String> = (0..numbers.below(3))
            .map(|_| (*numbers.one_of(&["质量", "標準", "iso", "检定 里"])).to_owned())
            .collect();
        let mut article =
            json!({"title": format!("标{}", make_text(numbers, 4)), "body": body, "tags": tags});
        article["status"] = json!(numbers.one_of(&["published", "published", "draft"]));
        if numbers.below(3) == 0 {
            article["author"] = json!(numbers.one_of(&["", "检定所", "GB 标准"]));
            article["source_name"] = json!(numbers.one_of(&["", "發後"]));
        }
        if numbers.below(3) > 0 {
            let year = *numbers.one_of(&[2011, 2015, 2019, 2020, 2999]);
            article["published_at"] = json!(format!("{year}-06-1{}T08:00:00Z", numbers.below(10)));
        }
        let category = numbers.below(CATEGORIES + 1);
        if category < CATEGORIES {
            article["category"] = json!(format!("c{category}"));
        }
        article
    }

    /// Changes of an article.
    fn make_change(&mut self) -> Value {
        match self.numbers.below(7) {
            0 => json!({"status": "draft"}),
            1 => json!({"status": "archived"}),
            2 | 3 => json!({"status": "published"}),
            4 => json!({"tags": [], "category": null}),
            5 => json!({"published_at": "2999-01-01T00:00:00Z"}),
            _ => {
                let mut article = self.make_article();
                article.as_object_mut().unwrap().remove("status");
                article
            }
        }
    }

    /// Does something, and tells what.
    #[expect(clippy::too_many_lines, reason = "an arm for each kind of change")]
    async fn act(&mut self) -> String {
        let (editor, kind) = (self.editor.clone(), self.numbers.below(20));
        let one = self.articles.len().checked_sub(1).map(|last| self.numbers.below(last + 1));
        let path = one.map(|at| format!("{ARTICLES}/{}", self.articles[at])).unwrap_or_default();
        let answer = match kind {
            0..=3 if self.articles.len() < MANY_ARTICLES => {
                let article = self.make_article();
                let answer = editor.post(ARTICLES, article).await;
                keep_id(&mut self.articles, &answer);
                answer
            }
            0..=9 if one.is_some() => {
                let change = self.make_change();
                editor.patch(&path, change).await
            }
            10 | 11 if one.is_some() => editor.delete(&path).await,
            12 if one.is_some() => editor.act(&format!("{path}/restore")).await,
            13 => {
                let (slug, parent) = (self.slug(), self.slug());
                let parent = if self.numbers.below(3) == 0 { Value::Null } else { json!(parent) };
                editor.patch(&format!("/api/v1/categories/{slug}"), json!({"parent": parent})).await
            }
            14 => {
                let (slug, target) = (self.slug(), self.slug());
                let answer = editor.delete(&format!("/api/v1/categories/{slug}?move_to={target}")).await;
                editor.post("/api/v1/categories", json!({"name": slug, "slug": slug})).await;
                answer
            }
            15 | 16 => {
                let title = make_text(&mut self.numbers, 4);
                let notice = json!({"kind": "notice", "title": format!("告{title}"), "body": format!("<p>{title}</p>"), "status": self.numbers.one_of(&["published", "draft"]), "audience": self.numbers.one_of(&["public", "members"])});
                let answer = editor.post(NOTICES, notice).await;
                keep_id(&mut self.notices, &answer);
                answer
            }
            17 if !self.notices.is_empty() => self.change_notice().await,
            18 => self.import().await,
            _ => return "nothing".to_owned(),
        };
        assert!(answer.status < 500, "{kind} {path}: {}", answer.text());
        format!("{kind} {path}: {}", answer.status)
    }

    async fn change_notice(&mut self) -> Answer {
        let path = format!("{NOTICES}/{}", self.numbers.one_of(&self.notices));
        let soon = chrono::Utc::now() + std::time::Duration::from_millis(300);
        match self.numbers.below(5) {
            0 => self.editor.delete(&path).await,
            1 => self.editor.act(&format!("{path}/restore")).await,
            // Notices come and go by themselves.
            2 => self.editor.patch(&path, json!({"status": "published", "expires_at": soon})).await,
            3 => {
                self.editor
                    .patch(&path, json!({"published_at": soon, "expires_at": null, "status": "published"}))
                    .await
            }
            _ => self.editor.patch(&path, json!({"audience": "members"})).await,
        }
    }

    async fn import(&mut self) -> Answer {
        let mut rows = String::new();
        for _ in 0..50 {
            let mut row = self.make_article();
            row["external_id"] = json!(format!("e-{}", self.numbers.below(70)));
            rows.push_str(&format!("{row}\n"));
        }
        let path = format!("{ARTICLES}/import?mode=upsert");
        let request = self.editor.request(reqwest::Method::POST, &path);
        request.labelled("application/x-ndjson", rows).send().await
    }
}

/// At once after an acknowledgement: some may be missing, none is found or counted that is not public.
async fn check_at_once(anon: &Client, numbers: &mut Numbers, context: &str) {
    let before = read_public(anon).await;
    let wanted = Wanted::make(numbers, &before);
    let mut query = wanted.parameters();
    query.push(("page_size", "100"));
    let (hits, first) = walk(anon, SEARCH, &query).await;
    let mut rows = before;
    if ids(&hits).iter().any(|id| !rows.iter().any(|row| row.id == *id)) {
        // A notice may have come meanwhile.
        rows.extend(read_public(anon).await);
    }
    let allowed = wanted.find(&rows);
    let found: Vec<&Row> =
        ids(&hits).iter().filter_map(|id| allowed.iter().rev().find(|row| row.id == *id).copied()).collect();
    assert_eq!(found.len(), hits.len(), "{wanted:?} after {context}: {hits:?}");
    let total = first["page"]["total"].as_u64().unwrap();
    let both: BTreeSet<&str> = allowed.iter().map(|row| row.id.as_str()).collect();
    assert!(total <= both.len() as u64, "{wanted:?} after {context}: {total} of {}", both.len());
    // What was touched is left out of the counts too.
    let most = count_facets(&allowed);
    for (name, count) in list_facets(&first) {
        assert!(
            most.get(&name).is_some_and(|most| count <= *most),
            "{wanted:?} after {context}: {name} {count}"
        );
    }
}

/// Everything, once the index has followed.
#[expect(clippy::too_many_lines, reason = "one question after the other, over the same texts")]
async fn check_all(anon: &Client, numbers: &mut Numbers) {
    let rows = read_public(anon).await;
    let wanted = Wanted::make(numbers, &rows);
    let mut query = wanted.parameters();
    let size = (1 + numbers.below(30)).to_string();
    query.extend([("page_size", size.as_str()), ("count", "true")]);
    let (site, first) = walk(anon, SEARCH, &query).await;
    let (best, counted) = walk(anon, ARTICLES, &query).await;
    let order = *numbers.one_of(&["published_at", "-published_at", "title", "-updated_at"]);
    query.push(("sort", order));
    let (sorted, _) = walk(anon, ARTICLES, &query).await;
    let (notices, notices_page) =
        walk(anon, NOTICES, &[("q", &wanted.q), ("page_size", &size), ("count", "true")]).await;
    // Notices come and go; where none did, everything is equal.
    let after = read_public(anon).await;
    let same = |a: &[Row], b: &[Row]| a.iter().map(|row| &row.id).eq(b.iter().map(|row| &row.id));
    let is_still = same(&rows, &after);
    let set = |found: &[Value]| ids(found).into_iter().collect::<BTreeSet<String>>();
    let found = wanted.find(&rows);
    let is_article = |row: &&&Row| row.is_article;
    let expected: BTreeSet<String> = found.iter().filter(is_article).map(|row| row.id.clone()).collect();
    for (what, list) in [("relevance", &best), (order, &sorted)] {
        assert_eq!(set(list), expected, "{what} {wanted:?}");
        assert_eq!(list.len(), expected.len(), "{what} {wanted:?}");
    }
    assert_eq!(counted["page"]["total"], expected.len(), "{wanted:?}");
    if order.ends_with("published_at") {
        let mut in_order: Vec<(&str, &str)> =
            found.iter().filter(is_article).map(|row| (row.published_at.as_str(), row.id.as_str())).collect();
        in_order.sort_unstable();
        if order.starts_with('-') {
            in_order.reverse();
        }
        assert!(ids(&sorted).iter().eq(in_order.iter().map(|one| one.1)), "{order} {wanted:?}");
    }
    if is_still {
        let everything: BTreeSet<String> = found.iter().map(|row| row.id.clone()).collect();
        assert_eq!(set(&site), everything, "{wanted:?}");
        assert_eq!(first["page"]["total"], site.len(), "{wanted:?}");
        assert_eq!(list_facets(&first), count_facets(&found), "{wanted:?}");
        let all = Wanted { tag: None, category: None, ..wanted };
        let expected: BTreeSet<String> =
            all.find(&rows).iter().filter(|row| !row.is_article).map(|row| row.id.clone()).collect();
        assert_eq!(set(&notices), expected, "{all:?}");
        assert_eq!(notices_page["page"]["total"], expected.len(), "{all:?}");
    }
}

async fn run(app: &TestApp, anon: &Client, editor: Client, steps: usize) {
    let numbers = Numbers::seeded();
    let mut writer = Writer { editor, numbers, articles: Vec::new(), notices: Vec::new() };
    for at in 0..CATEGORIES {
        writer.editor.category(&format!("c{at}"), None).await;
    }
    for step in 0..steps {
        let context = writer.act().await;
        check_at_once(anon, &mut writer.numbers, &context).await;
        if step % ROUND == ROUND - 1 {
            app.index().await;
            for _ in 0..QUERIES {
                check_all(anon, &mut writer.numbers).await;
            }
        }
    }
}

#[actix_web::test]
async fn after_any_sequence_of_changes_the_hits_are_what_a_reader_of_all_texts_finds() {
    let (app, anon, editor) = start().await;
    let steps = std::env::var("SEARCH_STEPS").map_or(STEPS, |steps| steps.parse().unwrap());
    run(&app, &anon, editor, steps).await;
}
