//! For load balancers and monitors: is the process alive, can it serve.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{Responder, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Code, Error, Result};
use crate::http::reply::Reply;
use crate::operations::{Caller, Operation};

/// How long the database may take to answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// A good state.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; any other state is a failure.
    #[schema(example = "ok")]
    status: &'static str,
}

/// What a server that is ready says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Always `ok`; any other state is a failure.
    #[schema(example = "ok")]
    status: &'static str,
    /// The search index of this server. While it is built, everything else is served.
    search: SearchReadiness,
}

/// The search index of a server.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchReadiness {
    /// Whether it can be asked.
    ready: bool,
    /// Articles and notices in it.
    #[schema(minimum = 0)]
    documents: u64,
    /// Seconds since its last completed look at the change log began; null before the first one.
    #[schema(required)]
    lag: Option<f64>,
    /// The position of the change log that it has reached; null while there is no index.
    #[schema(required)]
    position: Option<String>,
}

const HEALTHY: Health = Health { status: "ok" };

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[GET_HEALTH, GET_READINESS];

/// The entry of [`get_health`].
pub const GET_HEALTH: Operation =
    Operation::read("get_health", Caller::Anyone).unconditional().outside_the_contract();

/// Alive
///
/// The process runs; says nothing of the database.
#[utoipa::path(tag = "operations", operation_id = "get_health", responses((status = 200, description = "Alive", body = Health)))]
#[get("/healthz")]
pub async fn get_health() -> impl Responder {
    Reply::new(StatusCode::OK, HEALTHY)
}

/// The entry of [`get_readiness`].
pub const GET_READINESS: Operation =
    Operation::read("get_readiness", Caller::Anyone).unconditional().outside_the_contract();

/// Ready
///
/// The database answers, and its clock differs by at most 30 seconds from that of this process. A server that is about to stop is not ready.
#[utoipa::path(tag = "operations", operation_id = "get_readiness", responses((status = 200, description = "Ready", body = Readiness), (status = 503, description = "The database does not answer, the clocks differ, or the server is starting or about to stop", body = crate::error::Problem, content_type = "application/problem+json")))]
#[get("/readyz")]
pub async fn get_readiness(app: web::Data<App>) -> Result<impl Responder> {
    if app.is_leaving() {
        return Err(Error::Unavailable("the server is about to stop".to_owned()));
    }
    let clock = &app.follower.clock;
    let asking =
        async { app.follower.measure_clock(&*app.health_reader().await?).await.map_err(Error::from) };
    match tokio::time::timeout(DATABASE_TIMEOUT, asking).await {
        Ok(asked) => asked?,
        Err(_) => return Err(Error::Unavailable("database: no answer in time".to_owned())),
    }
    match clock.large_skew() {
        None => Ok(Reply::new(StatusCode::OK, Readiness { status: "ok", search: describe_search(&app) })),
        Some(seconds) => {
            let detail = format!("The clocks of the database and of this process differ by {seconds} s.");
            Err(Error::Refused(Code::Unavailable, detail.into()))
        }
    }
}

fn describe_search(app: &App) -> SearchReadiness {
    let state = app.search_state();
    SearchReadiness {
        ready: state.is_ready,
        documents: state.documents,
        lag: state.lag.map(|lag| (lag.as_secs_f64() * 1000.0).round() / 1000.0),
        position: app.search.index().and_then(|index| index.position()),
    }
}
