//! Reads what another thread sends.

use std::io::{self, Read};
use std::sync::mpsc::Receiver;

/// Joins the pieces from a channel into one stream of bytes, which ends when the sender is gone.
pub struct ChannelReader {
    pieces: Receiver<Vec<u8>>,
    current: io::Cursor<Vec<u8>>,
}

impl ChannelReader {
    /// Reads the pieces that arrive.
    pub fn new(pieces: Receiver<Vec<u8>>) -> Self {
        Self { pieces, current: io::Cursor::default() }
    }
}

impl Read for ChannelReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.current.read(into)? {
                0 => match self.pieces.recv() {
                    Err(_) => return Ok(0),
                    Ok(piece) => self.current = io::Cursor::new(piece),
                },
                length => return Ok(length),
            }
        }
    }
}
