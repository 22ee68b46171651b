//! What a source is given with each page that it is asked for.

use crate::Stop;
use crate::files::Files;

/// What the pump gives a source with each page that it is asked for.
#[derive(Clone, Debug)]
pub struct Context {
    /// Cancelled when the user wishes to stop. Requests hear it by themselves where their door has the same one.
    pub stop: Stop,
    /// Where files of the page's records go; the sink decides what becomes of them.
    pub files: Files,
    /// How many rows may still be listed, where that is limited. The pump cuts what is more.
    pub rows_left: Option<u64>,
}
