//! Integration tests of the spine.
//!
//! - `promise`: die before, in and after every write, restart, compare with an undisturbed run
//! - `pumping`: order, fetch ahead, stop, settings, cursors
//! - `store`: what is on disk, and what readers see of it
//! - `faults`: broken answers of a service
//! - `rates`: limits that are kept before they bite
//! - `fetching`: files of a service: gone on with, verified, hostile
//! - `origin`: the server of those files
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

mod faults;
mod fetching;
mod origin;
mod promise;
mod pumping;
mod rates;
mod store;
mod tables;
