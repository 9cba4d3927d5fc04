use super::*;

const ZONE: Tz = chrono_tz::Asia::Shanghai;

fn parse(text: &str) -> Option<String> {
    parse_date(text, ZONE).map(format_rfc3339)
}

#[test]
fn a_date_without_a_zone_is_in_the_given_one() {
    let cases = [
        ("2019-09-20", "2019-09-19T16:00:00Z"),
        ("2019年9月20日 08:30", "2019-09-20T00:30:00Z"),
        ("2019 年 9 月 20 日 8 : 30", "2019-09-20T00:30:00Z"),
        ("2019年9月20日8时30分05秒", "2019-09-20T00:30:05Z"),
        ("2019年9月20日 星期五 下午3点半", "2019-09-20T07:30:00Z"),
        ("2019年9月20日（周五）上午9时", "2019-09-20T01:00:00Z"),
        ("2019/9/20 08:30:09 来源", "2019-09-20T00:30:09Z"),
        ("2019.9.20 08:30", "2019-09-20T00:30:00Z"),
        ("2019-09-2008:30 新华网", "2019-09-20T00:30:00Z"),
        ("２０１９－０９－２０　０８：３０", "2019-09-20T00:30:00Z"),
        ("民國108年9月20日 08:30", "2019-09-20T00:30:00Z"),
        ("2019-09-20 12:05 AM", "2019-09-19T16:05:00Z"),
        ("2019-09-20 3:05 p.m.", "2019-09-20T07:05:00Z"),
        ("2019-09-20 24:00", "2019-09-20T16:00:00Z"),
        ("2019-09-20 99:00", "2019-09-19T16:00:00Z"),
        ("September 20th, 2019 8:30 am", "2019-09-20T00:30:00Z"),
        ("20 Sep 2019, 08:30", "2019-09-20T00:30:00Z"),
        ("20.09.2019 08:30", "2019-09-20T00:30:00Z"),
        ("20190920", "2019-09-19T16:00:00Z"),
        ("20190920083000", "2019-09-20T00:30:00Z"),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_zone_is_read_in_any_usual_form() {
    let zones = [
        "+08:00",
        " +08:00",
        "+0800",
        " +0800",
        "+08",
        " +8",
        " GMT+8",
        " GMT+0800",
        " UTC+08:00",
        " (GMT+8)",
        " CST",
        " 北京时间",
        "（北京时间）",
        " Asia/Shanghai",
        "+0800 (CST)",
    ];
    for zone in zones {
        let text = format!("2019-09-20 08:30:00{zone}");
        let found = parse_date(&text, chrono_tz::America::New_York).map(format_rfc3339);
        assert_eq!(found.as_deref(), Some("2019-09-20T00:30:00Z"), "{text}");
    }
    let others = [
        ("2019-09-20T08:30:00Z", "2019-09-20T08:30:00Z"),
        ("2019-09-20T08:30:00.123 Z", "2019-09-20T08:30:00Z"),
        ("2019-09-20T08:30:00+00:00", "2019-09-20T08:30:00Z"),
        ("2019-09-20T08:30+0100", "2019-09-20T07:30:00Z"),
        ("2019-09-20 08:30 UTC", "2019-09-20T08:30:00Z"),
        ("2019-09-20 08:30 PST", "2019-09-20T16:30:00Z"),
        ("2019-09-20T08:30:00-04:00", "2019-09-20T12:30:00Z"),
        ("2019-09-20+08:00", "2019-09-19T16:00:00Z"),
        ("Fri, 20 Sep 2019 08:30:00 +0000", "2019-09-20T08:30:00Z"),
        ("Fri Sep 20 2019 08:30:00 GMT+0800 (CST)", "2019-09-20T00:30:00Z"),
        ("Fri Sep 20 08:30:00 CST 2019", "2019-09-20T00:30:00Z"),
    ];
    for (text, expected) in others {
        assert_eq!(parse(text).as_deref(), Some(expected), "{text}");
    }
    // A span of time, and a word that begins as a zone does.
    assert_eq!(parse("2019-09-20 08:30 - 11:00").as_deref(), Some("2019-09-20T00:30:00Z"));
    assert_eq!(parse("2019-09-20 08:30 Zhang").as_deref(), Some("2019-09-20T00:30:00Z"));
}

#[test]
fn other_text_is_refused() {
    let texts = [
        "",
        "昨天",
        "2019",
        "2019-13-01",
        "0000-00-00 00:00:00",
        "1-1-1",
        "2019-09",
        "201909201",
        "09-20 08:30",
        "3/4/2019",
        "May",
        "Mon, 30 Nov -0001 00:00:00 +0000",
    ];
    for text in texts {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(parse_millis(i64::MAX), None);
    assert_eq!(parse_utc("Mon, 30 Nov -0001 00:00:00 +0000"), None);
}

#[test]
fn metadata_can_count_seconds() {
    for text in ["1568939400", "1568939400000", "2019-09-20 08:30"] {
        let found = parse_stamp(text, ZONE).map(format_rfc3339);
        assert_eq!(found.as_deref(), Some("2019-09-20T00:30:00Z"), "{text}");
    }
}

#[test]
fn a_date_is_found_within_a_line() {
    let found = find_date("新华网 2019-09-20 08:30 字号", ZONE).unwrap();
    assert_eq!(format_rfc3339(found.at), "2019-09-20T00:30:00Z");
    assert_eq!(found.rest.split_whitespace().collect::<Vec<_>>(), ["新华网", "字号"]);
    assert_eq!(find_date("订单号1920190920-1-1，共3页", ZONE), None);
}
