//! A change makes its own answers stale, and no others.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ARTICLES, CATEGORIES, NOTICES, SITE, fill, list_forgotten};
use crate::harness::{Client, TestApp};

/// Two roots with a category each, and an article in each of these.
struct Scene {
    app: TestApp,
    anon: Client,
    admin: Client,
    tide: Value,
}

const TIDE: &str = "/api/v1/articles/tide";
const DUNE: &str = "/api/v1/articles/dune";
const IN_SEA: &str = "/api/v1/articles?category=sea";
const IN_COAST: &str = "/api/v1/articles?category=coast";
const IN_LAND: &str = "/api/v1/articles?category=land";
const IN_SAND: &str = "/api/v1/articles?category=sand";
const IN_SEA_ALONE: &str = "/api/v1/articles?category=sea&descendants=false";
const SALT: &str = "/api/v1/articles?tag=salt";
const DUST: &str = "/api/v1/articles?tag=dust";
const BY_ADA: &str = "/api/v1/articles?author=Ada";
const BY_BOB: &str = "/api/v1/articles?author=Bob";
const FROM_GAZETTE: &str = "/api/v1/articles?source=Gazette";
const SEA: &str = "/api/v1/categories/sea";
const LAND: &str = "/api/v1/categories/land";
const BESIDE_DUNE: &str = "/api/v1/articles/dune?include=neighbors";
const ALL: &[&str] = &[
    TIDE,
    DUNE,
    ARTICLES,
    IN_SEA,
    IN_COAST,
    IN_LAND,
    IN_SAND,
    IN_SEA_ALONE,
    SALT,
    DUST,
    BY_ADA,
    BY_BOB,
    FROM_GAZETTE,
    SEA,
    LAND,
    BESIDE_DUNE,
    CATEGORIES,
    NOTICES,
    SITE,
];

impl Scene {
    async fn set() -> Self {
        let (app, anon) = TestApp::start().await;
        let admin = app.db_member(Role::Admin).await;
        for (slug, parent) in [("sea", None), ("coast", Some("sea")), ("land", None), ("sand", Some("land"))]
        {
            admin.category(slug, parent).await;
        }
        let article = |slug: &str, category: &str, tag: &str, author: &str| {
            json!({"title": slug, "slug": slug, "category": category, "tags": [tag], "author": author, "source_name": "Gazette",
                   "status": "published", "published_at": "2020-01-01T00:00:00Z"})
        };
        let tide = admin.post(ARTICLES, article("tide", "coast", "salt", "Ada")).await.data(201);
        admin.post(ARTICLES, article("dune", "sand", "dust", "Bob")).await.expect(201);
        let scene = Self { app, anon, admin, tide };
        fill(&scene.app, &scene.anon, ALL).await;
        scene
    }

    fn tide(&self) -> String {
        format!("{ARTICLES}/{}", self.tide["id"].as_str().unwrap())
    }

    async fn forgotten(&self) -> Vec<&'static str> {
        list_forgotten(&self.app, &self.anon, ALL).await
    }
}

#[actix_web::test]
async fn an_article_that_changes_forgets_itself_and_its_lists() {
    let scene = Scene::set().await;
    scene.admin.patch(&scene.tide(), json!({"title": "Spring tide"})).await.expect(200);
    let own = [TIDE, ARTICLES, IN_SEA, IN_COAST, SALT, BY_ADA, FROM_GAZETTE, SEA];
    assert_eq!(scene.forgotten().await, own);
}

#[actix_web::test]
async fn an_article_that_moves_forgets_what_it_leaves_and_what_it_comes_to() {
    let scene = Scene::set().await;
    let change = json!({"category": "sand", "tags": ["dust"], "author": "Bob"});
    scene.admin.patch(&scene.tide(), change).await.expect(200);
    let all = [
        TIDE,
        ARTICLES,
        IN_SEA,
        IN_COAST,
        IN_LAND,
        IN_SAND,
        SALT,
        DUST,
        BY_ADA,
        BY_BOB,
        FROM_GAZETTE,
        SEA,
        LAND,
        BESIDE_DUNE,
    ];
    assert_eq!(scene.forgotten().await, all);
}

