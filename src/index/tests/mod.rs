mod answers;
mod finding;
mod keeping;
mod live;
mod marking;
mod ranking;
mod recall;
mod spelling;

use std::collections::HashSet;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;

/// An index in a folder of its own.
struct Site {
    index: Index,
    folder: TempDir,
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn number(id: Uuid) -> u128 {
    id.as_u128()
}

/// A document with a title and a body, and nothing else.
fn document(number: u128, title: &str, body: &str) -> Document {
    Document {
        id: id(number),
        title: title.to_owned(),
        summary: String::new(),
        body: body.split("\n\n").map(str::to_owned).collect(),
        tags: Vec::new(),
        author: String::new(),
        source: String::new(),
        labels: Vec::new(),
        begins_at: 1_000,
        ends_at: i64::MAX,
        updated_at: 1_000,
        created_at: 1_000,
        popularity: 0,
        completions: Vec::new(),
        likeness: Vec::new(),
    }
}

impl Site {
    fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        let index = Index::create(folder.path(), "test").unwrap();
        Self { index, folder }
    }

    fn with(documents: impl IntoIterator<Item = Document>) -> Self {
        let site = Self::empty();
        site.put(documents);
        site
    }

    /// Documents with these bodies, numbered from 1.
    fn of(bodies: &[&str]) -> Self {
        Self::with(bodies.iter().zip(1..).map(|(body, number)| document(number, "", body)))
    }

    fn put(&self, documents: impl IntoIterator<Item = Document>) {
        let mut writer = self.index.writer();
        documents.into_iter().for_each(|document| writer.put(document).unwrap());
        writer.commit("1").unwrap();
    }

    fn search(&self, query: &str) -> Hits {
        let query = Query::parse(query).unwrap();
        let everything = Search { query: Some(&query), ..all() };
        self.index.search(&everything).unwrap()
    }

    /// The numbers of what is found, best first.
    fn ranked(&self, query: &str) -> Vec<u128> {
        self.search(query).hits.iter().map(|hit| number(hit.id)).collect()
    }

    /// The numbers of what is found, in order.
    fn found(&self, query: &str) -> Vec<u128> {
        let mut found = self.ranked(query);
        found.sort_unstable();
        found
    }
}

/// A search for everything.
fn all() -> Search<'static> {
    static NONE: std::sync::LazyLock<HashSet<Uuid>> = std::sync::LazyLock::new(HashSet::new);
    Search {
        query: None,
        filter: &Filter::Everything,
        without: &NONE,
        order: Order::Relevance,
        after: None,
        top: 10_000,
        count: true,
        count_labels: &[],
        now: 2_000,
    }
}
