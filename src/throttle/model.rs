//! The rules that limit attempts, and the state of a client under one of them.

/// A rule: the number of free attempts, and the waits of later ones.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The rule's name in the headers.
    pub name: &'static str,
    /// The number of attempts without a wait.
    pub free: i32,
    /// Seconds after the last attempt until the count is reset.
    pub window: i32,
    /// The longest wait, in seconds.
    pub longest: i32,
}

/// The state of a client under a rule, after an attempt was counted.
#[derive(Clone, Debug)]
pub struct LimitState {
    pub(super) rule: Rule,
    /// The key under which attempts are counted.
    pub(super) key: Vec<u8>,
    /// Attempts in this window, this one included.
    pub(super) attempts: i32,
    /// Seconds until the next attempt is accepted.
    pub(super) wait: i32,
    pub(super) refused: bool,
}

impl LimitState {
    /// Whether this was the last attempt without a wait.
    pub fn is_spent(&self) -> bool {
        self.attempts == self.rule.free
    }
}
