//! Texts that are nearly the same: fingerprints to find them by, and how alike two texts are.
//!
//! The pieces of a text are its runs of five letters and digits; white space and punctuation are dropped. The
//! likeness of two texts is the share of their pieces that both have (Jaccard's index). A fingerprint is a MinHash in
//! bands: the more alike two texts are, the likelier they share a term of it. All numbers follow from the text alone,
//! so an index can be read by another build, on another machine.

use std::cmp::Ordering;

/// Characters of a piece.
const PIECE_CHARS: usize = 5;
/// Fewest letters and digits of a text with a fingerprint. Shorter ones are alike by chance.
const MIN_CHARS: usize = 20;
/// Terms of a fingerprint.
///
/// With 20 terms of 5 values, two texts share a term with a probability of 0.9996 if 80 % of their pieces are the
/// same, and of 0.05 if 30 % are.
const BANDS: usize = 20;
/// Values that a term is made of.
const BAND_VALUES: usize = 5;
/// Most places that are tried for a value without a piece. A single filled place is missed once in 10^17.
const MAX_ATTEMPTS: u64 = 4000;
/// Values of a fingerprint.
const VALUES: usize = BANDS * BAND_VALUES;

/// Makes the terms of the fingerprint of a text, which is folded. Texts under twenty characters have none.
///
/// Where a block ends makes no difference: copies of a text are often broken otherwise.
pub fn fingerprint(title: &str, blocks: &[String]) -> Vec<u64> {
    let texts = std::iter::once(title).chain(blocks.iter().map(String::as_str));
    let characters: Vec<char> = texts.flat_map(list_characters).collect();
    if characters.len() < MIN_CHARS {
        return Vec::new();
    }
    let mut values = [u64::MAX; VALUES];
    for piece in hash_pieces(&characters) {
        let value = &mut values[pick_place(piece)];
        *value = piece.min(*value);
    }
    fill_gaps(&mut values);
    let bands = values.chunks_exact(BAND_VALUES).enumerate();
    bands.map(|(band, values)| values.iter().fold(band as u64, |term, value| mix(term ^ value))).collect()
}

/// The pieces of a text, to compare it with other texts. Each takes four bytes.
#[derive(Clone, Debug, Default)]
pub struct Pieces(Vec<u32>);

impl Pieces {
    /// The pieces of a folded text. A text that is shorter than a piece is one piece.
    pub fn of(text: &str) -> Self {
        let characters: Vec<char> = list_characters(text).collect();
        let mut pieces: Vec<u32> = match characters.len() {
            ..PIECE_CHARS => vec![keep_half(characters.iter().fold(0, |hash, c| mix(hash ^ u64::from(*c))))],
            PIECE_CHARS.. => hash_pieces(&characters).map(keep_half).collect(),
        };
        pieces.sort_unstable();
        pieces.dedup();
        Self(pieces)
    }

    /// Returns the share of the pieces of both that both have, from 0 to 1.
    pub fn likeness(&self, other: &Self) -> f32 {
        let common = count_common(&self.0, &other.0);
        common as f32 / (self.0.len() + other.0.len() - common).max(1) as f32
    }
}

/// Half of a hash: of a text of 20,000 pieces, one in 200,000 has that of another piece of it.
fn keep_half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Counts the values that two sorted lists without repetitions both have.
fn count_common(a: &[u32], b: &[u32]) -> usize {
    let (mut at_a, mut at_b, mut common) = (0, 0, 0);
    while at_a < a.len() && at_b < b.len() {
        let order = a[at_a].cmp(&b[at_b]);
        at_a += usize::from(order != Ordering::Greater);
        at_b += usize::from(order != Ordering::Less);
        common += usize::from(order == Ordering::Equal);
    }
    common
}

/// The characters of a text that count.
fn list_characters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric())
}

