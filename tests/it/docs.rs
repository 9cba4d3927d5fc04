//! The documentation names only what exists, and its map names every folder of the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ARCHITECTURE: &str = "docs/architecture.md";
const CONTRIBUTING: &str = "CONTRIBUTING.md";

/// Beginnings of paths of this repository. Paths of other places, like `/tmp/x`, begin otherwise.
const FOLDERS: [&str; 7] = ["src/", "tests/", "benches/", "migrations/", "openapi/", "docs/", ".ci/"];
/// Endings of files that stand at the top of this repository.
const TOP_ENDINGS: [&str; 3] = [".toml", ".md", ".yml"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The paths of this repository that `text` names.
fn named_paths(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
    text.split(|c: char| !is_part(c))
        .map(|word| word.trim_start_matches("../").trim_end_matches(['.', '-']))
        .filter(|word| {
            let is_top_file = !word.contains('/')
                && TOP_ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
            is_top_file || FOLDERS.iter().any(|folder| word.starts_with(folder))
        })
        .collect()
}

/// The paths that `text` names and that do not exist.
fn missing_paths(text: &str) -> Vec<&str> {
    named_paths(text).into_iter().filter(|path| !root().join(path).exists()).collect()
}

/// The folders directly below `src` that `map` does not name.
fn folders_missing_in(map: &str) -> Vec<String> {
    let named = named_paths(map);
    let entries = fs::read_dir(root().join("src")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let folders = folders.map(|entry| format!("src/{}/", entry.file_name().to_str().unwrap()));
    folders.filter(|folder| !named.contains(folder.as_str())).collect()
}

/// The section of the architecture that begins with the heading `## The map`.
fn map(architecture: &str) -> &str {
    let (_, map) = architecture.split_once("\n## The map\n").unwrap();
    map.split("\n## ").next().unwrap()
}

#[test]
fn every_path_in_the_documentation_exists() {
    for file in [ARCHITECTURE, CONTRIBUTING] {
        let text = read(file);
        let missing = missing_paths(&text);
        assert!(missing.is_empty(), "{file} names paths that do not exist: {missing:?}");
        let count = named_paths(&text).len();
        assert!(count >= 15, "only {count} paths were found in {file}");
    }
}

#[test]
fn the_map_names_every_folder_of_the_source() {
    let architecture = read(ARCHITECTURE);
    let missing = folders_missing_in(map(&architecture));
    assert!(missing.is_empty(), "the map in {ARCHITECTURE} lacks {missing:?}");
}

#[test]
fn a_wrong_path_and_a_missing_folder_are_found() {
    let text = "`src/db/pool.rs`, (src/nowhere.rs), [x](../docs/nowhere.md), NOWHERE.md. /tmp/src/x, target/docs/x, \
                a/src/x.rs and a `.toml`; src/db/. Cargo.toml";
    assert_eq!(missing_paths(text), ["NOWHERE.md", "docs/nowhere.md", "src/nowhere.rs"]);
    assert!(folders_missing_in("src/db/ and src/articles").contains(&"src/articles/".to_owned()));
    assert!(!folders_missing_in("src/db/ and src/articles").contains(&"src/db/".to_owned()));
}
