//! Fetching: by ranges, gone on with after a break, and shown to be what the bucket tells.

mod alike;
mod told;
mod writer;

use std::path::{Path, PathBuf};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::Bytes;
use crawl_core::{Error, Kind, Result, Scope, Staged};
use futures::{StreamExt, TryStreamExt};

use crate::client::With;
use crate::gate::Size;
use crate::local::{Local, sha256};
use crate::remote::Bucket;
use crate::sums::Sums;
use crate::{Object, Proof};
use told::{Check, Told, bare};
use writer::{Writer, cannot, part_name};

/// A larger object is fetched in ranges of so many bytes.
const RANGE: u64 = 8 << 20;
/// What comes in one answer is written in pieces of so many bytes.
const AT_ONCE: usize = 1 << 20;
/// So many ranges of one object are on their way at once.
const RANGES_AT_ONCE: usize = 4;

/// How an object is fetched.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// What a receipt says was sent: it is compared before anything that the bucket tells.
    pub receipt: Option<Sums>,
    /// An ETag that is not the MD5 of the bytes may be none of MD5; without this it is an error.
    pub takes_any_etag: bool,
}

/// An object that is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The size in bytes.
    pub size: u64,
    /// How it was shown to be right: by a receipt or the stored checksum ([`Proof::Checksum`]), by the ETag, by reading
    /// it again beside an equal file; `None` if the bucket tells nothing that could be compared.
    pub proof: Option<Proof>,
}

