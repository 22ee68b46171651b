//! Competitions: texts, leaderboards, files.

use crawl_sim::{Kaggle, KaggleConfig, Part};
use serde_json::{Value, json};

use super::{answer, ask, download, start, walk};

fn named(kaggle: &Kaggle, index: u64) -> Value {
    json!({"competitionName": kaggle.reference(Part::Competitions, index)})
}

#[tokio::test]
async fn a_ref_is_an_address_whose_last_part_is_the_name() {
    let kaggle = start(KaggleConfig { competitions: 70, ..KaggleConfig::default() }).await;
    let rows = walk(&kaggle, "ListCompetitions", "competitions", &json!({}));
    assert_eq!(rows.len(), 70);
    for row in &rows {
        let name = row["ref"].as_str().unwrap().rsplit('/').next().unwrap();
        assert_eq!(answer(&kaggle, "GetCompetition", &json!({"competitionName": name}))["id"], row["id"]);
    }
    let narrowed = walk(
        &kaggle,
        "ListCompetitions",
        "competitions",
        &json!({"category": "HOST_SEGMENT_GETTING_STARTED"}),
    );
    assert!(!narrowed.is_empty() && narrowed.iter().all(|row| row["category"] == "Getting Started"));
    assert_eq!(ask(&kaggle, "GetCompetition", &json!({"competitionName": "no-such-3"})).status, 404);
}

#[tokio::test]
async fn leaderboards_come_as_a_zip_as_a_view_as_one_of_them_or_not_at_all() {
    let kaggle = start(KaggleConfig::default()).await;
    let status = |method: &str, index| ask(&kaggle, method, &named(&kaggle, index)).status;
    let zip = ask(&kaggle, "DownloadLeaderboard", &named(&kaggle, 0));
    assert_eq!((zip.status, zip.header("content-type")), (200, Some("application/zip")));
    let name = &zip.body[30..30 + usize::from(zip.body[26])];
    assert!(name.iter().filter(|byte| **byte == b':').count() == 2, "colons in the name");
    let view = walk(&kaggle, "GetLeaderboard", "submissions", &named(&kaggle, 0));
    assert_eq!(view.len(), 230);
    assert!(view.iter().all(|row| row["score"].is_string()) && view.iter().any(|row| row["score"] == ""));
    assert_eq!((status("DownloadLeaderboard", 6), status("GetLeaderboard", 6)), (403, 200));
    assert_eq!((status("DownloadLeaderboard", 9), status("GetLeaderboard", 9)), (403, 403));
    assert_eq!(status("DownloadLeaderboard", 4), 404);
    assert_eq!(answer(&kaggle, "GetLeaderboard", &named(&kaggle, 4))["submissions"], json!([]));
}

#[tokio::test]
async fn pages_hold_the_texts_where_there_are_any() {
    let kaggle = start(KaggleConfig::default()).await;
    let pages = |index| answer(&kaggle, "ListCompetitionPages", &named(&kaggle, index))["pages"].clone();
    let names: Vec<_> =
        pages(0).as_array().unwrap().iter().map(|page| page["name"].as_str().unwrap().to_owned()).collect();
    for name in ["Description", "Evaluation", "rules", "data-description"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert_eq!(pages(8), json!([]));
    let mut one = named(&kaggle, 0);
    one["pageName"] = "Evaluation".into();
    let one = answer(&kaggle, "ListCompetitionPages", &one);
    assert!(one["pages"].as_array().unwrap().len() == 1 && one.to_string().contains("\\r\\n"));
}

#[tokio::test]
async fn files_wait_for_the_rules() {
    let kaggle = start(KaggleConfig::default()).await;
    for method in ["DownloadDataFiles", "ListDataFiles", "ListDataTreeFiles"] {
        let refused = ask(&kaggle, method, &named(&kaggle, 3));
        assert!(refused.status == 403 && refused.text().contains("accept this competition's rules"));
    }
    assert!(download(&kaggle, "DownloadDataFiles", &named(&kaggle, 2)).body.starts_with(b"PK"));
    let files = walk(&kaggle, "ListDataFiles", "files", &named(&kaggle, 2));
    assert_eq!(files.len(), 63);
    let mut body = named(&kaggle, 2);
    body["fileName"] = "images/003.txt".into();
    assert_eq!(download(&kaggle, "DownloadDataFile", &body).status, 200);
}