/// The hashes of all pieces of a text.
fn hash_pieces(characters: &[char]) -> impl Iterator<Item = u64> {
    // A character has 21 bits: three of them fit into a number.
    let pack = |characters: &[char]| characters.iter().fold(0, |number, c| (number << 21) | u64::from(*c));
    characters.windows(PIECE_CHARS).map(move |piece| {
        let (first, last) = piece.split_at(3);
        mix(mix(pack(first)) ^ pack(last))
    })
}

/// The place of a hash among the values of a fingerprint, by its highest bits.
fn pick_place(hash: u64) -> usize {
    ((u128::from(hash) * VALUES as u128) >> 64) as usize
}

/// Fills places that no piece fell on with values of other places, picked by the number of the place alone.
///
/// This is the densification of one-permutation hashing by Shrivastava (2017): as good as a permutation for each value.
fn fill_gaps(values: &mut [u64; VALUES]) {
    let hashed = *values;
    for (place, value) in values.iter_mut().enumerate().filter(|(_, value)| **value == u64::MAX) {
        let sources =
            (0..MAX_ATTEMPTS).map(|attempt| hashed[pick_place(mix(((place as u64) << 32) | attempt))]);
        *value = sources.into_iter().find(|value| *value != u64::MAX).unwrap_or(u64::MAX);
    }
}

