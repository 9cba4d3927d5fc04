//! What may be seen, as a filter of the index. [`crate::db::visibility`] decides it; a filter has totals and counts agree.

use chrono::{DateTime, Utc};

use super::labels;
use crate::db::types::Status;
use crate::db::visibility::{Articles, Notices};
use crate::index::Filter;

/// The articles that may be seen at `now`, of those in one of `states` if these are given.
pub fn articles(visible: Articles, states: Option<&[Status]>, now: DateTime<Utc>) -> Filter {
    let mut all = vec![label(labels::ARTICLE)];
    all.extend(states.map(in_states));
    match visible {
        Articles::Public => all.extend([label(labels::NOT_IN_TRASH), is_public(now)]),
        Articles::All => all.push(label(labels::NOT_IN_TRASH)),
        Articles::Trash => all.push(label(labels::IN_TRASH)),
        Articles::OwnOf(author) => {
            let own = Filter::Label(labels::owner(author));
            all.extend([label(labels::NOT_IN_TRASH), Filter::Any(vec![is_public(now), own])]);
        }
        Articles::OwnTrash(author) => {
            let own = Filter::Label(labels::owner(author));
            all.extend([label(labels::IN_TRASH), own, in_states(&[Status::Draft])]);
        }
    }
    Filter::All(all)
}

/// The notices that may be seen at `now`, of those in one of `states` if these are given.
pub fn notices(visible: Notices, states: Option<&[Status]>, now: DateTime<Utc>) -> Filter {
    let mut all = vec![label(labels::NOTICE)];
    all.extend(states.map(in_states));
    let is_current =
        || [label(labels::NOT_IN_TRASH), is_public(now), Filter::EndsAfter(now.timestamp_micros())];
    match visible {
        Notices::Public => {
            all.extend(is_current());
            all.push(Filter::Label(labels::audience("public")));
        }
        Notices::ForMembers => all.extend(is_current()),
        Notices::All => all.push(label(labels::NOT_IN_TRASH)),
        Notices::Trash => all.push(label(labels::IN_TRASH)),
    }
    Filter::All(all)
}

/// Published, and its time has come.
fn is_public(now: DateTime<Utc>) -> Filter {
    let is_out = Filter::BeginsBefore(now.timestamp_micros().saturating_add(1));
    Filter::All(vec![in_states(&[Status::Published]), is_out])
}

fn in_states(states: &[Status]) -> Filter {
    Filter::AnyOf(states.iter().map(|status| labels::status(status.as_str())).collect())
}

fn label(label: &str) -> Filter {
    Filter::Label(label.to_owned())
}
