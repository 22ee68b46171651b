//! Tests of the library against sources of our own and recorded ones.
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "tests")]

mod desk;
mod hostile;
mod leaderboard;
mod notebooks;
mod python;
mod r;
mod remote;
mod samples;
mod sections;
mod unpacking;
mod unpacking_attacks;
