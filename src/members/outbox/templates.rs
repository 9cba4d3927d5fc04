//! The texts of the mails, in Simplified Chinese and in English.

use html_escape::{encode_double_quoted_attribute, encode_text};

use super::model::MailKind;
use crate::mail::MailText;

/// The site that sends a mail, and the language of the mail.
pub struct Site {
    /// The site's name.
    pub name: String,
    /// Whether the mail is in Simplified Chinese. Otherwise it is in English.
    pub chinese: bool,
}

/// The subject, the text, and the label of the link.
type Texts = (&'static str, &'static str, &'static str);

const WEBHOOK_DISABLED_IN_CHINESE: Texts = (
    "一个 webhook 已停用",
    "网站的一个 webhook 因接收方持续失败，或接收方表示不再接收，已被停用，不再收到通知。请在管理后台查看其投递记录，修复后重新启用。",
    "",
);
const WEBHOOK_DISABLED_IN_ENGLISH: Texts = (
    "A webhook was disabled",
    "A webhook of the site was disabled: its receiver has failed for days, or has answered that it wants no deliveries. It is told nothing any more. Its list of deliveries says what went wrong; enable it again when that is mended.",
    "",
);

fn chinese_texts(kind: MailKind) -> Texts {
    match kind {
        MailKind::Verify => (
            "请确认您的邮箱",
            "请点击下面的链接确认您的邮箱，链接 48 小时内有效。如果不是您本人注册，请忽略本邮件。",
            "确认邮箱",
        ),
        MailKind::AlreadyRegistered => (
            "您已经有账号了",
            "有人用这个邮箱注册，但它已经有账号了。如果是您本人，请直接登录；忘记密码可以在登录页找回。",
            "",
        ),
        MailKind::Reset => (
            "重设密码",
            "请点击下面的链接设置新密码，链接 30 分钟内有效，只能使用一次。如果不是您本人的请求，请忽略本邮件，密码不会改变。",
            "设置新密码",
        ),
        MailKind::ChangeEmail => (
            "请确认您的新邮箱",
            "请点击下面的链接确认新的邮箱，链接 48 小时内有效。确认之后需要重新登录。",
            "确认新邮箱",
        ),
        MailKind::PasswordChanged => (
            "您的密码已更改",
            "您账号的密码刚刚更改，所有设备都已退出登录。如果不是您本人操作，请立即重设密码。",
            "",
        ),
        MailKind::WebhookDisabled => WEBHOOK_DISABLED_IN_CHINESE,
        MailKind::Invitation => {
            ("邀请您加入", "我们为您创建了账号。请在 48 小时内点击下面的链接设置密码。", "设置密码")
        }
        MailKind::EmailChanged => {
            ("您的邮箱已更改", "您账号的邮箱已经换成另一个地址。如果不是您本人操作，请立即联系我们。", "")
        }
    }
}

fn english_texts(kind: MailKind) -> Texts {
    match kind {
        MailKind::Verify => (
            "Confirm your e-mail address",
            "Please confirm your e-mail address within 48 hours. If it was not you who registered, ignore this mail.",
            "Confirm the address",
        ),
        MailKind::AlreadyRegistered => (
            "You already have an account",
            "Somebody registered with this address, which already has an account. If it was you, sign in; a forgotten password can be replaced there.",
            "",
        ),
        MailKind::Reset => (
            "Choose a new password",
            "You can choose a new password within 30 minutes, once. If you did not ask for it, ignore this mail; your password stays as it is.",
            "Choose a new password",
        ),
        MailKind::Invitation => (
            "You are invited",
            "An account was made for you. Please choose a password within 48 hours.",
            "Choose a password",
        ),
        MailKind::ChangeEmail => (
            "Confirm your new e-mail address",
            "Please confirm your new address within 48 hours. You will have to sign in again after that.",
            "Confirm the new address",
        ),
        MailKind::EmailChanged => (
            "Your e-mail address was changed",
            "Your account now has another e-mail address. If it was not you who changed it, contact us at once.",
            "",
        ),
        MailKind::WebhookDisabled => WEBHOOK_DISABLED_IN_ENGLISH,
        MailKind::PasswordChanged => (
            "Your password was changed",
            "The password of your account was changed, and you were signed out everywhere. If it was not you, reset it at once.",
            "",
        ),
    }
}

/// Renders a mail. `link` is a URL and the token in it.
pub fn render_mail(
    kind: MailKind,
    site: &Site,
    name: &str,
    to: &str,
    link: Option<(String, String)>,
) -> MailText {
    let (subject, body, label) = if site.chinese { chinese_texts(kind) } else { english_texts(kind) };
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let greeting = match (site.chinese, name.trim()) {
        (true, "") => "您好：".to_owned(),
        (true, name) => format!("{name}，您好："),
        (false, "") => "Hello,".to_owned(),
        (false, name) => format!("Hello {name},"),
    };
    let (mut text, mut html) = (format!("{greeting}\n\n{body}\n"), String::new());
    html.push_str(&format!("<p>{}</p><p>{}</p>", encode_text(&greeting), encode_text(body)));
    if let Some((url, token)) = link {
        text.push_str(&format!("\n{label}: {url}\n\nToken: {token}\n"));
        html.push_str(&format!(
            "<p><a href=\"{}\">{label}</a></p><p>{}</p>",
            encode_double_quoted_attribute(&url),
            encode_text(&url)
        ));
    }
    text.push_str(&format!("\n{}\n", site.name));
    html.push_str(&format!("<p>{}</p>", encode_text(&site.name)));
    let subject: String = format!("{}: {subject}", site.name).chars().filter(|c| !c.is_control()).collect();
    MailText { to: to.to_owned(), subject, text, html }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_add_headers_or_markup() {
        let site = Site { name: "S\r\nBcc: x@example.org".to_owned(), chinese: false };
        let mail = render_mail(MailKind::Reset, &site, "<b>{{7*7}}</b>\r\n${x}", "a@example.org", None);
        assert!(!mail.subject.contains(['\r', '\n']));
        assert!(mail.text.starts_with("Hello <b>{{7*7}}</b>${x},\n"));
        assert!(mail.html.contains("&lt;b&gt;{{7*7}}&lt;/b&gt;"));
    }
}
