//! The options of `inkstone import` and `inkstone export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use encoding_rs::Encoding;
use ipnet::IpNet;

use super::charsets::{EncodingErrors, parse_charset};
use super::origins::{Origin, OriginOptions};
use super::values::{parse_file, parse_network, parse_web_url};

/// A running Inkstone to use through its API, instead of the database.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Remote {
    /// The URL of a running Inkstone to use through its API; by default the database is used directly.
    #[arg(long, env = "INKSTONE_URL", value_parser = parse_web_url, value_name = "URL")]
    pub url: Option<String>,
    /// An API key of that Inkstone, with the scope of the command.
    #[arg(long, env = "INKSTONE_API_KEY", hide_env_values = true, value_name = "KEY", requires = "url")]
    pub key: Option<String>,
    /// Certificates (PEM) to trust besides those of the machine: that of the server, or of who signed it.
    #[arg(long, env = "INKSTONE_CA", value_parser = parse_file, value_name = "FILE", requires = "url")]
    pub ca: Option<PathBuf>,
}

/// The options of `inkstone import`.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Import {
    /// The file: NDJSON, JSON or CSV, or with --from an export or a folder of pages; also compressed with gzip or zstd; `-` for standard input.
    pub file: PathBuf,
    /// The kind of the rows.
    #[arg(long = "as", value_enum, default_value_t, value_name = "KIND")]
    pub kind: Kind,
    /// The format of the rows; by default from the extension of the file, or else NDJSON.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<RowFormat>,
    /// Read the export of another system instead of rows.
    #[arg(long, value_enum, value_name = "SYSTEM", conflicts_with = "format")]
    pub from: Option<Origin>,
    /// How the export of another system is read.
    #[command(flatten)]
    pub origin: OriginOptions,
    /// Whether to update existing rows, create missing ones, or both (upsert).
    #[arg(long, value_parser = ["upsert", "create", "update"], value_name = "MODE")]
    pub mode: Option<String>,
    /// Whether to continue after a row that fails.
    #[arg(long, value_parser = ["continue", "abort"], value_name = "WHAT")]
    pub on_error: Option<String>,
    /// Rows in a row that may fail before the import ends; by default 10,000.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000), value_name = "N")]
    pub max_failures: Option<u64>,
    /// Import all rows or none.
    #[arg(long)]
    pub atomic: bool,
    /// Check the rows without changing anything.
    #[arg(long)]
    pub dry_run: bool,
    /// Create categories that rows name and that do not exist. A key needs the scope categories:write besides.
    #[arg(long)]
    pub create_categories: bool,
    /// Take articles and notices out of the trash that the file describes; by default they stay there.
    #[arg(long)]
    pub restore: bool,
    /// What becomes of a row whose slugs are reserved, taken or malformed; by default `suffix` with --from, else `refuse`.
    #[arg(long, value_parser = ["refuse", "suffix"], value_name = "WHAT")]
    pub slug_conflicts: Option<String>,
    /// Leave articles as they are that were edited here since they were imported; by default they are replaced, and counted.
    #[arg(long)]
    pub keep_edited: bool,
    /// What becomes of articles whose text another one has nearly: `warn` names the other, `skip` leaves them out too.
    #[arg(long, value_parser = ["off", "warn", "skip"], value_name = "WHAT")]
    pub duplicates: Option<String>,
    /// The filters to apply to texts, comma-separated.
    #[arg(long, value_parser = ["pinyin_glosses", "simplified"], value_delimiter = ',', value_name = "WHAT")]
    pub clean: Vec<String>,
    /// The status of rows without one.
    #[arg(long, value_parser = ["draft", "published", "archived"], value_name = "STATUS")]
    pub status: Option<String>,
    /// CSV: the key of each column, as header:key, comma-separated.
    #[arg(long, value_delimiter = ',', value_name = "PAIRS")]
    pub columns: Vec<String>,
    /// CSV: the character between cells, or `tab`; found out from the header by default.
    #[arg(long, value_name = "CHARACTER", conflicts_with = "from")]
    pub delimiter: Option<String>,
    /// Read numbers as days of a spreadsheet where rows hold dates.
    #[arg(long, conflicts_with = "from")]
    pub excel_dates: bool,
    /// The character set of the file, like gbk; by default that of a byte-order mark, or what the file declares, or what its bytes look like.
    #[arg(long, value_parser = parse_charset, value_name = "NAME")]
    pub encoding: Option<&'static Encoding>,
    /// What becomes of an article with bytes that are no characters: it fails, or gets U+FFFD in their place, with a warning.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub encoding_errors: Option<EncodingErrors>,
    /// Continue an interrupted import of the same file.
    #[arg(long)]
    pub resume: bool,
    /// The file for rows that fail, so that they can be corrected and imported again; by default next to the imported file.
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
    /// A JSON file for the report: what became of each row, its warnings and its images. It is written also if the import fails.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Fetch the pictures of bodies and covers from where they are, keep them as media, and let the articles name these.
    /// With --from or NDJSON. A key needs the scopes media:read and media:write besides.
    #[arg(long)]
    pub fetch_media: bool,
    /// Networks besides the public internet that pictures may be fetched from, comma-separated.
    #[arg(long, env = "INKSTONE_FETCH_ALLOW", value_parser = parse_network, value_delimiter = ',', value_name = "NETWORKS")]
    pub fetch_allow: Vec<IpNet>,
    /// The media of an export, which `inkstone export --media` has written; they are uploaded before the rows.
    #[arg(long, value_name = "DIR")]
    pub media: Option<PathBuf>,
    /// The Inkstone to import into.
    #[command(flatten)]
    pub remote: Remote,
}

