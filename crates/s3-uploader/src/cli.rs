//! Flags and commands of `s3-uploader`.

pub(crate) mod door;
pub(crate) mod dress;
pub(crate) mod filter;
pub(crate) mod into;
pub(crate) mod progress;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod send;
pub(crate) mod sync;

use std::path::PathBuf;
use std::time::Duration;

use crawl_cli::clap::{self, Args, Parser, Subcommand, ValueEnum};
use crawl_cli::{Flags, PlainCommand};
use door::Door;
use dress::DressArgs;
use filter::FilterArgs;
use s3_uploader::Proof;

/// Files to S3, and a move that deletes only what it can prove.
///
/// Run the same command again to go on after a stop or a crash: nothing is lost, finished parts are not sent twice.
#[derive(Parser, Debug)]
#[command(name = "s3-uploader", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Send a file or folder, prove that it is there, write receipts
    #[command(after_help = "\
Examples:
  s3-uploader copy data/out s3://bucket/2026-11-23
  s3-uploader copy data/out --cloud configs/examples/cloud.toml --include '*.jsonl'")]
    Copy(SendArgs),
    /// As copy; then delete each file whose object is proven and whose receipt is on the disk
    #[command(after_help = "\
Examples:
  s3-uploader move data/out s3://bucket/2026-11-23 --receipts data/receipts.jsonl
  s3-uploader move data/out s3://bucket/in --proof readback --bandwidth 20MiB")]
    Move(SendArgs),
    /// Copy what is not there yet or differs, by size and by the checksum or ETag that the bucket tells: no receipts are
    /// needed. From s3:// to s3:// nothing is fetched; from s3:// to a folder each object is proven as by get, by --receipts
    /// too if they are named. Nothing is removed, but for --delete in a folder
    #[command(after_help = "\
Examples:
  s3-uploader sync data/out s3://bucket/2026-11-23 --newer-than 7d
  s3-uploader sync s3://bucket/2026-11-23/ s3://archive/2026-11-23/ --include '*.jsonl'
  s3-uploader sync s3://bucket/2026-11-23/ back --delete --max-delete 100 --yes")]
    Sync(SyncArgs),
    /// Audit a bucket from receipts alone; nothing is written to it
    Verify(VerifyArgs),
    /// List objects
    Ls(LsArgs),
    /// Fetch an object, or all below a prefix that ends in /, and show that it is what the bucket tells
    #[command(after_help = "\
Examples:
  s3-uploader get s3://bucket/2026-11-23/ back
  s3-uploader get s3://bucket/2026-11-23/ back --receipts data/receipts.jsonl")]
    Get(GetArgs),
    /// Remove an object, or all below a prefix with --recursive
    #[command(after_help = "\
Examples:
  s3-uploader rm s3://bucket/2026-11-23/a.jsonl
  s3-uploader rm s3://bucket/2026-11-23 --recursive --max-delete 1000 --yes")]
    Rm(RmArgs),
    /// Print an address under which anyone may fetch an object for a while
    Presign(PresignArgs),
    /// End uploads in parts that nobody will finish
    Cleanup(CleanupArgs),
    #[command(flatten)]
    Shared(PlainCommand),
}

