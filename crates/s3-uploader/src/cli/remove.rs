//! `rm` and `cleanup`.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, IsTerminal};

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, counted, grouped, print, say};
use crawl_core::{Error, Kind};
use s3_uploader::{Bucket, InVain, ObjectPage};

use super::{CleanupArgs, RmArgs};

pub(crate) async fn rm(arguments: RmArgs) -> Result<Outcome> {
    let (bucket, key) = arguments.door.open(Some(&arguments.at)).await?;
    if arguments.recursive {
        return below(arguments, &bucket, &key).await;
    }
    if key.is_empty() || key.ends_with('/') {
        return Err(Error::new(Kind::Config, "this names no object")
            .at(&arguments.at)
            .advise("give a whole key, or --recursive for all below it")
            .into());
    }
    // A service says of a key under which nothing is that it was removed.
    match bucket.object(&key).await {
        Err(error) if error.kind() == Kind::Gone => {
            if bucket.has_below(&key).await? {
                return Err(bucket.nothing_there(&key).await.into());
            }
            say("there is no such object; nothing was removed");
        }
        Err(error) if error.concerns_all() => return Err(error.into()),
        Err(error) if bucket.fails_at_a_folder(&key, &error).await => {
            return Err(bucket.nothing_there(&key).await.into());
        }
        looked if arguments.dry_run => {
            let doubt = looked.err().map_or(String::new(), |error| format!(", if it is there: {error}"));
            say(format!("would remove s3://{}/{}{doubt}", bucket.name(), key.escape_debug()));
        }
        // Who may not read may remove all the same.
        Ok(_) | Err(_) => bucket.remove(&key).await?,
    }
    Ok(Outcome::Done)
}

/// Removes what is below a prefix, within the bounds of a folder.
async fn below(arguments: RmArgs, bucket: &Bucket, key: &str) -> Result<Outcome> {
    // Each object as it was counted, in eight bytes, however many there are.
    let (seed, mut known) = (RandomState::new(), HashSet::new());
    let mut at: Option<String> = None;
    loop {
        let page = page(bucket, key, at.as_deref()).await?;
        for object in &page.objects {
            known.insert(seed.hash_one(object));
            if arguments.dry_run {
                print(format!("would remove {}", object.key.escape_debug()));
            }
        }
        at = page.next;
        if at.is_none() {
            break;
        }
    }
    let count = known.len() as u64;
    if count == 0 {
        say("no object is there; nothing was removed");
        return Ok(Outcome::Done);
    }
    too_many(count, "object", arguments.max_delete, &arguments.at)?;
    if arguments.dry_run {
        say(format!("would remove {}; nothing was removed", counted(count, "object")));
        return Ok(Outcome::Done);
    }
    if !arguments.yes && !agreed(count, "object", &arguments.at)? {
        say("nothing was removed");
        return Ok(Outcome::Done);
    }
    let mut vain = InVain::default();
    let (mut removed, mut stay, mut later, mut at): (u64, u64, u64, Option<String>) = (0, 0, 0, None);
    loop {
        let page = page(bucket, key, at.as_deref()).await?;
        // What came or was written to after it was counted is not meant.
        let (meant, others): (Vec<_>, Vec<_>) =
            page.objects.into_iter().partition(|object| known.remove(&seed.hash_one(object)));
        later += others.len() as u64;
        let keys: Vec<String> = meant.into_iter().map(|object| object.key).collect();
        for keys in keys.chunks(1000) {
            let refused = bucket.remove_all(keys).await?;
            removed += (keys.len() - refused.len()) as u64;
            stay += refused.len() as u64;
            if refused.len() < keys.len() {
                vain.well();
            }
            for error in refused {
                if vain.is_after(&error) {
                    return Err(error.into());
                }
                say(format!("not removed: {error}; {}", error.advice()));
            }
        }
        at = page.next;
        if at.is_none() || known.is_empty() {
            break;
        }
    }
    say(format!(
        "{} = {} removed + {} not removed",
        counted(removed + stay, "object"),
        grouped(removed),
        grouped(stay)
    ));
    if later > 0 {
        say(format!("  besides: {} came or changed after they were counted, and stay", grouped(later)));
    }
    Ok(Outcome::missing(stay))
}

/// A page of what is meant: all below the key as below a folder, and first the object of that very name.
async fn page(bucket: &Bucket, key: &str, at: Option<&str>) -> Result<ObjectPage> {
    if key.is_empty() || key.ends_with('/') {
        return Ok(bucket.list(key, at).await?);
    }
    let mut page = bucket.list(&format!("{key}/"), at).await?;
    if at.is_none() {
        // The first of all keys that begin so is the key itself.
        let first = bucket.list(key, None).await?.objects;
        page.objects.extend(first.into_iter().find(|object| object.key == key));
    }
    Ok(page)
}

/// Whether more would be removed than is allowed.
pub(crate) fn too_many(count: u64, of: &str, most: Option<u64>, at: &str) -> Result<()> {
    if most.is_none_or(|most| count <= most) {
        return Ok(());
    }
    let what = format!("{} would be removed, more than --max-delete", counted(count, of));
    let error = Error::new(Kind::Config, what).at(at);
    Err(error.advise("nothing was removed; look with --dry-run, or allow as many").into())
}

/// Whether anybody can be asked.
pub(crate) fn somebody_there(what: &str, at: &str) -> Result<()> {
    if std::io::stdin().is_terminal() {
        return Ok(());
    }
    let error = Error::new(Kind::Config, format!("{what} would be removed, and nobody is there to be asked"));
    Err(error.at(at).advise("nothing was removed; give --yes, and --max-delete to be sure").into())
}

/// Asks whoever sits there.
pub(crate) fn agreed(count: u64, of: &str, at: &str) -> Result<bool> {
    somebody_there(&counted(count, of), at)?;
    say(format!("remove {} at {}? Type yes:", counted(count, of), at.escape_debug()));
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|cause| Error::io("cannot read the answer", "stdin".as_ref(), cause))?;
    Ok(line.trim() == "yes")
}

pub(crate) async fn cleanup(arguments: CleanupArgs) -> Result<Outcome> {
    let (bucket, prefix) = arguments.door.open(arguments.at.as_deref()).await?;
    let mut all = bucket.unfinished(&prefix).await?;
    // As with objects: `a` means itself and what is below `a/`, and not `ab`, which is somebody else's.
    all.retain(|upload| is_within(&prefix, &upload.key));
    let (old, young): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|upload| upload.age() >= arguments.older_than);
    for upload in &old {
        let hours = upload.age().as_secs() / 3600;
        let verb = match arguments.dry_run {
            true => "would end",
            false if bucket.end_upload(upload).await? => "ended",
            false => "the server knows no more of",
        };
        print(format!("{verb} the upload of {}, begun {hours} hours ago", upload.key.escape_debug()));
    }
    let (old, young) = (counted(old.len() as u64, "unfinished upload"), grouped(young.len() as u64));
    say(format!("{old} older, {young} younger; the younger stay"));
    Ok(Outcome::Done)
}

/// Whether a key is this one, or below it as below a folder.
fn is_within(folder: &str, key: &str) -> bool {
    let rest = key.strip_prefix(folder);
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.starts_with('/') || folder.ends_with('/') || folder.is_empty()
    })
}
