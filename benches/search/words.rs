//! Words of several kinds, and texts that have them as often as words of their kind are in texts of people.

use crate::texts::{Numbers, write_body, write_words};

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
/// Words of an article.
const LENGTH: usize = 620;

/// The title and the body of the article `at`: some 4 KB.
pub fn write(at: usize) -> (String, String) {
    let mut numbers = Numbers(at as u64 * 104_729 + 1);
    let mut words = write_words(&mut numbers, LENGTH);
    for (_, word, thousandths) in WORDS {
        if numbers.next(1000) < thousandths {
            for _ in 0..=numbers.next(4) {
                let place = numbers.next(LENGTH);
                words[place] = format!(" {word} ").replace(' ', if word.is_ascii() { " " } else { "" });
            }
        }
    }
    let title = words[..6].concat();
    (title, write_body(&words))
}
