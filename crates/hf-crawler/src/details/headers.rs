//! The headers of files of weights, read by Range: what a file holds is told in its first bytes.

use crawl_core::{Error, Kind, Result};
use futures::future::try_join_all;
use model_facts::{Reading, Weights, gguf, safetensors};
use serde_json::Value;

use super::ids::Repo;
use super::map::{Details, Written};
use super::tree::File;
use crate::hub::is_no_file;

/// So much of a file is asked for at first, and four times as much whenever it was too little.
const SAFETENSORS_FIRST: u64 = 512 << 10;
const GGUF_FIRST: u64 = 2 << 20;
/// A longer header is left out. Vocabularies of 260,000 words need about 16 MB.
const LONGEST: u64 = 32 << 20;
/// The headers of a repository with more files are left out.
const MOST_FILES: usize = 300;
/// So often a file is asked for more of it: four times as much each time is soon enough.
const MOST_PIECES: u32 = 16;
/// So many headers are in memory at once.
pub(super) const AT_ONCE: usize = 4;

/// How a file of weights is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Safetensors,
    Gguf,
}

impl Details {
    /// Reads the headers of a repository's weights into `written`.
    pub(super) async fn headers(&self, repo: &Repo, files: &[File], written: &mut Written) -> Result<()> {
        let sets = safetensors(files);
        written.safetensors_headers = Some(match sets.len() {
            0..=MOST_FILES => {
                let read = self.all(repo, Format::Safetensors, &sets, written).await?;
                // A part of a model's weights would be taken for the whole.
                (read.len() == sets.len()).then_some(read)
            }
            _ => {
                let what = format!("there are more than {MOST_FILES} safetensors files");
                written.leave("*.safetensors", Kind::Shape, what)
            }
        });
        let variants = gguf(files, self.parts.all_gguf());
        written.gguf_headers = Some(match variants.len() {
            0..=MOST_FILES => Some(self.all(repo, Format::Gguf, &variants, written).await?),
            _ => {
                let what = format!("there are more than {MOST_FILES} GGUF files");
                written.leave("*.gguf", Kind::Shape, what)
            }
        });
        Ok(())
    }

    /// The headers of these files, in their order; of those that are left out, the reason is noted.
    async fn all(
        &self,
        repo: &Repo,
        format: Format,
        files: &[&File],
        written: &mut Written,
    ) -> Result<Vec<Value>> {
        let read = try_join_all(files.iter().map(|file| self.header(repo, format, &file.path))).await?;
        let mut headers = Vec::with_capacity(read.len());
        for (read, file) in read.into_iter().zip(files) {
            match read {
                Ok(header) => headers.push(header),
                Err(error) => written.note(&file.path, error.kind(), error.to_string()),
            }
        }
        Ok(headers)
    }

    /// A header as JSON, or why this file has none to read; the outer error concerns the whole repository.
    async fn header(&self, repo: &Repo, format: Format, path: &str) -> Result<Result<Value>> {
        let Some(address) = repo.file(self.repos, path) else {
            return Ok(Err(Error::new(Kind::Shape, "a path that is none").at(path)));
        };
        let url = self.hub.address(address);
        let Ok(_turn) = self.turns.acquire().await else {
            return Err(Error::new(Kind::Stopped, "stopped before a header was read"));
        };
        let mut wanted = if format == Format::Gguf { GGUF_FIRST } else { SAFETENSORS_FIRST };
        let mut prefix = Vec::new();
        for _ in 0..MOST_PIECES {
            let from = prefix.len() as u64;
            let piece = match self.hub.piece(&url, from, wanted - from, true).await {
                Err(error) if self.is_closed(&error) || is_no_file(&error) => return Ok(Err(error)),
                piece => piece?,
            };
            prefix.extend_from_slice(&piece.bytes);
            let ends = piece.bytes.is_empty() || piece.total.is_none() && (prefix.len() as u64) < wanted;
            let total = piece.total;
            let (given, read) = read(format, prefix, path.to_owned(), total).await?;
            prefix = given;
            let needs = match read {
                Ok(Reading::Needs(bytes)) => bytes,
                Ok(Reading::Whole(header)) => return Ok(Ok(header)),
                Err(error) => return Ok(Err(error)),
            };
            if ends || total.is_some_and(|total| needs > total) {
                return Ok(Err(Error::new(Kind::Shape, "the file ends before its header does")));
            }
            if needs > LONGEST {
                let what = format!("the header has {needs} bytes or more, and {LONGEST} are read at most");
                return Ok(Err(Error::new(Kind::Shape, what)));
            }
            // The length of a safetensors header is known; that of a GGUF header is found by reading.
            wanted = match format {
                Format::Safetensors => needs,
                Format::Gguf => needs.max(wanted * 4).min(LONGEST),
            };
        }
        Ok(Err(Error::new(Kind::Shape, "the server gives too little of the file at once")))
    }
}

