//! Buckets that demand something with each request.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crawl_core::{Source, Store};
use s3_uploader::{Behind, CloudFile, Plan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::crawling::{Numbers, crawl_with};
use crate::desk::{Desk, bytes, plan, tree};
use crate::front::{Asked, Fate, Front, told};

/// A bucket that refuses each new object without a header.
async fn demanding(desk: &Desk, header: &'static str) -> Front {
    let refuses = move |asked: &Asked| asked.makes() && !asked.has(header);
    Front::start(&desk.url, move |asked| match refuses(asked) {
        true => Fate::Refuse(403, "AccessDenied"),
        false => Fate::Pass,
    })
    .await
}

/// Header, flags, the same in a cloud file.
const DEMANDS: [(&str, &[&str], &str); 7] = [
    ("x-amz-server-side-encryption", &["--sse", "AES256"], "sse = \"AES256\""),
    (
        "x-amz-server-side-encryption-aws-kms-key-id",
        &["--sse", "aws:kms", "--sse-kms-key-id", "k"],
        "sse = \"aws:kms\"\nsse_key = \"k\"",
    ),
    ("x-amz-acl", &["--acl", "bucket-owner-full-control"], "acl = \"bucket-owner-full-control\""),
    ("x-amz-tagging", &["--tag", "a b=c&d"], "[tags]\n\"a b\" = \"c&d\""),
    ("cache-control", &["--cache-control", "no-cache"], "cache_control = \"no-cache\""),
    (
        "x-amz-object-lock-retain-until-date",
        &["--object-lock", "GOVERNANCE", "--retain-days", "2"],
        "object_lock = \"GOVERNANCE\"\nretain_days = 2",
    ),
    ("x-amz-object-lock-legal-hold", &["--legal-hold"], "legal_hold = true"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bucket_demands_goes_with_the_probe_and_with_files_of_both_sizes() {
    for (header, flags, file) in DEMANDS {
        let desk = Desk::new();
        let front = demanding(&desk, header).await;
        desk.write("small", b"small");
        desk.write("large", &bytes(9 << 20, 1));
        let plain = ["move", "files", "s3://bucket/p", "--tries", "1"];
        let (code, text) = told(&front.url, desk.dir.path(), &[], &plain).await;
        assert!(
            code == Some(77) && text.contains("--sse, --acl, --tag or --object-lock"),
            "{header}: {text}"
        );
        assert!(tree(&desk.files()).len() == 2 && desk.stored().is_empty());
        // The flags, and then the same by the cloud file alone.
        let (code, text) = told(&front.url, desk.dir.path(), &[], &[&plain[..], flags].concat()).await;
        assert_eq!(code, Some(0), "{header}: {text}");
        desk.write("again", b"again");
        std::fs::write(desk.dir.path().join("cloud.toml"), file).unwrap();
        let by_file = [&plain[..], &["--cloud", "cloud.toml"]].concat();
        let (code, text) = told(&front.url, desk.dir.path(), &[], &by_file).await;
        assert_eq!(code, Some(0), "{header}: {text}");
        assert_eq!(desk.stored().into_keys().collect::<Vec<_>>(), ["p/again", "p/large", "p/small"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bucket_demands_goes_with_all_that_a_crawl_writes_there() {
    for (header, _, file) in DEMANDS {
        let desk = Desk::new();
        let front = demanding(&desk, header).await;
        let cloud = desk.dir.path().join("cloud.toml");
        std::fs::write(&cloud, file).unwrap();
        // What another machine left is put aside by a copy within the bucket.
        let left = desk.dir.path().join("s3/bucket/crawl/test/numbers/page_00009.jsonl");
        std::fs::create_dir_all(left.parent().unwrap()).unwrap();
        std::fs::write(&left, b"left").unwrap();
        let dress = CloudFile::read(&cloud).unwrap().dress().unwrap();
        let plan = Plan { dress, ..plan("crawl/", true) };
        let source = Numbers::new(2, &desk.dir.path().join("root"));
        let job = desk.job_by(&front.url, plan);
        let behind = Behind::new(Store::new(&source.root), job, source.settings(), None);
        let (checkpoint, moved) = crawl_with(&behind, &source, None).await.expect(header);
        assert_eq!((checkpoint.pages, moved.pages), (2, 2), "{header}");
        let aside = desk.stored().into_keys().filter(|key| key.contains("aside-")).count();
        assert_eq!((aside, left.exists()), (1, false), "{header}");
    }
}

/// The headers of the answer at an address, in small letters.
async fn headers(url: &str) -> String {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let text = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bucket_demands_goes_with_copies_from_another_too() {
    for (header, flags, file) in DEMANDS {
        let desk = Desk::new();
        std::fs::create_dir_all(desk.dir.path().join("s3/other")).unwrap();
        desk.write("a.json", b"{}");
        let copy =
            ["copy", "files", "s3://bucket/p", "--metadata", "of=source", "--content-type", "text/odd"];
        assert_eq!(told(&desk.url, desk.dir.path(), &[], &copy).await.0, Some(0));
        let front = demanding(&desk, header).await;
        let sync = ["sync", "s3://bucket/p", "s3://other/q", "--tries", "1"];
        let (code, text) = told(&front.url, desk.dir.path(), &[], &sync).await;
        assert_eq!(code, Some(77), "{header}: {text}");
        std::fs::write(desk.dir.path().join("cloud.toml"), file).unwrap();
        for flags in [flags, &["--cloud", "cloud.toml"]] {
            let (code, text) = told(&front.url, desk.dir.path(), &[], &[&sync[..], flags].concat()).await;
            assert!(code == Some(0) && text.contains("1 copied"), "{header}: {text}");
            // What is not given anew stays as the source has it.
            let (code, text) =
                told(&desk.url, desk.dir.path(), &[], &["presign", "s3://other/q/a.json"]).await;
            assert_eq!(code, Some(0), "{text}");
            let told = headers(text.trim()).await;
            assert!(
                told.contains("x-amz-meta-of: source") && told.contains("content-type: text/odd"),
                "{told}"
            );
            assert_eq!(told.contains("cache-control: no-cache"), header == "cache-control", "{told}");
            std::fs::remove_file(desk.dir.path().join("s3/other/q/a.json")).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_wants_the_bucket_in_the_host_is_told_of_once() {
    let desk = Desk::new();
    for number in 0..9 {
        desk.write(&format!("{number}"), b"x");
    }
    for refusal in [
        (
            403,
            "SecondLevelDomainForbidden: The bucket you are attempting to access must be addressed using OSS third level domain.",
        ),
        (403, "PathStyleDomainForbidden: Please use virtual hosted style to access."),
        (400, "InvalidRequest: Path-style addressing is not supported"),
    ] {
        let front = Front::start(&desk.url, move |_| Fate::Refuse(refusal.0, refusal.1)).await;
        for arguments in [
            &["move", "files", "s3://bucket/p"][..],
            &["sync", "files", "s3://bucket/p"],
            &["get", "s3://bucket/p/", "back"],
            &["ls", "s3://bucket/p/"],
            &["rm", "s3://bucket/p", "--recursive", "--yes"],
        ] {
            front.forget();
            let (code, text) = told(&front.url, desk.dir.path(), &[], arguments).await;
            assert!(
                code == Some(78) && text.contains("give --virtual-host"),
                "{arguments:?}: {code:?} {text}"
            );
            // A line for the file that met it first, and the error.
            let lines = text.matches("--virtual-host").count();
            assert!(lines <= 2 && front.count(" ") < 20, "{} requests: {text}", front.count(" "));
        }
    }
    assert_eq!(tree(&desk.files()).len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_object_lock_gets_the_checksum_that_it_wants_with_files_and_parts() {
    for more in [&[][..], &["--checksums", "when_required"]] {
        let desk = Desk::new();
        desk.write("small", b"small");
        desk.write("large", &bytes(9 << 20, 1));
        let front = Front::start(&desk.url, |asked| {
            let sums = asked.has("content-md5") || asked.headers.keys().any(|name| name.starts_with("x-amz-checksum-"));
            match asked.method == "PUT" && !sums {
                true => Fate::Refuse(400, "InvalidRequest: Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"),
                false => Fate::Pass,
            }
        })
        .await;
        let lock = ["move", "files", "s3://bucket/p", "--object-lock", "COMPLIANCE", "--retain-days", "1"];
        let (code, text) = told(&front.url, desk.dir.path(), &[], &[&lock[..], more].concat()).await;
        assert_eq!(code, Some(0), "{more:?}: {text}");
        assert_eq!((desk.stored().len(), tree(&desk.files()).len()), (2, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_object_lock_and_an_object_under_one_are_told_as_that() {
    let desk = Desk::new();
    for number in 0..9 {
        desk.write(&format!("{number}"), b"x");
    }
    let front = Front::start(&desk.url, |asked| match asked.has("x-amz-object-lock-mode") {
        true => Fate::Refuse(400, "InvalidRequest: Bucket is missing Object Lock Configuration"),
        false => Fate::Pass,
    })
    .await;
    let lock = ["move", "files", "s3://bucket/p", "--object-lock", "GOVERNANCE", "--retain-days", "1"];
    let (code, text) = told(&front.url, desk.dir.path(), &[], &lock).await;
    assert!(code == Some(78) && text.contains("this bucket has no Object Lock"), "{code:?} {text}");
    assert_eq!((tree(&desk.files()).len(), desk.stored().len()), (9, 0));
    assert_eq!(told(&desk.url, desk.dir.path(), &[], &["copy", "files", "s3://bucket/p"]).await.0, Some(0));
    let front = Front::start(&desk.url, |asked| match asked.method.as_str() {
        "DELETE" => Fate::Refuse(403, "AccessDenied: Access Denied because object protected by object lock."),
        "POST" => Fate::Refuse(501, "NotImplemented"),
        _ => Fate::Pass,
    })
    .await;
    for (arguments, exit) in
        [(&["rm", "s3://bucket/p/1"][..], 77), (&["rm", "s3://bucket/p", "--recursive", "--yes"], 3)]
    {
        let (code, text) = told(&front.url, desk.dir.path(), &[], arguments).await;
        assert!(code == Some(exit) && text.contains("stays until the lock ends"), "{code:?} {text}");
    }
    assert_eq!(desk.stored().len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_whose_owner_does_not_pay_is_told_in_every_request_that_we_do() {
    let desk = Desk::new();
    let front = Front::start(&desk.url, |asked| match asked.has("x-amz-request-payer") {
        true => Fate::Pass,
        false => Fate::Refuse(403, "AccessDenied"),
    })
    .await;
    desk.write("small", b"small");
    desk.write("large", &bytes(9 << 20, 1));
    let run = async |arguments: &[&str]| {
        told(&front.url, desk.dir.path(), &[], &[arguments, &["--request-payer", "--tries", "1"]].concat())
            .await
    };
    let (code, text) = run(&["copy", "files", "s3://bucket/p"]).await;
    assert_eq!(code, Some(0), "{text}");
    for arguments in [
        &["ls", "s3://bucket/p/"][..],
        &["get", "s3://bucket/p/", "back"],
        &["verify", "s3-receipts.jsonl", "--deep"],
        &["rm", "s3://bucket/p/small"],
    ] {
        let (code, text) = run(arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}: {text}");
    }
    std::fs::write(desk.dir.path().join("cloud.toml"), "request_payer = true").unwrap();
    let by_file = ["ls", "s3://bucket/p/", "--cloud", "cloud.toml"];
    assert_eq!(told(&front.url, desk.dir.path(), &[], &by_file).await.0, Some(0));
}

#[tokio::test]
async fn a_lock_that_makes_no_sense_is_told_before_anything_is_sent() {
    let desk = Desk::new();
    desk.write("a", b"a");
    for (flags, file) in [
        (&["--object-lock", "FOREVER", "--retain-days", "1"][..], ""),
        (&["--object-lock", "GOVERNANCE", "--retain-days", "0"], ""),
        (&["--cloud", "cloud.toml"], "object_lock = \"COMPLIANCE\""),
        (&["--cloud", "cloud.toml"], "retain_days = 3"),
    ] {
        std::fs::write(desk.dir.path().join("cloud.toml"), file).unwrap();
        let arguments = [&["copy", "files", "s3://bucket"], flags].concat();
        let (code, text) = told(&desk.url, desk.dir.path(), &[], &arguments).await;
        assert!(code == Some(78) && text.contains("GOVERNANCE or COMPLIANCE"), "{code:?} {text}");
    }
    assert!(desk.stored().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_refuses_whatever_speaks_of_checksums_is_served_without() {
    const REFUSAL: &str =
        "InvalidArgument: Unsupported header 'x-amz-checksum-mode' received for this API call.";
    let desk = Desk::new();
    desk.write("small", b"small");
    desk.write("large", &bytes(9 << 20, 1));
    // Backblaze B2 refuses them, others do not know them.
    for status in [400, 501] {
        let front = Front::start(&desk.url, move |asked| {
            let speaks =
                |name: &String| name.starts_with("x-amz-checksum") || name.starts_with("x-amz-sdk-checksum");
            if asked.headers.keys().any(speaks) { Fate::Refuse(status, REFUSAL) } else { Fate::Pass }
        })
        .await;
        let run = async |arguments: &[&str], lines: &str| {
            let arguments = [arguments, &["--tries", "1", "--part-from", "6MiB"][..]].concat();
            let arguments =
                if arguments[0] == "copy" { arguments } else { arguments[..arguments.len() - 2].to_vec() };
            let (code, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
            assert!(code == Some(0) && text.contains(lines), "{status} {arguments:?}: {code:?} {text}");
        };
        run(&["copy", "files", "s3://bucket/p"], "2 sent").await;
        run(&["get", "s3://bucket/p/", "back"], "2 fetched").await;
        run(&["get", "s3://bucket/p/small", "one"], "").await;
        run(&["verify", "s3-receipts.jsonl"], "2 good").await;
        run(&["rm", "s3://bucket/p", "--recursive", "--yes"], "2 removed").await;
        assert!(desk.stored().is_empty());
        for name in ["back/small", "back/large", "one", "s3-receipts.jsonl"] {
            std::fs::remove_file(desk.dir.path().join(name)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn two_fetches_at_once_that_are_refused_for_their_questions_are_both_made_without() {
    let desk = Desk::new();
    for name in ["one", "two"] {
        desk.write(name, b"small");
    }
    let copied = told(&desk.url, desk.dir.path(), &[], &["copy", "files", "s3://bucket/p"]).await;
    assert_eq!(copied.0, Some(0), "{}", copied.1);
    let under_way = AtomicU32::new(0);
    let front = Front::start(&desk.url, move |asked| {
        if !asked.has("x-amz-checksum-mode") || asked.method != "GET" {
            return Fate::Pass;
        }
        under_way.fetch_add(1, Relaxed);
        // Neither is refused before both were asked for.
        let began = Instant::now();
        while under_way.load(Relaxed) < 2 && began.elapsed().as_secs() < 10 {
            std::thread::sleep(Duration::from_millis(1));
        }
        Fate::Refuse(
            501,
            "InvalidArgument: Unsupported header 'x-amz-checksum-mode' received for this API call.",
        )
    })
    .await;
    let arguments = ["get", "s3://bucket/p/", "back", "--tries", "1"];
    let (code, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
    assert!(code == Some(0) && text.contains("2 fetched"), "{code:?} {text}");
}
