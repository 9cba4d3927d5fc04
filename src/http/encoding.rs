//! Content codings (RFC 9110 §8.4.1, §12.5.3): which one a client takes, and bodies in each of them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::{OnceCell, Semaphore};

use crate::permits::count_cores;
use crate::priority::PauseTimer;
use crate::ranges::parse_ranges;

/// Bytes below which a body is sent as it is.
pub const MIN_BYTES: usize = 1 << 10;
/// Bytes above which a body is not encoded on a thread that answers requests.
const MAX_BYTES_HERE: usize = 64 << 10;
/// Bodies that are encoded at a time.
static ENCODERS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(count_cores())));

/// Values of `Accept-Encoding` that a thread remembers.
const MAX_REMEMBERED: usize = 16;
/// The most bytes of such a value.
const MAX_REMEMBERED_BYTES: usize = 128;

thread_local! {
    static REMEMBERED: RefCell<VecDeque<(HeaderValue, Encoding)>> = const { RefCell::new(VecDeque::new()) };
}

/// A content coding that answers can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// None.
    Identity,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
    /// RFC 1952.
    Gzip,
}

/// How much time an encoded body is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// It is sent once.
    Fast,
    /// It is kept, and sent many times.
    Thorough,
}

impl Encoding {
    /// All, the best for what is kept first. In this order those of one weight are chosen.
    pub const ALL: [Self; 4] = [Self::Brotli, Self::Zstd, Self::Gzip, Self::Identity];
    /// The same for what is encoded for one answer.
    const FAST: [Self; 4] = [Self::Zstd, Self::Gzip, Self::Brotli, Self::Identity];

    /// Its name in `Content-Encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The coding that the client of a request likes best, of those with one weight the cheapest for us.
    ///
    /// A client that names none gets none: codings are for those who ask. `*` stands for gzip, which everybody has.
    pub fn negotiate(headers: &HeaderMap, effort: Effort) -> Self {
        let mut values = headers.get_all(ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
        let Some(first) = values.next() else { return Self::Identity };
        let ranges: Vec<(&str, f32)> =
            parse_ranges(first).into_iter().chain(values.flat_map(parse_ranges)).collect();
        let weigh = |name: &str| {
            let named = ranges.iter().filter(|(range, _)| range.eq_ignore_ascii_case(name));
            named.map(|(_, weight)| *weight).reduce(f32::max)
        };
        let any = weigh("*");
        let weight = |encoding: Self| match encoding {
            Self::Gzip => weigh("gzip").or_else(|| weigh("x-gzip")).or(any).unwrap_or(0.0),
            // Less than whatever is asked for, unless it is asked for too.
            Self::Identity => weigh("identity").unwrap_or(f32::MIN_POSITIVE),
            other => weigh(other.name()).unwrap_or(0.0),
        };
        let order = if effort == Effort::Thorough { Self::ALL } else { Self::FAST };
        let best = order.map(weight).into_iter().fold(0.0, f32::max);
        order.into_iter().find(|encoding| best > 0.0 && weight(*encoding) >= best).unwrap_or(Self::Identity)
    }

    /// As [`Encoding::negotiate`], for a body that is kept. What the last values of the header came to is remembered: most
    /// clients send one of a few.
    pub fn negotiate_from_memory(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(ACCEPT_ENCODING);
        let value = match (values.next(), values.next()) {
            (None, _) => return Self::Identity,
            (Some(value), None) if value.len() <= MAX_REMEMBERED_BYTES => value,
            _ => return Self::negotiate(headers, Effort::Thorough),
        };
        REMEMBERED.with_borrow_mut(|remembered| {
            if let Some((_, encoding)) = remembered.iter().find(|(known, _)| known == value) {
                return *encoding;
            }
            let encoding = Self::negotiate(headers, Effort::Thorough);
            if remembered.len() == MAX_REMEMBERED {
                remembered.pop_front();
            }
            // A copy: the value itself may be a part of a larger buffer.
            remembered.extend(HeaderValue::from_bytes(value.as_bytes()).ok().map(|value| (value, encoding)));
            encoding
        })
    }

    /// How the strong tag of a body in this coding ends: other effort makes other bytes.
    pub const fn tag_ending(self, effort: Effort) -> &'static str {
        match (self, effort) {
            (Self::Identity, _) => "",
            (Self::Brotli, Effort::Thorough) => "-br",
            (Self::Zstd, Effort::Thorough) => "-zstd",
            (Self::Gzip, Effort::Thorough) => "-gzip",
            (Self::Brotli, Effort::Fast) => "-br-fast",
            (Self::Zstd, Effort::Fast) => "-zstd-fast",
            (Self::Gzip, Effort::Fast) => "-gzip-fast",
        }
    }

