//! Zips read where they lie: through links that expire, larger than any disk, changed and damaged on the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crawl_core::http::{Http, HttpConfig, Request, Url};
use crawl_core::{Error, Kind};
use crawl_sim::{Content, Kaggle, KaggleConfig, Plant};
use kaggle_crawler::unpack::{Counts, Limits, Member, unpack_remote};

use crate::unpacking::Desk;

struct Run {
    result: Result<Counts, Error>,
    refused: Vec<(String, Kind)>,
    names: Vec<(String, usize)>,
    kaggle: Kaggle,
}

/// Unpacks a planted dataset from a double with these settings.
async fn run(config: KaggleConfig, files: Vec<(&str, Content)>, limits: Limits) -> Run {
    let mut plant = Plant::dataset("ann/one");
    for (name, content) in files {
        plant = plant.file(name, content);
    }
    let plants = vec![plant];
    let kaggle = Kaggle::start(KaggleConfig { datasets: 3, plants, ..config }).await.unwrap();
    let url = format!("{}/v1/datasets.DatasetApiService/DownloadDataset", kaggle.url());
    let body = r#"{"ownerSlug":"ann","datasetSlug":"one"}"#;
    let request = Request::post_json(Url::parse(&url).unwrap(), body.into(), true);
    let http =
        Http::new(HttpConfig { backoff: Duration::from_millis(10), tries: 3, ..HttpConfig::default() })
            .unwrap();
    let desk = Desk::limited(limits);
    let refused = Arc::new(Mutex::new(Vec::new()));
    let heard = refused.clone();
    let result = unpack_remote(&http, &request, &desk.target, move |member| {
        if let Member::Refused(name, error) = member {
            heard.lock().unwrap().push((name, error.kind()));
        }
        Ok(())
    })
    .await;
    let names = desk.picture().into_iter().map(|(name, bytes)| (name, bytes.len())).collect();
    let refused = refused.lock().unwrap().clone();
    Run { result, refused, names, kaggle }
}

fn landed(names: &[(&str, usize)]) -> Vec<(String, usize)> {
    names.iter().map(|(name, size)| (format!("dataset/o_s/{name}"), *size)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_of_110_gb_gives_its_small_files_for_a_few_requests() {
    let files = vec![
        ("a.csv", "1,2\n".into()),
        ("huge/one.bin", Content::Zeros(60 << 30)),
        ("huge/two.bin", Content::Zeros(50 << 30)),
        ("z.csv", "3,4,5\n".into()),
    ];
    let run = run(KaggleConfig::default(), files, Limits { member: 1 << 20, ..Limits::default() }).await;
    assert_eq!(run.result.unwrap(), Counts { files: 2, refused: 2, bytes: 10 });
    assert_eq!(run.names, landed(&[("a.csv", 4), ("z.csv", 6)]));
    assert!(run.kaggle.count() < 10, "{} requests", run.kaggle.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_expires_after_each_request_is_renewed_and_all_bytes_are_right() {
    let size = 20 << 20;
    let files = || {
        vec![
            ("a.csv", "1,2\n".into()),
            ("lines.csv", Content::Lines(size)),
            ("zeros.bin", Content::Zeros(size)),
        ]
    };
    let expected = landed(&[("a.csv", 4), ("lines.csv", size as usize), ("zeros.bin", size as usize)]);
    let once =
        run(KaggleConfig { link_uses: Some(1), ..KaggleConfig::default() }, files(), Limits::default()).await;
    assert_eq!(once.result.unwrap().files, 3);
    assert_eq!(once.names, expected);
    // A link that lasts is used again: the API is asked once.
    let lasts = run(KaggleConfig::default(), files(), Limits::default()).await;
    assert_eq!(lasts.result.unwrap().files, 3);
    let api = lasts.kaggle.seen().iter().filter(|seen| seen.origin == "main").count();
    assert_eq!(api, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_bit_a_whole_answer_and_another_version_are_told() {
    let size = 12 << 20;
    let files = || vec![("zeros.bin", Content::Zeros(size)), ("z.csv", "3,4,5\n".into())];
    let with = |fault: &str| KaggleConfig { faults: vec![fault.parse().unwrap()], ..KaggleConfig::default() };
    let flipped = run(with("cdn@2=flip"), files(), Limits::default()).await;
    assert_eq!(flipped.result.unwrap().files, 1);
    assert_eq!(flipped.refused, [("zeros.bin".to_owned(), Kind::Shape)]);
    assert_eq!(flipped.names, landed(&[("z.csv", 6)]));
    for fault in ["cdn@1=whole", "cdn@2=whole", "cdn@2=changed"] {
        let run = run(with(fault), files(), Limits::default()).await;
        let error = run.result.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{fault}: {error:?}");
        assert!(run.names.is_empty(), "{fault}: {:?}", run.names);
    }
    // Links that are refused for good end it, and are not asked for for ever.
    let refused = run(with("cdn@2-=expired"), files(), Limits::default()).await;
    assert_eq!(refused.result.unwrap_err().kind(), Kind::Denied);
    assert!(refused.kaggle.count() < 40, "{} requests", refused.kaggle.count());
    for fault in ["cdn@2=status:500", "cdn@2=expired", "cdn@2=cut"] {
        let run = run(with(fault), files(), Limits::default()).await;
        assert_eq!(run.result.unwrap().files, 2, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_told_by_its_directory_before_a_byte_of_it_is_asked_for() {
    let run = run(KaggleConfig::default(), vec![("bomb", Content::Packed(1 << 34))], Limits::default()).await;
    assert_eq!(run.result.unwrap_err().kind(), Kind::Shape);
    assert!(run.kaggle.count() < 20, "{} requests", run.kaggle.count());
}
