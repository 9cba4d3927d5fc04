//! Every dependency may be used under a permissive licence. Works offline.

use std::process::Command;

use serde_json::Value;
use spdx::Expression;

/// Licences that ask for no more than their own text.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "CC0-1.0",
    "IJG",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_dependency_has_a_permissive_licence() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1", "--manifest-path", manifest])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let refused: Vec<String> =
        packages.iter().filter(|package| !is_allowed(&package["license"])).map(described).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

fn is_allowed(licence: &Value) -> bool {
    let expression = licence.as_str().map(|text| Expression::parse_mode(text, spdx::ParseMode::LAX));
    let Some(Ok(expression)) = expression else { return false };
    expression.evaluate(|one| one.license.id().is_some_and(|id| ALLOWED.contains(&id.name)))
}

fn described(package: &Value) -> String {
    format!("{} {}: {}", package["name"], package["version"], package["license"])
}
