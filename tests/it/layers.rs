//! The order of the modules: who may import whom, that no files form a circle, and that every error code is used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use inkstone::error::Code;

use crate::harness::files_below;

/// The modules from low to high; those on one line do not import each other.
const LAYERS: &[&[&str]] = &[
    &["config", "telemetry", "priority", "deadline", "db"],
    &["slug", "markup", "mail", "text"],
    &["error", "changes"],
    &["follower", "permits"],
    &["keys"],
    &["app"],
    &["operations"],
    &["tx"],
    &["http", "throttle"],
    &["idempotency"],
    &["members"],
    &["jobs"],
    &["categories", "notices", "site", "audit", "health"],
    &["articles"],
    &["interchange"],
    &["imports", "demo", "upgrade"],
    &["openapi", "commands"],
    &["routes"],
    &["contract"],
    &["server"],
];

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|layer| layer.contains(&module));
    found.unwrap_or_else(|| panic!("{module} has no layer"))
}

/// A source file, as a path of modules: `["articles", "queries"]`.
type Module = Vec<String>;

/// All files of `src` but `lib.rs` and `main.rs`, by their modules.
fn sources() -> BTreeMap<Module, PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rust = files_below(&src).into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs"));
    rust.filter_map(|file| {
        let from_src = file.strip_prefix(&src).unwrap().with_extension("");
        let mut module: Module = from_src.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let is_root = module == ["lib"] || module == ["main"];
        (!is_root).then_some((module, file))
    })
    .collect()
}

/// Every path in `text` that starts with `crate`, `super` or `self`, nested braces spelled out,
/// as modules from the root. `module` is the file's own.
fn paths(text: &str, module: &[String]) -> BTreeSet<Vec<String>> {
    // The tests of a file sit one module deeper, and import what they test: they close no circle.
    let text = text.split("#[cfg(test)]").next().unwrap();
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut prefix: Vec<String> = match start {
                "crate::" => Vec::new(),
                "self::" => module.to_vec(),
                _ => module[..module.len() - 1].to_vec(),
            };
            let mut rest = &code[at + start.len()..];
            while let Some(further) = rest.strip_prefix("super::") {
                prefix.pop();
                rest = further;
            }
            spell_out(rest, &prefix, &mut found);
        }
    }
    found
}

/// Adds the paths that `text` begins with, below `prefix`, and returns what comes after them.
fn spell_out<'t>(text: &'t str, prefix: &[String], found: &mut BTreeSet<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut group) = text.strip_prefix('{') {
        loop {
            group = spell_out(group, prefix, found).trim_start();
            match group.strip_prefix(',') {
                Some(further) => group = further,
                None => return group.strip_prefix('}').unwrap_or(group),
            }
        }
    }
    let length =
        text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    let mut path = prefix.to_vec();
    if !name.is_empty() && name != "self" {
        path.push(name.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(deeper) => spell_out(deeper, &path, found),
        None => {
            found.insert(path);
            rest.trim_start().strip_prefix("as ").map_or(rest, |alias| {
                alias.trim_start().trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_')
            })
        }
    }
}

/// The files that each file imports from.
fn imports() -> BTreeMap<Module, BTreeSet<Module>> {
    let sources = sources();
    let target = |path: &Vec<String>| {
        (1..=path.len())
            .rev()
            .map(|length| path[..length].to_vec())
            .find(|module| sources.contains_key(module))
    };
    let imported = |(module, file): (&Module, &PathBuf)| {
        let text = std::fs::read_to_string(file).unwrap();
        let mut targets: BTreeSet<Module> = paths(&text, module).iter().filter_map(target).collect();
        targets.remove(module);
        (module.clone(), targets)
    };
    sources.iter().map(imported).collect()
}

#[test]
fn paths_are_read_in_all_their_forms() {
    let module = ["a".to_owned(), "b".to_owned()];
    let text = "use crate::{x, y::{Z, w::{self, V as U}}};\nuse super::c::D;\nfn f() { self::e::g(); super::super::h::i() }";
    let found: Vec<String> = paths(text, &module).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::b::e::g", "a::c::D", "h::i", "x", "y::Z", "y::w", "y::w::V"]);
}

#[test]
fn modules_import_downwards_only() {
    let mut checked = 0;
    for (module, targets) in imports() {
        for target in targets.iter().filter(|target| target[0] != module[0]) {
            let upward = layer(&target[0]) >= layer(&module[0]);
            assert!(!upward, "{} imports {}", module.join("::"), target.join("::"));
            checked += 1;
        }
    }
    assert!(checked > 300, "only {checked} imports were seen");
}

#[test]
fn no_files_form_a_circle() {
    // A file is left out as soon as all that it imports is left out; what remains are circles.
    let mut remaining = imports();
    loop {
        let free: Vec<Module> = remaining
            .iter()
            .filter(|(_, targets)| targets.iter().all(|target| !remaining.contains_key(target)))
            .map(|(module, _)| module.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        for module in free {
            remaining.remove(&module);
        }
    }
    // And those that only lead to circles, from the other side.
    loop {
        let imported: BTreeSet<Module> = remaining.values().flatten().cloned().collect();
        let before = remaining.len();
        remaining.retain(|module, _| imported.contains(module));
        if remaining.len() == before {
            break;
        }
    }
    let circle: Vec<String> = remaining
        .iter()
        .map(|(module, targets)| {
            let targets: Vec<String> = targets
                .iter()
                .filter(|target| remaining.contains_key(*target))
                .map(|target| target.join("::"))
                .collect();
            format!("{} -> {}", module.join("::"), targets.join(", "))
        })
        .collect();
    assert!(circle.is_empty(), "files that import each other:\n{}", circle.join("\n"));
}

#[test]
fn every_error_code_is_raised_somewhere() {
    let text: String = sources().values().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for code in Code::ALL {
        let uses = text.matches(&format!("Code::{code:?}")).count();
        assert!(uses > 0, "{code:?} is never raised");
    }
}
