//! Where a page comes from, and how it is known again.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Component, Path};

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use url::Url;

use super::title::SiteNames;
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::origins::row_builder::RowBuilder;

/// Longest external id, in characters.
const MAX_ID_CHARS: usize = 200;
/// Characters that are kept of a longer id, before its digest.
const CUT_ID_CHARS: usize = 167;

/// A page that is read: its place, its ids, and what is known of its site.
pub struct PageSource<'p> {
    /// The path of its file, for a person.
    pub place: &'p str,
    /// Its path below the folder that is read, with slashes.
    pub relative_path: String,
    /// The name of that folder.
    pub folder: &'p str,
    /// Its address by `--base-url`.
    pub address: Option<Url>,
    /// The address from which an archive was saved.
    pub saved_from: Option<Url>,
    /// The names of sites in the titles of the folder's pages.
    pub site_names: &'p SiteNames,
    /// How it is read.
    pub options: &'p ReaderOptions,
}

impl<'p> PageSource<'p> {
    /// A page at `relative` in the folder of this name.
    pub fn new(
        place: &'p str,
        folder: &'p str,
        relative: &Path,
        site_names: &'p SiteNames,
        options: &'p ReaderOptions,
    ) -> Self {
        let relative_path = write_path(relative);
        let base = options.origin.base_url.as_deref().and_then(|base| Url::parse(base).ok());
        let address = base.and_then(|base| join_path(&base, relative));
        Self { place, relative_path, folder, address, saved_from: None, site_names, options }
    }

    /// A row with the ids of the page and its title.
    pub fn begin_row(&self, own_address: Option<&Url>, title: &str) -> RowBuilder {
        let id = match (&self.options.origin.id_prefix, own_address) {
            (None, Some(address)) => {
                let mut address = address.clone();
                address.set_fragment(None);
                shorten_id(format!("page:{address}"))
            }
            _ => self.path_id(),
        };
        RowBuilder::new(id).with_title(title)
    }

    /// The id by the page's path, for a page that does not name its address.
    pub fn path_id(&self) -> String {
        shorten_id(match &self.options.origin.id_prefix {
            Some(prefix) => format!("{}:{}", prefix.trim_end_matches(':'), self.relative_path),
            None => format!("page:{}/{}", self.folder, self.relative_path),
        })
    }

    /// Adds the date, or what becomes of a page without one.
    pub fn add_date(&self, row: RowBuilder, date: Option<DateTime<Utc>>) -> Result<RowBuilder, String> {
        let row = row.with_publication(date, self.options.origin.undated.unwrap_or_default());
        row.ok_or_else(|| "The page names no date of publication.".to_owned())
    }
}

/// An id of at most 200 characters. A longer one ends in its digest.
fn shorten_id(id: String) -> String {
    if id.chars().nth(MAX_ID_CHARS).is_none() {
        return id;
    }
    let digest = Sha256::digest(id.as_bytes());
    let digest = HEXLOWER.encode(&digest[..16]);
    let cut: String = id.chars().take(CUT_ID_CHARS).collect();
    format!("{cut}~{digest}")
}

/// A path with slashes. The bytes of a name that is not UTF-8 are percent-encoded.
pub fn write_path(path: &Path) -> String {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(write_name(name)),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

fn write_name(name: &OsStr) -> Cow<'_, str> {
    if let Some(name) = name.to_str() {
        return Cow::Borrowed(name);
    }
    let bytes = name.as_encoded_bytes();
    let plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'%';
    let encoded = bytes.iter().map(|byte| match plain(byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    Cow::Owned(encoded.collect())
}

/// The address of a file below the address of its folder.
fn join_path(base: &Url, path: &Path) -> Option<Url> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    let mut segments = url.path_segments_mut().ok()?;
    segments.pop_if_empty();
    for part in path.components() {
        if let Component::Normal(name) = part {
            match name.to_str() {
                Some(name) => segments.push(name),
                None => return None,
            };
        }
    }
    drop(segments);
    Some(url)
}
