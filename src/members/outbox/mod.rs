//! The outbox: mails to be sent, inserted in the transaction of their change.
//!
//! A request only inserts a row. The worker checks whether the account exists
//! and writes the mail when it sends it, so the answer to the request depends
//! neither on the account nor on the mail server. A row holds no secret: the
//! token in a mail is derived from the row's id and the site's secret, so a mail
//! that is sent twice after a crash is the same mail.

pub mod model;
pub mod queries;
mod templates;
pub mod worker;
