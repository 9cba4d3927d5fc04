//! Guards: the right to do a thing, as an argument of its handler.
//!
//! A handler that names [`Editor`] cannot run for anybody less, and cannot
//! forget to ask.

use std::future::{Ready, ready};

use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, rt, web};
use uuid::Uuid;

use super::api_keys::secret;
use super::{api_keys, secrets, sessions, tokens};
use crate::app::App;
use crate::changes::model::{Actor, ActorKind};
use crate::db::visibility;
use crate::error::{Code, Error, Result, Sentence};
use crate::http::matched::Matched;
use crate::operations::scope::Scope;
use crate::operations::{Caller, KeyAccess, Role, STAFF_PARAMETERS};

/// The member behind a request, or the API key, which has an editor's rights within its scopes.
#[derive(Clone, Copy, Debug)]
pub struct CurrentMember {
    /// Who.
    pub id: Uuid,
    /// What they may do, as of this request.
    pub role: Role,
    /// The session they are in.
    pub session: Uuid,
    /// Whether they may read what they change. A key that only writes may not.
    pub may_read_back: bool,
    kind: ActorKind,
}

impl CurrentMember {
    /// As the author of a change.
    pub const fn actor(&self) -> Actor {
        Actor { kind: self.kind, id: Some(self.id) }
    }

    /// Which articles they may see in any state, trash apart.
    pub fn articles(&self) -> visibility::Articles {
        match self.role {
            Role::Member => visibility::Articles::Public,
            Role::Author => visibility::Articles::OwnOf(self.id),
            Role::Editor | Role::Admin => visibility::Articles::All,
        }
    }

    /// Which articles they may be told of when they write. A key that only writes knows what everybody knows.
    pub fn readable_articles(&self) -> visibility::Articles {
        if self.may_read_back { self.articles() } else { visibility::Articles::Public }
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
pub struct Reader(pub Option<CurrentMember>);

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
    pub fn staff(&self) -> Option<CurrentMember> {
        self.0.filter(|member| member.role >= Role::Author)
    }
}

impl FromRequest for Reader {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(find_caller(req, Caller::Reader).map(Self))
    }
}

