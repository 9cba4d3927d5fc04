//! Inkstone, a headless CMS for news sites: a REST/JSON API over PostgreSQL.
//!
//! The modules, low to high; each imports only from lines above its own, which
//! a test checks:
//!
//! 1. [`config`], [`telemetry`], [`priority`], [`db`], [`keys`]: how to run, logs, threads that may wait, PostgreSQL, secrets
//! 2. [`slug`], [`markup`], [`mail`]: names for addresses, bodies to safe HTML, letters handed over
//! 3. [`error`], [`changes`]: what can go wrong; the log of all changes
//! 4. [`app`]: what every handler can reach
//! 5. [`http`]: bodies, parameters, paging, conditional requests, answers; [`throttle`]: too many attempts
//! 6. [`members`]: accounts, sessions, tokens, passwords, guards
//! 7. [`categories`], [`notices`], [`site`], [`audit`], [`health`]: the small features
//! 8. [`articles`]: what the site is for
//! 9. [`interchange`]: exports, other systems' formats; [`imports`]: many at once; [`demo`]: a small site to look at
//! 10. [`commands`]: running a site from its own machine; [`openapi`]: what is true of all operations
//! 11. [`routes`]: every path, a line a feature
//! 12. [`contract`]: the document, and what it refuses
//! 13. [`server`]: what wraps every request; starting and stopping
//!
//! A feature's folder holds the same rooms everywhere: `mod.rs` says what the
//! thing is and lists its routes, `handlers.rs` has a function an operation,
//! `view.rs` the bodies, `queries.rs` all the SQL, `model.rs` the rows.

pub mod app;
pub mod articles;
pub mod audit;
pub mod categories;
pub mod changes;
pub mod commands;
pub mod config;
pub mod contract;
pub mod db;
pub mod demo;
pub mod error;
pub mod follower;
pub mod health;
pub mod http;
pub mod imports;
pub mod interchange;
pub mod keys;
pub mod mail;
pub mod markup;
pub mod members;
pub mod notices;
pub mod openapi;
pub mod operations;
pub mod priority;
pub mod routes;
pub mod server;
pub mod site;
pub mod slug;
pub mod telemetry;
pub mod throttle;
pub mod tx;
pub mod upgrade;
