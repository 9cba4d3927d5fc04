//! Which segments are merged into one.

use std::collections::HashSet;

use tantivy::SegmentMeta;
use tantivy::index::SegmentId;
use tantivy::merge_policy::{LogMergePolicy, MergeCandidate, MergePolicy};

/// Segments of one size that are merged into one. With fewer, each document is written more often.
const MERGED_SEGMENTS: usize = 10;
/// Documents up to which segments are of one size.
const SMALL_SEGMENT_DOCS: u32 = 64;
/// Documents from which a segment is written anew for what was removed. A smaller one is soon merged with others: an article
/// that is changed again and again would have each of them written anew after each commit.
const LARGE_SEGMENT_DOCS: u32 = 2_000;
/// The ratio of removed documents from which a large segment is written anew.
const MAX_REMOVED_RATIO: f32 = 0.3;

/// Merges segments of one size, and writes large ones anew of which much was removed.
#[derive(Debug)]
pub(super) struct Merging {
    by_size: LogMergePolicy,
}

impl Default for Merging {
    fn default() -> Self {
        let mut by_size = LogMergePolicy::default();
        by_size.set_min_num_segments(MERGED_SEGMENTS);
        by_size.set_min_layer_size(SMALL_SEGMENT_DOCS);
        by_size.set_level_log_size(2.0);
        Self { by_size }
    }
}

impl MergePolicy for Merging {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let mut candidates = self.by_size.compute_merge_candidates(segments);
        let merged: HashSet<SegmentId> =
            candidates.iter().flat_map(|candidate| candidate.0.clone()).collect();
        let is_worn = |segment: &&SegmentMeta| {
            let removed = segment.num_deleted_docs() as f32 / segment.max_doc().max(1) as f32;
            segment.max_doc() >= LARGE_SEGMENT_DOCS && removed > MAX_REMOVED_RATIO
        };
        let worn = segments.iter().filter(is_worn).filter(|segment| !merged.contains(&segment.id()));
        candidates.extend(worn.map(|segment| MergeCandidate(vec![segment.id()])));
        candidates
    }
}
