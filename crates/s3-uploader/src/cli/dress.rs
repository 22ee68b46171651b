//! What is written with each object: flags, then the cloud file.

use crawl_cli::clap::{self, Args};
use crawl_core::{Error, Kind, Result};
use s3_uploader::{CloudFile, Dress, Lock};

/// What is written with each object.
#[derive(Args, Debug)]
#[command(next_help_heading = "Objects")]
pub(crate) struct DressArgs {
    /// The storage class, such as STANDARD_IA
    #[arg(long, value_name = "CLASS")]
    storage_class: Option<String>,
    /// The content type [default: by the name's ending]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// How long others may keep it, such as max-age=3600
    #[arg(long, value_name = "TEXT")]
    cache_control: Option<String>,
    /// Metadata; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    metadata: Vec<String>,
    /// A tag; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    tag: Vec<String>,
    /// Encryption at rest: AES256 or aws:kms
    #[arg(long, value_name = "WAY")]
    sse: Option<String>,
    /// The KMS key, for --sse aws:kms
    #[arg(long, value_name = "ID", requires = "sse")]
    sse_kms_key_id: Option<String>,
    /// A canned ACL, such as bucket-owner-full-control
    #[arg(long, value_name = "NAME")]
    acl: Option<String>,
    /// Lock each object against removal: GOVERNANCE or COMPLIANCE, in a bucket with Object Lock
    #[arg(long, value_name = "MODE", requires = "retain_days")]
    object_lock: Option<String>,
    /// For how many days --object-lock holds
    #[arg(long, value_name = "N", requires = "object_lock")]
    retain_days: Option<u32>,
    /// Hold each object until somebody ends the hold, in a bucket with Object Lock
    #[arg(long)]
    legal_hold: bool,
}

impl DressArgs {
    /// The dress of each object; a flag goes before the cloud file.
    pub(crate) fn dress(&self, file: &CloudFile, no_overwrite: bool) -> Result<Dress> {
        let given = file.dress()?;
        let tags = pairs(&self.tag, "a tag is given as name=value")?;
        let lock = match (&self.object_lock, self.retain_days) {
            (Some(mode), Some(days)) => Some(Lock::new(mode, days)?),
            _ => given.lock,
        };
        Ok(Dress {
            storage_class: self.storage_class.clone(),
            content_type: self.content_type.clone(),
            cache_control: self.cache_control.clone().or(given.cache_control),
            metadata: pairs(&self.metadata, "metadata is given as name=value")?,
            tags: if tags.is_empty() { given.tags } else { tags },
            // The file's key belongs to the file's way.
            sse_key: if self.sse.is_some() { self.sse_kms_key_id.clone() } else { given.sse_key },
            sse: self.sse.clone().or(given.sse),
            acl: self.acl.clone().or(given.acl),
            lock,
            legal_hold: self.legal_hold || given.legal_hold,
            no_overwrite,
        })
    }
}

fn pairs(texts: &[String], what: &str) -> Result<Vec<(String, String)>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Error::new(Kind::Config, what).at(text)),
    };
    texts.iter().map(pair).collect()
}