#[actix_web::test]
async fn an_article_in_the_trash_is_in_no_answer() {
    let scene = Scene::set().await;
    scene.admin.delete(&scene.tide()).await.expect(204);
    scene.anon.get(TIDE).await.expect(404);
    assert_eq!(scene.anon.get(IN_SEA).await.data(200), json!([]));
    scene.admin.act(&format!("{}/restore", scene.tide())).await.expect(200);
    scene.anon.get(TIDE).await.expect(200);
    assert_eq!(scene.anon.get(IN_SEA).await.data(200).as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_new_name_of_a_category_forgets_what_carries_it() {
    let scene = Scene::set().await;
    scene.admin.patch(SEA, json!({"name": "The sea"})).await.expect(200);
    let with_name =
        [TIDE, ARTICLES, IN_SEA, IN_COAST, IN_SEA_ALONE, SALT, BY_ADA, FROM_GAZETTE, SEA, CATEGORIES];
    assert_eq!(scene.forgotten().await, with_name);
}

#[actix_web::test]
async fn a_category_that_moves_changes_the_lists_above_it() {
    let scene = Scene::set().await;
    scene.admin.patch(&format!("{CATEGORIES}/coast"), json!({"parent": "land"})).await.expect(200);
    let titles = scene.anon.get(IN_LAND).await.data(200);
    assert_eq!(titles.as_array().unwrap().len(), 2);
    assert_eq!(scene.anon.get(IN_SEA).await.data(200), json!([]));
    assert_eq!(scene.anon.get(LAND).await.data(200)["article_count"], 2);
    assert_eq!(scene.anon.get(TIDE).await.data(200)["category"]["path"][0]["slug"], "land");
    fill(&scene.app, &scene.anon, &[IN_LAND]).await;
    // What comes into a category that was not there when the list was kept is in the list.
    scene.admin.category("dunes", Some("land")).await;
    fill(&scene.app, &scene.anon, &[IN_LAND]).await;
    scene.admin.article("Marram", Some("dunes")).await;
    assert_eq!(scene.anon.get(IN_LAND).await.data(200).as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn the_site_and_the_notices_forget_their_own() {
    let scene = Scene::set().await;
    let notice = json!({"kind": "notice", "title": "n", "status": "published"});
    scene.admin.post(NOTICES, notice).await.expect(201);
    assert_eq!(scene.forgotten().await, [NOTICES]);
    scene.admin.patch(SITE, json!({"tagline": "of tides"})).await.expect(200);
    let with_site: Vec<&str> = scene.forgotten().await;
    assert!(with_site.contains(&SITE) && with_site.contains(&TIDE) && !with_site.contains(&CATEGORIES));
}

#[actix_web::test]
async fn an_import_forgets_what_it_changes_and_nothing_else() {
    let scene = Scene::set().await;
    let rows = [
        json!({"external_id": "1", "title": "Ebb", "category": "coast", "tags": ["salt"], "status": "published"}),
        json!({"external_id": "2", "title": "Flow", "category": "coast", "status": "published"}),
    ];
    let body = rows.map(|row| row.to_string()).join("\n");
    let request = scene.admin.request(reqwest::Method::POST, "/api/v1/articles/import");
    request.labelled("application/x-ndjson", body).send().await.expect(200);
    assert_eq!(scene.forgotten().await, [ARTICLES, IN_SEA, IN_COAST, SALT, SEA]);
}

#[actix_web::test]
async fn statements_from_outside_are_noticed_too() {
    let scene = Scene::set().await;
    let sql = "UPDATE articles SET title = 'Neap tide' WHERE slug = 'tide'";
    crate::harness::machine::execute(&scene.app.db.url, sql).await;
    crate::harness::machine::until("the new title", async || {
        scene.anon.get(TIDE).await.data(200)["title"] == "Neap tide"
    })
    .await;
    assert!(!scene.forgotten().await.contains(&DUNE));
    let sql = "UPDATE categories SET name = 'The coast' WHERE slug = 'coast'";
    crate::harness::machine::execute(&scene.app.db.url, sql).await;
    crate::harness::machine::until("the new name", async || {
        scene.anon.get(TIDE).await.data(200)["category"]["name"] == "The coast"
    })
    .await;
}

#[actix_web::test]
async fn views_that_an_admin_sets_are_seen_at_once() {
    let scene = Scene::set().await;
    scene.admin.patch(&scene.tide(), json!({"views": 41})).await.expect(200);
    assert_eq!(scene.anon.get(TIDE).await.data(200)["views"], 41);
    assert_eq!(scene.anon.get(IN_COAST).await.data(200)[0]["views"], 41);
}
