//! Pictures and files.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use ipnet::IpNet;

use super::presets::{DEFAULT_PRESETS, Preset, parse_presets};
use super::values::{
    parse_bound, parse_bytes, parse_folder, parse_media_store, parse_network, parse_scanner, parse_web_url,
};

/// Pictures and files.
#[derive(Args, Clone, Debug)]
pub struct Media {
    /// Where media are kept: a folder, or s3://bucket/prefix of any S3-compatible store. By default `media` in the data
    /// directory.
    #[arg(id = "media-url", long = "media-url", env = "INKSTONE_MEDIA_URL", value_parser = parse_media_store, value_name = "FOLDER|URL")]
    pub url: Option<String>,
    /// The address of an S3-compatible store that is not Amazon's.
    #[arg(id = "media-endpoint", long = "media-endpoint", env = "INKSTONE_MEDIA_ENDPOINT", value_parser = parse_web_url, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The region of an S3-compatible store.
    #[arg(
        id = "media-region",
        long = "media-region",
        env = "INKSTONE_MEDIA_REGION",
        default_value = "us-east-1",
        value_name = "REGION"
    )]
    pub region: String,
    /// The id of the key for an S3-compatible store.
    #[arg(id = "media-key-id", long = "media-key-id", env = "INKSTONE_MEDIA_KEY_ID", value_name = "ID")]
    pub key_id: Option<String>,
    /// The secret of the key for an S3-compatible store.
    #[arg(
        id = "media-key-secret",
        long = "media-key-secret",
        env = "INKSTONE_MEDIA_KEY_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub key_secret: Option<String>,
    /// The address below which readers find /media/…, like that of a CDN. By default the site's.
    #[arg(id = "media-base-url", long = "media-base-url", env = "INKSTONE_MEDIA_BASE_URL", value_parser = parse_web_url, value_name = "URL")]
    pub base_url: Option<String>,
    /// Folder for uploads while they arrive; by default in the store's own folder, or `uploads` in the data directory.
    #[arg(id = "media-spool", long = "media-spool", env = "INKSTONE_MEDIA_SPOOL", value_parser = parse_folder, value_name = "DIR")]
    pub spool: Option<PathBuf>,
    /// The largest picture, with a unit.
    #[arg(id = "media-max-image", long = "media-max-image", env = "INKSTONE_MEDIA_MAX_IMAGE", default_value = "50MB", value_parser = parse_bytes, value_name = "BYTES")]
    pub max_image: u64,
    /// The largest other file, with a unit.
    #[arg(id = "media-max-file", long = "media-max-file", env = "INKSTONE_MEDIA_MAX_FILE", default_value = "500MB", value_parser = parse_bytes, value_name = "BYTES")]
    pub max_file: u64,
    /// The most pixels of a picture, in millions.
    #[arg(id = "media-max-megapixels", long = "media-max-megapixels", env = "INKSTONE_MEDIA_MAX_MEGAPIXELS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500), value_name = "N")]
    pub max_megapixels: u32,
    /// Memory for pictures while they are worked on, with a unit. Later ones wait, or get 503.
    #[arg(id = "media-memory", long = "media-memory", env = "INKSTONE_MEDIA_MEMORY", default_value = "192MiB", value_parser = parse_bytes, value_name = "BYTES")]
    pub memory: u64,
    /// The sizes in which pictures are to be had: name=WIDTH, or name=WIDTHxHEIGHT for a crop, separated by commas.
    #[arg(id = "media-presets", long = "media-presets", env = "INKSTONE_MEDIA_PRESETS", default_value = DEFAULT_PRESETS, value_parser = parse_preset_list, value_name = "PRESETS")]
    pub presets: PresetList,
    /// Take SVG pictures: sanitised, and served so that nothing in them runs.
    #[arg(id = "media-svg", long = "media-svg", env = "INKSTONE_MEDIA_SVG", value_parser = BoolishValueParser::new())]
    pub svg: bool,
    /// What looks for malware in each file before it is kept: clamd://host:port, clamd:///socket, or a program that exits
    /// with 0 for a clean file and with 1 for a bad one.
    #[arg(id = "media-scanner", long = "media-scanner", env = "INKSTONE_MEDIA_SCANNER", value_parser = parse_scanner, value_name = "URL|PROGRAM")]
    pub scanner: Option<String>,
    /// Days after which media in the trash are deleted for good; 0 keeps them.
    #[arg(id = "media-trash-days", long = "media-trash-days", env = "INKSTONE_MEDIA_TRASH_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=36_500), value_name = "DAYS")]
    pub trash_days: u32,
    /// Networks besides the public internet that media may be fetched from, comma-separated.
    #[arg(long, env = "INKSTONE_FETCH_ALLOW", value_parser = parse_network, value_delimiter = ',', value_name = "NETWORKS")]
    pub fetch_allow: Vec<IpNet>,
    /// Uploads that arrive at a time.
    #[arg(id = "media-parallel-uploads", long = "media-parallel-uploads", env = "INKSTONE_MEDIA_PARALLEL_UPLOADS", default_value_t = 32, value_parser = parse_bound, value_name = "N")]
    pub parallel_uploads: usize,
}

/// The presets of a server.
#[derive(Clone, Debug)]
pub struct PresetList(pub std::sync::Arc<[Preset]>);

fn parse_preset_list(text: &str) -> Result<PresetList, String> {
    parse_presets(text).map(|presets| PresetList(presets.into()))
}
