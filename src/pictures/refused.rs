//! Why a file is refused, in a sentence for the person who sent it.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a file is refused or could not be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The bytes are of no type that is allowed here.
    UnknownType,
    /// The type is known, but not decoded. The text says what to do instead.
    Unsupported(&'static str),
    /// `width` × `height` is above the limit of pixels.
    TooManyPixels { width: u32, height: u32, max: u64 },
    /// A side is longer than `max` pixels.
    SideTooLong { max: u32 },
    /// An animation has more than `max` frames.
    TooManyFrames { max: u32 },
    /// A progressive JPEG has more than `max` scans. Each scan costs a pass over all pixels.
    TooManyScans { max: u32 },
    /// EXIF, XMP, comments and other data beside the pixels are above `max` bytes.
    MetadataTooLarge { max: u64 },
    /// The ICC profile is above `max` bytes, as it is when it is unpacked.
    ProfileTooLarge { max: u64 },
    /// Decoding needs more than `max` bytes of memory.
    TooMuchMemory { max: u64 },
    /// The file has more than `max` bytes.
    TooManyBytes { max: u64 },
    /// The file ends too early.
    Truncated,
    /// The file breaks the rules of its type. The text is for the log.
    Damaged(String),
    /// A picture could not be written.
    NotEncoded(&'static str),
}

impl Refused {
    /// A damaged file, with the words of a decoder.
    pub fn damaged(cause: impl fmt::Display) -> Self {
        Self::Damaged(cause.to_string())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType => write!(f, "not a file of an allowed type"),
            Self::Unsupported(hint) => write!(f, "not supported: {hint}"),
            Self::TooManyPixels { width, height, max } => {
                write!(f, "{width} × {height} are too many pixels: at most {max} are allowed")
            }
            Self::SideTooLong { max } => write!(f, "a side is longer than {max} pixels"),
            Self::TooManyFrames { max } => write!(f, "the animation has more than {max} frames"),
            Self::TooManyScans { max } => write!(f, "the JPEG has more than {max} scans"),
            Self::MetadataTooLarge { max } => write!(f, "the metadata is larger than {max} bytes"),
            Self::ProfileTooLarge { max } => write!(f, "the colour profile is larger than {max} bytes"),
            Self::TooMuchMemory { max } => {
                write!(
                    f,
                    "decoding would need more than {max} bytes of memory: save it smaller or not progressive"
                )
            }
            Self::TooManyBytes { max } => write!(f, "the file is larger than {max} bytes"),
            Self::Truncated => write!(f, "the file ends too early"),
            Self::Damaged(_) => write!(f, "the file is damaged"),
            Self::NotEncoded(cause) => write!(f, "the picture could not be written: {cause}"),
        }
    }
}

impl std::error::Error for Refused {}

/// Runs work on foreign bytes. A panic of a decoder becomes a refusal.
///
/// libjpeg reports damaged files by unwinding, so this is needed for it; for the others it is a second line of defence.
pub fn guard<T>(work: impl FnOnce() -> Result<T, Refused>) -> Result<T, Refused> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Refused::Damaged(describe(&*panic))))
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a decoder panicked".to_owned())
}