impl Import {
    /// Whether dates without a time zone are read here, and no time zone is given for them.
    pub fn reads_dates(&self) -> bool {
        self.from.is_some() && self.origin.timezone.is_none()
    }

    /// Whether texts are compared, which takes the search index.
    pub fn compares_texts(&self) -> bool {
        self.kind == Kind::Articles && self.duplicates.as_deref().is_some_and(|what| what != "off")
    }

    /// Returns the query parameters of the import for the API.
    pub fn parameters(&self, skip: u64) -> Vec<(&'static str, String)> {
        let list = |values: &[String]| Some(values.join(",")).filter(|joined| !joined.is_empty());
        let flag = |set: bool| set.then(|| "true".to_owned());
        let all = [
            ("mode", self.mode.clone()),
            ("on_error", self.on_error.clone()),
            ("max_failures", self.max_failures.map(|rows| rows.to_string())),
            ("atomic", flag(self.atomic)),
            ("dry_run", flag(self.dry_run)),
            ("create_categories", flag(self.create_categories)),
            ("restore", flag(self.restore)),
            ("keep_edited", flag(self.keep_edited)),
            ("slug_conflicts", self.slug_conflicts.clone().or(self.from.map(|_| "suffix".to_owned()))),
            // Pages that name no address are known by their paths, which another folder may have too.
            ("tell_titles", flag(self.from == Some(Origin::Html) && self.origin.id_prefix.is_none())),
            ("duplicates", self.duplicates.clone()),
            ("outcomes", flag(self.report.is_some())),
            ("clean", list(&self.clean)),
            ("status", self.status.clone()),
            ("columns", list(&self.columns)),
            ("delimiter", self.delimiter.clone()),
            ("dates", self.excel_dates.then(|| "excel".to_owned())),
            (
                "timezone",
                self.origin.timezone.filter(|_| self.from.is_none()).map(|zone| zone.name().to_owned()),
            ),
            ("encoding_errors", self.encoding_errors.and_then(EncodingErrors::to_parameter)),
            ("skip", Some(skip.to_string()).filter(|_| skip > 0)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The kind of the rows.
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
    /// Returns the name of the resource in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Articles => "articles",
            Self::Categories => "categories",
            Self::Notices => "notices",
        }
    }
}

/// The format of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// One JSON object per line.
    Ndjson,
    /// A JSON array.
    Json,
    /// CSV with a header line.
    Csv,
}

impl RowFormat {
    /// Returns the media type of the format.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Csv => "text/csv",
        }
    }
}

/// The options of `inkstone export`.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Export {
    /// The file to write; standard output by default.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The format of the rows.
    #[arg(long, value_parser = ["ndjson", "csv"], default_value = "ndjson", value_name = "FORMAT")]
    pub format: String,
    /// Only articles in this category and its subcategories.
    #[arg(long, value_name = "CATEGORY")]
    pub category: Option<String>,
    /// Only articles with one of these statuses, comma-separated.
    #[arg(long, value_parser = ["draft", "published", "archived"], value_delimiter = ',', value_name = "STATUSES")]
    pub status: Vec<String>,
    /// A folder to which all media are written too: a file each, and a list.
    #[arg(long, value_name = "DIR")]
    pub media: Option<PathBuf>,
    /// The Inkstone to export from.
    #[command(flatten)]
    pub remote: Remote,
}

impl Export {
    /// Returns the query parameters that select the articles.
    pub fn filters(&self) -> Vec<(&'static str, String)> {
        let status = Some(self.status.join(",")).filter(|joined| !joined.is_empty());
        let all = [("category", self.category.clone()), ("status", status)];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
