//! The SQL that chooses the articles of a page, in the order of the list.
//!
//! A list has branches: what is public and what only the staff see, each category of a subtree, each tag. An index has
//! the rows of a branch in the order of the list, and PostgreSQL merges them: it reads as many entries as the page has
//! rows and the page number skips, however many articles there are.
//!
//! No index has the articles of an author, a source or a tag in another order than by publication. Such a branch first
//! looks up the articles of that name, to a bound: few are sorted, and where there are many, the index of the order
//! meets one soon. The same goes for what articles have besides, as a cover.
//!
//! The order of views is that of another table, `article_views`, whose lines say what finds their articles.

use uuid::Uuid;

use super::listing::{Listing, Names};
use crate::db::rows::{Conditions, PageSlice, SortColumn, Value};
use crate::db::visibility::Part;

/// Branches that are merged as such. More take too long to plan.
const MAX_BRANCHES: usize = 40;
/// Articles of a name that are sorted by what is in the entries of its index.
const MAX_SORTED_ENTRIES: usize = 10_000;
/// Articles of a name that are read to be sorted.
const MAX_SORTED_ROWS: usize = 3_000;
/// The lines of `article_tags` under the name and with the columns of articles, as far as they have them.
pub(super) const TAGGED: &str = "(SELECT tag, published_at, article_id AS id, category_id, updated_at, created_at FROM article_tags) AS articles";
/// Articles in the order of their views.
const VIEWED: &str = "article_views AS line JOIN articles ON articles.id = line.article_id";

/// The branches of a page.
pub struct Branches<'s> {
    /// The values that the branches bind.
    pub values: Conditions,
    slice: &'s PageSlice,
    names: Names,
    places: Places,
    /// The articles of names, as far as they are looked up first.
    looked_up: Vec<String>,
    branches: Vec<Branch>,
    /// Whether several branches may have the same article.
    are_overlapping: bool,
    /// Rows that one branch gives at most. Rounded up, so that pages share a few texts, which stay prepared.
    most: u64,
}

/// One branch.
struct Branch {
    from: String,
    met: String,
    /// The columns of the order, under their names.
    columns: String,
    order: String,
    /// Whether `from` is the table of articles, and an index of it has this order.
    is_in_index_order: bool,
}

/// In which categories articles are searched.
struct Places {
    /// All together.
    all: String,
    /// The marks of the ids of each, if they are few enough to be merged; none for all articles.
    each: Option<Vec<String>>,
    /// The mark of their ids, if they are too many.
    ids: Option<String>,
}

impl Places {
    fn new(conditions: &mut Conditions, categories: Option<Vec<Uuid>>, parts: usize) -> Self {
        let Some(categories) = categories else {
            return Self { all: "true".to_owned(), each: Some(Vec::new()), ids: None };
        };
        if categories.len() > 1 && categories.len() * parts > MAX_BRANCHES {
            let ids = conditions.bind(Value::Ids(categories));
            return Self { all: format!("articles.category_id = ANY({ids})"), each: None, ids: Some(ids) };
        }
        let marks: Vec<_> = categories.into_iter().map(|id| conditions.bind(Value::Id(id))).collect();
        let all = match &marks[..] {
            [one] => format!("articles.category_id = {one}"),
            _ => format!("articles.category_id IN ({})", marks.join(", ")),
        };
        Self { all, each: Some(marks), ids: None }
    }

    /// The condition on each category by itself, if they are few enough; else on all. In the order of views it is over the
    /// lines of `part`.
    fn each_in(&self, slice: &PageSlice, part: &Part) -> Vec<String> {
        let in_view_order = is_in_view_order(slice);
        let table = if in_view_order { "line" } else { "articles" };
        let each = match (&self.each, &self.ids) {
            (Some(marks), _) if marks.is_empty() => vec!["true".to_owned()],
            (Some(marks), _) => marks.iter().map(|mark| format!("{table}.category_id = {mark}")).collect(),
            (None, Some(ids)) => vec![format!("{table}.category_id = ANY({ids})")],
            (None, None) => vec![self.all.clone()],
        };
        let of_part =
            |place| if in_view_order { format!("line.state = '{}' AND {place}", part.state) } else { place };
        each.into_iter().map(of_part).collect()
    }
}

impl<'s> Branches<'s> {
    /// The branches of the page `slice` of `listing`.
    pub fn new(listing: Listing, slice: &'s PageSlice) -> Self {
        let mut values = listing.conditions.clone();
        let names = Names::new(&mut values, &listing);
        let places = Places::new(&mut values, listing.categories, listing.parts.len());
        let mut branches = Self {
            values,
            slice,
            names,
            places,
            looked_up: Vec::new(),
            branches: Vec::new(),
            are_overlapping: false,
            most: (slice.limit + slice.offset).unsigned_abs().next_power_of_two(),
        };
        listing.parts.iter().for_each(|part| branches.add(part));
        branches
    }

