//! How PostgreSQL finds the rows of a list: every order, filter and visibility on a filled table.

use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use inkstone::articles::listing::{ArticleFilter, ArticleSort, Having, TagMode, order};
use inkstone::articles::queries::lists::card_statement;
use inkstone::articles::queries::{ArticleRef, one_statement};
use inkstone::categories::model::Tree;
use inkstone::db::connection::Connection;
use inkstone::db::rows::{Conditions, PageSlice};
use inkstone::db::types::Status;
use inkstone::db::visibility::Articles;
use inkstone::http::id_or_slug::IdOrSlug;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::TestApp;
use crate::harness::machine::ask;

/// Rows of a page, and the one that tells whether there are more.
const LIMIT: i64 = 21;
/// Rows that a filter may leave to be sorted.
const MAX_SORTED: f64 = 1_000.0;
/// Entries of a name's index that may be looked up and sorted without their rows.
const MAX_ENTRIES: f64 = 10_001.0;
/// Rows that may be read, of the 20,000, where an index has the order of all that the list shows.
const MAX_READ: f64 = 300.0;
/// The same where the staff see more parts of many categories than are merged.
const MAX_READ_OF_PARTS: f64 = 900.0;
/// Rows that may be read where filters meet, or a filter and an order that is not by publication.
const MAX_READ_OF_FILTERS: f64 = 3_001.0;

/// 51 authors, and 40 categories, 20 of them below `news`.
const FILL: [&str; 3] = [
    "INSERT INTO members (id, email, email_canonical, role)
        SELECT md5('m' || n)::uuid, 'm' || n || '@x.org', 'm' || n || '@x.org', 'author' FROM generate_series(0, 50) n",
    "INSERT INTO categories (id, slug, name) VALUES (md5('news')::uuid, 'news', 'news'), (md5('rest')::uuid, 'rest', 'rest')",
    "INSERT INTO categories (id, slug, name, parent_id)
        SELECT md5('c' || n)::uuid, 'c' || n, 'c' || n, md5(CASE WHEN n % 2 = 0 THEN 'news' ELSE 'rest' END)::uuid
        FROM generate_series(0, 39) n",
];

/// Articles of a number from `$from` to `$to`. One in a hundred is a draft, one in a hundred is in
/// the trash, and few are by the author `busy` or have the tag `rare`.
const FILL_ARTICLES: &str = "
    INSERT INTO articles (id, slug, title, summary, body, sanitizer, author, source_name, category_id, tags, cover_url,
                          status, published_at, created_by, created_at, updated_at, deleted_at)
        SELECT md5(n::text)::uuid, 's' || n, md5('t' || n), 'A summary of some length, as articles have it.',
            repeat('x', 300), 1,
            CASE WHEN n % 5000 = 7 THEN 'busy' ELSE 'author ' || n % 40 END, 'source ' || n % 40,
            md5('c' || n * 7 % 40)::uuid,
            CASE WHEN n % 2500 = 3 THEN '{rare}' WHEN n % 3 = 0 THEN '{common}' WHEN n > 19700 THEN '{old}' ELSE '{}' END::text[]
                || CASE WHEN n % 12 = 0 THEN '{covered}' ELSE '{}' END::text[],
            CASE WHEN n % 700 = 0 THEN '/covers/' || n END,
            CASE WHEN n % 100 = 1 THEN 'draft' WHEN n % 100 = 2 THEN 'archived' ELSE 'published' END,
            CASE WHEN n % 100 = 1 THEN NULL ELSE now() - n * interval '5 minutes' END,
            md5('m' || n % 51)::uuid, now() - n::bigint * 7919 % 100000 * interval '1 minute',
            now() - n::bigint * 104729 % 100000 * interval '1 minute',
            CASE WHEN n % 100 = 50 THEN now() END
        FROM generate_series($from, $to) n";

fn none() -> ArticleFilter {
    ArticleFilter::default()
}

