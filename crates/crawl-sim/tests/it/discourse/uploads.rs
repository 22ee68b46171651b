//! Pictures of posts.

use crawl_sim::{DiscourseConfig, Upload};

use sha1::{Digest, Sha1};

use super::{ask, start};
use crate::client::get;

/// All addresses of uploads in the posts of a forum, from `/uploads/` on, without doubles.
fn addresses(forum: &crawl_sim::Discourse) -> Vec<String> {
    let mut found = Vec::new();
    for topic in forum.topics() {
        for post in super::posts(&ask(forum, &format!("/t/{topic}.json"))) {
            let cooked = post["cooked"].as_str().unwrap();
            for (place, _) in cooked.match_indices("/uploads/") {
                let rest = &cooked[place..];
                let end = rest.find(['"', ' ', ',', '?']).unwrap();
                found.push(rest[..end].to_owned());
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

#[tokio::test]
async fn every_picture_in_a_post_is_a_real_one() {
    let forum = start(DiscourseConfig::default()).await;
    let addresses = addresses(&forum);
    let mut kinds = [0; 3];
    for path in &addresses {
        let mut got = get(&format!("{}{path}", forum.site()));
        if path.starts_with("/uploads/short-url/") {
            assert_eq!(got.status, 302, "{path}");
            got = get(&format!("{}{}", forum.site(), got.header("location").unwrap()));
        }
        assert_eq!(got.status, 200, "{path}");
        let starts = [&b"\x89PNG\r\n\x1a\n"[..], b"GIF89a", b"<svg "];
        let kind = starts.iter().position(|start| got.body.starts_with(start)).unwrap();
        let types = ["image/png", "image/gif", "image/svg+xml"];
        assert_eq!(got.header("content-type"), Some(types[kind]));
        kinds[kind] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
}

#[tokio::test]
async fn an_original_is_named_by_the_sum_of_its_bytes() {
    let forum = start(DiscourseConfig::default()).await;
    let path = addresses(&forum).into_iter().find(|path| path.contains("/original/")).unwrap();
    let got = get(&format!("{}{path}", forum.site()));
    let name = path.rsplit('/').next().unwrap().split('.').next().unwrap();
    let sum: String = Sha1::digest(&got.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(name, sum);
    let other = format!("{}/uploads/default/original/2X/a/other.gif", forum.site());
    assert_eq!(get(&other).body, get(&other).body);
    assert!(get(&other).body.starts_with(b"GIF89a"));
    let emoji = get(&format!("{}/images/emoji/twitter/smile.png?v=12", forum.site()));
    assert_eq!((emoji.status, emoji.header("content-type")), (200, Some("image/png")));
}

#[tokio::test]
async fn planted_uploads_are_as_hostile_as_they_are_wished() {
    let path = |name: &str| format!("/uploads/default/original/1X/{name}.png");
    let away = "http://169.254.169.254/latest/meta-data/".to_owned();
    let uploads = vec![
        (path("page"), Upload::Html),
        (path("bomb"), Upload::Bomb),
        (path("away"), Upload::Redirect(away.clone())),
        (path("gone"), Upload::Status(404)),
        (path("mine"), Upload::Bytes("image/png".into(), b"not looked at".to_vec())),
    ];
    let forum = start(DiscourseConfig { uploads, ..DiscourseConfig::default() }).await;
    let ask = |name: &str| get(&format!("{}{}", forum.site(), path(name)));
    let page = ask("page");
    assert_eq!(page.header("content-type"), Some("image/png"));
    assert!(page.text().starts_with("<!DOCTYPE html>"));
    let bomb = ask("bomb");
    assert!(bomb.body.len() < 1 << 20);
    assert_eq!(bomb.body[16..24], [0, 0, 64, 0, 0, 0, 64, 0], "16,384 pixels a side");
    assert_eq!((ask("away").status, ask("away").header("location")), (302, Some(away.as_str())));
    assert_eq!((ask("gone").status, ask("mine").body), (404, b"not looked at".to_vec()));
}
