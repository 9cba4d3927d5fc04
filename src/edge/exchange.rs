//! A request and its answer on a connection: when they begin, and when they end.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::Response;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, ResponseError};
use tokio::time::Instant;

use super::backlog::WaitingBytes;
use super::connections::Slot;
use crate::app::App;
use crate::error::Error;
use crate::http::matched::Matched;
use crate::operations::Delivery;

/// The most bytes of an answer that are given to the HTTP library at a time. It copies what it is given.
const PIECE_BYTES: usize = 64 << 10;

/// What a connection does.
#[derive(Clone, Copy, Debug)]
pub enum Phase {
    /// It waits for a request, or for the rest of a head.
    Waiting {
        /// When the exchange before ended.
        since: Instant,
    },
    /// A request is answered.
    Answering,
    /// The last answer is made. What still arrives is not read.
    Closing {
        /// When the last exchange ended.
        since: Instant,
    },
}

/// What a connection and its requests tell each other. Both are on one thread.
pub struct ExchangeState {
    slot: Rc<Slot>,
    phase: Cell<Phase>,
    is_in_body: Cell<bool>,
    answer_deadline: Cell<Option<Instant>>,
}

impl ExchangeState {
    /// The state of a new connection.
    pub fn new(slot: Rc<Slot>) -> Self {
        Self {
            slot,
            phase: Cell::new(Phase::Waiting { since: Instant::now() }),
            is_in_body: Cell::new(false),
            answer_deadline: Cell::new(None),
        }
    }

    /// What the connection does.
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Whether a body has begun to arrive and has not ended.
    pub fn is_in_body(&self) -> bool {
        self.is_in_body.get()
    }

    /// Notes whether a body is arriving.
    pub fn note_body(&self, is_in_body: bool) {
        self.is_in_body.set(is_in_body);
    }

    /// The time by which the client must have taken the answer.
    pub fn answer_deadline(&self) -> Option<Instant> {
        self.answer_deadline.get()
    }
}

/// One request and its answer. Dropping it ends the exchange.
struct Exchange {
    state: Rc<ExchangeState>,
    closes: bool,
}

impl Exchange {
    fn begin(state: &Rc<ExchangeState>) -> Self {
        state.phase.set(Phase::Answering);
        // If its body has not arrived, the client is still waited for.
        if !state.is_in_body() {
            state.slot.note_working();
        }
        Self { state: Rc::clone(state), closes: false }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let since = Instant::now();
        self.state.answer_deadline.set(None);
        // The wait begins anew.
        self.state.slot.note_working();
        self.state.slot.note_waiting();
        // The rest of a body that nobody reads is no reason to keep the connection.
        if self.closes || self.state.is_in_body() {
            self.state.phase.set(Phase::Closing { since });
            self.state.slot.wake();
        } else {
            self.state.phase.set(Phase::Waiting { since });
        }
    }
}

/// Tells the connection when a request begins and when its answer has been taken. The outermost of what wraps a request.
pub async fn follow_exchange(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let state = req.conn_data::<Rc<ExchangeState>>().cloned();
    let app = req.app_data::<Data<App>>().cloned();
    let exchange = state.as_ref().map(Exchange::begin);
    let response = next.call(req).await?.map_into_boxed_body();
    let is_leaving = app.is_some_and(|app| app.is_leaving());
    let Some(exchange) = exchange else { return Ok(response) };
    let delivery = {
        let extensions = response.request().extensions();
        extensions.get::<Matched>().map_or(Delivery::WHOLE, |matched| matched.operation().delivery)
    };
    let (req, response) = response.into_parts();
    let response = hand_over(exchange, response.into(), delivery, is_leaving);
    Ok(ServiceResponse::new(req, response.unwrap_or_else(|busy| busy.error_response().into()).into()))
}

/// Gives the connection in `state` an answer that was ready. Fails if too many answers wait to be read.
pub fn deliver(
    state: &Rc<ExchangeState>,
    response: Response<BoxBody>,
    is_leaving: bool,
) -> Result<Response<BoxBody>, Error> {
    hand_over(Exchange::begin(state), response, Delivery::WHOLE, is_leaving)
}

fn hand_over(
    mut exchange: Exchange,
    mut response: Response<BoxBody>,
    delivery: Delivery,
    is_leaving: bool,
) -> Result<Response<BoxBody>, Error> {
    exchange.closes = is_leaving || is_closing(&response, &exchange.state);
    if exchange.closes {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    exchange.state.answer_deadline.set(delivery.deadline.map(|limit| Instant::now() + limit));
    let bytes = match response.body().size() {
        BodySize::Sized(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        BodySize::None | BodySize::Stream => 0,
    };
    match exchange.state.slot.backlog().count(bytes) {
        Some(waiting) => Ok(response.map_body(|_, body| {
            BoxBody::new(Answer { body, rest: Bytes::new(), waiting, _exchange: exchange })
        })),
        None => Err(Error::Unavailable("too many answers wait for clients that do not read them".to_owned())),
    }
}

/// Whether the connection ends with this answer.
fn is_closing(response: &Response<BoxBody>, state: &ExchangeState) -> bool {
    let gave_up = matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE);
    gave_up || !response.head().keep_alive() || state.is_in_body()
}

/// The body of an answer, in pieces. While it exists, the exchange lasts.
struct Answer {
    body: BoxBody,
    rest: Bytes,
    waiting: WaitingBytes,
    _exchange: Exchange,
}

impl MessageBody for Answer {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                other => return Poll::Ready(other),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(length);
        self.waiting.take(length);
        Poll::Ready(Some(Ok(piece)))
    }
}
