//! Files that the server fetches from an address.

use std::time::Duration;

use futures_util::future::join;
use tokio::io::{AsyncReadExt, duplex};

use super::files::too_large;
use super::input::{FetchRequest, name_in_url};
use super::receiving::{Received, create_spool, max_bytes};
use crate::app::App;
use crate::error::{Code, Error, Fault, Result};
use crate::outbound::download::DownloadLimits;
use crate::outbound::error::FetchError;
use crate::storage::StoreError;

/// How long a download may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(300);
/// Bytes a second that a server must send on average.
const MIN_RATE: u64 = 4 << 10;
/// Bytes that wait to be stored.
const BUFFER_BYTES: usize = 128 << 10;

/// Downloads a file, from a public address. Fails with 422 if it is not to be had.
pub async fn fetch(app: &App, request: FetchRequest) -> Result<Received> {
    let url = app.outbound.guard().parse_url(&request.url).map_err(|cause| refuse(&cause.into()))?;
    let mut spool = create_spool(app).await?;
    let max_bytes = max_bytes(app);
    let limits = DownloadLimits { max_bytes, timeout: FETCH_TIMEOUT, min_rate: MIN_RATE };
    let (mut into, mut from) = duplex(BUFFER_BYTES);
    let downloading = async {
        let downloaded = app.outbound.download(&url, &mut into, limits).await;
        // The end of the bytes, for whoever stores them.
        drop(into);
        downloaded
    };
    let storing = async {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return Ok(spool),
                Ok(bytes) => spool.write(&buffer[..bytes]).await?,
            }
        }
    };
    let (downloaded, stored): (_, Result<_, StoreError>) = join(downloading, storing).await;
    let spool = stored?;
    let downloaded = downloaded.map_err(|cause| match cause {
        FetchError::TooLarge { .. } => too_large(max_bytes),
        cause => refuse(&cause),
    })?;
    Ok(Received { file: spool.finish().await?, params: request.into_params(name_in_url(&downloaded.url)) })
}

fn refuse(cause: &FetchError) -> Error {
    Fault::body("/url", Code::FetchFailed, "cannot be fetched: {reason}")
        .with("reason", cause.to_string())
        .into()
}
