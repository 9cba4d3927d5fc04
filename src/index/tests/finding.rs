use super::*;

#[test]
fn a_word_is_found_wherever_it_stands_in_a_row_of_characters() {
    let site = Site::of(&["提高质量流程的标准", "质量", "量质", "品質量表", "质,量", "质\n\n量"]);
    assert_eq!(site.found("质量"), [1, 2, 4]);
    assert_eq!(site.found("質量"), [1, 2, 4]);
    assert_eq!(site.found("量流"), [1]);
    assert_eq!(site.found("质量流程的标准"), [1]);
    assert_eq!(site.found("质 量"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(site.found("\"质 量\""), [5]);
    assert_eq!(site.found("质"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(site.found("準"), [1]);
    assert!(site.found("标准的").is_empty());
}

#[test]
fn words_of_letters_and_digits_are_found_whole_and_by_part() {
    let site = Site::of(&[
        "符合 GB/T 19001-2016 的要求",
        "GB/T19001质量管理",
        "COVID-19 与 covid19",
        "产值2.29万元",
        "C++ 与 C# 和 .NET",
        "asp.net core 3",
        "联系 Zhang.San@example.com.cn 即可",
        "Ｆｕｌｌ－Ｗｉｄｔｈ ４２ café",
        "C 语言",
    ]);
    for (query, found) in [
        ("gb/t", vec![1, 2]),
        ("\"gb t\"", vec![1, 2]),
        ("gbt", vec![]),
        ("GB/T19001", vec![2]),
        ("gb/t 19001", vec![1, 2]),
        ("19001-2016", vec![1]),
        ("covid19", vec![3]),
        ("covid-19", vec![3]),
        ("covid 19", vec![3]),
        ("2.29万", vec![4]),
        ("29万元", vec![4]),
        ("2.29", vec![4]),
        ("c++", vec![5]),
        ("C#", vec![5]),
        (".net", vec![5, 6]),
        ("asp.net", vec![6]),
        ("c 语言", vec![9]),
        ("zhang.san@example.com.cn", vec![7]),
        ("example", vec![7]),
        ("full-width", vec![8]),
        ("42", vec![8]),
        ("CAFÉ", vec![8]),
        ("19001质量", vec![2]),
        ("质量abc", vec![]),
    ] {
        assert_eq!(site.found(query), found, "{query}");
    }
    assert!(site.found("\"c\"").starts_with(&[5]));
}

#[test]
fn all_words_are_required_and_excluded_ones_forbidden() {
    let site = Site::of(&["北京 天气 预报", "北京 美食", "上海天气", "天气预报 sunny day"]);
    assert_eq!(site.found("北京 天气"), [1]);
    assert_eq!(site.found("天气 -北京"), [3, 4]);
    assert_eq!(site.found("天气 -\"sunny day\""), [1, 3]);
    assert_eq!(site.found("天气 -\"day sunny\""), [1, 3, 4]);
    assert_eq!(site.found("天气 -预"), [3]);
    assert_eq!(site.found("-上海 天气"), [1, 4]);
    assert_eq!(site.found("北京-天气"), [1]);
    assert_eq!(site.found("上海-天气"), Vec::<u128>::new());
}

#[test]
fn a_field_before_a_word_is_the_only_one_it_is_found_in() {
    let title = document(1, "质量提升", "正文");
    let body = document(2, "别的", "质量提升 title");
    let tags = Document { tags: vec!["质量".into(), "管理".into()], ..document(3, "", "") };
    let author = Document { author: "质量报记者".into(), ..document(4, "", "") };
    let site = Site::with([title, body, tags, author]);
    assert_eq!(site.found("质量"), [1, 2, 3, 4]);
    assert_eq!(site.found("title:质量"), [1]);
    assert_eq!(site.found("TAG:质量"), [3]);
    assert_eq!(site.found("tag:\"质量\""), [3]);
    assert_eq!(site.found("author:质量"), [4]);
    assert_eq!(site.found("质量 -title:质量"), [2, 3, 4]);
    assert_eq!(site.found("title:"), [2]);
    assert_eq!(site.found("title:质"), [1]);
    assert!(site.found("质量管理").is_empty());
}

#[test]
fn the_last_word_of_letters_is_found_by_its_beginning() {
    let site = Site::of(&["management systems", "manage", "manager of systems", "质量management"]);
    assert_eq!(site.found("manag"), [1, 2, 3, 4]);
    assert_eq!(site.found("m"), [1, 2, 3, 4]);
    assert_eq!(site.found("man systems"), Vec::<u128>::new());
    assert_eq!(site.found("systems man"), [1, 3]);
    assert_eq!(site.found("\"manag\""), Vec::<u128>::new());
    assert_eq!(site.found("质量man"), [4]);
    assert_eq!(site.ranked("manage")[0], 2);
}

#[test]
fn one_letter_of_a_longer_word_may_be_wrong() {
    let site = Site::of(&["international news", "internatoinal news", "food and wine", "foot"]);
    assert_eq!(site.ranked("international"), [1, 2]);
    assert_eq!(site.ranked("intrnational news"), [1]);
    assert_eq!(site.found("\"internationel\""), Vec::<u128>::new());
    assert_eq!(site.found("internationel"), [1]);
    assert_eq!(site.found("food x"), Vec::<u128>::new());
    assert_eq!(site.found("food"), [3]);
}

#[test]
fn complaints_about_other_engines_do_not_apply() {
    let site = Site::of(&[
        "人工智能技术的发展",
        "我愛繁體中文",
        "迈克尔·乔丹的篮球鞋",
        "关于进一步加强食品安全监督管理工作的通知",
    ]);
    assert_eq!(site.found("智能"), [1]);
    assert_eq!(site.found("技术"), [1]);
    assert_eq!(site.found("體"), [2]);
    assert_eq!(site.found("体"), [2]);
    assert_eq!(site.found("克尔"), [3]);
    assert_eq!(site.found("\"迈克尔 乔丹\""), [3]);
    assert_eq!(site.found("食品安全监督管理"), [4]);
    assert_eq!(site.found("全监督"), [4]);
    assert_eq!(site.found("通知 -\"食品安全\""), Vec::<u128>::new());
}

#[test]
fn all_that_is_found_can_be_asked_for_without_a_limit() {
    let site = Site::of(&["质量", "质量", "别的"]);
    let query = Query::parse("质量").unwrap();
    let find = |most| site.index.find_all(&query, &Filter::Everything, &HashSet::new(), most).unwrap();
    assert_eq!(find(usize::MAX).map(|ids| ids.len()), Some(2));
    assert_eq!((find(2).map(|ids| ids.len()), find(1)), (Some(2), None));
}
