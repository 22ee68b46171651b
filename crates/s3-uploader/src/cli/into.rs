//! `sync` into a folder: what is not alike comes, proven as by `get`; what the bucket does not have goes, where that is asked
//! for.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, counted, grouped, print, say};
use crawl_core::files::place;
use crawl_core::{Error, Kind, Scope};
use futures::StreamExt;
use s3_uploader::{Bounds, Bucket, Choice, Fetched, InVain, Local, Object, Wish, list};
use serde_json::{Value, json};

use super::SyncArgs;
use super::read::{receipts_of, tell_unproven};
use super::remove::{agreed, too_many};
use super::send::{check_unused, remove_empty};

/// So many objects are looked at, or fetched, at once.
const AT_ONCE: usize = 16;

/// What becomes of an object.
enum Came {
    Fetched(Fetched),
    There,
    /// It would be fetched.
    Would,
}

/// What a run came to. `fetched + there + failed` objects were meant.
#[derive(Default)]
struct Count {
    fetched: u64,
    there: u64,
    failed: u64,
    left_out: u64,
    unproven: u64,
}

impl Count {
    fn line(&self) -> Value {
        let Count { fetched, there, failed, left_out, unproven } = self;
        json!({
            "message": "summary", "objects": fetched + there + failed, "fetched": fetched, "was_there": there,
            "failed": failed, "left_out": left_out, "unproven": unproven,
        })
    }
}

/// What became of an object, for programs.
fn line(object: &Object, result: &crawl_core::Result<Came>) -> Value {
    let (message, proof) = match result {
        Ok(Came::Fetched(fetched)) => ("fetched", fetched.proof),
        Ok(Came::There) => ("there", None),
        Ok(Came::Would) => ("would fetch", None),
        Err(error) => {
            return json!({
                "message": "not fetched", "key": object.key, "kind": error.kind().word(),
                "error": error.to_string(), "advice": error.advice(),
            });
        }
    };
    json!({ "message": message, "key": object.key, "size": object.size, "proof": proof })
}

pub(crate) async fn folder(arguments: &SyncArgs, from: &str, root: &Path) -> Result<Outcome> {
    let SyncArgs { send, .. } = arguments;
    let choice = send.filter.choice()?;
    let (bucket, prefix) = send.door.open(Some(from)).await?;
    let prefix = super::sync::folder(prefix);
    if root.exists() && !root.is_dir() {
        return Err(Error::new(Kind::Config, "this is no folder")
            .at(root.display().to_string())
            .advise("name a folder; `s3-uploader get` fetches one object to a file")
            .into());
    }
    if arguments.delete && !arguments.yes && !send.dry_run {
        super::remove::somebody_there("files that the bucket does not have", from)?;
    }
    if !send.dry_run {
        std::fs::create_dir_all(root).map_err(|cause| Error::io("cannot make the folder", root, cause))?;
    }
    let mut here = files_here(root, &choice)?;
    if !send.dry_run {
        check_unused(root, here.values())?;
    }
    let receipts = receipts_of(bucket.name(), send.receipts.as_deref())?;
    let (mut count, mut seen) = (Count::default(), BTreeSet::new());
    // Names in small letters, in eight bytes each: a disk may take two of them for one.
    let (seed, mut folded) = (RandomState::new(), HashSet::new());
    let mut vain = InVain::default();
    let mut at: Option<String> = None;
    loop {
        let mut page = bucket.list(&prefix, at.as_deref()).await?;
        // Marks of folders, as consoles make them, are no files.
        page.objects.retain(|object| object.size > 0 || !object.key.ends_with('/'));
        let mut meant = Vec::new();
        for object in page.objects {
            let name = object.key.strip_prefix(&prefix).unwrap_or(&object.key).to_owned();
            folded.insert(seed.hash_one(name.to_lowercase()));
            let file = here.remove(&name);
            if send.filter.names_files() {
                seen.insert(name.clone());
            }
            if !choice.takes(&name) || !choice.fits(object.size, object.modified) {
                count.left_out += 1;
                continue;
            }
            let wish =
                Wish { receipt: receipts.get(&object.key).cloned(), takes_any_etag: arguments.any_etag };
            meant.push((object, name, file, wish));
        }
        let come = meant.iter().map(|(object, name, file, wish)| {
            let to = place(root, name).map_err(|error| error.with_scope(Scope::Record));
            let come = bring(&bucket, object, to, file.as_ref(), wish, arguments);
            async move { (object, come.await) }
        });
        let mut come = futures::stream::iter(come).buffer_unordered(AT_ONCE);
        while let Some((object, result)) = come.next().await {
            if send.json {
                print(line(object, &result));
            }
            match result {
                Ok(Came::Fetched(fetched)) => {
                    count.fetched += 1;
                    vain.well();
                    count.unproven += u64::from(fetched.proof.is_none());
                }
                Ok(Came::Would) => count.fetched += 1,
                Ok(Came::There) => {
                    count.there += 1;
                    vain.well();
                }
                Err(error) if vain.is_after(&error) => return Err(error.into()),
                Err(error) => {
                    count.failed += 1;
                    say(format!("not fetched: {error}; {}", error.advice()));
                }
            }
        }
        drop(come);
        at = page.next;
        if at.is_none() {
            break;
        }
    }
    if send.json {
        print(count.line());
    }
    let Count { fetched, there, mut failed, left_out, unproven } = count;
    if fetched + there + failed + left_out == 0 {
        return Err(bucket.nothing_there(&prefix).await.into());
    }
    let (all, done) = (fetched + there + failed, if send.dry_run { "to fetch" } else { "fetched" });
    say(format!(
        "{} = {} {done} + {} there already + {} not fetched; besides: {} left out",
        counted(all, "object"),
        grouped(fetched),
        grouped(there),
        grouped(failed),
        grouped(left_out)
    ));
    tell_unproven(unproven);
    for error in choice.lacking(&seen) {
        failed += 1;
        say(format!("{error}; {}", error.advice()));
    }
    if !arguments.delete {
        return Ok(Outcome::missing(failed));
    }
    let only_here: Vec<Local> = here
        .into_values()
        .filter(|file| choice.fits(file.stamp.size(), Some(file.stamp.modified())))
        .collect();
    let twin = |file: &Local| folded.contains(&seed.hash_one(file.name.to_lowercase()));
    let stay = remove(arguments, root, &only_here, twin, failed)?;
    Ok(Outcome::missing(failed + stay))
}

