//! The outbox: mail to be sent, written in the transaction it belongs to.
//!
//! A request only says that a mail is due; whether the account exists, and
//! what the mail says, is found out when it is sent. So an answer depends
//! neither on the account nor on the mail server. A row holds no secret: the
//! token in a mail follows from the row's id and the site's secret, so that a
//! mail sent twice after a crash is the same mail.

pub mod model;
pub mod queries;
mod templates;
pub mod worker;
