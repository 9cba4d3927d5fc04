//! A receiver of webhooks that does as it is told.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::harness::machine::until;

/// What a receiver answers with.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, and headers.
    Status(u16, Vec<(&'static str, String)>),
    /// 200, after a while.
    Slowly(Duration),
    /// Nothing.
    Never,
}

/// A request that has arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub id: String,
    pub timestamp: String,
    pub signatures: String,
    pub raw: String,
    pub body: Value,
}

impl Received {
    fn content(&self) -> String {
        format!("{}.{}.{}", self.id, self.timestamp, self.raw)
    }

    /// Whether one of the signatures is made with `secret`.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
        mac.update(self.content().as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signatures.split(' ').any(|signature| signature == expected)
    }

    /// Whether one of the signatures is made with the key whose public half is `key`.
    pub fn is_signed_by(&self, key: &str) -> bool {
        let key: [u8; 32] = STANDARD.decode(key.strip_prefix("whpk_").unwrap()).unwrap().try_into().unwrap();
        let key = VerifyingKey::from_bytes(&key).unwrap();
        let signatures = self.signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1a,"));
        signatures.into_iter().any(|signature| {
            let signature = Signature::from_slice(&STANDARD.decode(signature).unwrap()).unwrap();
            key.verify(self.content().as_bytes(), &signature).is_ok()
        })
    }

    /// What it tells, as `type slug`.
    pub fn summary(&self) -> String {
        let slug = self.body["data"]["slug"].as_str().unwrap_or("-");
        format!("{} {slug}", self.body["type"].as_str().unwrap())
    }
}

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    reply: Mutex<Option<Reply>>,
}

/// A receiver.
pub struct Receiver {
    pub url: String,
    state: Arc<State>,
    handle: ServerHandle,
}

impl Receiver {
    /// One that takes everything.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let state = Arc::<State>::default();
        let shared = web::Data::from(state.clone());
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(receive));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, state, handle }
    }

    /// What it answers with from now on.
    pub fn reply(&self, reply: Reply) {
        *self.state.reply.lock().unwrap() = Some(reply);
    }

    /// It answers with this status from now on.
    pub fn reply_with(&self, status: u16) {
        self.reply(Reply::Status(status, Vec::new()));
    }

    /// All that has arrived, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// What has arrived, as `type slug`.
    pub fn summaries(&self) -> Vec<String> {
        self.received().iter().map(Received::summary).collect()
    }

    /// Waits until so many have arrived.
    pub async fn until_received(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} deliveries"), async || self.received().len() >= count).await;
        self.received()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn receive(req: HttpRequest, body: Bytes, state: web::Data<State>) -> HttpResponse {
    let header = |name: &str| {
        let value = req.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let raw = String::from_utf8(body.to_vec()).unwrap();
    state.received.lock().unwrap().push(Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature"),
        body: serde_json::from_str(&raw).unwrap_or_default(),
        raw,
    });
    let reply = state.reply.lock().unwrap().clone();
    match reply {
        None => HttpResponse::Ok().finish(),
        Some(Reply::Status(status, headers)) => {
            let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
            for header in headers {
                answer.insert_header(header);
            }
            answer.finish()
        }
        Some(Reply::Slowly(pause)) => {
            tokio::time::sleep(pause).await;
            HttpResponse::Ok().finish()
        }
        Some(Reply::Never) => std::future::pending().await,
    }
}
