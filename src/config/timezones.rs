//! Time zones by their IANA names, as settings, the site and imports take them.

use chrono_tz::{TZ_VARIANTS, Tz};

/// The time zone of a site that was given no other.
pub const DEFAULT_TIMEZONE: Tz = Tz::Asia__Shanghai;
/// Near names that a refusal tells.
const MAX_NEAR_NAMES: usize = 3;
/// The least similarity of a near name, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.75;
/// Cities that people look for and that have no time zone of their own.
const CITIES: &[(&str, Tz)] = &[
    ("beijing", Tz::Asia__Shanghai),
    ("peking", Tz::Asia__Shanghai),
    ("guangzhou", Tz::Asia__Shanghai),
    ("shenzhen", Tz::Asia__Shanghai),
    ("china", Tz::Asia__Shanghai),
    ("北京", Tz::Asia__Shanghai),
    ("上海", Tz::Asia__Shanghai),
    ("utc+8", Tz::Asia__Shanghai),
    ("gmt+8", Tz::Asia__Shanghai),
    ("+08:00", Tz::Asia__Shanghai),
];

/// Finds a time zone by its IANA name, in any case.
pub fn find_timezone(name: &str) -> Option<Tz> {
    Tz::from_str_insensitive(name.trim()).ok()
}

/// Names that may have been meant, the nearest first: at most three, and at least one.
pub fn find_near_names(name: &str) -> Vec<&'static str> {
    let wanted = last_step(&name.trim().to_lowercase()).to_owned();
    let known = CITIES.iter().find(|(city, _)| *city == wanted);
    let mut similar: Vec<(f64, Tz)> = TZ_VARIANTS
        .iter()
        .map(|zone| (rate_similarity(&wanted, &name.to_lowercase(), *zone), *zone))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .collect();
    similar.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut names: Vec<_> = known.map(|(_, zone)| zone.name()).into_iter().collect();
    for (_, zone) in similar {
        if !names.contains(&zone.name()) {
            names.push(zone.name());
        }
    }
    if names.is_empty() {
        names.push(DEFAULT_TIMEZONE.name());
    }
    names.truncate(MAX_NEAR_NAMES);
    names
}

/// How much a zone's name, or its city alone, is like what was given.
fn rate_similarity(city: &str, name: &str, zone: Tz) -> f64 {
    let known = zone.name().to_lowercase();
    let of_city = strsim::normalized_damerau_levenshtein(city, last_step(&known));
    of_city.max(strsim::normalized_damerau_levenshtein(name.trim(), &known))
}

fn last_step(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_in_any_case() {
        for name in ["Asia/Shanghai", "asia/shanghai", " ASIA/SHANGHAI "] {
            assert_eq!(find_timezone(name), Some(Tz::Asia__Shanghai), "{name}");
        }
        for name in ["", "Asia", "Asia/Beijing", "UTC+8", "+08:00", "Asia/Shanghai/x", "上海"] {
            assert_eq!(find_timezone(name), None, "{name}");
        }
    }

    #[test]
    fn near_names_begin_with_what_was_meant() {
        for (name, meant) in [
            ("Asia/Shangai", "Asia/Shanghai"),
            ("Shanghai", "Asia/Shanghai"),
            ("Asia/Beijing", "Asia/Shanghai"),
            ("GMT+8", "Asia/Shanghai"),
            ("Europe/Berlim", "Europe/Berlin"),
            ("new_york", "America/New_York"),
            ("", "Asia/Shanghai"),
        ] {
            let near = find_near_names(name);
            assert_eq!(near.first(), Some(&meant), "{name}: {near:?}");
            assert!(near.len() <= MAX_NEAR_NAMES, "{near:?}");
        }
    }
}
