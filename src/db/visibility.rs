//! Who may see what: the one place where it is decided.
//!
//! Every read of an article or a notice (lists, counts, single reads,
//! neighbours) takes its condition from here, so none can forget a part of it.
//! "Scheduled" is no state of its own: a published article whose publication
//! time has not come is not visible yet.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rows::{Conditions, Value};
use super::types::Status;

/// Articles that everybody may read now.
pub const PUBLIC_ARTICLE: &str = "(articles.status = 'published' \
     AND articles.published_at <= now() AND articles.deleted_at IS NULL)";

/// Articles that everybody may read, now or from their publication time on. Part of [`PUBLIC_ARTICLE`].
pub const PUBLISHED_ARTICLE: &str = "(articles.status = 'published' AND articles.deleted_at IS NULL)";

/// Published articles whose time has not come. What is in [`PUBLISHED_ARTICLE`] and not in [`PUBLIC_ARTICLE`].
pub const SCHEDULED_ARTICLE: &str = "(articles.status = 'published' \
     AND articles.published_at > now() AND articles.deleted_at IS NULL)";

/// Notices that are up now, were, or will be, whoever they are for. Part of [`CURRENT_NOTICE`].
pub const PUBLISHED_NOTICE: &str = "(notices.status = 'published' AND notices.deleted_at IS NULL)";

/// Notices that are up now, whoever they are for.
pub const CURRENT_NOTICE: &str = "(notices.status = 'published' \
     AND notices.published_at <= now() AND notices.deleted_at IS NULL \
     AND (notices.expires_at IS NULL OR notices.expires_at > now()))";

/// Which articles a query may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Articles {
    /// What everybody may read now.
    Public,
    /// What is public, and this author's own work in any state.
    OwnOf(Uuid),
    /// Everything that is not in the trash.
    All,
    /// The trash.
    Trash,
    /// This author's own drafts in the trash: what was published, an editor took off the site.
    OwnTrash(Uuid),
}

impl Articles {
    /// Whether everybody may read an article that is not in the trash, at the time `now`.
    pub fn is_public(status: Status, published_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        status == Status::Published && published_at.is_some_and(|at| at <= now)
    }

    /// The condition over `articles`.
    pub fn conditions(self) -> Conditions {
        let mut conditions = Conditions::default();
        self.restrict(&mut conditions);
        conditions
    }

    /// Adds the condition over `articles` to `conditions`.
    pub fn restrict(self, conditions: &mut Conditions) {
        let parts = self.parts(None, conditions);
        conditions.and(any_of(&parts));
    }

    /// The articles as parts, of which an article is in one at most: an index has the rows of each in each order.
    /// With `states`, only those in one of them. Binds the values of the parts to `conditions`.
    pub fn parts(self, states: Option<&[Status]>, conditions: &mut Conditions) -> Vec<Part> {
        const ALL: [Status; 3] = [Status::Published, Status::Draft, Status::Archived];
        let mut states = states.unwrap_or(&ALL).to_vec();
        states.sort();
        states.dedup();
        let is_published = |state: &Status| *state == Status::Published;
        match self {
            Self::Public => states.iter().copied().filter(is_published).map(|_| Part::public()).collect(),
            Self::All => states.into_iter().map(Part::in_state).collect(),
            Self::OwnOf(author) => {
                let author = conditions.bind(Value::Id(author));
                let own = |state| Part::in_state(state).of_author(&author);
                let parts = states.into_iter().flat_map(|state| match state {
                    Status::Published => vec![Part::public(), Part::scheduled().of_author(&author)],
                    state => vec![own(state)],
                });
                parts.collect()
            }
            Self::Trash if states.len() == ALL.len() => vec![Part::trash()],
            Self::Trash => {
                let names = states.iter().map(|state| format!("'{}'", state.as_str())).collect::<Vec<_>>();
                vec![Part::trash().and(&format!("articles.status IN ({})", names.join(", ")))]
            }
            Self::OwnTrash(author) if states.contains(&Status::Draft) => {
                let author = conditions.bind(Value::Id(author));
                vec![Part::trash().and("articles.status = 'draft'").of_author(&author)]
            }
            Self::OwnTrash(_) => Vec::new(),
        }
    }
}