/// Filters by name that everybody may use.
fn filters_of_visitors() -> Vec<(&'static str, ArticleFilter)> {
    let text = |value: &str| Some(value.to_owned());
    let slugs = |value: &str| Some(vec![value.to_owned()]);
    let tag = |value: &str| Some(vec![value.to_owned()]);
    vec![
        ("all", none()),
        ("a category", ArticleFilter { category: slugs("c2"), ..none() }),
        ("a subtree", ArticleFilter { category: slugs("news"), ..none() }),
        ("a common tag", ArticleFilter { tag: tag("common"), ..none() }),
        ("a rare tag", ArticleFilter { tag: tag("rare"), ..none() }),
        ("a rare tag in a subtree", ArticleFilter { tag: tag("rare"), category: slugs("news"), ..none() }),
        ("a tag of old articles", ArticleFilter { tag: tag("old"), ..none() }),
        (
            "one of two tags",
            ArticleFilter { tag: Some(vec!["common".to_owned(), "old".to_owned()]), ..none() },
        ),
        (
            "a category without articles",
            ArticleFilter { category: slugs("news"), descendants: Some(false), ..none() },
        ),
        ("a tag nobody has", ArticleFilter { tag: tag("nobody's"), ..none() }),
        ("an author", ArticleFilter { author: text("author 7"), ..none() }),
        ("a rare author", ArticleFilter { author: text("busy"), ..none() }),
        (
            "a rare author in a subtree",
            ArticleFilter { author: text("busy"), category: slugs("rest"), ..none() },
        ),
        ("a source", ArticleFilter { source: text("source 3"), ..none() }),
        ("a source nobody has", ArticleFilter { source: text("nobody"), ..none() }),
    ]
}

/// Filters by what articles have besides.
fn filters_by_traits() -> Vec<(&'static str, ArticleFilter)> {
    let slugs = |value: &str| Some(vec![value.to_owned()]);
    let days_ago = |days: i64| Some(Utc::now() - chrono::Duration::days(days));
    vec![
        (
            "two categories",
            ArticleFilter { category: Some(vec!["c1".to_owned(), "c2".to_owned()]), ..none() },
        ),
        ("a week", ArticleFilter { published_from: days_ago(20), published_to: days_ago(13), ..none() }),
        (
            "both of two tags",
            ArticleFilter {
                tag: Some(vec!["common".to_owned(), "covered".to_owned()]),
                tag_mode: Some(TagMode::All),
                ..none()
            },
        ),
        ("a cover", ArticleFilter { has: Some(Having::Cover), ..none() }),
        (
            "a cover in a subtree",
            ArticleFilter { has: Some(Having::Cover), category: slugs("news"), ..none() },
        ),
        ("a rare tag and a cover", ArticleFilter { has: Some(Having::Cover), tag: slugs("rare"), ..none() }),
        ("changed lately", ArticleFilter { updated_since: days_ago(1), ..none() }),
        ("changed since ever", ArticleFilter { updated_since: days_ago(1000), ..none() }),
        ("without one", ArticleFilter { exclude: Some(vec![Uuid::from_u128(1)]), ..none() }),
    ]
}

/// Filters by name that the staff may use.
fn filters_of_staff() -> Vec<(&'static str, ArticleFilter)> {
    vec![
        ("drafts", ArticleFilter { status: Some(vec![Status::Draft]), ..none() }),
        ("published and scheduled", ArticleFilter { status: Some(vec![Status::Published]), ..none() }),
        ("unpublished", ArticleFilter { status: Some(vec![Status::Draft, Status::Archived]), ..none() }),
        (
            "drafts of a subtree",
            ArticleFilter {
                status: Some(vec![Status::Draft]),
                category: Some(vec!["news".to_owned()]),
                ..none()
            },
        ),
    ]
}

fn sorts() -> Vec<Vec<ArticleSort>> {
    use ArticleSort::*;
    let mut sorts: Vec<_> = [
        PublishedDown,
        PublishedUp,
        UpdatedDown,
        UpdatedUp,
        CreatedDown,
        CreatedUp,
        TitleDown,
        TitleUp,
        ViewsDown,
        ViewsUp,
    ]
    .map(|sort| vec![sort])
    .into();
    sorts.extend([vec![TitleUp, PublishedDown], vec![UpdatedDown, TitleUp, CreatedDown]]);
    sorts
}

/// The slices of a list: its first page, one by number, and one from the middle by cursor.
fn slices(sort: &[ArticleSort], all_have_time: bool) -> Vec<(&'static str, PageSlice)> {
    let columns = order(Some(sort), all_have_time).unwrap();
    let middle: DateTime<Utc> = Utc::now() - chrono::Duration::days(30);
    let keys = columns.iter().map(|column| match column.cast {
        "timestamptz" => middle.to_rfc3339(),
        "uuid" => Uuid::from_u128(7).to_string(),
        _ => "8".to_owned(),
    });
    let keys = Some(keys.collect());
    let first = PageSlice { order: columns, keys: None, backwards: false, limit: LIMIT, offset: 0 };
    vec![
        ("first", first.clone()),
        ("by number", PageSlice { offset: 100, ..first.clone() }),
        ("by cursor", PageSlice { keys: keys.clone(), ..first.clone() }),
        ("back by cursor", PageSlice { keys, backwards: true, ..first }),
    ]
}

