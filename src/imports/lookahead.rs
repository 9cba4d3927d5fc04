//! Reads bytes ahead of a parser that may return to where it began.

use std::io::{self, Read};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// A source whose bytes stay available until they are passed over.
pub(super) struct Lookahead<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the bytes begin that were not passed over.
    start: usize,
    has_ended: bool,
}

impl<R: Read> Lookahead<R> {
    /// Reads `source`.
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: Vec::new(), start: 0, has_ended: false }
    }

    /// The byte at `at`, counted from the first that was not passed over. `None` after the end.
    pub(super) fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        Ok(self.available(at)?.first().copied())
    }

    /// The byte at `at`, if it has been read already.
    pub(super) fn read_byte(&self, at: usize) -> Option<u8> {
        self.buffer.get(self.start + at).copied()
    }

    /// The bytes that have been read from `at` on. They are none only after the end.
    pub(super) fn available(&mut self, at: usize) -> io::Result<&[u8]> {
        while self.start + at >= self.buffer.len() && !self.has_ended {
            self.fill()?;
        }
        Ok(self.buffer.get(self.start + at..).unwrap_or_default())
    }

    /// Passes over bytes that have been read.
    pub(super) fn pass(&mut self, length: usize) {
        self.start = (self.start + length).min(self.buffer.len());
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + CHUNK_BYTES, 0);
        let read = loop {
            match self.source.read(&mut self.buffer[length..]) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(length + *read.as_ref().unwrap_or(&0));
        self.has_ended = read? == 0;
        Ok(())
    }
}
