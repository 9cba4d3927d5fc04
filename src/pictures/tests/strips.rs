use super::references::decode;
use super::samples::{self, JpegOptions};
use crate::pictures::decode::decode_fitted;
use crate::pictures::inspect::inspect;
use crate::pictures::limits::Limits;
use crate::pictures::probe::probe;
use crate::pictures::refused::Refused;
use crate::pictures::strip::strip;

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

#[test]
fn pixels_and_facts_stay_and_metadata_goes() {
    for (name, bytes) in samples::all() {
        let stripped = strip(&bytes).unwrap();
        assert!(!holds(&stripped, b"SECRET"), "{name}");
        let (before, after) =
            (probe(&bytes, &Limits::default()).unwrap(), probe(&stripped, &Limits::default()).unwrap());
        assert_eq!(before.facts.orientation, after.facts.orientation, "{name}");
        assert_eq!(
            (before.facts.frames, before.icc.is_some()),
            (after.facts.frames, after.icc.is_some()),
            "{name}"
        );
        assert_eq!(after.facts.taken_at, None, "{name}");
        let pixels = |bytes: &[u8], probe| decode_fitted(bytes, probe, 100_000).unwrap();
        assert_eq!(pixels(&bytes, &before), pixels(&stripped, &after), "{name}");
        assert_eq!(strip(&stripped).unwrap(), stripped, "{name}");
    }
}

#[test]
fn what_follows_the_picture_goes() {
    for bytes in [samples::plain_jpeg(), samples::plain_png(), samples::gif(2), samples::webp(false, false)] {
        let stripped = strip(&[bytes.clone(), b"<script>SECRET</script>".to_vec()].concat()).unwrap();
        assert_eq!(stripped, strip(&bytes).unwrap());
    }
}

#[test]
fn the_thumbnail_of_jfif_and_long_segments_of_adobe_go() {
    let mut bytes = samples::plain_jpeg();
    let jfif = b"JFIF\0\x01\x02\0\0\x01\0\x01\x02\x02SECRET-SECR".to_vec();
    bytes = samples::add_segment(&bytes, 0xE0, &jfif);
    bytes = samples::add_segment(&bytes, 0xEE, b"Adobe\0\x64\0\0\0\0\x01SECRET");
    bytes = samples::add_segment(&bytes, 0xE2, b"MPF\0SECRET");
    let stripped = strip(&bytes).unwrap();
    assert!(!holds(&stripped, b"SECRET") && holds(&stripped, b"Adobe"));
    assert_eq!(decode(&stripped), decode(&bytes));
}

#[test]
fn a_loop_of_a_gif_stays_and_other_applications_go() {
    let gif = samples::gif(3);
    assert!(holds(&gif, b"NETSCAPE2.0"));
    let end = gif.len() - 1;
    let xmp = b"\x21\xFF\x0BXMP DataXMP\x06SECRET\0";
    let stripped = strip(&[&gif[..end], xmp, b";"].concat()).unwrap();
    assert!(holds(&stripped, b"NETSCAPE2.0") && !holds(&stripped, b"XMP"));
    assert_eq!(inspect(&stripped, &Limits::default()).unwrap().frames, 3);
}

#[test]
fn text_of_a_png_goes_and_its_colours_stay() {
    let before =
        [(*b"tEXt", b"Comment\0SECRET".to_vec()), (*b"gAMA", vec![0, 0, 0xB1, 0x8F]), (*b"prVt", vec![7])];
    let stripped = strip(&samples::rgb_png(8, 8, &before)).unwrap();
    assert!(holds(&stripped, b"gAMA") && !holds(&stripped, b"tEXt") && !holds(&stripped, b"prVt"));
}

#[test]
fn an_orientation_stays_alone() {
    let bytes = samples::jpeg(8, 8, &JpegOptions { orientation: Some(5), ..JpegOptions::default() });
    let facts = inspect(&strip(&bytes).unwrap(), &Limits::default()).unwrap();
    assert_eq!((facts.orientation.exif_value(), facts.taken_at), (5, None));
    assert_eq!(strip(b"%PDF-1.7"), Err(Refused::UnknownType));
}
