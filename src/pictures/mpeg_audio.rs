//! Frames of MPEG audio (ISO/IEC 11172-3 and 13818-3), and ID3v2 before them.

use super::bytes::{be32, read};

/// Bit rates of layer III in kbit/s, by their index, of MPEG 1 and of MPEG 2.
const BIT_RATES: [[u32; 16]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
];
const SAMPLE_RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// Whether a file is MP3: two valid frames one after the other, at the beginning or after an ID3v2 tag.
///
/// If the tag is longer than `head`, its valid header is enough.
pub fn is_mp3(head: &[u8]) -> bool {
    let Some(end) = read_id3_length(head) else { return has_two_frames(head) };
    match head.get(end..) {
        // Some writers pad the tag with zeros that its length does not count.
        Some(after) if !after.is_empty() => {
            let padding = after.iter().take_while(|byte| **byte == 0).count();
            has_two_frames(&after[padding..])
        }
        _ => true,
    }
}

/// The length of an ID3v2 tag with its header and footer.
fn read_id3_length(head: &[u8]) -> Option<usize> {
    let header: [u8; 10] = read(head, 0)?;
    let (version, size) = (header[3], &header[6..]);
    let is_valid = header.starts_with(b"ID3") && (2..=4).contains(&version) && header[4] != 0xFF;
    if !is_valid || size.iter().any(|byte| *byte > 0x7F) {
        return None;
    }
    let size = size.iter().fold(0, |size, byte| size << 7 | usize::from(*byte));
    let footer = if header[5] & 0x10 == 0 { 0 } else { 10 };
    Some(10 + size + footer)
}

fn has_two_frames(bytes: &[u8]) -> bool {
    let Some((first, length)) = read_frame(bytes, 0) else { return false };
    read_frame(bytes, length).is_some_and(|(second, _)| first == second)
}

/// What all frames of a file share (version, layer, sample rate), and the bytes of the frame at `at`.
fn read_frame(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let header = be32(bytes, at)?;
    let (version, layer) = (header >> 19 & 3, header >> 17 & 3);
    if header >> 21 != 0x7FF || version == 1 || layer != 1 {
        return None;
    }
    let is_mpeg1 = version == 3;
    let bit_rate = BIT_RATES[usize::from(!is_mpeg1)][(header >> 12 & 15) as usize] * 1000;
    let divisor = match version {
        3 => 1,
        2 => 2,
        _ => 4,
    };
    let sample_rate = SAMPLE_RATES.get((header >> 10 & 3) as usize)? / divisor;
    let length = (if is_mpeg1 { 144 } else { 72 }) * bit_rate / sample_rate + (header >> 9 & 1);
    (bit_rate > 0).then_some((header & 0x001E_0C00, length as usize))
}