    /// Adds the branches of a part of the articles.
    fn add(&mut self, part: &Part) {
        let slice = slice_of(self.slice, part);
        let after = self.values.apart(|conditions| slice.add_cursor(conditions));
        let first = slice.order.first().map_or("id", |first| first.name);
        let in_time_order = first == "published_at" && slice.order.len() == 2;
        let is_found_by_order = match self.names.are_none() {
            true => !self.names.have_traits_apart_from(first),
            false => in_time_order,
        };
        match part.tagged {
            Some(tagged) if in_time_order && self.names.bylines.is_empty() && self.names.tagged.is_some() => {
                self.add_lines(&slice, tagged, &after);
            }
            Some(tagged) if !is_found_by_order => self.add_looked_up(&slice, part, tagged, &after),
            _ if !self.names.are_none() => {
                let met = self.join(self.names.conditions(), &[&self.places.all, &part.condition, &after]);
                self.push(&slice, table_of(&slice), met, false);
            }
            _ => self.add_places(&slice, part, &after),
        }
    }

    /// The branch of each tag, from its lines.
    fn add_lines(&mut self, slice: &PageSlice, tagged: &str, after: &str) {
        let traits = self.names.traits.iter().map(|one| one.of_line.clone()).collect::<Vec<_>>();
        for line in self.names.lines.clone() {
            let conditions = [&line].into_iter().chain(&traits).map(String::as_str);
            let met = self.join(conditions, &[tagged, &self.places.all, after]);
            self.push(slice, TAGGED, met, false);
        }
        self.are_overlapping |= self.names.lines.len() > 1;
    }

    /// The branches of the articles of a name or a trait: of few, and of many. One of them finds nothing.
    fn add_looked_up(&mut self, slice: &PageSlice, part: &Part, tagged: &str, after: &str) {
        let by_line = self.names.bylines.is_empty() && self.names.tagged.is_some();
        let (from, name, visible, order) = match (self.names.bylines.first(), self.names.traits.first()) {
            (Some(byline), _) => ("articles", byline.clone(), part.condition.as_str(), ""),
            (None, Some(one)) if !by_line => {
                ("articles", one.condition.clone(), part.condition.as_str(), one.newest_first)
            }
            _ => (TAGGED, self.names.all_lines.clone(), tagged, ""),
        };
        let are_in_entries = slice.order.iter().all(|column| !matches!(column.name, "title" | "views"));
        let in_entries =
            are_in_entries && self.names.traits.is_empty() && self.names.conditions().count() == 1;
        let most = if in_entries { MAX_SORTED_ENTRIES } else { MAX_SORTED_ROWS };
        let columns = if in_entries { columns_of(slice) } else { "articles.id".to_owned() };
        let met = self.join([name.as_str()], &[visible, &self.places.all]);
        let distinct = if by_line && self.names.lines.len() > 1 { "DISTINCT " } else { "" };
        let found = format!("found_{}", self.looked_up.len());
        self.looked_up.push(format!(
            "{found} AS MATERIALIZED (SELECT {columns} FROM {from} WHERE {met} {order} LIMIT {}), \
             {found}_count AS MATERIALIZED (SELECT count(*) AS known FROM {found})",
            most + 1
        ));
        let count = format!("(SELECT known FROM {found}_count)");
        let few = format!("{count} <= {most}");
        if in_entries {
            let from = format!("(SELECT {distinct}* FROM {found}) AS articles");
            self.push(slice, &from, format!("{few} AND {after}"), false);
        } else {
            let table = table_of(slice);
            let from = format!("(SELECT {distinct}id FROM {found}) AS found, {table}");
            let met = self.join(self.names.conditions(), &["articles.id = found.id", &few, after]);
            self.push(slice, &from, met, false);
        }
        for place in self.places.each_in(slice, part) {
            let met = self.join(
                self.names.conditions(),
                &[&format!("{count} > {most}"), &place, &part.condition, after],
            );
            self.push(slice, table_of(slice), met, false);
        }
    }

