use std::collections::BTreeSet;

use super::*;

#[test]
fn filters_and_counts_of_labels_agree() {
    let labelled = |number, labels: &[&str], begins_at| Document {
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        begins_at,
        ..document(number, "质量", "")
    };
    let site = Site::with([
        labelled(1, &["kind:article", "tag:a", "tag:b"], 10),
        labelled(2, &["kind:article", "tag:b"], 20),
        labelled(3, &["kind:notice"], 30),
        labelled(4, &[], i64::MAX),
    ]);
    let numbers = |filter: Filter| -> Vec<u128> {
        let hits = site.index.search(&Search { filter: &filter, ..all() }).unwrap().hits;
        hits.iter().map(|hit| number(hit.id)).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let label = |label: &str| Filter::Label(label.to_owned());
    assert_eq!(numbers(label("tag:b")), [1, 2]);
    assert_eq!(numbers(Filter::AnyOf(vec!["tag:a".into(), "kind:notice".into(), "x".into()])), [1, 3]);
    assert_eq!(numbers(Filter::AnyOf(Vec::new())), Vec::<u128>::new());
    assert_eq!(numbers(Filter::BeginsBefore(20)), [1]);
    assert_eq!(numbers(Filter::BeginsFrom(20)), [2, 3, 4]);
    assert_eq!(numbers(Filter::EndsAfter(i64::MAX - 1)), [1, 2, 3, 4]);
    assert_eq!(numbers(Filter::Not(Box::new(label("tag:b")))), [3, 4]);
    assert_eq!(numbers(Filter::All(vec![label("tag:b"), Filter::BeginsFrom(20)])), [2]);
    assert_eq!(numbers(Filter::Any(vec![label("tag:a"), label("kind:notice")])), [1, 3]);
    let without = HashSet::from([id(2)]);
    let query = Query::parse("质量").unwrap();
    let counted =
        Search { query: Some(&query), without: &without, count_labels: &["tag:", "kind:"], ..all() };
    let hits = site.index.search(&counted).unwrap();
    assert_eq!(hits.total, Some(3));
    let labels: Vec<(&str, u64)> =
        hits.labels.iter().map(|(label, count)| (label.as_str(), *count)).collect();
    assert_eq!(labels, [("kind:article", 1), ("kind:notice", 1), ("tag:a", 1), ("tag:b", 1)]);
    assert!(hits.hits.iter().all(|hit| number(hit.id) != 2));
    assert_eq!(site.index.find_all(&query, &Filter::Everything, &without, 2).unwrap(), None);
    assert_eq!(
        site.index.find_all(&query, &Filter::Everything, &without, 3).unwrap().map(|ids| ids.len()),
        Some(3)
    );
}

#[test]
fn an_order_by_time_is_walked_without_gaps_or_repeats() {
    let site = Site::empty();
    for part in 0..4_u128 {
        site.put((1..=10).map(|i| {
            let number = part * 10 + i;
            let time = i64::try_from(number % 7).unwrap();
            Document { begins_at: time, updated_at: -time, created_at: time * 3, ..document(number, "", "") }
        }));
    }
    let orders = [true, false].into_iter().flat_map(|descending| {
        [Order::BeginsAt { descending }, Order::UpdatedAt { descending }, Order::CreatedAt { descending }]
    });
    for order in orders {
        let whole = site.index.search(&Search { order, ..all() }).unwrap().hits;
        let mut walked: Vec<Hit> = Vec::new();
        loop {
            let after = walked.last().map(|hit| (hit.time, hit.id));
            let hits = site.index.search(&Search { order, after, top: 3, ..all() }).unwrap();
            assert_eq!(hits.total, Some(40));
            if hits.hits.is_empty() {
                break;
            }
            walked.extend(hits.hits);
        }
        assert_eq!(walked, whole, "{order:?}");
        assert_eq!(whole.len(), 40);
        let keys: Vec<_> = whole.iter().map(|hit| (hit.time, hit.id)).collect();
        let is_descending = keys.is_sorted_by(|a, b| a > b);
        assert!(is_descending || keys.is_sorted_by(|a, b| a < b), "{order:?}");
    }
}

#[test]
fn completions_and_likeness_are_found() {
    let completed = |number, popularity, words: &[&str]| Document {
        popularity,
        completions: words.iter().map(|word| (*word).to_owned()).collect(),
        likeness: vec![1, 2, u64::try_from(number).unwrap() + 10],
        ..document(number, "", "")
    };
    let site = Site::with([
        completed(1, 5, &["c:质量", "p:zhiliang"]),
        completed(2, 9, &["p:zhi"]),
        completed(3, 1, &["p:zha"]),
    ]);
    let complete = |prefixes: &[&str], without: &[u128], top| -> Vec<u128> {
        let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        let without = without.iter().map(|number| id(*number)).collect();
        let ids = site.index.complete(&prefixes, &Filter::Everything, &without, top).unwrap();
        ids.into_iter().map(number).collect()
    };
    assert_eq!(complete(&["p:zhi", "c:质"], &[], 9), [2, 1]);
    assert_eq!(complete(&["p:z"], &[], 2), [2, 1]);
    assert_eq!(complete(&["p:z"], &[2], 9), [1, 3]);
    assert_eq!(complete(&["", "q:"], &[], 9), Vec::<u128>::new());
    let alike = site.index.find_alike(&[1, 2, 12], &Filter::Everything, 2).unwrap();
    assert_eq!(alike, [(id(2), 3), (id(3), 2)]);
    assert_eq!(site.index.find_alike(&[99], &Filter::Everything, 2).unwrap(), []);
    let all = site.index.find_all_alike(&[&[99], &[1, 2, 12], &[]], &Filter::Everything, 2).unwrap();
    assert_eq!(all, [vec![], alike, vec![]]);
}
