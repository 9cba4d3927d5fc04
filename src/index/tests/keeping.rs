use std::path::Path;

use super::*;

#[test]
fn documents_are_replaced_removed_and_there_after_opening() {
    let site = Site::of(&["一月", "二月", "三月"]);
    let before = site.index.generation();
    let mut writer = site.index.writer();
    writer.put(document(2, "", "四月")).unwrap();
    writer.remove(id(3)).unwrap();
    assert_eq!(site.found("二月"), [2]);
    writer.commit("position 7").unwrap();
    assert!(site.index.generation() > before);
    let check = |site: &Site| {
        assert_eq!(site.found("月"), [1, 2]);
        assert_eq!(site.found("四月"), [2]);
        assert_eq!(site.index.position().as_deref(), Some("position 7"));
        assert_eq!(site.index.documents(), 2);
        assert!(site.index.bytes_on_disk() > 0);
    };
    check(&site);
    assert!(matches!(Index::open(site.folder.path(), "test"), Err(OpenError::Locked)));
    let Site { index, folder } = site;
    drop(writer);
    drop(index);
    assert!(matches!(Index::open(folder.path(), "other"), Err(OpenError::NotUsable(_))));
    let index = Index::open(folder.path(), "test").unwrap();
    check(&Site { index, folder });
}

#[test]
fn a_folder_without_an_index_is_not_usable() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(Index::open(folder.path(), "test"), Err(OpenError::NotUsable(_))));
    assert!(matches!(Index::open(&folder.path().join("none"), "test"), Err(OpenError::NotUsable(_))));
}

/// Copies the files of a folder into a new one.
fn copy(from: &Path) -> TempDir {
    let to = TempDir::new().unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
    }
    to
}

#[test]
fn a_file_that_is_damaged_or_gone_is_an_error_or_harmless_and_never_a_panic() {
    let documents = (1..40).map(|number| Document {
        labels: vec!["kind:article".to_owned()],
        ..document(number, "质量提升", "管理 management 的正文")
    });
    let Site { index, folder } = Site::with(documents);
    drop(index);
    let files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    let mut refused = 0;
    for file in &files {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        let middle = bytes.len() / 2;
        let mut flipped = bytes.clone();
        if let Some(byte) = flipped.get_mut(middle) {
            *byte ^= 0x55;
        }
        // Files are not forced to the disk: a machine that loses its power may leave blocks of noughts, or none.
        let noughts = vec![0; bytes.len()];
        let remains = [bytes[..middle].to_vec(), Vec::new(), flipped, noughts].map(Some);
        for remains in remains.into_iter().chain([None]) {
            let folder = copy(folder.path());
            let path = folder.path().join(file);
            remains
                .map_or_else(|| std::fs::remove_file(&path), |bytes| std::fs::write(&path, bytes))
                .unwrap();
            let Ok(index) = Index::open(folder.path(), "test") else {
                refused += 1;
                continue;
            };
            let query = Query::parse("质量 -x manag").unwrap();
            let search = Search { query: Some(&query), count_labels: &["kind:"], ..all() };
            let found = index.search(&search).map(|hits| hits.total);
            assert!(
                found.is_err() || found.as_ref().is_ok_and(|total| *total == Some(39)),
                "{file:?} {found:?}"
            );
        }
    }
    assert!(refused >= files.len(), "{refused} of {} files", files.len());
}

#[test]
fn damage_is_found_without_the_list_of_files() {
    let Site { index, folder } = Site::with((1..40).map(|number| document(number, "质量提升", "管理的正文")));
    drop(index);
    let columns = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let columns: Vec<_> =
        columns.filter(|path| path.extension().is_some_and(|end| end == "fast" || end == "idx")).collect();
    assert!(columns.len() > 1, "{columns:?}");
    for list in ["[]", ""] {
        for path in &columns {
            let folder = copy(folder.path());
            std::fs::write(folder.path().join(".managed.json"), list).unwrap();
            let path = folder.path().join(path.file_name().unwrap());
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 4;
            bytes[middle] ^= 0x55;
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(Index::open(folder.path(), "test"), Err(OpenError::NotUsable(_))), "{path:?}");
        }
    }
}

#[test]
fn what_a_commit_has_left_that_did_not_end_does_not_stop_the_next_one() {
    let site = Site::of(&["一月", "二月", "三月"]);
    let Site { index, folder } = site;
    drop(index);
    let names = || std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let segment = names().find(|path| path.extension().is_some_and(|end| end == "idx")).unwrap();
    // Whatever the number of the next commit is.
    for number in 0..100 {
        std::fs::write(segment.with_extension(format!("{number}.del")), "").unwrap();
    }
    let site = Site { index: Index::open(folder.path(), "test").unwrap(), folder };
    let mut writer = site.index.writer();
    writer.put(document(2, "", "四月")).unwrap();
    writer.commit("position 8").unwrap();
    assert_eq!((site.found("四月"), site.found("二月")), (vec![2], vec![]));
}

#[test]
fn many_documents_are_left_out_as_few_are() {
    let site = Site::with((1..=60).map(|number| document(number, "质量", "")));
    let query = Query::parse("质量").unwrap();
    for left_out in [1, 2, 30, 60] {
        let without = (1..=left_out).map(id).collect();
        let hits = site.index.search(&Search { query: Some(&query), without: &without, ..all() }).unwrap();
        assert_eq!(hits.total, Some(60 - left_out as u64));
        assert!(hits.hits.iter().all(|hit| !without.contains(&hit.id)));
        let found = site.index.find_all(&query, &Filter::Everything, &without, 100).unwrap().unwrap();
        assert_eq!(found.len(), 60 - left_out as usize);
    }
}

/// The documents of each segment, with those that were removed.
fn segments(index: &Index) -> Vec<u32> {
    let ends = |searcher: &tantivy::Searcher| {
        Ok(searcher.segment_readers().iter().map(tantivy::SegmentReader::max_doc).collect())
    };
    index.look(ends).unwrap()
}

#[test]
fn only_a_large_segment_is_written_anew_for_what_was_removed() {
    let site = Site::with((1..=2_000).map(|number| document(number, "质量", "")));
    let mut writer = site.index.writer();
    let mut commit = |change: &mut dyn FnMut(&mut IndexWriter)| {
        change(&mut writer);
        writer.commit("position").unwrap();
        // It waits for merges.
        writer.rest().unwrap();
        site.index.show_commit("position").unwrap();
        segments(&site.index)
    };
    let small =
        commit(&mut |writer| (3_001..=3_010).for_each(|at| writer.put(document(at, "x", "")).unwrap()));
    assert_eq!(small, [2_000, 10]);
    let worn = commit(&mut |writer| (3_001..=3_009).for_each(|at| writer.remove(id(at)).unwrap()));
    assert_eq!(worn, [2_000, 10]);
    let anew = commit(&mut |writer| (1..=700).for_each(|at| writer.remove(id(at)).unwrap()));
    let mut anew = anew;
    anew.sort_unstable();
    assert_eq!(anew, [10, 1_300]);
}
