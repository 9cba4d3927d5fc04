//! Finds the article on a page: the elements that hold its sentences, and what belongs to them.
//!
//! The core is the innermost element with most of the prose. Prose beside the core is the article's too, unless
//! the name of its element says otherwise; so are the short lines between the title and the core, and those after
//! the core that are no menus. Nothing inside the core is left out here.

use std::collections::{HashMap, HashSet};

use dom_query::{NodeId, NodeRef};

use super::furniture::{Furniture, begins_site_text, is_annex, name_furniture};
use super::line_kinds::{is_labels, is_plain_text, is_short_text, is_text_between};
use super::lines::{Line, is_container, is_heading, is_text_element, list_lines};
use super::tables::{Cell, has_labelled_rows, list_rows};

/// Of the prose of an element, the part that a child holds which takes its place as the core.
const CORE_SHARE: f64 = 0.6;
/// How many times more prose than all other elements an element must hold to be no furniture despite its name.
const OVERRULING_SHARE: usize = 3;
/// The same for a name that articles seldom have.
const OVERRULING_LIKELY_SHARE: usize = 20;
/// Most elements whose names are overruled.
const MAX_OVERRULED: usize = 8;

/// A part of the article on its page.
#[derive(Clone, Copy)]
pub enum Piece<'d> {
    /// An element, with its content.
    Element(NodeRef<'d>),
    /// A line that stands between elements.
    Line(usize),
}

/// The article on its page.
pub struct MainText<'d> {
    /// All lines of the page.
    pub lines: Vec<Line<'d>>,
    /// The line of the article's title.
    pub title: Option<usize>,
    /// The parts of the article, in the page's order, each with its first and last line.
    pub pieces: Vec<(Piece<'d>, usize, usize)>,
    /// First and last line of the core.
    pub core: Option<(usize, usize)>,
    /// Of each line, whether it is text of the article by which its place was found.
    pub is_text: Vec<bool>,
    /// Of each line, what the names of its elements say.
    pub furniture: Vec<Option<Furniture>>,
}

/// What counts as text of the article.
#[derive(Clone, Copy)]
enum Measure {
    /// Sentences.
    Prose,
    /// All text that is no label, menu or notice of the site.
    AnyText,
    /// Pictures.
    Pictures,
}

/// What is taken beside the core.
#[derive(Clone, Copy)]
enum Reach {
    /// All text of the column that the title begins.
    Column,
    /// Prose, and paragraphs, lists and tables directly beside the core.
    Neighbours,
    /// Prose.
    Prose,
}

impl<'d> MainText<'d> {
    /// Finds the article with this title in `body`.
    pub fn find(body: &NodeRef<'d>, title: &str) -> Self {
        let lines = list_lines(body);
        let title = find_title_line(&lines, title);
        let mut search = Search::new(lines, title);
        for measure in [Measure::Prose, Measure::AnyText, Measure::Pictures] {
            search.weigh_lines(measure);
            if let Some(core) = search.find_core(body) {
                search.add_pieces(core);
                break;
            }
        }
        let core = search.pieces.first().map(|(_, first, last)| (*first, *last));
        let mut pieces = search.pieces;
        pieces.sort_by_key(|(_, first, last)| (*first, std::cmp::Reverse(*last)));
        let mut end = None;
        pieces.retain(|(_, _, last)| {
            let is_apart = end.is_none_or(|end| *last > end);
            end = end.max(Some(*last));
            is_apart
        });
        let is_text = search.weights.iter().map(|weight| *weight > 0).collect();
        Self { lines: search.lines, title, pieces, core, is_text, furniture: search.furniture }
    }
}

/// The line of the title: the first heading with its text, or else the first line with it.
fn find_title_line(lines: &[Line], title: &str) -> Option<usize> {
    let squash = |text: &str| text.split_whitespace().collect::<String>();
    let title = squash(title);
    let is_title = |line: &Line| !title.is_empty() && squash(&line.text) == title;
    let is_title_heading =
        |line: &Line| line.block.node_name().is_some_and(|name| is_heading(&name)) && is_title(line);
    lines.iter().position(is_title_heading).or_else(|| lines.iter().position(is_title))
}

