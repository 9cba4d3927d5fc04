//! Words of several kinds, and texts that have them as often as words of their kind are in texts of people.

/// The kinds of words, one of each, and how many articles have it, of a thousand.
pub const WORDS: [(&str, &str, usize); 10] = [
    ("frequent", "质量", 400),
    ("two", "检定", 100),
    ("three", "标准化", 50),
    ("six", "质量提升行动", 30),
    ("mixed", "1.1万", 20),
    ("rare", "砝码", 2),
    ("one", "秤", 3),
    ("Latin", "calibration", 20),
    ("prefix", "calib", 0),
    ("missing", "鲸鱼座", 0),
];
/// Words of other articles. The word of rank n is n times as rare as the first.
const VOCABULARY: usize = 8_000;
/// Words of an article.
const LENGTH: usize = 620;

/// Numbers that look random, and are the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    /// The next number below `end`.
    pub fn next(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

/// The word of a rank: two or three characters, none of them of [`WORDS`].
fn word(rank: usize) -> String {
    let mut numbers = Numbers(rank as u64 * 7_919 + 13);
    let pick = |numbers: &mut Numbers| char::from_u32(0x5100 + numbers.next(1_800) as u32).unwrap_or('一');
    (0..2 + rank % 3 / 2).map(|_| pick(&mut numbers)).collect()
}

/// The title and the body of the article `at`: some 4 KB.
pub fn write(at: usize) -> (String, String) {
    let mut numbers = Numbers(at as u64 * 104_729 + 1);
    let mut words: Vec<String> = (0..LENGTH)
        .map(|_| {
            // Ranks whose logarithms are spread evenly: Zipf's law.
            let share = numbers.next(1 << 20) as f64 / f64::from(1 << 20);
            word((VOCABULARY as f64).powf(share) as usize)
        })
        .collect();
    for (_, word, thousandths) in WORDS {
        if numbers.next(1000) < thousandths {
            for _ in 0..=numbers.next(4) {
                let place = numbers.next(LENGTH);
                words[place] = format!(" {word} ").replace(' ', if word.is_ascii() { " " } else { "" });
            }
        }
    }
    let title = words[..6].concat();
    let sentences: Vec<String> = words.chunks(9).map(|words| format!("{}。", words.concat())).collect();
    let body = sentences.chunks(8).map(|sentences| format!("<p>{}</p>\n", sentences.concat())).collect();
    (title, body)
}