/// The files here by name, of those that the globs and names take: size and age are asked of each side by itself.
fn files_here(root: &Path, choice: &Choice) -> Result<BTreeMap<String, Local>> {
    if !root.exists() {
        return Ok(BTreeMap::new());
    }
    let receipts = root.join("s3-receipts.jsonl");
    let own = [s3_uploader::journal_path(&receipts), receipts];
    let listing = list(root, &choice.clone().within(Bounds::default()), &own)?;
    Ok(listing.files.into_iter().map(|file| (file.name.clone(), file)).collect())
}

/// Brings an object here, unless a file is alike.
async fn bring(
    bucket: &Bucket,
    object: &Object,
    to: crawl_core::Result<PathBuf>,
    file: Option<&Local>,
    wish: &Wish,
    arguments: &SyncArgs,
) -> crawl_core::Result<Came> {
    let to = to?;
    if let Some(file) = file {
        if bucket.equals(object, file, wish).await? == Some(true) {
            return Ok(Came::There);
        }
        if arguments.send.no_overwrite {
            return Err(Error::new(Kind::Config, "there is another file already")
                .at(to.display().to_string().escape_debug().to_string())
                .with_scope(Scope::Record)
                .advise("move it away, or leave --no-overwrite out"));
        }
    }
    if arguments.send.dry_run {
        if !arguments.send.json {
            let to = to.display().to_string();
            print(format!("fetch {} -> {}", object.key.escape_debug(), to.escape_debug()));
        }
        return Ok(Came::Would);
    }
    let fetched = match file {
        Some(file) => bucket.get_over(object, file, wish).await?,
        // What has this name all the same, such as a link, stays.
        None => bucket.get(object, &to, wish).await?,
    };
    Ok(Came::Fetched(fetched))
}

/// Removes the files that the bucket does not have; how many stay.
fn remove(
    arguments: &SyncArgs,
    root: &Path,
    only_here: &[Local],
    twin: impl Fn(&Local) -> bool,
    failed: u64,
) -> Result<u64> {
    let count = only_here.len() as u64;
    let place = root.display().to_string();
    if failed > 0 && count > 0 {
        say(format!("  {} that the bucket does not have: left, for not all came", counted(count, "file")));
        return Ok(count);
    }
    too_many(count, "file", arguments.max_delete, &place)?;
    if arguments.send.dry_run {
        for file in only_here.iter().filter(|_| !arguments.send.json) {
            print(format!("remove {}", file.path.display().to_string().escape_debug()));
        }
        say(format!("  would remove {} that the bucket does not have", counted(count, "file")));
        return Ok(0);
    }
    if count > 0 && !arguments.yes && !agreed(count, "file", &place)? {
        say("  nothing was removed");
        return Ok(0);
    }
    let mut stay = 0;
    for file in only_here {
        let removed = match twin(file) {
            true => Err(Error::new(
                Kind::Config,
                "the bucket has a name that differs from this file's only in case",
            )
            .at(file.path.display().to_string().escape_debug().to_string())
            .advise("it stays, for this disk may take the two for one; remove it by hand")),
            false => file.remove(),
        };
        if let Err(error) = removed {
            stay += 1;
            say(format!("not removed: {error}; {}", error.advice()));
        }
    }
    if arguments.send.remove_empty_folders {
        remove_empty(root);
    }
    say(format!(
        "  {} that the bucket does not have = {} removed + {} not removed",
        counted(count, "file"),
        grouped(count - stay),
        grouped(stay)
    ));
    Ok(stay)
}
