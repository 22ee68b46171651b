//! Tests of s3-uploader: against a real server in process, and against one that lies.

#![allow(clippy::unwrap_used, reason = "tests")]

mod behind;
mod carrying;
mod demanding;
mod desk;
mod ending;
mod fetching;
mod front;
mod hanging;
mod hostile;
mod into;
mod killing;
mod liar;
mod lying;
mod moving;
mod proxies;
mod removing;
mod secrets;
mod syncing;
