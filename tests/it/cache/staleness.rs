//! No answer is older than the last acknowledged change: on the server that made it at once, on others after a second.
//!
//! Writers note what a thing is about to be before they ask, and when the server has acknowledged it. Readers compare: what
//! they are shown must be one of the states from the last one acknowledged before they asked up to the last one begun.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ARTICLES, CATEGORIES, NOTICES, SITE, hits, staying};
use crate::harness::link::{Link, Network};
use crate::harness::machine::{ask, until};
use crate::harness::{Answer, Client, TestApp, cluster};

/// Articles, with a writer each. An eighth writer changes the rest.
const THINGS: usize = 7;
/// How far one server may be behind another.
const MAX_LAG: Duration = Duration::from_secs(1);
/// How much longer than usual a run may take.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// Numbers that look random (SplitMix64).
pub struct Numbers(u64);

impl Numbers {
    /// New ones, which the output names.
    pub fn seeded() -> Self {
        let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().1);
        println!("SEED={seed}");
        Self(seed)
    }

    /// Those of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn fork(&mut self) -> Self {
        Self(self.below(usize::MAX) as u64)
    }
}

/// What an article is.
#[derive(Clone, Debug, Default)]
struct State {
    is_public: bool,
    title: String,
    slug: String,
    /// Of one of the categories, or of none.
    category: String,
    tag: String,
    author: String,
    source: String,
    views: i64,
}

/// What a thing has been, and was about to be.
struct History<S> {
    states: RefCell<Vec<S>>,
    /// When each state from the first was acknowledged, in order.
    acknowledged: RefCell<Vec<(Instant, usize)>>,
    /// Whether the last change was acknowledged: one that failed may have been done.
    is_certain: Cell<bool>,
}

impl<S: Clone> History<S> {
    fn new(first: S) -> Self {
        Self {
            states: RefCell::new(vec![first]),
            acknowledged: RefCell::new(vec![(Instant::now() - MAX_LAG * 9, 0)]),
            is_certain: Cell::new(true),
        }
    }

    fn begin(&self, next: S) -> usize {
        self.states.borrow_mut().push(next);
        self.states.borrow().len() - 1
    }

    fn acknowledge(&self, state: usize) {
        self.acknowledged.borrow_mut().push((Instant::now(), state));
    }

    fn last(&self) -> S {
        self.states.borrow().last().unwrap().clone()
    }

    /// The oldest state that may be shown to who asks at `asked_at`.
    fn oldest(&self, asked_at: Instant, lag: Duration) -> usize {
        let acknowledged = self.acknowledged.borrow();
        let late = |(at, _): &&(Instant, usize)| *at + lag <= asked_at;
        acknowledged.iter().rev().find(late).map_or(0, |(_, state)| *state)
    }

    /// Whether one of the states since `oldest` is as `is_shown` says.
    fn explains(&self, oldest: usize, is_shown: impl Fn(&S) -> bool) -> bool {
        self.states.borrow()[oldest..].iter().any(is_shown)
    }
}

/// The things that change, under the ids that they have.
struct Scene {
    articles: Vec<(String, History<State>)>,
    /// Name, and whether it is in the second root.
    categories: Vec<History<(String, bool)>>,
    site: History<String>,
    /// The title, if it is public.
    notice: (String, History<Option<String>>),
    changes: Cell<usize>,
    reads: Cell<usize>,
    is_over: Cell<bool>,
}

fn category(at: usize) -> String {
    format!("c{at}")
}

impl Scene {
    async fn set(admin: &Client) -> Self {
        for root in ["root0", "root1"] {
            admin.category(root, None).await;
        }
        let mut categories = Vec::new();
        for at in 0..3 {
            admin.category(&category(at), Some("root0")).await;
            categories.push(History::new((category(at), false)));
        }
        let mut articles = Vec::new();
        for at in 0..THINGS {
            let made = json!({"title": "v0", "slug": format!("a{at}-0"), "external_id": format!("e{at}")});
            let made = admin.post(ARTICLES, made).await.data(201);
            let state = State { title: "v0".to_owned(), slug: format!("a{at}-0"), ..State::default() };
            articles.push((made["id"].as_str().unwrap().to_owned(), History::new(state)));
        }
        let notice = json!({"kind": "notice", "title": "v0", "status": "published"});
        let notice = admin.post(NOTICES, notice).await.data(201)["id"].as_str().unwrap().to_owned();
        admin.patch(SITE, json!({"name": "v0"})).await.expect(200);
        Self {
            articles,
            categories,
            site: History::new("v0".to_owned()),
            notice: (notice, History::new(Some("v0".to_owned()))),
            changes: Cell::new(0),
            reads: Cell::new(0),
            is_over: Cell::new(false),
        }
    }