    /// The branches of the categories.
    fn add_places(&mut self, slice: &PageSlice, part: &Part, after: &str) {
        let table = table_of(slice);
        let ids = self.places.ids.as_ref().filter(|_| slice.offset == 0 && table == "articles");
        let Some(ids) = ids else {
            for place in self.places.each_in(slice, part) {
                let met = self.join(self.names.conditions(), &[&place, &part.condition, after]);
                self.push(slice, table, met, self.places.each.is_some() && table == "articles");
            }
            return;
        };
        let met = self
            .join(self.names.conditions(), &["articles.category_id = category.id", &part.condition, after]);
        let from = format!(
            "unnest({ids}::uuid[]) AS category(id) CROSS JOIN LATERAL (
                 SELECT {} FROM articles WHERE {met} {} LIMIT {}
             ) AS articles",
            columns_of(slice),
            slice.order_by(),
            self.most
        );
        let columns = slice.order.iter().map(|column| format!("articles.{}", column.name));
        let (columns, order) = (columns.collect::<Vec<_>>().join(", "), slice.order_by_names());
        self.branches.push(Branch { from, met: "true".to_owned(), columns, order, is_in_index_order: false });
    }

    /// The conditions as one, with those on the publication time.
    fn join<'c>(&self, conditions: impl IntoIterator<Item = &'c str>, more: &[&str]) -> String {
        let all = conditions.into_iter().map(str::to_owned).chain(more.iter().map(|&one| one.to_owned()));
        all.chain([self.values.sql()]).collect::<Vec<_>>().join(" AND ")
    }

    fn push(&mut self, slice: &PageSlice, from: &str, met: String, is_in_index_order: bool) {
        let (columns, order) = (columns_of(slice), slice.order_by());
        self.branches.push(Branch { from: from.to_owned(), met, columns, order, is_in_index_order });
    }

    /// The rows themselves by `select`, if there is one branch and an index has its order. Rows are not read to be
    /// skipped.
    pub fn select_in_index_order(&self, select: &str) -> Option<String> {
        let [Branch { met, order, is_in_index_order: true, .. }] = &self.branches[..] else { return None };
        let limit = self.slice.limit;
        (self.slice.offset == 0).then(|| format!("{select} WHERE {met} {order} LIMIT {limit}"))
    }

    /// The statement that chooses the ids, and the values it binds.
    pub fn choose_ids(self) -> (Conditions, String) {
        let Self { mut values, slice, looked_up, branches, are_overlapping, most, .. } = self;
        let limit = slice.limit_and_offset(&mut values);
        let text = match &branches[..] {
            [] => "SELECT articles.id FROM articles WHERE false".to_owned(),
            [Branch { from, met, order, .. }] => {
                format!("SELECT articles.id FROM {from} WHERE {met} {order} {limit}")
            }
            several => {
                let several = several.iter().map(|Branch { from, met, columns, order, .. }| {
                    format!("(SELECT {columns} FROM {from} WHERE {met} {order} LIMIT {most})")
                });
                let several = several.collect::<Vec<_>>().join(" UNION ALL ");
                let distinct = if are_overlapping { "DISTINCT " } else { "" };
                let (columns, order) = (names_of(slice), slice.order_by_names());
                format!(
                    "SELECT id FROM (SELECT {distinct}{columns} FROM ({several}) AS branches {order} {limit}) AS page"
                )
            }
        };
        let looked_up =
            if looked_up.is_empty() { String::new() } else { format!("WITH {} ", looked_up.join(", ")) };
        (values, looked_up + &text)
    }
}

/// Whether the views are what articles are ordered by first.
fn is_in_view_order(slice: &PageSlice) -> bool {
    slice.order.first().is_some_and(|first| first.name == "views")
}

/// What articles are read from in the order of the slice.
fn table_of(slice: &PageSlice) -> &'static str {
    if slice.order.iter().any(|column| column.name == "views") { VIEWED } else { "articles" }
}

/// The slice in the columns that the indexes of `part` have.
fn slice_of(slice: &PageSlice, part: &Part) -> PageSlice {
    let in_view_order = is_in_view_order(slice);
    let column = |column: &SortColumn| match column.name {
        "published_at" if part.is_published => SortColumn { sql: "articles.published_at", ..*column },
        "published_at" => SortColumn { sql: "coalesce(articles.published_at, 'infinity')", ..*column },
        "views" => SortColumn { sql: "line.views", ..*column },
        "id" if in_view_order => SortColumn { sql: "line.article_id", ..*column },
        _ => *column,
    };
    PageSlice { order: slice.order.iter().map(column).collect(), ..slice.clone() }
}

/// The columns of the order, under their names.
fn columns_of(slice: &PageSlice) -> String {
    let columns = slice.order.iter().map(|column| format!("{} AS {}", column.sql, column.name));
    columns.collect::<Vec<_>>().join(", ")
}

/// The names of the columns of the order.
fn names_of(slice: &PageSlice) -> String {
    slice.order.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}
