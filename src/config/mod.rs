//! Configuration: a struct per concern, read from flags and environment variables.

mod access;
pub mod archive;
mod bodies;
mod bootstrap;
pub mod bulk;
pub mod charsets;
mod cli;
mod database;
mod environment;
mod http;
mod mail;
mod media;
pub mod origins;
pub mod presets;
mod serve;
pub mod timezones;
mod transfers;
mod values;
mod webhooks;

pub use access::{Access, ProfileField};
pub use bodies::Bodies;
pub use bootstrap::Bootstrap;
pub use cli::{ApiKeyCommand, Cli, Command, MediaCommand, MemberCommand, SigningKeyCommand};
pub use database::Database;
pub use environment::{Refusal, SettingError};
pub use http::Http;
pub use mail::Mail;
pub use media::Media;
pub use serve::Config;
pub use transfers::Transfers;
pub use webhooks::Webhooks;
