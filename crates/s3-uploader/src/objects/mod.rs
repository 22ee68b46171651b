//! What is in a bucket: listed, fetched, removed, shared for a while; and uploads that nobody will finish.

mod listing;

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use crawl_core::{Error, Kind, Result};
use futures::StreamExt;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::Dress;
use crate::coding::coded;
use crate::failure::Failure;
use crate::remote::{Bucket, ContentMd5};
pub(crate) use listing::Rounds;
pub use listing::{Object, ObjectPage, Unfinished};

impl Bucket {
    /// The bytes of a small object; `None` if there is none.
    pub(crate) async fn read(&self, key: &str) -> Result<Option<bytes::Bytes>> {
        self.again(|| self.read_once(key)).await
    }

    async fn read_once(&self, key: &str) -> Result<Option<bytes::Bytes>> {
        let once = || self.client().get_object().bucket(self.name()).key(key).send();
        let answer = match self.send("fetching", key, 0, once).await {
            Ok(answer) => answer,
            Err(failure) if failure.error.kind() == Kind::Gone => return Ok(None),
            Err(failure) => return Err(failure.error),
        };
        let broke = || Error::new(Kind::Transient, "the body broke off").at(self.place(key));
        let body = tokio::time::timeout(self.limits().timeout, answer.body.collect()).await;
        let body = body.map_err(|_| broke())?.map_err(|cause| broke().because(cause))?;
        Ok(Some(body.into_bytes()))
    }

    /// Removes an object. One that is not there is no error.
    ///
    /// # Errors
    /// Those of reaching the server.
    pub async fn remove(&self, key: &str) -> Result<()> {
        let once = || self.client().delete_object().bucket(self.name()).key(key).send();
        self.send("removing", key, 0, once).await?;
        Ok(())
    }

    /// Removes up to 1,000 objects with one request, or one by one where the service knows no other way, or does not tell what
    /// became of them. Gives those that stay, each with its error.
    ///
    /// # Errors
    /// Those that concern all.
    pub async fn remove_all(&self, keys: &[String]) -> Result<Vec<Error>> {
        match self.remove_in_bulk(keys).await {
            Ok((mut stay, untold)) => {
                stay.extend(self.remove_each(&untold).await?);
                Ok(stay)
            }
            Err(error) if error.concerns_all() && error.kind() != Kind::Config => Err(error),
            // It knows no such request, or a key holds what XML cannot.
            Err(error) if matches!(error.status(), Some(400 | 403 | 404 | 405 | 411 | 501)) => {
                self.remove_each(keys).await
            }
            Err(error) => Err(error),
        }
    }

    async fn remove_each(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Error>> {
        let each = keys.iter().map(|key| self.remove(key.as_ref()));
        let mut each = futures::stream::iter(each).buffer_unordered(32);
        let mut stay = Vec::new();
        while let Some(result) = each.next().await {
            match result {
                Err(error) if error.concerns_all() => return Err(error),
                result => stay.extend(result.err()),
            }
        }
        Ok(stay)
    }

    /// The errors of those that stay, and the keys of which nothing is told.
    async fn remove_in_bulk<'a>(&self, keys: &'a [String]) -> Result<(Vec<Error>, Vec<&'a str>)> {
        let one = |key: &String| ObjectIdentifier::builder().key(key).build();
        let all = keys.iter().map(one).collect::<std::result::Result<Vec<_>, _>>();
        let list = all.and_then(|all| Delete::builder().set_objects(Some(all)).build());
        let list = list.map_err(|cause| Error::new(Kind::Config, "a key is missing").because(cause))?;
        let once = || {
            let delete = self.client().delete_objects().bucket(self.name()).delete(list.clone());
            // Older services want this one.
            delete.customize().interceptor(ContentMd5).send()
        };
        let answer = self.send("removing", "", 0, once).await?;
        // Of each key that was asked about one word counts, and none of others.
        let mut asked: HashSet<&str> = keys.iter().map(String::as_str).collect();
        let mut stay = Vec::new();
        for error in answer.errors() {
            let key = error.key().unwrap_or_default();
            // Some call it an error that a key is gone already.
            if asked.remove(key) && error.code() != Some("NoSuchKey") {
                let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
                stay.push(Failure::of_one("removing", &self.place(key), code, message));
            }
        }
        for gone in answer.deleted() {
            asked.remove(gone.key().unwrap_or_default());
        }
        Ok((stay, asked.into_iter().collect()))
    }

