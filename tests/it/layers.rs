//! The house's order: who may import whom, and that every error code is used.

use std::path::Path;

use inkstone::error::Code;

use crate::harness::files_below;

/// The modules from low to high; those on one line do not know each other, but for submodules of one feature.
const LAYERS: &[&[&str]] = &[
    &["config", "telemetry", "priority", "db"],
    &["keys", "slug", "markup", "mail"],
    &["error", "changes"],
    &["app"],
    &["http", "throttle"],
    &["members"],
    &["categories", "notices", "site", "audit", "health"],
    &["articles"],
    &["interchange"],
    &["imports", "demo"],
    &["openapi", "commands"],
    &["routes"],
    &["contract"],
    &["server"],
];

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|layer| layer.contains(&module));
    found.unwrap_or_else(|| panic!("{module} has no layer"))
}

/// The first segments of the `crate::` paths in a file, those in braces included.
fn imports(text: &str) -> Vec<String> {
    let name =
        |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.push(name(rest)),
            Some(group) => {
                found.extend(group.split('}').next().unwrap().split(',').map(|one| name(one.trim())))
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn modules_import_downwards_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    for file in files_below(&src).iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs")) {
        let module = file.strip_prefix(&src).unwrap().iter().next().unwrap().to_str().unwrap();
        let module = module.trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        for import in imports(&std::fs::read_to_string(file).unwrap()) {
            let upward = import != module && layer(&import) >= layer(module);
            assert!(!upward, "{} imports {import}", file.display());
            checked += 1;
        }
    }
    assert!(checked > 200, "only {checked} imports were seen");
}

#[test]
fn every_error_code_is_raised_somewhere() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files_below(&src);
    let rust = files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs"));
    let text: String = rust.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for code in Code::ALL {
        let uses = text.matches(&format!("Code::{code:?}")).count();
        assert!(uses > 0, "{code:?} is never raised");
    }
}
