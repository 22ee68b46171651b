//! `verify`, `ls`, `get` and `presign`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, counted, grouped, print, say};
use crawl_core::files::place;
use crawl_core::{Error, Kind, Scope, Timestamp};
use futures::StreamExt;
use s3_uploader::{Bucket, InVain, Receipt, Sums, Wish, audit, receipt};

use super::{GetArgs, LsArgs, PresignArgs, VerifyArgs};

/// How many receipts are looked after at once.
const AT_ONCE: usize = 32;

pub(crate) async fn verify(arguments: VerifyArgs) -> Result<Outcome> {
    // A later receipt of the same key stands for what is there now.
    let mut latest: BTreeMap<(String, String), Receipt> = BTreeMap::new();
    for receipt in receipt::read(&arguments.receipts)? {
        latest.insert((receipt.bucket.clone(), receipt.key.clone()), receipt);
    }
    let mut buckets: BTreeMap<String, Bucket> = BTreeMap::new();
    for (name, _) in latest.keys() {
        if !buckets.contains_key(name) {
            buckets.insert(name.clone(), arguments.door.named(name).await?);
        }
    }
    let checks = latest.values().map(|receipt| {
        let bucket = &buckets[&receipt.bucket];
        async move { (receipt, audit(bucket, receipt, arguments.deep).await) }
    });
    let mut checks = futures::stream::iter(checks).buffer_unordered(AT_ONCE);
    let (mut good, mut bad, mut unseen) = (0, 0, 0);
    let mut worst: Option<Error> = None;
    while let Some((receipt, result)) = checks.next().await {
        if arguments.json {
            let error = result.as_ref().err().map(ToString::to_string);
            print(serde_json::json!({
                "bucket": receipt.bucket, "key": receipt.key, "good": error.is_none(), "error": error,
            }));
        }
        match result {
            Ok(()) => good += 1,
            Err(error) if error.concerns_all() => return Err(error.into()),
            Err(error) => {
                // What the server did not let us see is neither good nor bad.
                let (count, word) =
                    if badness(&error) > 0 { (&mut bad, "bad") } else { (&mut unseen, "not seen") };
                *count += 1;
                say(format!("{word}: {error}; {}", error.advice()));
                if worst.as_ref().is_none_or(|worst| badness(&error) > badness(worst)) {
                    worst = Some(error);
                }
            }
        }
    }
    say(format!(
        "{} = {} good + {} bad + {} not seen",
        counted(good + bad + unseen, "object"),
        grouped(good),
        grouped(bad),
        grouped(unseen)
    ));
    match worst {
        Some(error) => Err(error.into()),
        None if good == 0 => {
            Err(Error::new(Kind::Gone, "there are no receipts here, so nothing was audited")
                .at(arguments.receipts.display().to_string())
                .advise("name the receipts of the machine that sent the objects")
                .into())
        }
        None => Ok(Outcome::Done),
    }
}

/// The exit code is that of the worst: an object that differs, one that is gone, one that was not seen.
fn badness(error: &Error) -> u8 {
    match error.kind() {
        Kind::Storage => 2,
        Kind::Gone => 1,
        _ => 0,
    }
}

pub(crate) async fn ls(arguments: LsArgs) -> Result<Outcome> {
    let (bucket, prefix) = arguments.door.open(arguments.at.as_deref()).await?;
    let mut at: Option<String> = None;
    loop {
        let page = bucket.list(&prefix, at.as_deref()).await?;
        for object in page.objects {
            let modified = object.modified.and_then(|seconds| Timestamp::from_second(seconds).ok());
            let modified = modified.map(|time| time.to_string());
            if arguments.json {
                print(serde_json::json!({
                    "key": object.key, "size": object.size, "etag": object.etag, "modified": modified,
                }));
            } else {
                let modified = modified.unwrap_or_default();
                print(format!("{modified:20} {:>15}  {}", object.size, object.key.escape_debug()));
            }
        }
        at = page.next;
        if at.is_none() {
            return Ok(Outcome::Done);
        }
    }
}

