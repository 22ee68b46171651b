//! `rm` and `cleanup`.

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, grouped, print, say};
use crawl_core::{Error, Kind};
use futures::StreamExt;

use super::{CleanupArgs, RmArgs};

pub(crate) async fn rm(arguments: RmArgs) -> Result<Outcome> {
    let (bucket, key) = arguments.door.open(Some(&arguments.at)).await?;
    if !arguments.recursive {
        if key.is_empty() || key.ends_with('/') {
            return Err(Error::new(Kind::Config, "this names no object")
                .at(&arguments.at)
                .advise("give a whole key, or --recursive for all keys that begin so")
                .into());
        }
        if arguments.dry_run {
            say(format!("would remove s3://{}/{}", bucket.name(), key.escape_debug()));
        } else {
            bucket.remove(&key).await?;
        }
        return Ok(Outcome::Done);
    }
    let (mut removed, mut left, mut at): (u64, u64, Option<String>) = (0, 0, None);
    loop {
        let page = bucket.list(&key, at.as_deref()).await?;
        if arguments.dry_run {
            left += page.objects.len() as u64;
            for object in &page.objects {
                print(format!("would remove {}", object.key.escape_debug()));
            }
        } else {
            let all = page.objects.iter().map(|object| bucket.remove(&object.key));
            let mut all = futures::stream::iter(all).buffer_unordered(32);
            while let Some(result) = all.next().await {
                result?;
                removed += 1;
            }
        }
        at = page.next;
        if at.is_none() {
            break;
        }
    }
    match arguments.dry_run {
        true => say(format!("would remove {} objects; nothing was removed", grouped(left))),
        false => say(format!("{} objects removed", grouped(removed))),
    }
    Ok(Outcome::Done)
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
