//! What lies under names below the prefix of a job: for a crawl that keeps its pages there.

use std::path::Path;

use bytes::Bytes;
use crawl_core::{Error, Kind, Result};

use super::{Job, boxed};
use crate::proof::prove;
use crate::receipt::Receipt;
use crate::single::{self, Over};
use crate::sums::Sums;

impl Job {
    /// What the last receipt of a name says was sent.
    pub(crate) fn receipt_of(&self, name: &str) -> Result<Option<Sums>> {
        let key = format!("{}{name}", self.plan.prefix);
        Ok(self.receipts.find(self.bucket.name(), &key)?.map(|receipt| receipt.sums))
    }

    /// What lies under a name, with a receipt that says so. What its receipt tells of and is there no more counts for
    /// nothing; what is there and has no receipt, or another one, is read through and gets one.
    pub(crate) async fn kept(&self, name: &str) -> Result<Option<Sums>> {
        let key = format!("{}{name}", self.plan.prefix);
        let trust = self.trust().await?;
        if let Some(sums) = self.receipt_of(name)? {
            match prove(&self.bucket, &key, &sums, trust, None).await {
                Ok(_) => return Ok(Some(sums)),
                Err(error) if matches!(error.kind(), Kind::Gone | Kind::Storage) => {}
                Err(error) => return Err(error),
            }
        }
        match crate::proof::read_through(&self.bucket, &key).await {
            Ok((sums, proven)) => {
                let receipt = Receipt::new(self.bucket.name(), &key, Path::new(name), sums.clone(), proven);
                self.receipts.add(&receipt).await?;
                Ok(Some(sums))
            }
            Err(error) if error.kind() == Kind::Gone => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends bytes that are no file under a name, replaces what is there, and proves them; no receipt.
    pub(crate) async fn put_bytes(&self, name: &str, bytes: Bytes) -> Result<()> {
        let key = format!("{}{name}", self.plan.prefix);
        let trust = self.trust().await?;
        let sums = crate::sums::whole(&bytes, trust.wants_md5());
        let put = single::put(&self.bucket, &key, &self.plan.dress, trust, (&bytes, &sums), &Over::Anything);
        boxed(put).await?;
        boxed(self.prove(&key, &sums, trust)).await.map(|_| ())
    }

    /// What is under a name now, as a condition of replacing it.
    pub(crate) async fn over(&self, name: &str) -> Result<Over> {
        match boxed(crate::proof::head(&self.bucket, &format!("{}{name}", self.plan.prefix))).await {
            Ok(head) => Ok(head.e_tag().map_or(Over::Anything, |etag| Over::Just(etag.to_owned()))),
            Err(error) if error.kind() == Kind::Gone => Ok(Over::Nothing),
            Err(error) => Err(error),
        }
    }

    /// As [`Job::put_bytes`], if what is under the name is still as it was; `false` if it is not.
    pub(crate) async fn put_over(&self, name: &str, bytes: Bytes, over: &Over) -> Result<bool> {
        let key = format!("{}{name}", self.plan.prefix);
        let trust = self.trust().await?;
        let sums = crate::sums::whole(&bytes, trust.wants_md5());
        match boxed(single::put(&self.bucket, &key, &self.plan.dress, trust, (&bytes, &sums), over)).await {
            Ok(()) => {}
            // An earlier try may have come through: then what is there is ours. If-Match of what is gone is a 404.
            Err(failure)
                if *over != Over::Anything && matches!(failure.error.status(), Some(404 | 409 | 412)) =>
            {
                return match boxed(self.prove(&key, &sums, trust)).await {
                    Ok(_) => Ok(true),
                    Err(error) if error.kind() == Kind::Storage => Ok(false),
                    Err(error) => Err(error),
                };
            }
            Err(failure) => return Err(failure.error),
        }
        boxed(self.prove(&key, &sums, trust)).await.map(|_| true)
    }

    /// The bytes under a name; `None` if there are none.
    pub(crate) async fn read_bytes(&self, name: &str) -> Result<Option<Bytes>> {
        boxed(self.bucket.read(&format!("{}{name}", self.plan.prefix))).await
    }

    /// The names below a prefix of names.
    pub(crate) async fn names_below(&self, names: &str) -> Result<Vec<String>> {
        let (mut found, mut at) = (Vec::new(), None);
        loop {
            let page = self.bucket.list(&format!("{}{names}", self.plan.prefix), at.as_deref()).await?;
            let keys = page.objects.into_iter().map(|object| object.key);
            found.extend(keys.filter_map(|key| key.strip_prefix(&self.plan.prefix).map(str::to_owned)));
            at = page.next;
            if at.is_none() {
                return Ok(found);
            }
        }
    }

    /// Gives what is under a name another name.
    pub(crate) async fn rename(&self, name: &str, to: &str) -> Result<()> {
        let prefix = &self.plan.prefix;
        let (from, to) = (format!("{prefix}{name}"), format!("{prefix}{to}"));
        self.bucket.rename(&from, &to, &self.plan.dress).await
    }

    /// Shows that what was sent earlier is still in the bucket.
    pub(crate) async fn still_there(&self, name: &str, sums: &Sums) -> Result<()> {
        let trust = self.trust().await?;
        let proven = prove(&self.bucket, &format!("{}{name}", self.plan.prefix), sums, trust, None).await;
        proven.map(|_| ()).map_err(|error| match error.kind() {
            Kind::Gone | Kind::Storage => {
                Error::new(Kind::Storage, "what was moved is not in the bucket any more, or is another")
                    .at(self.place(name))
                    .because(error)
                    .advise("restore the object, or crawl into a new root and prefix")
            }
            _ => error,
        })
    }

    /// How messages name what is under a name.
    pub(crate) fn place(&self, name: &str) -> String {
        self.bucket.place(&format!("{}{name}", self.plan.prefix))
    }
}
