use super::*;

/// `text` with the words of `query` in brackets.
fn bracket(query: &str, text: &str) -> String {
    let query = Query::parse(query).unwrap();
    let ranges = highlight(&query, Field::Body, text).unwrap_or_default();
    mark(text, &ranges).replace("<mark>", "[").replace("</mark>", "]")
}

#[test]
fn words_are_marked_as_the_text_has_them() {
    for (query, text, marked) in [
        ("质量", "提升質量和质量", "提升[質量]和[质量]"),
        ("質量管理", "质量管理与质量", "[质量管理]与质量"),
        ("质", "質量质", "[質]量[质]"),
        ("后面", "後面", "[後面]"),
        ("fi", "ﬁ ﬁn", "[ﬁ] [ﬁn]"),
        ("kg", "5㎏", "5[㎏]"),
        ("cafe", "Un Café", "Un [Café]"),
        ("cafe", "cafe\u{301}!", "[cafe\u{301}]!"),
        ("系统 manag", "Management系统 manager", "[Management系统] [manager]"),
        ("\"manag\"", "management", "management"),
        ("international x", "internatoinal x", "[internatoinal] [x]"),
        ("gb/t", "GB T与GB／T", "[GB T]与[GB／T]"),
        ("ＡＢＣ", "abc", "[abc]"),
        ("c++", "C++和C", "[C++]和C"),
        (".net", "net和.NET", "net和[.NET]"),
        ("title:质量", "质量", "质量"),
        ("质量 -管理", "质量管理", "[质量]管理"),
        ("质量 量表", "质量表", "[质量表]"),
        ("㎏", "kg", "[kg]"),
        ("k", "㎏", "[㎏]"),
        ("👍", "好👍🏽", "好[👍]🏽"),
    ] {
        assert_eq!(bracket(query, text), marked, "{query} in {text}");
    }
}

#[test]
fn html_in_a_text_is_escaped_and_marks_are_not() {
    let query = Query::parse("script 质量").unwrap();
    let text = "<script>\"质量\" & 'x'</script>";
    let marked = mark(text, &highlight(&query, Field::Body, text).unwrap());
    let expected = "&lt;<mark>script</mark>&gt;&quot;<mark>质量</mark>&quot; &amp; &#x27;x&#x27;&lt;/<mark>script</mark>&gt;";
    assert_eq!(marked, expected);
    assert_eq!(mark("a<b", &[]), "a&lt;b");
    assert_eq!(mark("质量", &[1..2, 9..12]), "质量");
}

#[test]
fn snippets_are_cut_at_characters_and_prefer_parts_with_all_words() {
    let query = Query::parse("质量 管理").unwrap();
    let filler = "很长的一段文字，".repeat(20);
    let blocks = [
        format!("质量{filler}"),
        filler.clone(),
        format!("{filler}质量的管理{filler}管理"),
        "<b>管理</b>".to_owned(),
    ];
    let snippets = cut_snippets(&blocks, &query, 2, 40);
    assert_eq!(snippets.len(), 2);
    assert!(snippets[0].starts_with("<mark>质量</mark>很长") && snippets[0].ends_with('…'), "{snippets:?}");
    assert!(snippets[1].starts_with('…') && snippets[1].contains("<mark>质量</mark>的<mark>管理</mark>"));
    let length =
        |html: &str| html.replace("<mark>", "").replace("</mark>", "").replace('…', "").chars().count();
    assert!(snippets.iter().all(|snippet| length(snippet) == 40), "{snippets:?}");
    let one = cut_snippets(&blocks[3..], &query, 3, 40);
    assert_eq!(one, ["&lt;b&gt;<mark>管理</mark>&lt;/b&gt;"]);
    assert!(cut_snippets(&blocks[1..2], &query, 3, 40).is_empty());
    assert!(cut_snippets(&blocks, &query, 0, 40).is_empty());
    assert_eq!(cut_snippets(&blocks, &query, 9, 0).len(), 5);
}

#[test]
fn a_snippet_is_as_short_of_a_text_that_is_one_long_hit() {
    let query = Query::parse("哈").unwrap();
    let snippets = cut_snippets(&["哈".repeat(300_000)], &query, 3, 40);
    assert_eq!(snippets, [format!("<mark>{}</mark>…", "哈".repeat(40))]);
    // As many hits as there are characters, each by itself.
    let snippets = cut_snippets(&["哈，".repeat(200_000)], &query, 3, 40);
    assert_eq!(snippets.len(), 3);
    assert!(snippets.iter().all(|snippet| snippet.matches("哈").count() <= 40), "{snippets:?}");
}
