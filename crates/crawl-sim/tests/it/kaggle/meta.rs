//! The tables of Meta Kaggle, which tell of the same items.

use std::collections::HashSet;

use crawl_sim::{Kaggle, KaggleConfig, Part};
use serde_json::json;

use super::{ask, download, named, start, walk};
use crate::client::{get, get_with};

/// Rows as maps of column to field.
struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    fn column(&self, name: &str) -> impl Iterator<Item = &str> {
        let place = self
            .columns
            .iter()
            .position(|column| column == name)
            .unwrap_or_else(|| panic!("no column {name}"));
        self.rows.iter().map(move |row| row[place].as_str())
    }
}

fn parse(text: &str) -> Rows {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ => field.push(letter),
        }
    }
    let columns: Vec<String> = rows.remove(0);
    assert!(rows.iter().all(|row: &Vec<String>| row.len() == columns.len()));
    Rows { columns, rows }
}

fn table(kaggle: &Kaggle, name: &str) -> Rows {
    let body =
        json!({"ownerSlug": "kaggle", "datasetSlug": "meta-kaggle", "fileName": format!("{name}.csv")});
    let got = download(kaggle, "DownloadDataset", &body);
    assert_eq!((got.status, got.length()), (200, got.body.len()));
    parse(&got.text())
}

#[tokio::test]
async fn competitions_have_48_columns_and_texts_of_markdown_and_html_in_one() {
    let kaggle = start(KaggleConfig { competitions: 60, ..KaggleConfig::default() }).await;
    let rows = table(&kaggle, "Competitions");
    assert_eq!((rows.columns.len(), rows.rows.len()), (48, 60));
    let slugs: HashSet<_> = rows.column("Slug").map(String::from).collect();
    assert_eq!(slugs, kaggle.references(Part::Competitions).into_iter().collect());
    let overviews: Vec<_> = rows.column("Overview").collect();
    for mark in [
        "## Description",
        "### Description",
        "## **Description**",
        "### Supervised ML",
        "\r\n",
        "<!--",
        "<li>",
    ] {
        assert!(overviews.iter().any(|text| text.contains(mark)), "{mark}");
    }
    assert!(overviews.iter().any(|text| text.is_empty()), "some are missing");
    assert!(overviews.iter().filter(|text| !text.is_empty()).all(|text| text.starts_with("# Overview")));
    let old = start(KaggleConfig { competitions: 60, meta_2022: true, ..KaggleConfig::default() }).await;
    let rows = table(&old, "Competitions");
    assert_eq!((rows.columns.len(), rows.columns[7].as_str()), (42, "CompetitionTypeId"));
}

#[tokio::test]
async fn datasets_and_owners_join_to_the_refs_of_the_api() {
    let kaggle = start(KaggleConfig { datasets: 300, ..KaggleConfig::default() }).await;
    let pairs = |table: &Rows, id: &str, name: &str| -> std::collections::HashMap<String, String> {
        table.column(id).map(String::from).zip(table.column(name).map(String::from)).collect()
    };
    let users = pairs(&table(&kaggle, "Users"), "Id", "UserName");
    let organizations = pairs(&table(&kaggle, "Organizations"), "Id", "Slug");
    let slugs = pairs(&table(&kaggle, "DatasetVersions"), "Id", "Slug");
    let datasets = table(&kaggle, "Datasets");
    let known: HashSet<_> = kaggle.references(Part::Datasets).into_iter().collect();
    let (mut joined, mut dangling) = (HashSet::new(), 0);
    let owners = datasets.column("OwnerUserId").zip(datasets.column("OwnerOrganizationId"));
    for ((user, organization), version) in owners.zip(datasets.column("CurrentDatasetVersionId")) {
        match users.get(user).or_else(|| organizations.get(organization)) {
            Some(owner) => drop(joined.insert(format!("{owner}/{}", slugs[version]))),
            None => dangling += 1,
        }
    }
    assert!(dangling > 0 && joined.len() + dangling >= 300);
    let stale = joined.difference(&known).count();
    assert!(stale <= 4, "{stale} refs that the API does not know: twins whose owner has no row of its own");
}

#[tokio::test]
async fn messages_are_as_many_as_the_topics_say_and_their_parents_exist() {
    let kaggle = start(KaggleConfig { topics: 200, ..KaggleConfig::default() }).await;
    let (topics, messages) = (table(&kaggle, "ForumTopics"), table(&kaggle, "ForumMessages"));
    let sum: usize = topics.column("TotalMessages").map(|count| count.parse::<usize>().unwrap()).sum();
    let ids: HashSet<_> = messages.column("Id").collect();
    assert_eq!((messages.rows.len(), ids.len()), (sum, sum));
    let parents: Vec<_> =
        messages.column("ReplyToForumMessageId").filter(|parent| !parent.is_empty()).collect();
    assert!(parents.len() > 50 && parents.iter().all(|parent| ids.contains(parent)));
    assert!(
        messages.column("RawMarkdown").any(str::is_empty) && messages.column("Message").any(str::is_empty)
    );
    assert!(topics.column("Title").any(str::is_empty), "comments on kernels have no title");
    let forums: HashSet<String> = table(&kaggle, "Forums").column("Id").map(String::from).collect();
    assert!(topics.column("ForumId").all(|forum| forums.contains(forum)));
}

#[tokio::test]
async fn every_table_is_served_whole_and_by_ranges_but_not_the_archive() {
    let kaggle = start(KaggleConfig::default()).await;
    let names = walk(&kaggle, "ListDatasetFiles", "datasetFiles", &named("kaggle/meta-kaggle"));
    assert!(names.len() > 12);
    for file in &names {
        let mut body = named("kaggle/meta-kaggle");
        body["fileName"] = file["name"].clone();
        let url = super::link(&kaggle, "DownloadDataset", &body);
        let whole = get(&url);
        let middle = whole.body.len() / 2;
        let rest = get_with(&url, &[("Range", &format!("bytes={middle}-"))]);
        assert_eq!(rest.body, whole.body[middle..], "{}", file["name"]);
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &whole.body) as u32;
        let sent = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, crc.to_be_bytes());
        assert_eq!(whole.header("x-goog-hash"), Some(format!("crc32c={sent}").as_str()));
    }
    assert_eq!(ask(&kaggle, "DownloadDataset", &named("kaggle/meta-kaggle")).status, 404);
    let zipped = start(KaggleConfig { meta_zipped: true, ..KaggleConfig::default() }).await;
    let mut body = named("kaggle/meta-kaggle");
    body["fileName"] = "Competitions.csv".into();
    let url = super::link(&zipped, "DownloadDataset", &body);
    assert!(url.contains("/Competitions.csv.zip?") && get(&url).body.starts_with(b"PK\x03\x04"));
}
