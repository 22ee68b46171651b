//! `rm` and `cleanup`.

use std::io::{BufRead, IsTerminal};

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, grouped, print, say};
use crawl_core::{Error, Kind};
use s3_uploader::Bucket;

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
        // Who may not read may remove all the same.
        Ok(_) | Err(_) => bucket.remove(&key).await?,
        looked if arguments.dry_run => {
            let doubt = looked.err().map_or(String::new(), |error| format!(", if it is there: {error}"));
            say(format!("would remove s3://{}/{}{doubt}", bucket.name(), key.escape_debug()));
        }
    }
    Ok(Outcome::Done)
}

/// Removes what is below a prefix, within the bounds of a folder.
async fn below(arguments: RmArgs, bucket: &Bucket, key: &str) -> Result<Outcome> {
    let folder = match key {
        "" => String::new(),
        key if key.ends_with('/') => key.to_owned(),
        key => format!("{key}/"),
    };
    // The first of all keys that begin so is the key itself.
    let itself = match folder == key {
        true => None,
        false => bucket
            .list(key, None)
            .await?
            .objects
            .into_iter()
            .map(|object| object.key)
            .find(|found| found == key),
    };
    let mut count = u64::from(itself.is_some());
    let mut at: Option<String> = None;
    loop {
        let page = bucket.list(&folder, at.as_deref()).await?;
        count += page.objects.len() as u64;
        if arguments.dry_run {
            let keys = page.objects.iter().map(|object| &object.key);
            for key in itself.iter().filter(|_| at.is_none()).chain(keys) {
                print(format!("would remove {}", key.escape_debug()));
            }
        }
        at = page.next;
        if at.is_none() {
            break;
        }
    }
    if count == 0 {
        say("0 objects are there; nothing was removed");
        return Ok(Outcome::Done);
    }
    if arguments.max_delete.is_some_and(|most| count > most) {
        let what = format!("there are {} objects, more than --max-delete", grouped(count));
        let error = Error::new(Kind::Config, what).at(&arguments.at);
        return Err(error.advise("nothing was removed; look with --dry-run, or allow as many").into());
    }
    if arguments.dry_run {
        say(format!("would remove {} objects; nothing was removed", grouped(count)));
        return Ok(Outcome::Done);
    }
    if !arguments.yes && !agreed(count, &arguments.at)? {
        say("nothing was removed");
        return Ok(Outcome::Done);
    }
    let (mut removed, mut stay, mut at): (u64, u64, Option<String>) = (0, 0, None);
    let mut first: Vec<String> = itself.into_iter().collect();
    loop {
        let page = bucket.list(&folder, at.as_deref()).await?;
        first.extend(page.objects.into_iter().map(|object| object.key));
        // What came after they were counted is not meant.
        first.truncate(usize::try_from(count - removed - stay).unwrap_or(usize::MAX));
        for keys in first.chunks(1000) {
            let refused = bucket.remove_all(keys).await?;
            removed += (keys.len() - refused.len()) as u64;
            stay += refused.len() as u64;
            for error in refused {
                say(format!("not removed: {error}; {}", error.advice()));
            }
        }
        first.clear();
        at = page.next;
        if at.is_none() || removed + stay >= count {
            break;
        }
    }
    say(format!(
        "{} objects = {} removed + {} not removed",
        grouped(removed + stay),
        grouped(removed),
        grouped(stay)
    ));
    Ok(Outcome::missing(stay))
}

/// Asks whoever sits there.
fn agreed(count: u64, at: &str) -> Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let what = format!("{} objects would be removed, and nobody is there to be asked", grouped(count));
        let error = Error::new(Kind::Config, what).at(at);
        return Err(error.advise("nothing was removed; give --yes, and --max-delete to be sure").into());
    }
    say(format!("remove {} objects at {}? Type yes:", grouped(count), at.escape_debug()));
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .map_err(|cause| Error::io("cannot read the answer", "stdin".as_ref(), cause))?;
    Ok(line.trim() == "yes")
}

pub(crate) async fn cleanup(arguments: CleanupArgs) -> Result<Outcome> {
    let (bucket, prefix) = arguments.door.open(arguments.at.as_deref()).await?;
    let all = bucket.unfinished(&prefix).await?;
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
    let (old, young) = (grouped(old.len() as u64), grouped(young.len() as u64));
    say(format!("{old} unfinished uploads are older, {young} younger; the younger stay"));
    Ok(Outcome::Done)
}
