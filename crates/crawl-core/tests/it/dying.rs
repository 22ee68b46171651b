//! The promise for files: a crash in any step leaves nothing that an undisturbed run does not leave.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering;

use crawl_core::files::{Digest, Files, Wanted};
use crawl_core::http::Http;
use crawl_core::{Disk, Fate, FileLine, Result};
use futures::StreamExt;

use crate::fetching::{http, sha256};
use crate::origin::{Origin, good, made};
use crate::promise::dying;
use crate::tables::{differing, picture};

const SIZE: u64 = 40_000;

/// Files in all the ways that there are: fetched with a break, fetched aside and removed, fetched again, other bytes under a name, put, made,
/// known by a digest, found to be the same.
async fn run(http: &Http, origin: &Origin, root: &Path, disk: Disk) -> Result<Vec<FileLine>> {
    let files = Files::new(root).with_disk(disk);
    let wanted = |version: u64| {
        let mut wanted = Wanted::new(origin.request(), "data/o/file.bin");
        wanted.request.url.set_path(&version.to_string());
        wanted
    };
    let mut lines = Vec::new();
    lines.push(files.fetch(http, &wanted(1)).await?);
    lines.push(files.put("data/p/put.txt", None, "put".into()).await?);
    let aside = Wanted { name: "data/o/archive.zip".into(), ..wanted(3) };
    let aside = files.fetch_aside(http, &aside).await?.unwrap();
    assert!(std::fs::read(aside.path()).unwrap() == made(3, 0, SIZE));
    aside.remove().await?;
    lines.push(files.fetch(http, &wanted(2)).await?);
    lines.push(files.fetch(http, &wanted(1)).await?);
    let digests = vec![Digest::Sha256(sha256(&made(2, 0, SIZE)))];
    lines.push(files.fetch(http, &Wanted { digests, ..wanted(2) }).await?);
    let mut making = files.create("data/made", Some("0123456789abcdef"), 100).await?;
    making.write_all(b"made ").map_err(inner)?;
    making.write_all(b"here").map_err(inner)?;
    lines.push(making.finish().await?);
    lines.push(files.put("data/made", Some("0123456789abcdef"), "other".into()).await?);
    Ok(lines)
}

fn inner(error: std::io::Error) -> crawl_core::Error {
    *error.into_inner().unwrap().downcast().unwrap()
}

/// A file is there whole, or only its part is.
fn check_names(root: &Path) {
    for (name, bytes) in picture(root) {
        if name.starts_with("data/o/file.bin") && !name.contains(".part") {
            assert!(bytes == made(1, 0, SIZE) || bytes == made(2, 0, SIZE), "{name} is not whole");
        }
    }
}

#[tokio::test]
async fn files_that_die_at_any_step_are_in_the_end_as_if_nothing_had_happened() {
    let origin = Origin::start(|asked| {
        let version = asked.path[1..].parse().unwrap();
        let answer = good(asked, SIZE, version);
        if asked.from().is_none() { answer.cut(SIZE / 2) } else { answer }
    });
    let (http, whole) = (http(), tempfile::tempdir().unwrap());
    let (disk, steps) = dying(usize::MAX, Fate::Live);
    let lines = run(&http, &origin, whole.path(), disk).await.unwrap();
    let steps = steps.load(Ordering::SeqCst);
    assert!(steps > 100, "only {steps} steps: are all writes asked for?");
    assert_eq!(picture(whole.path()).len(), 6, "{:?}", picture(whole.path()).keys());
    let ways = (0..steps).flat_map(|at| [(at, Fate::Die), (at, Fate::Tear)]);
    let deaths = futures::stream::iter(ways).map(|(at, fate)| {
        let (http, origin, whole, lines) = (&http, &origin, whole.path(), &lines);
        async move {
            let root = tempfile::tempdir().unwrap();
            let (disk, _) = dying(at, fate);
            // A body may come in fewer pieces than the first time: then it does not die at the last steps.
            let died = run(http, origin, root.path(), disk).await.is_err();
            check_names(root.path());
            let again = run(http, origin, root.path(), Disk::default()).await.unwrap();
            assert_eq!(again, *lines, "died at step {at} ({fate:?})");
            assert_eq!(differing(root.path(), whole), [""; 0], "died at step {at} ({fate:?})");
            usize::from(died)
        }
    });
    let deaths: usize = deaths.buffer_unordered(8).collect::<Vec<_>>().await.into_iter().sum();
    assert!(deaths > 2 * steps - 60, "only {deaths} deaths in {steps} steps");
}
