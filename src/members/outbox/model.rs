//! The kinds of mail.

use crate::db::types::text_enum;

text_enum! {
    /// The kind of a mail.
    MailKind {
        /// Verify the email.
        Verify => "verify",
        /// Somebody registered an email that has an account.
        AlreadyRegistered => "already_registered",
        /// Choose a new password.
        Reset => "reset",
        /// An admin created the account: choose a password.
        Invitation => "invitation",
        /// Verify the new email.
        ChangeEmail => "change_email",
        /// The email was changed; sent to the old email.
        EmailChanged => "email_changed",
        /// The password was changed.
        PasswordChanged => "password_changed",
        /// A webhook was disabled; sent to the admins.
        WebhookDisabled => "webhook_disabled",
    }
}
