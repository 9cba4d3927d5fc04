//! What the engine of imports does with rows, whatever file they come from.

use super::*;

#[actix_web::test]
async fn a_file_that_cannot_be_read_says_so_itself() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.xml");
    std::fs::write(&path, "no export at all").unwrap();
    let import = site.import(&["--from", "wordpress", path.to_str().unwrap()]).await;
    assert!(!import.success && import.text.contains("not a WordPress export"), "{}", import.text);
}
