//! Copies and moves: send, prove, write the receipt, and only then delete.

mod names;

use std::path::Path;
use std::sync::Arc;

use crawl_core::{Error, Kind, Result, Scope};

use crate::gate::Size;
use crate::local::{Local, delete, read, sha256};
use crate::multi::{Large, Sent};
use crate::probe::Probe;
use crate::proof::{Proof, Proven, Trust, prove};
use crate::receipt::{Receipt, Receipts};
use crate::remote::Bucket;
use crate::single::{self, Over};
use crate::sums::Sums;
use crate::{Dress, Journal};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 1024;

/// What a job does, beside sending.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What is put before each name to make its key.
    pub prefix: String,
    /// What is written with each object.
    pub dress: Dress,
    /// The proof to take; the strongest that the server gives, if `None`.
    pub proof: Option<Proof>,
    /// Delete the local file once its receipt is on the disk.
    pub delete: bool,
}

/// A copy or move of files into a bucket, with its receipts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Job {
    bucket: Bucket,
    plan: Arc<Plan>,
    receipts: Receipts,
    journal: Arc<Journal>,
    probe: Arc<Probe>,
}

/// A file that is in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its key.
    pub key: String,
    /// Its sums.
    pub sums: Sums,
    /// How that was shown.
    pub proven: Proven,
    /// Whether it was there from an earlier run, so that nothing was sent.
    pub was_there: bool,
}

impl Job {
    /// Opens the receipts at `receipts`, and the journal of multipart uploads beside them.
    ///
    /// # Errors
    /// Those of [`Receipts::open`] and [`Journal::open`].
    pub fn new(bucket: Bucket, plan: Plan, receipts: &Path) -> Result<Self> {
        let kept = Receipts::open(receipts)?;
        let journal = Arc::new(Journal::open(&journal_path(receipts))?);
        let probe = Arc::new(Probe::new(&plan.prefix, &plan.dress, journal.mark()));
        Ok(Job { bucket, plan: Arc::new(plan), receipts: kept, journal, probe })
    }

    /// The same job, but that it replaces no object that differs.
    pub(crate) fn that_replaces_nothing(self) -> Self {
        let mut plan = Plan::clone(&self.plan);
        plan.dress.no_overwrite = true;
        Job { plan: Arc::new(plan), ..self }
    }

    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// What this job does.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What tells these receipts from others: the same in each run.
    pub(crate) fn mark(&self) -> &str {
        self.journal.mark()
    }

    /// Asks the server what it checks; [`Job::one`] would ask as well.
    ///
    /// # Errors
    /// Those of reaching the server; [`Kind::Storage`] if the wanted proof is worth nothing there.
    pub async fn begin(&self) -> Result<()> {
        self.trust().await.map(|_| ())
    }

    async fn trust(&self) -> Result<Trust> {
        let trust = boxed(self.probe.trust(&self.bucket)).await?;
        let worthless = match self.plan.proof {
            Some(Proof::Checksum) => !trust.checksum,
            Some(Proof::Etag) => !trust.etag,
            Some(Proof::Readback) | None => false,
        };
        if worthless {
            let what = "this server was not seen to check what it is sent, so its word proves nothing";
            return Err(Error::new(Kind::Storage, what)
                .at(self.bucket.name())
                .advise("use --proof readback, or leave --proof out"));
        }
        Ok(trust)
    }

    /// The key of a file.
    ///
    /// # Errors
    /// [`Kind::Config`] if it is empty or too long.
    pub fn key(&self, file: &Local) -> Result<String> {
        let key = format!("{}{}", self.plan.prefix, file.name);
        if key.is_empty() || key.len() > LONGEST_KEY {
            let what = format!("a key has 1 to {LONGEST_KEY} bytes, this one {}", key.len());
            return Err(Error::new(Kind::Config, what)
                .at(crate::local::shown(&file.path))
                .with_scope(Scope::Record)
                .advise("the file is kept; rename it or choose a shorter prefix"));
        }
        Ok(key)
    }

    /// Sends one file, proves it, writes its receipt, deletes it if the plan says so.
    ///
    /// # Errors
    /// Whatever went wrong: the local file is then still there.
    pub async fn one(&self, file: &Local) -> Result<Done> {
        self.send(file, None).await
    }

    /// As [`Job::one`], for a file that must have this SHA-256.
    pub(crate) async fn one_that_is(&self, file: &Local, sha256: &str) -> Result<Done> {
        self.send(file, Some(sha256)).await
    }

    /// Whether so large a file goes in parts: what was sent of one is not sent again after a break.
    pub(crate) fn goes_in_parts(&self, file: &Local) -> bool {
        file.stamp.size() > self.bucket.limits().part_from
    }

    async fn send(&self, file: &Local, sha256: Option<&str>) -> Result<Done> {
        let key = self.key(file)?;
        let mut trust = self.trust().await?;
        // Only the ETag is asked for: then it has to be worked out.
        trust.checksum &= self.plan.proof != Some(Proof::Etag);
        let (sums, proven, was_there) = self.there(file, &key, trust, sha256).await?;
        // No receipt for other bytes, so that they stay here too.
        must_be(file, &sums, sha256)?;
        let receipt = Receipt::new(self.bucket.name(), &key, &file.path, sums.clone(), proven.clone());
        self.receipts.add(&receipt).await?;
        if self.plan.delete {
            delete(file, &sums.sha256).await?;
        }
        Ok(Done { key, sums, proven, was_there })
    }

