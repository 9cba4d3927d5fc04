use super::*;

const BASE: &str = "https://news.example.org";

fn fill(kind: PageKind, template: &str, thing: &Thing<'_>) -> String {
    Template::parse(kind, template).unwrap().fill(BASE, chrono_tz::Asia::Shanghai, thing)
}

fn article() -> Thing<'static> {
    Thing {
        id: Uuid::from_u128(7),
        slug: "tide",
        category_path: &["sea", "coast"],
        // The next year, by the clock of Shanghai.
        published_at: DateTime::from_timestamp(1_735_660_800, 0),
        ..Thing::default()
    }
}

#[test]
fn placeholders_are_filled_with_what_the_thing_has() {
    for (template, expected) in [
        ("/{slug}", "https://news.example.org/tide"),
        ("/news/{category_path}/{slug}.html", "https://news.example.org/news/sea/coast/tide.html"),
        ("/{category}/{slug}", "https://news.example.org/coast/tide"),
        ("/{year}/{month}/{day}/{slug}", "https://news.example.org/2025/01/01/tide"),
        ("https://m.example.org?p={id}", "https://m.example.org?p=00000000-0000-0000-0000-000000000007"),
        ("HTTPS://M.Example.org:443/{slug}{slug}", "https://m.example.org/tidetide"),
        ("https://例子.cn/新闻/{slug}", "https://xn--fsqu00a.cn/%E6%96%B0%E9%97%BB/tide"),
        ("/100%25/{slug}", "https://news.example.org/100%25/tide"),
    ] {
        assert_eq!(fill(PageKind::Article, template, &article()), expected);
    }
    let notice = Thing { kind: "announcement", ..article() };
    let expected = format!("{BASE}/announcement/{}", notice.id);
    assert_eq!(fill(PageKind::Notice, "/{kind}/{id}", &notice), expected);
}

#[test]
fn what_is_filled_in_changes_nothing_of_the_address() {
    let tag = Thing { tag: "a/b?c=d&e#f %2F{slug}\u{b}质", ..Thing::default() };
    let expected = format!("{BASE}/tags/a%2Fb%3Fc%3Dd%26e%23f%20%252F%7Bslug%7D%0B%E8%B4%A8");
    assert_eq!(fill(PageKind::Tag, "/tags/{tag}", &tag), expected);
}

#[test]
fn a_value_that_is_not_there_leaves_no_empty_segment() {
    let lone = Thing { category_path: &[], published_at: None, ..article() };
    for (template, expected) in [
        ("/news/{category_path}/{slug}", "/news/tide"),
        ("/{category}/{slug}", "/tide"),
        ("/{year}/{month}/{slug}", "/tide"),
        ("/{category_path}/x-{category}/{slug}", "/x-/tide"),
        ("/a?c={category}&s={slug}", "/a?c=&s=tide"),
    ] {
        assert_eq!(fill(PageKind::Article, template, &lone), format!("{BASE}{expected}"));
    }
}

fn refusal(kind: PageKind, text: &str) -> Refusal {
    Template::parse(kind, text).unwrap_err()
}

#[test]
fn what_is_no_address_is_refused() {
    for text in [
        "",
        "x/{slug}",
        "//evil.example/{slug}",
        "/\\evil.example/{slug}",
        "ftp://a.example/{slug}",
        "javascript:{slug}",
        "https://{slug}.example/{id}",
        "https://u@a.example/{slug}",
        "https:///{slug}",
        "https://a.example:99999/{slug}",
        "/#/{slug}",
        "/a b/{slug}",
        "/{slug}\n",
        "https://a.example\\{slug}",
    ] {
        assert_eq!(refusal(PageKind::Article, text), Refusal::NoAddress, "{text:?}");
    }
    for text in ["/{slug", "/slug}", "/{slug}}", "/{sl{ug}", "/{"] {
        let found = refusal(PageKind::Article, text);
        assert!([Refusal::UnpairedBrace, Refusal::UnknownPlaceholder].contains(&found), "{text}");
    }
}

#[test]
fn a_template_has_known_placeholders_and_one_that_tells_pages_apart() {
    for (kind, text) in [
        (PageKind::Article, "/{slug}/{tag}"),
        (PageKind::Article, "/{Slug}"),
        (PageKind::Article, "/{}{slug}"),
        (PageKind::Tag, "/{slug}"),
        (PageKind::Notice, "/{category}/{slug}"),
    ] {
        assert_eq!(refusal(kind, text), Refusal::UnknownPlaceholder, "{text}");
    }
    for (kind, text) in [
        (PageKind::Article, "/articles"),
        (PageKind::Article, "/{category_path}/{year}"),
        (PageKind::Notice, "/{kind}"),
        (PageKind::Category, "https://a.example"),
    ] {
        assert_eq!(refusal(kind, text), Refusal::NotDistinctive, "{text}");
    }
    assert!(Template::parse(PageKind::Category, "/{category_path}").is_ok());
}
