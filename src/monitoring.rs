//! The numbers of the process as Prometheus reads them.

use std::time::Duration;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::app::App;
use crate::error::{Error, Result};
use crate::members::outbox;
use crate::metrics::{MEDIA_TYPE, State};

/// How long the database may take to answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers `/metrics` on the server's own address: to whoever has the token, and if there is one.
pub async fn get_guarded_metrics(req: HttpRequest, app: web::Data<App>) -> Result<HttpResponse> {
    let Some(token) = &app.config.http.metrics_token else { return Err(Error::not_found()) };
    let given = req.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' '));
    let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    // Digests take the same time to compare, however much of a guess is right.
    match given {
        Some(given) if Sha256::digest(given) == Sha256::digest(token) => get_metrics(app).await,
        _ => Err(Error::unauthenticated()),
    }
}

/// Answers `/metrics` on an address of its own.
pub async fn get_metrics(app: web::Data<App>) -> Result<HttpResponse> {
    let pending = async {
        let conn = app.health_reader().await.ok()?;
        outbox::queries::count_pending(&conn).await.ok()
    };
    let index = app.search.index();
    let search_bytes = spawn_blocking(move || index.map_or(0, |index| index.bytes_on_disk())).await;
    let state = State {
        pools: app.pool_statuses(),
        pending_mails: timeout(DATABASE_TIMEOUT, pending).await.ok().flatten(),
        follower_lag: app.follower.lag(),
        clock_skew: app.follower.clock.skew(),
        search: app.search_state(),
        search_bytes: search_bytes.unwrap_or_default(),
    };
    let text = app.metrics.render(&state).map_err(|cause| Error::Internal(cause.into()))?;
    Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).insert_header(("cache-control", "no-store")).body(text))
}
