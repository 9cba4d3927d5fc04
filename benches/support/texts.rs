//! Texts that are as different as those of people.

use std::sync::LazyLock;

/// Words of all texts. The word of rank n is n times as rare as the first.
const VOCABULARY: usize = 8_000;

/// Numbers that look random, and are the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    /// The next number below `end`.
    pub fn next(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

/// The word of a rank: two or three characters.
fn word(rank: usize) -> String {
    let mut numbers = Numbers(rank as u64 * 7_919 + 13);
    let pick = |numbers: &mut Numbers| char::from_u32(0x5100 + numbers.next(1_800) as u32).unwrap_or('一');
    (0..2 + rank % 3 / 2).map(|_| pick(&mut numbers)).collect()
}

/// The words of all ranks.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| (0..=VOCABULARY).map(word).collect());

/// This many words, the frequent ones often.
pub fn write_words(numbers: &mut Numbers, count: usize) -> Vec<String> {
    let next = |_| {
        // Ranks whose logarithms are spread evenly: Zipf's law.
        let share = numbers.next(1 << 20) as f64 / f64::from(1 << 20);
        WORDS[(VOCABULARY as f64).powf(share) as usize].clone()
    };
    (0..count).map(next).collect()
}

/// The paragraphs of a body, as HTML, with sentences of these words.
pub fn write_body(words: &[String]) -> String {
    let sentences: Vec<String> = words.chunks(9).map(|words| format!("{}。", words.concat())).collect();
    sentences.chunks(8).map(|sentences| format!("<p>{}</p>\n", sentences.concat())).collect()
}
