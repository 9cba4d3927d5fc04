//! Words inside of sentences in Chinese: reasons, and the types of JSON.

/// Why a body cannot be read, as the parsers say it, and in Chinese. `#` is a number.
const REASONS: &[(&str, &str)] = &[
    // Of JSON.
    ("EOF while parsing a list", "数组未结束"),
    ("EOF while parsing an object", "对象未结束"),
    ("EOF while parsing a string", "字符串未结束"),
    ("EOF while parsing a value", "缺少值"),
    ("expected `:`", "应为 `:`"),
    ("expected `,` or `]`", "应为 `,` 或 `]`"),
    ("expected `,` or `}`", "应为 `,` 或 `}`"),
    ("expected ident", "应为 true、false 或 null"),
    ("expected value", "应为值"),
    ("expected `\"`", "应为 `\"`"),
    ("invalid escape", "转义序列无效"),
    ("invalid number", "数字无效"),
    ("number out of range", "数字超出范围"),
    ("invalid unicode code point", "Unicode 码点无效"),
    ("control character (\\u0000-\\u001F) found while parsing a string", "字符串中有控制字符"),
    ("key must be a string", "键必须是字符串"),
    ("lone leading surrogate in hex escape", "转义序列中有单独的前导代理"),
    ("trailing comma", "多余的逗号"),
    ("trailing characters", "末尾有多余的字符"),
    ("unexpected end of hex escape", "十六进制转义序列不完整"),
    ("recursion limit exceeded", "嵌套过深"),
    // Of arrays of rows.
    ("expected `[` before it", "之前应为 `[`"),
    ("expected `,` or `]` after it", "之后应为 `,` 或 `]`"),
    ("expected `,` or `]` after it, and the body ends", "之后应为 `,` 或 `]`,而请求体已结束"),
    ("expected a value", "应为值"),
    ("the body ends in it", "请求体在其中结束"),
    ("closes a bracket that is not open", "关闭了未打开的括号"),
    ("the array ends with it, and the body goes on", "数组到此结束,而请求体仍在继续"),
    // Of sizes.
    ("a row is too long", "有一条记录过长"),
    ("more than # bytes", "超过 # 字节"),
    ("it expands to more than # times its size", "解压后超过其大小的 # 倍"),
];

/// The Chinese of a reason, with the line and the column if it names them. Of a reason that is not known, only these.
pub fn translate_reason(english: &str) -> String {
    let place = english.rsplit_once(" at line ");
    let place = place.and_then(|(reason, place)| Some((reason, place.split_once(" column ")?)));
    let reason = place.map_or(english, |(reason, _)| reason);
    let number: String =
        reason.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let pattern = if number.is_empty() { reason.to_owned() } else { reason.replacen(&number, "#", 1) };
    let known = REASONS.iter().find(|(known, _)| *known == reason || *known == pattern);
    let known = known.map(|(_, chinese)| chinese.replace('#', &number));
    let place = place.map(|(_, (line, column))| format!("第 {line} 行第 {column} 列"));
    [place, known]
        .into_iter()
        .flatten()
        .reduce(|place, reason| place + "," + &reason)
        .unwrap_or_else(|| "无法读取".to_owned())
}

/// The Chinese of types of JSON, which ` or ` separates.
pub fn translate_types(english: &str) -> String {
    let types = english.split(" or ").map(|name| match name {
        "array" => "数组",
        "boolean" => "布尔值",
        "integer" => "整数",
        "null" => "null",
        "number" => "数字",
        "object" => "对象",
        "string" => "字符串",
        other => other,
    });
    types.collect::<Vec<_>>().join("或")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_keeps_its_place_and_loses_its_english() {
        let reason = |text: &str| {
            translate_reason(&serde_json::from_str::<serde_json::Value>(text).unwrap_err().to_string())
        };
        assert_eq!(reason("{\n\"a\": }"), "第 2 行第 6 列,应为值");
        assert_eq!(reason("[1"), "第 1 行第 2 列,数组未结束");
        for broken in [
            "",
            "{",
            "{1}",
            "[1,]",
            "\"\\x\"",
            "\"\u{1}\"",
            "01",
            "1e999",
            "nul",
            "{} x",
            "\"\\ud800\"",
            "{\"a\" 1}",
            "\"\\u12\"",
        ] {
            let reason = reason(broken);
            assert!(reason.contains(',') && !reason.contains("expected"), "{broken}: {reason}");
        }
        assert_eq!(translate_reason("frame 7 is of no use at line 1 column 2"), "第 1 行第 2 列");
        assert_eq!(translate_reason("more than 4096 bytes"), "超过 4096 字节");
        assert_eq!(translate_reason("connection reset by peer"), "无法读取");
        assert_eq!(translate_types("null or string"), "null或字符串");
    }
}
