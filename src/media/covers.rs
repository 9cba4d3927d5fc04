//! Covers: media, or a picture that is elsewhere.
//!
//! A cover that is media is stored as its path, `/media/{id}`, so that imports, exports and filters see one kind of cover.

use uuid::Uuid;

use super::addresses::{Addresses, Image, UsedMedia};
use crate::markup::own_media::shorten_address;

/// A cover as clients see it.
pub struct Cover {
    /// The id of media, or an address.
    pub cover: Option<String>,
    /// An address.
    pub address: Option<String>,
    /// What an `<img>` needs. `None` for media that the reader may not have.
    pub image: Option<Image>,
}

impl Cover {
    /// The cover that is stored as `stored`; paths become absolute below `base_url`.
    pub fn new(stored: Option<String>, base_url: &str, addresses: &Addresses, media: &[UsedMedia]) -> Self {
        let Some(stored) = stored else { return Self { cover: None, address: None, image: None } };
        let Some(found) = addresses.find(&stored, media) else {
            let address = if stored.starts_with('/') { format!("{base_url}{stored}") } else { stored };
            let image = Some(Image::elsewhere(address.clone()));
            return Self { cover: Some(address.clone()), address: Some(address), image };
        };
        let image = addresses.image(found);
        let address = image.as_ref().map(|image| image.src.clone());
        Self { cover: Some(found.id.to_string()), address, image }
    }
}

/// How a cover that a client names is stored: media, by their id or by an address below one of `media_bases`, as their path.
pub fn store_cover(given: &str, media_bases: &[String]) -> String {
    match Uuid::try_parse(given).ok().filter(|_| given.len() == 36) {
        Some(id) => Addresses::path_of(id),
        None => shorten_address(given, media_bases).unwrap_or_else(|| given.to_owned()),
    }
}

/// The media that a stored cover names.
pub fn find_media(stored: &str) -> Option<Uuid> {
    let id = stored.strip_prefix("/media/")?;
    Uuid::try_parse(id).ok().filter(|_| id.len() == 36)
}
