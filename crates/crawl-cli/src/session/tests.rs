//! Several crawls at once, each with a line of its own.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crawl_core::{Context, Cursor, Page, Pump, Record, Settings, Source, SourceId, Store};
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

use clap::Parser;

use super::{Known, Session};
use crate::{Flags, LogForm, Outcome, SharedCommand};

/// A terminal that remembers what it showed at each moment.
#[derive(Clone, Debug, Default)]
struct Screen {
    frames: Arc<Mutex<Vec<String>>>,
    drawing: Arc<Mutex<String>>,
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        200
    }
    fn height(&self) -> u16 {
        50
    }
    fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("\n")
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.drawing.lock().unwrap().push_str(text);
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        let frame = std::mem::take(&mut *self.drawing.lock().unwrap());
        self.frames.lock().unwrap().push(frame);
        Ok(())
    }
}

/// Ten records a page, a page each 30 ms.
struct Slow(SourceId, u64);

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
        tokio::time::sleep(Duration::from_millis(30)).await;
        let number: u64 = if at.is_start() { 1 } else { at.as_str().parse().unwrap() };
        let records = (0..10).map(|row| Record::write(&(number * 10 + row)).unwrap()).collect();
        Ok(Some(Page::new(records, (number < self.1).then(|| Cursor::new((number + 1).to_string())))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_crawls_of_one_root_have_a_line_and_a_time_left_each() {
    let screen = Screen::default();
    let lines =
        MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 200));
    let flags = Flags { config: None, log: LogForm::Human, quiet: false, verbose: false };
    let session = Session { flags, program: "test".into(), lines: Some(lines) };
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let [one, other] =
        [("a/one", 40), ("a/other", 30)].map(|(id, pages)| Slow(SourceId::new(id).unwrap(), pages));
    let known = |source: &Slow| Known { expects: Some(source.1 * 10), ..Known::default() };
    let (first, second) = tokio::join!(
        session.crawl(&one, &store, Pump::default(), known(&one)),
        session.crawl(&other, &store, Pump::default(), known(&other)),
    );
    for (crawled, rows) in [(first.unwrap(), 400), (second.unwrap(), 300)] {
        assert_eq!((crawled.0.totals.records, crawled.1), (rows, Outcome::Done));
    }
    let frames = screen.frames.lock().unwrap();
    let has = |frame: &str, id: &str| {
        frame.lines().any(|line| {
            line.contains(&format!("{id}: "))
                && line.contains(" a second, about ")
                && line.contains("s left [")
        })
    };
    assert!(frames.iter().any(|frame| has(frame, "a/one") && has(frame, "a/other")), "{frames:?}");
}

/// A program with an example of its own.
#[derive(Parser)]
#[command(name = "gleaner-test", after_help = "Examples:\n  gleaner-test of its own")]
struct Fake {
    #[command(subcommand)]
    _command: SharedCommand,
}

#[test]
fn a_program_keeps_its_own_examples_above_the_exit_codes_and_what_all_have_names_that_program() {
    let mut command = super::command::<Fake>();
    let help = command.render_long_help().to_string();
    let places = ["gleaner-test of its own", "Exit codes:"].map(|text| help.find(text));
    assert!(places[0].is_some() && places[0] < places[1], "{help}");
    for (name, example) in [
        ("status", "gleaner-test status data/"),
        ("completions", "completions/gleaner-test"),
        ("gather", "gleaner-test gather data/"),
    ] {
        let help = command.find_subcommand_mut(name).unwrap().render_long_help().to_string();
        assert!(help.contains(example) && !help.contains("PROGRAM"), "{help}");
    }
}
