//! Competitions: from the table, from the list, by name; texts, leaderboards, refusals.

use crawl_core::Stored;
use crawl_sim::{Kaggle as Double, KaggleConfig, Part};
use serde_json::Value;

use crate::shop::{command, id, rows, values};

async fn double(config: KaggleConfig) -> Double {
    Double::start(KaggleConfig { datasets: 0, kernels: 0, models: 0, topics: 0, users: 50, ..config })
        .await
        .unwrap()
}

/// With an account: competitions want one.
fn crawl(double: &Double, root: &std::path::Path) -> std::process::Command {
    let mut command = command(double, "competitions", root);
    command.env("KAGGLE_API_TOKEN", "any");
    command
}

fn of<'a>(rows: &'a [Value], slug: &str) -> &'a Value {
    rows.iter().find(|row| row["Slug"] == slug).unwrap_or_else(|| panic!("no {slug}"))
}

/// The competition with this number in the double's world.
fn numbered(double: &Double, number: usize) -> String {
    let end = format!("-{number}");
    double.references(Part::Competitions).into_iter().find(|slug| slug.ends_with(&end)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_gives_every_competition_with_texts_and_leaderboard() {
    for zipped in [false, true] {
        let double =
            double(KaggleConfig { competitions: 120, meta_zipped: zipped, ..KaggleConfig::default() }).await;
        let root = tempfile::tempdir().unwrap();
        let out = crawl(&double, root.path()).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        let found = rows(root.path(), "competitions");
        let mut all = double.references(Part::Competitions);
        all.sort();
        assert_eq!(values(&found, "Slug"), all);
        let first = of(&found, &numbered(&double, 0));
        let line = Stored::open(root.path(), &id("competitions")).unwrap().records(1).unwrap().remove(0);
        let line = String::from_utf8(line.bytes().to_vec()).unwrap();
        let places: Vec<_> = [
            "CompetitionID",
            "Title",
            "SubTitle",
            "Slug",
            "HasLeaderboard",
            "DatasetDescription",
            "Description",
            "Evaluation",
            "LeaderboardTop100",
            "LeaderboardStatus",
            "LeaderboardSource",
        ]
        .map(|name| line.find(&format!("\"{name}\":")).unwrap())
        .into();
        assert!(places.is_sorted(), "{line}");
        assert_eq!((&first["CompetitionID"], &first["HasLeaderboard"]), (&3000.into(), &true.into()));
        let top = first["LeaderboardTop100"].as_array().unwrap();
        assert_eq!(top.len(), 100);
        assert!(top[0]["Rank"] == 1 && top[0]["Score"].is_number() && top[0]["SubmissionCount"].is_u64());
        assert_eq!(
            (&first["LeaderboardStatus"], &first["LeaderboardSource"]),
            (&"ok".into(), &"download".into())
        );
        assert!(first["Evaluation"].as_str().unwrap().contains("## Submission File"), "{first}");
        assert!(!first["Description"].as_str().unwrap().contains("<div>"), "{first}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_are_no_pages_the_overview_is_cut_and_where_there_is_neither_it_is_null() {
    let double = double(KaggleConfig { competitions: 100, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&double, root.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = rows(root.path(), "competitions");
    // Number 8 has no pages and an overview; 48 and 98 have neither.
    let cut = of(&found, &numbered(&double, 8));
    let text = cut["Description"].as_str().unwrap();
    assert!(
        !text.contains("<b>") && text.contains("```python\n# Evaluation is not a heading here"),
        "{text}"
    );
    assert!(cut["TextSources"]["Description"]["overview"] == 1.0, "{cut}");
    let paged = of(&found, &numbered(&double, 0));
    assert_eq!(paged["TextSources"]["Description"], "page");
    assert_eq!(
        (&paged["TextSources"]["Pages"], &cut["TextSources"]["Pages"]),
        (&"shown".into(), &"none".into())
    );
    assert!(!cut["DatasetDescription"].as_str().unwrap().starts_with('#'), "the name of the page is no text");
    let without = of(&found, &numbered(&double, 48));
    assert!(without["Description"].is_null() && without["Evaluation"].is_null(), "{without}");
    assert!(without["TextSources"]["Description"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaderboard_that_is_not_there_refused_or_broken_is_told_apart() {
    let broken = "/v1/competitions.CompetitionApiService/DownloadLeaderboard@1-=html".parse().unwrap();
    let healthy = double(KaggleConfig { competitions: 40, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&healthy, root.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = rows(root.path(), "competitions");
    let told = |number| {
        let row = of(&found, &numbered(&healthy, number));
        let board = row["LeaderboardTop100"].as_array().unwrap();
        (row["LeaderboardStatus"].clone(), row["LeaderboardSource"].clone(), board.clone())
    };
    assert_eq!(told(4), ("none".into(), Value::Null, vec![]));
    assert_eq!(told(9), ("refused".into(), Value::Null, vec![]));
    let (status, source, board) = told(6);
    assert_eq!((status, source), ("ok".into(), "view".into()), "the download is refused, the view is not");
    assert!(board.iter().all(|row| row["SubmissionCount"].is_null()));
    assert!(board.iter().enumerate().all(|(at, row)| row["Rank"] == at + 1));

    let ill = double(KaggleConfig { competitions: 3, faults: vec![broken], ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&ill, root.path()).args(["--tries", "1"]).output().unwrap();
    let found = rows(root.path(), "competitions");
    let missing = Stored::open(root.path(), &id("competitions")).unwrap().checkpoint().totals.missing;
    assert_eq!(found.len() as u64 + missing, 3, "{out:?}");
    assert!(found.iter().all(|row| row["LeaderboardSource"] != "download"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_the_services_list_work_too_and_leave_unknown_what_only_the_table_knows() {
    let double = double(KaggleConfig { competitions: 60, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let wanted = [numbered(&double, 3), numbered(&double, 5)];
    let out = crawl(&double, root.path()).args(&wanted).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = rows(root.path(), "competitions");
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|row| row["HasLeaderboard"].is_null() && row["Title"].is_string()));

    let root = tempfile::tempdir().unwrap();
    let list = ["--category", "research", "--limit", "4"];
    let out = crawl(&double, root.path()).args(list).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(rows(root.path(), "competitions").len(), 4);
    assert!(rows(root.path(), "stages/competitions").iter().all(|row| row["category"] == "Research"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_2022_lacks_columns_and_still_serves() {
    let double = double(KaggleConfig { competitions: 20, meta_2022: true, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&double, root.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = rows(root.path(), "competitions");
    assert_eq!(found.len(), 20);
    assert!(of(&found, &numbered(&double, 8))["Description"].is_null());
    assert!(of(&found, &numbered(&double, 1))["Description"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_of_competitions_killed_again_and_again_gives_the_same_rows() {
    let config = || KaggleConfig {
        competitions: 150,
        latency: std::time::Duration::from_millis(2),
        ..KaggleConfig::default()
    };
    let double = double(config()).await;
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let out = crawl(&double, whole.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    for kill in 0..10_u64 {
        let mut child = crawl(&double, root.path()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30 + kill * 40));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let out = crawl(&double, root.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(rows(root.path(), "competitions"), rows(whole.path(), "competitions"));
}