/// A part of the articles that a query may touch.
#[derive(Clone, Debug)]
pub struct Part {
    /// The condition over `articles`.
    pub condition: String,
    /// The condition over the lines of `article_tags` under the name `articles`. `None` if these do not tell.
    pub tagged: Option<&'static str>,
    /// Whether indexes of published articles have it: then all have a publication time.
    pub is_published: bool,
    /// The `state` that the lines of all of them have in `article_views`.
    pub state: &'static str,
}

impl Part {
    fn public() -> Self {
        let tagged = Some("articles.published_at <= now()");
        Self { condition: PUBLIC_ARTICLE.to_owned(), tagged, is_published: true, state: "published" }
    }

    /// Those that are not in the trash.
    fn in_state(state: Status) -> Self {
        let (condition, is_published) = match state {
            Status::Published => (PUBLISHED_ARTICLE, true),
            Status::Draft => ("(articles.status = 'draft' AND articles.deleted_at IS NULL)", false),
            Status::Archived => ("(articles.status = 'archived' AND articles.deleted_at IS NULL)", false),
        };
        let tagged = is_published.then_some("true");
        Self { condition: condition.to_owned(), tagged, is_published, state: state.as_str() }
    }

    /// The index of an author's own articles has no state, and drafts without a publication time.
    fn scheduled() -> Self {
        let condition =
            format!("({SCHEDULED_ARTICLE} AND coalesce(articles.published_at, 'infinity') > now())");
        Self { condition, tagged: None, is_published: false, state: "published" }
    }

    fn trash() -> Self {
        let condition = "(articles.deleted_at IS NOT NULL)".to_owned();
        Self { condition, tagged: None, is_published: false, state: "trash" }
    }

    fn and(self, more: &str) -> Self {
        Self { condition: format!("({} AND {more})", self.condition), ..self }
    }

    /// Those of the author whose id is bound as `author`.
    fn of_author(self, author: &str) -> Self {
        Self { tagged: None, ..self.and(&format!("articles.created_by = {author}")) }
    }
}

/// The condition that an article is in one of `parts`.
pub fn any_of(parts: &[Part]) -> String {
    let conditions: Vec<_> = parts.iter().map(|part| part.condition.as_str()).collect();
    if conditions.is_empty() { "false".to_owned() } else { format!("({})", conditions.join(" OR ")) }
}

/// Which notices a query may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notices {
    /// Those up now for everybody.
    Public,
    /// Those up now, also for members only.
    ForMembers,
    /// Everything that is not in the trash.
    All,
    /// The trash.
    Trash,
}

impl Notices {
    /// Whether a notice that is not in the trash is up at the time `now`, whoever it is for.
    pub fn is_current(
        status: Status,
        (published_at, expires_at): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        now: DateTime<Utc>,
    ) -> bool {
        Articles::is_public(status, published_at, now) && expires_at.is_none_or(|at| at > now)
    }

    /// The condition as SQL over `notices`.
    pub fn sql(self) -> String {
        match self {
            Self::Public => format!("({CURRENT_NOTICE} AND notices.audience = 'public')"),
            Self::ForMembers => CURRENT_NOTICE.to_owned(),
            Self::All => "(notices.deleted_at IS NULL)".to_owned(),
            Self::Trash => "(notices.deleted_at IS NOT NULL)".to_owned(),
        }
    }

    /// Those that were up at any time between that at `mark` and now, by what they are now.
    pub fn sql_since(self, mark: &str) -> String {
        self.sql().replace("notices.expires_at > now()", &format!("notices.expires_at > {mark}"))
    }

    /// The same at another time, which stands at `mark`.
    pub fn sql_at(self, mark: &str) -> String {
        self.sql().replace("now()", mark)
    }
}

/// Which media a query may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// Those for everybody.
    Public,
    /// Those for members too.
    ForMembers,
    /// The trash.
    Trash,
    /// What this author has put into the trash.
    OwnTrash(Uuid),
    /// Those that this author has made.
    OwnOf(Uuid),
}

impl Media {
    /// Adds the condition over `media` to `conditions`.
    pub fn restrict(self, conditions: &mut Conditions) {
        conditions.and(match self {
            Self::Trash | Self::OwnTrash(_) => "media.deleted_at IS NOT NULL",
            Self::Public | Self::ForMembers | Self::OwnOf(_) => "media.deleted_at IS NULL",
        });
        match self {
            Self::Public => conditions.and("media.audience = 'public'"),
            Self::OwnTrash(author) | Self::OwnOf(author) => {
                conditions.and_if("media.created_by = ?", Some(Value::Id(author)));
            }
            Self::ForMembers | Self::Trash => {}
        }
    }
}
