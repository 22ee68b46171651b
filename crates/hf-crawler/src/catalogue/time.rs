//! Points in time as Parquet keeps them.

use crawl_core::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970; what is finer is cut, so that a time that was stored is the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Micros(pub(super) i64);

impl From<Timestamp> for Micros {
    fn from(time: Timestamp) -> Self {
        Micros(time.as_microsecond())
    }
}

impl Micros {
    pub(super) fn time(self) -> Timestamp {
        // Only times that were read become `Micros`.
        Timestamp::from_microsecond(self.0).unwrap_or_default()
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.time().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Micros::from)
    }
}
