//! A client that listens: what it missed, and then what is new.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, Data};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, interval_at};
use uuid::Uuid;

use super::cursor::Cursor;
use super::frames::{HEARTBEAT, write_cursor, write_reset, write_retry};
use super::live::{Broadcast, Frame, LiveFeed};
use super::model::{Head, Kind};
use super::reading::{PageRequest, load_page};
use super::resolving::Audience;
use crate::app::App;
use crate::error::Result;
use crate::members::guard::Reader;
use crate::members::sessions::memory;

/// How often a listener is told that the connection lives. Proxies close one on which nothing comes for a minute.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// Lines that are read at a time of what a listener missed.
const PAGE_LINES: usize = 500;

/// The session that a member listens in.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Who.
    pub member: Uuid,
    /// Which session of theirs.
    pub id: Uuid,
}

impl Session {
    /// The session of a reader. `None` for visitors, and for keys, which are told what visitors are.
    pub fn of(reader: &Reader) -> Option<Self> {
        reader.0.map(|member| Self { member: member.id, id: member.session })
    }

    /// Whether a session goes on; visitors have none that could end. It may have ended a second ago. If that cannot be found
    /// out, it does not go on.
    pub async fn goes_on(session: Option<Self>, app: &App) -> bool {
        let Some(Self { member, id }) = session else { return true };
        memory::load_role(app, member, id).await.is_ok_and(|role| role.is_some())
    }
}

/// What a client asks to be told.
pub struct ListenerOptions {
    /// Of which kinds of things.
    pub kinds: Vec<Kind>,
    /// For whom.
    pub audience: Audience,
    /// The session of a member, with which the stream ends.
    pub session: Option<Session>,
}

/// A client that listens.
pub struct Listener {
    app: Data<App>,
    options: ListenerOptions,
    receiver: Receiver<Broadcast>,
    /// Where the client stands, while it is told what it missed.
    behind: Option<Cursor>,
    /// What comes first.
    greeting: Option<String>,
    heartbeat: Interval,
}

impl Listener {
    /// A listener that was last told what is before `cursor`. Without one, it begins at the end of the log, and is told that
    /// it missed something if `is_reset`.
    pub async fn begin(
        app: &Data<App>,
        feed: &Arc<LiveFeed>,
        options: ListenerOptions,
        cursor: Option<Cursor>,
        is_reset: bool,
    ) -> Result<Self> {
        let head = Head::find(app).await?;
        let receiver = feed.listen(app, options.audience, &head.position);
        // Not all who have lost a connection come again at the same moment.
        let mut greeting = write_retry(2_000 + u16::from(Uuid::new_v4().as_bytes()[0]) * 12);
        if is_reset {
            greeting += &write_reset();
        }
        // Frames may have been sent between finding the head and listening. Whoever begins now reads the feed from the head too, which
        // costs no query if nothing is new.
        let start = cursor.unwrap_or_else(|| {
            let start = Cursor::at(head.position, options.audience.is_of_members());
            greeting += &write_cursor(&start.seal(&app.keys));
            start
        });
        let heartbeat = interval_at(Instant::now() + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL);
        app.metrics.listeners.inc();
        let (app, greeting) = (app.clone(), Some(greeting));
        Ok(Self { app, options, receiver, behind: Some(start), greeting, heartbeat })
    }

    /// All that the client is told, until it leaves.
    pub fn stream(self) -> impl Stream<Item = Bytes> {
        stream::unfold(self, |mut listener| async move { Some((listener.next_bytes().await?, listener)) })
    }

    /// `None` at the end.
    async fn next_bytes(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting.into());
        }
        let bytes = self.wait_for_bytes().await?;
        // The session may have ended while nothing was new.
        Session::goes_on(self.options.session, &self.app).await.then_some(bytes)
    }

    async fn wait_for_bytes(&mut self) -> Option<Bytes> {
        if let Some(cursor) = self.behind.take() {
            return Some(self.tell_missed(cursor).await.unwrap_or_else(|_| write_reset().into()));
        }
        tokio::select! {
            told = self.receiver.recv() => match told {
                Ok(Broadcast::News(frame)) => Some(self.select(&frame)),
                Ok(Broadcast::Reset) | Err(RecvError::Lagged(_)) => Some(write_reset().into()),
                Ok(Broadcast::End) | Err(RecvError::Closed) => None,
            },
            _ = self.heartbeat.tick() => {
                (!self.app.is_leaving()).then(|| Bytes::from_static(HEARTBEAT))
            }
        }
    }

    /// The next page of what the client missed after `cursor`.
    async fn tell_missed(&mut self, cursor: Cursor) -> Result<Bytes> {
        let asked = PageRequest { audience: self.options.audience, limit: PAGE_LINES, wait: Duration::ZERO };
        let (_, page) = load_page(&self.app, cursor, asked, Head::find(&self.app).await?).await?;
        let frame = Frame::new(&self.app, &page.lines, &page.next);
        self.behind = Some(page.next).filter(|next| next.walk.is_some());
        Ok(self.select(&frame))
    }

    /// What of a frame the client asks for.
    fn select(&self, frame: &Frame) -> Bytes {
        let mut bytes = Vec::new();
        for (kind, line) in &frame.lines {
            if self.options.kinds.contains(kind) {
                bytes.extend_from_slice(line);
            }
        }
        bytes.extend(write_cursor(&frame.cursor).into_bytes());
        bytes.into()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.app.metrics.listeners.dec();
    }
}
