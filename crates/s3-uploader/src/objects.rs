//! What is in a bucket: listed, fetched, removed, shared for a while; and uploads that nobody will finish.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};
use crawl_core::{Error, Kind, Result, Timestamp};
use futures::StreamExt;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::Dress;
use crate::coding::{coded, decoded};
use crate::failure::Failure;
use crate::remote::{Bucket, ContentMd5};

/// An object, as a listing tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// The key.
    pub key: String,
    /// The size in bytes.
    pub size: u64,
    /// The ETag, without quotes.
    pub etag: Option<String>,
    /// When it was written, in seconds since 1970.
    pub modified: Option<i64>,
}

/// A page of a listing.
#[derive(Clone, Debug, Default)]
pub struct ObjectPage {
    /// The objects, in order of key.
    pub objects: Vec<Object>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// An upload in parts that was begun and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The key.
    pub key: String,
    /// The server's name of it.
    pub upload: String,
    /// When it was begun, in seconds since 1970.
    pub begun: i64,
}

impl Bucket {
    /// A page of the objects whose keys begin with `prefix`. What a server lists beside them is left out: it was not asked
    /// for, and may be removed or fetched by nobody who asked.
    ///
    /// # Errors
    /// Those of reaching the server.
    pub async fn list(&self, prefix: &str, at: Option<&str>) -> Result<ObjectPage> {
        // Keys may hold what XML cannot.
        let page = self.list_once(prefix, at, Some(EncodingType::Url)).await?;
        let coded =
            page.encoding_type() == Some(&EncodingType::Url) && self.codes_keys(prefix, at, &page).await?;
        let object = |object: &aws_sdk_s3::types::Object| Object {
            key: decoded(object.key().unwrap_or_default(), coded),
            size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            etag: object.e_tag().map(|etag| etag.trim_matches('"').to_owned()),
            modified: object.last_modified().map(aws_sdk_s3::primitives::DateTime::secs),
        };
        let next = page.next_continuation_token().filter(|_| page.is_truncated() == Some(true));
        if page.is_truncated() == Some(true) && next.is_none() {
            return Err(Error::new(
                Kind::Shape,
                "the server lists a part and does not tell where the rest begins",
            )
            .at(self.place(prefix))
            .advise("nothing was done with what it listed; it may not know ListObjectsV2"));
        }
        if next.is_some() && next == at {
            return Err(Error::new(Kind::Shape, "the server gave the same place of the listing twice")
                .at(self.place(prefix)));
        }
        let asked_for = |object: &Object| object.key.starts_with(prefix);
        Ok(ObjectPage {
            objects: page.contents().iter().map(object).filter(asked_for).collect(),
            next: next.map(str::to_owned),
        })
    }

    async fn list_once(
        &self,
        prefix: &str,
        at: Option<&str>,
        coding: Option<EncodingType>,
    ) -> Result<ListObjectsV2Output, Failure> {
        let once = || {
            let list = self.client().list_objects_v2().bucket(self.name()).prefix(prefix);
            list.set_continuation_token(at.map(str::to_owned)).set_encoding_type(coding.clone()).send()
        };
        self.send("listing", prefix, 0, once).await
    }

    /// Whether keys that are said to be coded are: some services only repeat the word. Taken back where nothing was coded,
    /// `a+b` would mean `a b`, which is another object. The first page in which it matters is asked for as it is, too.
    async fn codes_keys(
        &self,
        prefix: &str,
        at: Option<&str>,
        page: &ListObjectsV2Output,
    ) -> Result<bool, Failure> {
        let key = |object: &aws_sdk_s3::types::Object| object.key().unwrap_or_default().to_owned();
        let keys: Vec<(String, String)> =
            page.contents().iter().map(|object| (key(object), decoded(&key(object), true))).collect();
        let odd = |char: char| char.is_control();
        let matters = |(told, meant): &(String, String)| told != meant && !meant.contains(odd);
        let Some(place) = keys.iter().position(matters) else { return Ok(true) };
        // As it is, no page could hold these.
        let unspeakable = |char: char| odd(char) && !matches!(char, '\t' | '\n' | '\r');
        if keys.iter().any(|(_, meant)| meant.contains(unspeakable)) {
            return Ok(true);
        }
        if let Some(known) = self.codes().get() {
            return Ok(*known);
        }
        let plain = self.list_once(prefix, at, None).await?.contents().get(place).map(key);
        let (told, meant) = &keys[place];
        Ok(match plain {
            Some(plain) if plain == *told => *self.codes().get_or_init(|| false),
            Some(plain) if plain == *meant => *self.codes().get_or_init(|| true),
            // Somebody wrote there meanwhile.
            _ => true,
        })
    }

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

