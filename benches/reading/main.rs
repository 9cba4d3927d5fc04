//! Reading, beside what could stand in its place: cached answers beside a bare actix handler, nginx and Varnish, uncached
//! ones beside pgbench with the same SQL, reads among writes, readers beside a crawler, memory, and the start.
//!
//! `cargo bench --bench reading` writes `benches/results`; `-- --quick` takes a minute and writes nothing; `-- mix`, or the
//! name of another part, measures this part alone and writes nothing.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod bare;
mod cached;
mod changes;
mod client;
#[path = "../support/connection.rs"]
mod connection;
mod contestants;
mod crawl;
#[path = "../support/drive.rs"]
mod drive;
#[path = "../support/floor.rs"]
mod floor;
mod memory;
mod mix;
mod results;
#[path = "../support/rows.rs"]
mod rows;
mod site;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/texts.rs"]
mod texts;
#[path = "../support/times.rs"]
mod times;
mod uncached;
mod wrk;

use std::time::Duration;

use floor::Database;
use results::Results;
use site::Site;
use support::{Server, block_on};

/// What the server allocates with, for the bare handler too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Articles to read from. Their slugs are their numbers.
const ARTICLES: usize = 10_000;

/// How much is measured.
pub struct Plan {
    /// Runs, of which the median counts. Those of one comparison alternate.
    pub runs: usize,
    /// Seconds of a run.
    pub seconds: u64,
    /// Connections of cached reads.
    pub connections: &'static [usize],
    /// How long reads are mixed with writes.
    pub mix: Duration,
    /// Articles that the crawler asks for.
    pub crawled: usize,
}

const FULL: Plan =
    Plan { runs: 5, seconds: 2, connections: &[1, 32, 128], mix: Duration::from_secs(60), crawled: ARTICLES };
const QUICK: Plan =
    Plan { runs: 1, seconds: 1, connections: &[32], mix: Duration::from_secs(5), crawled: 2_000 };

/// What measures a part.
type Measure = fn(&Plan, &Site, &mut Results) -> anyhow::Result<()>;

/// The parts after the uncached one, each with a server of its own.
const REST: [(&str, Measure); 5] = [
    ("cached", cached::measure),
    ("mix", mix::measure),
    ("crawl", crawl::measure),
    ("memory", memory::measure),
    ("changes", changes::measure),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, port, folder] = &arguments[..]
        && word == bare::WORD
    {
        return bare::serve(port.parse()?, folder.as_ref());
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let plan = if is_quick { QUICK } else { FULL };
    let folder = tempfile::tempdir()?;
    let (_embedded, database) = Database::start(folder.path())?;
    let uncached = Server::start(&["--database-url", &database.url, "--cache-size", "0"])?;
    let site = block_on(Site::fill(&uncached, database, ARTICLES))?;
    let mut results = Results::begin()?;
    let is_named = |part: &str| arguments.iter().any(|argument| argument == part);
    let is_whole = !is_named("uncached") && !REST.iter().any(|(part, _)| is_named(part));
    let is_wanted = |part: &str| is_whole || is_named(part);
    if is_wanted("uncached") {
        uncached::measure(&plan, &site, &uncached, &mut results)?;
    }
    drop(uncached);
    for (part, measure) in REST {
        if is_wanted(part) {
            measure(&plan, &site, &mut results)?;
        }
    }
    if is_whole && !is_quick {
        results.write(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results").as_ref())?;
    }
    results.finish()
}
