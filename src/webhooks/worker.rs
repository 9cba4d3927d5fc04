//! What a process does for webhooks while it runs.

use std::time::Duration;

use actix_web::rt;
use actix_web::web::Data;
use tokio::time::{MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::enqueuing::{Demand, Enqueuer};
use super::lanes::{run_lane, take_lanes};
use crate::app::App;
use crate::error::Result;

/// How often it is looked whether something is new, or due.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// The pause after the database could not be asked.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Reads the feed for webhooks, and sends what is due, until the process ends.
pub async fn run_worker(app: Data<App>) {
    let mut enqueuer = Enqueuer::default();
    let mut ticks = interval(LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !app.is_leaving() {
        ticks.tick().await;
        if let Err(error) = look(&app, &mut enqueuer).await {
            tracing::warn!(%error, "Webhooks are left for later");
            sleep(RETRY_DELAY).await;
        }
    }
}

async fn look(app: &Data<App>, enqueuer: &mut Enqueuer) -> Result<()> {
    if !app.snapshot::<Demand>().await?.has_any {
        return Ok(());
    }
    loop {
        let has_more = enqueuer.enqueue_page(app).await;
        // What is enqueued already is sent, whether the feed can be read or not.
        begin_lanes(app).await?;
        if !has_more? || app.is_leaving() {
            return Ok(());
        }
    }
}

/// Begins to send in each lane that has something due and that nobody holds.
async fn begin_lanes(app: &Data<App>) -> Result<()> {
    let holder = Uuid::new_v4();
    for webhook in take_lanes(app, holder).await? {
        let app = app.clone();
        rt::spawn(async move {
            if let Err(error) = run_lane(&app, webhook, holder).await {
                tracing::warn!(%error, %webhook, "The deliveries of a webhook are left for later");
            }
        });
    }
    Ok(())
}
