use super::samples::{self, JpegOptions};
use crate::pictures::containers::png;
use crate::pictures::facts::Facts;
use crate::pictures::inspect::inspect;
use crate::pictures::limits::Limits;
use crate::pictures::refused::Refused;
use crate::pictures::source::Source;

fn facts(bytes: &[u8]) -> Facts {
    inspect(bytes, &Limits::default()).unwrap()
}

fn refusal(bytes: &[u8], limits: &Limits) -> Refused {
    inspect(bytes, limits).unwrap_err()
}

#[test]
fn sizes_are_as_stored_and_as_seen() {
    let bytes = samples::jpeg(96, 64, &JpegOptions { orientation: Some(6), ..JpegOptions::default() });
    let facts = facts(&bytes);
    assert_eq!((facts.width, facts.height, facts.seen_size()), (96, 64, (64, 96)));
    assert_eq!(facts.orientation.exif_value(), 6);
}

#[test]
fn the_hour_of_a_photograph_keeps_its_offset() {
    let bytes = samples::jpeg(8, 8, &JpegOptions { orientation: Some(1), ..JpegOptions::default() });
    let taken_at = facts(&bytes).taken_at.unwrap();
    assert_eq!(taken_at.local.to_string(), "2024-03-09 17:45:12");
    assert_eq!(taken_at.offset.unwrap().local_minus_utc(), 19_800);
    assert_eq!(facts(&samples::webp_with_metadata(3)).taken_at, Some(taken_at));
    assert_eq!(facts(&samples::rgb_png(8, 8, &[(*b"eXIf", samples::exif(2))])).taken_at, Some(taken_at));
    assert_eq!(facts(&samples::plain_png()).taken_at, None);
}

#[test]
fn damaged_exif_is_left_out() {
    for length in 0..samples::exif(6).len() {
        let exif = samples::exif(6)[..length].to_vec();
        let facts = facts(&samples::rgb_png(4, 4, &[(*b"eXIf", exif)]));
        assert!(length > 40 || facts.taken_at.is_none());
    }
    let wild = samples::exif(77);
    assert_eq!(facts(&samples::rgb_png(4, 4, &[(*b"eXIf", wild)])).orientation.exif_value(), 1);
}

#[test]
fn frames_are_counted() {
    assert_eq!(facts(&samples::gif(7)).frames, 7);
    assert_eq!(facts(&samples::apng(5)).frames, 5);
    assert_eq!(facts(&samples::animated_webp(4)).frames, 4);
    assert_eq!(facts(&samples::plain_jpeg()).frames, 1);
    let limits = Limits { max_frames: 3, ..Limits::default() };
    for bytes in [samples::gif(4), samples::apng(4), samples::animated_webp(4)] {
        assert_eq!(refusal(&bytes, &limits), Refused::TooManyFrames { max: 3 });
    }
    assert!(inspect(&samples::gif(3), &limits).is_ok());
}

#[test]
fn profiles_are_seen() {
    let samples = samples::all();
    let with_profile: Vec<&str> =
        samples.iter().filter(|(_, bytes)| facts(bytes).has_icc).map(|(name, _)| *name).collect();
    assert_eq!(with_profile, ["cmyk_icc", "p3_jpeg", "p3_png"]);
}

#[test]
fn limits_are_told_apart() {
    let png = samples::plain_png();
    let limits = Limits { max_pixels: 6_143, ..Limits::default() };
    assert_eq!(refusal(&png, &limits), Refused::TooManyPixels { width: 96, height: 64, max: 6_143 });
    assert!(inspect(&png, &Limits { max_pixels: 6_144, ..limits }).is_ok());
    let limits = Limits { max_decode_bytes: 1_000, ..Limits::default() };
    assert_eq!(refusal(&png, &limits), Refused::TooMuchMemory { max: 1_000 });
    let limits = Limits { max_metadata_bytes: 100, ..Limits::default() };
    let commented = samples::add_segment(&samples::plain_jpeg(), 0xFE, &[b'a'; 101]);
    assert_eq!(refusal(&commented, &limits), Refused::MetadataTooLarge { max: 100 });
    let limits = Limits { max_icc_bytes: 100, ..Limits::default() };
    let bomb = [b"p\0\0".to_vec(), samples::zlib(&[0; 101])].concat();
    assert_eq!(
        refusal(&samples::rgb_png(4, 4, &[(*b"iCCP", bomb)]), &limits),
        Refused::ProfileTooLarge { max: 100 }
    );
}

#[test]
fn a_side_is_at_most_65535() {
    let mut png = png::SIGNATURE.to_vec();
    let header = [70_000_u32.to_be_bytes().to_vec(), vec![0, 0, 0, 1, 8, 2, 0, 0, 0]].concat();
    png::write_chunk(&mut png, *b"IHDR", &header);
    assert_eq!(refusal(&png, &Limits::default()), Refused::SideTooLong { max: 65_535 });
}

#[test]
fn formats_that_are_not_decoded_are_refused_with_a_hint() {
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let refused = refusal(heic, &Limits::default());
    assert_eq!(refused.to_string(), "not supported: save the picture as JPEG, PNG or WebP");
    assert_eq!(refusal(b"%PDF-1.7", &Limits::default()), Refused::UnknownType);
}

#[test]
fn a_file_on_disk_is_mapped() {
    let folder = std::env::temp_dir().join(format!("pictures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.png");
    std::fs::write(&path, samples::plain_png()).unwrap();
    assert_eq!(facts(&Source::open(&path).unwrap()), facts(&samples::plain_png()));
    std::fs::write(&path, b"").unwrap();
    assert_eq!(refusal(&Source::open(&path).unwrap(), &Limits::default()), Refused::UnknownType);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(Source::open(&path).is_err());
}

#[test]
fn memory_is_estimated_by_what_the_decoder_must_hold() {
    let bytes = |options: &JpegOptions| facts(&samples::jpeg(2_560, 1_600, options)).decode_bytes;
    let by_rows = bytes(&JpegOptions::default());
    let whole = bytes(&JpegOptions { is_progressive: true, ..JpegOptions::default() });
    // Coefficients of two bytes for three channels.
    let coefficients = 2_560 * 1_600 * 3 * 2;
    assert!((coefficients..coefficients * 11 / 10).contains(&(whole - by_rows)), "{}", whole - by_rows);
    let interlaced = facts(&samples::interlaced_png()).decode_bytes;
    assert!(interlaced > facts(&samples::plain_png()).decode_bytes);
}
