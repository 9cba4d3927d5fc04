//! Articles to fill a site with.

use serde_json::{Value, json};

use crate::texts::{Numbers, write_body, write_words};

/// Tags beside the one that all articles have.
const TAGS: [&str; 7] = ["会议", "标准", "天平", "质量", "抽查", "规程", "电缆"];

/// The article `at`, of so many words.
pub fn row(at: usize, length: usize) -> Value {
    let mut words = write_words(&mut Numbers(at as u64 * 104_729 + 1), length);
    let title = format!("{}第{at}号", words[..6].concat());
    if at.is_multiple_of(7) {
        words[20] = "<strong>1.1万</strong>".to_owned();
    }
    json!({
        "external_id": format!("bench-{at}"), "title": title, "body": write_body(&words),
        "category": format!("新闻/栏目{}", at % 40), "tags": ["计量", TAGS[at % 7]],
        "author": "本网记者", "source_name": format!("来源{}", at % 100), "status": "published", "views": at % 5_000,
        "published_at": format!("{}-{:02}-{:02}T{:02}:00:00Z", 2010 + at % 15, at % 12 + 1, at % 28 + 1, at % 24),
    })
}
