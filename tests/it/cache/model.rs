//! What a server answers from its cache is what a server without one answers.

use std::time::{Duration, Instant};

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::staleness::Numbers;
use super::{ARTICLES, CATEGORIES, NOTICES, SITE, hits, staying};
use crate::harness::machine::until;
use crate::harness::{Answer, Client, TestApp};

const STEPS: usize = 2_500;
/// How far one server may be behind another.
const MAX_LAG: Duration = Duration::from_secs(1);

const CATEGORY_SLUGS: &[&str] = &["c0", "c1", "c2", "c3", "c4", "c5"];
const ARTICLE_SLUGS: &[&str] = &["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"];

/// Asks for something that visitors read.
fn choose_path(numbers: &mut Numbers) -> String {
    let category = *numbers.one_of(CATEGORY_SLUGS);
    let article = *numbers.one_of(ARTICLE_SLUGS);
    let (tag, person) = (format!("t{}", numbers.below(4)), format!("p{}", numbers.below(3)));
    match numbers.below(24) {
        0..=2 => format!("{ARTICLES}/{article}"),
        3 => format!("{ARTICLES}/{article}?include=neighbors"),
        4 => format!("{ARTICLES}/by-external-id/e{}", numbers.below(10)),
        5 => format!("{ARTICLES}/{article}?fields=title,slug"),
        6 => ARTICLES.to_owned(),
        7 => format!("{ARTICLES}?category={category}"),
        8 => format!("{ARTICLES}?category={category}&descendants=false&count=true"),
        9 => format!("{ARTICLES}?tag={tag}"),
        10 => format!("{ARTICLES}?tag={tag},t0&category={category}"),
        11 => format!("{ARTICLES}?author={person}"),
        12 => format!("{ARTICLES}?source={person}&category={category}"),
        13 => format!("{ARTICLES}?sort={}&page_size=3", numbers.one_of(&["title", "-title", "published_at"])),
        14 => format!("{ARTICLES}?page_size=2&page={}", numbers.below(4) + 1),
        15 => format!("{ARTICLES}?count=true&page_size=2"),
        16 => format!("{ARTICLES}?published_from=2020-01-03T00:00:00Z&fields=body"),
        17 => CATEGORIES.to_owned(),
        18 => format!("{CATEGORIES}?tree=true"),
        19 | 20 => format!("{CATEGORIES}/{category}"),
        21 => NOTICES.to_owned(),
        22 => format!("{NOTICES}?count=true&page_size=2"),
        _ => SITE.to_owned(),
    }
}

/// Changes something, or fails to.
#[expect(clippy::too_many_lines, reason = "an arm for each kind of change")]
async fn change(admin: &Client, numbers: &mut Numbers, step: usize) -> String {
    let category = *numbers.one_of(CATEGORY_SLUGS);
    let other = *numbers.one_of(CATEGORY_SLUGS);
    let at = numbers.below(10);
    let slug = ARTICLE_SLUGS[at];
    let status = *numbers.one_of(&["published", "published", "published", "draft", "archived"]);
    let year = numbers.one_of(&[2020, 2020, 2020, 2090]);
    let mut fields = json!({
        "title": format!("v{step}"), "body": format!("<p>{step}</p>"), "tags": [format!("t{}", numbers.below(4)), "t9"],
        "author": format!("p{}", numbers.below(3)), "source_name": format!("p{}", numbers.below(3)), "category": category,
        "status": status, "published_at": format!("{year}-01-0{}T00:00:00Z", numbers.below(9) + 1),
    });
    let path = format!("{ARTICLES}/by-external-id/e{at}");
    let answer = match numbers.below(16) {
        0..=2 => {
            fields["slug"] = slug.into();
            admin.put(&path, fields).await
        }
        3 | 4 => {
            // One field alone, of an article that is there.
            let found = admin.get(&path).await;
            let id = found.json()["data"]["id"].as_str().unwrap_or("missing").to_owned();
            let fields: Vec<(String, Value)> = fields
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            let (name, value) = numbers.one_of(&fields);
            admin.patch(&format!("{ARTICLES}/{id}"), json!({name: value})).await
        }
        5 => {
            let id = find_article(admin, &path).await;
            let slugs = json!({"slug": ARTICLE_SLUGS[numbers.below(10)]});
            admin.patch(&format!("{ARTICLES}/{id}"), slugs).await
        }
        6 => {
            let id = find_article(admin, &path).await;
            admin.patch(&format!("{ARTICLES}/{id}"), json!({"former_slugs": []})).await
        }
        7 => {
            let id = find_article(admin, &path).await;
            admin.delete(&format!("{ARTICLES}/{id}")).await
        }
        8 => {
            let trash = admin.get(&format!("{ARTICLES}?deleted=true")).await.json();
            let id = trash["data"][0]["id"].as_str().unwrap_or("missing").to_owned();
            admin.act(&format!("{ARTICLES}/{id}/restore")).await
        }
        9 => {
            let rows: Vec<String> = (0..4)
                .map(|row| {
                    let mut fields = fields.clone();
                    fields["external_id"] = format!("e{}", (at + row) % 10).into();
                    fields["title"] = format!("v{step} of {row}").into();
                    fields.to_string()
                })
                .collect();
            let atomic = numbers.below(2) == 0;
            let path = format!("{ARTICLES}/import?atomic={atomic}&restore=true&create_categories=true");
            admin.request(Method::POST, &path).labelled("application/x-ndjson", rows.join("\n")).send().await
        }
        10 => {
            admin
                .post(CATEGORIES, json!({"name": format!("n{step}"), "slug": category, "parent": null}))
                .await
        }
        11 => {
            let body = match numbers.below(3) {
                0 => json!({"name": format!("n{step}")}),
                1 => json!({"parent": if other == category { None } else { Some(other) }}),
                _ => json!({"position": numbers.below(5)}),
            };
            admin.patch(&format!("{CATEGORIES}/{category}"), body).await
        }
        12 => admin.delete(&format!("{CATEGORIES}/{category}?move_to={other}")).await,
        13 => admin.patch(SITE, json!({"name": format!("s{step}")})).await,
        14 => {
            let audience = *numbers.one_of(&["public", "public", "members"]);
            let notice = json!({"kind": "notice", "title": format!("v{step}"), "status": status, "audience": audience});
            admin.post(NOTICES, notice).await
        }
        _ => {
            let all = admin.get(NOTICES).await.json();
            let all = all["data"].as_array().unwrap();
            let id =
                all.get(numbers.below(all.len().max(1))).map_or("missing", |one| one["id"].as_str().unwrap());
            let path = format!("{NOTICES}/{id}");
            if numbers.below(2) == 0 {
                admin.patch(&path, json!({"title": format!("v{step}"), "pinned": true})).await
            } else {
                admin.delete(&path).await
            }
        }
    };
    assert!(answer.status < 500, "{}", answer.text());
    format!("{} {}", answer.status, answer.text().chars().take(300).collect::<String>())
}