    /// Whether a server has failed at a key that is but the name of a folder: one that keeps objects as files may.
    pub async fn fails_at_a_folder(&self, key: &str, error: &Error) -> bool {
        let there = async || {
            let first = self.list(key, None).await?.objects;
            Ok::<_, Error>(first.iter().any(|object| object.key == key) || !self.has_below(key).await?)
        };
        error.status() == Some(500) && there().await.is_ok_and(|there| !there)
    }

    /// Whether objects are below a key, as below a folder.
    ///
    /// # Errors
    /// Those of reaching the server.
    pub async fn has_below(&self, key: &str) -> Result<bool> {
        let folder = format!("{}/", key.trim_end_matches('/'));
        let page = self.list(&folder, None).await?;
        Ok(!page.objects.is_empty())
    }

    /// The error of a key under which nothing is: other names that begin with it may be meant.
    pub async fn nothing_there(&self, key: &str) -> Error {
        let gone = Error::new(Kind::Gone, "there is no such object").at(self.place(key));
        let (folder, name) = (format!("{}/", key.trim_end_matches('/')), key.trim_end_matches('/'));
        if key.ends_with('/') {
            return match self.object(name).await {
                Ok(_) => gone
                    .advise(format!("there is an object {}: leave the / at the end out", self.place(name))),
                Err(_) => gone.advise("check the address; `s3-uploader ls` lists what is there"),
            };
        }
        match self.has_below(key).await {
            Ok(true) => {
                Error::new(Kind::Gone, "there is no object of this name, but there are objects below it")
                    .at(self.place(key))
                    .advise(format!("for those, name {} with the / at the end", self.place(&folder)))
            }
            _ => gone.advise("check the address; `s3-uploader ls` lists what is there"),
        }
    }

    /// Gives an object another key: a copy within the bucket, looked at before the old one is removed.
    pub(crate) async fn rename(&self, key: &str, to: &str, dress: &Dress) -> Result<()> {
        let source = coded(&format!("{}/{key}", self.name()));
        let before = crate::proof::head(self, key).await?;
        let copy = || {
            let copy = self.client().copy_object().bucket(self.name()).key(to);
            dress.with_copy(copy, &before).copy_source(&source).send()
        };
        self.send("copying within the bucket", key, 0, copy).await?;
        if crate::proof::head(self, to).await?.content_length() != before.content_length() {
            return Err(Error::new(Kind::Storage, "a copy within the bucket is not whole")
                .at(self.place(to))
                .advise("nothing was removed; run the same command again; if it stays, look at the server"));
        }
        self.remove(key).await
    }

    /// An address under which anyone may fetch the object for a while.
    ///
    /// # Errors
    /// [`Kind::Config`] for more than seven days; [`Kind::Denied`] without keys.
    pub async fn presign(&self, key: &str, valid: Duration) -> Result<String> {
        let bad =
            |cause| Error::new(Kind::Config, "an address is valid for at most seven days").because(cause);
        let config = PresigningConfig::expires_in(valid).map_err(bad)?;
        let get = self.client().get_object().bucket(self.name()).key(key);
        let denied = |_| {
            Error::new(Kind::Denied, "the address cannot be signed")
                .at(self.place(key))
                .advise("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a --profile")
        };
        let signed = get.presigned(config).with_subscriber(Dispatch::none()).await;
        Ok(signed.map_err(denied)?.uri().to_owned())
    }

    /// Ends an unfinished upload; its parts go. `false` if the server knows it no more.
    ///
    /// # Errors
    /// Those of reaching the server.
    pub async fn end_upload(&self, upload: &Unfinished) -> Result<bool> {
        let once = || {
            let abort = self.client().abort_multipart_upload().bucket(self.name());
            abort.key(&upload.key).upload_id(&upload.upload).send()
        };
        match self.send("ending an upload", &upload.key, 0, once).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.error.kind() == Kind::Gone => Ok(false),
            Err(failure) => Err(failure.error),
        }
    }
}
