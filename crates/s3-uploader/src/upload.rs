//! `--upload` of the crawlers: their pages move to a bucket while they crawl.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Beside, Known, LogForm, Outcome, Session, counted, grouped, parse_size, say, size};
use crawl_core::{Checkpoint, Error, Kind, Pump, Source, Store, settings_of};

use crate::environment::{self, Asked};
use crate::{Behind, Bucket, CloudFile, Job, Limits, Moved, Plan};

/// Flags of every crawler.
#[derive(Args, Clone, Debug, Default)]
pub struct UploadFlags {
    /// Move each committed page, and the files it names, to s3://bucket/prefix while the next is fetched; a local
    /// file goes when its object is proven and its receipt is in ROOT/s3-receipts.jsonl
    #[arg(long, value_name = "ADDRESS", help_heading = "Upload")]
    pub upload: Option<String>,
    /// A file that says where the bucket is, also without --upload; see configs/examples/cloud.toml. Keys come from
    /// the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE) or the AWS files
    #[arg(long, value_name = "FILE", help_heading = "Upload")]
    pub cloud: Option<PathBuf>,
    /// Hold the crawl back while more than this waits for the bucket, such as 50GiB
    #[arg(long, value_name = "BYTES", value_parser = parse_size, help_heading = "Upload")]
    pub disk_budget: Option<u64>,
}

impl UploadFlags {
    /// Crawls into `store`, and moves its pages and the files that they name to the bucket, if one was named.
    ///
    /// # Errors
    /// Those of the crawl, of reaching the bucket, and of proving what is there; [`Kind::Config`] for flags that do
    /// not fit each other.
    pub async fn crawl(
        &self,
        session: &Session,
        source: &impl Source,
        store: &Store,
        options: Pump,
        known: Known<'_>,
    ) -> Result<(Checkpoint, Outcome)> {
        let Some(bucket) = self.bucket().await? else {
            return session.crawl(source, store, options, known).await;
        };
        let (bucket, plan) = bucket;
        let place = format!("s3://{}/{}", bucket.name(), plan.prefix.escape_debug());
        std::fs::create_dir_all(store.root())
            .map_err(|cause| Error::io("cannot make the root", store.root(), cause))?;
        // The receipts have a lock too, whose message would name a flag that crawlers do not have.
        store.hold(source.id()).await?;
        let receipts = store.root().join("s3-receipts.jsonl");
        let job = Job::new(bucket, plan, &receipts)?;
        let behind = Behind::new(store.clone(), job, settings_of(source, options), self.disk_budget);
        let waits = || match behind.waiting() {
            (0, _) => String::new(),
            (pages, bytes) => {
                format!(", waiting for the bucket: {} ({})", counted(pages, "page"), size(bytes))
            }
        };
        let mut moved = Moved::default();
        let run = async {
            moved = behind.run(source.id()).await?;
            Ok(())
        };
        let beside = Beside { run, end: &|| behind.end(), stop: &|| behind.stop() };
        let known = Known { beside: Some(&waits), ..known };
        let crawled = session.crawl_beside(source, &behind, store, options, known, beside).await;
        let (checkpoint, outcome) = crawled?;
        let left = checkpoint.pages.saturating_sub(moved.pages);
        if session.flags().log == LogForm::Json {
            say(serde_json::json!({
                "message": "moved", "source": source.id().as_str(), "to": place, "pages": moved.pages,
                "files": moved.files, "bytes": moved.bytes, "left": left, "receipts": receipts,
            }));
        } else {
            say(format!(
                "  in {place}: {}; waiting here: {}; this run moved {}, {}; receipts: {}",
                counted(moved.pages, "page"),
                grouped(left),
                counted(moved.files, "file"),
                size(moved.bytes),
                receipts.display()
            ));
        }
        Ok((checkpoint, if left > 0 { Outcome::Stopped } else { outcome }))
    }

    /// The bucket and what to do there; `None` if nothing is to be moved.
    async fn bucket(&self) -> Result<Option<(Bucket, Plan)>> {
        if self.upload.is_none() && self.cloud.is_none() {
            if self.disk_budget.is_some() {
                return Err(Error::new(Kind::Config, "--disk-budget is for pages that move to a bucket")
                    .advise("give --upload s3://bucket/prefix or --cloud FILE too")
                    .into());
            }
            return Ok(None);
        }
        let file = self.cloud.as_deref().map(CloudFile::read).transpose()?.unwrap_or_default();
        let (name, mut prefix) = file.place(self.upload.as_deref())?;
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        let account = environment::account(&file, Asked::default()).await?;
        let plan = Plan { prefix, dress: file.dress()?, delete: true, ..Plan::default() };
        Ok(Some((Bucket::new(&account, &name, Limits::default())?, plan)))
    }
}
