//! How `inkstone import --from` reads the files of other systems.

use chrono_tz::Tz;
use clap::{Args, ValueEnum};

use super::values::{parse_timezone, parse_web_url};

/// A system whose exports can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Origin {
    /// WordPress: a WXR file.
    Wordpress,
    /// Ghost: a JSON export.
    Ghost,
    /// Saved pages: an HTML or text file, or a folder of them.
    Html,
}

impl Origin {
    /// Of the kinds of things that were passed over, those that `--types` can import.
    pub fn importable_kinds<'k>(self, kinds: impl Iterator<Item = &'k str>) -> Vec<&'k str> {
        let is_importable = |kind: &&str| match self {
            Self::Wordpress => is_post_type(kind),
            Self::Ghost => *kind == "page",
            Self::Html => false,
        };
        kinds.filter(is_importable).collect()
    }
}

/// Things in a WordPress export that are not the text of anything.
const NO_WORDPRESS_POSTS: [&str; 12] = [
    "attachment",
    "comment",
    "custom_css",
    "customize_changeset",
    "menu",
    "meta",
    "nav_menu_item",
    "oembed_cache",
    "post_format",
    "revision",
    "sticky",
    "user_request",
];

/// Whether a kind of things in a WordPress export can be a type of posts. WordPress keeps its own settings in types
/// that begin with `wp_`; kinds with a space or a colon are no types.
fn is_post_type(kind: &str) -> bool {
    !NO_WORDPRESS_POSTS.contains(&kind) && !kind.contains([' ', ':']) && !kind.starts_with("wp_")
}

/// The options of `inkstone import --from`.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
pub struct OriginOptions {
    /// The beginning of external ids, in place of the system and the site that the file names.
    #[arg(long, value_name = "TEXT", requires = "from")]
    pub id_prefix: Option<String>,
    /// The address of the old site, or of the folder of saved pages: it completes links and images, where the file
    /// does not name it.
    #[arg(long, value_parser = parse_web_url, value_name = "URL", requires = "from")]
    pub base_url: Option<String>,
    /// What to do with a saved page without a date; by default draft.
    #[arg(long, value_enum, value_name = "WHAT", requires = "from")]
    pub undated: Option<Undated>,
    /// WordPress: the types of posts to import, like post,page,news; by default post. Others are counted.
    #[arg(long, value_delimiter = ',', value_name = "TYPES", requires = "from")]
    pub types: Vec<String>,
    /// WordPress: what becomes of the categories of a post beside its first.
    #[arg(long, value_enum, value_name = "WHAT", requires = "from")]
    pub extra_categories: Option<ExtraCategories>,
    /// The time zone of dates without one, like Asia/Shanghai; by default the site's.
    #[arg(long, value_parser = parse_timezone, value_name = "ZONE")]
    pub timezone: Option<Tz>,
}

/// What becomes of an article without a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Undated {
    /// It is imported as a draft, with a warning.
    #[default]
    Draft,
    /// It is published now, if it is published.
    Now,
    /// It fails.
    Fail,
}

/// What becomes of the categories of a post beside its first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExtraCategories {
    /// They become tags, with a warning.
    #[default]
    Tags,
    /// They are left out, with a warning.
    Drop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_of_posts_can_be_asked_for() {
        let kinds = "attachment comment meta nav_menu_item news page wp:custom wp_block 公告".split(' ');
        let kinds = || kinds.clone().chain(["trashed post"]);
        assert_eq!(Origin::Wordpress.importable_kinds(kinds()), ["news", "page", "公告"]);
        assert_eq!(Origin::Ghost.importable_kinds(kinds()), ["page"]);
        assert_eq!(Origin::Html.importable_kinds(kinds()), Vec::<&str>::new());
    }
}
