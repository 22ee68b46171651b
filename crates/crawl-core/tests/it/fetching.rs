//! Files: resumed, verified, renamed; hostile ones refused.

use std::path::Path;

use crawl_core::files::{Expect, Fetched, fetch};
use crawl_core::http::{Http, HttpConfig, Request, Url};
use crawl_core::{Disk, Kind, Record, Result};
use crawl_sim::{Hub, HubConfig, Running};
use sha2::{Digest, Sha256};

struct Remote {
    hub: Running,
    http: Http,
    url: Url,
    bytes: Vec<u8>,
}

/// A hub with a large file, and what it holds.
async fn remote(faults: &[&str]) -> Remote {
    let faults = faults.iter().map(|rule| rule.parse().unwrap()).collect();
    let hub =
        Hub::start(HubConfig { datasets: 40, models: 0, faults, ..HubConfig::default() }).await.unwrap();
    let config = HttpConfig { backoff: std::time::Duration::from_millis(5), ..HttpConfig::default() };
    let http = Http::new(config).unwrap();
    let get = |path: String| {
        let url = Url::parse(&format!("{}{path}", hub.url())).unwrap();
        let http = http.clone();
        async move { http.send(&Request::get(url)).await }
    };
    let rows = get("/api/datasets?limit=40&expand=gated".into()).await.unwrap();
    for row in Record::split(&rows.body).unwrap() {
        let id = row.raw().get("id").unwrap().str().unwrap().into_owned();
        let Ok(tree) = get(format!("/api/datasets/{id}/tree/main?recursive=true")).await else { continue };
        for file in Record::split(&tree.body).unwrap() {
            if file.raw().get("lfs").is_none()
                || row.raw().get("gated").and_then(|raw| raw.bool()) != Some(false)
            {
                continue;
            }
            let path = file.raw().get("path").unwrap().str().unwrap().into_owned();
            let url = Url::parse(&format!("{}/datasets/{id}/resolve/main/{path}", hub.url())).unwrap();
            if let Ok(answer) = plain(&url).await {
                return Remote { http, bytes: answer, url, hub };
            }
        }
    }
    panic!("the hub has no large file");
}

/// The bytes, asked for past the faults that count requests of the file server.
async fn plain(url: &Url) -> Result<Vec<u8>> {
    let http = Http::new(HttpConfig {
        tries: 20,
        backoff: std::time::Duration::from_millis(1),
        ..HttpConfig::default()
    })?;
    Ok(http.send(&Request::get(url.clone())).await?.body.to_vec())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn get(remote: &Remote, root: &Path, expect: &Expect) -> Result<Fetched> {
    fetch(&remote.http, &Request::get(remote.url.clone()), root, "data/file.bin", expect, &Disk::default())
        .await
}

#[tokio::test]
async fn a_file_is_fetched_verified_and_found_again() {
    let (remote, root) = (remote(&[]).await, tempfile::tempdir().unwrap());
    let expect = Expect {
        size: Some(remote.bytes.len() as u64),
        sha256: Some(sha256(&remote.bytes)),
        ..Expect::default()
    };
    let first = get(&remote, root.path(), &expect).await.unwrap();
    assert_eq!(std::fs::read(&first.path).unwrap(), remote.bytes);
    let asked = remote.hub.count();
    assert_eq!(get(&remote, root.path(), &expect).await.unwrap().sha256, first.sha256);
    assert_eq!(remote.hub.count(), asked, "a file that is there is not fetched again");
    assert!(!root.path().join("data/file.bin.part").exists());
}

#[tokio::test]
async fn a_part_is_gone_on_with_and_a_foreign_part_is_thrown_away() {
    let remote = remote(&[]).await;
    let expect = Expect { sha256: Some(sha256(&remote.bytes)), ..Expect::default() };
    for (part, resumed) in [
        (remote.bytes[..1000].to_vec(), 1000),
        (vec![7; 1000], 0),
        (remote.bytes.clone(), remote.bytes.len() as u64),
    ] {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("data")).unwrap();
        std::fs::write(root.path().join("data/file.bin.part"), part).unwrap();
        let found = get(&remote, root.path(), &expect).await.unwrap();
        assert_eq!(std::fs::read(&found.path).unwrap(), remote.bytes);
        assert_eq!(found.resumed, resumed);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_gone_on_with() {
    // The first answers are broken, in `remote` and here; what arrives in the end is whole.
    for fault in ["cdn@2=cut", "cdn@2=reset", "cdn@2=whole", "cdn@2-3=status:500"] {
        let (remote, root) = (remote(&[fault]).await, tempfile::tempdir().unwrap());
        let expect = Expect { sha256: Some(sha256(&remote.bytes)), ..Expect::default() };
        let found =
            get(&remote, root.path(), &expect).await.unwrap_or_else(|error| panic!("{fault}: {error:?}"));
        assert_eq!(std::fs::read(&found.path).unwrap(), remote.bytes, "{fault}");
    }
}

#[tokio::test]
async fn what_is_not_as_expected_never_gets_its_name() {
    let remote = remote(&[]).await;
    let size = remote.bytes.len() as u64;
    for expect in [
        Expect { sha256: Some("0".repeat(64)), ..Expect::default() },
        Expect { size: Some(size + 1), ..Expect::default() },
        Expect { size: Some(size - 1), ..Expect::default() },
        Expect { most: Some(100), ..Expect::default() },
        Expect { git_blob: Some("0".repeat(40)), ..Expect::default() },
    ] {
        let root = tempfile::tempdir().unwrap();
        let error = get(&remote, root.path(), &expect).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{expect:?}");
        assert!(!root.path().join("data/file.bin").exists());
        assert!(!root.path().join("data/file.bin.part").exists());
    }
}

#[tokio::test]
async fn hostile_names_write_nothing() {
    let (remote, root) = (remote(&[]).await, tempfile::tempdir().unwrap());
    for name in ["../evil", "/tmp/evil", "a/../../evil", "a\\b", "C:evil"] {
        let request = Request::get(remote.url.clone());
        let error = fetch(&remote.http, &request, root.path(), name, &Expect::default(), &Disk::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Denied);
    }
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_part_without_a_known_hash_is_not_gone_on_with() {
    let (remote, root) = (remote(&[]).await, tempfile::tempdir().unwrap());
    std::fs::create_dir(root.path().join("data")).unwrap();
    std::fs::write(root.path().join("data/file.bin.part"), b"of another version").unwrap();
    let found = get(&remote, root.path(), &Expect::default()).await.unwrap();
    assert_eq!((std::fs::read(&found.path).unwrap() == remote.bytes, found.resumed), (true, 0));
}

#[tokio::test]
async fn a_refusal_leaves_the_part_for_the_next_run() {
    let (remote, root) = (remote(&["cdn@2-=status:403"]).await, tempfile::tempdir().unwrap());
    std::fs::create_dir(root.path().join("data")).unwrap();
    let part = root.path().join("data/file.bin.part");
    std::fs::write(&part, &remote.bytes[..1000]).unwrap();
    let expect = Expect { sha256: Some(sha256(&remote.bytes)), ..Expect::default() };
    assert_eq!(get(&remote, root.path(), &expect).await.unwrap_err().kind(), Kind::Denied);
    assert_eq!(part.metadata().unwrap().len(), 1000);
}
