use super::*;

#[test]
fn a_title_is_before_a_body_and_tags_are_between() {
    let long = "质量".repeat(30);
    let tags = Document { tags: vec!["质量".into()], ..document(3, "新闻", "正文") };
    let summary = Document { summary: "说说质量".into(), ..document(4, "新闻", "正文") };
    let site = Site::with([document(1, "新闻", &long), document(2, "质量新闻", "正文"), tags, summary]);
    assert_eq!(site.ranked("质量"), [2, 3, 4, 1]);
}

#[test]
fn the_script_that_was_typed_comes_first() {
    let site = Site::of(&["提升质量，质量管理，质量第一", "提升質量", "后面", "後面", "皇后"]);
    assert_eq!(site.ranked("質量"), [2, 1]);
    assert_eq!(site.ranked("质量"), [1, 2]);
    assert_eq!(site.ranked("後面"), [4, 3]);
    assert_eq!(site.ranked("后面"), [3, 4]);
    assert_eq!(site.found("後"), [3, 4, 5]);
    assert_eq!(site.ranked("後")[0], 4);
    assert_eq!(site.ranked("后")[2], 4);
}

#[test]
fn words_near_each_other_come_first() {
    let far = format!("质量{}管理", "很长的一段话，".repeat(20));
    let site = Site::of(&[&far, &format!("{}质量的管理", "很长的一段话，".repeat(20))]);
    assert_eq!(site.ranked("质量 管理"), [2, 1]);
    assert_eq!(site.ranked("管理 质量"), [2, 1]);
}

#[test]
fn of_equals_the_fresh_one_is_first() {
    let day = 86_400_000_000;
    let aged = |number, begins_at| Document { begins_at, ..document(number, "质量", "正文") };
    let site = Site::with([aged(1, 5 * day), aged(2, 9 * day), aged(3, 7 * day), aged(5, day), aged(4, day)]);
    let query = Query::parse("质量").unwrap();
    let hits = site.index.search(&Search { query: Some(&query), now: 10 * day, ..all() }).unwrap();
    assert_eq!(hits.hits.iter().map(|hit| number(hit.id)).collect::<Vec<_>>(), [2, 3, 1, 5, 4]);
}

#[test]
fn the_beginning_of_many_words_is_no_rare_word() {
    let others = (10..40).map(|number| document(number, "standard steel", ""));
    let rare = (3..9).map(|number| document(number, "xylophone", "steel"));
    let own = [document(1, "xylophone", "scales"), document(2, "scales", "xylophone")];
    let site = Site::with(own.into_iter().chain(rare).chain(others));
    let ranked = site.ranked("xylophone s");
    assert_eq!(ranked.last(), Some(&2), "{ranked:?}");
    let query = Query::parse("xylophone s").unwrap();
    let hits = site.index.search(&Search { query: Some(&query), ..all() }).unwrap();
    let score = |wanted| hits.hits.iter().find(|hit| hit.id == id(wanted)).unwrap().score;
    assert!(score(1) > 2.0 * score(2), "{} and {}", score(1), score(2));
}
