//! The engine against hostile names, addresses and servers.

mod client;
mod down;
mod download;
mod guard;
mod networks;
mod polite;
mod redirects;
mod script;
mod server;
mod slow;
mod tls;
