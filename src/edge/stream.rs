//! A connection whose client must keep pace.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Patience;
use super::connections::Slot;
use super::exchange::{ExchangeState, Phase};
use super::framing::Framing;
use super::pace::{Alarm, Pace};
use super::raw_answer::{self, Recipient, find_refusal, write_answer};
use crate::error::Error;
use crate::http::cross_origin::CrossOrigin;

/// Bytes a second that a body must have, on average.
const MIN_BODY_BYTES_PER_SECOND: u32 = 1 << 10;
/// Bytes a second that a client must take of an answer, on average.
const MIN_ANSWER_BYTES_PER_SECOND: u32 = 4 << 10;
/// How often a connection that waits for its client looks whether many bytes wait.
const PRESSURE_INTERVAL: Duration = Duration::from_secs(1);
/// Bytes that the kernel takes before it has sent those before: the less, the sooner a client is known to be slow.
const MAX_UNSENT_BYTES: u32 = 128 << 10;

/// A connection that ends if its client sends or takes bytes too slowly.
pub struct GuardedStream {
    io: TcpStream,
    slot: Rc<Slot>,
    exchange: Rc<ExchangeState>,
    framing: Framing,
    patience: Patience,
    /// Since when a head has been arriving.
    head_since: Option<Instant>,
    body_pace: Pace,
    answer_pace: Pace,
    read_alarm: Alarm,
    write_alarm: Alarm,
    /// Our answer in place of one of the HTTP library, until it is sent.
    refusal: Option<Vec<u8>>,
    /// Bytes that have arrived and that the HTTP library has had no room for: encoded ones are longer.
    encoded: VecDeque<u8>,
    rules: Arc<CrossOrigin>,
}

impl GuardedStream {
    /// Guards `io`, which takes `slot`. `rules` are those of the server's answers.
    pub fn new(io: TcpStream, slot: Slot, patience: Patience, rules: Arc<CrossOrigin>) -> Self {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = socket2::SockRef::from(&io).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
        let slot = Rc::new(slot);
        Self {
            io,
            exchange: Rc::new(ExchangeState::new(Rc::clone(&slot))),
            slot,
            framing: Framing::new(),
            patience,
            // A connection is made to send a request.
            head_since: Some(Instant::now()),
            body_pace: Pace::new(patience.body, MIN_BODY_BYTES_PER_SECOND),
            answer_pace: Pace::new(patience.answer, MIN_ANSWER_BYTES_PER_SECOND),
            read_alarm: Alarm::default(),
            write_alarm: Alarm::default(),
            refusal: None,
            encoded: VecDeque::new(),
            rules,
        }
    }

    /// What the requests of this connection share.
    pub fn exchange_state(&self) -> &Rc<ExchangeState> {
        &self.exchange
    }

    /// The answer of the edge that tells the client of `error`.
    fn write_answer(&self, error: &Error) -> Vec<u8> {
        let peer = self.io.peer_addr().ok().map(|peer| peer.ip());
        write_answer(error, true, Recipient { peer, head: self.framing.head(), rules: Some(&self.rules) })
    }

    /// Gives the HTTP library what it has had no room for.
    fn pass_encoded(&mut self, into: &mut ReadBuf<'_>) {
        let (front, _) = self.encoded.as_slices();
        let size = front.len().min(into.remaining());
        into.put_slice(&front[..size]);
        self.encoded.drain(..size);
    }

    /// Follows bytes that have arrived.
    fn note_arrival(&mut self, bytes: &mut [u8]) {
        let now = Instant::now();
        if self.framing.is_in_body() {
            self.body_pace.progress(now, bytes.len());
            self.note_progress();
        }
        self.framing.advance(bytes);
        if !self.framing.is_in_head() {
            self.head_since = None;
        } else if self.head_since.is_none() {
            self.head_since = Some(now);
        }
        if self.framing.is_in_body() != self.exchange.is_in_body() {
            self.body_pace = Pace::new(self.patience.body, MIN_BODY_BYTES_PER_SECOND);
            self.exchange.note_body(self.framing.is_in_body());
        }
    }