struct Search<'d> {
    lines: Vec<Line<'d>>,
    title: Option<usize>,
    weights: Vec<usize>,
    furniture: Vec<Option<Furniture>>,
    /// What the name of each element around a line says.
    names: HashMap<NodeId, Option<Furniture>>,
    /// Names of elements that have too much prose to be furniture.
    overruled: HashSet<NodeId>,
    /// First and last line of each element.
    ranges: HashMap<NodeId, (usize, usize)>,
    /// Weight of each element.
    masses: HashMap<NodeId, usize>,
    pieces: Vec<(Piece<'d>, usize, usize)>,
}

impl<'d> Search<'d> {
    fn new(lines: Vec<Line<'d>>, title: Option<usize>) -> Self {
        let mut ranges: HashMap<NodeId, (usize, usize)> = HashMap::new();
        let mut names = HashMap::new();
        for (at, line) in lines.iter().enumerate() {
            for node in std::iter::once(line.block).chain(line.block.ancestors_it(None)) {
                ranges.entry(node.id).or_insert((at, at)).1 = at;
                names.entry(node.id).or_insert_with(|| name_furniture(&node));
            }
        }
        Self {
            title,
            weights: Vec::new(),
            furniture: Vec::new(),
            names,
            overruled: HashSet::new(),
            ranges,
            masses: HashMap::new(),
            pieces: Vec::new(),
            lines,
        }
    }

    /// Weighs each line, and each element by its lines that are no furniture.
    fn weigh_lines(&mut self, measure: Measure) {
        let title = self.title;
        let weights = self.lines.iter().enumerate().map(|(at, line)| match measure {
            _ if Some(at) == title => 0,
            Measure::Prose if line.is_prose() && !is_labels(&line.text) => line.own_chars(),
            Measure::AnyText if is_plain_text(line) && title.is_none_or(|title| at > title) => {
                line.own_chars()
            }
            Measure::Pictures => line.media,
            _ => 0,
        });
        self.weights = weights.collect();
        for _ in 0..MAX_OVERRULED {
            self.name_lines();
            match self.find_overruled(measure) {
                Some(node) => self.overruled.insert(node),
                None => break,
            };
        }
        self.masses.clear();
        for (at, line) in self.lines.iter().enumerate() {
            if self.furniture[at].is_some() {
                self.weights[at] = 0;
            }
            if self.weights[at] > 0 {
                for node in std::iter::once(line.block).chain(line.block.ancestors_it(None)) {
                    *self.masses.entry(node.id).or_default() += self.weights[at];
                }
            }
        }
    }

    /// Notes of each line what the names of its elements say.
    fn name_lines(&mut self) {
        let mut names: HashMap<NodeId, Option<Furniture>> = HashMap::new();
        self.furniture = self.lines.iter().map(|line| self.name_element(&line.block, &mut names)).collect();
    }

    fn name_element(
        &self,
        node: &NodeRef,
        names: &mut HashMap<NodeId, Option<Furniture>>,
    ) -> Option<Furniture> {
        if let Some(known) = names.get(&node.id) {
            return *known;
        }
        let own = self.own_name(node);
        let found = own.max(node.parent().and_then(|parent| self.name_element(&parent, names)));
        names.insert(node.id, found);
        found
    }

    /// The element with the most text of those that hold far more of it than all that is no furniture.
    ///
    /// An article can be so short that all prose of a page is in its comments.
    fn find_overruled(&self, measure: Measure) -> Option<NodeId> {
        let mut masses: HashMap<NodeId, (usize, Furniture)> = HashMap::new();
        let mut outside = 0;
        for (at, line) in self.lines.iter().enumerate().filter(|(at, _)| self.weights[*at] > 0) {
            if self.furniture[at].is_none() {
                outside += self.weights[at];
                continue;
            }
            // A line counts for the innermost of its elements with such a name, and for those around it.
            let around = std::iter::once(line.block).chain(line.block.ancestors_it(None));
            for node in around {
                if let Some(name) = self.own_name(&node) {
                    masses.entry(node.id).or_insert((0, name)).0 += self.weights[at];
                }
            }
        }
        let is_overruled = |mass: usize, name: Furniture| match name {
            Furniture::Perhaps => mass > OVERRULING_SHARE * outside,
            Furniture::Likely if outside == 0 => !matches!(measure, Measure::Prose),
            Furniture::Likely => mass > OVERRULING_LIKELY_SHARE * outside,
        };
        let found = masses.into_iter().filter(|(_, (mass, name))| is_overruled(*mass, *name));
        // Of elements with the same text the outermost comes first; names that are less certain before others.
        let order = |(node, (mass, name)): &(NodeId, (usize, Furniture))| {
            (std::cmp::Reverse(*name), *mass, std::cmp::Reverse(*node))
        };
        found.max_by_key(order).map(|(node, _)| node)
    }