    /// Removes up to 1,000 objects with one request, or one by one where the service knows no other way. Gives those
    /// that stay, each with its error.
    ///
    /// # Errors
    /// Those that concern all.
    pub async fn remove_all(&self, keys: &[String]) -> Result<Vec<Error>> {
        match self.remove_in_bulk(keys).await {
            Ok(stay) => Ok(stay),
            Err(error) if error.concerns_all() && error.kind() != Kind::Config => Err(error),
            // It knows no such request, or a key holds what XML cannot.
            Err(error) if matches!(error.status(), Some(400 | 403 | 404 | 405 | 411 | 501)) => {
                let each = keys.iter().map(|key| self.remove(key));
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
            Err(error) => Err(error),
        }
    }

    async fn remove_in_bulk(&self, keys: &[String]) -> Result<Vec<Error>> {
        let one = |key: &String| ObjectIdentifier::builder().key(key).build();
        let all = keys.iter().map(one).collect::<std::result::Result<Vec<_>, _>>();
        let list = all.and_then(|all| Delete::builder().set_objects(Some(all)).quiet(true).build());
        let list = list.map_err(|cause| Error::new(Kind::Config, "a key is missing").because(cause))?;
        let once = || {
            let delete = self.client().delete_objects().bucket(self.name()).delete(list.clone());
            // Older services want this one.
            delete.customize().interceptor(ContentMd5).send()
        };
        let answer = self.send("removing", "", 0, once).await?;
        // Of each key that was asked about one error counts, and none of others.
        let mut asked: HashSet<&str> = keys.iter().map(String::as_str).collect();
        let refused = answer.errors().iter().filter(|error| {
            // Some call it an error that a key is gone already.
            asked.remove(error.key().unwrap_or_default()) && error.code() != Some("NoSuchKey")
        });
        Ok(refused
            .map(|error| {
                let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
                Failure::of_one("removing", &self.place(error.key().unwrap_or_default()), code, message)
            })
            .collect())
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

    /// The unfinished uploads whose keys begin with `prefix`, whatever else the server lists.
    ///
    /// # Errors
    /// Those of reaching the server; [`Kind::Shape`] if it cannot list them.
    pub async fn unfinished(&self, prefix: &str) -> Result<Vec<Unfinished>> {
        let mut found = Vec::new();
        let mut after: (Option<String>, Option<String>) = (None, None);
        // Keys may hold what XML cannot. But Ceph RGW 16 codes keys when it is asked to and does not say so: where
        // an answer does not say that its keys are coded, they are asked for as they are.
        let mut coding = Some(EncodingType::Url);
        loop {
            let once = || {
                let list = self.client().list_multipart_uploads().bucket(self.name()).prefix(prefix);
                list.set_key_marker(after.0.clone())
                    .set_upload_id_marker(after.1.clone())
                    .set_encoding_type(coding.clone())
                    .send()
            };
            let page = self.send("listing the uploads", prefix, 0, once).await.map_err(|failure| {
                if failure.error.status() != Some(501) {
                    return failure.error;
                }
                Error::new(Kind::Shape, "this server does not list unfinished uploads")
                    .at(self.name())
                    .advise("its own tools must end them")
            })?;
            let coded = page.encoding_type() == Some(&EncodingType::Url);
            if coding.is_some() && !coded {
                coding = None;
                continue;
            }
            for upload in page.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
                // One that does not tell its age is as young as can be.
                let begun = upload.initiated().map_or(i64::MAX, aws_sdk_s3::primitives::DateTime::secs);
                let key = decoded(key, coded);
                if key.starts_with(prefix) {
                    found.push(Unfinished { key, upload: id.to_owned(), begun });
                }
            }
            let next = (
                page.next_key_marker().map(|key| decoded(key, coded)),
                page.next_upload_id_marker().map(str::to_owned),
            );
            if page.is_truncated() != Some(true) || next == after {
                return Ok(found);
            }
            after = next;
        }
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

impl Unfinished {
    /// How long ago it was begun.
    pub fn age(&self) -> Duration {
        Duration::from_secs(Timestamp::now().as_second().saturating_sub(self.begun).max(0).unsigned_abs())
    }
}
