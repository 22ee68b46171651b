//! Files that are fetched to be taken apart.

use crawl_core::Kind;
use crawl_core::files::{Digest, Files, Wanted};

use crate::fetching::{http, sha256, wanted};
use crate::origin::{Origin, good, made};
use crate::tables::picture;

const SIZE: u64 = 1_000_000;

#[tokio::test]
async fn a_file_that_is_fetched_aside_has_no_name_stays_until_it_is_removed_and_leaves_nothing() {
    let origin = Origin::start(|asked| good(asked, SIZE, 1).cut(400_000));
    let root = tempfile::tempdir().unwrap();
    let wanted = Wanted { version: Some("v1".into()), ..wanted(&origin) };
    let aside = Files::new(root.path()).fetch_aside(&http(), &wanted).await.unwrap().unwrap();
    assert_eq!(aside.size(), SIZE);
    assert!(aside.url().is_some_and(|url| url.host_str() == Some("127.0.0.1")));
    drop(aside);
    assert!(!root.path().join("data/o/file.bin").exists());
    let asked = origin.asked().len();
    // A new process finds it: the last byte is asked for, since no digest proves it.
    let aside = Files::new(root.path()).fetch_aside(&http(), &wanted).await.unwrap().unwrap();
    assert!(std::fs::read(aside.path()).unwrap() == made(1, 0, SIZE));
    assert_eq!(origin.asked().len(), asked + 1);
    aside.remove().await.unwrap();
    let left: Vec<_> = picture(root.path()).into_keys().collect();
    assert_eq!(left, ["data/.files"]);
}

#[tokio::test]
async fn a_file_aside_that_is_too_large_is_none_and_one_that_is_wrong_does_not_stay() {
    let origin = Origin::start(|asked| good(asked, SIZE, 1));
    let root = tempfile::tempdir().unwrap();
    let files = Files::new(root.path());
    let too_large = Wanted { most: SIZE - 1, ..wanted(&origin) };
    assert!(files.fetch_aside(&http(), &too_large).await.unwrap().is_none());
    let other = Wanted { size: Some(SIZE + 1), ..wanted(&origin) };
    assert_eq!(files.fetch_aside(&http(), &other).await.unwrap_err().kind(), Kind::Shape);
    // What has its name is another matter.
    let line = files.fetch(&http(), &wanted(&origin)).await.unwrap();
    let aside = files.fetch_aside(&http(), &wanted(&origin)).await.unwrap().unwrap();
    assert_ne!(aside.path(), root.path().join(&line.path));
    aside.remove().await.unwrap();
    assert_eq!(picture(root.path()).len(), 2, "the file and the mark");
}

#[tokio::test]
async fn what_is_known_of_a_file_aside_is_checked_though_its_sha256_is_wanted_for_nothing_else() {
    // The first answer breaks off: what is compared is of all bytes.
    let origin = Origin::start(|asked| {
        let answer = good(asked, SIZE, 1);
        if asked.from().is_none() { answer.cut(SIZE / 2) } else { answer }
    });
    let right = sha256(&made(1, 0, SIZE));
    for (sha256, is_right) in [(right.clone(), true), (right.replace(['0', '1'], "f"), false)] {
        let root = tempfile::tempdir().unwrap();
        let files = Files::new(root.path());
        let wanted = Wanted { digests: vec![Digest::Sha256(sha256)], ..wanted(&origin) };
        match files.fetch_aside(&http(), &wanted).await {
            Ok(aside) => {
                assert!(is_right);
                assert!(std::fs::read(aside.unwrap().path()).unwrap() == made(1, 0, SIZE));
            }
            Err(error) => assert!(!is_right && error.kind() == Kind::Shape, "{error:?}"),
        }
    }
}
