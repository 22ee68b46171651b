//! Downloads: links, ranges, sums.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crawl_sim::{Content, KaggleConfig, Part, Plant};
use crc_fast::CrcAlgorithm;
use md5::{Digest, Md5};
use serde_json::json;

use super::{answer, ask, download, link, named, showcase, start, walk};
use crate::client::{Got, get, get_with, send};

/// The bytes are those that the headers name.
fn assert_sums(got: &Got, bytes: &[u8]) {
    let hashes: Vec<_> = got
        .headers
        .iter()
        .filter(|(name, _)| name == "x-goog-hash")
        .flat_map(|(_, value)| value.split(','))
        .collect();
    let crc = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32;
    assert!(
        hashes.contains(&format!("crc32c={}", STANDARD.encode(crc.to_be_bytes())).as_str()),
        "{hashes:?}"
    );
    if let Some(md5) = hashes.iter().find_map(|hash| hash.strip_prefix("md5=")) {
        assert_eq!(md5, STANDARD.encode(Md5::digest(bytes)));
    }
}

#[tokio::test]
async fn files_are_as_long_as_listed_and_have_the_sums_of_the_headers() {
    let kaggle = start(KaggleConfig { datasets: 30, zip_from: u64::MAX, ..KaggleConfig::default() }).await;
    let mut without_md5 = 0;
    for index in (0..30).filter(|index| index % 50 != 7) {
        let name = named(&kaggle.reference(Part::Datasets, index));
        for file in walk(&kaggle, "ListDatasetFiles", "datasetFiles", &name) {
            let mut body = name.clone();
            body["fileName"] = file["name"].clone();
            let got = download(&kaggle, "DownloadDataset", &body);
            assert_eq!(
                (got.status, got.body.len() as u64),
                (200, file["totalBytes"].as_u64().unwrap()),
                "{body}"
            );
            assert_sums(&got, &got.body);
            without_md5 += u64::from(!got.headers.iter().any(|(_, value)| value.contains("md5=")));
        }
        let archive = download(&kaggle, "DownloadDataset", &name);
        assert!(archive.body.starts_with(b"PK\x03\x04"));
        assert_sums(&archive, &archive.body);
    }
    assert!(without_md5 > 3, "composite objects have no MD5");
}

#[tokio::test]
async fn a_link_leads_to_another_origin_is_signed_and_takes_ranges() {
    let kaggle = start(KaggleConfig { datasets: 10, ..KaggleConfig::default() }).await;
    let url = link(&kaggle, "DownloadDataset", &showcase(&kaggle));
    assert!(!url.starts_with(&kaggle.url()) && url.contains("/bundle/archive.zip?X-Goog-Algorithm="));
    let whole = get(&url);
    let bytes = &whole.body;
    let etag = whole.header("etag").unwrap().to_owned();
    let modified = whole.header("last-modified").unwrap().to_owned();
    assert_eq!(whole.header("x-goog-stored-content-length").unwrap(), bytes.len().to_string());

    let part = get_with(&url, &[("Range", "bytes=100-299"), ("If-Range", &etag)]);
    assert_eq!((part.status, part.body.as_slice()), (206, &bytes[100..300]));
    assert_eq!(part.header("content-range").unwrap(), format!("bytes 100-299/{}", bytes.len()));
    let last = get_with(&url, &[("Range", "bytes=-22")]);
    assert_eq!((last.status, last.body.as_slice()), (206, &bytes[bytes.len() - 22..]));
    let rest = get_with(&url, &[("Range", "bytes=3000000-"), ("If-Range", &modified)]);
    assert_eq!((rest.status, rest.body.as_slice()), (206, &bytes[3_000_000..]));
    assert_eq!(get_with(&url, &[("Range", "bytes=100-"), ("If-Range", "\"other\"")]).status, 200);
    assert_eq!(get_with(&url, &[("Range", "bytes=99999999-")]).status, 416);

    let forged = url.replace("archive.zip", "other.zip");
    assert_eq!(get(&forged).status, 403);
    assert_eq!(get(url.split('?').next().unwrap()).status, 403);
    assert_eq!(send("HEAD", &url, &[], b"").unwrap().status, 403);
    assert_eq!(get_with(&url, &[("Authorization", "Bearer x")]).status, 400);
}

