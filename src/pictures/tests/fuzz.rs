//! Valid files that are changed at random: no panic, no endless work.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::samples;
use crate::pictures::format::Format;
use crate::pictures::inspect::inspect;
use crate::pictures::limits::Limits;
use crate::pictures::master::make_master;
use crate::pictures::sniff::sniff;
use crate::pictures::spec::VariantSpec;
use crate::pictures::strip::strip;
use crate::pictures::svg::sanitise_svg;
use crate::pictures::variant::render;

/// The slowest machine without optimisation.
const MAX_TIME: Duration = Duration::from_secs(20);

static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let small = samples::all().into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 60_000);
    small.collect()
});

/// A change at a place, which is a share of the length in 1/65536.
#[derive(Debug, Clone)]
enum Change {
    Set(u16, u8),
    Flip(u16, u8),
    Cut(u16),
    Remove(u16, u8),
    Insert(u16, Vec<u8>),
    Number(u16, u32),
}

fn change() -> impl Strategy<Value = Change> {
    let place = prop_oneof![any::<u16>(), 0..2_000_u16];
    let numbers = prop_oneof![Just(0), Just(u32::MAX), Just(0x7FFF_FFFF), Just(0xFFFF), any::<u32>()];
    prop_oneof![
        6 => (place.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        4 => (place.clone(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => place.clone().prop_map(Change::Cut),
        1 => (place.clone(), any::<u8>()).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (place.clone(), proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (place, numbers).prop_map(|(at, number)| Change::Number(at, number)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let place = |at: u16| usize::from(at) * bytes.len() / 65_536;
    match change {
        _ if bytes.is_empty() => {}
        Change::Set(at, byte) => {
            let at = place(*at);
            bytes[at] = *byte;
        }
        Change::Flip(at, bit) => {
            let at = place(*at);
            bytes[at] ^= 1 << bit;
        }
        Change::Cut(at) => bytes.truncate(place(*at)),
        Change::Remove(at, count) => {
            let at = place(*at);
            bytes.drain(at..(at + usize::from(*count)).min(bytes.len()));
        }
        Change::Insert(at, more) => {
            let at = place(*at);
            bytes.splice(at..at, more.iter().copied());
        }
        Change::Number(at, number) => {
            let at = place(*at);
            let length = (bytes.len() - at).min(4);
            bytes[at..at + length].copy_from_slice(&number.to_be_bytes()[..length]);
        }
    }
}

/// Repairs the checksums of a PNG, so that changes come further than those.
fn repair_png(bytes: &mut Vec<u8>) {
    use crate::pictures::containers::png;
    let Ok(chunks) = png::Chunks::new(bytes) else { return };
    let mut repaired = png::SIGNATURE.to_vec();
    chunks.flatten().for_each(|chunk| png::write_chunk(&mut repaired, chunk.kind, chunk.data));
    *bytes = repaired;
}

fn limits() -> Limits {
    Limits { max_pixels: 4_000_000, max_decode_bytes: 120 << 20, ..Limits::default() }
}

fn run_all(bytes: &[u8]) {
    let begun = Instant::now();
    let _ = sniff(bytes);
    let facts = inspect(bytes, &limits());
    let master = make_master(bytes, &limits());
    assert!(facts.is_ok() || master.is_err());
    if let Ok(master) = master {
        let spec =
            VariantSpec { width: Some(50), height: None, crop: None, format: Format::Webp, quality: 70 };
        render(&master.bytes, &spec).unwrap();
    }
    if let Ok(stripped) = strip(bytes) {
        let again = inspect(&stripped, &limits());
        assert!(facts.is_err() || again.is_ok(), "{facts:?} {again:?}");
    }
    assert!(begun.elapsed() < MAX_TIME, "{:?}", begun.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_pictures_are_refused_or_made_harmless(
        sample in any::<prop::sample::Index>(),
        changes in proptest::collection::vec(change(), 1..6),
        is_repaired in any::<bool>(),
    ) {
        let mut bytes = sample.get(&SAMPLES).clone();
        changes.iter().for_each(|change| apply(&mut bytes, change));
        if is_repaired {
            repair_png(&mut bytes);
        }
        run_all(&bytes);
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        run_all(&bytes);
        let _ = sanitise_svg(&bytes);
    }

    #[test]
    fn arbitrary_elements_are_sanitised_or_refused(text in "(<svg|<g|</g>|</svg>|>|/>| x='1'|&amp;|&#0;|<!--|-->|<!\\[CDATA\\[|\\]\\]>|a|\n){0,60}") {
        let _ = sanitise_svg(format!("<svg xmlns='http://www.w3.org/2000/svg'>{text}").as_bytes());
    }
}
