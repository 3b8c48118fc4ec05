//! Counts what was wrong with media messages, so that each sort is logged once and its number at the end. Pure.

use std::collections::HashMap;

use crate::ports::MediaAnomaly;

/// The anomalies of one stream.
#[derive(Debug, Default)]
pub(super) struct Anomalies(HashMap<MediaAnomaly, u64>);

impl Anomalies {
    /// One more; how many of its sort there are now.
    pub(super) fn count(&mut self, anomaly: MediaAnomaly) -> u64 {
        let count = self.0.entry(anomaly).or_default();
        *count += 1;
        *count
    }

    /// The sorts that came more than once: the first was logged when it came.
    pub(super) fn take_repeated(&mut self) -> Vec<(MediaAnomaly, u64)> {
        std::mem::take(&mut self.0).into_iter().filter(|(_, count)| *count > 1).collect()
    }
}
