//! Roots that the version before shares and files wrote: checkpoints of version 1, a mapping's settings in another form.

use std::path::Path;

use crawl_core::{Input, Kind, Pump, Stop, Store, Stored, Verified, pump};
use data_encoding::HEXLOWER;
use hf_crawler::{Filter, History, Listing, Processed, Repositories};
use sha2::{Digest, Sha256};

use crate::desk::{datasets, distinct, double, hub, list_some, small};

/// A listing as that version wrote it: `pages` are lines of records with the cursor behind them, spelled as JSON.
fn write(root: &Path, settings: &str, pages: &[(&str, &str)]) {
    let folder = root.join("hf/datasets");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(root.join(".lock"), "hf-crawler, process 1, since 2026-11-20T00:00:00Z\n").unwrap();
    let (mut manifest, mut cursor, mut records, mut bytes) = (String::new(), "\"\"", 0, 0);
    for (index, (lines, next)) in pages.iter().enumerate() {
        let number = index + 1;
        std::fs::write(folder.join(format!("page_{number:05}.jsonl")), lines).unwrap();
        let sha256 = HEXLOWER.encode(&Sha256::digest(lines));
        let (count, size) = (lines.lines().count(), lines.len());
        manifest.push_str(&format!(
            "{{\"number\":{number},\"cursor\":{cursor},\"next\":{next},\"fetched_at\":\"2026-11-20T00:00:0{index}Z\",\
             \"records\":{count},\"missing\":0,\"bytes\":{size},\"sha256\":\"{sha256}\"}}\n"
        ));
        (cursor, records, bytes) = (next, records + count, bytes + size);
    }
    let checkpoint = format!(
        "{{\"version\":1,\"pages\":{},\"next\":{cursor},\"settings\":{settings},\"totals\":{{\"listed\":{records},\
         \"records\":{records},\"missing\":0,\"bytes\":{bytes}}},\"manifest_bytes\":{}}}\n",
        pages.len(),
        manifest.len()
    );
    std::fs::write(folder.join("manifest.jsonl"), manifest).unwrap();
    std::fs::write(folder.join("checkpoint.json"), checkpoint).unwrap();
}

const ROWS: &str = "{\"id\":\"a/one\",\"tags\":[\"x\"]}\n{\"id\":\"b/two\",\"tags\":[\"x\"]}\n";
const MORE: &str = "{\"id\":\"c/three\",\"tags\":[\"x\"]}\n";
const LISTED: &str = "{\"endpoint\":\"https://huggingface.co/\",\"sort\":\"createdAt\"}";

#[tokio::test]
async fn an_older_root_is_read_and_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    write(&old, LISTED, &[(ROWS, "\"https://huggingface.co/api/datasets?cursor=x\""), (MORE, "null")]);
    assert_eq!(Stored::everything(&old).unwrap(), [datasets()]);
    let stored = Stored::open(&old, &datasets()).unwrap();
    assert_eq!(stored.verify().unwrap(), Verified::default());
    assert_eq!((stored.checkpoint().ended(), stored.manifest().unwrap().len()), (true, 2));
    let input = Input::open(&old, &datasets()).unwrap();
    let mapping = Processed::over(input, &Filter::default(), History::default(), "2026-11-23").unwrap();
    let end = pump(&mapping, &Store::new(&new), Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    assert_eq!((end.pages, end.totals.listed, end.totals.records), (2, 3, 3));
    // What names no files is of the old form, which older programs read too.
    assert_eq!(end.version, 1);
}

#[tokio::test]
async fn an_older_listing_goes_on_where_it_stopped_also_with_a_limit() {
    let double = double(700, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    // Where the double's third page is, and what is before it, is learnt from a crawl of now.
    let learnt = folder.path().join("learnt");
    list_some(&double, 200, &learnt).await.unwrap();
    let stored = Stored::open(&learnt, &datasets()).unwrap();
    let lines = |page| {
        let records = stored.records(page).unwrap().into_iter();
        records.map(|record| record.raw().text().to_owned() + "\n").collect::<String>()
    };
    let second = stored.manifest().unwrap()[1].cursor.as_str().to_owned();
    for (limit, note, settings, listed) in
        [(None, "", "", 700), (Some(350), "#rows=100", "\"limit\":\"350\",", 350)]
    {
        let root = folder.path().join(format!("old{listed}"));
        let settings = format!("{{\"endpoint\":\"{}/\",{settings}\"sort\":\"createdAt\"}}", double.url());
        write(&root, &settings, &[(&lines(1), &format!("\"{second}{note}\""))]);
        let before = double.stats().requests;
        let source = Repositories::new(hub(&double), Listing { ..small() }).unwrap();
        let options = Pump::default().rows(limit);
        let end = pump(&source, &Store::new(&root), options, &Stop::new(), |_| {}).await.unwrap();
        assert_eq!(
            (end.totals.listed, end.ended(), distinct(&root)),
            (listed, true, usize::try_from(listed).unwrap())
        );
        assert!(
            double.stats().requests - before <= listed / 100 + 1,
            "the first page was not asked for again"
        );
    }
}

#[tokio::test]
async fn a_half_done_older_mapping_is_refused_and_the_words_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let [old, root] = ["old", "root"].map(|name| folder.path().join(name));
    write(&old, LISTED, &[(ROWS, "\"https://huggingface.co/api/datasets?cursor=x\""), (MORE, "null")]);
    let settings = "{\"collect_date\":\"2026-11-23\",\"history\":\"none\",\"input\":\"5f0e8a1c22d94b7e\"}";
    write(&root, settings, &[("{\"id\":\"one\",\"repo_id\":\"a/one\"}\n", "\"2\"")]);
    let input = Input::open(&old, &datasets()).unwrap();
    let mapping = Processed::over(input, &Filter::default(), History::default(), "2026-11-23").unwrap();
    let error = pump(&mapping, &Store::new(&root), Pump::default(), &Stop::new(), |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("input: was `5f0e8a1c22d94b7e`, is now `hf/datasets`"), "{error}");
    let advice = error.advice();
    for words in ["finish it with the version of the program that began it", "new root", "cost nothing again"]
    {
        assert!(advice.contains(words), "{words}: {advice}");
    }
    // Nothing was touched: the older program can go on.
    let stored = Stored::open(&root, &datasets()).unwrap();
    assert_eq!((stored.checkpoint().pages, stored.checkpoint().version), (1, 1));
}
