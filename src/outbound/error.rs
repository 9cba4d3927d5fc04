//! Why something could not be fetched, in sentences for the person who asked for it.

use std::error::Error;
use std::time::Duration;
use std::{fmt, io};

use reqwest::StatusCode;
use url::Url;

use super::guard::{AddressRefusal, UrlRefusal};

/// Why something could not be fetched.
///
/// The sentences tell nothing of inner networks: neither addresses nor which kind of network a name leads to. What only
/// the log may tell is in the fields and in [`Error::source`].
#[derive(Debug)]
pub enum FetchError {
    /// The URL may not be reached.
    RefusedUrl(UrlRefusal),
    /// The request cannot be made: a header is not one, or HTTP cannot express the URL.
    InvalidRequest(reqwest::Error),
    /// The name has an IP address that may not be reached.
    RefusedAddress {
        /// The name.
        host: String,
        /// The first such address.
        refusal: AddressRefusal,
    },
    /// There is no such name, or it has no address.
    NameNotFound {
        /// The name.
        host: String,
    },
    /// The name could not be looked up just now.
    LookupFailed {
        /// The name.
        host: String,
        /// What the system says.
        cause: io::Error,
    },
    /// No address of the host took the connection.
    ConnectionFailed {
        /// The host.
        host: String,
        /// What the client says.
        cause: reqwest::Error,
    },
    /// The host closed the connection before the end of its answer, or its answer is not HTTP.
    ConnectionLost {
        /// The host.
        host: String,
        /// What the client says.
        cause: reqwest::Error,
    },
    /// The host has no valid certificate for its name, or does not speak TLS.
    TlsFailed {
        /// The host.
        host: String,
        /// What TLS says.
        cause: rustls::Error,
    },
    /// The connection, the next bytes, or the whole took too long.
    TimedOut {
        /// The host.
        host: String,
    },
    /// The body came at less than the wanted rate.
    TooSlow {
        /// The wanted rate, in bytes per second.
        min_rate: u64,
    },
    /// The host answered with something else than the whole file.
    Status {
        /// The host.
        host: String,
        /// The status.
        status: StatusCode,
        /// How long the host wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The body is larger than wanted, as declared or as counted.
    TooLarge {
        /// The wanted size, in bytes.
        max_bytes: u64,
    },
    /// The body is compressed or otherwise encoded, which was not asked for.
    Encoded {
        /// The encoding.
        encoding: String,
    },
    /// There were more redirects in a row than are followed.
    TooManyRedirects {
        /// How many are followed.
        max_redirects: u8,
    },
    /// A redirect is not followed.
    RedirectRefused(RedirectRefusal),
    /// What was received could not be kept. It is no fault of the host.
    NotWritten(io::Error),
    /// Too many fetches of this host failed in a row; this one was not tried again, or not at all.
    HostGivenUp {
        /// The host.
        host: String,
        /// The sentence of the last failure.
        last_failure: String,
    },
}

/// Why a redirect is not followed.
#[derive(Debug)]
pub enum RedirectRefusal {
    /// The client follows none.
    Disabled,
    /// It has no `Location`, or one that is not an address.
    Invalid,
    /// It leads from `https` to `http`.
    Downgrade {
        /// Where it leads to.
        to: Box<Url>,
    },
    /// It leads to a URL that may not be reached.
    Url {
        /// Where it leads to.
        to: Box<Url>,
        /// Why not.
        cause: UrlRefusal,
    },
}

impl FetchError {
    /// Whether a later try may succeed: the host was not reached, not heard out, or says that it is busy (408, 425,
    /// 429 and 5xx).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::LookupFailed { .. }
            | Self::ConnectionFailed { .. }
            | Self::ConnectionLost { .. }
            | Self::TimedOut { .. }
            | Self::TooSlow { .. } => true,
            Self::Status { status, .. } => {
                matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error()
            }
            _ => false,
        }
    }

    /// The host that seems to be down, if one does: its other addresses will fail as this one did.
    ///
    /// After a redirect it may be another host than that of the URL that was asked for.
    pub fn find_down_host(&self) -> Option<&str> {
        match self {
            Self::RefusedAddress { host, .. }
            | Self::NameNotFound { host }
            | Self::LookupFailed { host, .. }
            | Self::ConnectionFailed { host, .. }
            | Self::ConnectionLost { host, .. }
            | Self::TlsFailed { host, .. }
            | Self::TimedOut { host } => Some(host),
            Self::Status { host, status, .. } if matches!(status.as_u16(), 502..=504) => Some(host),
            _ => None,
        }
    }

    /// How long the host wants to be left alone, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::RefusedUrl(cause) => cause.fmt(f),
            Self::InvalidRequest(_) => f.write_str("the request cannot be made"),
            Self::RefusedAddress { host, .. } => write!(f, "{host} leads to a network that is not public"),
            Self::NameNotFound { host } => write!(f, "the name {host} was not found"),
            Self::LookupFailed { host, .. } => write!(f, "the name {host} could not be looked up"),
            Self::ConnectionFailed { host, .. } => write!(f, "{host} cannot be reached"),
            Self::ConnectionLost { host, .. } => write!(f, "the connection to {host} was lost"),
            Self::TlsFailed { host, .. } => {
                write!(f, "no secure connection to {host}: its certificate or TLS is invalid")
            }
            Self::TimedOut { host } => write!(f, "{host} took too long"),
            Self::TooSlow { min_rate } => write!(f, "the file came at less than {min_rate} bytes per second"),
            Self::Status { status, .. } => write!(f, "the server responded {status}"),
            Self::TooLarge { max_bytes } => write!(f, "the file is larger than {max_bytes} bytes"),
            Self::Encoded { encoding } => {
                write!(f, "the server sent the file encoded as {encoding}, which was not asked for")
            }
            Self::TooManyRedirects { max_redirects } => {
                write!(f, "more than {max_redirects} redirects in a row")
            }
            Self::RedirectRefused(refusal) => refusal.fmt(f),
            Self::NotWritten(_) => f.write_str("the file could not be stored"),
            Self::HostGivenUp { host, last_failure } => {
                write!(f, "{host} was given up after too many failures in a row; the last: {last_failure}")
            }
        }
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::RefusedUrl(cause) => Some(cause),
            Self::InvalidRequest(cause) => Some(cause),
            Self::RefusedAddress { refusal, .. } => Some(refusal),
            Self::LookupFailed { cause, .. } | Self::NotWritten(cause) => Some(cause),
            Self::ConnectionFailed { cause, .. } | Self::ConnectionLost { cause, .. } => Some(cause),
            Self::TlsFailed { cause, .. } => Some(cause),
            Self::RedirectRefused(RedirectRefusal::Url { cause, .. }) => Some(cause),
            _ => None,
        }
    }
}

impl fmt::Display for RedirectRefusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("the server redirects, which is not followed"),
            Self::Invalid => f.write_str("the server redirects, but not to an address"),
            Self::Downgrade { .. } => {
                f.write_str("the server redirects from https to http, which is not followed")
            }
            Self::Url { cause, .. } => write!(f, "the server redirects, which is not followed: {cause}"),
        }
    }
}

impl From<UrlRefusal> for FetchError {
    fn from(refusal: UrlRefusal) -> Self {
        Self::RefusedUrl(refusal)
    }
}

impl From<RedirectRefusal> for FetchError {
    fn from(refusal: RedirectRefusal) -> Self {
        Self::RedirectRefused(refusal)
    }
}