#[derive(Args, Debug)]
pub(crate) struct SendArgs {
    /// The file or folder; folders keep their structure, links are not followed. To sync also s3://bucket/prefix
    pub(crate) from: PathBuf,
    /// Where to, as s3://bucket/prefix; may be left out with --cloud. To sync from s3:// also a folder
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Only tell what would be sent
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where the receipts go; one command at a time may write there [default: s3-receipts.jsonl in the folder that is
    /// sent, or beside the file]
    #[arg(long, value_name = "FILE")]
    pub(crate) receipts: Option<PathBuf>,
    /// How to prove that an object equals its file [default: the strongest that the server gives]
    #[arg(long, value_enum)]
    pub(crate) proof: Option<ProofFlag>,
    /// Remove folders that a move has emptied
    #[arg(long)]
    pub(crate) remove_empty_folders: bool,
    /// One JSON object a file on stdout, and one for the summary
    #[arg(long)]
    pub(crate) json: bool,
    /// Refuse to replace an object that differs
    #[arg(long, help_heading = "Objects")]
    pub(crate) no_overwrite: bool,
    #[command(flatten)]
    pub(crate) dress: DressArgs,
    #[command(flatten)]
    pub(crate) door: Door,
}

#[derive(Args, Debug)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) send: SendArgs,
    /// Into a folder: remove files, of those that are meant, that the bucket does not have
    #[arg(long, help_heading = "Into a folder")]
    pub(crate) delete: bool,
    /// Do not ask before --delete removes
    #[arg(long, short, requires = "delete", help_heading = "Into a folder")]
    pub(crate) yes: bool,
    /// Remove nothing if there are more than so many
    #[arg(long, value_name = "N", requires = "delete", help_heading = "Into a folder")]
    pub(crate) max_delete: Option<u64>,
    /// Take objects whose ETag is not the MD5 of their bytes: this service's ETags are something else
    #[arg(long, help_heading = "Into a folder")]
    pub(crate) any_etag: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum ProofFlag {
    /// The checksum that is stored with the object, of a server that was seen to check checksums
    Checksum,
    /// The ETag worked out again, of a server that was seen to check MD5s
    Etag,
    /// Every byte read back
    Readback,
}

impl From<ProofFlag> for Proof {
    fn from(flag: ProofFlag) -> Self {
        match flag {
            ProofFlag::Checksum => Proof::Checksum,
            ProofFlag::Etag => Proof::Etag,
            ProofFlag::Readback => Proof::Readback,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The receipts
    pub(crate) receipts: PathBuf,
    /// Read every byte back, whatever the receipt's proof
    #[arg(long)]
    pub(crate) deep: bool,
    /// One JSON object an object on stdout
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) door: Door,
}

#[derive(Args, Debug)]
pub(crate) struct LsArgs {
    /// Where, as s3://bucket/prefix
    pub(crate) at: Option<String>,
    /// One JSON object an object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) door: Door,
}

#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    /// The object, as s3://bucket/key, or a prefix that ends in /
    pub(crate) from: String,
    /// The file or folder [default: the last part of the key, here]
    pub(crate) to: Option<PathBuf>,
    /// Below a prefix, leave files that are here as they are, equal or not
    #[arg(long)]
    pub(crate) skip_existing: bool,
    /// Compare what comes with these receipts, before anything that the bucket tells
    #[arg(long, value_name = "FILE")]
    pub(crate) receipts: Option<PathBuf>,
    /// Take objects whose ETag is not the MD5 of their bytes: this service's ETags are something else
    #[arg(long)]
    pub(crate) any_etag: bool,
    #[command(flatten)]
    pub(crate) door: Door,
}

#[derive(Args, Debug)]
pub(crate) struct RmArgs {
    /// The object, as s3://bucket/key
    pub(crate) at: String,
    /// The object of this name and all below it, as below a folder: s3://bucket/a means a and a/..., and not ab
    #[arg(long)]
    pub(crate) recursive: bool,
    /// Do not ask before many are removed
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Remove nothing if there are more than so many
    #[arg(long, value_name = "N")]
    pub(crate) max_delete: Option<u64>,
    /// Only tell what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) door: Door,
}

#[derive(Args, Debug)]
pub(crate) struct PresignArgs {
    /// The object, as s3://bucket/key
    pub(crate) at: String,
    /// For how long, such as 15m, 12h or 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = door::parse_time)]
    pub(crate) valid: Duration,
    #[command(flatten)]
    pub(crate) door: Door,
}

#[derive(Args, Debug)]
pub(crate) struct CleanupArgs {
    /// Where, as s3://bucket/prefix
    pub(crate) at: Option<String>,
    /// Only uploads that were begun so long ago, such as 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = door::parse_time)]
    pub(crate) older_than: Duration,
    /// Only tell what would be ended
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) door: Door,
}
