//! The OpenAPI document as it is written down, and the schema that the code believes in.

mod bounds;
mod generators;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use diesel_async::{AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::MigrationHarness;
use inkstone::contract::Contract;
use inkstone::db;
use serde_json::{Value, json};

use crate::harness::cluster::{bare_database, fresh_database};
use crate::harness::contract::{DOCUMENT, operations};
use crate::harness::machine::ask;

/// Words that an operation's id may begin with.
const VERBS: &[&str] = &[
    "export", "import", "change", "refresh", "end", "request", "reset", "verify", "list", "get", "create",
    "put", "update", "delete", "restore", "count", "register", "login", "logout", "describe", "rotate",
    "test", "replay",
];

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_checked_in_document_is_current() {
    let path = file("openapi/openapi.json");
    let current = Contract::new().unwrap().json;
    if std::env::var_os("UPDATE").is_some_and(|update| update == "1") {
        fs::write(&path, &current).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap();
    let number = checked_in.lines().zip(current.lines()).take_while(|(old, new)| old == new).count();
    let there = |text: &str| text.lines().nth(number).unwrap_or("(the end)").to_owned();
    assert!(
        checked_in == current,
        "openapi/openapi.json is stale from line {} on:\n  it says  {}\n  but now  {}\n\
         UPDATE=1 cargo test --test it openapi rewrites it",
        number + 1,
        there(&checked_in),
        there(&current)
    );
}

#[test]
fn operations_are_named_alike() {
    let mut seen = BTreeSet::new();
    for operation in operations() {
        let id = &operation.id;
        let (verb, resource) = id.split_once('_').unwrap_or((id, ""));
        assert!(VERBS.contains(&verb), "{id} begins with no known verb");
        let words = resource.split('_');
        assert!(
            words.clone().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        );
        assert!(seen.insert(id.clone()), "{id} is there twice");
        let method = match verb {
            "list" | "get" | "export" => "GET",
            "put" => "PUT",
            "update" => "PATCH",
            "delete" | "end" => "DELETE",
            "describe" => "OPTIONS",
            _ => "POST",
        };
        assert_eq!(operation.method.as_str(), method, "{id}");
    }
}

#[test]
fn operations_are_described_and_sorted() {
    let declared: BTreeSet<&str> = strings(&DOCUMENT["tags"], |tag| &tag["name"]);
    let mut used = BTreeSet::new();
    for operation in operations() {
        let id = &operation.id;
        let summary = operation.spec["summary"].as_str().unwrap_or_default();
        assert!((4..=60).contains(&summary.len()) && !summary.ends_with('.'), "{id}: {summary:?}");
        let tags = strings(&operation.spec["tags"], |tag| tag);
        assert_eq!(tags.len(), 1, "{id}: {tags:?}");
        used.extend(tags.into_iter().map(str::to_owned));
        for response in operation.spec["responses"].as_object().unwrap().values() {
            let described = response["$ref"].is_string() || response["description"] != "";
            assert!(described, "{id}: {response}");
        }
    }
    assert_eq!(used, declared.into_iter().map(str::to_owned).collect());
}

fn strings<'a>(list: &'a Value, text: impl Fn(&'a Value) -> &'a Value) -> BTreeSet<&'a str> {
    list.as_array().unwrap().iter().map(|one| text(one).as_str().unwrap()).collect()
}

#[test]
fn operations_name_the_failures_they_can_have() {
    for operation in operations().iter().filter(|operation| operation.path.starts_with("/api/")) {
        let names = |status: &str| operation.spec["responses"].get(status).is_some();
        let security = operation.spec["security"].as_array();
        let needs_member = security.is_none();
        let takes_member = security.is_none_or(|all| all.iter().any(|one| one.get("bearer").is_some()));
        let has_body = operation.spec.get("requestBody").is_some();
        for (status, applies) in [
            ("400", true),
            ("401", takes_member),
            ("403", needs_member),
            ("404", operation.path.contains('{')),
            ("413", has_body),
            ("415", has_body),
            ("422", has_body),
            ("500", true),
            ("503", true),
        ] {
            assert!(!applies || names(status), "{} does not name {status}", operation.id);
        }
        assert!(["200", "201", "202", "204"].into_iter().any(names), "{} never succeeds", operation.id);
    }
}

/// Calls `see` on `value` and all in it, with the path to each.
fn walk<'a>(path: &str, value: &'a Value, see: &mut impl FnMut(&str, &'a Value)) {
    see(path, value);
    match value {
        Value::Object(map) => map.iter().for_each(|(key, one)| walk(&format!("{path}/{key}"), one, see)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, one)| walk(&format!("{path}/{at}"), one, see));
        }
        _ => {}
    }
}

