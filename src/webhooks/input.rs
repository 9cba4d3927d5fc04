//! What clients send about webhooks, checked for what no schema can say.

use super::events::EventFilter;
use super::model::{Content, WebhookStatus};
use super::view::{NewWebhook, WebhookPatch};
use crate::app::App;
use crate::error::{Code, Fault, Result};

/// The least seconds between two events `articles.changed`, if the client does not say.
const DEFAULT_COALESCE_SECONDS: i32 = 10;

/// A new webhook as it is stored. Fails with 422 if its address may not be reached.
pub fn prepare_webhook(app: &App, new: NewWebhook) -> Result<Content> {
    Ok(Content {
        url: check_url(app, &new.url)?,
        description: new.description.unwrap_or_default(),
        events: write_filters(new.events),
        coalesce_seconds: new.coalesce_seconds.unwrap_or(DEFAULT_COALESCE_SECONDS),
        status: new.status.unwrap_or(WebhookStatus::Enabled),
    })
}

/// Fails with 422 if the address of a change may not be reached.
pub fn check_patch(app: &App, patch: &WebhookPatch) -> Result<()> {
    patch.url.as_deref().map_or(Ok(()), |url| check_url(app, url).map(drop))
}

/// `content` after a change that was checked.
pub fn apply_patch(app: &App, content: Content, patch: WebhookPatch) -> Result<Content> {
    Ok(Content {
        url: patch.url.map_or(Ok(content.url), |url| check_url(app, &url))?,
        description: patch.description.unwrap_or(content.description),
        events: patch.events.map_or(content.events, write_filters),
        coalesce_seconds: patch.coalesce_seconds.unwrap_or(content.coalesce_seconds),
        status: patch.status.unwrap_or(content.status),
    })
}

/// The address as it is reached.
fn check_url(app: &App, url: &str) -> Result<String> {
    match app.webhook_client.guard().parse_url(url) {
        Ok(url) => Ok(url.into()),
        Err(refusal) => {
            let fault =
                Fault::body("/url", Code::InvalidFormat, "cannot be the address of a webhook: {reason}");
            Err(fault.with("reason", refusal.to_string()).into())
        }
    }
}

/// The texts of filters, each once, in order.
fn write_filters(mut filters: Vec<EventFilter>) -> Vec<String> {
    filters.sort();
    filters.dedup();
    filters.into_iter().map(|filter| filter.as_str().to_owned()).collect()
}
