//! More than 200 hostile files: each is refused, or what is made of it holds none of the hostile bytes.

use std::time::{Duration, Instant};

use super::samples::{self, JpegOptions, add_segment};
use crate::pictures::containers::{png, webp};
use crate::pictures::file_type::Kind;
use crate::pictures::format::Format;
use crate::pictures::inspect::inspect;
use crate::pictures::limits::Limits;
use crate::pictures::master::make_master;
use crate::pictures::sniff::sniff;
use crate::pictures::spec::VariantSpec;
use crate::pictures::strip::strip;
use crate::pictures::variant::render_all;

const EVIL: &[u8] = b"<script>alert(document.domain)</script>";
/// Growth of this process over all hostile files. Other tests run beside this one.
const MAX_GROWTH_KB: u64 = 350 << 10;

/// Whether a file must be refused, or may come out clean.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Refused,
    RefusedOrClean,
}

type Hostile = (String, Vec<u8>, Fate);

fn refused(name: impl Into<String>, bytes: Vec<u8>) -> Hostile {
    (name.into(), bytes, Fate::Refused)
}

fn any(name: impl Into<String>, bytes: Vec<u8>) -> Hostile {
    (name.into(), bytes, Fate::RefusedOrClean)
}

fn valid() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("jpeg", samples::plain_jpeg()),
        (
            "progressive",
            samples::jpeg(96, 64, &JpegOptions { is_progressive: true, ..JpegOptions::default() }),
        ),
        ("png", samples::plain_png()),
        ("apng", samples::apng(3)),
        ("gif", samples::gif(2)),
        ("webp", samples::webp(false, false)),
        ("lossless", samples::webp(true, true)),
        ("animated", samples::animated_webp(2)),
    ]
}

/// Files that end early, at ten places each. A GIF may end after any frame.
fn truncated() -> Vec<Hostile> {
    let cut = |name: &str, bytes: &[u8], i: usize| {
        let hostile = (format!("{name} cut {i}"), bytes[..bytes.len() * i / 10].to_vec());
        if name == "gif" { any(hostile.0, hostile.1) } else { refused(hostile.0, hostile.1) }
    };
    valid()
        .iter()
        .flat_map(|(name, bytes)| (0..10).map(|i| cut(name, bytes, i)).collect::<Vec<_>>())
        .collect()
}

/// Lengths and sizes that are replaced by wrong ones, all over the head.
fn wrong_numbers() -> Vec<Hostile> {
    let mut files = Vec::new();
    for (name, bytes) in valid() {
        for at in [2, 4, 8, 12, 16, 20, 24, 30, 33, 41] {
            let mut changed = bytes.clone();
            changed[at..at + 4].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xF0]);
            files.push(any(format!("{name} number at {at}"), changed));
        }
    }
    files
}

fn polyglots() -> Vec<Hostile> {
    let html = [b"<!DOCTYPE html>".as_slice(), EVIL].concat();
    let (jpeg, png) = (samples::plain_jpeg(), samples::plain_png());
    let mut files = vec![
        refused("html", html.clone()),
        refused("html as png", [b"\x89PNG\r\n\x1a\n".as_slice(), &html].concat()),
        refused("html after ihdr", [&png[..33], &html].concat()),
        refused("html as jpeg", [b"\xFF\xD8\xFF\xE0".as_slice(), &html].concat()),
        refused("html as webp", [b"RIFF\x40\0\0\0WEBPVP8 ".as_slice(), &html].concat()),
        refused("gif and js", b"GIF89a/*\x01\x01\0\0*/=1;alert(document.domain);//".to_vec()),
        refused("gif and js, small", b"GIF89a=1;alert(1)//;".to_vec()),
        refused("html before jpeg", [&html, &jpeg[..]].concat()),
        refused("php as gif", [b"GIF89a".as_slice(), b"<?php system($_GET[0]); ?>"].concat()),
        refused("svg with a script", [b"<svg onload='alert(1)'>".as_slice(), EVIL, b"</svg>"].concat()),
        refused(
            "jar",
            b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0META-INF/MANIFEST.MF"
                .to_vec(),
        ),
    ];
    files.extend(pictures_with_markup());
    files
}