    /// Does what makes a thing become `next`; a write that fails may have been done.
    async fn change<S: Clone>(
        &self,
        history: &History<S>,
        next: S,
        done: impl Future<Output = Answer>,
    ) -> Option<Answer> {
        let state = history.begin(next);
        let answer = done.await;
        history.is_certain.set(answer.status != 503);
        if answer.status == 503 {
            return None;
        }
        assert!((200..300).contains(&answer.status), "{}: {}", answer.status, answer.text());
        history.acknowledge(state);
        self.changes.set(self.changes.get() + 1);
        Some(answer)
    }

    /// Changes the article `at`, again and again. `with_steps`: in ways that take several requests too.
    #[expect(clippy::too_many_lines, reason = "an arm for each kind of change")]
    async fn write_article(&self, admin: &Client, at: usize, mut numbers: Numbers, with_steps: bool) {
        let (id, history) = &self.articles[at];
        let path = format!("{ARTICLES}/{id}");
        let mut number = 0_i64;
        while !self.is_over.get() {
            number += 1;
            // What keeps a part of the last state has to know it.
            let kinds = if with_steps && history.is_certain.get() { 10 } else { 7 };
            let kind = numbers.below(kinds);
            let next = State {
                is_public: kind < 6,
                title: format!("v{number}"),
                slug: format!("a{at}-{}", numbers.below(3)),
                category: category(numbers.below(3)),
                tag: format!("t{}", numbers.below(4)),
                author: format!("p{}", numbers.below(2)),
                source: format!("s{}", numbers.below(2)),
                views: number,
            };
            let mut body = json!({
                "title": next.title, "slug": next.slug, "category": next.category, "tags": [next.tag], "author": next.author,
                "source_name": next.source, "status": "published", "published_at": format!("2020-01-0{}T00:00:00Z", numbers.below(9) + 1),
            });
            match kind {
                6 => body["status"] = numbers.one_of(&["draft", "archived"]).to_owned().into(),
                7 => {
                    // In the trash and out of it.
                    let last = history.last();
                    let hidden = State { is_public: false, ..last.clone() };
                    self.change(history, hidden, admin.delete(&path)).await;
                    self.change(history, last, admin.act(&format!("{path}/restore"))).await;
                    continue;
                }
                8 if at == 0 => {
                    // Into a category that goes.
                    let there = State { category: "gone".to_owned(), is_public: true, ..next.clone() };
                    admin.category("gone", Some("root1")).await;
                    body["category"] = "gone".into();
                    body["views"] = number.into();
                    self.change(history, there, admin.patch(&path, body)).await;
                    let removal = format!("{CATEGORIES}/gone?move_to={}", next.category);
                    self.change(history, State { is_public: true, ..next }, admin.delete(&removal)).await;
                    continue;
                }
                8 | 9 => {
                    // By an import.
                    body["external_id"] = format!("e{at}").into();
                    let atomic = numbers.below(2) == 0;
                    let next = State { is_public: true, views: history.last().views, ..next };
                    let request = admin.request(Method::POST, &format!("{ARTICLES}/import?atomic={atomic}"));
                    let request = request.labelled("application/x-ndjson", body.to_string());
                    if let Some(answer) = self.change(history, next, request.send()).await {
                        assert_eq!(answer.json()["data"]["failed"], 0, "{}", answer.text());
                    }
                    continue;
                }
                _ => {}
            }
            if kind == 5 {
                // It is to appear long after.
                body["published_at"] = "2090-01-01T00:00:00Z".into();
            }
            body["views"] = number.into();
            let next = State { is_public: kind < 5, ..next };
            self.change(history, next, admin.patch(&path, body)).await;
        }
    }

