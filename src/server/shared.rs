//! What the handlers of a running server share.

use std::sync::Arc;

use actix_web::web;

use crate::app::App;
use crate::articles::view_counter::ViewCounter;
use crate::change_feed::live::LiveFeed;
use crate::contract::Contract;
use crate::edge::Patience;
use crate::http::cached::AnswerCache;
use crate::http::cross_origin::CrossOrigin;
use crate::members::passwords::Hasher;

/// What the handlers of a running server share.
#[derive(Clone)]
pub struct Shared {
    /// The process.
    pub app: web::Data<App>,
    /// For passwords.
    pub hasher: web::Data<Hasher>,
    /// For views.
    pub counter: web::Data<ViewCounter>,
    /// How long connections wait for their clients.
    pub patience: Patience,
    /// The answers that are ready.
    pub answers: web::Data<AnswerCache>,
    /// Tells listeners what is new.
    pub live_feed: web::Data<LiveFeed>,
    /// What this build promises to clients.
    pub contract: web::Data<Contract>,
    /// Which pages of other origins may do what.
    pub cross_origin: web::Data<CrossOrigin>,
}

impl Shared {
    /// Shares `app`, `hasher` and `contract`.
    pub fn new(app: App, hasher: Hasher, contract: web::Data<Contract>) -> Self {
        let answers = Arc::new(AnswerCache::new(app.config.http.cache_size, app.metrics.cache.clone()));
        app.follower.add_listener(answers.clone());
        Self {
            answers: answers.into(),
            hasher: web::Data::new(hasher),
            counter: web::Data::new(ViewCounter::new(app.config.http.view_window)),
            cross_origin: web::Data::new(CrossOrigin::new(&app.config.http.cors_origins)),
            app: web::Data::new(app),
            live_feed: web::Data::new(LiveFeed::default()),
            patience: Patience::default(),
            contract,
        }
    }
}
