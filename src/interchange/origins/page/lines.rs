//! The text of a page's markup, line by line, as a browser would break it.

use dom_query::NodeRef;

use super::furniture::is_boilerplate;
use crate::interchange::origins::row_builder::fold_whitespace;

/// Shortest line that is prose without a mark of a sentence, in characters.
const MIN_UNMARKED_CHARS: usize = 40;
/// Shortest line that is prose, in characters.
const MIN_PROSE_CHARS: usize = 10;

/// A line of a page: what stands between two breaks.
pub struct Line<'d> {
    /// Its text, with white space folded.
    pub text: String,
    /// The characters of its text, without white space.
    chars: usize,
    /// Those of its characters that are in links.
    link_chars: usize,
    /// The innermost block that holds it.
    pub block: NodeRef<'d>,
    /// Its texts and pictures.
    pub nodes: Vec<NodeRef<'d>>,
    /// Its pictures, frames and films.
    pub media: usize,
}

impl Line<'_> {
    /// The characters that are in no link.
    pub fn own_chars(&self) -> usize {
        self.chars - self.link_chars
    }

    /// Whether most of the line is links.
    pub fn is_linked(&self) -> bool {
        self.link_chars * 2 >= self.chars && self.link_chars > 0
    }

    /// Whether the line is a sentence, or a long piece of one: no label, menu or notice of rights.
    pub fn is_prose(&self) -> bool {
        let is_heading = self.block.node_name().is_some_and(|name| is_heading(&name));
        !is_heading && !self.is_linked() && is_prose(&self.text, self.own_chars())
    }
}

/// Whether `text` is a sentence, or a long piece of one. `own_chars` are those of its characters that count.
pub fn is_prose(text: &str, own_chars: usize) -> bool {
    let is_marked = text.contains(['。', '！', '？', '；', '，', '．'])
        || text.ends_with(['.', '!', '?', '…', '”', '"'])
        || text.contains(". ");
    own_chars >= MIN_PROSE_CHARS && (is_marked || own_chars >= MIN_UNMARKED_CHARS) && !is_boilerplate(text)
}

/// Whether an element is a heading.
pub fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// The lines in `root`, in the page's order. Lines without text or pictures are left out.
pub fn list_lines<'d>(root: &NodeRef<'d>) -> Vec<Line<'d>> {
    let mut breaker = LineBreaker { lines: Vec::new(), open: None, links: 0 };
    breaker.add_children(root, root);
    breaker.end_line();
    breaker.lines
}

struct LineBreaker<'d> {
    lines: Vec<Line<'d>>,
    open: Option<Line<'d>>,
    /// The links that are open.
    links: usize,
}

impl<'d> LineBreaker<'d> {
    fn add_children(&mut self, node: &NodeRef<'d>, block: &NodeRef<'d>) {
        for child in node.children_it(false) {
            let Some(name) = child.node_name() else {
                if child.is_text() {
                    self.add_text(child, block);
                }
                continue;
            };
            match &*name {
                "br" | "hr" => self.end_line(),
                "script" | "style" | "head" | "template" => {}
                "img" | "iframe" | "video" | "audio" | "embed" | "object" => {
                    let line = self.line(block);
                    line.media += 1;
                    line.text.push(' ');
                    line.nodes.push(child);
                }
                "a" => {
                    self.links += usize::from(child.has_attr("href"));
                    self.add_children(&child, block);
                    self.links -= usize::from(child.has_attr("href"));
                }
                name if is_inline(name) => {
                    let is_apart = matches!(name, "span" | "time" | "label" | "i" | "em");
                    self.separate(is_apart);
                    self.add_children(&child, block);
                    self.separate(is_apart);
                }
                _ => {
                    self.end_line();
                    self.add_children(&child, &child);
                    self.end_line();
                }
            }
        }
    }

    /// Puts a space between two texts of a line that are often apart on the screen.
    fn separate(&mut self, is_apart: bool) {
        if let Some(line) = self.open.as_mut().filter(|_| is_apart) {
            line.text.push(' ');
        }
    }

    fn add_text(&mut self, node: NodeRef<'d>, block: &NodeRef<'d>) {
        let text = node.text();
        let chars = text.chars().filter(|c| !c.is_whitespace()).count();
        if chars == 0 {
            if let Some(line) = &mut self.open {
                line.text.push(' ');
            }
            return;
        }
        let is_linked = self.links > 0;
        let line = self.line(block);
        line.chars += chars;
        line.link_chars += if is_linked { chars } else { 0 };
        line.text.push_str(&text);
        line.nodes.push(node);
    }

    fn line(&mut self, block: &NodeRef<'d>) -> &mut Line<'d> {
        self.open.get_or_insert_with(|| Line {
            text: String::new(),
            chars: 0,
            link_chars: 0,
            block: *block,
            nodes: Vec::new(),
            media: 0,
        })
    }

    fn end_line(&mut self) {
        if let Some(mut line) = self.open.take() {
            line.text = fold_whitespace(&line.text);
            self.lines.push(line);
        }
    }
}

/// Whether an element stands within a line.
pub fn is_inline(name: &str) -> bool {
    const NAMES: [&str; 33] = [
        "a", "abbr", "b", "bdo", "big", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd",
        "label", "mark", "nobr", "picture", "q", "s", "small", "source", "span", "strike", "strong", "sub",
        "sup", "time", "tt", "u", "var", "wbr", "ruby",
    ];
    NAMES.contains(&name) || name.contains(':') || matches!(name, "rt" | "rp" | "rb" | "acronym" | "samp")
}

/// Whether an element holds elements that begin a line.
pub fn holds_blocks(node: &NodeRef) -> bool {
    node.descendants_it()
        .any(|inner| inner.node_name().is_some_and(|name| !is_inline(&name) && &*name != "br"))
}

/// Whether an element is text rather than a part of a layout.
pub fn is_text_element(name: &str) -> bool {
    matches!(name, "p" | "ul" | "ol" | "dl" | "table" | "figure" | "blockquote" | "pre" | "center" | "img")
}

/// Whether an element can hold a whole article.
pub fn is_container(name: &str) -> bool {
    const OTHERS: [&str; 20] = [
        "blockquote",
        "dd",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "tbody",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "caption",
        "address",
        "details",
    ];
    !is_inline(name) && !is_heading(name) && !OTHERS.contains(&name)
}
