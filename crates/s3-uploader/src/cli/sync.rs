//! `sync`: what the bucket tells to be equal is left out.

use std::collections::{BTreeSet, HashMap};

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, Session, counted, grouped, print, say};
use crawl_core::{Error, Kind};
use futures::StreamExt;
use s3_uploader::{Bucket, Choice, InVain, Listing, Object, Wish, parse_address};
use serde_json::{Value, json};

use super::send::{self, Way};
use super::{SendArgs, SyncArgs};

/// So many objects are looked at, or copied, at once.
const AT_ONCE: usize = 16;

/// From a folder to a bucket, from bucket to bucket, or from a bucket into a folder.
pub(crate) async fn run(arguments: SyncArgs, session: &Session) -> Result<Outcome> {
    let from = arguments.send.from.to_str().filter(|from| from.starts_with("s3://")).map(str::to_owned);
    let folder = arguments.send.to.clone().filter(|to| !to.contains("://"));
    match (from, folder) {
        (Some(from), Some(folder)) => super::into::folder(&arguments, &from, folder.as_ref()).await,
        _ if arguments.delete || arguments.any_etag => {
            Err(Error::new(Kind::Config, "--delete and --any-etag are for a sync from s3:// into a folder")
                .advise("in a bucket, `s3-uploader rm` removes")
                .into())
        }
        (Some(from), None) => between(&arguments.send, &from, &arguments.send.filter.choice()?).await,
        (None, _) => send::run(arguments.send, Way::Sync, session).await,
    }
}

/// A prefix as that of a folder.
pub(crate) fn folder(prefix: String) -> String {
    if prefix.is_empty() || prefix.ends_with('/') { prefix } else { prefix + "/" }
}

/// Takes the files out of the listing that are in the bucket already, and counts them. What the bucket tells nothing of
/// is sent.
pub(crate) async fn leave_out_equal(bucket: &Bucket, prefix: &str, listing: &mut Listing) -> Result<u64> {
    let here: HashMap<String, usize> = listing
        .files
        .iter()
        .enumerate()
        .map(|(number, file)| (format!("{prefix}{}", file.name), number))
        .collect();
    let mut equal = vec![false; listing.files.len()];
    let mut at: Option<String> = None;
    loop {
        let page = bucket.list(prefix, at.as_deref()).await?;
        let both = page.objects.iter().filter_map(|object| Some((object, *here.get(&object.key)?)));
        let looks = both.map(|(object, number)| {
            let file = &listing.files[number];
            async move { bucket.equals(object, file, &Wish::default()).await.map(|same| (number, same)) }
        });
        let mut looks = futures::stream::iter(looks).buffer_unordered(AT_ONCE);
        while let Some(looked) = looks.next().await {
            match looked {
                Ok((number, same)) => equal[number] = same == Some(true),
                Err(error) if error.concerns_all() => return Err(error.into()),
                // It is sent, and then told of if it cannot be.
                Err(error) => tracing::debug!(%error, "could not be compared"),
            }
        }
        drop(looks);
        at = page.next;
        if at.is_none() {
            break;
        }
    }
    let mut equal = equal.into_iter();
    let before = listing.files.len();
    listing.files.retain(|_| equal.next() == Some(false));
    Ok((before - listing.files.len()) as u64)
}

/// From bucket to bucket: the service copies.
async fn between(arguments: &SendArgs, from: &str, choice: &Choice) -> Result<Outcome> {
    let (name, from_prefix) = parse_address(from)?;
    let source = arguments.door.named(&name).await?;
    let (bucket, prefix) = arguments.door.open(arguments.to.as_deref()).await?;
    let (from_prefix, prefix) = (folder(from_prefix), folder(prefix));
    if source.name() == bucket.name()
        && (prefix.starts_with(&from_prefix) || from_prefix.starts_with(&prefix))
    {
        return Err(Error::new(Kind::Config, "one of the two places is within the other")
            .at(from)
            .advise("choose another prefix, or another bucket")
            .into());
    }
    let dress = arguments.dress.dress(&arguments.door.file()?, arguments.no_overwrite)?;
    let (mut copied, mut there, mut failed, mut left_out): (u64, u64, u64, u64) = (0, 0, 0, 0);
    let mut first: Option<Error> = None;
    let (mut seen, mut vain) = (BTreeSet::new(), InVain::default());
    let mut at: Option<String> = None;
    loop {
        let page = source.list(&from_prefix, at.as_deref()).await?;
        let name = |object: &Object| object.key.strip_prefix(&from_prefix).unwrap_or(&object.key).to_owned();
        if arguments.filter.names_files() {
            seen.extend(page.objects.iter().map(name));
        }
        let (chosen, others): (Vec<_>, Vec<_>) = page
            .objects
            .into_iter()
            .partition(|object| choice.takes(&name(object)) && choice.fits(object.size, object.modified));
        left_out += others.len() as u64;
        let copies = chosen.iter().map(|object| {
            let (key, source, bucket, dress) =
                (format!("{prefix}{}", name(object)), &source, &bucket, &dress);
            async move {
                if arguments.dry_run {
                    let to = format!("s3://{}/{}", bucket.name(), key.escape_debug());
                    match arguments.json {
                        true => print(json!({ "message": "would look at", "key": object.key, "to": to })),
                        false => print(format!("look at {} -> {to}", object.key.escape_debug())),
                    }
                    return (object, Ok(false));
                }
                (object, bucket.copy_from(source, object, &key, dress).await)
            }
        });
        let mut copies = futures::stream::iter(copies).buffer_unordered(AT_ONCE);
        while let Some((object, result)) = copies.next().await {
            if arguments.json && !arguments.dry_run {
                print(line(object, &result));
            }
            match result {
                Ok(done) => {
                    *(if done { &mut copied } else { &mut there }) += 1;
                    vain.well();
                }
                Err(error) if vain.is_after(&error) => return Err(error.into()),
                Err(error) => {
                    failed += 1;
                    say(format!("not copied: {error}; {}", error.advice()));
                    first.get_or_insert(error);
                }
            }
        }
        drop(copies);
        at = page.next;
        if at.is_none() {
            break;
        }
    }
    if copied + there + failed + left_out == 0 {
        return Err(source.nothing_there(&from_prefix).await.into());
    }
    let lacking: Vec<Error> = choice.lacking(&seen).collect();
    for error in &lacking {
        say(format!("{error}; {}", error.advice()));
    }
    if arguments.dry_run {
        say(format!("would look at {}; nothing was copied", counted(there, "object")));
        return Ok(Outcome::missing(lacking.len() as u64));
    }
    if arguments.json {
        print(json!({
            "message": "summary", "objects": copied + there + failed, "copied": copied, "was_there": there,
            "failed": failed, "left_out": left_out,
        }));
    }
    say(format!(
        "{} = {} copied + {} there already + {} not copied; besides: {} left out",
        counted(copied + there + failed, "object"),
        grouped(copied),
        grouped(there),
        grouped(failed),
        grouped(left_out)
    ));
    match first {
        Some(error) if copied + there == 0 => Err(error.into()),
        _ => Ok(Outcome::missing(failed + lacking.len() as u64)),
    }
}

/// What became of an object, for programs.
fn line(object: &Object, result: &crawl_core::Result<bool>) -> Value {
    match result {
        Ok(copied) => {
            let message = if *copied { "copied" } else { "there" };
            json!({ "message": message, "key": object.key, "size": object.size })
        }
        Err(error) => json!({
            "message": "not copied", "key": object.key, "kind": error.kind().word(),
            "error": error.to_string(), "advice": error.advice(),
        }),
    }
}
