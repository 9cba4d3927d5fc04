//! Paragraphs by the rules of WordPress' classic editor.
//!
//! A blank line ends a paragraph, a single newline is a line break. Blocks such as lists and tables end
//! paragraphs, and begin them again inside of them where blank lines are. The text of `<pre>` stays as it is.

use super::tags::{Kind, Slice, is_void, slices};

/// Elements that are no part of a paragraph.
const BLOCKS: [&str; 40] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "col",
    "colgroup",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "legend",
    "li",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];
/// Further blocks: parts of tables.
const TABLE_PARTS: [&str; 3] = ["tbody", "tfoot", "thead"];
/// Blocks in which white space is nothing.
const LISTS: [&str; 10] = ["colgroup", "dl", "menu", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul"];
/// Blocks whose text is one line or more, but no paragraph.
const LINES: [&str; 11] =
    ["caption", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "legend", "summary", "dt"];
/// Elements whose text stays as it is.
const VERBATIM: [&str; 12] = [
    "audio", "iframe", "math", "noscript", "object", "pre", "script", "select", "style", "svg", "textarea",
    "video",
];

/// Makes paragraphs of `source`.
pub fn make_paragraphs(source: &str) -> String {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let slices = slices(&source);
    let mut writer = Writer { html: String::with_capacity(source.len() * 9 / 8), ..Writer::default() };
    for (at, slice) in slices.iter().enumerate() {
        if slice.kind == Kind::End
            && let Some(known) = VERBATIM.iter().position(|name| *name == slice.name)
        {
            writer.last_ends[known] = at;
        }
    }
    for (at, slice) in slices.iter().enumerate() {
        writer.add(at, slice);
    }
    writer.end_run();
    writer.html
}

fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name) || TABLE_PARTS.contains(&name)
}

/// A part of the text between two blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part<'s> {
    /// Text or a tag within a line.
    Inline(&'s str),
    /// The end of a line.
    Newline,
    /// `<br>`, as it is written.
    Break(&'s str),
}

#[derive(Default)]
struct Writer<'s> {
    html: String,
    /// The open blocks, outermost first.
    open: Vec<String>,
    /// What follows the last tag of a block.
    run: Vec<Part<'s>>,
    /// The start tag of the paragraph that the run is in, if it has one.
    paragraph: Option<&'s str>,
    /// Whether the run follows a block that is in the same block as the run.
    is_after_block: bool,
    /// The element whose text stays as it is, and how many of its name are open.
    verbatim: Option<(&'static str, usize)>,
    /// The last end tag of each of [`VERBATIM`].
    last_ends: [usize; VERBATIM.len()],
}

impl<'s> Writer<'s> {
    fn add(&mut self, at: usize, slice: &Slice<'s>) {
        if self.verbatim.is_some() {
            self.add_verbatim(slice);
            return;
        }
        match slice.kind {
            Kind::Start => self.start_element(at, slice),
            Kind::End if is_block(&slice.name) => self.end_block(&slice.name, slice.text),
            Kind::Text => {
                for (at, line) in slice.text.split('\n').enumerate() {
                    if at > 0 {
                        self.run.push(Part::Newline);
                    }
                    if !line.is_empty() {
                        self.run.push(Part::Inline(line));
                    }
                }
            }
            Kind::Comment => {}
            _ => self.run.push(Part::Inline(slice.text)),
        }
    }

    /// Adds a part of an element whose text stays as it is. Blocks of that kind are written at once.
    fn add_verbatim(&mut self, slice: &Slice<'s>) {
        let Some((name, depth)) = &mut self.verbatim else { return };
        match slice.kind {
            Kind::Start if slice.name == *name => *depth += 1,
            Kind::End if slice.name == *name => *depth -= 1,
            _ => {}
        }
        let (is_over, is_pre) = (*depth == 0, *name == "pre");
        if is_pre {
            self.html.push_str(slice.text);
        } else {
            self.run.push(Part::Inline(slice.text));
        }
        if is_over {
            self.verbatim = None;
        }
        if is_over && is_pre {
            self.html.push('\n');
            self.is_after_block = true;
        }
    }

    fn start_element(&mut self, at: usize, slice: &Slice<'s>) {
        let (name, text) = (slice.name.as_str(), slice.text);
        let known = VERBATIM.iter().position(|verbatim| *verbatim == name);
        // Without an end tag, the element would hold all that follows.
        let verbatim = known.filter(|known| self.last_ends[*known] > at);
        match name {
            "br" => self.run.push(Part::Break(text)),
            "p" => {
                self.end_run();
                self.paragraph = Some(text);
            }
            _ if !is_block(name) || name == "pre" && verbatim.is_none() => {
                self.run.push(Part::Inline(text));
            }
            _ => {
                self.end_run();
                self.html.push_str(text);
                self.is_after_block = is_void(name);
                if is_void(name) {
                    self.html.push('\n');
                } else if name != "pre" {
                    self.open.push(name.to_owned());
                }
            }
        }
        self.verbatim = verbatim.filter(|_| !slice.closes_itself()).map(|known| (VERBATIM[known], 1));
    }

    fn end_block(&mut self, name: &str, text: &str) {
        self.end_run();
        self.is_after_block = true;
        if name == "p" {
            return;
        }
        if let Some(at) = self.open.iter().rposition(|open| open == name) {
            self.open.truncate(at);
        }
        self.html.push_str(text);
        if self.open.last().is_none_or(|open| open != "figure") {
            self.html.push('\n');
        }
    }

    /// Writes what follows the last tag of a block.
    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        let paragraph = self.paragraph.take();
        let paragraphs = split_paragraphs(&run);
        let inner = self.open.last().map(String::as_str);
        let is_apart = paragraphs.len() > 1 || self.is_after_block || starts_or_ends_blank(&run);
        let is_wrapped = match inner {
            _ if paragraph.is_some() => true,
            None | Some("blockquote") => true,
            Some(name) if LISTS.contains(&name) || LINES.contains(&name) => false,
            Some(_) => is_apart,
        };
        for (at, lines) in paragraphs.iter().enumerate() {
            let text = join_lines(lines);
            if is_wrapped {
                self.html.push_str(paragraph.filter(|_| at == 0).unwrap_or("<p>"));
                self.html.push_str(&text);
                self.html.push_str("</p>\n");
            } else {
                self.html.push_str(if at > 0 { "<br>\n" } else { "" });
                self.html.push_str(&text);
            }
        }
    }
}

