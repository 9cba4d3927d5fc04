//! Configuration: one struct a concern, read from flags and environment variables.

pub mod bulk;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use serde::Serialize;
use utoipa::ToSchema;

/// Inkstone, a headless CMS for news sites.
#[derive(Parser, Debug)]
#[command(name = "inkstone", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; without a command, `serve`.
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
    /// Print the OpenAPI document.
    Openapi,
    /// Import many articles, categories or notices from a file.
    Import {
        /// Where they go.
        #[command(flatten)]
        database: Box<Database>,
        /// What is imported, and how.
        #[command(flatten)]
        import: Box<bulk::Import>,
    },
    /// Export articles.
    Export {
        /// Where they are.
        #[command(flatten)]
        database: Box<Database>,
        /// Which, and how.
        #[command(flatten)]
        export: Box<bulk::Export>,
    },
    /// Run the members.
    Member {
        /// Where they are.
        #[command(flatten)]
        database: Box<Database>,
        /// What to do.
        #[command(subcommand)]
        command: MemberCommand,
    },
    /// Run the API keys of scripts.
    #[command(alias = "key")]
    ApiKey {
        /// Where they are.
        #[command(flatten)]
        database: Box<Database>,
        /// What to do.
        #[command(subcommand)]
        command: ApiKeyCommand,
    },
    /// Run the ring of keys that sign access tokens.
    #[command(alias = "keys")]
    SigningKey {
        /// Where it is.
        #[command(flatten)]
        database: Box<Database>,
        /// What to do.
        #[command(subcommand)]
        command: SigningKeyCommand,
    },
}

/// What can be done to members.
#[derive(Subcommand, Clone, Debug)]
pub enum MemberCommand {
    /// Make a member, whose address counts as confirmed.
    Create {
        /// The address.
        email: String,
        /// The role.
        #[arg(long, default_value = "member", value_parser = ROLES)]
        role: String,
        /// The name others see.
        #[arg(long, default_value = "")]
        name: String,
        /// Read the password from standard input instead of making one up.
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the members: id, address, role, status.
    List,
    /// Give a member another role.
    SetRole {
        /// The address.
        email: String,
        /// The role.
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Set a member's password; ends all sessions.
    SetPassword {
        /// The address.
        email: String,
        /// Read the password from standard input instead of making one up.
        #[arg(long)]
        password_stdin: bool,
    },
}

const ROLES: [&str; 4] = ["member", "author", "editor", "admin"];

/// What can be done to API keys.
#[derive(Subcommand, Clone, Debug)]
pub enum ApiKeyCommand {
    /// Make a key and print it, this once.
    Create {
        /// What it is for.
        name: String,
        /// What it may do, comma-separated, like articles:import.
        #[arg(long, required = true, value_delimiter = ',', value_name = "SCOPES")]
        scopes: Vec<String>,
        /// Days until it stops working; never by default.
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

/// What can be done to the ring of signing keys.
#[derive(Subcommand, Clone, Debug)]
pub enum SigningKeyCommand {
    /// Sign with the next key from now on; tokens signed until now live until they expire.
    Rotate,
    /// List the ring: id, state, age.
    List,
}

/// Everything `serve` can be told.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where requests come from.
    #[command(flatten)]
    pub http: Http,
    /// Where data lives.
    #[command(flatten)]
    pub database: Database,
    /// How members prove who they are.
    #[command(flatten)]
    pub access: Access,
    /// How mail is sent.
    #[command(flatten)]
    pub mail: Mail,
    /// What the first start leaves behind.
    #[command(flatten)]
    pub bootstrap: Bootstrap,
}

/// The listening side.
#[derive(Args, Clone, Debug)]
pub struct Http {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "INKSTONE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The site's public address (http or https), stored in /api/v1/site at every start that names one.
    #[arg(long, env = "INKSTONE_BASE_URL", value_name = "URL")]
    pub base_url: Option<String>,
    /// Origins whose pages may call the API, comma-separated; `*` opens reading without credentials to all.
    #[arg(long, env = "INKSTONE_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub cors_origins: Vec<String>,
    /// Networks of proxies whose X-Forwarded-For is believed, comma-separated (10.0.0.0/8).
    #[arg(long, env = "INKSTONE_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORKS")]
    pub trusted_proxies: Vec<IpNet>,
    /// Seconds a request may take before it is answered 503.
    #[arg(long, env = "INKSTONE_REQUEST_TIMEOUT", default_value = "15", value_parser = seconds, value_name = "SECONDS")]
    pub request_timeout: Duration,
    /// Seconds that requests in flight get at shutdown.
    #[arg(long, env = "INKSTONE_SHUTDOWN_TIMEOUT", default_value_t = 30, value_name = "SECONDS")]
    pub shutdown_timeout: u64,
    /// Worker threads; by default one a core.
    #[arg(long, env = "INKSTONE_WORKERS")]
    pub workers: Option<usize>,
    /// Refuse a change that names no version in If-Match (428) instead of letting the last writer win.
    #[arg(long, env = "INKSTONE_REQUIRE_IF_MATCH")]
    pub require_if_match: bool,
}

/// The database.
#[derive(Args, Clone, Debug)]
pub struct Database {
    /// A PostgreSQL to use; without it a private one is started in the data directory.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Where the private PostgreSQL and the signing key live.
    #[arg(
        long,
        global = true,
        env = "INKSTONE_DATA_DIR",
        default_value = "./inkstone-data",
        value_name = "DIR"
    )]
    pub data_dir: PathBuf,
    /// Folder of the PostgreSQL programs, if they are not found by themselves.
    #[arg(long, global = true, env = "INKSTONE_PG_BIN", value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,
    /// Connections this process keeps.
    #[arg(long, global = true, env = "INKSTONE_POOL_SIZE", default_value_t = 12, value_name = "N")]
    pub pool_size: usize,
}

/// Tokens and passwords.
#[derive(Args, Clone, Debug)]
pub struct Access {
    /// PEM files (PKCS #8) of Ed25519 keys, comma-separated: the first signs access tokens, all verify.
    /// By default the keys are in the database, and `inkstone signing-key rotate` changes them.
    #[arg(long, env = "INKSTONE_SIGNING_KEY_FILE", value_delimiter = ',', value_name = "FILES")]
    pub signing_key_file: Vec<PathBuf>,
    /// Seconds an access token lives.
    #[arg(long, env = "INKSTONE_ACCESS_TOKEN_TTL", default_value = "600", value_parser = seconds, value_name = "SECONDS")]
    pub access_token_ttl: Duration,
    /// What a profile needs to be complete, comma-separated.
    #[arg(
        long,
        env = "INKSTONE_PROFILE_FIELDS",
        value_delimiter = ',',
        default_value = "display_name,phone,organisation",
        value_name = "FIELDS"
    )]
    pub profile_fields: Vec<ProfileField>,
    /// Attempts to sign in that an account and a network have for free in 15 minutes; other limits are multiples of it.
    #[arg(long, env = "INKSTONE_LOGIN_ATTEMPTS", default_value_t = 5, value_parser = clap::value_parser!(i32).range(1..=1_000_000), value_name = "N")]
    pub login_attempts: i32,
}

