//! Waits for what other threads and processes do.

use std::path::Path;

/// Waits for what must happen soon. Fails after 20 s.
pub(super) async fn within_limit<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(20), event).await.expect("it did not happen in time")
}

/// Waits until a folder is empty. Fails after 20 s.
pub(super) async fn wait_until_empty(folder: &Path) {
    within_limit(async {
        while std::fs::read_dir(folder).unwrap().count() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
