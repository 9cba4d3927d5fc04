//! The server's sentences in Chinese.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The Chinese of an English sentence, with the same parameters. `None` if it has none of its own.
pub fn translate(english: &str) -> Option<&'static str> {
    static CHINESE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| SENTENCES.iter().copied().collect());
    CHINESE.get(english).copied()
}

/// English sentences and their Chinese. `{name}` stands for a parameter.
pub(super) const SENTENCES: &[(&str, &str)] = &[
    // Faults of values.
    ("has nothing to search for", "没有可以搜索的内容"),
    ("has only excluded words; add one to search for", "只有被排除的词,请加上要搜索的词"),
    ("has more than {max} words", "超过 {max} 个词"),
    ("is longer than {max} characters", "超过 {max} 个字符"),
    ("needs q", "需要 q"),
    ("is nearly the text of the article {id}", "与文章 {id} 的正文几乎相同"),
    ("is nearly the text of line {line}, the article {id}", "与第 {line} 行(文章 {id})的正文几乎相同"),
    ("is nearly the text of the article {id}, and was left out", "与文章 {id} 的正文几乎相同,未导入"),
    (
        "is nearly the text of line {line}, the article {id}, and was left out",
        "与第 {line} 行(文章 {id})的正文几乎相同,未导入",
    ),
    ("is an order: leave sort away", "本身就是排序,请去掉 sort"),
    ("cannot be combined with q", "不能与 q 并用"),
    ("cannot be combined with ids", "不能与 ids 并用"),
    (
        "cannot be combined with updated_since or has, which the index does not know",
        "不能与 updated_since 或 has 并用,索引中没有这些内容",
    ),
    (
        "lists what the public may read: leave status and deleted away",
        "只列出公众可读的内容,请去掉 status 和 deleted",
    ),
    ("gives one page: leave page_size, page and cursor away", "只有一页,请去掉 page_size、page 和 cursor"),
    (
        "with popular or ids, the body is not to be had; read the article itself",
        "使用 popular 或 ids 时不提供正文,请读取单篇文章",
    ),
    ("needs include=latest", "需要 include=latest"),
    ("with so many categories it can be at most {max}", "栏目数量较多时,最大为 {max}"),
    ("a menu has at most {max} items, all levels together", "菜单各级合计最多 {max} 项"),
    ("a menu has at most {max} levels", "菜单最多 {max} 级"),
    (
        "leads to one thing: name a category, an article, a notice or an address",
        "只能指向一处:栏目、文章、通知公告或网址",
    ),
    ("is required without a category, an article or a notice", "没有指定栏目、文章或通知公告时必须填写"),
    ("unknown article", "没有此文章"),
    ("unknown notice", "没有此通知公告"),
    (
        "must be words of small Latin letters and digits, with hyphens between them",
        "必须由小写拉丁字母和数字组成,词间用连字符",
    ),
    ("There is no such menu to match.", "没有可供匹配的菜单。"),
    ("A menu of this name exists.", "已有同名菜单。"),
    ("The site has {max} menus, which is as many as it can have.", "站点已有 {max} 个菜单,达到上限。"),
    (
        "must be an http, https, mailto or tel address, or a path that begins with / or #",
        "必须是 http、https、mailto 或 tel 地址,或以 / 或 # 开头的路径",
    ),
    (
        "with per_kind, the body is not to be had; read the notice itself",
        "使用 per_kind 时不提供正文,请读取单条通知公告",
    ),
    ("must be 1, 7 or 30", "必须是 1、7 或 30"),
    ("is no key of a block of this kind", "不适用于这一类版块"),
    ("names an article twice", "重复列出了同一篇文章"),
    ("relevance needs q", "relevance 需要 q"),
    ("relevance is an order by itself", "relevance 不能与其他排序并用"),
    (
        "with q, the body is not to be had; highlight=true shows where it has the words",
        "使用 q 时不提供正文;highlight=true 会显示词在正文中的位置",
    ),
    ("must be {expected}, not {found}", "类型应为 {expected},而不是 {found}"),
    ("must have at most {max} characters", "最多 {max} 个字符"),
    ("must have at most {max} items", "最多 {max} 项"),
    ("must have at most {max} keys", "最多 {max} 个键"),
    ("must have at most {max} values", "最多 {max} 个值"),
    ("must have at most {max} bytes", "最多 {max} 字节"),
    ("must have at most {max} bytes of JSON", "JSON 最多 {max} 字节"),
    ("must have at most {max} steps", "最多 {max} 级"),
    ("must have at least {min} characters", "至少 {min} 个字符"),
    ("must have at least {min} items", "至少 {min} 项"),
    ("must have at least {min} keys", "至少 {min} 个键"),
    ("has a brace without its other half", "花括号不成对"),
    ("has an unknown placeholder; there are {options}", "含有未知的占位符;可用的有 {options}"),
    ("must hold what tells two pages apart: one of {options}", "必须含有能区分页面的占位符之一:{options}"),
    ("must not be empty", "不能为空"),
    ("must not be blank", "不能为空白"),
    ("must be at least {min}", "不能小于 {min}"),
    ("must be at most {max}", "不能大于 {max}"),
    ("must be one of {options}", "必须是以下之一:{options}"),
    ("must be the IANA name of a time zone, like {options}", "必须是 IANA 时区名称,例如 {options}"),
    (
        "must be one of {options}; did you mean `{suggestion}`?",
        "必须是以下之一:{options}。您是否想写 `{suggestion}`?",
    ),
    ("must not contain invisible or bidirectional control characters", "不能包含不可见字符或双向控制字符"),
    ("must not contain invisible characters", "不能包含不可见字符"),
    ("must not contain the NUL character", "不能包含 NUL 字符"),
    (
        "must be a time as in RFC 3339, like 2019-09-20T08:00:00Z",
        "必须是 RFC 3339 格式的时间,例如 2019-09-20T08:00:00Z",
    ),
    (
        "must be a time of the years 1000 to 2999, like 2019-09-20T08:00:00Z",
        "必须是 1000 年至 2999 年之间的时间,例如 2019-09-20T08:00:00Z",
    ),
    ("must be a UUID", "必须是 UUID"),
    ("must be an e-mail address", "必须是电子邮箱地址"),
    ("must be an absolute URL", "必须是完整的网址"),
    ("must be an address that a browser can open", "必须是浏览器能打开的网址"),
    ("must be zh-CN or en", "必须是 zh-CN 或 en"),
    ("must be a language tag, like zh-CN", "必须是语言标签,例如 zh-CN"),
    ("must be a cursor that an answer gave", "必须是之前的响应给出的游标"),
    ("must have only the letters a to z, digits and hyphens", "只能包含小写字母 a 至 z、数字和连字符"),
    (
        "must have only the letters a to z and digits, with single hyphens between them",
        "只能包含小写字母 a 至 z 和数字,中间可用单个连字符",
    ),
    (
        "must be an http or https address, like https://example.org/page",
        "必须是 http 或 https 地址,例如 https://example.org/page",
    ),
    (
        "must be an http or https address without a path, like https://example.org",
        "必须是不带路径的 http 或 https 地址,例如 https://example.org",
    ),
    (
        "must be an http or https address, or a path that begins with /",
        "必须是 http 或 https 地址,或以 / 开头的路径",
    ),
    ("must be an http, https or mailto address", "必须是 http、https 或 mailto 地址"),
    ("must have no /, ?, # or control characters", "不能包含 /、?、# 或控制字符"),
    ("must not be blank, and must have no commas", "不能为空白,也不能包含逗号"),
    ("is not valid", "无效"),
    ("is required", "必填"),
    ("is reserved", "是保留字"),
    ("is given more than once", "出现了不止一次"),
    ("is given more than once; separate values by commas", "出现了不止一次;多个值请用逗号分隔"),
    ("must be true or false", "必须是 true 或 false"),
    ("must be a whole number", "必须是整数"),
    ("must be a string or an array", "必须是字符串或数组"),
    ("must be a JSON object", "必须是 JSON 对象"),
    ("must be a JSON array, because it begins with [", "以 [ 开头,因此必须是 JSON 数组"),
    ("must be an object", "必须是对象"),
    ("must be in the future", "必须是将来的时间"),
    ("must be later than published_at", "必须晚于 published_at"),
    ("must not look like an id", "不能与编号同形"),
    ("unknown field", "未知字段"),
    ("unknown field; did you mean `{suggestion}`?", "未知字段。您是否想写 `{suggestion}`?"),
    ("unknown column", "未知的列"),
    ("unknown column; did you mean `{suggestion}`?", "未知的列。您是否想写 `{suggestion}`?"),
    ("this operation has no such parameter", "这个操作没有这个参数"),
    (
        "this operation has no such parameter; did you mean `{suggestion}`?",
        "这个操作没有这个参数。您是否想写 `{suggestion}`?",
    ),
    ("unknown category", "没有这个栏目"),
    (
        "unknown category; create_categories=true would create it",
        "没有这个栏目;create_categories=true 会创建它",
    ),
    ("unknown character set", "未知的字符集"),
    ("unknown character set; did you mean `{suggestion}`?", "未知的字符集。您是否想写 `{suggestion}`?"),
    ("already used by another article", "已被另一篇文章使用"),
    ("already used by another category", "已被另一个栏目使用"),
    ("already used by another notice", "已被另一条通知公告使用"),
    ("already used by another member", "已被另一位成员使用"),
    ("already exists", "已存在"),
    ("not found", "未找到"),
    ("is this category or one inside it", "是这个栏目本身或其下级栏目"),
    ("is the category itself or one inside it", "是这个栏目本身或其下级栏目"),
    ("would make the tree deeper than {max} levels", "会使栏目树超过 {max} 级"),
    ("cannot change without the body", "不能脱离正文单独修改"),
    ("differs from the one in the path", "与路径中的不一致"),
    ("cannot go together with cursor", "不能与 cursor 同时使用"),
    ("cannot go together with per_kind", "不能与 per_kind 同时使用"),
    ("cannot go together with url", "不能与 url 同时使用"),
    ("path or url is needed", "需要 path 或 url"),
    (
        "A job is renaming one of these tags; wait until it has ended.",
        "有任务正在更改其中一个标签的名称,请等待任务结束。",
    ),
    ("names {column} twice", "{column} 出现了两次"),
    (
        "is not a cursor of this list with these filters and this order",
        "不是这个列表在当前筛选和排序下的游标",
    ),
    (
        "page numbers reach the first {max} rows; use `page.next_cursor` to go on",
        "页码只能到达前 {max} 行;请用 `page.next_cursor` 继续",
    ),
    ("must be 1 to {max} visible ASCII characters", "必须是 1 至 {max} 个可见的 ASCII 字符"),
    ("must be pairs like `header:key`", "必须是 `表头:字段` 形式的对应关系"),
    ("takes one value, and is given more than once", "只能有一个值,却出现了不止一次"),
    ("an article was just written into the category; try again", "刚有文章写入这个栏目,请重试"),
    (
        "with these fields the page is too large; {max} rows fit, or use `cursor`, whose pages end early",
        "选择这些字段时页面过大;每页最多 {max} 行,或改用 `cursor`,其页面会提前结束",
    ),
    (
        "is required, because the site sends no mail, and so no invitation",
        "必填,因为站点不发送邮件,无法发出邀请",
    ),
    // Bodies that cannot be parsed in reasonable time.
    ("changes each time that it is cleaned", "每次清理的结果都不同"),
    (
        "has more than 50000 character references, or characters that need one",
        "字符引用或需要字符引用的字符超过 50000 个",
    ),
    ("is nested more than 200 deep", "嵌套超过 200 层"),
    ("has an element with more than 200 attributes", "有元素的属性超过 200 个"),
    ("makes more than 500000 elements", "产生的元素超过 500000 个"),
    // Rows of imports.
    ("a step has no name", "有一级没有名称"),
    ("repeats a category", "栏目重复"),
    (
        "each step must be a name, or an object with name and slug",
        "每一级必须是名称,或含 name 和 slug 的对象",
    ),
    ("duplicate column", "列重复"),
    ("is not UTF-8", "不是 UTF-8"),
    (
        "has {count} characters that cannot be decoded, the first at byte {offset}; name the character set with \
         encoding=, or accept U+FFFD in their place with encoding_errors=replace",
        "有 {count} 个字符无法解码,第一个位于第 {offset} 字节。请用 encoding= 指明字符集,或用 encoding_errors=replace 接受 U+FFFD 替换",
    ),
    (
        "has U+FFFD in place of {count} characters that cannot be decoded, the first at byte {offset}",
        "有 {count} 个无法解码的字符已替换为 U+FFFD,第一个位于第 {offset} 字节",
    ),
    ("has {cells} cells, more than the header's {max}", "有 {cells} 个单元格,多于表头的 {max} 个"),
    ("has {cells} cells, fewer than the header's {min}", "有 {cells} 个单元格,少于表头的 {min} 个"),
    (
        "a cell holds lines that look like rows; a quote may be missing",
        "一个单元格中有看起来像是独立行的内容,可能缺少引号",
    ),
    (
        "column {column} has no name; its cells are left out, here and in later rows",
        "第 {column} 列没有名称;该列的单元格未被导入,以后各行也是如此",
    ),
    (
        "is not CSV: a quoted cell does not end; lines {line} to {last_line} were passed over",
        "不是合法的 CSV:带引号的单元格没有结束;跳过了第 {line} 至 {last_line} 行",
    ),
    (
        "is not CSV: text follows a quoted cell, or a quote in it is not doubled; lines {line} to {last_line} were passed over",
        "不是合法的 CSV:带引号的单元格之后还有文字,或其中的引号没有成对;跳过了第 {line} 至 {last_line} 行",
    ),
    (
        "is not CSV: its quoted cells span lines, and it has not as many cells as the header; lines {line} to {last_line} were passed over",
        "不是合法的 CSV:单元格跨越多行,而单元格数与表头不同;跳过了第 {line} 至 {last_line} 行",
    ),
    (
        "unknown column; did you mean `{suggestion}`? Then map it: columns={column}:{suggestion}, on the command line --columns {column}:{suggestion}",
        "未知的列。您是否想写 `{suggestion}`?如果是,请映射:columns={column}:{suggestion},命令行用 --columns {column}:{suggestion}",
    ),
    (
        "unknown column; map it to a key, or leave it out: columns={column}:, on the command line --columns {column}:",
        "未知的列。请把它映射到一个键,或略去它:columns={column}:,命令行用 --columns {column}:",
    ),
    (
        "must be a date like 2019-09-20, 2019/9/20 8:30 or 2019年9月20日, or a time as in RFC 3339",
        "必须是日期,例如 2019-09-20、2019/9/20 8:30 或 2019年9月20日,或 RFC 3339 格式的时间",
    ),
    (
        "is a number, which may be a day of a spreadsheet: dates=excel reads it, on the command line --excel-dates",
        "是一个数字,可能是电子表格中的日期:dates=excel 会读取它,命令行用 --excel-dates",
    ),
    ("must be the name of a time zone, like Asia/Shanghai", "必须是时区名称,例如 Asia/Shanghai"),
    ("must be one sign like `;` or `|`, or `tab`", "必须是一个符号,例如 `;` 或 `|`,或者 `tab`"),
    ("The header is not CSV: a quoted cell does not end.", "表头不是合法的 CSV:带引号的单元格没有结束。"),
    ("cannot be read", "无法读取"),
    // Passwords.
    ("must not be your email", "不能与邮箱相同"),
    ("must not be the name of the site", "不能与站点名称相同"),
    ("is too easy to guess", "太容易被猜到"),
    // Warnings.
    ("elements and attributes that are not allowed were removed: {list}", "已移除不允许的元素和属性:{list}"),
    (
        "frames, videos or sounds that became links to their addresses: {count}",
        "已改为指向其地址的链接的框架、视频或音频:{count}",
    ),
    (
        "addresses without a scheme and a host, kept as they are: {count}",
        "没有协议和主机名、已按原样保留的地址:{count}",
    ),
    (
        "tables that were closed, or had content outside of their cells that was moved: {count}",
        "已闭合或已移出单元格之外内容的表格:{count}",
    ),
    (
        "text filters removed {pinyin_glosses} glosses and folded {simplified} characters",
        "文本过滤器移除了 {pinyin_glosses} 处拼音注音,转换了 {simplified} 个字符",
    ),
    ("{count} invisible characters were removed", "移除了 {count} 个不可见字符"),
    ("cannot be read: {reason}", "无法读取:{reason}"),
    ("is replaced by line {line}, which has the same id", "被第 {line} 行取代,两行的编号相同"),
    (
        "is in the trash and stays there; restore=true takes it out",
        "在回收站中,未被恢复;可用 restore=true 恢复",
    ),
    ("must be a string", "必须是字符串"),
    ("must be an array of strings", "必须是字符串数组"),
    ("has more than {max}; the last {count} were left out", "超过 {max} 个;最后 {count} 个已略去"),
    ("was left out: another article has or has had {slug}", "已略去:另一篇文章正在使用或曾经使用 {slug}"),
    ("is no slug: {from} became {to}", "不符合格式:{from} 已改为 {to}"),
    ("is too long: {from} became {to}", "过长:{from} 已改为 {to}"),
    ("is reserved: {from} became {to}", "是保留字:{from} 已改为 {to}"),
    ("looks like an id: {from} became {to}", "形似编号:{from} 已改为 {to}"),
    ("is used by another article: {from} became {to}", "已被另一篇文章使用:{from} 已改为 {to}"),
    (
        "the slug {from} is used by another category, and became {to}",
        "网址标识 {from} 已被另一栏目使用,改为 {to}",
    ),
    ("the slug {from} cannot be used, and became {to}", "网址标识 {from} 无法使用,改为 {to}"),
    ("the slug {from} cannot be used; one is made from the name", "网址标识 {from} 无法使用,改由名称生成"),
    ("the name {from} was cut to {max} characters", "名称 {from} 已截为 {max} 个字符"),
    ("names {name} twice; it counts once", "两次出现 {name},只计一次"),
    ("the article with this id had the title {from}", "同一标识的文章原来的标题是 {from}"),
    (
        "the category {name} exists and keeps its description; left out: {description}",
        "栏目 {name} 已存在,保留原有说明;未采用:{description}",
    ),
    ("replaced what was edited here: {fields}", "覆盖了在此处所做的修改:{fields}"),
    (
        "was edited here and stays as it is; the row differs in {fields}",
        "在此处被修改过,因此保持不变;与这一行不同的字段:{fields}",
    ),
    ("replaces an earlier row that has the same id", "取代了之前编号相同的行"),
    ("has more than {max} characters as clean HTML", "清理后的 HTML 超过 {max} 个字符"),
    // Refusals.
    ("Not found.", "未找到。"),
    (
        "Send a valid access token as `Authorization: Bearer …`; POST /api/v1/auth/login gives one.",
        "请以 `Authorization: Bearer …` 提供有效的访问令牌;可通过 POST /api/v1/auth/login 获取。",
    ),
    (
        "The access token has expired; POST /api/v1/auth/refresh gives a new one.",
        "访问令牌已过期;可通过 POST /api/v1/auth/refresh 换取新的令牌。",
    ),
    (
        "The email or the password is wrong, or the email still waits for its confirmation; POST /api/v1/auth/email/resend sends the mail again.",
        "邮箱或密码错误,或者该邮箱尚待确认;可通过 POST /api/v1/auth/email/resend 重新发送确认邮件。",
    ),
    ("This is not your password.", "这不是您的密码。"),
    ("{count} faults; `errors` names each.", "共 {count} 处错误;`errors` 逐一列出。"),
    (
        "The current version is {version}; read it again and repeat the change.",
        "当前版本是 {version};请重新读取后再修改。",
    ),
    ("This path takes {methods}.", "这个路径支持 {methods}。"),
    ("Too many attempts; try again in {seconds} s.", "尝试次数过多,请在 {seconds} 秒后再试。"),
    ("Please try again in a moment.", "请稍后再试。"),
    (
        "The change may or may not have been stored. Read before you repeat it, or repeat it with the Idempotency-Key that you sent.",
        "修改可能已保存,也可能没有。重试之前请先读取,或用您发送过的 Idempotency-Key 重试。",
    ),
    (
        "Authors write drafts; publishing and archiving take the role editor or admin.",
        "作者只能写草稿;发布和归档需要编辑或管理员角色。",
    ),
    ("Authors change their own drafts only.", "作者只能修改自己的草稿。"),
    ("Setting views takes the role admin.", "设置浏览量需要管理员角色。"),
    ("Setting external_id takes the role editor or admin.", "设置 external_id 需要编辑或管理员角色。"),
    (
        "Asking by status or deleted takes the role author, editor or admin.",
        "按 status 或 deleted 查询需要作者、编辑或管理员角色。",
    ),
    (
        "Asking by status or deleted takes the role editor or admin.",
        "按 status 或 deleted 查询需要编辑或管理员角色。",
    ),
    ("This takes a member.", "需要成员登录。"),
    ("This takes the role author, editor or admin.", "需要作者、编辑或管理员角色。"),
    ("This takes the role editor or admin.", "需要编辑或管理员角色。"),
    ("This takes the role admin.", "需要管理员角色。"),
    ("This takes a key with the scope {scope}.", "需要带有 {scope} 权限范围的密钥。"),
    ("This takes a key with the scope {scope} besides.", "还需要密钥带有 {scope} 权限范围。"),
    ("This session has ended; sign in again.", "会话已结束,请重新登录。"),
    (
        "The token is not valid. It may be used, expired or replaced by a newer one.",
        "令牌无效。它可能已被使用、已过期,或已被新的令牌取代。",
    ),
    ("Line {line} failed; the first {rows} rows are done.", "第 {line} 行失败;前 {rows} 行已完成。"),
    ("Line {line} failed; nothing was written.", "第 {line} 行失败;没有写入任何内容。"),
    ("This is not for API keys.", "API 密钥不能用于此操作。"),
    ("An article with this external id exists.", "已有使用这个外部编号的文章。"),
    ("There is no such article to match.", "没有可供匹配的文章。"),
    ("Send the ETag of what you read as If-Match.", "请把读取时得到的 ETag 作为 If-Match 发送。"),
    ("The body took too long to arrive.", "请求体到达得太慢。"),
    ("The request took too long to arrive.", "请求到达得太慢。"),
    ("The request is not HTTP as RFC 9112 has it.", "请求不符合 HTTP(RFC 9112)。"),
    ("The body stopped arriving.", "请求体中断。"),
    ("The body may have at most {max} bytes.", "请求体最多 {max} 字节。"),
    ("The body is not JSON: {reason}.", "请求体不是 JSON:{reason}。"),
    ("is not JSON: {reason}", "不是 JSON:{reason}"),
    ("The body is not a JSON array: item {item}: {reason}.", "请求体不是 JSON 数组:第 {item} 项:{reason}。"),
    ("The body is too large: a line is too long.", "请求体过大:有一行过长。"),
    ("The body is too large: a row is too long.", "请求体过大:有一条记录过长。"),
    ("The body is too large: {reason}.", "请求体过大:{reason}。"),
    ("The body ended early.", "请求体提前结束。"),
    ("The body ended early: {reason}.", "请求体提前结束:{reason}。"),
    ("The body is not valid.", "请求体无效。"),
    ("A parameter is not valid.", "有参数无效。"),
    ("The body is not CSV.", "请求体不是 CSV。"),
    ("Send the body as it is, without Content-Encoding.", "请直接发送请求体,不要使用 Content-Encoding。"),
    ("Send the body as UTF-8.", "请以 UTF-8 发送请求体。"),
    (
        "Send JSON, labelled `Content-Type: application/json`.",
        "请发送 JSON,并标明 `Content-Type: application/json`。",
    ),
    ("The answer is application/json.", "响应是 application/json。"),
    (
        "The query string is not percent-encoded UTF-8 without NUL.",
        "查询字符串不是百分号编码的 UTF-8,或含有 NUL。",
    ),
    (
        "A request with this Idempotency-Key is still being worked on.",
        "带有这个 Idempotency-Key 的请求仍在处理。",
    ),
    ("This Idempotency-Key was sent with another request.", "这个 Idempotency-Key 已用于另一个请求。"),
    (
        "The site may have {max} categories (setting --max-categories).",
        "站点最多有 {max} 个栏目(设置 --max-categories)。",
    ),
    (
        "It holds {articles} articles (drafts and trash included) and {categories} categories; say with move_to which category takes them.",
        "其中有 {articles} 篇文章(含草稿和回收站)和 {categories} 个栏目;请用 move_to 指明由哪个栏目接收。",
    ),
    (
        "{max} rows in a row failed. Row {row} is the first that was not read; skip={skip} goes on there.",
        "连续 {max} 行失败。第 {row} 行起尚未读取;skip={skip} 可从那里继续。",
    ),
    ("A query string may have at most {max} parameters.", "查询字符串最多有 {max} 个参数。"),
    ("The Host header is not a name with an optional port.", "Host 标头不是带可选端口的名称。"),
    ("The Content-Length is beyond all measure.", "Content-Length 大得离谱。"),
    ("The charset is unknown.", "未知的字符集。"),
    ("Send the body uncompressed, or as gzip or zstd.", "请发送未压缩、gzip 或 zstd 格式的请求体。"),
    (
        "Send rows as application/x-ndjson, application/json or text/csv.",
        "请以 application/x-ndjson、application/json 或 text/csv 发送行。",
    ),
    ("This is the last active admin.", "这是最后一位可用的管理员。"),
    (
        "Pages of this origin may not send this method with these headers.",
        "这个来源的页面不能以这些标头发送这个方法的请求。",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameters that a sentence names, in order.
    fn parameters(sentence: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            sentence.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn both_languages_hold_the_same_parameters() {
        let mut known = std::collections::HashSet::new();
        for (english, chinese) in SENTENCES {
            assert_eq!(parameters(english), parameters(chinese), "{english}");
            assert!(chinese.chars().any(|c| c >= '\u{4e00}'), "{chinese}");
            assert!(known.insert(english), "{english} is there twice");
        }
    }
}