/// What is wrong with `plan`, as PostgreSQL has run it.
fn faults(plan: &Value, max_sorted: f64, max_read: f64) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![plan];
    let mut read = 0.0;
    while let Some(node) = open.pop() {
        let inner = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
        open.extend(inner);
        let number = |name: &str| node[name].as_f64().unwrap_or_default();
        let looked_at = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"];
        let rows = looked_at.map(number).iter().sum::<f64>() * number("Actual Loops");
        match node["Node Type"].as_str().unwrap() {
            "Index Scan" | "Bitmap Heap Scan" | "Seq Scan" if node["Relation Name"] == "articles" => {
                read += rows
            }
            "Index Only Scan" | "Seq Scan" if rows > MAX_ENTRIES => {
                found.push(format!("{rows} entries read"))
            }
            _ => {}
        }
        // A branch for few articles is planned, and not run where there are many.
        if node["Node Type"] == "Seq Scan"
            && node["Relation Name"] == "articles"
            && number("Actual Loops") > 0.0
        {
            found.push("a sequential scan".to_owned());
        }
        if node["Node Type"] == "Sort" {
            let input = &inner[0];
            let rows = input["Actual Rows"].as_f64().unwrap() * input["Actual Loops"].as_f64().unwrap();
            if rows > max_sorted {
                found.push(format!("a sort of {rows} rows"));
            }
        }
    }
    if read > max_read {
        found.push(format!("{read} rows read"));
    }
    found
}

/// The rows that a list may read: those of the page and those that it skips, from a few parts, and again by their ids.
fn find_max_read(filter: &ArticleFilter, visible: Articles, sort: &[ArticleSort], slice: &PageSlice) -> f64 {
    let page = (slice.limit + slice.offset) as f64;
    let in_time_order = matches!(sort, [ArticleSort::PublishedDown | ArticleSort::PublishedUp]);
    let has_traits = filter.updated_since.is_some() || filter.has.is_some();
    let filters = [filter.tag.is_some(), filter.author.is_some(), filter.source.is_some(), has_traits];
    let filters = filters.into_iter().filter(|is_given| *is_given).count();
    let is_bounded = filter.published_from.is_some();
    let is_in_index = match filters {
        0 => in_time_order || !is_bounded,
        1 => in_time_order && filter.category.is_none() && filter.updated_since.is_none(),
        _ => false,
    };
    // Columns of the order beyond the first are sorted.
    let most = match is_in_index && sort.len() == 1 {
        true if visible == Articles::Public => MAX_READ,
        true => MAX_READ_OF_PARTS,
        false => MAX_READ_OF_FILTERS,
    };
    most + 4.0 * page
}

/// The plan of a statement, as PostgreSQL has run it.
async fn explain(conn: &Connection, (conditions, text): (Conditions, String)) -> Value {
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Json, column_name = "QUERY PLAN")]
        plan: Value,
    }
    let text = format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) {text}");
    let line: Line = conditions.statement(text).get_result(&mut &*conn).await.unwrap();
    line.plan[0]["Plan"].clone()
}

