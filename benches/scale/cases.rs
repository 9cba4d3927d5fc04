//! The requests whose times are compared. The names of categories, authors, sources and tags are those of `fill.sql`.

/// A GET.
pub struct Case {
    /// Below `/api/v1`.
    pub path: String,
    /// With the token of an admin.
    pub for_staff: bool,
    /// The page after this one, by its cursor, is what is timed.
    pub goes_on: bool,
}

impl Case {
    pub fn name(&self) -> String {
        let staff = if self.for_staff { " (staff)" } else { "" };
        let cursor = if self.goes_on { " and on by cursor" } else { "" };
        format!("{}{staff}{cursor}", self.path)
    }
}

const ORDERS: [&str; 8] = [
    "",
    "sort=published_at",
    "sort=-updated_at",
    "sort=updated_at",
    "sort=-created_at",
    "sort=title",
    "sort=-title",
    "sort=title,-published_at",
];
/// Lists that are timed in every order.
const LISTS: [&str; 32] = [
    "",
    "category=root4",
    "category=root6",
    "category=root4&descendants=false",
    "category=c4-1-2",
    "category=c4-1",
    "category=c2-1-1",
    "author=author+1",
    "author=author+13",
    "author=author+130",
    "author=author+1900",
    "author=rare",
    "author=old",
    "author=rare&category=root4",
    "author=author+13&category=root4",
    "author=old&category=root4",
    "source=source+1",
    "source=rare",
    "source=old",
    "source=rare&category=root4",
    "tag=tag+1",
    "tag=tag+13",
    "tag=tag+130",
    "tag=tag+2900",
    "tag=rare",
    "tag=old",
    "tag=nobody",
    "tag=tag+1,tag+13,tag+130",
    "tag=tag+1&category=root4",
    "tag=tag+130&category=root4",
    "tag=rare&category=root4",
    "author=author+1&tag=tag+1",
];
/// Lists of the staff that are timed in every order.
const STAFF_LISTS: [&str; 9] = [
    "status=draft",
    "status=archived",
    "status=published",
    "status=draft,published,archived",
    "status=draft&category=root4",
    "status=draft,published,archived&category=root4",
    "status=draft&author=author+1",
    "status=draft&tag=tag+1",
    "deleted=true",
];
const OTHERS: [&str; 22] = [
    "/articles/a5000",
    "/articles/a5000?include=neighbors",
    "/articles/by-external-id/x-5000",
    "/articles/there-is-none",
    "/categories",
    "/categories/root4",
    "/categories/c4-1-2",
    "/articles?count=true",
    "/articles?count=true&category=root4",
    "/articles?count=true&author=author+1",
    "/articles?count=true&tag=tag+1",
    "/articles?count=true&tag=rare",
    "/articles?page_size=100&page=50",
    "/articles?page_size=100&page=30&category=root4",
    "/articles?page_size=100&page=30&category=root4&sort=title",
    "/articles?page_size=100&page=15&category=c4-1-2&sort=-updated_at",
    "/articles?page_size=100&page=10&tag=tag+1",
    "/articles?page_size=100&page=8&author=author+1",
    "/articles?published_from=2020-01-01T00:00:00Z&published_to=2020-02-01T00:00:00Z",
    "/articles?published_to=2015-01-01T00:00:00Z&category=root4",
    "/articles?published_to=2015-01-01T00:00:00Z&tag=tag+1",
    "/articles?published_from=2020-01-01T00:00:00Z&sort=title",
];
const CURSORS: [&str; 8] = [
    "/articles?page_size=20&page=200",
    "/articles?page_size=20&page=200&sort=title",
    "/articles?page_size=20&page=100&category=root4",
    "/articles?page_size=20&page=100&category=root4&sort=-updated_at",
    "/articles?page_size=20&page=20&tag=tag+1",
    "/articles?page_size=20&page=20&author=author+1",
    "/articles?page_size=20&page=20&tag=tag+1&category=root4",
    "/articles?page_size=20&page=10&tag=tag+1,tag+13",
];
const AUDIT: [&str; 16] = [
    "/audit",
    "/audit?action=update",
    "/audit?action=rare",
    "/audit?action=old",
    "/audit?action=nothing",
    "/audit?entity=article",
    "/audit?entity=site",
    "/audit?entity=old",
    "/audit?entity_id=00000000-1388-79dd-4e46-1268c8034f5c",
    "/audit?actor=a0b426bc-017b-15a6-fb47-d1d631c3a7ec",
    "/audit?to=2025-01-01T00:00:00Z",
    "/audit?from=2025-01-01T00:00:00Z&to=2025-01-02T00:00:00Z",
    "/audit?action=update&to=2025-01-01T00:00:00Z",
    "/audit?entity=site&to=2026-01-01T00:00:00Z",
    "/audit?action=old&entity=old",
    "/audit?count=true&action=update",
];

/// All of them.
pub fn find_cases() -> Vec<Case> {
    let case = |path: String, for_staff| Case { path, for_staff, goes_on: false };
    let ordered = |list: &str, order: &str| {
        let query: Vec<&str> = [list, order].into_iter().filter(|part| !part.is_empty()).collect();
        let query = query.join("&");
        if query.is_empty() { "/articles".to_owned() } else { format!("/articles?{query}") }
    };
    let mut cases: Vec<Case> = OTHERS.iter().map(|path| case((*path).to_owned(), false)).collect();
    cases.extend(CURSORS.iter().map(|path| Case {
        path: (*path).to_owned(),
        for_staff: false,
        goes_on: true,
    }));
    cases.extend(AUDIT.iter().map(|path| case((*path).to_owned(), true)));
    for (lists, for_staff) in [(&LISTS[..], false), (&STAFF_LISTS[..], true)] {
        for list in lists {
            cases.extend(ORDERS.iter().map(|order| case(ordered(list, order), for_staff)));
        }
    }
    cases
}
