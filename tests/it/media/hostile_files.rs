//! Hostile files, made from a few recipes.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::pictures::{draw, encode_png, gif, jpeg, pdf, png, webp};

pub const EVIL: &[u8] = b"<script>alert(document.domain)</script>";

/// A file by its name, and whether it must be refused; otherwise it may become harmless media.
pub type Hostile = (String, Vec<u8>, bool);

pub fn all() -> Vec<Hostile> {
    [programs(), polyglots(), truncated(), wrong_numbers(), damaged(), bombs()].concat()
}

fn refused(name: &str, parts: &[&[u8]]) -> Hostile {
    (name.to_owned(), parts.concat(), true)
}

fn any(name: impl Into<String>, parts: &[&[u8]]) -> Hostile {
    (name.into(), parts.concat(), false)
}

/// Markup and scripts under the beginnings of pictures.
fn programs() -> Vec<Hostile> {
    let html = [b"<!DOCTYPE html>".as_slice(), EVIL].concat();
    let head = &png(8, 8)[..33];
    vec![
        refused("html", &[&html]),
        refused("html after blanks", &[b"\n\n   ", &html]),
        refused("html after a byte order mark", &[b"\xEF\xBB\xBF", &html]),
        refused("html as png", &[b"\x89PNG\r\n\x1a\n", &html]),
        refused("html after the header of a png", &[head, &html]),
        refused("html as jpeg", &[b"\xFF\xD8\xFF\xE0", &html]),
        refused("html as webp", &[b"RIFF\x40\0\0\0WEBPVP8 ", &html]),
        refused("html as gif", &[b"GIF89a", &html]),
        refused("gif and js", &[b"GIF89a/*\x01\x01\0\0*/=1;alert(document.domain);//"]),
        refused("gif and js, small", &[b"GIF89a=1;alert(1)//;"]),
        refused("php as gif", &[b"GIF89a<?php system($_GET[0]); ?>"]),
        refused(
            "svg with a script",
            &[b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>", EVIL, b"</svg>"],
        ),
        refused(
            "svg with an entity",
            &[b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg>&a;</svg>"],
        ),
        refused(
            "xhtml",
            &[b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", EVIL, b"</html>"],
        ),
        refused(
            "jar",
            &[b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0META-INF/MANIFEST.MF"],
        ),
        refused("shell", &[b"#!/bin/sh\nrm -rf /\n"]),
    ]
}

/// Valid files that are something else too.
fn polyglots() -> Vec<Hostile> {
    let html = [b"<!DOCTYPE html>".as_slice(), EVIL].concat();
    let [jpeg, gif, webp] = [jpeg(16, 16), gif(1), webp(16, 16)];
    let mut files = Vec::new();
    for (name, bytes) in [("jpeg", &jpeg), ("png", &png(16, 16)), ("gif", &gif), ("webp", &webp)] {
        files.push(any(format!("{name} then html"), &[bytes, &html]));
        files.push(any(format!("{name} then zip"), &[bytes, b"PK\x03\x04", EVIL]));
    }
    for marker in [0xE1, 0xEC, 0xFE] {
        let length = (EVIL.len() as u16 + 2).to_be_bytes();
        files.push(any(
            format!("jpeg with html in {marker:x}"),
            &[&jpeg[..2], &[0xFF, marker], &length, EVIL, &jpeg[2..]],
        ));
    }
    for kind in [b"tEXt", b"iTXt", b"eXIf", b"aaAa"] {
        let png = encode_png(&draw(8, 8), 8, 8, &[(*kind, EVIL.to_vec())]);
        files.push(any(format!("png with html in {}", String::from_utf8_lossy(kind)), &[&png]));
    }
    let extension = [b"\x21\xFE", &[EVIL.len() as u8][..], EVIL, b"\0"].concat();
    files.push(any("gif with html in a comment", &[&gif[..gif.len() - 1], &extension, b";"]));
    files.push(any("pdf with html", &[&pdf(50), b"\n", &html]));
    files.push(any(
        "pdf with a script",
        &[b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n"],
    ));
    files.push(any("mp4 with html", &[b"\0\0\0\x14ftypisom\0\0\0\0isom", &html]));
    files
}

fn truncated() -> Vec<Hostile> {
    let mut files = Vec::new();
    for (name, bytes) in [("jpeg", jpeg(32, 32)), ("png", png(32, 32)), ("webp", webp(32, 32))] {
        for tenths in [1, 5, 9] {
            files.push(refused(&format!("{name} cut at {tenths}"), &[&bytes[..bytes.len() * tenths / 10]]));
        }
    }
    files
}

/// Lengths and sizes that are replaced by wrong ones.
fn wrong_numbers() -> Vec<Hostile> {
    let mut files = Vec::new();
    for (name, bytes) in
        [("jpeg", jpeg(16, 16)), ("png", png(16, 16)), ("gif", gif(2)), ("webp", webp(16, 16))]
    {
        for at in [4, 16, 20] {
            let mut changed = bytes.clone();
            changed[at..at + 4].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xF0]);
            files.push(any(format!("{name} with a wrong number at {at}"), &[&changed]));
        }
    }
    files
}

/// Pictures and documents with one byte turned round, all over them.
fn damaged() -> Vec<Hostile> {
    const PLACES: usize = 28;
    let mut files = Vec::new();
    let pictures = [("jpeg", jpeg(16, 16)), ("png", png(16, 16)), ("gif", gif(2)), ("webp", webp(16, 16))];
    for (name, bytes) in pictures.into_iter().chain([("pdf", pdf(60))]) {
        for place in 0..PLACES {
            let mut changed = bytes.clone();
            let at = place * bytes.len() / PLACES;
            changed[at] ^= 0xFF;
            files.push(any(format!("{name} with another byte at {at}"), &[&changed]));
        }
    }
    files
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let body = [kind.as_slice(), data].concat();
    [&length, body.as_slice(), &crc32fast::hash(&body).to_be_bytes()].concat()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn png_of(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[16, 6, 0, 0, 0]].concat();
    let chunks = [chunk(b"IHDR", &header), chunk(b"IDAT", &zlib(&[0; 10_000])), chunk(b"IEND", b"")].concat();
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunks].concat()
}

/// Small files that want to become large: pixels, frames, chunks, metadata.
fn bombs() -> Vec<Hostile> {
    let mut files = Vec::new();
    for (width, height) in [(50_000, 50_000), (u32::MAX, u32::MAX), (0, 5), (0x7FFF_FFFF, 1), (7_000, 7_000)]
    {
        files.push(refused(&format!("png of {width} × {height}"), &[&png_of(width, height)]));
    }
    let mut wide = jpeg(16, 16);
    let frame = wide.windows(2).position(|marker| marker == b"\xFF\xC0").unwrap();
    wide[frame + 5..frame + 9].fill(0xFF);
    files.push(refused("jpeg of 65535 × 65535", &[&wide]));
    let mut large = gif(1);
    large[6..10].fill(0xFF);
    files.push(refused("gif of 65535 × 65535", &[&large]));
    files.push(refused("gif of 1001 frames", &[&gif(1001)]));
    let profile = [b"p\0\0".as_slice(), &zlib(&vec![0; 40 << 20])].concat();
    files.push(refused(
        "png with a profile of 40 MB",
        &[&encode_png(&draw(8, 8), 8, 8, &[(*b"iCCP", profile)])],
    ));
    let text = [b"a\0\0".as_slice(), &zlib(&vec![0; 40 << 20])].concat();
    files.push(any("png with a text of 40 MB", &[&encode_png(&draw(8, 8), 8, 8, &[(*b"zTXt", text)])]));
    let plain = png(8, 8);
    let many = chunk(b"aaAa", b"").repeat(50_000);
    files.push(any("png of 50000 chunks", &[&plain[..33], &many, &plain[33..]]));
    let comment = [b"\xFF\xFE\xFD\xEA".as_slice(), &vec![b'a'; 65_000]].concat();
    let jpeg = jpeg(16, 16);
    files.push(refused("jpeg with 19 MB of comments", &[&jpeg[..2], &comment.repeat(300), &jpeg[2..]]));
    files
}
