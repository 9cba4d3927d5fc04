//! The integration tests: one binary, one private PostgreSQL, a database for each test.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

mod harness;

mod all_faults;
mod articles;
mod audit;
mod cache;
mod cases;
mod categories;
mod change_feed;
mod clocks;
mod costs;
mod deadlines;
mod docs;
mod edge;
mod embedded;
mod faults;
mod feeds;
mod fuzz;
mod home;
mod idempotency;
mod imports;
mod jobs;
mod layers;
mod leaving;
mod licences;
mod media;
mod members;
mod monitoring;
mod nodes;
mod notices;
mod openapi;
mod operations;
mod outage;
mod pages;
mod processes;
mod proxies;
mod readme;
mod resanitise;
mod rights;
mod round_trips;
mod search;
mod sentences;
mod settings;
mod shares;
mod site;
mod tags;
mod tls;
mod upgrades;
mod webhooks;
