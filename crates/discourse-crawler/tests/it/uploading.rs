//! `--upload`: conversations and pictures go to a bucket behind the crawl. The bucket is a real S3 server in process.

use crawl_sim::{DiscourseConfig, S3};

use crate::shop::{crawl, forum, text, timeless, tree};

#[tokio::test(flavor = "multi_thread")]
async fn conversations_and_pictures_move_to_a_bucket_and_the_list_stays() {
    let forum = forum(DiscourseConfig { topics: 40, ..DiscourseConfig::default() }).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("s3/bucket")).unwrap();
    let server = S3::start(&dir.path().join("s3"), 0).unwrap();
    let (whole, root) = (dir.path().join("whole"), dir.path().join("root"));
    assert!(crawl(&forum.site(), &whole).output().unwrap().status.success());
    let run = |kill: Option<u64>| {
        let mut command = crawl(&forum.site(), &root);
        command
            .env("AWS_ENDPOINT_URL", server.url())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", S3::KEY)
            .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .args(["--rows-a-page", "5", "--upload", "s3://bucket/crawl", "--disk-budget", "10MB"]);
        match kill {
            Some(after) => {
                let mut child = command.spawn().unwrap();
                std::thread::sleep(std::time::Duration::from_millis(after));
                child.kill().unwrap();
                child.wait().unwrap();
            }
            None => {
                let out = command.output().unwrap();
                assert!(out.status.success(), "{}", text(&out.stderr));
            }
        }
    };
    for after in [150, 400, 700] {
        run(Some(after));
    }
    run(None);
    let bucket = dir.path().join("s3/bucket/crawl");
    assert_eq!(pictures(&bucket), pictures(&whole));
    assert!(pictures(&root).is_empty(), "and none is here");
    let pages = |root: &std::path::Path| {
        let lines = tree(root).into_iter().filter(|(path, _)| {
            let name = path.to_string_lossy();
            name.contains("/conversations/page_") && !name.contains(".files.") && !name.contains(".missing.")
        });
        let lines = lines.flat_map(|(_, bytes)| text(&bytes).lines().map(String::from).collect::<Vec<_>>());
        let talks = lines.map(|line| {
            let talk: crawl_core::record::Conversation = serde_json::from_str(&line).unwrap();
            (talk.topic.id.unwrap(), talk)
        });
        timeless(talks.collect())
    };
    assert_eq!(pages(&bucket), pages(&whole));
    assert!(pages(&root).is_empty());
    let listed =
        tree(&root).into_keys().any(|path| path.to_string_lossy().contains("/topics/page_00001.jsonl"));
    assert!(listed, "the list of topics stays");
}

/// The pictures of a root, without the mark of their folder.
fn pictures(root: &std::path::Path) -> Vec<std::path::PathBuf> {
    tree(&root.join("images")).into_keys().filter(|path| !path.to_string_lossy().starts_with('.')).collect()
}