macro_rules! guards {
    ($($(#[$doc:meta])* $name:ident: $role:ident, $refusal:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub CurrentMember);

        impl FromRequest for $name {
            type Error = Error;
            type Future = Ready<Result<Self>>;

            fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
                ready(match find_caller(req, Caller::Role(Role::$role)) {
                    Err(error) => Err(error),
                    Ok(None) => Err(Error::unauthenticated()),
                    Ok(Some(member)) if member.role < Role::$role => Err(Error::forbidden($refusal)),
                    Ok(Some(member)) => Ok(Self(member)),
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

/// What a request's `Authorization` header turned out to be.
#[derive(Clone, Debug)]
enum Credential {
    Member(CurrentMember),
    Key(Uuid, Vec<Scope>),
    /// An access token that was valid until it expired.
    Expired,
    Invalid,
}

/// The member or the key of a request.
#[derive(Clone, Copy, Debug)]
pub enum CallerId {
    /// The id of a member.
    Member(Uuid),
    /// The id of an API key.
    Key(Uuid),
}

/// Returns the member or the key of a request whose credential was read and is valid.
pub fn find_caller_id(req: &HttpRequest) -> Option<CallerId> {
    let extensions = req.extensions();
    match extensions.get::<Credential>() {
        Some(Credential::Member(member)) => Some(CallerId::Member(member.id)),
        Some(Credential::Key(id, _)) => Some(CallerId::Key(*id)),
        Some(Credential::Expired | Credential::Invalid) => None,
        None => extensions.get::<CallerId>().copied(),
    }
}

/// Whether a request whose credential was read is answered as that of a visitor: it has none, or it is of a member who gets
/// the same. From then on it counts as a visitor's.
pub fn read_as_visitor(req: &HttpRequest) -> bool {
    let Ok(matched) = Matched::of(req) else { return false };
    let operation = matched.operation();
    let mut extensions = req.extensions_mut();
    match extensions.get::<Credential>() {
        None => operation.caller == Caller::Reader || operation.is_file,
        Some(Credential::Member(member)) => {
            let (id, role) = (member.id, member.role);
            let asks_as_staff =
                matched.parameters.pairs.iter().any(|(name, _)| STAFF_PARAMETERS.contains(&name.as_str()));
            let is_same = operation.same_as_visitors.is_some_and(|highest| role <= highest) && !asks_as_staff;
            if is_same {
                extensions.remove::<Credential>();
                extensions.insert(CallerId::Member(id));
            }
            is_same
        }
        Some(Credential::Key(..) | Credential::Expired | Credential::Invalid) => false,
    }
}

/// Who is behind a request whose credential was read by [`authenticate`], for a guard that lets
/// `expected` pass.
///
/// What an API key may do is in the entry of the operation. A guard that expects somebody else
/// than the entry names is a fault of ours.
fn find_caller(req: &HttpRequest, expected: Caller) -> Result<Option<CurrentMember>> {
    let matched = Matched::of(req)?;
    let operation = matched.operation();
    if operation.caller != expected {
        let id = operation.id;
        return Err(Error::Internal(anyhow::anyhow!("{id}: the guard and the entry differ")));
    }
    match req.extensions().get::<Credential>() {
        None => Ok(None),
        Some(Credential::Member(member)) => Ok(Some(*member)),
        Some(Credential::Expired) => Err(tokens::token_expired()),
        Some(Credential::Invalid) => Err(Error::unauthenticated()),
        Some(Credential::Key(id, scopes)) => match operation.keys {
            KeyAccess::AsVisitor => Ok(None),
            KeyAccess::Refused => Err(Error::forbidden("This is not for API keys.")),
            KeyAccess::Scope(_) | KeyAccess::OneOf(_) => {
                find_key_rights(*id, scopes, operation.keys.scopes()).map(Some)
            }
        },
    }
}

/// What a key with `scopes` may do where it needs one of those `needed`.
fn find_key_rights(id: Uuid, scopes: &[Scope], needed: &[Scope]) -> Result<CurrentMember> {
    let Some(scope) = needed.iter().find(|scope| scopes.contains(scope)) else {
        let names: Vec<&str> = needed.iter().map(|scope| scope.as_str()).collect();
        let sentence = Sentence::from("This takes a key with the scope {scope}.");
        return Err(Error::forbidden(sentence.with("scope", names.join(", "))));
    };
    let may_read_back = scopes.contains(&scope.to_read());
    Ok(CurrentMember { id, role: Role::Editor, session: Uuid::nil(), may_read_back, kind: ActorKind::ApiKey })
}

/// Refuses an API key without `scope`, for what an operation does besides what its entry names.
pub fn require_scope(req: &HttpRequest, scope: Scope) -> Result<()> {
    match req.extensions().get::<Credential>() {
        Some(Credential::Key(_, scopes)) if !scopes.contains(&scope) => Err(Error::forbidden(
            Sentence::from("This takes a key with the scope {scope} besides.").with("scope", scope.as_str()),
        )),
        _ => Ok(()),
    }
}

/// Reads the request's credential, if it carries one, and keeps the result for the guards.
///
/// It runs before the handler's arguments are made, so that a guard named first
/// refuses first: who may not do a thing never learns what is wrong with the
/// request. Operations without a guard, like the login, ignore the result.
pub async fn authenticate(req: &HttpRequest) -> Result<()> {
    let Some(header) = req.headers().get(AUTHORIZATION) else { return Ok(()) };
    // Nobody looks at it: the request must not fail with the database. Pages beside the API were not matched.
    let operation = Matched::of(req).ok().map(|matched| *matched.operation());
    let Some(operation) = operation.filter(|operation| operation.caller != Caller::Anyone) else {
        return Ok(());
    };
    let scheme_and_token = header.to_str().ok().and_then(|header| header.split_once(' '));
    let token = scheme_and_token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| token.trim());
    let app = req
        .app_data::<web::Data<App>>()
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("no App in app_data")))?;
    let credential = match token {
        Some(token) if token.starts_with(secret::PREFIX) => check_key(app, token).await?,
        Some(token) => check_session(app, token, operation.same_as_visitors.is_some()).await?,
        None => None,
    };
    req.extensions_mut().insert(credential.unwrap_or(Credential::Invalid));
    Ok(())
}

async fn check_key(app: &web::Data<App>, text: &str) -> Result<Option<Credential>> {
    let Some(prefix) = secret::name(text) else { return Ok(None) };
    let hash = secrets::hash(text);
    let Some(key) = api_keys::queries::find_usable(&*app.reader().await?, prefix, &hash).await? else {
        return Ok(None);
    };
    if key.note_is_due {
        note_key_use(app.clone(), key.id);
    }
    Ok(Some(Credential::Key(key.id, key.scopes.iter().filter_map(|name| Scope::parse(name)).collect())))
}

/// Notes the use of a key, without letting the request wait or fail for it.
fn note_key_use(app: web::Data<App>, id: Uuid) {
    rt::spawn(async move {
        let noted = app.write(async move |tx| Ok(api_keys::queries::note_use(tx, id).await?)).await;
        if let Err(error) = noted {
            tracing::warn!(%error, "The use of an API key was not noted");
        }
    });
}

/// Who is behind an access token. For what visitors may read too, the session may have been looked up a second ago.
async fn check_session(app: &App, token: &str, is_of_public: bool) -> Result<Option<Credential>> {
    let ring = app.ring().await?;
    let claims = match tokens::verify(&ring, app.keys.retired_for, app.now(), token) {
        Ok(claims) => claims,
        Err(refusal) if refusal.code() == Code::TokenExpired => return Ok(Some(Credential::Expired)),
        Err(_) => return Ok(None),
    };
    let role = if is_of_public {
        sessions::memory::load_role(app, claims.sub, claims.sid).await?
    } else {
        sessions::queries::load_role(&*app.reader().await?, claims.sub, claims.sid).await?
    };
    let member = |role| CurrentMember {
        id: claims.sub,
        role,
        session: claims.sid,
        may_read_back: true,
        kind: ActorKind::Member,
    };
    Ok(role.map(|role| Credential::Member(member(role))))
}
