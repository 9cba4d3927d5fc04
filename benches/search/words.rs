//! Words of several kinds, and the texts that have them.

/// The kinds of words, and one of each.
pub const WORDS: [(&str, &str); 10] = [
    ("frequent", "计量工作"),
    ("two", "检定"),
    ("rare", "砝码"),
    ("three", "溯源问"),
    ("six", "标准物质的溯"),
    ("mixed", "1.1万"),
    ("one", "秤"),
    ("Latin", "calibration"),
    ("prefix", "calib"),
    ("missing", "鲸鱼座"),
];

/// What an article has besides: a rare word in one of 500, a single character, a Latin word, and a pair of characters of its
/// own among many.
pub fn add_words(at: usize) -> String {
    let pick = |salt: usize| {
        let number = at.wrapping_mul(2_654_435_761).wrapping_add(salt * 40_503) % 3_000;
        char::from_u32(0x4e00 + number as u32).unwrap_or('一')
    };
    let own: String = (0..24).map(pick).collect();
    let rare = if at.is_multiple_of(500) { "砝码的检定周期。" } else { "" };
    let scale = if at.is_multiple_of(300) { "秤" } else { "" };
    let latin = if at.is_multiple_of(50) { "ISO 17025 calibration" } else { "" };
    format!("<p>{own}{rare}{scale}</p><p>{latin}</p>")
}