    /// Notes that the client is not waited for any more. Until a request has arrived it still is.
    fn note_progress(&self) {
        if matches!(self.exchange.phase(), Phase::Answering) {
            self.slot.note_working();
        }
    }

    /// Whether the client, for whose bytes the connection waits, is too late.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        self.slot.register(cx.waker());
        let deadline = match self.exchange.phase() {
            _ if self.slot.makes_room() => return true,
            Phase::Waiting { since } => match self.head_since {
                // What arrived of a head during the exchange before is not counted.
                Some(began) => began.max(since) + self.patience.head,
                None => since + self.patience.idle,
            },
            Phase::Closing { since } => since + self.patience.linger,
            Phase::Answering if self.framing.is_in_body() => {
                self.slot.note_waiting();
                self.body_pace.wait(Instant::now())
            }
            Phase::Answering => return false,
        };
        self.read_alarm.has_passed(deadline, cx)
    }

    /// Says on the wire that a head is late. No answer is being sent then.
    fn answer_late_head(&self) {
        let is_waiting = matches!(self.exchange.phase(), Phase::Waiting { .. });
        if is_waiting && self.framing.is_in_head() && !self.slot.makes_room() {
            let _ = self.io.try_write(&self.write_answer(&raw_answer::late_head()));
        }
    }

    /// Whether the client has taken too few bytes, or the answer has taken too long.
    fn is_stalled(&mut self, cx: &mut Context<'_>) -> bool {
        self.slot.register(cx.waker());
        self.slot.note_waiting();
        if self.slot.makes_room() {
            return true;
        }
        let now = Instant::now();
        let mut deadline = self.answer_pace.wait(now);
        if self.slot.backlog().is_pressed() {
            let since = self.answer_pace.waiting_since().unwrap_or(now);
            deadline = deadline.min(since + self.patience.answer_under_pressure);
        }
        if let Some(end) = self.exchange.answer_deadline() {
            deadline = deadline.min(end);
        }
        if self.write_alarm.has_passed(deadline, cx) {
            return true;
        }
        // Looks again for pressure, which nothing else tells of.
        if self.write_alarm.has_passed(deadline.min(now + PRESSURE_INTERVAL), cx) {
            cx.waker().wake_by_ref();
        }
        false
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.encoded.is_empty() {
            this.pass_encoded(into);
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        match Pin::new(&mut this.io).poll_read(cx, into) {
            Poll::Ready(Ok(())) => {
                let arrived = &mut into.filled_mut()[before..];
                this.note_arrival(arrived);
                if let Some(encoded) = this.framing.encode_request_lines(arrived) {
                    into.set_filled(before);
                    this.encoded = encoded.into();
                    this.pass_encoded(into);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending if this.is_late(cx) => {
                this.answer_late_head();
                // As if the client had sent all it has: what is being answered is still answered.
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.refusal.is_none()
            && let Some(refusal) = find_refusal(bytes)
        {
            this.refusal = Some(this.write_answer(&refusal));
        }
        let sending = match &this.refusal {
            Some(answer) => Pin::new(&mut this.io).poll_write(cx, answer).map_ok(|_| bytes.len()),
            None => Pin::new(&mut this.io).poll_write(cx, bytes),
        };
        if sending.is_ready() {
            this.refusal = None;
        }
        match sending {
            Poll::Ready(Ok(sent)) => {
                this.answer_pace.progress(Instant::now(), sent);
                this.note_progress();
                Poll::Ready(Ok(sent))
            }
            Poll::Pending if this.is_stalled(cx) => {
                // Closes at once: the kernel would keep the bytes for the client.
                let _ = socket2::SockRef::from(&this.io).set_linger(Some(Duration::ZERO));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            other => other,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
