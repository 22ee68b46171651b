//! What vanished: only a whole pass that did not find it says so.

use super::run::Run;
use super::time::Micros;

/// The whole passes of a catalogue.
pub(super) struct Passes {
    /// When each began, rising, and the earliest end of it and of those that began later.
    ends: Vec<(Micros, Micros)>,
}

impl Passes {
    pub(super) fn of(runs: &[Run]) -> Self {
        let mut ends: Vec<_> =
            runs.iter().filter(|run| run.part.is_none()).map(|run| (run.begun, run.until)).collect();
        ends.sort_unstable();
        let mut earliest = None;
        for (_, end) in ends.iter_mut().rev() {
            let end_here = earliest.map_or(*end, |earliest: Micros| earliest.min(*end));
            (*end, earliest) = (end_here, Some(end_here));
        }
        Passes { ends }
    }

    /// When it was known that a repository was gone that was last seen at that time: the end of the first whole pass that
    /// began later, and so did not find it. What was never listed cannot be gone from the listing.
    pub(super) fn gone_at(&self, last: Option<Micros>) -> Option<Micros> {
        let last = last?;
        let place = self.ends.partition_point(|(begun, _)| *begun <= last);
        self.ends.get(place).map(|(_, end)| *end)
    }
}
