//! The bytes of media, as readers get them.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, ETAG,
    HeaderName, IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE, VARY,
};
use actix_web::{Either, HttpRequest, HttpResponse, Responder, get, web};
use data_encoding::HEXLOWER;
use futures_util::TryStreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::addresses::{Addresses, UsedMedia, find_free_size, is_signed_for_members};
use super::answer_tags::tag_media;
use super::files::{find_media_type, name_original};
use super::model::{MediaKind, Picture, Row};
use super::picture_work::VariantFormat;
use super::presets::{Crop, digest_file, resolve};
use super::variants::load_variant;
use super::view::FileBytes;
use super::{disposition, queries};
use crate::app::App;
use crate::cache::tags::write_surrogate_keys;
use crate::config::presets::{FILE, Size};
use crate::db::types::Audience;
use crate::db::visibility;
use crate::error::{Code, Error, Result};
use crate::http::cached::takes_webp;
use crate::http::conditional::names_tag;
use crate::http::id_or_slug::Id;
use crate::http::query::Query;
use crate::http::reply::{Rendered, SURROGATE_KEY};
use crate::members::guard::Author;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Delivery, Operation, Role};
use crate::storage::ObjectName;

/// What an address leads to never changes.
const FOR_EVER: &str = "public, immutable, max-age=31536000";
/// What is for members is kept by the member's own client, for as long as the address is likely to be used again.
const FOR_MEMBERS: &str = "private, max-age=3600";
/// The largest file that is kept ready in memory.
const MAX_KEPT_BYTES: usize = 256 << 10;
/// Nothing in a file can do anything, whatever it is taken for.
const FILE_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/// Pictures and files may be shown by pages of any origin.
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The signature of an address for members.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MembersSignature {
    /// Until when the address works, in seconds since 1970.
    #[param(minimum = 0, maximum = 99_999_999_999i64, nullable = false)]
    exp: Option<i64>,
    /// The signature.
    #[param(max_length = 64, nullable = false)]
    sig: Option<String>,
}

/// The entry of [`get_media_file`].
pub const GET_MEDIA_FILE: Operation = Operation {
    delivery: Delivery::STREAMED,
    varies_by_accept: true,
    has_last_modified: false,
    ..Operation::file("get_media_file")
};

/// Get the bytes of media
///
/// The path is one that the API has handed out: `{preset}-{digest}` of a picture, in WebP if the client takes that (`Accept`) or
/// else as JPEG or PNG; with `.webp`, `.jpg` or `.png`, in that format; `file-{digest}.{ending}` of a file as it is. What
/// an address leads to never changes. Sounds, films and documents are to be had in parts (`Range`). Addresses of media for members are
/// signed.
#[utoipa::path(tag = "media", params(("id" = uuid::Uuid, Path, description = "The id of the media"), ("file" = String, Path, description = "The preset and the digest, as handed out", max_length = 120), MembersSignature), responses((status = 200, description = "The bytes", content((FileBytes = "application/octet-stream"))), (status = 206, description = "A part of the bytes", content((FileBytes = "application/octet-stream"))), (status = 403, description = "A signature that is not valid, or no more"), (status = 416, description = "A range that the file does not have")))]
#[get("/media/{id}/{file}")]
pub async fn get_media_file(
    req: HttpRequest,
    app: web::Data<App>,
    id: Id,
    signature: Query<MembersSignature>,
) -> Result<impl Responder> {
    let address = FileAddress::parse(req.match_info().query("file")).ok_or_else(Error::not_found)?;
    let row = queries::get(&*app.reader().await?, id.0, visibility::Media::ForMembers).await?;
    let is_for_members = check_audience(&app, &row, &signature.0)?;
    let picture = row.read_picture();
    if address.name == FILE {
        let is_plain = picture.as_ref().is_none_or(|picture| picture.served.is_some());
        let is_file = digest_file(&row.sha256) == address.digest && is_plain;
        let ending = super::files::find_ending(&row.mime);
        if !is_file || address.ending.is_some_and(|given| given != ending) {
            return Err(Error::not_found());
        }
        return Ok(Either::Right(send_file(&req, &app, &row, is_for_members).await?));
    }
    let picture = picture.filter(|picture| picture.master.is_some()).ok_or_else(Error::not_found)?;
    let crop = find_crop(&app, &row, &address).await?;
    let format = choose_format(&req, &picture, address.ending).ok_or_else(Error::not_found)?;
    let bytes = load_variant(&app, &row, &picture, crop, format).await?;
    let mut headers = file_headers(&row, format.ending());
    if address.ending.is_none() {
        headers.push((VARY, "Accept".to_owned()));
    }
    let rules = if is_for_members { FOR_MEMBERS } else { FOR_EVER };
    let is_kept = !is_for_members && bytes.len() <= MAX_KEPT_BYTES;
    let kept = is_kept.then_some((Duration::from_secs(60), vec![tag_media(row.id)]));
    Ok(Either::Left(Rendered::file((format.media_type(), rules), headers, bytes.to_vec(), kept)))
}