    fn encode(self, body: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
        let is_fast = effort == Effort::Fast;
        let mut encoded = Vec::with_capacity(body.len() / 3);
        match self {
            Self::Identity => encoded.extend_from_slice(body),
            Self::Gzip => {
                let level = Compression::new(if is_fast { 1 } else { 6 });
                let mut encoder = GzEncoder::new(&mut encoded, level);
                encoder.write_all(body)?;
                encoder.finish()?;
            }
            Self::Brotli => {
                let quality = if is_fast { 1 } else { 5 };
                let window = 20;
                brotli::CompressorWriter::new(&mut encoded, 4096, quality, window).write_all(body)?;
            }
            Self::Zstd => encoded = zstd::bulk::compress(body, if is_fast { 1 } else { 6 })?,
        }
        Ok(encoded)
    }
}

/// Encodes a body, on another thread if that takes a while. `None` if that does not make it shorter by a third.
pub async fn encode(body: Bytes, encoding: Encoding, effort: Effort) -> Option<Bytes> {
    if encoding == Encoding::Identity || body.len() < MIN_BYTES {
        return None;
    }
    let length = body.len();
    let encoded = if effort == Effort::Fast && length <= MAX_BYTES_HERE {
        encoding.encode(&body, effort)
    } else {
        let permit = ENCODERS.clone().acquire_owned().await.ok()?;
        // The work goes on if the client hangs up, and so does its permit.
        let work = move || {
            let _pauses = PauseTimer::start();
            let encoded = encoding.encode(&body, effort);
            drop(permit);
            encoded
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| Err(io::Error::other(cause)))
    };
    let mut encoded = encoded.ok().filter(|encoded| encoded.len() <= length / 3 * 2)?;
    encoded.shrink_to_fit();
    Some(Bytes::from(encoded))
}

/// A body with what it is in each coding, made when it is first asked for.
#[derive(Debug)]
pub struct EncodedBody {
    identity: Bytes,
    /// Whether it is text, which encoding makes shorter.
    is_text: bool,
    /// In the order of [`Encoding::ALL`]. `None` inside if the coding does not make it shorter.
    encoded: [OnceCell<Option<Bytes>>; 3],
}

impl EncodedBody {
    /// A text that is not encoded yet.
    pub fn new(identity: Bytes) -> Self {
        Self::of_type(identity, true)
    }

    /// A body that is not encoded yet. What is no text is never encoded.
    pub fn of_type(identity: Bytes, is_text: bool) -> Self {
        Self { identity, is_text, encoded: [const { OnceCell::const_new() }; 3] }
    }

    /// Bytes of the body that is not encoded.
    pub fn len(&self) -> usize {
        self.identity.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.identity.is_empty()
    }

    /// Whether a client that takes encoded bodies gets one.
    pub fn is_encodable(&self) -> bool {
        self.is_text && self.identity.len() >= MIN_BYTES
    }