/// Reads a prefix on a thread that may block, and gives it back.
async fn read(
    format: Format,
    prefix: Vec<u8>,
    path: String,
    total: Option<u64>,
) -> Result<(Vec<u8>, Result<Reading<Value>>)> {
    let reading = move || {
        let read = match format {
            Format::Safetensors => safetensors::Header::read(&prefix).and_then(|reading| match reading {
                Reading::Whole(header) => {
                    fits(&header, total).map(|()| Reading::Whole(header.summary(&path)))
                }
                Reading::Needs(bytes) => Ok(Reading::Needs(bytes)),
            }),
            Format::Gguf => gguf::Header::read(&prefix).map(|reading| match reading {
                Reading::Whole(header) => Reading::Whole(header.summary(&path)),
                Reading::Needs(bytes) => Reading::Needs(bytes),
            }),
        };
        (prefix, read)
    };
    let read = tokio::task::spawn_blocking(reading).await;
    read.map_err(|cause| Error::new(Kind::Storage, "the reading of a header was broken off").because(cause))
}

/// A header and its tensors are the whole file.
fn fits(header: &safetensors::Header, total: Option<u64>) -> Result<()> {
    let told = header.header_bytes.saturating_add(header.data_bytes);
    match total.filter(|total| *total != told) {
        Some(total) => Err(Error::new(
            Kind::Shape,
            format!("the header tells of {told} bytes, and the file has {total}"),
        )),
        None => Ok(()),
    }
}

fn has_end(file: &File, end: &str) -> bool {
    let at = file.path.len().checked_sub(end.len());
    at.and_then(|at| file.path.get(at..)).is_some_and(|found| found.eq_ignore_ascii_case(end))
}

/// The safetensors files at the top of the repository; where there are none, those in its folders, as of pipelines.
fn safetensors(files: &[File]) -> Vec<&File> {
    let all = || files.iter().filter(|file| has_end(file, ".safetensors"));
    let top: Vec<&File> = all().filter(|file| !file.path.contains('/')).collect();
    if top.is_empty() { all().collect() } else { top }
}

/// One GGUF file of each repository, as each that is read counts as a download: the one that stands for the model in the
/// catalogue; where it is not known which that is, the smallest that holds a model, and no later one of a set. Or all.
fn gguf(files: &[File], all: bool) -> Vec<&File> {
    if all {
        return files.iter().filter(|file| has_end(file, ".gguf")).collect();
    }
    let weights = Weights::among(files.iter().map(|file| (file.path.as_str(), file.size)));
    let chosen = weights.chosen_gguf().and_then(|(_, variant)| variant.first());
    if let Some(chosen) = chosen {
        return files.iter().filter(|file| file.path == chosen).take(1).collect();
    }
    let first = |path: &str| {
        let number = path.rsplit_once("-of-").and_then(|(before, _)| before.rsplit_once('-'));
        number
            .is_none_or(|(_, number)| number.bytes().any(|byte| !byte.is_ascii_digit()) || number == "00001")
    };
    let models = files.iter().filter(|file| gguf::holds_model(&file.path) && first(&file.path));
    models.min_by_key(|file| file.size.unwrap_or(u64::MAX)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, size: u64) -> File {
        File { path: path.into(), size: Some(size), sha256: None, oid: None }
    }

    fn paths(files: &[&File]) -> Vec<String> {
        files.iter().map(|file| file.path.clone()).collect()
    }

    #[test]
    fn the_variant_is_read_that_stands_for_the_model_and_no_later_part_of_one() {
        let files = [
            file("m-Q8_0.gguf", 800),
            file("m-Q4_K_M.GGUF", 500),
            file("mmproj-m.gguf", 20),
            file("big/m-F16-00001-of-00002.gguf", 900),
            file("big/m-F16-00002-of-00002.gguf", 100),
            file("notes.txt", 1),
        ];
        assert_eq!(paths(&gguf(&files, false)), ["m-Q4_K_M.GGUF"]);
        assert_eq!(gguf(&files, true).len(), 5);
        assert!(gguf(&files[5..], false).is_empty());
        // What the catalogue takes for the model is what is read.
        let files = [
            file("m-Q2_K.gguf", 300),
            file("m-Q4_K_M-00002-of-00002.gguf", 200),
            file("m-Q4_K_M-00001-of-00002.gguf", 300),
            file("m.imatrix.gguf", 5),
            file("llava-mmproj-f16.gguf", 20),
        ];
        assert_eq!(paths(&gguf(&files, false)), ["m-Q4_K_M-00001-of-00002.gguf"]);
        assert!(gguf(&files[3..], false).is_empty());
        // Two models of one label: which one is meant is not known.
        let files = [file("a-Q8_0.gguf", 9), file("b-Q8_0.gguf", 8), file("b-Q8_0-00002-of-00002.gguf", 1)];
        assert_eq!(paths(&gguf(&files, false)), ["b-Q8_0.gguf"]);
    }

    #[test]
    fn weights_at_the_top_go_before_those_in_folders() {
        let files = [file("model.safetensors", 9), file("checkpoint-1/model.safetensors", 9)];
        assert_eq!(paths(&safetensors(&files)), ["model.safetensors"]);
        let files = [file("unet/a.safetensors", 9), file("vae/b.safetensors", 9), file("é", 1)];
        assert_eq!(safetensors(&files).len(), 2);
    }
}
