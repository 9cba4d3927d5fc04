//! SVG without anything that runs, loads or points elsewhere.

use std::io::{self, Write};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};
use svg_hush::Filter;
use svg_hush::data_url_filter::{DataUrl, DataUrlFilterResult};

use super::file_type::FileType;
use super::refused::{Refused, guard};
use super::sniff::sniff;
use super::strip::strip;

/// Bytes of an SVG.
pub const MAX_SVG_BYTES: usize = 2 << 20;
/// Bytes that may come out: the filter indents, so that deep nesting grows.
const MAX_OUTPUT_BYTES: usize = 2 * MAX_SVG_BYTES;
/// Elements inside one another.
const MAX_DEPTH: usize = 200;
const MAX_ELEMENTS: usize = 100_000;
const STYLE: &str = "style";
const NAMESPACE: &str = "xmlns";
/// Words that load or run what their text names, and the beginning of an address of another host.
const LOADING: &[&str] = &["@import", "image-set(", "image(", "src(", "cross-fade(", "javascript:", "://"];

/// An SVG that may be served, still under `Content-Security-Policy: sandbox; default-src 'none'`.
#[derive(Debug, Clone, PartialEq)]
pub struct CleanSvg {
    pub bytes: Vec<u8>,
    /// In CSS pixels, from `width` and `height` or else from `viewBox`. `None` if they are relative or missing.
    pub size: Option<(f64, f64)>,
}

/// Keeps the drawing elements and attributes of an SVG, and drops scripts, event handlers, `foreignObject`, links,
/// addresses of other hosts, document types and comments. Embedded JPEG, PNG, GIF and WebP lose their metadata.
///
/// Fails if the file is no SVG in UTF-8, has entities of its own, or is above the limits: 2 MiB, 200 elements inside
/// one another, 100,000 elements.
pub fn sanitise_svg(bytes: &[u8]) -> Result<CleanSvg, Refused> {
    guard(|| {
        if bytes.len() > MAX_SVG_BYTES {
            return Err(Refused::TooManyBytes { max: MAX_SVG_BYTES as u64 });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Refused::Unsupported("save the SVG in UTF-8"))?;
        if sniff(bytes) != Some(FileType::Svg) {
            return Err(Refused::UnknownType);
        }
        check_shape(text)?;
        let mut filter = Filter::new();
        filter.set_data_url_filter(clean_embedded);
        let mut output = Bounded(Vec::new());
        filter.filter(text.as_bytes(), &mut output).map_err(Refused::damaged)?;
        let bytes = drop_loading_styles(&output.0)?;
        let size = read_size(&bytes);
        Ok(CleanSvg { bytes, size })
    })
}

/// Refuses what would cost the filter too much: entities, depth, many elements.
fn check_shape(text: &str) -> Result<(), Refused> {
    let mut reader = Reader::from_str(text);
    let (mut depth, mut elements) = (0_usize, 0);
    loop {
        match reader.read_event().map_err(Refused::damaged)? {
            Event::Start(_) => {
                depth += 1;
                elements += 1;
            }
            Event::Empty(_) => elements += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(doctype) if doctype.contains('[') => {
                return Err(Refused::Unsupported("save the SVG without a document type"));
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
        if depth > MAX_DEPTH || elements > MAX_ELEMENTS {
            return Err(Refused::damaged("too many elements"));
        }
    }
}

/// Embedded pictures are kept without their metadata; all else that is embedded is dropped.
fn clean_embedded(url: &DataUrl) -> DataUrlFilterResult {
    let Ok((bytes, _)) = url.decode_to_vec() else { return DataUrlFilterResult::Drop };
    match (sniff(&bytes), strip(&bytes)) {
        (Some(kind), Ok(data)) => DataUrlFilterResult::Rewrite { mime_type: kind.mime().to_owned(), data },
        _ => DataUrlFilterResult::Drop,
    }
}

/// A buffer that fails when it is full.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::Error::other("the SVG grows too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Drops attributes and style sheets that could load something by other words than `url()`.
fn drop_loading_styles(svg: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut reader = Reader::from_reader(svg);
    let mut writer = Writer::new(Vec::with_capacity(svg.len()));
    let mut is_style = false;
    loop {
        let event = reader.read_event().map_err(Refused::damaged)?;
        match &event {
            Event::Start(element) => is_style = element.name().as_ref() == STYLE,
            Event::End(_) => is_style = false,
            _ => {}
        }
        let kept = match event {
            Event::Eof => return Ok(writer.into_inner()),
            Event::Start(element) => Event::Start(drop_loading_attributes(&element)?),
            Event::Empty(element) => Event::Empty(drop_loading_attributes(&element)?),
            Event::Text(text) if is_style && may_load(&text) => continue,
            other => other,
        };
        writer.write_event(kept).map_err(Refused::damaged)?;
    }
}

fn drop_loading_attributes(element: &BytesStart) -> Result<BytesStart<'static>, Refused> {
    let name = element.name();
    let mut kept = BytesStart::new(name.as_ref().to_owned());
    for attribute in element.attributes() {
        let attribute = attribute.map_err(Refused::damaged)?;
        if attribute.key.as_ref() == NAMESPACE || !may_load(&attribute.value) {
            kept.push_attribute(attribute);
        }
    }
    Ok(kept)
}

/// Whether a style could load something. The filter has dropped addresses of other hosts from `url()`.
fn may_load(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    LOADING.iter().any(|words| style.contains(words))
}

fn read_size(svg: &[u8]) -> Option<(f64, f64)> {
    let mut reader = Reader::from_reader(svg);
    loop {
        match reader.read_event().ok()? {
            Event::Start(root) | Event::Empty(root) => return read_root(&root),
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn read_root(root: &BytesStart) -> Option<(f64, f64)> {
    let value = |name: &str| {
        let attribute = root.try_get_attribute(name).ok()??;
        Some(attribute.value.into_owned())
    };
    let length = |name: &str| value(name).and_then(|text| parse_length(&text));
    if let (Some(width), Some(height)) = (length("width"), length("height")) {
        return Some((width, height));
    }
    let view_box = value("viewBox")?;
    let sides = view_box.split([' ', ',']).filter(|part| !part.is_empty()).skip(2);
    let mut sides = sides.filter_map(parse_length);
    sides.next().zip(sides.next())
}

/// A positive length in pixels. Other units count as none.
fn parse_length(text: &str) -> Option<f64> {
    let text = text.trim();
    let number: f64 = text.strip_suffix("px").unwrap_or(text).parse().ok()?;
    (number.is_finite() && number > 0.0).then_some(number)
}
