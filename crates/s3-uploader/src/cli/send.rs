//! `copy` and `move`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, Session, counted, grouped, print, say, size, stop_after};
use crawl_core::{Error, Kind};
use s3_uploader::{Job, Listing, Local, Plan, Summary, Watch, shown_address};

use super::SendArgs;
use super::progress::Progress;

/// What is done with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Copy,
    Move,
    /// As a copy, but that what the bucket tells to be equal is not looked at.
    Sync,
}

pub(crate) async fn run(arguments: SendArgs, way: Way, session: &Session) -> Result<Outcome> {
    let delete = way == Way::Move;
    let choice = arguments.filter.choice()?;
    let address = arguments.from.to_str().filter(|from| from.contains("://") && !arguments.from.exists());
    if let Some(from) = address {
        return Err(Error::new(Kind::Config, "this is no file and no folder")
            .at(shown_address(from))
            .advise("s3-uploader sync copies from bucket to bucket or into a folder, and get fetches")
            .into());
    }
    let receipts = receipts_of(&arguments);
    let mut journal_part = s3_uploader::journal_path(&receipts).into_os_string();
    journal_part.push(".part");
    // Also those that earlier runs have left with what they tell of: other receipts do not stand for them.
    let usual = usual_receipts(&arguments.from);
    let own = [
        receipts.clone(),
        s3_uploader::journal_path(&receipts),
        PathBuf::from(journal_part),
        s3_uploader::journal_path(&usual),
        usual,
    ];
    let mut listing = s3_uploader::list(&arguments.from, &choice, &own)?;
    if delete && !arguments.dry_run {
        check_unused(&arguments.from, &listing.files)?;
    }
    let (bucket, prefix) = arguments.door.open(arguments.to.as_deref()).await?;
    let prefix = place(&arguments.from, &prefix, &mut listing);
    let equal = match way {
        Way::Sync => super::sync::leave_out_equal(&bucket, &prefix, &mut listing).await?,
        Way::Copy | Way::Move => 0,
    };
    for error in &listing.refused {
        say(format!("left {error}; {}", error.advice()));
    }
    if arguments.dry_run {
        if way == Way::Sync {
            say(format!("there already: {}", counted(equal, "file")));
        }
        return Ok(dry(&listing, bucket.name(), &prefix, delete));
    }
    let plan = Plan {
        prefix,
        dress: arguments.dress.dress(&arguments.door.file()?, arguments.no_overwrite)?,
        proof: arguments.proof.map(Into::into),
        delete,
    };
    let job = Job::new(bucket.clone(), plan, &receipts).map_err(|error| match error.kind() {
        Kind::Storage => {
            error.advise("make room or give the right to write there, or name another --receipts")
        }
        _ => error,
    })?;
    let progress = Arc::new(Progress::new(&listing.files, arguments.json, session));
    let told = progress.clone();
    let watch: Watch = Arc::new(move |file, result| told.file(file, result));
    let files = std::mem::take(&mut listing.files);
    let summary = tokio::select! {
        summary = s3_uploader::run(&job, files, stop_after("the files on their way"), watch) => summary,
        () = progress.show(&bucket) => unreachable!("it has no end"),
    };
    progress.wipe();
    let mut summary = summary?;
    // They were to be in the bucket as well, and are.
    summary.files += equal;
    summary.there += equal;
    if delete && arguments.remove_empty_folders {
        remove_empty(&arguments.from);
    }
    tell(&summary, &listing, (&arguments, &receipts), &progress, session);
    end(summary, &listing)
}

/// With what they tell of: a root has one file of receipts, which a crawl with --upload writes as well.
fn receipts_of(arguments: &SendArgs) -> PathBuf {
    arguments.receipts.clone().unwrap_or_else(|| usual_receipts(&arguments.from))
}

fn usual_receipts(from: &Path) -> PathBuf {
    const NAME: &str = "s3-receipts.jsonl";
    if from.is_dir() { from.join(NAME) } else { from.with_file_name(NAME) }
}

