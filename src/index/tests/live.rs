use std::time::Duration;

use super::super::live::LiveIndex;
use super::*;

/// What is left out of searches; none if there are none.
fn left_out(live: &LiveIndex, is_followed: bool) -> Option<Vec<u128>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let view = runtime.block_on(live.view(Duration::ZERO, || is_followed))?;
    let mut ids: Vec<u128> = view.without.iter().map(|id| number(*id)).collect();
    ids.sort_unstable();
    Some(ids)
}

#[test]
fn an_old_index_answers_once_it_is_known_what_it_lacks() {
    let (site, live) = (Site::of(&["质量"]), LiveIndex::default());
    live.replace_by_old(site.index.clone());
    assert_eq!(left_out(&live, true), None);
    let look = live.begin_look();
    live.note_touched([id(3)]);
    live.note_found(look, &[id(1), id(2)]);
    assert_eq!(left_out(&live, true), Some(vec![1, 2, 3]));
    // What was touched while the index was written is left out until the next look.
    live.note_touched([id(2)]);
    assert!(live.end_look(look));
    assert_eq!(left_out(&live, true), Some(vec![2, 3]));
    let look = live.begin_look();
    assert!(live.end_look(look));
    let look = live.begin_look();
    assert!(!live.end_look(look), "nothing comes back");
    assert_eq!(left_out(&live, true), Some(vec![]));
}

#[test]
fn where_nobody_follows_the_log_a_look_of_its_own_has_to_be_fresh() {
    let (site, live) = (Site::of(&["质量"]), LiveIndex::default());
    live.replace(site.index.clone());
    assert_eq!(left_out(&live, false), None);
    let look = live.begin_look();
    live.note_found(look, &[]);
    assert_eq!(left_out(&live, false), Some(vec![]));
}

#[test]
fn what_a_look_finds_while_an_earlier_one_is_under_way_outlives_the_earlier_one() {
    let (site, live) = (Site::of(&["质量"]), LiveIndex::default());
    live.replace(site.index.clone());
    let earlier = live.begin_look();
    live.note_found(earlier, &[id(1), id(2)]);
    let later = live.begin_look();
    live.note_found(later, &[id(1), id(3)]);
    live.end_look(earlier);
    assert_eq!(left_out(&live, true), Some(vec![1, 3]));
    live.end_look(later);
    assert_eq!(left_out(&live, true), Some(vec![]));
}

#[test]
fn an_index_that_has_failed_takes_only_itself_out_of_use() {
    let (failed, used, live) = (Site::of(&["质量"]), Site::of(&["管理"]), LiveIndex::default());
    live.replace(used.index.clone());
    live.remove_failed(&failed.index);
    assert!(live.index().is_some());
    live.remove_failed(&used.index);
    assert!(live.index().is_none());
}
