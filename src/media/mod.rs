//! Pictures and files.
//!
//! The bytes of a file are stored once, under their digest, however often they are uploaded ([`intake`]). Of a picture, a
//! master is made when it comes in; its variants are made of that when they are first asked for ([`variants`]). An address
//! leads to the same bytes for ever ([`presets`]). Triggers note what uses media, whoever writes.

pub mod addresses;
pub mod answer_tags;
pub mod bodies;
pub mod covers;
pub mod disposition;
pub mod fetching;
pub mod files;
pub mod handlers;
pub mod input;
pub mod intake;
pub mod leases;
pub mod model;
pub mod picture_work;
pub mod presets;
pub mod queries;
pub mod receiving;
pub mod resumable;
pub mod scanner;
pub mod serving;
pub mod sweep;
pub mod uploading;
pub mod variants;
pub mod view;
pub mod writing;

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::App;
use crate::error::Result;
use crate::operations::Operation;

/// Notes the definitions of the presets, and tries the store. One that cannot be used is told in the log: articles are served
/// without it.
pub async fn prepare(app: &App) -> Result<()> {
    let presets = app.config.media.presets.0.iter();
    let presets: Vec<_> = presets.map(|preset| (preset.name.clone(), preset.size.to_string())).collect();
    app.write(async move |tx| Ok(queries::files::note_presets(tx, &presets).await?)).await?;
    let tried = async {
        app.store.check().await?;
        sweep::leave_mark(app).await
    };
    if let Err(error) = tried.await {
        tracing::error!(%error, store = ?app.store, "The store of media cannot be used");
    }
    Ok(())
}

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[
    handlers::LIST_MEDIA,
    uploading::CREATE_MEDIA,
    uploading::CREATE_MEDIA_FROM_URL,
    resumable::handlers::DESCRIBE_UPLOADS,
    resumable::handlers::CREATE_UPLOAD,
    resumable::handlers::GET_UPLOAD,
    resumable::handlers::UPDATE_UPLOAD,
    resumable::handlers::CHANGE_UPLOAD,
    resumable::handlers::DELETE_UPLOAD,
    handlers::GET_MEDIA,
    handlers::GET_MEDIA_ADDRESS,
    serving::GET_MEDIA_ORIGINAL,
    handlers::UPDATE_MEDIA,
    handlers::DELETE_MEDIA,
    handlers::RESTORE_MEDIA,
    serving::GET_MEDIA_FILE,
    serving::GET_PRESENT_MEDIA_FILE,
];

/// The routes under `/media` of the API.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        scope("/media")
            .service(
                scope("/uploads")
                    .service(resumable::handlers::describe_uploads)
                    .service(resumable::handlers::create_upload)
                    .service(resumable::handlers::get_upload)
                    .service(resumable::handlers::update_upload)
                    .service(resumable::handlers::change_upload)
                    .service(resumable::handlers::delete_upload),
            )
            .service(uploading::create_media_from_url)
            .service(handlers::list_media)
            .service(uploading::create_media)
            .service(handlers::get_media)
            .service(handlers::get_media_address)
            .service(serving::get_media_original)
            .service(handlers::update_media)
            .service(handlers::delete_media)
            .service(handlers::restore_media),
    );
}

/// The routes of the bytes, beside the API.
pub fn file_routes(cfg: &mut ServiceConfig) {
    cfg.service(serving::get_media_file).service(serving::get_present_media_file);
}