fn references(value: &Value) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    walk("", value, &mut |_, value| found.extend(value["$ref"].as_str()));
    found
}

fn target(reference: &str) -> &'static Value {
    let target = reference.strip_prefix('#').and_then(|pointer| DOCUMENT.pointer(pointer));
    target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

#[test]
fn references_resolve_and_no_component_is_unused() {
    references(&DOCUMENT).into_iter().for_each(|reference| assert!(target(reference).is_object()));
    let mut reached = BTreeSet::new();
    let mut ahead: Vec<&str> = references(&DOCUMENT["paths"]).into_iter().collect();
    while let Some(reference) = ahead.pop() {
        if reached.insert(reference.to_owned()) {
            ahead.extend(references(target(reference)));
        }
    }
    let all = ["schemas", "responses", "parameters", "headers"].into_iter().flat_map(|kind| {
        let components = DOCUMENT["components"][kind].as_object().unwrap();
        components.keys().map(move |name| format!("#/components/{kind}/{name}"))
    });
    assert_eq!(all.collect::<BTreeSet<_>>(), reached);
}

#[test]
fn examples_are_valid() {
    let (mut checked, mut wrong) = (0, Vec::new());
    walk("", &DOCUMENT, &mut |path, value| {
        // Below `properties`, a key is a property's name.
        if path.ends_with("/properties") || !value.is_object() {
            return;
        }
        let several = value["examples"].as_array();
        let schema = value.get("schema").unwrap_or(value);
        let whole = || json!({"allOf": [schema], "components": DOCUMENT["components"]});
        for example in value.get("example").into_iter().chain(several.into_iter().flatten()) {
            let validator = jsonschema::options().should_validate_formats(true).build(&whole()).unwrap();
            wrong.extend(validator.iter_errors(example).map(|error| format!("{path}: {error}")));
            checked += 1;
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 10, "only {checked} examples were seen");
}

/// The tables of src/db/schema.rs: the key, and each column as PostgreSQL would put it.
fn believed() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(file("src/db/schema.rs")).unwrap();
    let table = |block: &str| {
        let mut lines = block.lines().map(str::trim).filter(|line| !line.is_empty());
        let (name, key) = lines.next().unwrap().trim_end_matches(" {").split_once(' ').unwrap();
        let name = if name.contains('.') { name.to_owned() } else { format!("public.{name}") };
        let columns = lines.map_while(|line| line.trim_end_matches(',').split_once(" -> ")).map(column);
        (name, std::iter::once(key.to_owned()).chain(columns).collect())
    };
    text.split("diesel::table! {").skip(1).map(table).collect()
}

fn column((name, kind): (&str, &str)) -> String {
    let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
    let kind = match inner.unwrap_or(kind) {
        "SmallInt" => "int2".to_owned(),
        "Integer" => "int4".to_owned(),
        "BigInt" => "int8".to_owned(),
        "Double" => "float8".to_owned(),
        "Array<Text>" => "_text".to_owned(),
        "Array<SmallInt>" => "_int2".to_owned(),
        other => other.to_lowercase(),
    };
    format!("{name} {kind} {}", if inner.is_some() { "YES" } else { "NO" })
}

#[actix_web::test]
async fn the_code_and_the_database_agree_on_tables_and_columns() {
    let db = fresh_database().await;
    let columns = "SELECT string_agg(format('%s.%s|%s %s %s', table_schema, table_name, column_name, udt_name, \
                   is_nullable), E'\\n' ORDER BY table_schema, table_name, ordinal_position) \
                   FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    let keys = "SELECT string_agg(format('%s.%s|(%s)', table_schema, table_name, names), E'\\n') FROM ( \
                SELECT table_schema, table_name, string_agg(column_name, ', ' ORDER BY ordinal_position) AS names \
                FROM information_schema.key_column_usage JOIN information_schema.table_constraints \
                USING (constraint_schema, constraint_name, table_schema, table_name) \
                WHERE constraint_type = 'PRIMARY KEY' AND table_schema <> 'pg_catalog' GROUP BY table_schema, table_name) AS keys";
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sql in [keys, columns] {
        for line in ask(&db.url, sql).await.lines() {
            let (table, line) = line.split_once('|').unwrap();
            found.entry(table.to_owned()).or_default().push(line.to_owned());
        }
    }
    // Diesel's own, the logs, for whose `xid8` diesel has no type, and webhooks: all SQL on them is text.
    for other in [
        "public.__diesel_schema_migrations",
        "public.changes",
        "public.invalidations",
        "public.visibility_changes",
        "public.webhooks",
        "public.webhook_deliveries",
        "public.webhook_attempts",
        "public.webhook_position",
        "public.webhook_last_states",
        "public.webhook_announcements",
    ] {
        assert!(found.remove(other).is_some(), "{other} is not there");
    }
    assert_eq!(believed(), found);
}

/// All that migrations make, a line each.
async fn shape(url: &str) -> String {
    let sql = "SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ( \
        SELECT format('column %s.%s.%s %s %s %s', table_schema, table_name, column_name, udt_name, is_nullable, \
            column_default) AS line FROM information_schema.columns \
            WHERE table_schema NOT IN ('pg_catalog', 'information_schema') \
        UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname <> 'pg_catalog' \
        UNION ALL SELECT format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(oid)) \
            FROM pg_constraint WHERE oid >= 16384 \
        UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class WHERE oid >= 16384 AND relkind <> 't' \
            AND relname NOT LIKE 'pg\\_toast%' \
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE oid >= 16384 \
        UNION ALL SELECT 'type ' || oid::regtype FROM pg_type WHERE oid >= 16384 AND typname NOT LIKE 'pg\\_toast%' \
        UNION ALL SELECT format('function %s %s %s', oid::regprocedure, md5(prosrc), \
            (SELECT string_agg(setting, ' ' ORDER BY setting) FROM unnest(proconfig) AS setting)) \
            FROM pg_proc WHERE oid >= 16384 \
        UNION ALL SELECT 'extension ' || extname FROM pg_extension \
        ) AS lines WHERE line NOT LIKE '%diesel%'";
    ask(url, sql).await
}

/// Migrations that find something to do only in databases of certain versions.
const OF_SOME_VERSIONS: [&str; 1] = ["20261127080001"];

#[actix_web::test]
async fn every_migration_can_be_undone() {
    let db = bare_database().await;
    let url = db.url.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let migrating = runtime.spawn(async move {
        let mut harness = AsyncMigrationHarness::new(
            AsyncPgConnection::try_from(db::pool::open_client(&url).await.unwrap()).await.unwrap(),
        );
        let mut shapes = vec![shape(&url).await];
        while harness.has_pending_migration(db::MIGRATIONS).unwrap() {
            let name = harness.run_next_migration(db::MIGRATIONS).unwrap().to_string();
            shapes.push(shape(&url).await);
            let does_nothing = shapes[shapes.len() - 2] == shapes[shapes.len() - 1];
            assert_eq!(does_nothing, OF_SOME_VERSIONS.contains(&name.as_str()), "{name}");
        }
        let newest = shapes.pop().unwrap();
        while let Some(before) = shapes.pop() {
            let name = harness.revert_last_migration(db::MIGRATIONS).unwrap().to_string();
            assert_eq!(shape(&url).await, before, "after undoing {name}");
        }
        assert!(!harness.run_pending_migrations(db::MIGRATIONS).unwrap().is_empty());
        assert_eq!(shape(&url).await, newest, "after running all again");
    });
    migrating.await.unwrap();
    runtime.shutdown_background();
}