/// Mixes the bits of a number: a step of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, and are the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: usize) -> usize {
            self.0 = mix(self.0);
            (self.0 % end as u64) as usize
        }

        /// A text of this many characters, with the commonest ones often.
        fn text(&mut self, length: usize) -> String {
            let character = |numbers: &mut Self| {
                let range = [40, 400, 3000][numbers.below(3)];
                char::from_u32(0x4e00 + numbers.below(range) as u32).unwrap()
            };
            (0..length).map(|_| character(self)).collect()
        }
    }

    fn similarity(a: &str, b: &str) -> f32 {
        Pieces::of(a).likeness(&Pieces::of(b))
    }

    /// The terms that the fingerprints of two texts both have.
    fn count_shared(a: &str, b: &str) -> usize {
        let [a, b] = [a, b].map(|text| fingerprint("", &[text.to_owned()]));
        a.iter().filter(|term| b.contains(term)).count()
    }

    /// `text` with this many of its characters replaced by others.
    fn replace_some(text: &str, count: usize, numbers: &mut Numbers) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        for _ in 0..count {
            let at = numbers.below(characters.len());
            characters[at] = numbers.text(1).chars().next().unwrap();
        }
        characters.into_iter().collect()
    }

    #[test]
    fn a_copy_with_small_changes_is_found() {
        let mut numbers = Numbers(1);
        for round in 0..400 {
            let length = 200 + numbers.below(1800);
            let text = numbers.text(length);
            let at = text.char_indices().nth(numbers.below(length)).unwrap().0;
            let (before, after) = text.split_at(at);
            let word = after.char_indices().nth(2).map_or("", |(end, _)| &after[end..]);
            let copies = [
                format!("{before}计量{word}"),
                format!("{text}{}", numbers.text(length / 10)),
                format!("来源：{}{text}", numbers.text(6)),
                format!("{}{text}本报记者{}", numbers.text(12), numbers.text(3)),
            ];
            for copy in copies {
                let likeness = similarity(&text, &copy);
                assert!(likeness >= 0.85, "{round}: {likeness}");
                assert!(count_shared(&text, &copy) > 0, "{round}: {likeness}");
            }
        }
    }

    #[test]
    fn texts_are_found_by_how_alike_they_are() {
        let mut numbers = Numbers(2);
        let (mut alike, mut missed, mut apart, mut found) = (0, 0, 0, 0);
        for _ in 0..6000 {
            let length = 60 + numbers.below(500);
            let text = numbers.text(length);
            let changed = numbers.below(length / 4);
            let other = replace_some(&text, changed, &mut numbers);
            let is_found = count_shared(&text, &other) > 0;
            match similarity(&text, &other) {
                0.8.. => (alike, missed) = (alike + 1, missed + u32::from(!is_found)),
                ..=0.3 => (apart, found) = (apart + 1, found + u32::from(is_found)),
                _ => {}
            }
        }
        assert!(alike > 500 && apart > 500, "{alike} {apart}");
        assert!(missed * 1000 <= alike, "{missed} of {alike} are not found");
        assert!(found * 20 <= apart, "{found} of {apart} are found");
    }

    #[test]
    fn another_article_of_the_same_template_is_no_copy() {
        let mut numbers = Numbers(3);
        for _ in 0..200 {
            let [head, middle, end] = [30, 60, 40].map(|length| numbers.text(length));
            let fill = |numbers: &mut Numbers| {
                let parts = [numbers.text(40), numbers.text(80)];
                format!("{head}{}{middle}{}{end}", parts[0], parts[1])
            };
            let (one, other) = (fill(&mut numbers), fill(&mut numbers));
            assert!(similarity(&one, &other) < 0.5);
        }
    }

    #[test]
    fn unrelated_texts_share_no_term() {
        let mut numbers = Numbers(4);
        let texts: Vec<String> = (0..300).map(|_| numbers.text(400)).collect();
        let mut terms: Vec<u64> = texts.iter().flat_map(|text| fingerprint(text, &[])).collect();
        let count = terms.len();
        terms.sort_unstable();
        terms.dedup();
        assert_eq!((count, terms.len()), (6000, 6000));
    }

    #[test]
    fn breaks_white_space_and_punctuation_make_no_difference() {
        let blocks = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        let whole =
            fingerprint("省计量院发布新规程", &blocks(&["各地农贸市场的衡器在年底之前完成全面核查工作"]));
        let broken = fingerprint(
            "省计量院，发布“新规程”！",
            &blocks(&["各地农贸市场的 衡器", "在年底之前", "", "完成全面核查——工作。"]),
        );
        assert_eq!(whole.len(), BANDS);
        assert_eq!(whole, broken);
    }

    #[test]
    fn short_texts_have_no_terms_and_are_alike_by_their_characters() {
        let text = "各地农贸市场的衡器在年底之前完成全面核查";
        assert_eq!(text.chars().count(), MIN_CHARS);
        assert_eq!(fingerprint("", &[text.to_owned()]).len(), BANDS);
        assert!(fingerprint("", &[text.chars().skip(1).collect()]).is_empty());
        assert!(fingerprint("", &[]).is_empty());
        assert_eq!(similarity("质量", "质 量。"), 1.0);
        assert_eq!(similarity("质量", "质"), 0.0);
        assert_eq!(similarity("", ""), 1.0);
        assert_eq!(similarity("质量", text), 0.0);
    }

    #[test]
    fn a_text_of_one_character_has_a_fingerprint() {
        let [a, b] = [30, 3000].map(|length| fingerprint("", &["哈".repeat(length)]));
        assert_eq!(a.len(), BANDS);
        assert_eq!(a, b);
    }

    #[test]
    fn likeness_is_the_share_of_common_pieces() {
        // Of the pieces abcde bcdef cdefg and bcdef cdefg defgh, two of four.
        assert_eq!(similarity("abcdefg", "bcdefgh"), 0.5);
        assert_eq!(similarity("bcdefgh", "abcdefg"), 0.5);
        assert_eq!(similarity("abcdefg", "abcdefg"), 1.0);
        assert_eq!(similarity("abcdefg", "tuvwxyz"), 0.0);
        assert_eq!(similarity("aaaaaa", "aaaaaaaaa"), 1.0);
    }

    #[test]
    fn a_fingerprint_is_the_same_in_each_build() {
        let text = "各地农贸市场的衡器在年底之前完成全面核查abc123";
        assert_eq!(
            fingerprint("", &[text.to_owned()])[..3],
            [3271915715529657599, 3120588422711676758, 4563366984360616221]
        );
    }
}