/// Splits a run at blank lines, and at two line breaks one after the other. Parts of white space only are none.
fn split_paragraphs<'r, 's>(run: &'r [Part<'s>]) -> Vec<&'r [Part<'s>]> {
    let (mut paragraphs, mut start, mut at) = (Vec::new(), 0, 0);
    while at < run.len() {
        let length = gap_length(&run[at..]);
        if length > 0 {
            paragraphs.push(&run[start..at]);
            start = at + length;
        }
        at += length.max(1);
    }
    paragraphs.push(&run[start..]);
    paragraphs.retain(|parts| !parts.iter().all(is_blank));
    paragraphs
}

/// Returns the number of parts of the gap between two paragraphs with which `run` begins, or 0.
///
/// A gap has two newlines with nothing between them, or two breaks.
fn gap_length(run: &[Part<'_>]) -> usize {
    let (mut length, mut breaks, mut is_after_newline, mut is_gap) = (0, 0, false, false);
    if matches!(run.first(), Some(Part::Inline(_))) {
        return 0;
    }
    for part in run.iter().take_while(|part| is_blank(part)) {
        length += 1;
        match part {
            Part::Newline => is_gap |= std::mem::replace(&mut is_after_newline, true),
            Part::Break(_) => {
                breaks += 1;
                is_gap |= breaks > 1;
                is_after_newline = false;
            }
            Part::Inline(_) => {}
        }
    }
    if is_gap { length } else { 0 }
}

fn is_blank(part: &Part<'_>) -> bool {
    match part {
        Part::Inline(text) => text.trim_matches([' ', '\t']).is_empty(),
        Part::Newline | Part::Break(_) => true,
    }
}

/// Whether a blank line stands at the beginning or at the end of a run.
fn starts_or_ends_blank(run: &[Part<'_>]) -> bool {
    let newlines = |parts: &mut dyn Iterator<Item = &Part<'_>>| {
        parts.take_while(|part| is_blank(part)).filter(|part| **part == Part::Newline).count()
    };
    newlines(&mut run.iter()) > 1 || newlines(&mut run.iter().rev()) > 1
}

/// Writes the lines of a paragraph, with a break at each newline that has none.
fn join_lines(parts: &[Part<'_>]) -> String {
    let is_newline = |part: &Part<'_>| *part == Part::Newline;
    let is_space = |part: &Part<'_>| is_newline(part) || matches!(part, Part::Inline(_)) && is_blank(part);
    let start = parts.iter().position(|part| !is_space(part)).unwrap_or(parts.len());
    let end = parts.iter().rposition(|part| !is_space(part)).map_or(start, |at| at + 1);
    let mut text = String::new();
    let mut is_after_break = false;
    for part in &parts[start..end.max(start)] {
        match part {
            Part::Inline(inline) => {
                text.push_str(inline);
                is_after_break &= is_blank(part);
            }
            Part::Break(source) => {
                text.push_str(source);
                is_after_break = true;
            }
            Part::Newline => {
                text.truncate(text.trim_end_matches([' ', '\t']).len());
                text.push_str(if is_after_break { "\n" } else { "<br>\n" });
                is_after_break = false;
            }
        }
    }
    text.trim_matches([' ', '\t']).to_owned()
}