    async fn write_others(&self, admin: &Client, mut numbers: Numbers) {
        let mut number = 0;
        while !self.is_over.get() {
            number += 1;
            let name = format!("v{number}");
            match numbers.below(6) {
                0 => {
                    self.change(&self.site, name.clone(), admin.patch(SITE, json!({"name": name}))).await;
                }
                1 | 2 => {
                    let (id, history) = &self.notice;
                    let is_public = numbers.below(3) > 0;
                    let status = if is_public { "published" } else { "draft" };
                    let body = json!({"title": name, "status": status});
                    let next = Some(name).filter(|_| is_public);
                    self.change(history, next, admin.patch(&format!("{NOTICES}/{id}"), body)).await;
                }
                _ => {
                    let at = numbers.below(3);
                    let second = numbers.below(2) == 1;
                    let body = json!({"name": name, "parent": if second { "root1" } else { "root0" }});
                    let path = format!("{CATEGORIES}/{}", category(at));
                    self.change(&self.categories[at], (name, second), admin.patch(&path, body)).await;
                }
            }
        }
    }

    /// Asks for one thing or another, again and again, and checks what is shown.
    #[expect(clippy::too_many_lines, reason = "an arm for each kind of answer")]
    async fn read(&self, reader: &Client, mut numbers: Numbers, lag: Duration) {
        while !self.is_over.get() {
            let at = numbers.below(THINGS);
            let (id, _) = &self.articles[at];
            let path = match numbers.below(20) {
                0 => format!("{ARTICLES}/{id}"),
                1 => format!("{ARTICLES}/{id}?include=neighbors"),
                2 => format!("{ARTICLES}/by-external-id/e{at}"),
                3..=5 => format!("{ARTICLES}/a{at}-{}", numbers.below(3)),
                6 => ARTICLES.to_owned(),
                7 => format!("{ARTICLES}?sort=title&count=true"),
                8 | 9 => format!("{ARTICLES}?category=c{}", numbers.below(3)),
                10 => format!("{ARTICLES}?category=root{}", numbers.below(2)),
                11 => format!("{ARTICLES}?tag=t{}", numbers.below(4)),
                12 => format!("{ARTICLES}?author=p{}", numbers.below(2)),
                13 => format!("{ARTICLES}?source=s{}", numbers.below(2)),
                14 | 15 => CATEGORIES.to_owned(),
                16 => format!("{CATEGORIES}/c{}", numbers.below(3)),
                17 => SITE.to_owned(),
                18 => NOTICES.to_owned(),
                _ => format!("{NOTICES}/{}", self.notice.0),
            };
            let coding = *numbers.one_of(&["gzip", "br", "identity"]);
            let asked_at = Instant::now();
            let oldest = |history: &History<State>| history.oldest(asked_at, lag);
            let articles: Vec<usize> = self.articles.iter().map(|(_, history)| oldest(history)).collect();
            let categories: Vec<usize> =
                self.categories.iter().map(|history| history.oldest(asked_at, lag)).collect();
            let (site, notice) = (self.site.oldest(asked_at, lag), self.notice.1.oldest(asked_at, lag));
            let answer = reader.request(Method::GET, &path).header("accept-encoding", coding).send().await;
            if answer.status == 503 {
                continue;
            }
            self.reads.set(self.reads.get() + 1);
            let body: Value = serde_json::from_slice(&answer.decoded()).unwrap_or_default();
            let data = &body["data"];
            let is_fresh = if path.starts_with(SITE) {
                self.site.explains(site, |name| data["name"] == *name)
            } else if path.starts_with(NOTICES) {
                let shown = if path == NOTICES { &data[0] } else { data };
                self.notice.1.explains(notice, |title| shown["title"].as_str() == title.as_deref())
            } else if path.starts_with(CATEGORIES) {
                self.explains_categories(&path, data, &categories)
            } else if data.is_array() {
                let is_fresh = self.explains_breadcrumbs(data.as_array().unwrap(), &categories);
                is_fresh && self.explains_list(&path, data.as_array().unwrap(), &articles)
            } else {
                let is_fresh = answer.status != 200
                    || self.explains_breadcrumbs(std::slice::from_ref(data), &categories);
                is_fresh && self.explains_single(&path, at, &answer, data, articles[at])
            };
            let oldest = self.articles.iter().zip(&articles).map(|((_, history), at)| {
                let states = history.states.borrow();
                (*at, states[*at].clone(), states.len() - 1)
            });
            assert!(
                is_fresh,
                "{path} ({coding}, of {} s) is stale: {} {:?} {}\nbut articles are {:#?}\ncategories {:?}",
                lag.as_secs(),
                answer.status,
                answer.headers,
                String::from_utf8_lossy(&answer.decoded()),
                oldest.collect::<Vec<_>>(),
                self.categories
                    .iter()
                    .zip(&categories)
                    .map(|(history, at)| history.states.borrow()[*at..].to_vec())
                    .collect::<Vec<_>>(),
            );
        }
    }

