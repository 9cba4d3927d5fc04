//! The threads on which imports compute and wait.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::task::spawn_blocking;

use crate::error::{Error, Result};
use crate::priority;

/// Runs `work` on the import threads. They have a lower priority than those that serve requests.
pub async fn run_on_import_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    static POOL: LazyLock<Result<ThreadPool, rayon::ThreadPoolBuildError>> = LazyLock::new(|| {
        let pool = ThreadPoolBuilder::new().thread_name(|at| format!("import-{at}"));
        pool.start_handler(|_| priority::lower_thread_priority()).build()
    });
    run_blocking(move || match &*POOL {
        Ok(pool) => Ok(pool.install(work)),
        Err(cause) => Err(Error::Internal(anyhow::anyhow!("threads for imports: {cause}"))),
    })
    .await
}

/// Runs `work` on a thread that may block.
pub async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|cause| Err(Error::Internal(cause.into())))
}
