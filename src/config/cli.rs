//! The command line: the commands and their arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::bodies::Bodies;
use super::bulk::{Export, Import, Remote};
use super::database::Database;
use super::serve::Config;

/// Inkstone, a headless CMS for news sites.
#[derive(Parser, Debug)]
#[command(name = "inkstone", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The command; without one, `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `serve`.
    #[command(flatten)]
    pub serve: Config,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serve the API (the default).
    Serve(Box<Config>),
    /// Bring the database to the newest schema, and stop.
    Migrate(Box<Database>),
    /// Say which PostgreSQL a start would use, what else is there, and how a private copy can be fetched.
    Doctor(Box<Database>),
    /// Render stored bodies again that an earlier version of the sanitiser made. A server may run besides.
    ///
    /// Give it the same --embed-hosts as the server: a frame in HTML of another host becomes a link for good.
    Resanitise {
        /// The database of the bodies.
        #[command(flatten)]
        database: Box<Database>,
        /// What bodies may hold.
        #[command(flatten)]
        bodies: Bodies,
        /// Render also the bodies that this version made, after a change of --embed-hosts.
        #[arg(long)]
        all: bool,
    },
    /// Let every server of this database build its search index anew. They serve meanwhile.
    Reindex(Box<Database>),
    /// Print the OpenAPI document.
    Openapi,
    /// Import many articles, categories or notices from a file.
    Import {
        /// The database to import into.
        #[command(flatten)]
        database: Box<Database>,
        /// What bodies may hold. With --url, the server decides.
        #[command(flatten)]
        bodies: Bodies,
        /// The file and the options of the import.
        #[command(flatten)]
        import: Box<Import>,
    },
    /// Export articles.
    Export {
        /// The database to export from.
        #[command(flatten)]
        database: Box<Database>,
        /// The articles and the options of the export.
        #[command(flatten)]
        export: Box<Export>,
    },
    /// Manage pictures and files.
    Media {
        /// The database of the media.
        #[command(flatten)]
        database: Box<Database>,
        /// The command.
        #[command(subcommand)]
        command: MediaCommand,
    },
    /// Manage members.
    Member {
        /// The database of the members.
        #[command(flatten)]
        database: Box<Database>,
        /// The command.
        #[command(subcommand)]
        command: MemberCommand,
    },
    /// Manage the API keys of scripts.
    #[command(alias = "key")]
    ApiKey {
        /// The database of the keys.
        #[command(flatten)]
        database: Box<Database>,
        /// The command.
        #[command(subcommand)]
        command: ApiKeyCommand,
    },
    /// Manage the ring of keys that sign access tokens.
    #[command(alias = "keys")]
    SigningKey {
        /// The database of the ring.
        #[command(flatten)]
        database: Box<Database>,
        /// The command.
        #[command(subcommand)]
        command: SigningKeyCommand,
    },
}

/// The commands on media.
#[derive(Subcommand, Clone, Debug)]
pub enum MediaCommand {
    /// Upload all files of a folder and its subfolders that are not there yet. Prints the id of each.
    Import {
        /// The folder.
        folder: PathBuf,
        /// The Inkstone to upload to.
        #[command(flatten)]
        remote: Remote,
    },
}

/// The commands on members.
#[derive(Subcommand, Clone, Debug)]
pub enum MemberCommand {
    /// Create a member, whose email counts as verified.
    Create {
        /// The email.
        email: String,
        /// The role.
        #[arg(long, default_value = "member", value_parser = ROLES)]
        role: String,
        /// The name that others see.
        #[arg(long, default_value = "")]
        name: String,
        /// Read the password from standard input instead of generating one.
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the members: id, email, role, status.
    List,
    /// Give a member another role.
    SetRole {
        /// The email.
        email: String,
        /// The role.
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Set a member's password; ends all sessions.
    SetPassword {
        /// The email.
        email: String,
        /// Read the password from standard input instead of generating one.
        #[arg(long)]
        password_stdin: bool,
    },
}

const ROLES: [&str; 4] = ["member", "author", "editor", "admin"];

/// The commands on API keys.
#[derive(Subcommand, Clone, Debug)]
pub enum ApiKeyCommand {
    /// Create a key and print it; it cannot be printed again.
    Create {
        /// The purpose of the key.
        name: String,
        /// The scopes of the key, comma-separated: articles:read, articles:write, articles:import, and the same of
        /// categories and notices (categories:read, categories:write, categories:import, notices:read,
        /// notices:write, notices:import), media:read, media:write.
        #[arg(long, required = true, value_delimiter = ',', value_name = "SCOPES")]
        scopes: Vec<String>,
        /// Days until the key expires; never by default.
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..=36_500), value_name = "DAYS")]
        expires_in_days: Option<i64>,
    },
    /// List the keys: id, prefix, scopes, last use, name.
    List,
    /// Revoke a key, by its id or its prefix.
    Revoke {
        /// The id or the prefix.
        key: String,
    },
}

/// The commands on the ring of signing keys.
#[derive(Subcommand, Clone, Debug)]
pub enum SigningKeyCommand {
    /// Sign with the next key from now on; tokens that were signed before stay valid until they expire.
    Rotate,
    /// List the ring: id, state, age.
    List,
}
