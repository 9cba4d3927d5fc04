use super::*;

fn spell(site: &Site, query: &str) -> Option<String> {
    let query = Query::parse(query).unwrap();
    site.index.find_spelling(&query, &Filter::Everything, &HashSet::new())
}

#[test]
fn a_query_that_finds_nothing_is_spelled_as_it_would_find_something() {
    let site = Site::of(&["质量管理体系", "international standards", "食品安全"]);
    assert_eq!(spell(&site, "质亮").as_deref(), Some("质量"));
    assert_eq!(spell(&site, "智量管理").as_deref(), Some("质量管理"));
    assert_eq!(spell(&site, "食品 安权").as_deref(), Some("食品 安全"));
    assert_eq!(spell(&site, "\"食品安权\"").as_deref(), Some("\"食品安全\""));
    assert_eq!(spell(&site, "intarnationel").as_deref(), Some("international"));
    assert_eq!(spell(&site, "standrads -x 质量").as_deref(), None);
    assert_eq!(spell(&site, "完全没有"), None);
    assert_eq!(spell(&site, "质亮 2024/1"), None);
}

#[test]
fn related_documents_share_rare_words() {
    let common = "的新闻报道，记者昨日获悉。";
    let texts =
        ["量子计算机突破", "量子计算的未来", "白菜价格上涨", "今日天气晴", "足球比赛结果", "量子通信"];
    let site = Site::with(
        texts.iter().zip(1..).map(|(text, number)| document(number, text, &format!("{text}{common}"))),
    );
    let without = HashSet::from([id(1)]);
    let related =
        site.index.find_related(&format!("{}{common}", texts[0]), &Filter::Everything, &without, 2).unwrap();
    assert_eq!(related.iter().map(|(id, _)| number(*id)).collect::<Vec<_>>(), [2, 6]);
    assert!(site.index.find_related("", &Filter::Everything, &without, 2).unwrap().is_empty());
}

#[test]
fn what_is_left_out_gives_no_spelling() {
    let site = Site::of(&["计量检定规程"]);
    let query = Query::parse("计亮检定").unwrap();
    let spell = |without: &HashSet<Uuid>| site.index.find_spelling(&query, &Filter::Everything, without);
    assert!(spell(&HashSet::new()).is_some());
    assert_eq!(spell(&HashSet::from([id(1)])), None);
}
