use super::samples;
use crate::pictures::refused::Refused;
use crate::pictures::svg::{MAX_SVG_BYTES, sanitise_svg};

const NS: &str = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'";

fn clean(inside: &str) -> String {
    let svg = format!("<svg {NS} width='20' height='10px'>{inside}</svg>");
    String::from_utf8(sanitise_svg(svg.as_bytes()).unwrap().bytes).unwrap()
}

#[test]
fn what_runs_loads_or_links_is_dropped() {
    let hostile = [
        "<script>alert(1)</script>",
        "<script xlink:href='https://evil.example/a.js'/>",
        "<rect onload='alert(1)' onclick='alert(1)'/>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'>alert(1)</body></foreignObject>",
        "<iframe src='https://evil.example'/>",
        "<a href='javascript:alert(1)'><text>x</text></a>",
        "<a xlink:href='https://evil.example'><text>x</text></a>",
        "<image href='https://evil.example/a.png'/>",
        "<use href='https://evil.example/a.svg#b'/>",
        "<image href='data:text/html,alert(1)'/>",
        "<image href='data:image/svg+xml,&lt;svg onload=alert(1)>'/>",
        "<style>@import url(https://evil.example/a.css); rect { fill: url(https://evil.example/x) }</style>",
        "<style>rect { mask: image-set('//evil.example/x' 1x) }</style>",
        "<rect mask='IMAGE-SET(&quot;//evil.example/x&quot; 1x)'/>",
        "<rect style='fill:url(https://evil.example/x)'/>",
        "<set attributeName='href' to='javascript:alert(1)'/>",
        "<animate attributeName='onload' values='alert(1)'/>",
        "<!-- alert(1) --><?php alert(1) ?>",
    ];
    for inside in hostile {
        let clean = clean(&format!("<circle r='4'/>{inside}"));
        assert!(clean.contains("<circle"), "{inside}");
        let has = |text: &str| clean.contains(text);
        let is_hostile = has("evil") || has("javascript") || has("<script") || has("onload") || has("<?php");
        // An animation without its attribute does nothing.
        assert!(!is_hostile && (!has("alert") || inside.contains("<animate")), "{inside}: {clean}");
    }
}

#[test]
fn drawings_stay() {
    let clean =
        clean("<defs><linearGradient id='g'/></defs><path d='M0 0L9 9' fill='url(#g)'/><use href='#g'/>");
    assert!(clean.contains("M0 0L9 9") && clean.contains("url(#g)") && clean.contains("href=\"#g\""));
}

#[test]
fn embedded_pictures_lose_their_metadata() {
    use base64::Engine;
    let options = samples::JpegOptions { orientation: Some(1), ..Default::default() };
    let jpeg = base64::engine::general_purpose::STANDARD.encode(samples::jpeg(8, 8, &options));
    let clean = clean(&format!("<image href='data:image/png;base64,{jpeg}'/>"));
    assert!(clean.contains("data:image/jpeg;base64,"));
    let start = clean.find("base64,").unwrap() + 7;
    let end = start + clean[start..].find('"').unwrap();
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(&clean[start..end]).unwrap();
    assert!(bytes.starts_with(&[0xFF, 0xD8]) && !bytes.windows(6).any(|part| part == b"SECRET"));
}

#[test]
fn sizes_are_read() {
    let size = |attributes: &str| {
        sanitise_svg(format!("<svg {NS} {attributes}><g/></svg>").as_bytes()).unwrap().size
    };
    assert_eq!(size("width='20' height='10px' viewBox='0 0 1 1'"), Some((20.0, 10.0)));
    assert_eq!(size("width='100%' height='100%' viewBox='0 0 300,150'"), Some((300.0, 150.0)));
    assert_eq!(size("width='2em'"), None);
    assert_eq!(size("width='-2' height='NaN'"), None);
}

#[test]
fn bombs_are_refused() {
    let entities = format!(
        "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><svg {NS}><text>&b;</text></svg>"
    );
    assert!(matches!(sanitise_svg(entities.as_bytes()), Err(Refused::Unsupported(_))));
    let deep = format!("<svg {NS}>{}{}</svg>", "<g>".repeat(100_000), "</g>".repeat(100_000));
    assert!(sanitise_svg(deep.as_bytes()).is_err());
    let unknown = format!("<svg {NS}>{}{}</svg>", "<x>".repeat(100_000), "</x>".repeat(100_000));
    assert!(sanitise_svg(unknown.as_bytes()).is_err());
    let many = format!("<svg {NS}>{}</svg>", "<g/>".repeat(100_001));
    assert!(sanitise_svg(many.as_bytes()).is_err());
    let long = format!("<svg {NS}>{}</svg>", " ".repeat(MAX_SVG_BYTES));
    assert!(matches!(sanitise_svg(long.as_bytes()), Err(Refused::TooManyBytes { .. })));
}

#[test]
fn what_is_no_svg_is_refused() {
    let not =
        ["", "<html><svg/></html>", "<svg", "<svg xmlns='http://www.w3.org/1999/xhtml'/>", "<svg></g></svg>"];
    assert!(not.iter().all(|text| sanitise_svg(text.as_bytes()).is_err()));
    assert!(sanitise_svg(b"<svg \xFF>").is_err());
}
