//! The order of the modules: who may import whom, that no files form a circle, and that every error code is used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use inkstone::error::Code;

use crate::harness::files_below;

/// The modules from low to high; those on one line do not import each other.
const LAYERS: &[&[&str]] = &[
    &["config"],
    &["telemetry", "priority", "deadline", "db", "ranges"],
    &["metrics", "slug", "markup", "mail", "text", "language", "storage", "pictures", "outbound"],
    &["error", "changes"],
    &["follower", "permits"],
    &["keys", "cache", "index"],
    &["app"],
    &["operations"],
    &["tx"],
    &["http", "throttle"],
    &["idempotency"],
    &["members"],
    &["jobs"],
    &["search", "site"],
    &["media"],
    &["categories", "notices", "audit", "health", "monitoring"],
    &["articles"],
    &["tags"],
    &["site_search", "menus", "feeds", "sitemaps", "change_feed"],
    &["home", "webhooks"],
    &["interchange"],
    &["imports", "demo", "upgrade"],
    &["openapi", "commands"],
    &["routes"],
    &["contract"],
    &["pages"],
    &["edge"],
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

/// What makes an error with `code`, besides the code itself: a variant of `Error` that stands for
/// it, or a function that returns it.
fn find_maker(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::VersionMismatch => "Error::Stale {",
        Code::MethodNotAllowed => "Error::MethodNotAllowed {",
        Code::TooManyRequests => "Error::Throttled {",
        Code::Unavailable => "Error::Unavailable(",
        Code::OutcomeUnknown => "Error::OutcomeUnknown(",
        Code::Internal => "Error::Internal(",
        Code::NotFound => "Error::not_found()",
        Code::Forbidden => "Error::forbidden(",
        Code::Unauthenticated => "Error::unauthenticated()",
        Code::InvalidParameter => "Error::parameters(",
        Code::InvalidBody => "Error::body(",
        _ => return None,
    })
}

/// Whether a line of code names `what` to make it, and not as a pattern to compare with.
fn makes(line: &str, what: &str) -> bool {
    let Some((before, after)) = line.split_once(what) else { return false };
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_longer_name = what.ends_with(in_name) && after.starts_with(in_name);
    let is_pattern = after.contains("=>")
        || ["_", "..", " .."].iter().any(|any| after.starts_with(any))
        || ["matches!(", "let Err(", "let Some("].iter().any(|word| before.contains(word));
    !is_longer_name && !is_pattern
}

/// The codes that the code in `text` raises. Comments and unit tests raise none.
fn find_raised_codes<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<Code> {
    let code = texts.map(|text| text.split("#[cfg(test)]").next().unwrap());
    let lines: Vec<&str> =
        code.flat_map(str::lines).filter(|line| !line.trim_start().starts_with("//")).collect();
    let is_raised = |code: &Code| {
        let name = format!("Code::{code:?}");
        lines
            .iter()
            .any(|line| makes(line, &name) || find_maker(*code).is_some_and(|maker| makes(line, maker)))
    };
    Code::ALL.iter().copied().filter(is_raised).collect()
}

#[test]
fn every_error_code_is_raised_somewhere() {
    // The module of errors says what each variant means, which raises nothing.
    let outside = sources().into_iter().filter(|(module, _)| module[0] != "error");
    let texts: Vec<String> = outside.map(|(_, file)| std::fs::read_to_string(file).unwrap()).collect();
    let raised = find_raised_codes(texts.iter().map(String::as_str));
    for code in Code::ALL {
        assert!(raised.contains(code), "{code:?} is never raised");
    }
}

#[test]
fn a_code_that_is_only_compared_or_mentioned_is_not_raised() {
    for code in Code::ALL {
        let maker = find_maker(*code).unwrap_or("Code::Unlike");
        let rest = if maker.ends_with('{') { " .. }" } else { "_)" };
        let text = format!(
            "// Code::{code:?}\nCode::{code:?} => 1,\nmatches!(error, Code::{code:?})\nCode::{code:?}Other\n\
             {maker}{rest} => 2,\n#[cfg(test)]\nfail(Code::{code:?})"
        );
        assert!(!find_raised_codes([text.as_str()].into_iter()).contains(code), "{text}");
        let raising = format!("return Err(Error::Refused(Code::{code:?}, detail));");
        assert!(find_raised_codes([raising.as_str()].into_iter()).contains(code), "{raising}");
    }
}