#[actix_web::test]
async fn no_list_scans_the_table_or_sorts_much_of_it() {
    let (app, _) = TestApp::start().await;
    for statement in FILL {
        app.db_execute(statement).await;
    }
    // A statement has five seconds.
    for part in 0..10 {
        let (from, to) = (part * 2_000 + 1, (part + 1) * 2_000);
        let statement = FILL_ARTICLES.replace("$from", &from.to_string()).replace("$to", &to.to_string());
        app.db_execute(&statement).await;
    }
    app.db_execute("UPDATE article_views SET views = hashtext(article_id::text) & 1023").await;
    app.db_execute("VACUUM (ANALYZE) article_views").await;
    app.db_execute("VACUUM (ANALYZE) articles").await;
    app.db_execute("VACUUM (ANALYZE) article_tags").await;
    let tree = app.shared.app.snapshot::<Tree>().await.unwrap();
    let conn = app.shared.app.long_reader().await.unwrap();
    // md5('m7')
    let author = Uuid::parse_str("0449904fbf32607bf8ce5c26823dbc29").unwrap();
    let mut bad = Vec::new();
    let of_all = filters_of_visitors()
        .into_iter()
        .chain(filters_by_traits())
        .map(|(name, filter)| (name, false, filter));
    let of_staff = filters_of_staff().into_iter().map(|(name, filter)| (name, true, filter));
    for (name, for_staff, filter) in of_all.chain(of_staff) {
        for visible in [
            Articles::Public,
            Articles::OwnOf(author),
            Articles::All,
            Articles::Trash,
            Articles::OwnTrash(author),
        ] {
            if for_staff && visible == Articles::Public {
                continue;
            }
            for sort in sorts() {
                for (page, slice) in slices(&sort, filter.all_have_time(visible)) {
                    let parts = 2.0 * 21.0;
                    let most = (slice.limit + slice.offset).unsigned_abs().next_power_of_two() as f64;
                    let filters = filter.tag.is_some()
                        || filter.author.is_some()
                        || filter.source.is_some()
                        || filter.updated_since.is_some()
                        || filter.has.is_some();
                    // Where a filter has few articles, these are sorted; a week is such a filter in the order of views.
                    let by_views = matches!(sort[..], [ArticleSort::ViewsDown | ArticleSort::ViewsUp]);
                    let sorted = match filters {
                        true => MAX_ENTRIES,
                        false if by_views && filter.published_from.is_some() => MAX_READ_OF_FILTERS,
                        false => MAX_SORTED,
                    };
                    let max_sorted = f64::max(sorted, parts * most);
                    // A sequential scan is right for a part of 20,000 rows that it would be wrong for of a million.
                    let seqscan = if filters { "off" } else { "on" };
                    let seqscan = format!("SET enable_seqscan = {seqscan}");
                    diesel::sql_query(seqscan).execute(&mut &*conn).await.unwrap();
                    let statement = card_statement(filter.listing(&tree, visible).unwrap(), &slice);
                    let plan = explain(&conn, statement).await;
                    let max_read = find_max_read(&filter, visible, &sort, &slice);
                    bad.extend(
                        faults(&plan, max_sorted, max_read)
                            .into_iter()
                            .map(|fault| format!("{fault}: {name}, {visible:?}, {sort:?}, {page}")),
                    );
                }
            }
        }
    }
    assert!(bad.is_empty(), "{} of them:\n{}", bad.len(), bad.join("\n"));
}

/// A trigger keeps the plan of the first statement of its connection. Where that plan is made for one row, it compares each
/// row of a later batch with each other one.
#[actix_web::test]
async fn no_trigger_joins_the_rows_of_a_batch_by_comparing_all_of_them() {
    let (app, _) = TestApp::start().await;
    let joins =
        "SELECT proname FROM pg_proc WHERE prorettype = 'trigger'::regtype AND prosrc ~ 'USING \\(id\\)'";
    let names = |condition: &str| {
        format!(
            "SELECT coalesce(string_agg(proname, ' ' ORDER BY proname), '') FROM ({joins} {condition}) AS found"
        )
    };
    let all = ask(&app.db.url, &names("")).await;
    assert!(all.split(' ').count() >= 3, "{all}");
    let slow = "AND NOT coalesce(proconfig, '{}') @> '{enable_nestloop=off}'";
    assert_eq!(ask(&app.db.url, &names(slow)).await, "");
}

#[actix_web::test]
async fn one_article_is_found_by_its_name_while_nothing_is_known_of_the_table() {
    let (app, _) = TestApp::start().await;
    for statement in FILL {
        app.db_execute(statement).await;
    }
    // As an import leaves it.
    app.db_execute(&FILL_ARTICLES.replace("$from", "1").replace("$to", "2000")).await;
    let conn = app.shared.app.reader().await.unwrap();
    let id = Uuid::parse_str(&ask(&app.db.url, "SELECT id FROM articles WHERE slug = 's77'").await).unwrap();
    for name in [IdOrSlug::Slug("s77".to_owned()), IdOrSlug::Id(id)] {
        let article = ArticleRef::IdOrSlug(name);
        for visible in [Articles::Public, Articles::All, Articles::OwnOf(id)] {
            let plan = explain(&conn, one_statement(&article, visible)).await;
            assert_eq!(faults(&plan, 1.0, 2.0), Vec::<String>::new(), "{article:?} {visible:?}");
        }
    }
}
