//! Imports and exports through the API.

use clap::Args;

/// Megabytes that one import needs besides its rows: buffers, the window of zstd, a long line.
const BASE_OF_IMPORT: u32 = 24;
/// Imports that run at a time, if there is memory for them.
const MAX_PARALLEL_IMPORTS: u32 = 4;

/// Imports and exports through the API.
#[derive(Args, Clone, Debug)]
pub struct Transfers {
    /// Megabytes that all imports together may use. Later ones wait, or get 503.
    #[arg(long, env = "INKSTONE_IMPORT_MEMORY", default_value_t = 192, value_parser = clap::value_parser!(u32).range(48..=65_536), value_name = "MB")]
    pub import_memory: u32,
}

impl Transfers {
    /// Returns the number of imports that may run at a time.
    pub fn parallel_imports(&self) -> usize {
        (self.import_memory / (2 * BASE_OF_IMPORT)).clamp(1, MAX_PARALLEL_IMPORTS) as usize
    }

    /// Returns the bytes for the rows of all imports together.
    pub fn row_memory(&self) -> usize {
        let base = self.parallel_imports() * BASE_OF_IMPORT as usize;
        (self.import_memory as usize).saturating_sub(base) << 20
    }
}