/// Valid pictures that carry markup in every part that is not pixels.
fn pictures_with_markup() -> Vec<Hostile> {
    let html = [b"<!DOCTYPE html>".as_slice(), EVIL].concat();
    let [jpeg, png, gif, webp] =
        [samples::plain_jpeg(), samples::plain_png(), samples::gif(1), samples::webp(false, false)];
    let mut files = Vec::new();
    for (name, bytes) in [("jpeg", &jpeg), ("png", &png), ("gif", &gif), ("webp", &webp)] {
        files.push(any(format!("{name} then html"), [bytes.as_slice(), &html].concat()));
        files.push(any(format!("{name} then zip"), [bytes.as_slice(), b"PK\x03\x04", EVIL].concat()));
    }
    for marker in [0xE0, 0xE1, 0xE2, 0xE3, 0xEC, 0xED, 0xEE, 0xEF, 0xFE] {
        files.push(any(format!("jpeg with html in {marker:x}"), add_segment(&jpeg, marker, EVIL)));
        let known = [b"Adobe\0\x64\0\0\0\0\0".as_slice(), EVIL].concat();
        files.push(any(format!("jpeg with a name in {marker:x}"), add_segment(&jpeg, marker, &known)));
    }
    for kind in [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"aaAa", b"vpAg"] {
        files.push(any(
            format!("png with html in {kind:?}"),
            samples::rgb_png(8, 8, &[(*kind, EVIL.to_vec())]),
        ));
    }
    files.push(any(
        "png with an unknown critical chunk",
        samples::rgb_png(8, 8, &[(*b"EVIL", EVIL.to_vec())]),
    ));
    for label in [0xFE, 0x01, 0xFF, 0x77] {
        let extension = [b"\x21", &[label][..], &[EVIL.len() as u8], EVIL, b"\0"].concat();
        let end = gif.len() - 1;
        files.push(any(format!("gif with html in {label:x}"), [&gif[..end], &extension, b";"].concat()));
    }
    for kind in [b"EXIF", b"XMP ", b"evil"] {
        let mut bytes = samples::webp_with_metadata(1);
        webp::write_chunk(&mut bytes, *kind, EVIL);
        let length = (bytes.len() - 8) as u32;
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        files.push(any(format!("webp with html in {kind:?}"), bytes));
    }
    files
}

fn png_with_size(width: u32, height: u32, interlace: u8) -> Vec<u8> {
    let mut bytes = png::SIGNATURE.to_vec();
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    png::write_chunk(&mut bytes, *b"IHDR", &[sides, vec![16, 6, 0, 0, interlace]].concat());
    png::write_chunk(&mut bytes, *b"IDAT", &samples::zlib(&vec![0; 100_000]));
    png::write_chunk(&mut bytes, *b"IEND", b"");
    bytes
}

