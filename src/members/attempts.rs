//! Attempts to prove a password: counted, and slowed down when they fail.
//!
//! By account and network; by account, so that many networks gain little; by
//! network, so that many accounts gain little. The last two do not bind those
//! who have signed in to the account from there before: an attack elsewhere
//! does not keep the owner out.

use actix_web::{HttpMessage, HttpRequest};
use uuid::Uuid;

use super::{email, sessions};
use crate::app::App;
use crate::changes;
use crate::changes::model::{Actor, Change};
use crate::error::Result;
use crate::http::client::Client;
use crate::throttle::{self, Rule, Standing};

/// Counts a request of a visitor who needs no password, by network.
pub async fn visitor(app: &App, req: &HttpRequest, client: &Client) -> Result<()> {
    let free = app.config.access.login_attempts.saturating_mul(60);
    let rule = Rule { name: "visitor", free, window: 900, longest: 60 };
    let standing = rule.take(app, &[&client.network]).await?;
    req.extensions_mut().insert(standing);
    Ok(())
}

/// Counts a mail to an account: a mailbox is not to be flooded by strangers.
pub async fn mail(app: &App, account: &str) -> Result<()> {
    let rule = Rule { name: "mail", free: app.config.access.login_attempts, window: 3600, longest: 3600 };
    rule.take(app, &[account]).await.map(drop)
}

/// An attempt that was let through.
pub struct Attempt {
    standing: Standing,
    keys: Vec<Vec<u8>>,
}

impl Attempt {
    /// Counts an attempt at the account of `address`; 429 when it comes too early.
    pub async fn begin(app: &App, req: &HttpRequest, client: &Client, address: &str) -> Result<Self> {
        let free = app.config.access.login_attempts;
        let rule =
            |name, times: i32, longest| Rule { name, free: free.saturating_mul(times), window: 900, longest };
        let account = email::canonical(address).unwrap_or_else(|| address.trim().to_lowercase());
        let here = [account.as_str(), client.network.as_str()];
        let pair = rule("login", 1, 900);
        let standing = pair.take(app, &here).await?;
        let mut keys = vec![pair.key(app, &here)];
        req.extensions_mut().insert(standing);
        let network = sessions::network(app, client);
        if !sessions::queries::knows_network(&mut *app.conn().await?, &account, &network).await? {
            for (rule, subject) in
                [(rule("login-account", 2, 60), &account), (rule("login-network", 10, 10), &client.network)]
            {
                rule.take(app, &[subject]).await?;
                keys.push(rule.key(app, &[subject]));
            }
        }
        Ok(Self { standing, keys })
    }

    /// It was right: it does not count.
    pub async fn succeeded(self, app: &App) -> Result<()> {
        throttle::forgive(app, &self.keys).await
    }

    /// It was wrong. A streak of refusals is told to the audit trail, once.
    pub async fn failed(self, app: &App, member: Option<Uuid>) -> Result<()> {
        let streak = self.standing.attempts == app.config.access.login_attempts;
        if let Some(member) = member.filter(|_| streak) {
            let change = Change::new("login_refused", "member", member);
            changes::queries::record(&mut *app.conn().await?, Actor::VISITOR, change).await?;
        }
        Ok(())
    }
}