/// A path below that of media.
struct FileAddress<'p> {
    name: &'p str,
    digest: &'p str,
    ending: Option<&'p str>,
}

impl<'p> FileAddress<'p> {
    fn parse(file: &'p str) -> Option<Self> {
        let (name, rest) = file.split_once('-')?;
        let (digest, ending) = match rest.split_once('.') {
            Some((digest, ending)) => (digest, Some(ending)),
            None => (rest, None),
        };
        let is_digest =
            digest.len() == 32 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_digest.then_some(Self { name, digest, ending })
    }
}

/// Checks that the reader may have the media. Returns whether they are for members.
fn check_audience(app: &App, row: &Row, signature: &MembersSignature) -> Result<bool> {
    if row.content.audience == Audience::Public {
        return Ok(false);
    }
    // Whoever has no signature is told nothing, not even that there are such media.
    let (Some(until), Some(sig)) = (signature.exp, signature.sig.as_deref()) else {
        return Err(Error::not_found());
    };
    let is_signed = is_signed_for_members(&app.keys, row.id, until, sig);
    if !is_signed || app.now().timestamp() > until {
        return Err(Error::forbidden("The address has expired, or is not signed by this site."));
    }
    Ok(true)
}

/// The variant that an address leads to.
async fn find_crop(app: &App, row: &Row, address: &FileAddress<'_>) -> Result<Crop> {
    if let Some(crop) = find_free_size(&app.keys, row.id, address.name, address.digest) {
        return Ok(crop);
    }
    let current = app.config.media.presets.0.iter().find(|preset| preset.name == address.name);
    let focals = row.all_focals();
    if let Some(crop) = resolve(current.map(|preset| preset.size), &focals, &row.sha256, address.digest) {
        return Ok(crop);
    }
    let former = queries::files::load_definitions(&*app.reader().await?, address.name).await?;
    let sizes = former.iter().filter_map(|definition| definition.parse::<Size>().ok());
    resolve(sizes, &focals, &row.sha256, address.digest).ok_or_else(Error::not_found)
}

/// The format that is asked for: by the ending, or by what the client takes.
fn choose_format(req: &HttpRequest, picture: &Picture, ending: Option<&str>) -> Option<VariantFormat> {
    let plain = VariantFormat::plain(picture);
    match ending {
        Some(ending) => [VariantFormat::WEBP, plain].into_iter().find(|format| format.ending() == ending),
        None => Some(if takes_webp(req) { VariantFormat::WEBP } else { plain }),
    }
}

/// The headers of a file beside those of every answer. `ending`: that of the format in which it is sent.
fn file_headers(row: &Row, ending: &str) -> Vec<(HeaderName, String)> {
    let is_shown = row.kind != MediaKind::Document;
    vec![
        (CONTENT_DISPOSITION, disposition::write(is_shown, &row.content.name, ending)),
        (CONTENT_SECURITY_POLICY, FILE_POLICY.to_owned()),
        (CORP, "cross-origin".to_owned()),
        (SURROGATE_KEY, write_surrogate_keys(&[tag_media(row.id)])),
    ]
}

/// A file as it is, or the part of it that the client asks for (RFC 9110 §14).
async fn send_file(req: &HttpRequest, app: &App, row: &Row, is_for_members: bool) -> Result<HttpResponse> {
    let served = super::files::name_served(row)?;
    let rules = if is_for_members { FOR_MEMBERS } else { FOR_EVER };
    let etag = format!("\"{}\"", digest_file(&row.sha256));
    stream_object(
        req,
        app,
        row,
        &served,
        &etag,
        rules,
        file_headers(row, super::files::find_ending(&row.mime)),
    )
    .await
}

/// Sends an object of the store as it is read.
async fn stream_object(
    req: &HttpRequest,
    app: &App,
    row: &Row,
    name: &ObjectName,
    etag: &str,
    rules: &str,
    headers: Vec<(HeaderName, String)>,
) -> Result<HttpResponse> {
    let header = |name| req.headers().get(name).and_then(|value| value.to_str().ok());
    let size = app.store.size(name).await?;
    let size = size.ok_or_else(|| Error::Unavailable("media: an object is missing".to_owned()))?;
    let mut answer = HttpResponse::build(StatusCode::OK);
    answer.insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, rules));
    answer.insert_header((ACCEPT_RANGES, "bytes"));
    for header in headers {
        answer.insert_header(header);
    }
    if names_tag(req.headers(), IF_NONE_MATCH, etag) {
        return Ok(answer.status(StatusCode::NOT_MODIFIED).finish());
    }
    // A condition that names another state asks for the whole.
    let range = header(RANGE).filter(|_| header(IF_RANGE).is_none_or(|condition| condition == etag));
    let range = match range.map(|range| parse_range(range, size)) {
        None | Some(RangeRequest::Ignored) => None,
        Some(RangeRequest::Part(range)) => Some(range),
        Some(RangeRequest::Outside) => {
            let problem = Error::Refused(Code::InvalidRange, "The file does not have this range.".into());
            let mut refusal = HttpResponse::from_error(problem);
            if let Ok(value) = format!("bytes */{size}").parse() {
                refusal.headers_mut().insert(CONTENT_RANGE, value);
            }
            return Ok(refusal);
        }
    };
    let reader = app.store.open_object(name, range.clone()).await?;
    let reader = reader.ok_or_else(|| Error::Unavailable("media: an object is missing".to_owned()))?;
    if let Some(range) = &range {
        answer.status(StatusCode::PARTIAL_CONTENT);
        answer.insert_header((CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1)));
    }
    let length = reader.range.end - reader.range.start;
    answer.content_type(find_media_type(&row.mime));
    Ok(answer.body(SizedStream::new(length, reader.map_err(std::io::Error::from))))
}

