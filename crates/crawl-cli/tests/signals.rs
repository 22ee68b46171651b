//! One signal ends all crawls of a program, and each goes on where it stopped. The test is its own program: with
//! `--root` it crawls, without it looks at itself crawling.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use crawl_cli::clap::{self, Parser};
use crawl_cli::{Flags, Known, Outcome, Session, anyhow};
use crawl_core::{Context, Cursor, Page, Pump, Record, Settings, Source, SourceId, Store, Stored};

const PAGES: u64 = 60;
const LISTINGS: [&str; 2] = ["a/one", "a/other"];

#[derive(Parser)]
struct Cli {
    #[arg(long)]
    root: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

struct Slow(SourceId);

impl Source for Slow {
    fn id(&self) -> &SourceId {
        &self.0
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> crawl_core::Result<Option<Page>> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let number: u64 = if at.is_start() { 1 } else { at.as_str().parse().unwrap() };
        let next = (number < PAGES).then(|| Cursor::new((number + 1).to_string()));
        Ok(Some(Page::new(vec![Record::write(&number).unwrap()], next)))
    }
}

async fn crawl(cli: Cli, session: Session) -> anyhow::Result<Outcome> {
    let store = Store::new(&cli.root);
    let [one, other] = LISTINGS.map(|id| Slow(SourceId::new(id).unwrap()));
    let (first, second) = tokio::join!(
        session.crawl(&one, &store, Pump::default(), Known::default()),
        session.crawl(&other, &store, Pump::default(), Known::default()),
    );
    let (first, second) = (first?.1, second?.1);
    Ok(if first == Outcome::Done { second } else { first })
}

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--root") {
        return crawl_cli::main(|cli: &Cli| cli.flags.clone(), crawl);
    }
    one_signal_ends_two_crawls_and_both_go_on_where_they_stopped();
    println!("one_signal_ends_two_crawls_and_both_go_on_where_they_stopped ... ok");
    ExitCode::SUCCESS
}

fn one_signal_ends_two_crawls_and_both_go_on_where_they_stopped() {
    let root = tempfile::tempdir().unwrap();
    let child = start(root.path());
    while pages(root.path()).into_iter().any(|pages| pages < 3) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    let stopped = pages(root.path());
    assert!(stopped.iter().all(|pages| (3..PAGES).contains(pages)), "{stopped:?}");
    for id in LISTINGS {
        let lines =
            said.lines().filter(|line| line.contains("page") && line.contains(&format!("source={id} ")));
        assert!(lines.count() >= 3, "a line a page, without a terminal: {said}");
    }
    assert_eq!(said.matches("stopping after").count(), 1, "{said}");

    let output = start(root.path()).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(pages(root.path()), [PAGES, PAGES]);
    for id in LISTINGS {
        let stored = Stored::open(root.path(), &SourceId::new(id).unwrap()).unwrap();
        let numbers = (1..=PAGES).flat_map(|page| stored.records(page).unwrap());
        let numbers: Vec<_> = numbers.map(|record| record.raw().text().to_owned()).collect();
        assert_eq!(numbers, (1..=PAGES).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}

fn start(root: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--root").arg(root).env_remove("RUST_LOG").env("NO_COLOR", "1");
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn pages(root: &Path) -> Vec<u64> {
    let of =
        |id| Stored::open(root, &SourceId::new(id).unwrap()).map_or(0, |stored| stored.checkpoint().pages);
    LISTINGS.map(of).to_vec()
}
