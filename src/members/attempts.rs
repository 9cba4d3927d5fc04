//! Limits on attempts to prove a password, and on requests and mails of visitors.
//!
//! Three limits: per (account, network); per account, against distributed
//! guessing; per network, against spraying many accounts. The last two do not
//! apply to a network from which the account has signed in before, so that an
//! attack from elsewhere does not keep the owner out.

use std::time::Duration;

use actix_web::{HttpMessage, HttpRequest};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{email, sessions};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Error, Result};
use crate::http::client::Client;
use crate::throttle::model::{LimitState, Rule};
use crate::throttle::writing::{count_attempt, forgive_attempts};

/// Permits to count an attempt. A flood of attempts leaves connections to the readers.
static COUNT_PERMITS: Semaphore = Semaphore::const_new(2);
/// The longest wait of an attempt for a permit.
const COUNT_PERMIT_TIMEOUT: Duration = Duration::from_millis(500);

/// Counts a request that needs no credential, per network.
pub async fn count_visitor(app: &App, req: &HttpRequest, client: &Client) -> Result<()> {
    let free = app.config.access.login_attempts.saturating_mul(60);
    let rule = Rule { name: "visitor", free, window: 900, longest: 60 };
    let state = count_attempt(app, rule, &[&client.network]).await?;
    req.extensions_mut().insert(state);
    Ok(())
}

/// Counts a mail to an account that a network has asked for; returns whether it may be sent.
///
/// Strangers cannot flood a mailbox from one network, and cannot use up the mails that the owner
/// may ask for from another one. Too many are no error, so that the answer does not tell how many
/// others were asked for.
pub async fn admit_mail(app: &App, client: &Client, email_canonical: &str) -> Result<bool> {
    match count_attempt(app, mail_rule(app, "mail"), &[email_canonical, &client.network]).await {
        Ok(_) => Ok(true),
        Err(Error::Throttled { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Counts a mail that a member sends to another email than the own.
pub async fn count_own_mail(app: &App, email_canonical: &str) -> Result<()> {
    count_attempt(app, mail_rule(app, "own-mail"), &[email_canonical]).await.map(drop)
}

fn mail_rule(app: &App, name: &'static str) -> Rule {
    Rule { name, free: app.config.access.login_attempts, window: 3600, longest: 3600 }
}

/// A counted attempt to prove a password.
pub struct Attempt {
    /// The states under the rules per account.
    of_account: Vec<LimitState>,
    /// The state under the rule per network.
    of_network: Option<LimitState>,
}

impl Attempt {
    /// Counts an attempt at the account of `email`; fails with 429 if it comes too early.
    ///
    /// An attempt that fails here was not judged, and is taken back.
    pub async fn begin(app: &App, req: &HttpRequest, client: &Client, email: &str) -> Result<Self> {
        let mut attempt = Self { of_account: Vec::new(), of_network: None };
        match attempt.count(app, req, client, email).await {
            Ok(()) => Ok(attempt),
            Err(error) => {
                attempt.take_back_quietly(app).await;
                Err(error)
            }
        }
    }

    /// Counts the attempt under each rule.
    async fn count(&mut self, app: &App, req: &HttpRequest, client: &Client, email: &str) -> Result<()> {
        let acquired = tokio::time::timeout(COUNT_PERMIT_TIMEOUT, COUNT_PERMITS.acquire()).await;
        let Ok(Ok(_permit)) = acquired else {
            return Err(Error::Unavailable("too many attempts to count".to_owned()));
        };
        let free = app.config.access.login_attempts;
        let rule =
            |name, times: i32, longest| Rule { name, free: free.saturating_mul(times), window: 900, longest };
        let account = email::canonicalise(email).unwrap_or_else(|| email.trim().to_lowercase());
        let here = count_attempt(app, rule("login", 1, 900), &[&account, &client.network]).await?;
        req.extensions_mut().insert(here.clone());
        self.of_account.push(here);
        let network = sessions::writing::hash_network(app, client);
        let is_known = sessions::queries::has_session_from(&*app.reader().await?, &account, &network).await?;
        if !is_known {
            let per_account = count_attempt(app, rule("login-account", 2, 60), &[&account]).await?;
            self.of_account.push(per_account);
            let per_network = count_attempt(app, rule("login-network", 10, 10), &[&client.network]).await?;
            self.of_network = Some(per_network);
        }
        Ok(())
    }

    /// Runs a check of a password, and returns what it proves.
    ///
    /// `check` returns the member whose password is tried, and the proof if it is right. A wrong
    /// password stays counted. A right one is taken back, and so is an attempt that got no answer:
    /// an overloaded server must not lock out the right password.
    pub async fn judge<T>(
        self,
        app: &App,
        check: impl Future<Output = Result<(Option<Uuid>, Option<T>)>>,
    ) -> Result<Option<T>> {
        match check.await {
            Ok((_, Some(proof))) => {
                self.take_back(app).await?;
                Ok(Some(proof))
            }
            Ok((member, None)) => {
                self.note_failure(app, member).await;
                Ok(None)
            }
            Err(error) => {
                self.take_back_quietly(app).await;
                Err(error)
            }
        }
    }

    async fn take_back(self, app: &App) -> Result<()> {
        let states: Vec<LimitState> = self.of_account.into_iter().chain(self.of_network).collect();
        if states.is_empty() {
            return Ok(());
        }
        forgive_attempts(app, &states).await
    }

    /// Takes the attempt back, and logs it if that fails: the caller answers with an error of its own.
    async fn take_back_quietly(self, app: &App) {
        if let Err(error) = self.take_back(app).await {
            tracing::warn!(%error, "An attempt that was not judged stays counted");
        }
    }

    /// Records that a rule per account begins to delay the attempts at this member, once for each such rule.
    async fn note_failure(self, app: &App, member: Option<Uuid>) {
        let is_streak = self.of_account.iter().any(LimitState::is_spent);
        let Some(member) = member.filter(|_| is_streak) else { return };
        let change = Change::new("login_refused", "member", member);
        let noted = app.write_for_sign_in(async move |tx| {
            tx.record(Actor::VISITOR, change.clone());
            Ok(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "A series of refused logins was not recorded");
        }
    }
}