/// A JPEG whose frame header names another size.
fn jpeg_with_size(progressive: bool, width: u16, height: u16) -> Vec<u8> {
    let options = JpegOptions { is_progressive: progressive, ..JpegOptions::default() };
    let mut bytes = samples::jpeg(16, 16, &options);
    let marker: &[u8] = if progressive { b"\xFF\xC2" } else { b"\xFF\xC0" };
    let at = bytes.windows(2).position(|bytes| bytes == marker).unwrap();
    bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

fn bombs() -> Vec<Hostile> {
    let mut files = Vec::new();
    for (width, height) in
        [(50_000, 50_000), (u32::MAX, u32::MAX), (0, 5), (5, 0), (0x7FFF_FFFF, 1), (1, 66_000)]
    {
        files.push(refused(format!("png of {width} × {height}"), png_with_size(width, height, 0)));
    }
    files.push(refused("png with few pixels", png_with_size(7_000, 7_000, 0)));
    files.push(refused("interlaced png with few pixels", png_with_size(7_000, 7_000, 1)));
    for (width, height) in [(65_535, 65_535), (65_535, 0), (0, 9), (60_000, 1_000)] {
        files.push(refused(format!("jpeg of {width} × {height}"), jpeg_with_size(false, width, height)));
        files.push(refused(
            format!("progressive jpeg of {width} × {height}"),
            jpeg_with_size(true, width, height),
        ));
    }
    files.push(any("jpeg with few pixels", jpeg_with_size(false, 7_000, 7_000)));
    files.push(any("progressive jpeg with few pixels", jpeg_with_size(true, 7_000, 5_000)));
    for size in [[0xFF; 4], [0, 0, 1, 0], [0xFF, 0xFF, 1, 0]] {
        let mut gif = samples::gif(1);
        gif[6..10].copy_from_slice(&size);
        files.push(any(format!("gif of {size:?}"), gif.clone()));
        let image = gif.windows(2).rposition(|bytes| bytes == [0x2C, 2]).unwrap();
        gif[6..10].copy_from_slice(&[20, 0, 10, 0]);
        gif[image + 5..image + 9].copy_from_slice(&size);
        files.push(any(format!("gif with a frame of {size:?}"), gif));
    }
    for bytes in [samples::webp(false, false), samples::webp(false, true)] {
        let mut large = bytes.clone();
        let at = if &bytes[12..16] == b"VP8 " { 26 } else { 21 };
        large[at..at + 4].copy_from_slice(&[0xFF, 0x3F, 0xFF, 0x0F]);
        files.push(refused(format!("webp of 16383 × 16383 at {at}"), large));
    }
    let mut canvas = samples::webp_with_metadata(1);
    canvas[24..30].copy_from_slice(&[0xFF; 6]);
    files.push(refused("webp with a wide canvas", canvas.clone()));
    canvas[24..30].copy_from_slice(&[3, 0, 0, 3, 0, 0]);
    files.push(refused("webp larger than its canvas", canvas));
    files.extend(metadata_bombs());
    files
}

fn metadata_bombs() -> Vec<Hostile> {
    let zeros = samples::zlib(&vec![0; 40 << 20]);
    let profile = [b"p\0\0".to_vec(), zeros.clone()].concat();
    let mut many_frames = samples::gif(1);
    let frame = many_frames.split_off(many_frames.iter().position(|byte| *byte == 0x2C).unwrap());
    let frame = &frame[..frame.len() - 1];
    let end = (0..frame.len()).rfind(|at| frame[*at] == 0x21).unwrap();
    let frames = [many_frames, frame[..end].repeat(1_001), vec![0x3B]].concat();
    let mut scans = samples::jpeg(16, 16, &JpegOptions { is_progressive: true, ..JpegOptions::default() });
    let last = scans.windows(2).rposition(|bytes| bytes == [0xFF, 0xDA]).unwrap();
    let scan = scans[last..scans.len() - 2].repeat(100);
    scans.splice(last..last, scan);
    let chunks: Vec<([u8; 4], Vec<u8>)> = (0..100_000).map(|_| (*b"aaAa", vec![])).collect();
    let mut counted = samples::apng(2);
    counted[41..45].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut segments = samples::plain_jpeg();
    let comment = add_segment(&segments[..2], 0xFE, &vec![b'a'; 65_000]);
    segments.splice(2..2, comment[2..].repeat(300));
    vec![
        refused("png with a profile of 40 MB", samples::rgb_png(8, 8, &[(*b"iCCP", profile)])),
        any(
            "png with a text of 40 MB",
            samples::rgb_png(8, 8, &[(*b"zTXt", [b"a\0\0".to_vec(), zeros].concat())]),
        ),
        refused("gif of 1001 frames", frames),
        refused("jpeg of 100 scans", scans),
        any("png of 100000 chunks", samples::rgb_png(8, 8, &chunks)),
        refused("apng that names 4 billion frames", counted),
        refused("animation of 1001 frames", samples::animated_webp(1_001)),
        refused("jpeg with 19 MB of comments", segments),
    ]
}

/// Bytes of entropy-coded pixels or of colours stay what they are: only markup would hurt.
fn is_clean(bytes: &[u8]) -> bool {
    !bytes.windows(7).any(|part| part == b"<script") && !bytes.windows(6).any(|part| part == b"SECRET")
}

fn check(name: &str, bytes: &[u8], fate: Fate) {
    let limits = Limits::default();
    let begun = Instant::now();
    let is_image = sniff(bytes).is_some_and(|kind| kind.kind() == Kind::Image);
    let facts = inspect(bytes, &limits);
    assert!(is_image || facts.is_err(), "{name}");
    let master = make_master(bytes, &limits);
    if fate == Fate::Refused {
        assert!(master.is_err(), "{name} was not refused");
    }
    if let Ok(master) = master {
        assert!(facts.is_ok() && is_clean(&master.bytes), "{name}");
        let spec = |format| VariantSpec { width: Some(64), height: None, crop: None, format, quality: 80 };
        let specs = [Format::Jpeg, Format::Webp, Format::Png].map(spec);
        assert!(render_all(&master.bytes, &specs).unwrap().iter().all(|variant| is_clean(variant)), "{name}");
        assert!(is_clean(&strip(bytes).unwrap()), "{name} stripped");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{name}: {:?}", begun.elapsed());
}

/// The most memory that this process has had, in KiB. 0 where the system does not tell.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn hostile_files_are_refused_or_made_harmless() {
    let files = [truncated(), wrong_numbers(), polyglots(), bombs()].concat();
    assert!(files.len() >= 200, "{}", files.len());
    let before = peak_kb();
    for (name, bytes, fate) in &files {
        check(name, bytes, *fate);
    }
    let growth = peak_kb() - before;
    assert!(growth < MAX_GROWTH_KB, "{growth} KiB");
}