/// What receipts say of the objects of one bucket, by key.
pub(crate) fn receipts_of(bucket: &str, path: Option<&Path>) -> Result<HashMap<String, Sums>> {
    let Some(path) = path else { return Ok(HashMap::new()) };
    let all = receipt::read(path)?.into_iter().filter(|receipt| receipt.bucket == bucket);
    Ok(all.map(|receipt| (receipt.key, receipt.sums)).collect())
}

pub(crate) async fn get(arguments: GetArgs) -> Result<Outcome> {
    let (bucket, key) = arguments.door.open(Some(&arguments.from)).await?;
    let receipts = receipts_of(bucket.name(), arguments.receipts.as_deref())?;
    let wish = |key: &str| Wish { receipt: receipts.get(key).cloned(), takes_any_etag: arguments.any_etag };
    if !key.is_empty() && !key.ends_with('/') {
        let to = match arguments.to {
            Some(to) if to.is_dir() => place(&to, last(&key))?,
            Some(to) => to,
            None => place(Path::new(""), last(&key))?,
        };
        let object = match bucket.object(&key).await {
            Err(error) if error.kind() == Kind::Gone || bucket.fails_at_a_folder(&key, &error).await => {
                return Err(bucket.nothing_there(&key).await.into());
            }
            object => object?,
        };
        let fetched = bucket.get(&object, &to, &wish(&key)).await?;
        tell_unproven(u64::from(fetched.proof.is_none()));
        return Ok(Outcome::Done);
    }
    let root = arguments.to.unwrap_or_else(|| PathBuf::from("."));
    std::fs::create_dir_all(&root).map_err(|cause| Error::io("cannot make the folder", &root, cause))?;
    let (mut had, mut skipped, mut missing, mut unproven): (u64, u64, u64, u64) = (0, 0, 0, 0);
    let mut vain = InVain::default();
    let mut at: Option<String> = None;
    loop {
        let mut page = bucket.list(&key, at.as_deref()).await?;
        // Marks of folders, as consoles make them, are no files.
        page.objects.retain(|object| object.size > 0 || !object.key.ends_with('/'));
        let gets = page.objects.iter().map(|object| {
            let (bucket, root, name) = (&bucket, &root, object.key.strip_prefix(&key).unwrap_or(&object.key));
            let (skip, wish) = (arguments.skip_existing, wish(&object.key));
            async move {
                let to = place(root, name).map_err(|error| error.with_scope(Scope::Record))?;
                if skip && to.is_file() { Ok(None) } else { bucket.get(object, &to, &wish).await.map(Some) }
            }
        });
        let mut gets = futures::stream::iter(gets).buffer_unordered(16);
        while let Some(result) = gets.next().await {
            match result {
                Ok(Some(fetched)) => {
                    had += 1;
                    vain.well();
                    unproven += u64::from(fetched.proof.is_none());
                }
                Ok(None) => skipped += 1,
                Err(error) if vain.is_after(&error) => return Err(error.into()),
                Err(error) => {
                    missing += 1;
                    say(format!("not fetched: {error}; {}", error.advice()));
                }
            }
        }
        drop(gets);
        at = page.next;
        if at.is_none() {
            break;
        }
    }
    let all = had + skipped + missing;
    if all == 0 {
        return Err(bucket.nothing_there(&key).await.into());
    }
    say(format!(
        "{} = {} fetched + {} skipped + {} not fetched",
        counted(all, "object"),
        grouped(had),
        grouped(skipped),
        grouped(missing)
    ));
    tell_unproven(unproven);
    Ok(Outcome::missing(missing))
}

pub(crate) fn tell_unproven(count: u64) {
    if count > 0 {
        say(format!(
            "  {} of them are not proven: the bucket tells neither a checksum nor an MD5 of them; --receipts would",
            grouped(count)
        ));
    }
}

fn last(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

pub(crate) async fn presign(arguments: PresignArgs) -> Result<Outcome> {
    let (bucket, key) = arguments.door.open(Some(&arguments.at)).await?;
    print(bucket.presign(&key, arguments.valid).await?);
    Ok(Outcome::Done)
}
