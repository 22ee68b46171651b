//! What the tests share: a bucket on the real server, files to send, the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use s3_uploader::{Account, Bucket, Job, Limits, Login, Plan};
use tempfile::TempDir;

use crawl_sim::S3;

/// A server, a bucket and a folder.
pub(crate) struct Desk {
    pub(crate) dir: TempDir,
    _server: S3,
    pub(crate) url: String,
}

pub(crate) fn login() -> Login {
    use crawl_core::http::Secret;
    Login::Keys { id: Secret::new(S3::KEY), secret: Secret::new(S3::SECRET), session: None }
}

/// Limits for tests: many tries, short waits.
pub(crate) fn limits() -> Limits {
    Limits {
        backoff: Duration::from_millis(5),
        tries: 4,
        timeout: Duration::from_secs(20),
        part_from: 6 << 20,
        part_size: 5 << 20,
        ..Limits::default()
    }
}

pub(crate) fn bucket_at(url: &str) -> Bucket {
    Bucket::new(&Account::at(url, login()), "bucket", limits()).unwrap()
}

/// Bytes that look like nothing else.
pub(crate) fn bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| dice.u8(..)).take(size).collect()
}

pub(crate) fn plan(prefix: &str, delete: bool) -> Plan {
    Plan { prefix: prefix.to_owned(), delete, ..Plan::default() }
}

impl Desk {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("s3/bucket")).unwrap();
        std::fs::create_dir_all(dir.path().join("files")).unwrap();
        let server = S3::start(&dir.path().join("s3"), 0).unwrap();
        Desk { url: server.url(), dir, _server: server }
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    pub(crate) fn receipts(&self) -> PathBuf {
        self.dir.path().join("receipts.jsonl")
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.files().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn bucket(&self) -> Bucket {
        bucket_at(&self.url)
    }

    pub(crate) fn job(&self, plan: Plan) -> Job {
        self.job_by(&self.url, plan)
    }

    /// A job by way of what stands before the server.
    pub(crate) fn job_by(&self, url: &str, plan: Plan) -> Job {
        job_at(url, plan, &self.receipts())
    }

    /// What the server has, by key, as it lies in its folder.
    pub(crate) fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.dir.path().join("s3/bucket"))
    }

    pub(crate) fn program(&self, arguments: &[&str]) -> Output {
        program(&self.url, self.dir.path(), arguments)
    }
}

/// A job with these receipts.
pub(crate) fn job_at(url: &str, plan: Plan, receipts: &Path) -> Job {
    // Another test's child has a copy of the lock that was just given up, until it has become its program.
    for _ in 0..100 {
        match Job::new(bucket_at(url), plan.clone(), receipts) {
            Err(error) if error.to_string().contains("another process writes") => {
                std::thread::sleep(Duration::from_millis(20));
            }
            job => return job.unwrap(),
        }
    }
    Job::new(bucket_at(url), plan, receipts).expect("receipts that nobody else holds")
}

/// Receipts in the folder that the program is run in.
pub(crate) const RECEIPTS: [&str; 2] = ["--receipts", "s3-receipts.jsonl"];

/// The program, as a user runs it in `folder`.
pub(crate) fn command(url: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3-uploader"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", S3::KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

pub(crate) fn program(url: &str, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(url, folder);
    command.args(arguments);
    // So that a moved folder is empty, as most tests look for.
    if matches!(arguments, ["copy" | "move", ..]) && !arguments.contains(&"--receipts") {
        command.args(RECEIPTS);
    }
    command.output().unwrap()
}

/// All files below a folder, by name.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.is_file() {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}
