//! OCR by Tesseract, where it is installed.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crawl_core::{Error, Kind, Result};
use serde_json::Value;

use super::told;

/// Pictures with a side of fewer pixels are icons.
const LEAST: u32 = 64;
/// A word is one if Tesseract is so sure of it, of 100.
const SURE: f64 = 60.0;
/// With fewer sure words a picture is a photo.
const WORDS: usize = 2;
/// Longer no picture is looked at.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tesseract, with the languages that it reads.
#[derive(Clone, Debug)]
pub struct Ocr {
    program: String,
    languages: String,
    engine: String,
}

impl Ocr {
    /// Tesseract under `program` (such as `tesseract`), for `languages` (such as `eng+deu`); `None` if it is not
    /// installed. Blocks for a moment.
    ///
    /// # Errors
    /// [`Kind::Config`] if it is installed and lacks one of the languages.
    pub fn find(program: &str, languages: &str) -> Result<Option<Self>> {
        let asked = |argument: &str| Command::new(program).arg(argument).stdin(Stdio::null()).output();
        let Ok(version) = asked("--version") else { return Ok(None) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // Old ones tell their version on the other stream.
        let told = format!("{}{}", text(&version.stdout), text(&version.stderr));
        let engine = told.lines().next().unwrap_or("tesseract").trim().to_owned();
        let known = asked("--list-langs").map(|out| format!("{}{}", text(&out.stdout), text(&out.stderr)));
        let known = known.unwrap_or_default();
        let lacks = languages.split('+').find(|language| !known.lines().any(|line| line.trim() == *language));
        if let Some(lacks) = lacks {
            return Err(Error::new(Kind::Config, format!("Tesseract cannot read the language {lacks}"))
                .at(languages.to_owned())
                .advise(format!("install tesseract-ocr-{lacks}, or name other languages with --ocr-lang")));
        }
        Ok(Some(Ocr { program: program.to_owned(), languages: languages.to_owned(), engine }))
    }

    /// The languages.
    pub fn languages(&self) -> &str {
        &self.languages
    }

    /// The text of a picture, with how sure Tesseract is of its words; `None` where there is none to speak of.
    pub(super) async fn read(
        &self,
        bytes: Bytes,
        width: Option<u32>,
        height: Option<u32>,
    ) -> Result<Option<Value>> {
        if width.zip(height).is_some_and(|(width, height)| width < LEAST || height < LEAST) {
            return Ok(None);
        }
        let ocr = self.clone();
        let read = tokio::task::spawn_blocking(move || ocr.table(&bytes)).await;
        let table = match read {
            Ok(Ok(table)) => table,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a picture could not be read");
                return Ok(None);
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => {
                    return Err(Error::new(Kind::Stopped, "the program ended before a picture was read"));
                }
            },
        };
        Ok(words(&table).map(|(text, sure)| told(&text, &self.engine, &self.languages, sure)))
    }

    fn table(&self, bytes: &[u8]) -> std::io::Result<String> {
        let mut child = Command::new(&self.program)
            .args(["-", "-", "-l", &self.languages, "--psm", "6", "tsv"])
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        std::thread::scope(|scope| {
            // A picture that it does not want to read whole is no error of ours.
            scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(bytes)));
            let reading = scope.spawn(|| {
                let mut text = Vec::new();
                if let Some(stdout) = stdout {
                    std::io::Read::read_to_end(&mut std::io::Read::take(stdout, 16 << 20), &mut text)?;
                }
                Ok::<_, std::io::Error>(text)
            });
            let began = Instant::now();
            let status = loop {
                match child.try_wait()? {
                    Some(status) => break status,
                    None if began.elapsed() > PATIENCE => {
                        child.kill()?;
                        break child.wait()?;
                    }
                    None => std::thread::sleep(Duration::from_millis(5)),
                }
            };
            let text = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            if status.success() {
                Ok(String::from_utf8_lossy(&text).into_owned())
            } else {
                Err(std::io::Error::other(format!("Tesseract ended with {status}")))
            }
        })
    }
}

/// The text of a table of words, a line a line, and the mean confidence; `None` if too few words are sure.
fn words(table: &str) -> Option<(String, f64)> {
    let (mut text, mut line, mut sure) = (String::new(), None, Vec::new());
    for row in table.lines().skip(1) {
        let fields: Vec<&str> = row.split('\t').collect();
        let [_, _, block, paragraph, number, _, _, _, _, _, confidence, word] = fields[..] else { continue };
        let (Ok(confidence), false) = (confidence.parse::<f64>(), word.trim().is_empty()) else { continue };
        if confidence < 0.0 {
            continue;
        }
        let here = (block, paragraph, number);
        if !text.is_empty() {
            text.push(if line == Some(here) { ' ' } else { '\n' });
        }
        line = Some(here);
        text.push_str(word);
        sure.push(confidence);
    }
    let good = sure.iter().filter(|confidence| **confidence >= SURE).count();
    // Most of a photo's "words" are not sure.
    if good < WORDS || good * 2 < sure.len() {
        return None;
    }
    let mean = sure.iter().sum::<f64>() / sure.len() as f64;
    Some((text, mean))
}

#[cfg(test)]
mod tests {
    use super::words;

    const HEAD: &str =
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";

    #[test]
    fn words_become_lines_and_photos_no_text() {
        let row = |line: u32, confidence: f64, word: &str| {
            format!("5\t1\t1\t1\t{line}\t1\t0\t0\t9\t9\t{confidence}\t{word}\n")
        };
        let table =
            format!("{HEAD}{}{}{}", row(1, 96.0, "hello"), row(1, 90.0, "world"), row(2, 84.0, "again"));
        let (text, sure) = words(&table).unwrap();
        assert_eq!((text.as_str(), sure), ("hello world\nagain", 90.0));
        let photo = format!("{HEAD}{}{}{}", row(1, 70.0, "a"), row(1, 20.0, "%"), row(2, 30.0, "|"));
        assert_eq!(words(&photo), None);
        assert_eq!(words(""), None);
    }
}
