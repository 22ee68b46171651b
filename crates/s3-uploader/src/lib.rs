//! Files to S3: a move that deletes only what it can prove.
//!
//! A [`Job`] sends files into a [`Bucket`]: each is hashed as it is sent, shown to be there and equal
//! ([`Proof`]), noted in a durable [`Receipt`], and only then deleted.

mod audit;
mod behind;
mod client;
mod coding;
mod config;
mod dress;
#[cfg(feature = "cli")]
pub mod environment;
mod failure;
mod fetch;
mod gate;
mod in_vain;
mod job;
mod journal;
mod local;
mod multi;
mod objects;
mod probe;
mod proof;
pub mod receipt;
mod remote;
mod run;
mod single;
mod sums;
#[cfg(feature = "cli")]
mod upload;

pub use audit::audit;
pub use behind::{Behind, Moved};
pub use config::{Account, Checksums, CloudFile, Limits, Login, parse_address, shown_address};
pub use dress::{Dress, Lock};
pub use fetch::{Fetched, Wish};
pub use in_vain::InVain;
pub use job::{Done, Job, Plan, journal_path};
pub use journal::Journal;
pub use local::{Bounds, Choice, Listing, Local, Stamp, list};
pub use objects::{Object, ObjectPage, Unfinished};
pub use proof::{Proof, Proven};
pub use receipt::{Receipt, Receipts};
pub use remote::Bucket;
pub use run::{Summary, Watch, run};
pub use sums::Sums;
#[cfg(feature = "cli")]
pub use upload::UploadFlags;
