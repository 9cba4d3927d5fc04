//! For load balancers and monitors: is the process alive, can it serve.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{Responder, get, web};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Error, Result};
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
/// The database answers, so requests can be served.
#[utoipa::path(tag = "operations", operation_id = "get_readiness", responses((status = 200, description = "Ready", body = Health), (status = 503, description = "The database does not answer", body = crate::error::Problem, content_type = "application/problem+json")))]
#[get("/readyz")]
pub async fn get_readiness(app: web::Data<App>) -> Result<impl Responder> {
    let asking = async {
        let mut conn = app.health_reader().await?;
        diesel::sql_query("SELECT 1").execute(&mut conn).await.map_err(Error::from)
    };
    match tokio::time::timeout(DATABASE_TIMEOUT, asking).await {
        Ok(Ok(_)) => Ok(Reply::new(StatusCode::OK, HEALTHY)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::Unavailable("database: no answer in time".to_owned())),
    }
}
