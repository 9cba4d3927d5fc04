//! Looking at a job.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{Responder, get, web};

use super::model::Row;
use super::queries;
use super::view::Job;
use crate::app::App;
use crate::error::Result;
use crate::http::id_or_slug::Id;
use crate::http::reply::{Data, Reply};
use crate::members::guard::Editor;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`get_job`].
pub const GET_JOB: Operation = Operation::read("get_job", Caller::Role(Role::Editor))
    .for_keys_with_one_of(&[Scope::CategoriesWrite, Scope::ArticlesWrite])
    .without_last_modified();

/// Get a job
///
/// Long work that a request has begun, and how far it is.
#[utoipa::path(tag = "operations", params(("id" = uuid::Uuid, Path, description = "The job's id")), responses((status = 200, description = "The job", body = Data<Job>)))]
#[get("/jobs/{id}")]
pub async fn get_job(app: web::Data<App>, _: Editor, id: Id) -> Result<impl Responder> {
    let job = Job::from(queries::load_job(&*app.reader().await?, id.0).await?);
    Ok(Reply::one(job).with_version(0))
}

/// 202 with the job that does what was asked for, and where to look at it.
pub fn reply_accepted(job: Row) -> Reply<Data<Job>> {
    let location = format!("/api/v1/jobs/{}", job.id);
    Reply::new(StatusCode::ACCEPTED, Data { data: Job::from(job) }).with_header(LOCATION, location)
}
