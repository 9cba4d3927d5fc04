//! Articles to fill a site with.

use serde_json::{Value, json};

/// Words that articles are made of; the order differs from row to row.
const PHRASES: [&str; 12] = [
    "全省计量工作会议在省城召开，",
    "与会者讨论了标准物质的溯源问题，",
    "实验室的天平已经校准完毕，",
    "企业代表介绍了质量管理的经验，",
    "监督抽查的合格率比去年提高，",
    "新的检定规程从下月起施行，",
    "记者走访了三家电线电缆企业，",
    "专家建议加强在线监测，",
    "消费者可以登录网站查询结果，",
    "比对试验共有四十二家机构参加，",
    "不确定度的评定方法有所改进，",
    "各市将在年底前完成整改。",
];

/// The article `at`: about 4 KB of HTML.
pub fn row(at: usize) -> Value {
    let mut body = String::with_capacity(4_200);
    let mut next = at;
    while body.len() < 3_900 {
        body.push_str("<p>");
        for _ in 0..8 {
            next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            body.push_str(PHRASES[(next >> 33) % PHRASES.len()]);
            if next.is_multiple_of(7) {
                body.push_str("<strong>1.1万</strong>");
            }
        }
        body.push_str("</p>\n");
    }
    json!({
        "external_id": format!("bench-{at}"), "title": format!("{}第{at}号", PHRASES[at % 12].trim_end_matches('，')),
        "body": body, "category": format!("新闻/栏目{}", at % 40), "tags": ["计量", PHRASES[at % 7].chars().take(2).collect::<String>()],
        "author": "本网记者", "source_name": format!("来源{}", at % 100), "status": "published", "views": at % 5_000,
        "published_at": format!("{}-{:02}-{:02}T{:02}:00:00Z", 2010 + at % 15, at % 12 + 1, at % 28 + 1, at % 24),
    })
}
