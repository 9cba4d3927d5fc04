//! ICC profiles.

use moxcms::ColorProfile;

pub fn display_p3() -> Vec<u8> {
    ColorProfile::new_display_p3().encode().unwrap()
}

/// A CMYK profile with nine points a side, as ICC.1:2010 `mft1`, in Lab.
pub fn cmyk_profile() -> Vec<u8> {
    let mut lut = b"mft1\0\0\0\0\x04\x03\x09\0".to_vec();
    for i in 0..9u32 {
        lut.extend((if i % 4 == 0 { 65_536u32 } else { 0 }).to_be_bytes());
    }
    (0..4).for_each(|_| lut.extend(0..=255));
    for point in 0..9u32.pow(4) {
        let ink = |digit: u32| f64::from(point / 9u32.pow(digit) % 9) / 8.0;
        let (c, m, y, k) = (ink(3), ink(2), ink(1), ink(0));
        let light = (100.0 - 38.0 * c - 44.0 * m - 8.0 * y).max(20.0) * (1.0 - 0.85 * k);
        let a = (-36.0 * c + 72.0 * m - 6.0 * y) * (1.0 - k);
        let b = (-48.0 * c - 6.0 * m + 90.0 * y) * (1.0 - k);
        lut.extend([(light * 2.55) as u8, (a + 128.0) as u8, (b + 128.0) as u8]);
    }
    (0..3).for_each(|_| lut.extend(0..=255));
    let white = [b"XYZ \0\0\0\0".to_vec(), vec![0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]].concat();
    let name = [b"desc\0\0\0\0\0\0\0\x05test\0".to_vec(), vec![0; 79]].concat();
    let text = b"text\0\0\0\0none\0\0\0\0".to_vec();
    let tags = [(b"desc", name), (b"cprt", text), (b"wtpt", white), (b"A2B0", lut.clone()), (b"A2B1", lut)];
    let mut table = (tags.len() as u32).to_be_bytes().to_vec();
    let mut data = Vec::new();
    for (tag, body) in &tags {
        let at = 128 + 4 + tags.len() * 12 + data.len();
        table.extend(*tag);
        table.extend((at as u32).to_be_bytes());
        table.extend((body.len() as u32).to_be_bytes());
        data.extend(body);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut header = vec![0; 128];
    header[..4].copy_from_slice(&((132 + tags.len() * 12 + data.len()) as u32).to_be_bytes());
    header[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    header[12..24].copy_from_slice(b"prtrCMYKLab ");
    header[24..36].copy_from_slice(&[7, 0xE8, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&[0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]);
    [header, table, data].concat()
}
