//! Whether what is there is what is here, by what the bucket tells; and copies from bucket to bucket.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use crawl_core::{Error, Kind, Result, Scope};

use super::Wish;
use super::told::{Check, Told};
use crate::local::{Local, off_the_loop, show};
use crate::remote::Bucket;
use crate::single::Over;
use crate::{Dress, Object};

/// A larger object cannot be copied with one request.
const LARGEST_COPY: u64 = 5 << 30;

impl Bucket {
    /// Whether an object equals a file, by its size, by what the bucket tells of its bytes and by the wish's receipt;
    /// `None` if neither tells anything that could be compared. Nothing is fetched.
    ///
    /// # Errors
    /// Those of reaching the server and of reading the file.
    pub async fn equals(&self, object: &Object, file: &Local, wish: &Wish) -> Result<Option<bool>> {
        if object.size != file.stamp.size() {
            return Ok(Some(false));
        }
        let head = crate::proof::head(self, &object.key).await?;
        if head.content_length().and_then(|size| u64::try_from(size).ok()) != Some(object.size) {
            return Ok(Some(false));
        }
        let told = self.with_parts(object, Told::by_head(&head)).await?;
        let finds = told.finds_damage(wish.takes_any_etag);
        let by_bucket = check(file, told).await?.filter(|same| *same || finds);
        match &wish.receipt {
            // What was sent is asked for too, and alone where the bucket tells nothing.
            Some(receipt) if by_bucket != Some(false) => {
                check(file, Told::Nothing.or_receipt(Some(receipt))).await
            }
            _ => Ok(by_bucket),
        }
    }

    /// Copies an object of another bucket of the same service to `key`, without fetching it, unless an equal one is
    /// there; whether it was copied. Equal is what has the same size and the same checksum or ETag. Where the dress
    /// forbids to replace anything, and no such thing is told, both are read.
    ///
    /// # Errors
    /// [`Kind::Config`] for more than 5 GiB; [`Kind::Storage`] if the copy is not shown to be equal, or another object
    /// may not be replaced.
    pub async fn copy_from(&self, from: &Bucket, object: &Object, key: &str, dress: &Dress) -> Result<bool> {
        let source = crate::proof::head(from, &object.key).await?;
        let look = async || match crate::proof::head(self, key).await {
            Ok(there) => Ok(Some(there)),
            Err(error) if error.kind() == Kind::Gone => Ok(None),
            Err(error) => Err(error),
        };
        let same_size = |there: &HeadObjectOutput| there.content_length() == source.content_length();
        let is_equal = |there: &HeadObjectOutput| {
            let (one, other) = (Told::by_head(&source), Told::by_head(there));
            same_size(there) && !matches!(one, Told::Nothing) && one == other
        };
        let same_bytes =
            async || Ok::<_, Error>(sha256(from, &object.key).await? == sha256(self, key).await?);
        match look().await? {
            Some(there) if is_equal(&there) => return Ok(false),
            Some(there) if dress.no_overwrite => {
                return if same_size(&there) && same_bytes().await? {
                    Ok(false)
                } else {
                    Err(self.taken(key))
                };
            }
            _ => {}
        }
        if object.size > LARGEST_COPY {
            return Err(Error::new(
                Kind::Config,
                "an object of more than 5 GiB is not copied with one request",
            )
            .at(from.place(&object.key))
            .with_scope(Scope::Record)
            .advise("get it, and copy the file"));
        }
        let path = crate::coding::coded(&format!("{}/{}", from.name(), object.key));
        let copy = async |over: &Over| {
            let once = || {
                let copy = self.client().copy_object().bucket(self.name()).key(key);
                dress
                    .with_copy(copy, &source)
                    .copy_source(&path)
                    .set_if_none_match((*over == Over::Nothing).then(|| "*".to_owned()))
                    .send()
            };
            self.send("copying within the bucket", key, 0, once).await
        };
        let over = if dress.no_overwrite { Over::Nothing } else { Over::Anything };
        let copied = match copy(&over).await {
            Err(failure) if over.is_unknown(&failure) => copy(&Over::Anything).await,
            copied => copied,
        };
        match copied {
            // It came after the look; or the source is another one than a moment ago.
            Err(failure) if failure.error.status() == Some(412) && dress.no_overwrite => {
                return Err(if look().await?.is_some() { self.taken(key) } else { failure.error });
            }
            copied => copied?,
        };
        // A copy of what came in parts has another ETag: then reading both decides.
        if look().await?.is_some_and(|there| is_equal(&there)) || same_bytes().await? {
            return Ok(true);
        }
        Err(Error::new(Kind::Storage, "the copy is not equal to its source")
            .at(self.place(key))
            .with_scope(Scope::Record)
            .advise("the source is as it was; run the same command again; if it stays, look at the server"))
    }
}

/// Whether a file is what was told; `None` if nothing was told that could be compared.
async fn check(file: &Local, told: Told) -> Result<Option<bool>> {
    if matches!(told, Told::Nothing | Told::Parts(..)) {
        return Ok(None);
    }
    let (file, mut check) = (file.clone(), Check::new(told));
    off_the_loop(move || {
        show(&file, |bytes| check.update(bytes))?;
        Ok(check.verdict())
    })
    .await
}

async fn sha256(bucket: &Bucket, key: &str) -> Result<String> {
    crate::proof::read_through(bucket, key).await.map(|(sums, _)| sums.sha256)
}