    /// The body in this coding, or as it is if the coding does not pay. `None` if it must be made first.
    pub fn get(&self, encoding: Encoding) -> Option<(Encoding, Bytes)> {
        if !self.is_encodable() {
            return Some((Encoding::Identity, self.identity.clone()));
        }
        match self.slot(encoding) {
            None => Some((Encoding::Identity, self.identity.clone())),
            Some(slot) => Some(match slot.get()? {
                Some(encoded) => (encoding, encoded.clone()),
                None => (Encoding::Identity, self.identity.clone()),
            }),
        }
    }

    /// The same, made if need be: once, however many ask.
    pub async fn make(&self, encoding: Encoding) -> (Encoding, Bytes) {
        if let Some(ready) = self.get(encoding) {
            return ready;
        }
        if let Some(slot) = self.slot(encoding) {
            slot.get_or_init(|| encode(self.identity.clone(), encoding, Effort::Thorough)).await;
        }
        self.get(encoding).unwrap_or((Encoding::Identity, self.identity.clone()))
    }

    fn slot(&self, encoding: Encoding) -> Option<&OnceCell<Option<Bytes>>> {
        self.encoded.get(Encoding::ALL.iter().position(|one| *one == encoding)?)
    }
}

/// Whether a body is text that is not encoded yet.
pub fn is_plain_text(headers: &HeaderMap) -> bool {
    !headers.contains_key(CONTENT_ENCODING) && headers.get(CONTENT_TYPE).is_some_and(is_text)
}

/// Whether a media type is one of text, which encoding makes shorter.
fn is_text(media_type: &HeaderValue) -> bool {
    let name = media_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    name.starts_with("text/")
        || name.ends_with("json")
        || name.ends_with("xml")
        || name.ends_with("javascript")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_coding_with_the_greatest_weight_is_chosen() {
        for (accepted, chosen) in [
            ("", "identity"),
            ("gzip", "gzip"),
            ("GZIP, deflate", "gzip"),
            ("x-gzip", "gzip"),
            ("gzip, deflate, br, zstd", "br"),
            ("gzip;q=0.9, br;q=0.5", "gzip"),
            ("br;q=0, gzip", "gzip"),
            ("gzip;q=0", "identity"),
            ("gzip;q=0.5, identity", "identity"),
            ("*", "gzip"),
            ("*;q=0", "identity"),
            ("br;q=0.001", "br"),
            ("deflate, compress", "identity"),
            ("identity;q=0", "identity"),
            ("gzip;q=x, zstd;q=2, br;q=NaN", "identity"),
        ] {
            let req = TestRequest::default().insert_header((ACCEPT_ENCODING, accepted)).to_http_request();
            for _ in 0..2 {
                assert_eq!(Encoding::negotiate_from_memory(req.headers()).name(), chosen, "{accepted}");
            }
        }
        let two = TestRequest::default().append_header((ACCEPT_ENCODING, "gzip;q=0.5"));
        let two = two.append_header((ACCEPT_ENCODING, "br")).to_http_request();
        assert_eq!(Encoding::negotiate_from_memory(two.headers()), Encoding::Brotli);
        let none = TestRequest::default().to_http_request();
        assert_eq!(Encoding::negotiate_from_memory(none.headers()), Encoding::Identity);
        assert_eq!(Encoding::negotiate(none.headers(), Effort::Fast), Encoding::Identity);
    }

    #[actix_web::test]
    async fn an_encoded_body_is_made_once_and_only_if_it_is_shorter() {
        let body = EncodedBody::new(Bytes::from(vec![b'a'; MIN_BYTES]));
        for encoding in Encoding::ALL {
            assert_eq!(body.get(encoding).is_some(), encoding == Encoding::Identity);
            let (made, bytes) = body.make(encoding).await;
            assert_eq!((made, Some((made, bytes))), (encoding, body.get(encoding)));
        }
        let noise: Vec<u8> = (0..64).flat_map(|_| uuid::Uuid::new_v4().into_bytes()).collect();
        let noise = EncodedBody::new(Bytes::from(noise));
        assert_eq!(noise.make(Encoding::Gzip).await.0, Encoding::Identity);
    }
}
