//! Integration tests of the spine.
//!
//! - `promise`: die before, in and after every write, restart, compare with an undisturbed run
//! - `pumping`: order, fetch ahead, stop, settings, cursors
//! - `store`: what is on disk, and what readers see of it
//! - `faults`: broken answers of a service
//! - `rates`: limits that are kept before they bite
//! - `redirects`, `downloads`, `stopping`, `services`, `proxies`: the door, against scripted answers (`wire`)
//! - `fetching`: files: resumed, verified, hostile
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

mod downloads;
mod faults;
mod fetching;
mod promise;
mod proxies;
mod pumping;
mod rates;
mod redirects;
mod services;
mod stopping;
mod store;
mod tables;
mod wire;
