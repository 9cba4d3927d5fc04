//! What a running server does beside answering.

use std::time::Duration;

use actix_web::rt;
use tokio::time::timeout;

use super::shared::Shared;
use crate::app::App;
use crate::articles::queries::{archive, popular};
use crate::articles::view_counter::FLUSH_EVERY;
use crate::categories::{self, moving};
use crate::change_feed;
use crate::changes;
use crate::error::Result;
use crate::media::sweep;
use crate::members::{outbox, sessions};
use crate::tags::{self, renaming};
use crate::throttle;
use crate::{idempotency, jobs, sitemaps, webhooks};

/// Begins all of it, on this thread.
pub fn start(shared: &Shared) {
    rt::spawn(flush_views(shared.clone()));
    rt::spawn(housekeeping_loop(shared.clone()));
    rt::spawn(count_tags(shared.clone()));
    rt::spawn(run_jobs(shared.clone()));
    rt::spawn(sweep_media(shared.clone()));
    rt::spawn(log_hits(shared.clone()));
    rt::spawn(webhooks::worker::run_worker(shared.app.clone()));
    // Two, so that one slow mailbox does not hold up the others.
    rt::spawn(outbox::worker::run_worker(shared.app.clone()));
    rt::spawn(outbox::worker::run_worker(shared.app.clone()));
}

async fn flush_views(shared: Shared) {
    let mut ticks = rt::time::interval(FLUSH_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = shared.counter.flush(&shared.app).await {
            tracing::warn!(%error, "Views are kept for later");
        }
    }
}

/// Sums up the answers from the cache, which have no lines of their own.
async fn log_hits(shared: Shared) {
    let interval = shared.app.config.http.cache_log_interval;
    if interval.is_zero() {
        return;
    }
    let numbers = shared.answers.numbers();
    let mut ticks = rt::time::interval(interval);
    let mut before = 0;
    loop {
        ticks.tick().await;
        let hits = numbers.hits.get();
        if hits > before {
            let (entries, bytes) = (numbers.entries.get(), numbers.bytes.get());
            let seconds = interval.as_secs();
            tracing::info!(target: "inkstone::access", hits = hits - before, seconds, entries, bytes, "Answered from the cache");
        }
        before = hits;
    }
}

async fn run_jobs(shared: Shared) {
    loop {
        let _ = timeout(moving::JOB_INTERVAL, shared.app.job_begun.notified()).await;
        let app = &shared.app;
        for done in [moving::run_jobs(app).await, renaming::run_jobs(app).await] {
            if let Err(error) = done {
                tracing::warn!(%error, "Jobs are left for later");
            }
        }
    }
}

/// Adds to the counts of tags what has changed since. Apart from jobs, which can take long.
async fn count_tags(shared: Shared) {
    let mut ticks = rt::time::interval(moving::JOB_INTERVAL);
    loop {
        ticks.tick().await;
        let app = &shared.app;
        let counted =
            repeat(async || app.write(async |tx| Ok(tags::queries::add_changes(tx).await?)).await).await;
        if let Err(error) = counted {
            tracing::warn!(%error, "The counts of tags are left for later");
        }
    }
}

/// How often ended sessions and forgiven attempts are deleted.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(600);

async fn housekeeping_loop(shared: Shared) {
    let mut ticks = rt::time::interval(HOUSEKEEPING_INTERVAL);
    loop {
        ticks.tick().await;
        for done in run_housekeeping(&shared.app).await {
            if let Err(error) = done {
                tracing::warn!(%error, "Housekeeping is left for later");
            }
        }
    }
}

/// How often media that nothing needs any more are taken away.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3600);

async fn sweep_media(shared: Shared) {
    let mut ticks = rt::time::interval(SWEEP_INTERVAL);
    // The start is no time for it: many processes may start at once.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if !sweep::take_turn(&shared.app).await.unwrap_or_default() {
            continue;
        }
        let mut done = sweep::run(&shared.app).await;
        if sweep::take_turn_to_look(&shared.app).await.unwrap_or_default() {
            done.push(sweep::look_through_store(&shared.app).await);
        }
        for error in done.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "The sweep of media is left for later");
        }
    }
}

/// Does all that is to be done now and then. A step that fails keeps no other from its turn.
async fn run_housekeeping(app: &App) -> Vec<Result<()>> {
    let days = app.config.access.session_retention_days;
    vec![
        app.write(async |tx| Ok(throttle::queries::delete_ended_windows(tx).await?)).await,
        app.write(async |tx| Ok(categories::queries::join_article_counts(tx).await?)).await,
        app.write(async |tx| Ok(sitemaps::queries::join_months(tx).await?)).await,
        app.write(async |tx| Ok(archive::join_article_months(tx).await?)).await,
        repeat(async || app.write(async |tx| Ok(popular::delete_forgotten(tx).await?)).await).await,
        app.write(async |tx| Ok(jobs::queries::delete_old_jobs(tx).await?)).await.map(drop),
        repeat(async || app.write(async |tx| Ok(changes::queries::delete_old_tags(tx).await?)).await).await,
        repeat(async || app.write(async |tx| Ok(webhooks::queries::log::delete_old(tx).await?)).await).await,
        repeat(async || app.write(async |tx| Ok(webhooks::queries::log::delete_orphans(tx).await?)).await)
            .await,
        app.write(async |tx| Ok(idempotency::queries::delete_old_answers(tx).await?)).await.map(drop),
        app.write(async move |tx| Ok(sessions::queries::delete_ended_sessions(tx, days).await?))
            .await
            .map(drop),
        delete_old_changes(app).await,
    ]
}

/// Deletes what the change log keeps for no longer than the settings say.
async fn delete_old_changes(app: &App) -> Result<()> {
    let Some(days) = app.config.access.audit_retention_days else { return Ok(()) };
    repeat(async || {
        app.write(async move |tx| {
            let has_more_lines = changes::queries::delete_old(tx, days).await?;
            Ok(change_feed::queries::delete_old(tx, days).await? || has_more_lines)
        })
        .await
    })
    .await
}

/// Does a step again as long as it says that there is more to do.
async fn repeat(step: impl AsyncFn() -> Result<bool>) -> Result<()> {
    while step().await? {}
    Ok(())
}