async fn find_article(admin: &Client, path: &str) -> String {
    admin.get(path).await.json()["data"]["id"].as_str().unwrap_or("missing").to_owned()
}

/// What has to be the same.
fn essence(answer: &Answer) -> (u16, Vec<(&'static str, String)>, String) {
    let names = ["etag", "link", "surrogate-key", "vary", "cache-control", "location", "content-type"];
    let headers = names.map(|name| (name, answer.header(name).to_owned())).into();
    // A problem has the id of its request.
    let body = if answer.status < 400 { answer.text() } else { answer.problem().1 };
    (answer.status, headers, without_views(&body))
}

/// Counts of views may be some seconds old.
fn without_views(body: &str) -> String {
    let mut parts = body.split("\"views\":");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.trim_start_matches(|char: char| char.is_ascii_digit()));
    }
    text
}

#[actix_web::test]
async fn every_answer_is_that_of_a_server_without_a_cache() {
    let mut numbers = Numbers::seeded();
    let (cached, visitor) = TestApp::start().await;
    let (plain, uncached_visitor) = TestApp::start_on(cached.db.clone(), &["--cache-size", "0"]).await;
    let is_current = |app: &TestApp| app.shared.app.follower.is_current();
    until("both to follow the log", async || is_current(&cached) && is_current(&plain)).await;
    let (admin, member) = (cached.db_member(Role::Admin).await, cached.db_member(Role::Member).await);
    let admins = [admin.clone(), Client::new(&plain.url, admin.token.clone())];
    let readers = [[&visitor, &uncached_visitor], [&member, &member]]
        .map(|[one, other]| [staying(one, &cached.url), staying(other, &plain.url)]);
    let mut above = None;
    for slug in CATEGORY_SLUGS.iter().take(3) {
        admin.category(slug, above).await;
        above = Some(*slug);
    }
    let mut last = String::new();
    // When each server has last made a change.
    let mut changed_at = [Instant::now(); 2];
    let mut compared = 0;
    for step in 0..STEPS {
        if numbers.below(6) == 0 {
            let through = numbers.below(2);
            last = change(&admins[through], &mut numbers, step).await;
            changed_at[through] = Instant::now();
            continue;
        }
        let path = choose_path(&mut numbers);
        let [with, without] = &readers[usize::from(numbers.below(5) == 0)];
        loop {
            let asked_at = Instant::now();
            let (answer, expected) = (with.get(&path).await, without.get(&path).await);
            compared += 1;
            if essence(&answer) == essence(&expected) {
                break;
            }
            // Each may be behind what the other has changed.
            let is_late = changed_at.iter().any(|at| asked_at < *at + MAX_LAG);
            assert!(
                is_late,
                "step {step}, {path}:\n{:#?}\nbut\n{:#?}\nafter {last}",
                essence(&answer),
                essence(&expected)
            );
            actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        }
    }
    println!("{STEPS} steps, {compared} comparisons, {} hits", hits(&cached));
    assert!(hits(&cached) > STEPS as u64 / 10);
}
