//! Sets of documents of a segment.

/// A set of documents, as bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Docs {
    bits: Vec<u64>,
    end: u32,
}

impl Docs {
    /// None of `end` documents.
    pub fn none(end: u32) -> Self {
        Self { bits: vec![0; end.div_ceil(64) as usize], end }
    }

    /// All of `end` documents.
    pub fn all(end: u32) -> Self {
        let mut all = Self { bits: vec![u64::MAX; end.div_ceil(64) as usize], end };
        all.trim();
        all
    }

    fn trim(&mut self) {
        if let Some(last) = self.bits.last_mut().filter(|_| !self.end.is_multiple_of(64)) {
            *last &= (1 << (self.end % 64)) - 1;
        }
    }

    /// Adds a document.
    pub fn insert(&mut self, doc: u32) {
        if let Some(bits) = self.bits.get_mut(doc as usize / 64).filter(|_| doc < self.end) {
            *bits |= 1 << (doc % 64);
        }
    }

    /// Takes a document out.
    pub fn remove(&mut self, doc: u32) {
        if let Some(bits) = self.bits.get_mut(doc as usize / 64) {
            *bits &= !(1 << (doc % 64));
        }
    }

    /// Whether a document is in it.
    pub fn contains(&self, doc: u32) -> bool {
        self.bits.get(doc as usize / 64).is_some_and(|bits| bits >> (doc % 64) & 1 == 1)
    }

    /// The first document from `doc` on.
    pub fn next_from(&self, doc: u32) -> Option<u32> {
        let mut at = doc as usize / 64;
        let mut bits = self.bits.get(at)? & (u64::MAX << (doc % 64));
        while bits == 0 {
            at += 1;
            bits = *self.bits.get(at)?;
        }
        Some(at as u32 * 64 + bits.trailing_zeros())
    }

    /// The documents, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let mut next = 0;
        std::iter::from_fn(move || {
            let doc = self.next_from(next)?;
            next = doc + 1;
            Some(doc)
        })
    }

    /// Keeps the documents that `passes`.
    pub fn retain(&mut self, passes: impl Fn(u32) -> bool) {
        for (at, bits) in self.bits.iter_mut().enumerate() {
            let mut left = *bits;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                if !passes(at as u32 * 64 + bit) {
                    *bits &= !(1 << bit);
                }
            }
        }
    }

    /// The number of documents.
    pub fn len(&self) -> usize {
        self.bits.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|bits| *bits == 0)
    }

    /// Keeps what is in `other`, too.
    pub fn intersect(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(bits, other)| *bits &= other);
    }

    /// Adds what is in `other`.
    pub fn unite(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(bits, other)| *bits |= other);
    }

    /// Takes out what is in `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(bits, other)| *bits &= !other);
    }

    /// Exchanges what is in it and what is not.
    pub fn negate(&mut self) {
        self.bits.iter_mut().for_each(|bits| *bits = !*bits);
        self.trim();
    }
}
