//! Secrets: in addresses, in a cloud file, in the environment; none is written anywhere.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crawl_core::Kind;
use crawl_sim::S3;
use s3_uploader::CloudFile;

use crate::desk::Desk;

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn an_address_with_keys_is_refused_and_not_shown() {
    for text in ["s3://AKID:sEcReT@bucket/prefix", "s3://AKID:sEc/ReT@bucket/prefix"] {
        let error = s3_uploader::parse_address(text).unwrap_err();
        let told = format!("{error:?} {error} {}", error.advice());
        assert!(error.kind() == Kind::Config && !told.contains("ReT") && !told.contains("sEc"), "{told}");
    }
}

#[test]
fn no_command_tells_the_secrets_of_an_address_that_it_refuses() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("files")).unwrap();
    let signed = "bucket.example.org/a?versionId=7&X-Amz-Credential=sEcReT&X-Amz-Signature=sEcReT";
    let (https, s3) = (format!("https://{signed}"), format!("s3://{signed}"));
    let user = "https://name:sEcReT@example.org/bucket/a";
    for arguments in [
        &["copy", "files", user][..],
        &["copy", "files", &https],
        &["copy", "files", &s3],
        &["copy", user, "s3://bucket"],
        &["copy", &https, "s3://bucket"],
        &["copy", "s3://AKID:sEcReT@bucket/p", "s3://bucket/q"],
        &["move", "s3://AKID:sEc/ReT@bucket/p", "s3://bucket/q"],
        &["sync", "s3://AKID:sEcReT@bucket/p", "s3://bucket/q"],
        &["sync", &s3, "s3://bucket/q"],
        &["get", user, "back"],
        &["get", &https, "back"],
        &["get", &s3, "back"],
        &["ls", "//name:sEcReT@bucket"],
        &["rm", &s3],
        &["presign", &https],
        &["cleanup", user],
        &["ls", "s3://bucket", "--endpoint", user],
        &["ls", "s3://bucket", "--endpoint", &https],
    ] {
        let output = crate::desk::program("http://127.0.0.1:9", dir.path(), arguments);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(78), "{arguments:?}: {text}");
        assert!(!text.contains("sEc") && !text.contains("ReT"), "{arguments:?}: {text}");
    }
    // What is no secret helps to find the mistake.
    let error = s3_uploader::parse_address(&https).unwrap_err().to_string();
    assert!(error.contains("bucket.example.org/a?versionId=7"), "{error}");
}

#[test]
fn a_cloud_file_with_keys_must_be_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cloud.toml");
    std::fs::write(
        &path,
        format!("bucket = \"b\"\naccess_key = \"{}\"\nsecret_key = \"{}\"\n", S3::KEY, S3::SECRET),
    )
    .unwrap();
    allow(&path, 0o644);
    let error = CloudFile::read(&path).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(!format!("{error:?} {error}").contains(S3::SECRET));
    allow(&path, 0o600);
    let file = CloudFile::read(&path).unwrap();
    assert!(file.login().is_some() && !format!("{file:?}{:?}", file.login()).contains(S3::SECRET));
    std::fs::write(&path, format!("secret_key = {}\n", S3::SECRET)).unwrap();
    assert!(!format!("{:?}", CloudFile::read(&path).unwrap_err()).contains(S3::SECRET));
}

#[tokio::test]
async fn secrets_are_in_nothing_that_is_written() {
    let desk = Desk::new();
    desk.write("a", b"a");
    let mut written = String::new();
    for arguments in [
        &["copy", "files", "s3://bucket", "--verbose", "--json", "--receipts", "receipts"][..],
        &["ls", "s3://nowhere/"],
        &["move", "files", "s3://bucket", "--log", "json", "-v", "--receipts", "receipts"],
        &["move", "--help"],
    ] {
        let mut program = crate::desk::command(&desk.url, desk.dir.path());
        let output = program.env("RUST_LOG", "trace").args(arguments).output().unwrap();
        written.push_str(&String::from_utf8_lossy(&output.stdout));
        written.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    for file in std::fs::read_dir(desk.dir.path()).unwrap().flatten().filter(|file| file.path().is_file()) {
        written.push_str(&std::fs::read_to_string(file.path()).unwrap());
    }
    assert!(written.contains("sha256"));
    for secret in [S3::SECRET, S3::KEY, "Signature=", "X-Amz-Signature"] {
        assert!(!written.contains(secret), "{secret} was written");
    }
    let output = desk.program(&["presign", "s3://bucket/a"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("X-Amz-Signature"));
}
