//! What a change of media does, for handlers, uploads and commands.

use uuid::Uuid;

use super::input::UploadParams;
use super::model::{Content, MediaUser, Row};
use super::queries;
use super::queries::files::FileRow;
use crate::changes::model::{Actor, Change};
use crate::db::visibility::Media;
use crate::error::{Code, Error, Fault, Result, Sentence};
use crate::tx::Tx;
use diesel::OptionalExtension;

/// How many things that use media are named where they keep it from being deleted.
pub const MAX_NAMED_USES: i64 = 20;

/// The name of a file that came without one.
fn default_name(file: &FileRow, id: Uuid) -> String {
    format!("{}.{}", id.simple(), super::files::find_ending(&file.mime))
}

/// Adds media over a file, and records it.
pub async fn add_media(
    tx: &mut Tx,
    actor: Actor,
    id: Uuid,
    file: &FileRow,
    mut content: Content,
) -> Result<Row> {
    if content.name.is_empty() {
        content.name = default_name(file, id);
    }
    let row = queries::insert(tx, id, (&file.sha256, file.kind), &content, actor.member_id()).await?;
    tx.record(actor, Change::new("create", "media", row.id));
    Ok(row)
}

/// Adds media over a file. If there are some with the id in `params` and with these bytes, they are changed to what it says,
/// and taken out of the trash; 409 if they have other bytes.
pub async fn put_media(tx: &mut Tx, actor: Actor, file: &FileRow, params: UploadParams) -> Result<Row> {
    let Some(id) = params.id else {
        return add_media(tx, actor, Uuid::now_v7(), file, params.into_content()).await;
    };
    let live = queries::lock(tx, id, Media::ForMembers, false).await.optional()?;
    let (row, is_deleted) = match live {
        Some(row) => (row, false),
        None => match queries::lock(tx, id, Media::Trash, false).await.optional()? {
            Some(row) => (row, true),
            None => return add_media(tx, actor, id, file, params.into_content()).await,
        },
    };
    if row.sha256 != file.sha256 {
        let fault = Fault::parameter("id", Code::MediaIdTaken, "belongs to media with other bytes");
        return Err(fault.into());
    }
    let row = if is_deleted { set_deleted(tx, actor, &row, false).await? } else { row };
    let content = params.over(row.content.clone());
    change_media(tx, actor, row, &content).await
}

/// Changes the media `row`, which are locked; does nothing, and records nothing, where nothing changes.
pub async fn change_media(tx: &mut Tx, actor: Actor, row: Row, after: &Content) -> Result<Row> {
    if *after == row.content {
        return Ok(row);
    }
    let changed = queries::update(tx, &row, after).await?;
    tx.record(actor, Change::between("media", row.id, &row.content, after));
    Ok(changed)
}

/// Puts media into the trash, or takes them out, and records it.
pub async fn set_deleted(tx: &mut Tx, actor: Actor, row: &Row, deleted: bool) -> Result<Row> {
    let changed = queries::set_deleted(tx, row.id, deleted).await?;
    tx.record(actor, Change::new(if deleted { "delete" } else { "restore" }, "media", row.id));
    Ok(changed)
}

/// Puts media into the trash. 409 while something uses them; it is named.
pub async fn delete_media(tx: &mut Tx, actor: Actor, row: &Row) -> Result<()> {
    let users = queries::load_users(&*tx, vec![row.id], MAX_NAMED_USES).await?;
    if users.is_empty() {
        return set_deleted(tx, actor, row, true).await.map(drop);
    }
    let name = |entity: MediaUser| match entity {
        MediaUser::Article => "article",
        MediaUser::Notice => "notice",
        MediaUser::Menu => "menu",
        MediaUser::HomePage => "home page",
    };
    let names: Vec<String> =
        users.iter().map(|user| format!("{} {} {}", name(user.entity), user.id, user.title)).collect();
    let sentence = Sentence::from("Still used by: {users}.").with("users", names.join("; "));
    Err(Error::Refused(Code::MediaInUse, sentence))
}