    /// Whether the names in the breadcrumbs of articles are not old.
    fn explains_breadcrumbs(&self, articles: &[Value], oldest: &[usize]) -> bool {
        articles.iter().all(|article| {
            let found = (0..3).find(|at| article["category"]["slug"] == category(*at));
            let root = &article["category"]["path"][0]["slug"];
            found.is_none_or(|at| {
                self.categories[at].explains(oldest[at], |(name, second)| {
                    article["category"]["name"] == *name && *root == if *second { "root1" } else { "root0" }
                })
            })
        })
    }

    fn explains_categories(&self, path: &str, data: &Value, oldest: &[usize]) -> bool {
        let shown: Vec<&Value> = data.as_array().map_or_else(|| vec![data], |rows| rows.iter().collect());
        let by_slug: BTreeMap<&str, &Value> =
            shown.iter().map(|row| (row["slug"].as_str().unwrap_or_default(), *row)).collect();
        (0..3).filter(|at| path == CATEGORIES || path.ends_with(&category(*at))).all(|at| {
            let shown = by_slug.get(category(at).as_str());
            let is_shown = |name: &String| shown.is_some_and(|row| row["name"] == *name);
            self.categories[at].explains(oldest[at], |(name, _)| is_shown(name))
        })
    }

    /// Whether each article is in the list, or is not, as it was in one of its states.
    fn explains_list(&self, path: &str, rows: &[Value], oldest: &[usize]) -> bool {
        let filter = path.split_once('?').map_or("", |(_, query)| query);
        let (name, wanted) = filter.split_once('=').unwrap_or_default();
        // Which categories are in a root is not known here: what is in the list must be new nevertheless.
        let is_by_root = wanted.starts_with("root");
        self.articles.iter().zip(oldest).all(|((id, history), oldest)| {
            let row = rows.iter().find(|row| row["id"] == *id);
            if is_by_root && row.is_none() {
                return true;
            }
            history.explains(*oldest, |state| {
                let is_in = state.is_public
                    && match name {
                        "category" => is_by_root || state.category == wanted,
                        "tag" => state.tag == wanted,
                        "author" => state.author == wanted,
                        "source" => state.source == wanted,
                        _ => true,
                    };
                row.map_or(!is_in, |row| is_in && is_as(row, state))
            })
        })
    }

    fn explains_single(&self, path: &str, at: usize, answer: &Answer, data: &Value, oldest: usize) -> bool {
        let slug = path.trim_start_matches(ARTICLES).trim_start_matches('/');
        let is_by_slug = slug.starts_with('a');
        let leads_to = |state: &State| answer.header("location") == format!("{ARTICLES}/{}", state.slug);
        self.articles[at].1.explains(oldest, |state| match answer.status {
            200 => state.is_public && is_as(data, state) && (!is_by_slug || state.slug == slug),
            301 => state.is_public && is_by_slug && state.slug != slug && leads_to(state),
            // The article has not had the slug.
            404 => !state.is_public || is_by_slug && state.slug != slug,
            _ => false,
        })
    }
}

fn is_as(row: &Value, state: &State) -> bool {
    row["title"] == *state.title
        && row["slug"] == *state.slug
        && row["category"]["slug"] == *state.category
        && row["tags"] == json!([state.tag])
        && row["author"] == *state.author
        && row["views"] == state.views
}

