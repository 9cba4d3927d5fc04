//! What is new, told at once to all who listen.
//!
//! One task for each audience reads the feed while anybody listens, whatever their number. Its frames wait in a ring that all
//! listeners share: one that falls behind by more than the ring holds is told so, and the memory of a slow one is bounded.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt;
use actix_web::web::{Bytes, Data};
use tokio::sync::broadcast::{Receiver, Sender};
use tokio::time::sleep;

use super::cursor::Cursor;
use super::frames::write_change;
use super::model::{Head, Kind, Position};
use super::reading::{PageRequest, load_page};
use super::resolving::Audience;
use super::view::Changed;
use crate::app::App;
use crate::db::visibility::Notices;
use crate::error::{Code, Result};

/// Frames that wait for a listener at most.
pub const MAX_WAITING: usize = 256;
/// Lines of a frame at most.
const FRAME_LINES: usize = 200;
/// How long the task waits for something new before it looks whether anybody listens.
const WAIT: Duration = Duration::from_secs(1);
/// The pause after the feed could not be read.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What has become of some things, and the cursor after it.
pub struct Frame {
    /// Each line as an event, with the kind of what it is about.
    pub lines: Vec<(Kind, Bytes)>,
    /// Where whoever has read it stands.
    pub cursor: Arc<str>,
}

impl Frame {
    /// The frame of `lines`, after which a reader stands at `next`.
    pub fn new(app: &App, lines: &[Changed], next: &Cursor) -> Self {
        let lines = lines.iter().map(|line| (line.kind(), write_change(line))).collect();
        Self { lines, cursor: next.seal(&app.keys).into() }
    }
}

/// What a listener is told.
#[derive(Clone)]
pub enum Broadcast {
    /// Something is new.
    News(Arc<Frame>),
    /// The feed could not be gone on from: something may be left out.
    Reset,
    /// The process is about to stop.
    End,
}

/// Tells listeners what is new.
#[derive(Default)]
pub struct LiveFeed {
    visitors: Channel,
    members: Channel,
}

/// What the listeners of an audience are told through.
struct Channel {
    sender: Sender<Broadcast>,
    is_running: Mutex<bool>,
}

impl Default for Channel {
    fn default() -> Self {
        Self { sender: Sender::new(MAX_WAITING), is_running: Mutex::default() }
    }
}

impl LiveFeed {
    const fn channel(&self, audience: Audience) -> &Channel {
        match audience.notices {
            Notices::Public => &self.visitors,
            _ => &self.members,
        }
    }

    /// Begins to listen. All is told that is new after `position`; what was committed before may be told too.
    pub fn listen(
        self: &Arc<Self>,
        app: &Data<App>,
        audience: Audience,
        position: &Position,
    ) -> Receiver<Broadcast> {
        let channel = self.channel(audience);
        let mut is_running = channel.is_running.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = channel.sender.subscribe();
        if !std::mem::replace(&mut *is_running, true) {
            let (feed, app) = (Arc::clone(self), app.clone());
            let cursor = Cursor::at(position.clone(), audience.is_of_members());
            rt::spawn(async move { feed.run(&app, audience, cursor).await });
        }
        receiver
    }

    /// Tells what is new after `cursor` while anybody listens.
    async fn run(&self, app: &App, audience: Audience, mut cursor: Cursor) {
        let running = Running(self.channel(audience));
        let channel = running.0;
        while !channel.stop_if_idle() {
            if app.is_leaving() {
                return;
            }
            if let Err(error) = channel.tell_news(app, audience, &mut cursor).await {
                tracing::warn!(%error, "Listeners are not told what is new until it can be read again");
                if error.code() == Code::CursorExpired
                    && let Ok(head) = Head::find(app).await
                {
                    cursor = Cursor::at(head.position, audience.is_of_members());
                    let _ = channel.sender.send(Broadcast::Reset);
                }
                sleep(RETRY_DELAY).await;
            }
        }
        // That it ended is noted already, and another task may have begun since.
        std::mem::forget(running);
    }
}

/// The task of a channel while it runs. If it ends with listeners left (the process stops, or the task panics), they learn of it,
/// and the next listener begins another task.
struct Running<'c>(&'c Channel);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut is_running = self.0.is_running.lock().unwrap_or_else(PoisonError::into_inner);
        *is_running = false;
        // An error says that nobody listens any more.
        let _ = self.0.sender.send(Broadcast::End);
    }
}

impl Channel {
    /// Notes that the task ends, if nobody listens.
    fn stop_if_idle(&self) -> bool {
        let mut is_running = self.is_running.lock().unwrap_or_else(PoisonError::into_inner);
        *is_running = self.sender.receiver_count() > 0;
        !*is_running
    }

    /// Waits a while for something new after `cursor`, tells it, and moves the cursor.
    async fn tell_news(&self, app: &App, audience: Audience, cursor: &mut Cursor) -> Result<()> {
        let asked = PageRequest { audience, limit: FRAME_LINES, wait: WAIT };
        let (_, page) = load_page(app, cursor.clone(), asked, Head::find(app).await?).await?;
        if !page.lines.is_empty() {
            let _ = self.sender.send(Broadcast::News(Arc::new(Frame::new(app, &page.lines, &page.next))));
        }
        *cursor = page.next;
        Ok(())
    }
}