/// What a `Range` header asks for.
enum RangeRequest {
    /// One part.
    Part(std::ops::Range<u64>),
    /// Several parts, or something that is not understood: the whole is sent.
    Ignored,
    /// What the file does not have.
    Outside,
}

fn parse_range(header: &str, size: u64) -> RangeRequest {
    let Ok(parsed) = http_range_header::parse_range_header(header) else { return RangeRequest::Ignored };
    match parsed.validate(size) {
        Ok(ranges) => match ranges.as_slice() {
            [one] => RangeRequest::Part(*one.start()..one.end() + 1),
            _ => RangeRequest::Ignored,
        },
        Err(_) => RangeRequest::Outside,
    }
}

/// The entry of [`get_present_media_file`].
pub const GET_PRESENT_MEDIA_FILE: Operation =
    Operation { has_last_modified: false, ..Operation::file("get_present_media_file") }.unconditional();

/// Get the present file of media
///
/// Leads (302) to the address of the file: of a picture, to its largest variant. Articles name media by this path.
#[utoipa::path(tag = "media", params(("id" = uuid::Uuid, Path, description = "The id of the media"), MembersSignature), responses((status = 302, description = "Where the file is"), (status = 403, description = "A signature that is not valid, or no more")))]
#[get("/media/{id}")]
pub async fn get_present_media_file(
    app: web::Data<App>,
    id: Id,
    signature: Query<MembersSignature>,
) -> Result<HttpResponse> {
    let row = queries::get(&*app.reader().await?, id.0, visibility::Media::ForMembers).await?;
    let is_for_members = check_audience(&app, &row, &signature.0)?;
    let site = app.snapshot().await?;
    let addresses = if is_for_members {
        Addresses::for_members(&app, &site)
    } else {
        Addresses::for_visitors(&app, &site)
    };
    let location = addresses.file(&UsedMedia::from(&row)).ok_or_else(Error::not_found)?;
    let rules = if is_for_members { "private, no-store" } else { "public, max-age=60" };
    Ok(HttpResponse::Found()
        .insert_header((LOCATION, location))
        .insert_header((CACHE_CONTROL, rules))
        .finish())
}

/// The entry of [`get_media_original`].
pub const GET_MEDIA_ORIGINAL: Operation = Operation {
    delivery: Delivery::STREAMED,
    is_file: true,
    has_last_modified: false,
    ..Operation::read("get_media_original", Caller::Role(Role::Author)).for_keys_with(Scope::MediaRead)
};

/// Get the original of media
///
/// The bytes as they were uploaded, with all that a camera has written into them.
#[utoipa::path(tag = "media", params(("id" = uuid::Uuid, Path, description = "The id of the media")), responses((status = 200, description = "The bytes", content((FileBytes = "application/octet-stream"))), (status = 206, description = "A part of the bytes", content((FileBytes = "application/octet-stream"))), (status = 416, description = "A range that the file does not have")))]
#[get("/{id}/original")]
pub async fn get_media_original(
    req: HttpRequest,
    app: web::Data<App>,
    _: Author,
    id: Id,
) -> Result<HttpResponse> {
    let row = queries::get(&*app.reader().await?, id.0, visibility::Media::ForMembers).await?;
    let etag = format!("\"{}\"", HEXLOWER.encode(&row.sha256));
    let mut headers = file_headers(&row, super::files::find_ending(&row.mime));
    // What nobody may keep has no tag for caches.
    headers.retain(|(name, _)| *name != SURROGATE_KEY);
    headers[0].1 = disposition::write(false, &row.content.name, super::files::find_ending(&row.mime));
    stream_object(&req, &app, &row, &name_original(&row.sha256)?, &etag, "private, no-store", headers).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_sent_and_others_are_not() {
        let parse = |header| match parse_range(header, 10) {
            RangeRequest::Part(range) => format!("{}-{}", range.start, range.end),
            RangeRequest::Ignored => "whole".to_owned(),
            RangeRequest::Outside => "outside".to_owned(),
        };
        for (header, expected) in [
            ("bytes=0-3", "0-4"),
            ("bytes=5-", "5-10"),
            ("bytes=-3", "7-10"),
            ("bytes=0-99", "0-10"),
            ("bytes=10-", "outside"),
            ("bytes=0-1,3-4", "whole"),
            ("lines=0-1", "whole"),
            ("bytes=4-2", "whole"),
        ] {
            assert_eq!(parse(header), expected, "{header}");
        }
    }
}
