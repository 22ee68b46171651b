//! Pictures: each once, checked, and read where Tesseract is installed.

use std::process::Command;

use crawl_core::record::conversation::Image;
use crawl_sim::{Discourse, DiscourseConfig, PlantedTopic, Upload};

use crate::shop::{conversations, crawl, forum, text, tree};

fn with(uploads: Vec<(String, Upload)>) -> DiscourseConfig {
    let posts = uploads.iter().fold(PlantedTopic::topic("pictures of ours"), |topic, (path, _)| {
        topic
            .post(None, &format!("<p>Look: <img src=\"{path}\" width=\"200\" height=\"100\" alt=\"it\"></p>"))
    });
    DiscourseConfig { topics: 0, plants: vec![posts], uploads, ..DiscourseConfig::default() }
}

async fn images(forum: &Discourse, root: &std::path::Path, flags: &[&str]) -> Vec<Image> {
    let mut command = crawl(&forum.site(), root);
    let out = command.args(["--tries", "1"]).args(flags).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    let all = conversations(root);
    let planted = all.values().find(|talk| talk.topic.title.as_deref() == Some("pictures of ours")).unwrap();
    planted.posts.iter().flat_map(|post| post.images.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_a_bomb_or_inside_a_network_is_left_out_with_its_reason() {
    let gif = b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x10\0\x10\0\0\x02\x0e\x84\x8f\xa9\xcb\xed\x0f\xa3\x9c\xb4\xda\x8b\xb3>\x05\0;";
    let at = |name: &str| format!("/uploads/default/original/1X/{name}");
    let uploads = vec![
        (at("one.gif"), Upload::Bytes("image/gif".into(), gif.to_vec())),
        (at("same.gif"), Upload::Bytes("image/gif".into(), gif.to_vec())),
        (at("page.png"), Upload::Html),
        (at("bomb.png"), Upload::Bomb),
        (at("inside.png"), Upload::Redirect("http://169.254.169.254/latest/meta-data".into())),
        (at("gone.png"), Upload::Status(404)),
    ];
    let forum = forum(with(uploads)).await;
    let root = tempfile::tempdir().unwrap();
    let found = images(&forum, root.path(), &[]).await;
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(
        found[0].file.is_some() && found[0].file == found[1].file,
        "the same bytes are one file: {found:?}"
    );
    assert_eq!((found[0].width, found[0].height), (Some(16), Some(16)));
    for image in &found[2..] {
        assert!(image.file.is_none() && image.more["missing"].is_string(), "{image:?}");
    }
    let kept = tree(&root.path().join("images"));
    assert_eq!(kept.keys().filter(|path| !path.ends_with(".files")).count(), 1);
    assert!(forum.seen().iter().all(|seen| !seen.path_and_query.contains("meta-data")));
}

fn tesseract() -> bool {
    let here = Command::new("tesseract").arg("--version").output().is_ok();
    if !here {
        eprintln!("Tesseract is not installed: nothing is read");
    }
    here
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tesseract_pictures_are_kept_and_the_crawl_says_how_to_read_them() {
    let forum = forum(DiscourseConfig { topics: 2, posts: Some(2), ..DiscourseConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let run = |more: &[&str], root: &std::path::Path| {
        let mut command = crate::shop::program(&["crawl", &forum.site(), "--rate", "100000", "--root"]);
        command.arg(root).args(more).env("PATH", "/nonexistent").output().unwrap()
    };
    let out = run(&[], &root.path().join("a"));
    assert!(out.status.success() && text(&out.stderr).contains("install Tesseract"), "{}", text(&out.stderr));
    let out = run(&["--images", "ocr-only"], &root.path().join("b"));
    assert_eq!(out.status.code(), Some(78), "{}", text(&out.stderr));
    if tesseract() {
        let mut command = crate::shop::program(&["crawl", &forum.site(), "--ocr-lang", "tlh", "--root"]);
        let out = command.arg(root.path().join("c")).args(["--rate", "100000"]).output().unwrap();
        assert!(text(&out.stderr).contains("tesseract-ocr-tlh"), "{}", text(&out.stderr));
    }
}
