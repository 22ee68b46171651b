//! stub
use super::object::Made;
use super::world::World;
pub(super) fn object(_: &World, _: &str, _: bool) -> Option<Made> {
    None
}
pub(super) fn slug(_: &World, index: u64) -> String {
    index.to_string()
}
pub(super) fn find(_: &World, _: &str) -> Option<u64> {
    None
}
