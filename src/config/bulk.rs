//! What `inkstone import` and `inkstone export` can be told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// A running Inkstone to work through, instead of the database.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Remote {
    /// The address of a running Inkstone to work through; by default the database itself.
    #[arg(long, env = "INKSTONE_URL", value_name = "URL")]
    pub url: Option<String>,
    /// An API key for it, with the scope of what is done.
    #[arg(long, env = "INKSTONE_API_KEY", hide_env_values = true, value_name = "KEY", requires = "url")]
    pub key: Option<String>,
}

/// How `inkstone import` imports.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Import {
    /// The file: NDJSON, JSON or CSV, also .gz or .zst; `-` for standard input.
    pub file: PathBuf,
    /// What the rows are.
    #[arg(long = "as", value_enum, default_value_t, value_name = "KIND")]
    pub kind: Kind,
    /// How rows are written; by default what the file's name says, or else NDJSON.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<RowFormat>,
    /// Read the export of another system instead of rows.
    #[arg(long, value_enum, value_name = "SYSTEM", conflicts_with = "format")]
    pub from: Option<Origin>,
    /// What becomes of rows that are there already, and of those that are not.
    #[arg(long, value_parser = ["upsert", "create", "update"], value_name = "MODE")]
    pub mode: Option<String>,
    /// Whether to go on after a row that fails.
    #[arg(long, value_parser = ["continue", "abort"], value_name = "WHAT")]
    pub on_error: Option<String>,
    /// All rows or none.
    #[arg(long)]
    pub atomic: bool,
    /// Do everything but commit.
    #[arg(long)]
    pub dry_run: bool,
    /// Create the categories that rows name and that do not exist.
    #[arg(long)]
    pub create_categories: bool,
    /// What to clean texts of, comma-separated.
    #[arg(long, value_parser = ["pinyin_glosses", "simplified"], value_delimiter = ',', value_name = "WHAT")]
    pub clean: Vec<String>,
    /// The status of rows that say none.
    #[arg(long, value_parser = ["draft", "published", "archived"], value_name = "STATUS")]
    pub status: Option<String>,
    /// CSV: which key the columns are, as header:key, comma-separated.
    #[arg(long, value_delimiter = ',', value_name = "PAIRS")]
    pub columns: Vec<String>,
    /// The character set of the file, like gbk; found out by default.
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Go on where an import of this very file was interrupted.
    #[arg(long)]
    pub resume: bool,
    /// Where rows that fail are written, to be mended and imported; by default beside the file.
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
    /// Where they go.
    #[command(flatten)]
    pub remote: Remote,
}

impl Import {
    /// The parameters of the import, as the API takes them.
    pub fn parameters(&self, skip: u64) -> Vec<(&'static str, String)> {
        let list = |values: &[String]| Some(values.join(",")).filter(|joined| !joined.is_empty());
        let flag = |set: bool| set.then(|| "true".to_owned());
        let all = [
            ("mode", self.mode.clone()),
            ("on_error", self.on_error.clone()),
            ("atomic", flag(self.atomic)),
            ("dry_run", flag(self.dry_run)),
            ("create_categories", flag(self.create_categories)),
            ("clean", list(&self.clean)),
            ("status", self.status.clone()),
            ("columns", list(&self.columns)),
            ("encoding", self.encoding.clone().filter(|_| self.from.is_none())),
            ("skip", Some(skip.to_string()).filter(|_| skip > 0)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// What rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Articles.
    #[default]
    Articles,
    /// Categories.
    Categories,
    /// Notices.
    Notices,
}

impl Kind {
    /// The name of the resource in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Articles => "articles",
            Self::Categories => "categories",
            Self::Notices => "notices",
        }
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// A JSON object a line.
    Ndjson,
    /// A JSON array.
    Json,
    /// CSV with a header line.
    Csv,
}

impl RowFormat {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Csv => "text/csv",
        }
    }
}

/// A system whose exports can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Origin {
    /// WordPress: a WXR file.
    Wordpress,
    /// Ghost: its JSON export.
    Ghost,
    /// Saved pages: an HTML or text file, or a folder of them.
    Html,
}

/// How `inkstone export` exports.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Export {
    /// The file to write; standard output by default.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How rows are written.
    #[arg(long, value_parser = ["ndjson", "csv"], default_value = "ndjson", value_name = "FORMAT")]
    pub format: String,
    /// Only those in this category and below.
    #[arg(long, value_name = "SECTION")]
    pub category: Option<String>,
    /// Only those in one of these states, comma-separated.
    #[arg(long, value_parser = ["draft", "published", "archived"], value_delimiter = ',', value_name = "STATES")]
    pub status: Vec<String>,
    /// Where they are.
    #[command(flatten)]
    pub remote: Remote,
}

impl Export {
    /// Which articles, as the API takes it.
    pub fn filters(&self) -> Vec<(&'static str, String)> {
        let status = Some(self.status.join(",")).filter(|joined| !joined.is_empty());
        let all = [("category", self.category.clone()), ("status", status)];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
