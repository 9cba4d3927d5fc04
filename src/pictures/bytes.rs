//! Numbers in bytes, read without a panic.

/// The 16-bit number at `at`, most significant byte first.
pub fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    read(bytes, at).map(u16::from_be_bytes)
}

/// The 32-bit number at `at`, most significant byte first.
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    read(bytes, at).map(u32::from_be_bytes)
}

/// The 16-bit number at `at`, least significant byte first.
pub fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    read(bytes, at).map(u16::from_le_bytes)
}

/// The 24-bit number at `at`, least significant byte first.
pub fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    read(bytes, at).map(|[a, b, c]: [u8; 3]| u32::from_le_bytes([a, b, c, 0]))
}

/// The 32-bit number at `at`, least significant byte first.
pub fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    read(bytes, at).map(u32::from_le_bytes)
}

/// The `N` bytes at `at`.
pub fn read<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}
