//! How a foreign file is read.

use chrono_tz::Tz;
use encoding_rs::Encoding;

use crate::config::charsets::EncodingErrors;
use crate::config::origins::OriginOptions;

/// How a foreign file is read.
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    /// The options of the command line.
    pub origin: OriginOptions,
    /// The time zone of dates without one.
    pub timezone: Tz,
    /// The character set, if it was given, or found out for a file as a whole.
    pub encoding: Option<&'static Encoding>,
    /// What becomes of an article with bytes that are no characters.
    pub encoding_errors: EncodingErrors,
}
