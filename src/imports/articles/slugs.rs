//! The slugs of a batch: each article gets one that no other has or has had, and keeps its former ones.

use std::collections::HashSet;

use super::pending_write::PendingWrite;
use super::queries::{self, ExistingArticles};
use super::slug_repair::TAKEN;
use crate::error::{Code, Fault, Result};
use crate::imports::outcome::Outcome;
use crate::imports::params::SlugConflicts;
use crate::slug;
use crate::tx::Tx;

/// Slugs tried for a title whose slug is in use.
const MAX_SLUG_ATTEMPTS: usize = 5;

/// Gives every row a slug that no other article has or has had. A slug made from the title gets a suffix if it is in
/// use; so does a given slug with `slug_conflicts=suffix`, and else its row fails.
pub(super) fn assign_slugs(
    conflicts: SlugConflicts,
    existing: &ExistingArticles,
    pending: &mut Vec<PendingWrite<'_>>,
    outcomes: &mut [Option<Outcome>],
) {
    let mut assigned: HashSet<String> = HashSet::new();
    pending.retain_mut(|write| {
        let is_free = |slug: &str| {
            !assigned.contains(slug) && existing.find_slug_owner(slug).is_none_or(|owner| owner == write.id)
        };
        let Some(slug) = choose_slug(write, conflicts, is_free) else {
            let fault = Fault::body("/slug", Code::SlugTaken, "already used by another article");
            outcomes[write.index] = Some(Outcome::Failed(vec![fault]));
            return false;
        };
        warn_of_changed_slug(write, &slug);
        write.change_content(|content| content.slug != slug, |content| content.slug.clone_from(&slug));
        assigned.insert(slug)
    });
    // A slug that is asked for is nobody's former slug: they come last.
    for write in pending {
        choose_former_slugs(write, existing, &mut assigned);
    }
}

/// The slug of a row: its own, or else another one if it may change.
fn choose_slug(
    write: &PendingWrite<'_>,
    conflicts: SlugConflicts,
    is_free: impl Fn(&str) -> bool,
) -> Option<String> {
    let wanted = &write.article.content.slug;
    if is_free(wanted) {
        return Some(wanted.clone());
    }
    match &write.before {
        // An article keeps its slug rather than getting another one with each import.
        Some(before) if conflicts == SlugConflicts::Suffix => {
            Some(before.article.content.slug.clone()).filter(|slug| is_free(slug))
        }
        Some(_) => None,
        None if write.article.slug_is_given && conflicts == SlugConflicts::Refuse => None,
        None => (0..MAX_SLUG_ATTEMPTS).map(|_| slug::with_suffix(wanted)).find(|slug| is_free(slug)),
    }
}

/// Warns if the row has another slug than the article gets.
fn warn_of_changed_slug(write: &mut PendingWrite<'_>, slug: &str) {
    let article = &write.article;
    let (from, reason) = match &article.refused_slug {
        Some(refused) => (&refused.text, refused.reason),
        None if article.slug_is_given && article.content.slug != slug => (&article.content.slug, TAKEN),
        None => return,
    };
    let warning =
        Fault::body("/slug", Code::SlugChanged, reason).with("from", from.as_str()).with("to", slug);
    write.warnings.push(warning);
}

/// Notes which slugs are to lead to the article. Warns of those that lead to others.
fn choose_former_slugs(
    write: &mut PendingWrite<'_>,
    existing: &ExistingArticles,
    assigned: &mut HashSet<String>,
) {
    let (mut claims, mut warnings) = (Vec::new(), Vec::new());
    let article = &write.article;
    for former in article.former_slugs.iter().filter(|former| **former != article.content.slug) {
        match existing.find_slug_owner(former) {
            Some(owner) if owner == write.id => {}
            None if assigned.insert(former.clone()) => claims.push(former.clone()),
            _ => warnings.push(warn_of_taken_slug(former)),
        }
    }
    write.claims = claims;
    write.warnings.extend(warnings);
}

/// Makes the claimed slugs lead to their articles, in one statement for all rows. Warns of those that another import
/// has got before.
pub(super) async fn claim_former_slugs(tx: &mut Tx, pending: &mut [PendingWrite<'_>]) -> Result<()> {
    let claims = pending.iter().flat_map(|write| write.claims.iter().map(|slug| (slug.as_str(), write.id)));
    let (slugs, ids): (Vec<_>, Vec<_>) = claims.unzip();
    let claimed = queries::claim_former_slugs(tx, slugs, ids).await?;
    for write in pending {
        let lost = write.claims.iter().filter(|slug| !claimed.contains(*slug));
        write.warnings.extend(lost.map(|slug| warn_of_taken_slug(slug)));
    }
    Ok(())
}

fn warn_of_taken_slug(slug: &str) -> Fault {
    let detail = "was left out: another article has or has had {slug}";
    Fault::body("/former_slugs", Code::FormerSlugDropped, detail).with("slug", slug)
}
