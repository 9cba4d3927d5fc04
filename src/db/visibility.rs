//! Who may see what: the one place where it is decided.
//!
//! Every read of an article or a notice (lists, counts, single reads,
//! neighbours) takes its condition from here, so none can forget a part of it.
//! "Scheduled" is no state of its own: a published article whose publication
//! time has not come is not visible yet.

use uuid::Uuid;

use super::rows::{Conditions, Value};

/// Articles that everybody may read now.
pub const PUBLIC_ARTICLE: &str = "(articles.status = 'published' \
     AND articles.published_at <= now() AND articles.deleted_at IS NULL)";

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
    /// This author's own work in any state, and nothing else.
    Own(Uuid),
    /// Everything that is not in the trash.
    All,
    /// The trash.
    Trash,
    /// This author's own drafts in the trash: what was published, an editor took off the site.
    OwnTrash(Uuid),
}

impl Articles {
    /// Adds the condition over `articles` to `conditions`.
    pub fn restrict(self, conditions: &mut Conditions) {
        let alternatives = self.alternatives(conditions);
        conditions.and(format!("({})", alternatives.join(" OR ")));
    }

    /// The condition over `articles` as alternatives, of which an article meets one at most: an
    /// index has the rows of each in order. Binds their values to `conditions`.
    pub fn alternatives(self, conditions: &mut Conditions) -> Vec<String> {
        let mut own = |author, state: &str| {
            let author = conditions.bind(Value::Id(author));
            format!("(articles.created_by = {author} AND {state})")
        };
        match self {
            Self::Public => vec![PUBLIC_ARTICLE.to_owned()],
            Self::OwnOf(author) => {
                let hidden = format!("articles.deleted_at IS NULL AND {PUBLIC_ARTICLE} IS NOT TRUE");
                vec![PUBLIC_ARTICLE.to_owned(), own(author, &hidden)]
            }
            Self::Own(author) => vec![own(author, "articles.deleted_at IS NULL")],
            Self::All => vec!["(articles.deleted_at IS NULL)".to_owned()],
            Self::Trash => vec!["(articles.deleted_at IS NOT NULL)".to_owned()],
            Self::OwnTrash(author) => {
                vec![own(author, "articles.status = 'draft' AND articles.deleted_at IS NOT NULL")]
            }
        }
    }
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
    /// The condition as SQL over `notices`.
    pub fn sql(self) -> String {
        match self {
            Self::Public => format!("({CURRENT_NOTICE} AND notices.audience = 'public')"),
            Self::ForMembers => CURRENT_NOTICE.to_owned(),
            Self::All => "(notices.deleted_at IS NULL)".to_owned(),
            Self::Trash => "(notices.deleted_at IS NOT NULL)".to_owned(),
        }
    }
}
