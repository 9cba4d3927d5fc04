use super::samples;
use crate::pictures::file_type::{FileType, Kind};
use crate::pictures::sniff::sniff;

/// A ZIP file with stored files, without its directory: enough to be known.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, data) in files {
        bytes.extend(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0");
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(name.as_bytes());
        bytes.extend(*data);
    }
    bytes
}

fn boxes(brands: &[&[u8; 4]]) -> Vec<u8> {
    let mut bytes = (8 + 4 * (brands.len() as u32 + 1)).to_be_bytes().to_vec();
    bytes.extend(b"ftyp");
    bytes.extend(brands[0]);
    bytes.extend([0; 4]);
    brands[1..].iter().for_each(|brand| bytes.extend(*brand));
    bytes
}

/// Frames of MPEG 1, layer III, 128 kbit/s, 44.1 kHz: 417 bytes each.
fn mp3_frames(count: usize) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xFB, 0x90, 0x00];
    frame.resize(417, 0);
    frame.repeat(count)
}

#[test]
fn pictures_are_known_by_their_bytes() {
    for (name, bytes) in samples::all() {
        let kind = sniff(&bytes).unwrap();
        assert_eq!(kind.kind(), Kind::Image, "{name}");
    }
    assert_eq!(sniff(&samples::plain_jpeg()), Some(FileType::Jpeg));
    assert_eq!(sniff(&samples::gif(1)), Some(FileType::Gif));
    assert_eq!(sniff(&samples::webp(true, true)), Some(FileType::Webp));
    assert_eq!(sniff(&samples::plain_png()), Some(FileType::Png));
}

#[test]
fn boxes_are_known_by_their_brands() {
    assert_eq!(sniff(&boxes(&[b"isom", b"mp42"])), Some(FileType::Mp4));
    assert_eq!(sniff(&boxes(&[b"M4A ", b"isom"])), Some(FileType::M4a));
    assert_eq!(sniff(&boxes(&[b"avif", b"mif1"])), Some(FileType::Avif));
    assert_eq!(sniff(&boxes(&[b"mif1", b"avif"])), Some(FileType::Avif));
    assert_eq!(sniff(&boxes(&[b"heic", b"mif1"])), Some(FileType::Heic));
    assert_eq!(sniff(&boxes(&[b"qt  ", b"qt  "])), None);
}

#[test]
fn sound_needs_two_valid_frames() {
    assert_eq!(sniff(&mp3_frames(2)), Some(FileType::Mp3));
    assert_eq!(sniff(&mp3_frames(1)), None);
    assert_eq!(sniff(&[mp3_frames(1), b"<html>".repeat(100)].concat()), None);
    let tag = |size: u8, after: &[u8]| {
        [b"ID3\x04\0\0\0\0\0", &[size][..], &vec![0; usize::from(size)], after].concat()
    };
    assert_eq!(sniff(&tag(20, &mp3_frames(2))), Some(FileType::Mp3));
    assert_eq!(sniff(&tag(20, b"<script>alert(1)</script>")), None);
    assert_eq!(
        sniff(b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead"),
        Some(FileType::Ogg)
    );
    assert_eq!(sniff(b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13\x80theora"), None);
    assert_eq!(sniff(b"\x1A\x45\xDF\xA3\x9F\x42\x86\x81\x01\x42\x82\x84webm\x42\x87"), Some(FileType::Webm));
    assert_eq!(sniff(b"\x1A\x45\xDF\xA3\x9F\x42\x86\x81\x01\x42\x82\x88matroska"), None);
}

#[test]
fn documents_are_known_by_the_files_inside() {
    let office = |folder: &str| {
        zip(&[("[Content_Types].xml", b"<Types/>"), (&format!("{folder}/document.xml"), b"x")])
    };
    assert_eq!(sniff(&office("word")), Some(FileType::Docx));
    assert_eq!(sniff(&office("xl")), Some(FileType::Xlsx));
    assert_eq!(sniff(&office("ppt")), Some(FileType::Pptx));
    let open = |mime: &str| zip(&[("mimetype", mime.as_bytes()), ("content.xml", b"x")]);
    assert_eq!(sniff(&open("application/vnd.oasis.opendocument.text")), Some(FileType::Odt));
    assert_eq!(sniff(&open("application/vnd.oasis.opendocument.spreadsheet")), Some(FileType::Ods));
    assert_eq!(sniff(&open("application/vnd.oasis.opendocument.presentation")), Some(FileType::Odp));
    assert_eq!(sniff(&open("application/epub+zip")), Some(FileType::Epub));
    assert_eq!(sniff(&zip(&[("a.txt", b"text")])), Some(FileType::Zip));
    assert_eq!(sniff(b"PK\x05\x06\0\0"), Some(FileType::Zip));
    assert_eq!(sniff(b"%PDF-1.7\n"), Some(FileType::Pdf));
}

#[test]
fn programs_in_zip_files_are_not_documents() {
    assert_eq!(sniff(&zip(&[("META-INF/MANIFEST.MF", b"Main-Class: A")])), None);
    assert_eq!(sniff(&zip(&[("AndroidManifest.xml", b"x"), ("classes.dex", b"x")])), None);
}

#[test]
fn drawings_are_known_by_their_root_element() {
    let known = [
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "\u{FEFF}<?xml version='1.0'?>\n<!-- a --><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'x'>\n<svg>",
        "<!DOCTYPE svg [ <!ENTITY a 'b'> ]><svg:svg xmlns:svg='http://www.w3.org/2000/svg'>",
    ];
    assert!(known.iter().all(|text| sniff(text.as_bytes()) == Some(FileType::Svg)));
}

#[test]
fn everything_else_is_unknown() {
    let unknown: &[&[u8]] = &[
        b"",
        b"P",
        b"<!DOCTYPE html><html>",
        b"<html><svg></svg></html>",
        b"<?xml version='1.0'?><rss/>",
        b"<svgfoo>",
        b"<!-- <svg> --><script>",
        b"#!/bin/sh\n",
        b"MZ\x90\0",
        b"\x7FELF\x02\x01",
        b"var a = 1;",
        b"GIF88a",
        b"\xFF\xD8\xFF\x00",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"RIFF\0\0\0\0WEBPxxxx",
        b"\x89PNG\r\n\x1a\n<html>",
        b" %PDF-1.7",
        b"PK\x07\x08",
    ];
    for bytes in unknown {
        assert_eq!(sniff(bytes), None, "{bytes:?}");
    }
}

#[test]
fn every_type_has_its_own_name() {
    let types = [FileType::Jpeg, FileType::Mp4, FileType::M4a, FileType::Docx, FileType::Zip, FileType::Svg];
    let mimes: Vec<&str> = types.iter().map(|kind| kind.mime()).collect();
    assert_eq!(mimes[..3], ["image/jpeg", "video/mp4", "audio/mp4"]);
    assert_eq!((FileType::Webp.extension(), FileType::M4a.kind()), ("webp", Kind::Audio));
    assert_eq!((FileType::Webm.kind(), FileType::Epub.kind()), (Kind::Video, Kind::Document));
}
