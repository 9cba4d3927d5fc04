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
