//! What is in a bucket, as it lists it: objects, and uploads that nobody will finish.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use crawl_core::{Error, Kind, Result, Timestamp};

use crate::coding::decoded;
use crate::failure::Failure;
use crate::remote::Bucket;

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
        // Some tell where the rest begins, and not that there is one.
        let next = page.next_continuation_token().filter(|_| page.is_truncated() != Some(false));
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
        let page = ObjectPage {
            objects: page.contents().iter().map(object).filter(asked_for).collect(),
            next: next.map(str::to_owned),
        };
        if self.rounds().had(prefix, at, &page) {
            return Err(Error::new(Kind::Shape, "the server lists the same objects again and again")
                .at(self.place(prefix))
                .advise("look at the server, and at what stands before it: its listings have no end"));
        }
        Ok(page)
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
}

/// What the listings under way have given so far, by the place where each goes on.
#[derive(Debug, Default)]
pub(crate) struct Rounds(Mutex<HashMap<(String, String), HashSet<u64>>>);

impl Rounds {
    /// Whether this listing has given the same page before.
    fn had(&self, prefix: &str, at: Option<&str>, page: &ObjectPage) -> bool {
        let place = |token: &str| (prefix.to_owned(), token.to_owned());
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = at.and_then(|at| rounds.remove(&place(at))).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        page.objects.iter().for_each(|object| object.key.hash(&mut hasher));
        // A page of nothing may be followed by another.
        let had = !page.objects.is_empty() && !seen.insert(hasher.finish());
        if let Some(next) = &page.next {
            rounds.insert(place(next), seen);
        }
        had
    }
}

impl Unfinished {
    /// How long ago it was begun.
    pub fn age(&self) -> Duration {
        Duration::from_secs(Timestamp::now().as_second().saturating_sub(self.begun).max(0).unsigned_abs())
    }
}