fn is_current(app: &TestApp) -> bool {
    app.shared.app.follower.is_current()
}

/// Ends the connections over which the servers listen.
async fn end_followers(app: &TestApp) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND application_name = 'inkstone-follower'";
    ask(&app.db.url, sql).await;
}

/// Eight writers on `one`, and as many readers on both, until so many changes are done or `longest` is over. `disturb` is
/// called about every second.
async fn run(
    one: &TestApp,
    other: &TestApp,
    (with_steps, changes, longest): (bool, usize, Duration),
    mut disturb: impl AsyncFnMut(usize),
) {
    let mut numbers = Numbers::seeded();
    until("both to follow the log", async || is_current(one) && is_current(other)).await;
    let admin = one.db_member(Role::Admin).await;
    let scene = Scene::set(&admin).await;
    let began = Instant::now();
    let writers: Vec<_> =
        (0..THINGS).map(|at| scene.write_article(&admin, at, numbers.fork(), with_steps)).collect();
    let writers = futures::future::join_all(writers);
    let mut more = numbers.fork();
    let [a, b] = [&one.url, &other.url].map(|url| staying(&Client::new(url, None), url));
    let readers: Vec<_> = (0..8)
        .map(|at| {
            let (client, lag) = if at % 2 == 0 { (&a, Duration::ZERO) } else { (&b, MAX_LAG) };
            scene.read(client, more.fork(), lag)
        })
        .collect();
    let other_writers = scene.write_others(&admin, more.fork());
    let ending = async {
        let mut second = 0;
        let is_enough = || are_enough(&scene, one, other);
        // On a busy machine it takes longer until all has happened that is to be looked at.
        let is_over = || scene.changes.get() >= changes || began.elapsed() >= longest;
        while !(is_over() && is_enough()) && began.elapsed() < longest + MAX_DELAY {
            actix_web::rt::time::sleep(Duration::from_millis(300 + more.below(700) as u64)).await;
            disturb(second).await;
            second += 1;
        }
        scene.is_over.set(true);
    };
    tokio::join!(writers, other_writers, futures::future::join_all(readers), ending);
    println!(
        "{} changes and {} reads in {:?}, {} and {} of them from the caches",
        scene.changes.get(),
        scene.reads.get(),
        began.elapsed(),
        hits(one),
        hits(other)
    );
    assert!(are_enough(&scene, one, other));
}

/// Whether there were so many changes and hits that a run shows something.
fn are_enough(scene: &Scene, one: &TestApp, other: &TestApp) -> bool {
    scene.changes.get() > 50 && hits(one) > 0 && hits(other) > 10
}

#[actix_web::test]
async fn no_answer_is_older_than_the_last_acknowledged_change() {
    let (one, _) = TestApp::start().await;
    let (other, _) = TestApp::start_on(one.db.clone(), &[]).await;
    run(&one, &other, (true, 3_000, Duration::from_secs(12)), async |_| {}).await;
}

#[actix_web::test]
async fn connections_that_listen_may_end_at_any_time() {
    let (one, _) = TestApp::start().await;
    let (other, _) = TestApp::start_on(one.db.clone(), &[]).await;
    run(&one, &other, (true, 1_500, Duration::from_secs(8)), async |_| end_followers(&one).await).await;
}

#[actix_web::test]
async fn a_server_whose_packets_are_dropped_shows_nothing_that_is_old() {
    let Some(network) = Network::make() else {
        return println!("skipped: packets cannot be dropped: it takes root, ip and iptables");
    };
    let (one, _) = TestApp::start().await;
    let link = Link::through(&network, &one.db.url, &cluster::runtime());
    let (other, _) = TestApp::start_through(one.db.clone(), &link.url, &[]).await;
    let mut is_dropped = false;
    run(&one, &other, (true, 5_000, Duration::from_secs(10)), async |second| {
        if !is_dropped && second >= 3 && hits(&other) > 10 {
            link.drop_packets(&network);
            is_dropped = true;
        }
    })
    .await;
    assert!(is_dropped);
}