#[tokio::test]
async fn links_wear_out_and_expire() {
    let kaggle = start(KaggleConfig { datasets: 10, link_uses: Some(2), ..KaggleConfig::default() }).await;
    let fresh = || link(&kaggle, "DownloadDataset", &showcase(&kaggle));
    let url = fresh();
    assert_eq!((get(&url).status, get(&url).status), (200, 200));
    let worn = get(&url);
    assert_eq!(worn.status, 403);
    assert!(worn.text().contains("<Code>ExpiredToken</Code>"), "{}", worn.text());
    let (first, second) = (get(&fresh()), get(&fresh()));
    assert_eq!(first.header("etag"), second.header("etag"));
    let url = fresh();
    kaggle.expire_links();
    assert_eq!(get(&url).status, 403);
    assert_eq!(get(&fresh()).status, 200);
}

#[tokio::test]
async fn a_large_csv_comes_zipped_unless_it_is_wanted_raw() {
    let kaggle = start(KaggleConfig { datasets: 10, ..KaggleConfig::default() }).await;
    let mut body = showcase(&kaggle);
    body["fileName"] = "big.csv".into();
    let zipped = link(&kaggle, "DownloadDataset", &body);
    assert!(zipped.split('?').next().unwrap().ends_with("/big.csv.zip"));
    assert!(get(&zipped).body.starts_with(b"PK\x03\x04"));
    body["raw"] = true.into();
    assert_eq!(download(&kaggle, "DownloadDataset", &body).body.len(), 60_000);
    body["fileName"] = "sub dir".into();
    assert_eq!(ask(&kaggle, "DownloadDataset", &body).status, 404);
    body["fileName"] = "sub dir/x y.csv".into();
    body["datasetVersionNumber"] = 2.into();
    let old = download(&kaggle, "DownloadDataset", &body).body;
    body["datasetVersionNumber"] = 7.into();
    assert_ne!(old, download(&kaggle, "DownloadDataset", &body).body);
    body["datasetVersionNumber"] = 8.into();
    assert_eq!(ask(&kaggle, "DownloadDataset", &body).status, 404);
}

#[tokio::test]
async fn an_archive_of_100_gb_is_served_by_ranges_from_no_memory() {
    let large = (0..100)
        .fold(Plant::dataset("big/sparse").file("read me.txt", "hello\n"), |plant, number| {
            plant.file(&format!("part-{number:02}.bin"), Content::Zeros(1 << 30))
        });
    let kaggle = start(KaggleConfig { plants: vec![large], ..KaggleConfig::default() }).await;
    let view = answer(&kaggle, "GetDataset", &named("big/sparse"));
    assert_eq!(view["totalBytes"], (100u64 << 30) + 6);
    let url = link(&kaggle, "DownloadDataset", &named("big/sparse"));
    let end = get_with(&url, &[("Range", "bytes=-22")]);
    assert_eq!((end.status, &end.body[..4]), (206, &b"PK\x05\x06"[..]));
    let size: u64 = end.header("content-range").unwrap().rsplit('/').next().unwrap().parse().unwrap();
    assert!(size > 100 << 30);
    let directory = get_with(&url, &[("Range", &format!("bytes={}-", size - 30_000))]).body;
    for mark in [&b"PK\x06\x06"[..], b"PK\x06\x07", b"part-99.bin"] {
        assert!(directory.windows(mark.len()).any(|bytes| bytes == mark), "{mark:?}");
    }
    let middle = get_with(&url, &[("Range", &format!("bytes={}-{}", 50u64 << 30, (50u64 << 30) + 99))]);
    assert_eq!(middle.body, vec![0; 100]);
    let first = download(
        &kaggle,
        "DownloadDataset",
        &json!({"ownerSlug": "big", "datasetSlug": "sparse", "fileName": "read me.txt"}),
    );
    assert_eq!(first.text(), "hello\n");
}

#[tokio::test]
async fn planted_names_reach_lists_and_archives_as_they_are() {
    let odd =
        Plant::dataset("ann/odd").file("../out.csv", "a\n").file("12:00.csv", "b\n").file("/abs", "c\n");
    let kaggle = start(KaggleConfig { plants: vec![odd], hostile: 500, ..KaggleConfig::default() }).await;
    let files = walk(&kaggle, "ListDatasetFiles", "datasetFiles", &named("ann/odd"));
    assert_eq!(files[0]["name"], "../out.csv");
    let archive = download(&kaggle, "DownloadDataset", &named("ann/odd")).body;
    assert!(String::from_utf8_lossy(&archive).contains("../out.csv"));
    let hostile =
        walk(&kaggle, "ListDatasetFiles", "datasetFiles", &named(&kaggle.reference(Part::Datasets, 8)));
    assert!(hostile.iter().any(|file| file["name"] == "../outside.csv"), "{hostile:?}");
}
