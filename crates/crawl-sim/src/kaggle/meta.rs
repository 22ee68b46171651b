//! stub
use super::world::World;
use crate::http::answer::Source;
use std::sync::Arc;
pub(super) struct Table {
    pub(super) length: u64,
    pub(super) crc32c: u32,
}
impl Source for Table {
    fn fill(&self, _: u64, _: &mut [u8]) {}
}
pub(super) fn names() -> Vec<&'static str> {
    vec![]
}
pub(super) fn guess(_: &World, _: &str) -> u64 {
    0
}
pub(super) fn table(_: &World, _: &str) -> Option<Arc<Table>> {
    None
}
