//! Answers that are sent while they are made.

/// The header that tells nginx to pass on each part at once. It would gather them until its buffers are full.
pub const UNBUFFERED: (&str, &str) = ("x-accel-buffering", "no");
