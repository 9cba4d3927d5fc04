//! The codes of problems: each listed once, with its status, its name, its title and its meaning.

use actix_web::http::StatusCode;

use crate::language::Language;

macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $status:ident $text:literal $title:literal, $title_zh:literal $meaning_zh:literal;)+) => {
        /// The stable name of a problem; clients may branch on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $meaning])+ $name),+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The status, and the text in `code`.
            const fn entry(self) -> (StatusCode, &'static str) {
                match self { $(Self::$name => (StatusCode::$status, $text)),+ }
            }

            /// What the code means, in a few words.
            pub const fn title(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::English) => $title, (Self::$name, Language::Chinese) => $title_zh,)+
                }
            }

            /// What the code means, in a sentence.
            pub const fn meaning(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::English) => concat!($($meaning),+).trim_ascii(),
                      (Self::$name, Language::Chinese) => $meaning_zh,)+
                }
            }
        }
    };
}

codes! {
    /// A parameter's value is not one of those it can have.
    InvalidParameter = BAD_REQUEST "invalid_parameter" "Invalid parameter", "参数无效" "参数的值不在允许的范围内。";
    /// The operation has no such parameter.
    UnknownParameter = BAD_REQUEST "unknown_parameter" "Unknown parameter", "未知参数" "这个操作没有这个参数。";
    /// A parameter is given more than once.
    RepeatedParameter = BAD_REQUEST "repeated_parameter" "Repeated parameter", "参数重复" "同一个参数出现了不止一次。";
    /// The cursor was not made by this list with these filters.
    InvalidCursor = BAD_REQUEST "invalid_cursor" "Invalid cursor", "游标无效" "游标不是由这个列表以相同的筛选条件生成的。";
    /// The cursor is too old to be gone on from, or of another audience.
    CursorExpired = GONE "cursor_expired" "Cursor expired", "游标已失效" "游标过旧,或属于另一类读者,无法继续;请重新获取快照。";
    /// The page is too deep for page numbers.
    PageTooDeep = BAD_REQUEST "page_too_deep" "Page too deep", "页码过大" "页码超出了按页码翻页的范围,请改用游标。";
    /// The body is not JSON.
    MalformedJson = BAD_REQUEST "malformed_json" "Malformed JSON", "JSON 格式错误" "请求体不是合法的 JSON。";
    /// The token that came by mail is not valid (any more).
    InvalidToken = BAD_REQUEST "invalid_token" "Invalid token", "令牌无效" "邮件中的令牌无效或已失效。";
    /// The request itself cannot be understood.
    BadRequest = BAD_REQUEST "bad_request" "Bad request", "请求错误" "无法理解这个请求。";
    /// No credential, or one that is not valid (any more).
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Not signed in", "未登录" "没有提供凭据,或凭据无效。";
    /// The access token has expired; a refresh token gives a new one.
    TokenExpired = UNAUTHORIZED "token_expired" "Token expired", "令牌已过期" "访问令牌已过期,请用刷新令牌换取新的令牌。";
    /// The e-mail address and the password do not belong together, or the address waits for its confirmation.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "Wrong e-mail or password", "邮箱或密码错误" "邮箱与密码不匹配,或该邮箱尚待确认。";
    /// The refresh token is not valid (any more).
    InvalidRefreshToken = UNAUTHORIZED "invalid_refresh_token" "Session ended", "会话已结束" "刷新令牌无效或已失效,请重新登录。";
    /// Signed in, but without the right.
    Forbidden = FORBIDDEN "forbidden" "Not allowed", "没有权限" "已登录,但没有执行此操作的权限。";
    /// The password that was to prove who is asking is wrong.
    WrongPassword = FORBIDDEN "wrong_password" "Wrong password", "密码错误" "用于确认身份的密码不正确。";
    /// There is no such thing, or none that you may know of.
    NotFound = NOT_FOUND "not_found" "Not found", "未找到" "没有这个内容,或您无权知道它是否存在。";
    /// The path exists, but not with this method.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed", "方法不允许" "这个路径存在,但不支持这个方法。";
    /// The answer is JSON, and the request does not accept that.
    NotAcceptable = NOT_ACCEPTABLE "not_acceptable" "Not acceptable", "无法接受" "响应是 JSON,而请求不接受 JSON。";
    /// The body took too long to arrive.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "Request timed out", "请求超时" "请求体到达得太慢。";
    /// The slug is in use.
    SlugTaken = CONFLICT "slug_taken" "Slug taken", "网址标识已被占用" "这个网址标识(slug)已被使用。";
    /// The external id is in use.
    ExternalIdTaken = CONFLICT "external_id_taken" "External id taken", "外部编号已被占用" "这个外部编号已被使用。";
    /// The e-mail address belongs to another member.
    EmailTaken = CONFLICT "email_taken" "E-mail taken", "邮箱已被占用" "这个邮箱属于另一位成员。";
    /// The category still holds articles or categories.
    CategoryInUse = CONFLICT "category_in_use" "Category in use", "栏目仍在使用" "栏目中还有文章或子栏目。";
    /// The move would put a category inside itself.
    CategoryCycle = CONFLICT "category_cycle" "Category inside itself", "栏目不能包含自身" "这次移动会使栏目位于自身之内。";
    /// The site has as many categories as its settings allow.
    TooManyCategories = CONFLICT "too_many_categories" "Too many categories", "栏目过多" "站点的栏目数已达到设置允许的上限。";
    /// A site has as many menus as it can have.
    TooManyMenus = CONFLICT "too_many_menus" "Too many menus", "菜单过多" "站点的菜单数已达到上限。";
    /// The site has as many webhooks as it can have.
    TooManyWebhooks = CONFLICT "too_many_webhooks" "Too many webhooks", "Webhook 过多" "站点的 webhook 数已达到上限。";
    /// As many former secrets of the webhook sign as can at a time.
    TooManySecrets = CONFLICT "too_many_secrets" "Too many secrets", "密钥过多" "这个 webhook 仍在签名的旧密钥数已达到上限。";
    /// The caller has as many uploads under way as one may have.
    TooManyUploads = CONFLICT "too_many_uploads" "Too many uploads", "上传过多" "未完成的上传已达到上限。";
    /// A job is renaming the tag, or another one to it.
    TagBusy = CONFLICT "tag_busy" "Tag being renamed", "标签正在更名" "有任务正在更改这个标签的名称,请等待任务结束。";
    /// Something still uses the media.
    MediaInUse = CONFLICT "media_in_use" "Media in use", "媒体仍在使用" "还有内容在使用这个媒体。";
    /// Other media have the id.
    MediaIdTaken = CONFLICT "media_id_taken" "Media id taken", "媒体编号已被占用" "这个编号属于另一个媒体。";
    /// The upload has another offset, or another request adds to it.
    OffsetMismatch = CONFLICT "offset_mismatch" "Offset mismatch", "偏移量不符" "上传的偏移量与已收到的字节数不符,或另一个请求正在追加内容。";
    /// A request with this `Idempotency-Key` is being worked on.
    IdempotencyInFlight = CONFLICT "idempotency_in_flight" "Request in flight", "请求处理中" "带有这个 `Idempotency-Key` 的请求正在处理。";
    /// The site would be left without an active admin.
    LastAdmin = CONFLICT "last_admin" "Last admin", "最后一位管理员" "站点必须保留至少一位可用的管理员。";
    /// The thing changed since it was read.
    VersionMismatch = PRECONDITION_FAILED "version_mismatch" "Changed meanwhile", "内容已被修改" "您读取之后,内容已被修改。";
    /// `If-None-Match: *` was sent, and the thing exists.
    AlreadyExists = PRECONDITION_FAILED "already_exists" "Already exists", "已存在" "请求带有 `If-None-Match: *`,而该内容已经存在。";
    /// The version of the protocol for resumable uploads is not known.
    UnknownTusVersion = PRECONDITION_FAILED "unknown_tus_version" "Unknown tus version", "未知的 tus 版本" "不支持这个版本的断点续传协议。";
    /// The body is larger than the operation takes.
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" "Body too large", "请求体过大" "请求体超过了这个操作允许的大小。";
    /// The head of the request is larger than the server takes.
    HeadTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE "head_too_large" "Head too large", "请求头过大" "请求头超过了服务器允许的大小。";
    /// The body is not `application/json`.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type", "不支持的媒体类型" "请求体不是 `application/json`。";
    /// The file is of a type that is not taken.
    UnsupportedFile = UNSUPPORTED_MEDIA_TYPE "unsupported_file" "Unsupported file", "不支持的文件" "不接受这种类型的文件。";
    /// The range of bytes is not in the file.
    InvalidRange = RANGE_NOT_SATISFIABLE "invalid_range" "Invalid range", "范围无效" "所请求的字节范围不在文件之内。";
    /// The file is damaged, too large when it is unpacked, or was found to be harmful.
    RefusedFile = UNPROCESSABLE_ENTITY "refused_file" "Refused file", "文件被拒绝" "文件已损坏、展开后过大,或被判定为有害。";
    /// The file could not be fetched from its address.
    FetchFailed = UNPROCESSABLE_ENTITY "fetch_failed" "Fetch failed", "下载失败" "无法从该网址下载文件。";
    /// The bytes that arrived do not have the checksum that was sent along.
    ChecksumMismatch = BAD_REQUEST "checksum_mismatch" "Checksum mismatch", "校验和不符" "收到的字节与随请求发送的校验和不符。";
    /// The body has faults; `errors` names each.
    InvalidBody = UNPROCESSABLE_ENTITY "invalid_body" "Invalid body", "请求体无效" "请求体有错误,`errors` 逐一列出。";
    /// A key the operation does not know.
    UnknownField = UNPROCESSABLE_ENTITY "unknown_field" "Unknown field", "未知字段" "这个操作没有这个字段。";
    /// A key given more than once.
    DuplicateField = UNPROCESSABLE_ENTITY "duplicate_field" "Duplicate field", "字段重复" "同一个字段出现了不止一次。";
    /// A required key is absent.
    MissingField = UNPROCESSABLE_ENTITY "missing_field" "Missing field", "缺少字段" "缺少必填的字段。";
    /// A value of another type.
    WrongType = UNPROCESSABLE_ENTITY "wrong_type" "Wrong type", "类型错误" "值的类型不对。";
    /// Too long, or too many.
    TooLong = UNPROCESSABLE_ENTITY "too_long" "Too long", "过长" "内容过长,或项目过多。";
    /// Too short, or too few.
    TooShort = UNPROCESSABLE_ENTITY "too_short" "Too short", "过短" "内容过短,或项目过少。";
    /// Below the smallest or above the largest value.
    OutOfRange = UNPROCESSABLE_ENTITY "out_of_range" "Out of range", "超出范围" "值小于最小值或大于最大值。";
    /// Not one of the known values.
    UnknownValue = UNPROCESSABLE_ENTITY "unknown_value" "Unknown value", "未知的值" "值不是已知的选项之一。";
    /// Not of the required form.
    InvalidFormat = UNPROCESSABLE_ENTITY "invalid_format" "Invalid format", "格式错误" "值的格式不符合要求。";
    /// Names a thing that does not exist.
    UnknownReference = UNPROCESSABLE_ENTITY "unknown_reference" "Unknown reference", "引用不存在" "引用的内容不存在。";
    /// An import stopped at a row that failed.
    ImportAborted = UNPROCESSABLE_ENTITY "import_aborted" "Import aborted", "导入中止" "导入在失败的行处停止。";
    /// The reader of a foreign file could not read this article. The row says why.
    UnreadableRow = UNPROCESSABLE_ENTITY "unreadable_row" "Unreadable row", "行无法读取" "外部文件中的这篇文章无法读取,行中写明了原因。";
    /// Text that is not CSV; the row says why, and which lines were passed over.
    MalformedCsv = UNPROCESSABLE_ENTITY "malformed_csv" "Malformed CSV", "CSV 格式错误" "这里的文本不是合法的 CSV,行中写明了原因和跳过的行。";
    /// A row of CSV has fewer cells than the header.
    MissingCells = UNPROCESSABLE_ENTITY "missing_cells" "Missing cells", "缺少单元格" "CSV 的这一行的单元格少于表头。";
    /// A cell holds lines that look like rows of their own.
    RowsInCell = UNPROCESSABLE_ENTITY "rows_in_cell" "Rows in a cell", "单元格中似有多行" "单元格中有看起来像是独立行的内容,可能缺少引号。";
    /// A column of CSV has no name, and its cells are left out.
    UnnamedColumn = UNPROCESSABLE_ENTITY "unnamed_column" "Unnamed column", "列没有名称" "CSV 有一列没有名称,该列的单元格未被导入。";
    /// A row repeats the id of an earlier one.
    RepeatedRow = UNPROCESSABLE_ENTITY "repeated_row" "Repeated row", "行重复" "这一行与之前的行编号相同。";
    /// Another article has nearly the same text.
    PossibleDuplicate = UNPROCESSABLE_ENTITY "possible_duplicate" "Possible duplicate", "可能重复" "已有文章的正文与此几乎相同。";
    /// Elements or attributes of a body were removed.
    MarkupDropped = UNPROCESSABLE_ENTITY "markup_dropped" "Markup removed", "标记已移除" "正文中不允许的元素或属性已被移除。";
    /// A frame or a medium became a link.
    EmbedLinked = UNPROCESSABLE_ENTITY "embed_linked" "Embed became a link", "嵌入内容已改为链接" "框架、视频或音频已改为指向其地址的链接。";
    /// An address has no scheme and host.
    RelativeAddress = UNPROCESSABLE_ENTITY "relative_address" "Relative address", "相对地址" "有的地址没有协议和主机名,已按原样保留。";
    /// A table was closed, or content moved out of it.
    TableRepaired = UNPROCESSABLE_ENTITY "table_repaired" "Table repaired", "表格已修复" "表格未闭合,或单元格之外有内容,已修复。";
    /// Text filters changed the texts of a row.
    TextFiltered = UNPROCESSABLE_ENTITY "text_filtered" "Text filtered", "文本已过滤" "文本过滤器修改了这一行的文本。";
    /// Invisible characters of a row were removed.
    CharactersRemoved = UNPROCESSABLE_ENTITY "characters_removed" "Characters removed", "字符已移除" "这一行中的不可见字符已被移除。";
    /// U+FFFD took the place of bytes that are no text in the character set.
    CharactersReplaced = UNPROCESSABLE_ENTITY "characters_replaced" "Characters replaced", "字符已替换" "无法解码的字符已替换为 U+FFFD。";
    /// The resource of a row is in the trash and stays there.
    KeptInTrash = UNPROCESSABLE_ENTITY "kept_in_trash" "Kept in the trash", "保留在回收站" "这一行的内容在回收站中,未被恢复。";
    /// A row replaced what was edited since the last import.
    EditsOverwritten = UNPROCESSABLE_ENTITY "edits_overwritten" "Edits overwritten", "修改已被覆盖" "这一行覆盖了上次导入之后所做的修改。";
    /// An article was edited since the last import, and stays as it is.
    EditsKept = UNPROCESSABLE_ENTITY "edits_kept" "Edits kept", "修改已保留" "文章在上次导入之后被修改过,因此保持不变。";
    /// A slug could not be used, and was changed.
    SlugChanged = UNPROCESSABLE_ENTITY "slug_changed" "Slug changed", "网址标识已更改" "网址标识(slug)无法使用,已改为另一个。";
    /// A former slug could not be kept.
    FormerSlugDropped = UNPROCESSABLE_ENTITY "former_slug_dropped" "Former slug dropped", "旧网址标识已舍弃" "旧的网址标识(slug)无法保留。";
    /// Something of a row's category was changed.
    CategoryChanged = UNPROCESSABLE_ENTITY "category_changed" "Category changed", "栏目已更改" "这一行的栏目名称、网址标识或层级已更改。";
    /// The description of a category was not taken over.
    DescriptionDropped = UNPROCESSABLE_ENTITY "description_dropped" "Description dropped", "说明已舍弃" "栏目已存在,这一行给出的说明未采用。";
    /// A row of an import replaced the title of the article with its id.
    TitleReplaced = UNPROCESSABLE_ENTITY "title_replaced" "Title replaced", "标题已替换" "这一行替换了同一标识的文章的标题,可能是另一篇文章。";
    /// Bytes that are no text in the character set.
    InvalidEncoding = UNPROCESSABLE_ENTITY "invalid_encoding" "Invalid encoding", "编码错误" "有的字节在该字符集中不是文本。";
    /// The password is one that is guessed first, like the member's own e-mail address.
    WeakPassword = UNPROCESSABLE_ENTITY "weak_password" "Weak password", "密码太弱" "这个密码太容易被猜到,例如与邮箱相同。";
    /// The `Idempotency-Key` was sent with another request.
    IdempotencyMismatch = UNPROCESSABLE_ENTITY "idempotency_mismatch" "Idempotency key reused", "幂等键被重复使用" "这个 `Idempotency-Key` 已用于另一个请求。";
    /// The server is set to require `If-Match`.
    PreconditionRequired = PRECONDITION_REQUIRED "precondition_required" "Precondition required", "需要前提条件" "服务器设置为必须提供 `If-Match`。";
    /// Too many attempts; wait.
    TooManyRequests = TOO_MANY_REQUESTS "too_many_requests" "Too many attempts", "尝试过多" "尝试次数过多,请稍后再试。";
    /// Overloaded, or the database is away; try again.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Unavailable", "暂不可用" "服务器过载,或数据库不可用,请稍后再试。";
    /// The connection was lost while a change was being stored: it may or may not be there.
    OutcomeUnknown = SERVICE_UNAVAILABLE "outcome_unknown" "Outcome unknown", "结果未知" "保存修改时连接中断:修改可能已保存,也可能没有。";
    /// A fault of the server.
    Internal = INTERNAL_SERVER_ERROR "internal" "Internal error", "内部错误" "服务器发生错误。";
}

impl Code {
    /// The status an answer with this code has. A warning has none of its own.
    pub fn status(self) -> StatusCode {
        match self {
            // The number is that of tus 1.0 (extension checksum), which no registry has.
            Self::ChecksumMismatch => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
            _ => self.entry().0,
        }
    }
    /// Whether the code is of a warning, which stands in the answer of a write that was done.
    pub const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::PossibleDuplicate
                | Self::MarkupDropped
                | Self::EmbedLinked
                | Self::RelativeAddress
                | Self::TableRepaired
                | Self::TextFiltered
                | Self::CharactersRemoved
                | Self::KeptInTrash
                | Self::EditsOverwritten
                | Self::EditsKept
                | Self::SlugChanged
                | Self::FormerSlugDropped
                | Self::CategoryChanged
                | Self::DescriptionDropped
                | Self::TitleReplaced
        )
    }
    /// The code as clients see it.
    pub const fn as_str(self) -> &'static str {
        self.entry().1
    }
}