    /// What the name of an element says, unless its text says otherwise.
    fn own_name(&self, node: &NodeRef) -> Option<Furniture> {
        self.names.get(&node.id).copied().flatten().filter(|_| !self.overruled.contains(&node.id))
    }

    fn holds(&self, node: &NodeRef, line: usize) -> bool {
        self.ranges.get(&node.id).is_some_and(|(first, last)| (*first..=*last).contains(&line))
    }

    fn mass(&self, node: &NodeRef) -> usize {
        self.masses.get(&node.id).copied().unwrap_or(0)
    }

    /// The innermost element that holds most of the text of the article.
    fn find_core(&self, body: &NodeRef<'d>) -> Option<NodeRef<'d>> {
        let mut core = *body;
        (self.mass(&core) > 0).then_some(())?;
        loop {
            let enough = (self.mass(&core) as f64 * CORE_SHARE).ceil() as usize;
            let Some(child) = core.children_it(false).find(|child| self.mass(child) >= enough.max(1)) else {
                return Some(core);
            };
            match child.node_name().as_deref() {
                Some("table") => match self.find_layout_cell(&child) {
                    Some(cell) => core = cell,
                    None => return Some(core),
                },
                Some(name) if is_container(name) => core = child,
                _ => return Some(core),
            }
        }
    }

    /// The cell with most of the text of a table, if the table lays out the page. Returns `None` for a table
    /// of data, whose other cells have text or labels beside it.
    fn find_layout_cell(&self, table: &NodeRef<'d>) -> Option<NodeRef<'d>> {
        let enough = (self.mass(table) as f64 * CORE_SHARE).ceil() as usize;
        let cells = table.descendants_it().filter(|node| node.has_name("td") || node.has_name("th"));
        let cell = cells.into_iter().find(|cell| self.mass(cell) >= enough.max(1))?;
        let (first, last) = *self.ranges.get(&table.id)?;
        let inside = *self.ranges.get(&cell.id)?;
        let is_beside = |at: &usize| !(inside.0..=inside.1).contains(at) && Some(*at) != self.title;
        let beside = (first..=last).filter(is_beside).filter(|at| is_plain_text(&self.lines[*at]));
        let rows = list_rows(table).into_iter();
        let rows =
            rows.map(|row| row.iter().map(|cell| self.describe_cell(cell)).collect()).collect::<Vec<_>>();
        (beside.count() < 2 && !has_labelled_rows(&rows)).then_some(cell)
    }

    fn describe_cell(&self, cell: &NodeRef) -> Cell {
        let range = self.ranges.get(&cell.id).map_or(0..0, |(first, last)| *first..*last + 1);
        let lines = &self.lines[range.clone()];
        let is_short_text = |at: usize| {
            self.furniture[at].is_none() && self.title != Some(at) && is_short_text(&self.lines[at])
        };
        let has_text = self.mass(cell) > 0;
        Cell {
            lines: lines.len(),
            is_labels: !lines.is_empty() && lines.iter().all(|line| is_labels(&line.text)),
            is_short_text: lines.len() == 1 && !has_text && is_short_text(range.start),
            has_text,
        }
    }

    /// Collects the core and what belongs to it.
    fn add_pieces(&mut self, core: NodeRef<'d>) {
        let Some((first, last)) = self.ranges.get(&core.id).copied() else { return };
        self.pieces.push((Piece::Element(core), first, last));
        let mut node = core;
        let mut is_over = false;
        while let Some(parent) = node.parent().filter(|_| !node.has_name("body")) {
            // Above the element that holds both the title and the core, only prose belongs to the article.
            let reach = match self.title {
                Some(title) if !self.holds(&node, title) => Reach::Column,
                _ if node.id == core.id => Reach::Neighbours,
                _ => Reach::Prose,
            };
            self.add_siblings(&node, &parent, (first, last), reach, &mut is_over);
            node = parent;
        }
    }

    fn add_siblings(
        &mut self,
        node: &NodeRef<'d>,
        parent: &NodeRef<'d>,
        core: (usize, usize),
        reach: Reach,
        is_over: &mut bool,
    ) {
        let text = self.find_text_range(parent);
        for sibling in parent.children_it(false).filter(|sibling| sibling.id != node.id) {
            let Some(range) = self.ranges.get(&sibling.id).copied() else { continue };
            if self.mass(&sibling) > 0 {
                self.add_text_of(&sibling);
                continue;
            }
            *is_over |= range.0 > core.1 && begins_site_text(&self.lines[range.0].text);
            let is_before = range.1 < core.0 && self.title.is_some_and(|title| range.0 > title);
            let is_reached = match reach {
                Reach::Column => true,
                Reach::Neighbours => sibling.node_name().is_some_and(|name| is_text_element(&name)),
                Reach::Prose => false,
            };
            let is_near = is_before || range.0 > core.1 && is_reached && !*is_over;
            let is_between = text.0 < range.0 && range.1 < text.1;
            let belongs = |at: usize| {
                self.furniture[at].is_none()
                    && (is_near && self.may_belong(at) || is_between && is_text_between(&self.lines[at]))
            };
            if (range.0..=range.1).any(belongs) {
                self.pieces.push((Piece::Element(sibling), range.0, range.1));
            }
        }
        let range = self.ranges.get(&parent.id).copied().unwrap_or(core);
        let is_own = |at: &usize| self.lines[*at].block.id == parent.id;
        for at in (range.0..=range.1).filter(is_own).collect::<Vec<_>>() {
            let is_before = at < core.0 && self.title.is_some_and(|title| at > title);
            let is_near = is_before || at > core.1 && !matches!(reach, Reach::Prose) && !*is_over;
            let is_between = text.0 < at && at < text.1 && is_text_between(&self.lines[at]);
            let belongs = is_near && self.may_belong(at) || is_between;
            if self.weights[at] > 0 || self.furniture[at].is_none() && belongs {
                self.pieces.push((Piece::Line(at), at, at));
            }
        }
    }

    /// First and last line of the children of an element that have prose.
    fn find_text_range(&self, parent: &NodeRef<'d>) -> (usize, usize) {
        let children = parent.children_it(false);
        let ranges = children
            .filter(|child| self.mass(child) > 0)
            .filter_map(|child| self.ranges.get(&child.id).copied());
        ranges.fold((usize::MAX, 0), |all, range| (all.0.min(range.0), all.1.max(range.1)))
    }

    /// Whether a line beside the core can be the article's.
    fn may_belong(&self, at: usize) -> bool {
        let line = &self.lines[at];
        let has_annex = || {
            let links =
                line.nodes.iter().filter_map(|node| node.ancestors_it(Some(3)).find(|a| a.has_name("a")));
            links.filter_map(|link| link.attr("href")).any(|address| is_annex(&address))
        };
        is_plain_text(line) || line.media > 0 && !line.is_linked() || has_annex()
    }

    /// Adds the innermost element of `sibling` that holds all its text.
    fn add_text_of(&mut self, sibling: &NodeRef<'d>) {
        let mut node = *sibling;
        let whole = self.mass(&node);
        while let Some(child) = node.children_it(false).find(|child| self.mass(child) == whole) {
            if !child.node_name().is_some_and(|name| is_container(&name)) {
                break;
            }
            node = child;
        }
        if let Some((first, last)) = self.ranges.get(&node.id).copied() {
            self.pieces.push((Piece::Element(node), first, last));
        }
    }
}
