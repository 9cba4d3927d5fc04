//! Attempts to prove a password: counted, and slowed down when they fail.
//!
//! By account and network; by account, so that many networks gain little; by
//! network, so that many accounts gain little. The last two do not bind those
//! who have signed in to the account from there before: an attack elsewhere
//! does not keep the owner out.

use std::time::Duration;

use actix_web::{HttpMessage, HttpRequest};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{email, sessions};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Error, Result};
use crate::http::client::Client;
use crate::throttle::{self, LimitState, Rule};

/// How many attempts are counted at once: a flood of them leaves connections to the readers.
static GATE: Semaphore = Semaphore::const_new(2);
/// How long an attempt waits for its turn.
const WAIT: Duration = Duration::from_millis(500);

/// Counts a request of a visitor who needs no password, by network.
pub async fn visitor(app: &App, req: &HttpRequest, client: &Client) -> Result<()> {
    let free = app.config.access.login_attempts.saturating_mul(60);
    let rule = Rule { name: "visitor", free, window: 900, longest: 60 };
    let state = rule.take(app, &[&client.network]).await?;
    req.extensions_mut().insert(state);
    Ok(())
}

/// Counts a mail to an account: a mailbox is not to be flooded by strangers.
pub async fn mail(app: &App, account: &str) -> Result<()> {
    let rule = Rule { name: "mail", free: app.config.access.login_attempts, window: 3600, longest: 3600 };
    rule.take(app, &[account]).await.map(drop)
}

/// An attempt that was let through.
pub struct Attempt {
    /// By the rules for the account, and by that for the network.
    of_account: Vec<LimitState>,
    of_network: Option<LimitState>,
}

impl Attempt {
    /// Counts an attempt at the account of `address`; 429 when it comes too early.
    pub async fn begin(app: &App, req: &HttpRequest, client: &Client, address: &str) -> Result<Self> {
        let turn = tokio::time::timeout(WAIT, GATE.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(Error::Unavailable("too many attempts to count".to_owned()));
        };
        let free = app.config.access.login_attempts;
        let rule =
            |name, times: i32, longest| Rule { name, free: free.saturating_mul(times), window: 900, longest };
        let account = email::canonical(address).unwrap_or_else(|| address.trim().to_lowercase());
        let here = rule("login", 1, 900).take(app, &[&account, &client.network]).await?;
        req.extensions_mut().insert(here.clone());
        let mut attempt = Self { of_account: vec![here], of_network: None };
        let network = sessions::network(app, client);
        if !sessions::queries::knows_network(&mut *app.conn().await?, &account, &network).await? {
            attempt.of_account.push(rule("login-account", 2, 60).take(app, &[&account]).await?);
            attempt.of_network = Some(rule("login-network", 10, 10).take(app, &[&client.network]).await?);
        }
        Ok(attempt)
    }

    /// It was right: it does not count.
    pub async fn succeeded(self, app: &App) -> Result<()> {
        let states: Vec<LimitState> = self.of_account.into_iter().chain(self.of_network).collect();
        throttle::forgive(app, &states).await
    }

    /// It was wrong. A streak of refusals is told to the audit trail, once by each of the
    /// account's rules that slows it down from here on.
    pub async fn failed(self, app: &App, member: Option<Uuid>) -> Result<()> {
        let is_streak = self.of_account.iter().any(LimitState::is_spent);
        if let Some(member) = member.filter(|_| is_streak) {
            let change = Change::new("login_refused", "member", member);
            app.write(async move |tx| {
                tx.record(Actor::VISITOR, change.clone());
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}