/// A root that a crawl writes to must keep its manifest and checkpoint.
pub(crate) fn check_unused<'a>(from: &Path, files: impl IntoIterator<Item = &'a Local>) -> Result<()> {
    let above = from.canonicalize().unwrap_or_default();
    // Whatever the globs leave out: a lock lies in a folder above the files of its crawl.
    let folders = |path: &'_ Path| {
        path.ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(from))
            .map(Path::to_owned)
            .collect::<Vec<_>>()
    };
    let within: BTreeSet<PathBuf> = files.into_iter().flat_map(|file| folders(&file.path)).collect();
    match above
        .ancestors()
        .chain(within.iter().map(PathBuf::as_path))
        .find(|root| crawl_core::Stored::root_is_being_written(root))
    {
        None => Ok(()),
        Some(root) => Err(Error::new(Kind::Config, "a crawl is writing here")
            .at(root.display().to_string())
            .advise(
                "wait for it; a crawl moves its own pages with --upload, and a copy to a bucket harms nobody",
            )
            .into()),
    }
}

/// The exit code: 0 only if everything that was asked for is in the bucket.
fn end(summary: Summary, listing: &Listing) -> Result<Outcome> {
    let went = summary.sent + summary.there;
    match summary.first {
        Some(error) if went == 0 => Err(error.into()),
        Some(error) if summary.not_begun > 0 => Err(error.into()),
        None if summary.not_begun > 0 => Ok(Outcome::Stopped),
        first => Ok(Outcome::missing(u64::from(first.is_some()) + listing.refused.len() as u64)),
    }
}

/// What is put before each name. A single file may be given its whole key.
fn place(from: &Path, prefix: &str, listing: &mut Listing) -> String {
    let open = prefix.is_empty() || prefix.ends_with('/');
    match listing.files.as_mut_slice() {
        [file] if from.is_file() && !open => {
            file.name.clear();
            prefix.to_owned()
        }
        _ if open => prefix.to_owned(),
        _ => format!("{prefix}/"),
    }
}

fn dry(listing: &Listing, bucket: &str, prefix: &str, delete: bool) -> Outcome {
    let verb = if delete { "move" } else { "copy" };
    for file in &listing.files {
        let name = file.path.display().to_string();
        let key = format!("{prefix}{}", file.name);
        print(format!("{verb} {} -> s3://{bucket}/{}", name.escape_debug(), key.escape_debug()));
    }
    let bytes = listing.files.iter().map(|file| file.stamp.size()).sum();
    say(format!(
        "would {verb} {}, {}; nothing was sent",
        counted(listing.files.len() as u64, "file"),
        size(bytes)
    ));
    Outcome::missing(listing.refused.len() as u64)
}

fn tell(
    summary: &Summary,
    listing: &Listing,
    (arguments, receipts): (&SendArgs, &Path),
    progress: &Progress,
    session: &Session,
) {
    let Summary { files, sent, there, failed, not_begun, bytes, .. } = summary;
    let line = serde_json::json!({
        "message": "summary", "files": files, "sent": sent, "was_there": there, "kept": failed,
        "not_begun": not_begun, "bytes": bytes, "left_out": listing.left_out,
        "refused": listing.refused.len(), "receipts": receipts, "seconds": progress.seconds(),
    });
    if arguments.json {
        print(&line);
    }
    if session.flags().log == crawl_cli::LogForm::Json {
        return say(line);
    }
    say(format!(
        "{} = {} sent + {} there already + {} kept after an error + {} not begun; {} in {:.1} s",
        counted(*files, "file"),
        grouped(*sent),
        grouped(*there),
        grouped(*failed),
        grouped(*not_begun),
        size(*bytes),
        progress.seconds()
    ));
    if listing.left_out > 0 || !listing.refused.is_empty() {
        let (left_out, refused) = (grouped(listing.left_out), listing.refused.len());
        say(format!("  besides: {left_out} left out by the globs, {refused} no plain files"));
    }
    say(format!("  receipts: {}", receipts.display()));
}

/// Removes the folders below the root that hold nothing; the root stays.
pub(crate) fn remove_empty(root: &Path) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && !path.is_symlink() {
            remove_empty(&path);
            // One that holds something is not removed: that is what is wanted.
            let _ = std::fs::remove_dir(&path);
        }
    }
}