/// A part of a profile that a site may require.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum ProfileField {
    /// The name others see.
    DisplayName,
    /// A telephone number.
    Phone,
    /// Where the member works.
    Organisation,
    /// The member's position there.
    Title,
    /// A picture.
    AvatarUrl,
    /// A few words.
    Bio,
}

/// Mail.
#[derive(Args, Clone, Debug)]
pub struct Mail {
    /// Where mail is handed over: smtp://host:port (?tls=required for STARTTLS), smtps://user:password@host,
    /// or file:// for files in the data directory. Without it no mail is sent, and addresses are not confirmed.
    #[arg(long, env = "INKSTONE_MAIL_URL", hide_env_values = true, value_name = "URL")]
    pub mail_url: Option<String>,
    /// The sender of mail.
    #[arg(long, env = "INKSTONE_MAIL_FROM", default_value = "inkstone@localhost", value_name = "ADDRESS")]
    pub mail_from: String,
    /// Where the frontend's pages /verify-email and /reset-password are; the site's public address by default.
    #[arg(long, env = "INKSTONE_ACCOUNT_URL", value_name = "URL")]
    pub account_url: Option<String>,
}

/// What the first start makes.
#[derive(Args, Clone, Debug)]
pub struct Bootstrap {
    /// E-mail address of the first admin.
    #[arg(long, env = "INKSTONE_ADMIN_EMAIL", default_value = "admin@localhost", value_name = "EMAIL")]
    pub admin_email: String,
    /// Password of the first admin; made up and printed once when absent.
    #[arg(long, env = "INKSTONE_ADMIN_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub admin_password: Option<String>,
    /// Load a small demo site, once.
    #[arg(long, env = "INKSTONE_DEMO")]
    pub demo: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err("must be a whole number of seconds".to_owned()),
    }
}
