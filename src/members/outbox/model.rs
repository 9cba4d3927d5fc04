//! The kinds of mail.

use crate::db::types::text_enum;

text_enum! {
    /// What a mail is about.
    MailKind {
        /// Confirm the address.
        Verify => "verify",
        /// Somebody registered an address that has an account.
        AlreadyRegistered => "already_registered",
        /// Choose a new password.
        Reset => "reset",
        /// An admin made the account: choose a password.
        Invitation => "invitation",
        /// Confirm the new address.
        ChangeEmail => "change_email",
        /// The address was changed (to the old one).
        EmailChanged => "email_changed",
        /// The password was changed.
        PasswordChanged => "password_changed",
    }
}