impl Bucket {
    /// What is told of an object.
    ///
    /// # Errors
    /// [`Kind::Gone`] if there is none.
    pub async fn object(&self, key: &str) -> Result<Object> {
        let head = crate::proof::head(self, key).await?;
        let size = head.content_length().and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| {
            Error::new(Kind::Shape, "the server does not tell the object's size").at(self.place(key))
        })?;
        Ok(Object {
            key: key.to_owned(),
            size,
            etag: head.e_tag().map(|etag| bare(etag).to_owned()),
            modified: head.last_modified().map(aws_sdk_s3::primitives::DateTime::secs),
        })
    }

    /// Fetches an object to a file; the file appears when it is whole, on the disk and what the bucket tells of it. A
    /// file that is there already stays, and must be equal. What had come before a break is not fetched again.
    ///
    /// # Errors
    /// [`Kind::Gone`] if there is no such object; [`Kind::Config`] if another file is there; [`Kind::Storage`] if the
    /// bytes that came are not those that were told.
    pub async fn get(&self, object: &Object, to: &Path, wish: &Wish) -> Result<Fetched> {
        if to.symlink_metadata().is_ok() {
            return self.compare(&object.key, to).await;
        }
        let (fetched, part) = self.come(object, to, wish).await?;
        // A name that this disk does not take is one object's trouble.
        if Staged::place_new(&part, to).map_err(|error| error.with_scope(Scope::Record))? {
            return Ok(fetched);
        }
        // Somebody was faster, or the disk takes two keys for one name.
        let _ = std::fs::remove_file(&part);
        self.compare(&object.key, to).await
    }

    /// As [`Bucket::get`], in the place of a file, if that is still as it was listed.
    ///
    /// # Errors
    /// Those of [`Bucket::get`]; [`Kind::Transient`] if the file was changed meanwhile: it stays.
    pub async fn get_over(&self, object: &Object, file: &Local, wish: &Wish) -> Result<Fetched> {
        let (fetched, part) = self.come(object, &file.path, wish).await?;
        if let Err(cause) = file.check() {
            let _ = std::fs::remove_file(&part);
            return Err(Error::new(Kind::Transient, "the file was changed while its object came")
                .at(crate::local::shown(&file.path))
                .with_scope(Scope::Record)
                .because(cause)
                .advise("it stays as it is; run the same command again when nobody writes to it"));
        }
        Staged::place(&part, &file.path).map_err(|error| error.with_scope(Scope::Record))?;
        Ok(fetched)
    }

    /// Lets an object come to a file beside `to`, whole and proven.
    async fn come(&self, object: &Object, to: &Path, wish: &Wish) -> Result<(Fetched, PathBuf)> {
        let folder = Staged::folder(to);
        std::fs::create_dir_all(folder).map_err(|cause| cannot("make the folder", folder, cause))?;
        let part = folder.join(part_name(object));
        let mut again = true;
        loop {
            match self.fetch(object, &part, wish).await {
                Ok(fetched) => return Ok((fetched, part)),
                Err(Broken::Differs(_)) if again => again = false,
                Err(Broken::Differs(told)) => {
                    let what = format!("what came is not what {} says", told.name());
                    let error =
                        Error::new(Kind::Storage, what).at(self.place(&object.key)).with_scope(Scope::Record);
                    return Err(match told {
                        Told::Md5(_) | Told::Md5OfParts(..) => error.advise(
                            "look at the server; if this service's ETags are no MD5s, give --any-etag",
                        ),
                        _ => error.advise("run the same command again; if it stays, look at the server"),
                    });
                }
                Err(Broken::Off(error)) => {
                    // What came of a large one is gone on with.
                    if object.size <= RANGE || error.kind() == Kind::Shape {
                        let _ = std::fs::remove_file(&part);
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn compare(&self, key: &str, to: &Path) -> Result<Fetched> {
        let other = |why| {
            Error::new(Kind::Config, "there is another file already")
                .at(crate::local::shown(to))
                .with_scope(Scope::Record)
                .because(why)
                .advise("move it away or name another place")
        };
        let here = Local::at(to, key).map_err(other)?;
        let sums = Sums::by_sha256(here.stamp.size(), sha256(&here).await?);
        match crate::proof::read_back(self, key, &sums).await {
            Ok(()) => Ok(Fetched { size: sums.size, proof: Some(Proof::Readback) }),
            Err(error) if error.kind() == Kind::Storage => Err(other(error)),
            Err(error) => Err(error),
        }
    }

    async fn fetch(&self, object: &Object, part: &Path, wish: &Wish) -> Result<Fetched, Broken> {
        let check = match object.size > RANGE {
            true => self.in_ranges(object, part, wish).await?,
            false => self.again(|| self.in_one(object, part, wish)).await?,
        };
        let told = check.told().clone();
        let proof = match told {
            Told::Receipt(_) | Told::Sha256(_) | Told::Crc(..) => Some(Proof::Checksum),
            Told::Md5(_) | Told::Md5OfParts(..) => Some(Proof::Etag),
            Told::Parts(..) | Told::Nothing => None,
        };
        let any = wish.takes_any_etag && proof == Some(Proof::Etag);
        match check.verdict() {
            Some(false) if !any => {
                // It would be gone on with.
                let _ = std::fs::remove_file(part);
                Err(Broken::Differs(told))
            }
            right => Ok(Fetched { size: object.size, proof: proof.filter(|_| right == Some(true)) }),
        }
    }

    /// The whole object in one answer.
    async fn in_one(&self, object: &Object, part: &Path, wish: &Wish) -> Result<Check> {
        let key = object.key.as_str();
        let ask = async |checksums: bool| {
            let once = || {
                let get = self.client().get_object().bucket(self.name()).key(key).customize();
                // By the setter the SDK would check too, and call what differs a body that broke off.
                let asked = With("x-amz-checksum-mode", "ENABLED");
                if checksums { get.interceptor(asked) } else { get }.send()
            };
            self.send("fetching", key, 0, once).await
        };
        // Looked at once: another fetch may have been refused, and told it, while this one was under way.
        let checksums = self.asks_checksums();
        let mut answer = match ask(checksums).await {
            Err(failure)
                if checksums
                    && matches!(failure.error.status(), Some(400 | 501))
                    && failure.error.to_string().contains("x-amz-checksum") =>
            {
                self.asks_no_checksums();
                ask(false).await?
            }
            answer => answer?,
        };
        let told = Told::by_get(&answer).or_receipt(wish.receipt.as_ref());
        let mut check = Check::new(self.with_parts(object, told).await?);
        let mut writer = Writer::new(part)?;
        let expected = answer.content_length().and_then(|size| u64::try_from(size).ok());
        if expected.is_some_and(|expected| expected != object.size) {
            return Err(self.replaced(key));
        }
        let mut held = Vec::new();
        loop {
            let next = self.next(&mut answer, key).await?;
            let ended = next.is_none();
            held.extend_from_slice(&next.unwrap_or_default());
            if ended || held.len() >= AT_ONCE {
                (check, writer) = writer.write(std::mem::take(&mut held).into(), check).await?;
            }
            if ended {
                break;
            }
        }
        if writer.size != object.size {
            return Err(self.broke(key));
        }
        writer.end().await?;
        Ok(check)
    }

    /// Ranges side by side, written one after the other: so what is in the file is a beginning of the object.
    async fn in_ranges(&self, object: &Object, part: &Path, wish: &Wish) -> Result<Check> {
        let key = object.key.as_str();
        let head = crate::proof::head(self, key).await?;
        let etag = head.e_tag().map(str::to_owned);
        if head.content_length().and_then(|size| u64::try_from(size).ok()) != Some(object.size)
            || (object.etag.is_some() && etag.as_deref().map(bare) != object.etag.as_deref().map(bare))
        {
            return Err(self.replaced(key));
        }
        let told = self.with_parts(object, Told::by_head(&head).or_receipt(wish.receipt.as_ref())).await?;
        // What a crash left is believed only where the end shows that it was wrong.
        let resumes = etag.is_some() && told.finds_damage(wish.takes_any_etag);
        let (mut check, mut writer) = Writer::resume(part, resumes, object.size, Check::new(told)).await?;
        let begins = (writer.size..object.size).step_by(RANGE as usize);
        let ranges = begins.map(|begin| {
            let (etag, end) = (etag.as_deref(), (begin + RANGE).min(object.size));
            async move {
                let room = self.gate().room(Size::Part, end - begin).await;
                self.again(|| self.range(key, etag, begin, end)).await.map(|bytes| (bytes, room))
            }
        });
        let mut ranges = futures::stream::iter(ranges).buffered(RANGES_AT_ONCE);
        while let Some((bytes, room)) = ranges.try_next().await? {
            let Some(bytes) = bytes else {
                drop((ranges, room));
                return self.again(|| self.in_one(object, part, wish)).await;
            };
            (check, writer) = writer.write(bytes, check).await?;
        }
        drop(ranges);
        writer.end().await?;
        Ok(check)
    }

    /// The bytes from `begin` to before `end`; `None` if the server gives no ranges.
    async fn range(&self, key: &str, etag: Option<&str>, begin: u64, end: u64) -> Result<Option<Bytes>> {
        let once = || {
            let get = self.client().get_object().bucket(self.name()).key(key);
            // By a weak one no server lets a range pass.
            let strong = etag.filter(|etag| !etag.starts_with("W/"));
            get.range(format!("bytes={begin}-{}", end - 1)).set_if_match(strong.map(str::to_owned)).send()
        };
        let mut answer =
            self.send("fetching", key, 0, once).await.map_err(|failure| match failure.error.status() {
                Some(412 | 416) => self.replaced(key),
                _ => failure.error,
            })?;
        let expected = format!("bytes {begin}-{}/", end - 1);
        match answer.content_range() {
            None => return Ok(None),
            Some(range) if !range.starts_with(&expected) => return Err(self.broke(key)),
            Some(_) => {}
        }
        // Not every server hears If-Match.
        if etag.is_some() && answer.e_tag().is_some() && answer.e_tag().map(bare) != etag.map(bare) {
            return Err(self.replaced(key));
        }
        let mut bytes = Vec::with_capacity((end - begin) as usize);
        while let Some(more) = self.next(&mut answer, key).await? {
            if bytes.len() + more.len() > (end - begin) as usize {
                return Err(self.broke(key));
            }
            bytes.extend_from_slice(&more);
        }
        if bytes.len() as u64 != end - begin {
            return Err(self.broke(key));
        }
        Ok(Some(bytes.into()))
    }

    async fn next(&self, answer: &mut GetObjectOutput, key: &str) -> Result<Option<Bytes>> {
        let next = tokio::time::timeout(self.limits().timeout, answer.body.next()).await;
        next.map_err(|_| self.broke(key))?.transpose().map_err(|cause| self.broke(key).because(cause))
    }

    /// An ETag of parts tells something once the parts' size is known, which is that of the first.
    async fn with_parts(&self, object: &Object, told: Told) -> Result<Told> {
        let Told::Parts(etag, count) = told else { return Ok(told) };
        let key = object.key.as_str();
        let fits = |size: u64| size > 0 && object.size.div_ceil(size) == count;
        let once = || self.client().head_object().bucket(self.name()).key(key).part_number(1).send();
        let first = match self.send("looking at the object", key, 0, once).await {
            Ok(first) => first.content_length().and_then(|size| u64::try_from(size).ok()),
            // Not every server knows parts of objects that are whole.
            Err(failure) if matches!(failure.error.status(), Some(400..=499 | 501)) => None,
            Err(failure) => return Err(failure.error),
        };
        Ok(match first {
            Some(size) if fits(size) => Told::Md5OfParts(size, etag, true),
            // It may be one of ours.
            _ => match crate::multi::part_size(self.limits(), object.size) {
                ours if fits(ours) => Told::Md5OfParts(ours, etag, false),
                _ => Told::Parts(etag, count),
            },
        })
    }

    fn broke(&self, key: &str) -> Error {
        Error::new(Kind::Transient, "the body broke off").at(self.place(key))
    }

    fn replaced(&self, key: &str) -> Error {
        Error::new(Kind::Shape, "the object was replaced while it was fetched")
            .at(self.place(key))
            .advise("run the same command again when nobody writes there")
    }
}

/// Why an object is not here.
enum Broken {
    /// What came is not what was told.
    Differs(Told),
    Off(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Broken::Off(error)
    }
}
