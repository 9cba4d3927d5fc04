//! A queue of what is known of rows, in the order of their lines, which keeps in a file what is too much for memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bytes of the newest entries that stay in memory. Older ones wait in a file.
const MAX_TAIL_BYTES: usize = 256 << 10;
/// Bytes read from the file at a time.
const READ_BYTES: usize = 64 << 10;

/// A queue of entries with ascending lines. Its memory does not grow with their number.
#[derive(Debug)]
pub struct LineQueue<T> {
    /// The file, once there is one. It has no name, and goes with the queue.
    file: Option<File>,
    /// The end of what is in the file, and of what of it was read.
    written: u64,
    read: u64,
    /// The entries that are read next, and where the first of them begins.
    head: Vec<u8>,
    head_start: usize,
    /// The newest entries.
    tail: Vec<u8>,
    /// The first entry, if it was read already.
    first: Option<(u64, T)>,
}

/// An entry, as a line of JSON.
#[derive(Serialize, Deserialize)]
struct Entry<T> {
    line: u64,
    value: T,
}

impl<T> Default for LineQueue<T> {
    fn default() -> Self {
        let (head, tail) = (Vec::new(), Vec::new());
        Self { file: None, written: 0, read: 0, head, head_start: 0, tail, first: None }
    }
}

impl<T: Serialize + DeserializeOwned> LineQueue<T> {
    /// Adds the entry of a line. Fails if the file cannot be written.
    pub fn push(&mut self, line: u64, value: T) -> io::Result<()> {
        serde_json::to_writer(&mut self.tail, &Entry { line, value })?;
        self.tail.push(b'\n');
        if self.tail.len() > MAX_TAIL_BYTES {
            if self.file.is_none() {
                self.file = Some(tempfile::tempfile()?);
            }
            if let Some(file) = &self.file {
                file.write_all_at(&self.tail, self.written)?;
                self.written += self.tail.len() as u64;
                self.tail.clear();
            }
        }
        Ok(())
    }

    /// Returns the line of the first entry.
    pub fn first_line(&mut self) -> io::Result<Option<u64>> {
        if self.first.is_none() {
            self.first = self.read_entry()?;
        }
        Ok(self.first.as_ref().map(|(line, _)| *line))
    }

    /// Takes the first entry, if its line is at most `line`.
    pub fn pop_through(&mut self, line: u64) -> io::Result<Option<(u64, T)>> {
        let is_due = self.first_line()?.is_some_and(|first| first <= line);
        Ok(if is_due { self.first.take() } else { None })
    }

    fn read_entry(&mut self) -> io::Result<Option<(u64, T)>> {
        loop {
            let waiting = &self.head[self.head_start..];
            if let Some(length) = waiting.iter().position(|byte| *byte == b'\n') {
                let Entry { line, value } = serde_json::from_slice(&waiting[..length])?;
                self.head_start += length + 1;
                return Ok(Some((line, value)));
            }
            self.head.drain(..self.head_start);
            self.head_start = 0;
            if !self.refill()? {
                return Ok(None);
            }
        }
    }

    /// Moves further entries to the head. Returns whether there were any.
    fn refill(&mut self) -> io::Result<bool> {
        let left = self.written - self.read;
        if let Some(file) = self.file.as_ref().filter(|_| left > 0) {
            let length = left.min(READ_BYTES as u64) as usize;
            let start = self.head.len();
            self.head.resize(start + length, 0);
            file.read_exact_at(&mut self.head[start..], self.read)?;
            self.read += length as u64;
            return Ok(true);
        }
        self.head.append(&mut self.tail);
        Ok(!self.head.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_in_their_order_however_many_there_are() {
        let mut queue = LineQueue::default();
        let (mut taken, text) = (Vec::new(), "质量".repeat(20));
        for line in 1..=20_000_u64 {
            queue.push(line * 2, format!("{line} {text}\n")).unwrap();
            if line % 3_000 == 0 {
                while let Some((line, value)) = queue.pop_through(line).unwrap() {
                    taken.push((line, value));
                }
            }
        }
        assert!(queue.written > 1 << 20 && queue.head.len() + queue.tail.len() < 1 << 20);
        assert_eq!(queue.first_line().unwrap(), Some(taken.last().unwrap().0 + 2));
        while let Some((line, value)) = queue.pop_through(u64::MAX).unwrap() {
            taken.push((line, value));
        }
        assert_eq!(queue.first_line().unwrap(), None);
        let expected = (1..=20_000_u64).map(|line| (line * 2, format!("{line} {text}\n")));
        assert!(taken.into_iter().eq(expected));
    }

    #[test]
    fn an_entry_waits_for_its_line() {
        let mut queue = LineQueue::default();
        queue.push(5, "a".to_owned()).unwrap();
        assert_eq!(queue.pop_through(4).unwrap(), None);
        assert_eq!(queue.pop_through(5).unwrap(), Some((5, "a".to_owned())));
        assert_eq!(queue.pop_through(9).unwrap(), None);
        queue.push(7, "b".to_owned()).unwrap();
        assert_eq!(queue.pop_through(9).unwrap(), Some((7, "b".to_owned())));
    }
}
