//! What sitemaps are made of.

use chrono::{DateTime, Months, NaiveDate, NaiveTime, Utc};

/// Addresses of a file. The protocol allows 50,000 and 50 MB: with so few, addresses of any length fit, and a file takes
/// little memory while it is made.
pub const MAX_ADDRESSES: usize = 10_000;
/// Files of the index, as the protocol bounds them.
pub const MAX_FILES: usize = 50_000;
/// Bytes of an address, as the protocol bounds them. Longer ones are left out.
pub const MAX_ADDRESS_BYTES: usize = 2_048;
/// Articles of the sitemap of news, as it is bounded.
pub const MAX_NEWS: usize = 1_000;

/// A file of the sitemap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SitemapFile {
    /// A part of the articles that came out in a month.
    Articles(Month, usize),
    /// A part of the categories.
    Categories(usize),
    /// A part of the notices.
    Notices(usize),
    /// What came out in the last two days.
    News,
}

/// A month of UTC, as its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month(pub NaiveDate);

impl Month {
    /// The month in which `at` is.
    pub fn of(at: DateTime<Utc>) -> Option<Self> {
        use chrono::Datelike;
        at.date_naive().with_day(1).map(Self)
    }

    /// Its begin and its end.
    pub fn bounds(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let end = self.0.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
        [self.0, end].map(|day| day.and_time(NaiveTime::MIN).and_utc()).into()
    }
}

/// An address in a sitemap.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// The address.
    pub address: String,
    /// When the page last changed, if that is known.
    pub modified_at: Option<DateTime<Utc>>,
    /// The same page in other languages. Articles have none yet.
    pub alternates: Vec<Alternate>,
    /// What the sitemap of news tells besides.
    pub news: Option<News>,
}

/// A page in another language.
#[derive(Clone, Debug)]
pub struct Alternate {
    /// The language, as a BCP 47 tag.
    pub language: String,
    /// The address.
    pub address: String,
}

/// An article in the sitemap of news.
#[derive(Clone, Debug)]
pub struct News {
    /// Its title.
    pub title: String,
    /// From when it is out.
    pub published_at: DateTime<Utc>,
}

/// A file in the index.
#[derive(Clone, Debug)]
pub struct IndexedFile {
    /// Its address.
    pub address: String,
    /// When anything in it last changed, if that is known.
    pub modified_at: Option<DateTime<Utc>>,
}

/// How many files so many addresses take.
pub fn count_parts(addresses: usize) -> usize {
    addresses.div_ceil(MAX_ADDRESSES)
}
