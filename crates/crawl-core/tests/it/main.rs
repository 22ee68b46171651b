//! Integration tests of the spine.
//!
//! - `promise`: die before, in and after every write, restart, compare with an undisturbed run
//! - `pumping`: order, fetch ahead, stop, settings, cursors
//! - `store`: what is on disk, and what readers see of it
//! - `faults`: broken answers of a service
//! - `rates`: limits that are kept before they bite
//! - `redirects`, `downloads`, `stopping`, `services`, `proxies`: the door, against scripted answers (`wire`)
//! - `mapping`: maps over inputs, parts, shares and what gathers them, rounds
//! - `fetching`: files of a service: gone on with, verified, hostile
//! - `aside`: files that are fetched to be taken apart
//! - `dying`: die before, in and after every step of a file, restart, compare
//! - `killing`: `kill -9` in a large file that breaks off and changes; CPU and memory of it
//! - `keeping`: files that are made, work folders, the disk budget, files that are moved on
//! - `origin`: the server of those files
//! - `permits`, `signals`, `asking`: robots.txt, opt-outs of pages, and how sites are asked for it
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::needless_pass_by_value, missing_docs)]

mod aside;
mod asking;
mod downloads;
mod dying;
mod faults;
mod fetching;
mod keeping;
mod killing;
mod mapping;
mod origin;
mod permits;
mod promise;
mod proxies;
mod pumping;
mod rates;
mod redirects;
mod services;
mod signals;
mod stopping;
mod store;
mod tables;
mod wire;
