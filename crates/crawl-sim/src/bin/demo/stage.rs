//! Where a demonstration runs: its programs built, its folder, its runtime, its steps.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

pub(crate) type Result<T> = std::result::Result<T, String>;

/// Variables that would make the demonstration another one on another machine.
const FOREIGN: [&str; 16] = [
    "HF_TOKEN",
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "HTTP_PROXY",
    "http_proxy",
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "KAGGLE_API_TOKEN",
    "KAGGLE_USERNAME",
    "KAGGLE_KEY",
    "KAGGLE_CONFIG_DIR",
    "XDG_CONFIG_HOME",
];

pub(crate) struct Stage {
    pub(crate) repository: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) runtime: tokio::runtime::Runtime,
    began: Instant,
}

impl Stage {
    /// Makes the folder and builds `programs`, by package: a folder that is in use is told before anybody waits.
    pub(crate) fn open(programs: &[&str], folder: Option<&Path>) -> Result<Self> {
        let began = Instant::now();
        let repository = repository()?;
        let folder = self::folder(folder)?;
        say("1. Building the programs (the first time takes a few minutes) ...");
        build(&repository, programs)?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        Ok(Stage { repository, folder, runtime, began })
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Runs a program in the folder, with these variables; its quiet words go to the terminal.
    pub(crate) fn step(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
        let words: Vec<&str> = std::iter::once(program).chain(arguments.iter().copied()).collect();
        say(&format!("   $ {}", words.join(" ")));
        let beside = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command =
            Command::new(beside.with_file_name(format!("{program}{}", std::env::consts::EXE_SUFFIX)));
        command.current_dir(&self.folder).args(arguments).arg("--quiet");
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        succeed(&mut command, &words.join(" "))
    }
}

/// The checkout this program was built from: its task and filter files are what the job runs with.
fn repository() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    path.canonicalize().map_err(|error| format!("the checkout {} is gone: {error}", path.display()))
}

#[allow(clippy::disallowed_methods, reason = "cargo tells the path of itself in this variable")]
fn build(repository: &Path, programs: &[&str]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(repository).args(["build", "--quiet"]);
    for package in programs {
        command.args(["--package", package]);
    }
    succeed(command.stdout(Stdio::null()), "building the programs")
}

fn folder(wanted: Option<&Path>) -> Result<PathBuf> {
    let Some(folder) = wanted else {
        let folder = tempfile::Builder::new().prefix("gleaner-demo-").tempdir();
        return folder.map(tempfile::TempDir::keep).map_err(|error| format!("no temporary folder: {error}"));
    };
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let used = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if used {
        return Err(format!("{} is not empty; name a new folder", folder.display()));
    }
    folder.canonicalize().map_err(|error| error.to_string())
}

fn succeed(command: &mut Command, what: &str) -> Result<()> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        // As a script would take it.
        Ok(status) if status.code() == Some(3) => {
            say("   (exit code 3: it is done, and what is missing is written down with its reason)");
            Ok(())
        }
        Ok(status) => Err(format!("this failed ({status}): {what}")),
        Err(error) => Err(format!("cannot run {:?}: {error}", command.get_program())),
    }
}

#[allow(clippy::print_stderr, reason = "a demonstration speaks to people")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
