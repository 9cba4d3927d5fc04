//! Inkstone, a headless CMS for news sites: a REST/JSON API over PostgreSQL.
//!
//! The modules, low to high. Each imports only from lines above its own, which
//! a test checks; docs/architecture.md says more.
//!
//! 1. [`config`], [`telemetry`], [`priority`], [`db`]: settings, logs, threads of low priority, PostgreSQL
//! 2. [`slug`], [`markup`], [`mail`], [`text`]: slugs from titles, safe HTML, sending mail, hidden characters;
//!    [`storage`], [`pictures`], [`outbound`]: bytes under names, pictures, other people's servers
//! 3. [`error`], [`changes`]: the one error type; the change log
//! 4. [`follower`]: snapshots in memory, and the look at the change log; [`permits`]: bounds on what runs at a time
//! 5. [`keys`]: signing keys, and the secret of the site; [`cache`]: bytes that are ready; [`index`]: the search engine
//! 6. [`app`]: what every handler can reach
//! 7. [`operations`]: the entry of each operation, and the table that matches requests
//! 8. [`tx`]: the transaction
//! 9. [`http`]: bodies, parameters, paging, conditional requests, replies; [`throttle`]: limits on attempts
//! 10. [`members`]: accounts, sessions, tokens, passwords, guards
//!     [`search`]: how articles and notices are found by their words
//!     [`site`], [`media`]: what the site is called; pictures and files
//! 11. [`categories`], [`notices`], [`audit`], [`health`]: the small features
//! 12. [`articles`]: the large feature
//!     [`site_search`]: articles and notices together; [`feeds`], [`sitemaps`]: files for readers and search engines;
//!     [`change_feed`], [`webhooks`]: what has changed, for whoever asks and whoever is to be told
//! 13. [`interchange`]: foreign formats in, export out
//! 14. [`imports`]: the bulk engine; [`demo`]: a small site to look at; [`upgrade`]: what an older version stored
//! 15. [`openapi`]: what the entries add to the document; [`commands`]: the command line's work
//! 16. [`routes`]: every path and every entry, a line a feature
//! 17. [`contract`]: the document and the table of this build
//! 18. [`edge`]: connections, and clients that are too slow
//! 19. [`server`]: what wraps every request; starting and stopping
//!
//! A feature's folder holds the same files everywhere: `mod.rs` says what the
//! thing is and lists its routes and operations, `handlers.rs` has a function
//! for each operation, `writing.rs` what a change does, `view.rs` the bodies,
//! `queries.rs` all the SQL, `model.rs` the rows.

pub mod app;
pub mod articles;
pub mod audit;
pub mod cache;
pub mod categories;
pub mod change_feed;
pub mod changes;
pub mod commands;
pub mod config;
pub mod contract;
pub mod db;
pub mod deadline;
pub mod demo;
pub mod edge;
pub mod error;
pub mod feeds;
pub mod follower;
pub mod health;
pub mod home;
pub mod http;
pub mod idempotency;
pub mod imports;
pub mod index;
pub mod interchange;
pub mod jobs;
pub mod keys;
pub mod language;
pub mod mail;
pub mod markup;
pub mod media;
pub mod members;
pub mod menus;
pub mod metrics;
pub mod monitoring;
pub mod notices;
pub mod openapi;
pub mod operations;
pub mod outbound;
pub mod pages;
pub mod permits;
pub mod pictures;
pub mod priority;
pub mod ranges;
pub mod routes;
pub mod search;
pub mod server;
pub mod site;
pub mod site_search;
pub mod sitemaps;
pub mod slug;
pub mod storage;
pub mod tags;
pub mod telemetry;
pub mod text;
pub mod throttle;
pub mod tx;
pub mod upgrade;
pub mod webhooks;