    /// Brings the file into the bucket, and shows that it is there.
    async fn there(
        &self,
        file: &Local,
        key: &str,
        trust: Trust,
        sha256: Option<&str>,
    ) -> Result<(Sums, Proven, bool)> {
        if let Some(found) = self.earlier(file, key, trust).await? {
            return Ok((found.0, found.1, true));
        }
        if self.plan.dress.no_overwrite
            && let Some(found) = self.taken(file, key, trust).await?
        {
            return Ok((found.0, found.1, true));
        }
        if self.goes_in_parts(file) {
            return Box::pin(self.large(file, key, trust)).await;
        }
        let room = self.bucket.gate().room(Size::Whole, file.stamp.size()).await;
        let (bytes, sums) = read(file, trust.wants_md5()).await?;
        must_be(file, &sums, sha256)?;
        let over = if self.plan.dress.no_overwrite { Over::Nothing } else { Over::Anything };
        let sent = single::put(&self.bucket, key, &self.plan.dress, trust, (&bytes, &sums), &over).await;
        drop(room);
        match sent {
            Ok(()) => self.prove(key, &sums, trust).await.map(|proven| (sums, proven, false)),
            // It may be there all the same, from this try or an earlier run.
            Err(failure) if failure.passes() || failure.error.status() == Some(412) => self
                .prove(key, &sums, trust)
                .await
                .map(|proven| (sums, proven, false))
                .map_err(|_| failure.error),
            Err(failure) => Err(failure.error),
        }
    }

    /// What has the key already, where nothing may be replaced: an equal object is as good as sent. Servers that
    /// ignore If-None-Match, for objects in parts or for all, make it necessary to look.
    async fn taken(&self, file: &Local, key: &str, trust: Trust) -> Result<Option<(Sums, Proven)>> {
        match crate::proof::head(&self.bucket, key).await {
            Ok(_) => {}
            Err(error) if error.kind() == Kind::Gone => return Ok(None),
            Err(error) => return Err(error),
        }
        let large = self.as_large(file, key, trust);
        let sums = match self.goes_in_parts(file) {
            true => large.sums().await?,
            false => read(file, trust.wants_md5()).await?.1,
        };
        match self.prove(key, &sums, trust).await {
            Ok(proven) => {
                large.forget().await;
                Ok(Some((sums, proven)))
            }
            Err(error) if error.kind() == Kind::Storage => Err(self.bucket.taken(key)),
            Err(error) => Err(error),
        }
    }

    fn as_large<'a>(&'a self, file: &'a Local, key: &'a str, trust: Trust) -> Large<'a> {
        let (bucket, dress, journal) = (&self.bucket, &self.plan.dress, &self.journal);
        Large { bucket, file, key, dress, trust, journal }
    }

    async fn large(&self, file: &Local, key: &str, mut trust: Trust) -> Result<(Sums, Proven, bool)> {
        trust.checksum = trust.checksum && self.probe.trusts_parts(&self.bucket).await?;
        let large = self.as_large(file, key, trust);
        let mut again = true;
        loop {
            let Sent { sums, upload, lost, doubt } = large.send().await?;
            match (self.prove(key, &sums, trust).await, doubt) {
                (Ok(proven), _) => {
                    self.journal.ended(&upload)?;
                    return Ok((sums, proven, false));
                }
                // Neither the upload nor the object is there: somebody ended it. Once more from the beginning.
                (Err(error), _) if lost && again && error.kind() == Kind::Storage => {
                    self.journal.ended(&upload)?;
                    again = false;
                }
                // It may still be completed: the next run goes on with it.
                (Err(_), Some(doubt)) => return Err(doubt),
                (Err(error), None) => {
                    // It was completed, and what is there is not what was sent: the next run begins anew.
                    if error.kind() == Kind::Storage {
                        self.journal.ended(&upload)?;
                    }
                    return Err(error);
                }
            }
        }
    }

    /// A file whose receipt is there already: sent and proven before a crash, or copied by an earlier run.
    async fn earlier(&self, file: &Local, key: &str, trust: Trust) -> Result<Option<(Sums, Proven)>> {
        let known = self.receipts.find(self.bucket.name(), key)?.map(|receipt| receipt.sums);
        let Some(known) = known.filter(|known| known.size == file.stamp.size()) else { return Ok(None) };
        if sha256(file).await? != known.sha256 {
            return Ok(None);
        }
        match self.prove(key, &known, trust).await {
            Ok(proven) => Ok(Some((known, proven))),
            Err(error) if matches!(error.kind(), Kind::Storage | Kind::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn prove(&self, key: &str, sums: &Sums, trust: Trust) -> Result<Proven> {
        prove(&self.bucket, key, sums, trust, self.plan.proof).await.map_err(|error| match error.kind() {
            Kind::Gone => Error::new(Kind::Storage, "the server took the object and does not have it")
                .at(self.bucket.place(key))
                .with_scope(Scope::Record)
                .advise("the file is kept; run the same command again; if it stays, look at the server"),
            _ => error,
        })
    }
}

/// Whether the bytes are those that were meant.
fn must_be(file: &Local, sums: &Sums, sha256: Option<&str>) -> Result<()> {
    if sha256.is_none_or(|sha256| sums.sha256 == sha256) {
        return Ok(());
    }
    Err(Error::new(Kind::Storage, "the file is not what was verified before it was sent")
        .at(crate::local::shown(&file.path))
        .with_scope(Scope::Record)
        .advise("somebody wrote to it; it is kept: move it away and run the same command again"))
}

/// The journal that belongs to receipts.
pub fn journal_path(receipts: &Path) -> std::path::PathBuf {
    let mut name = receipts.as_os_str().to_owned();
    name.push(".journal");
    name.into()
}

/// A future in a place of its own. The SDK's are deep, and a crawl that waits for one would be too deep for the compiler.
pub(crate) fn boxed<'f, T>(future: impl Future<Output = T> + Send + 'f) -> futures::future::BoxFuture<'f, T> {
    Box::pin(future)
}
