//! What is known of a picture without its pixels.

use chrono::{FixedOffset, NaiveDateTime};

use super::file_type::FileType;
use super::orientation::Orientation;

/// When a photograph was taken, by the clock of the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenAt {
    pub local: NaiveDateTime,
    /// The offset from UTC, if the camera knew it.
    pub offset: Option<FixedOffset>,
}

/// What the headers of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// JPEG, PNG, GIF or WebP.
    pub file_type: FileType,
    /// As stored, before the orientation.
    pub width: u32,
    /// As stored, before the orientation.
    pub height: u32,
    pub orientation: Orientation,
    /// Frames of an animation; 1 for a still picture.
    pub frames: u32,
    pub has_icc: bool,
    pub taken_at: Option<TakenAt>,
    /// An estimate, rather too high, of the memory that [`super::master::make_master`] needs, without the file itself.
    /// For budgets that several pictures share.
    pub decode_bytes: u64,
}

impl Facts {
    /// Width and height as a person sees the picture, after the orientation.
    pub fn seen_size(&self) -> (u32, u32) {
        self.orientation.apply_to_size(self.width, self.height)
    }
}
