//! Guards: the right to do a thing, as an argument of its handler.
//!
//! A handler that names [`Editor`] cannot run for anybody less, and cannot
//! forget to ask.

use std::future::Future;
use std::pin::Pin;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, dev, web};
use uuid::Uuid;

use super::model::Role;
use super::{queries, tokens};
use crate::app::App;
use crate::changes::model::Actor;
use crate::db::visibility;
use crate::error::{Error, Result};

/// The member behind a request.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Who.
    pub id: Uuid,
    /// What they may do, as of this request.
    pub role: Role,
    /// The session they are in.
    pub session: Uuid,
}

impl Member {
    /// As the author of a change.
    pub const fn actor(&self) -> Actor {
        Actor::member(self.id)
    }

    /// Which articles they may see in any state, trash apart.
    pub fn articles(&self) -> visibility::Articles {
        match self.role {
            Role::Member => visibility::Articles::Public,
            Role::Author => visibility::Articles::OwnOf(self.id),
            Role::Editor | Role::Admin => visibility::Articles::All,
        }
    }

    /// Which articles they may see in the trash; `None` for those who have none.
    pub fn trashed_articles(&self) -> Option<visibility::Articles> {
        match self.role {
            Role::Member => None,
            Role::Author => Some(visibility::Articles::OwnTrash(self.id)),
            Role::Editor | Role::Admin => Some(visibility::Articles::Trash),
        }
    }

    /// Whether they may publish, and change what others wrote.
    pub fn edits_everything(&self) -> bool {
        self.role >= Role::Editor
    }
}

/// Anybody; a member if the request carries a credential. A credential that is
/// not valid is refused, never taken for none.
#[derive(Clone, Copy, Debug)]
pub struct Reader(pub Option<Member>);

impl Reader {
    /// Which single articles they may see.
    pub fn articles(&self) -> visibility::Articles {
        self.0.map_or(visibility::Articles::Public, |member| member.articles())
    }

    /// Which single notices they may see.
    pub fn notices(&self) -> visibility::Notices {
        match self.0 {
            None => visibility::Notices::Public,
            Some(member) if member.edits_everything() => visibility::Notices::All,
            Some(_) => visibility::Notices::ForMembers,
        }
    }

    /// The member, if it is one of the staff (author and up).
    pub fn staff(&self) -> Option<Member> {
        self.0.filter(|member| member.role >= Role::Author)
    }
}

type Guarding<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

impl FromRequest for Reader {
    type Error = Error;
    type Future = Guarding<Self>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { authenticate(&req).await.map(Self) })
    }
}

macro_rules! guards {
    ($($(#[$doc:meta])* $name:ident: $role:ident, $refusal:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub Member);

        impl FromRequest for $name {
            type Error = Error;
            type Future = Guarding<Self>;

            fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
                let req = req.clone();
                Box::pin(async move {
                    match authenticate(&req).await? {
                        None => Err(Error::unauthenticated()),
                        Some(member) if member.role < Role::$role => Err(Error::forbidden($refusal)),
                        Some(member) => Ok(Self(member)),
                    }
                })
            }
        }
    )+};
}

guards! {
    /// Any signed-in member.
    SignedIn: Member, "This takes a member.";
    /// An author or more: writes own drafts.
    Author: Author, "This takes the role author, editor or admin.";
    /// An editor or more: writes and publishes everything.
    Editor: Editor, "This takes the role editor or admin.";
    /// An admin.
    Admin: Admin, "This takes the role admin.";
}

/// The member whose valid access token the request carries; `None` without a credential.
async fn authenticate(req: &HttpRequest) -> Result<Option<Member>> {
    let Some(header) = req.headers().get(AUTHORIZATION) else { return Ok(None) };
    let token = header
        .to_str()
        .ok()
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(Error::unauthenticated)?;
    let app = req
        .app_data::<web::Data<App>>()
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("no App in app_data")))?;
    let claims = tokens::verify(&app.keys, token)?;
    let mut conn = app.conn().await?;
    let role = queries::role_in_session(&mut conn, claims.sub, claims.sid).await?;
    let role = role.ok_or_else(Error::unauthenticated)?;
    Ok(Some(Member { id: claims.sub, role, session: claims.sid }))
}
