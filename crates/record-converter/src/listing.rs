//! Records as the pages of a listing, so that the programs which read roots take them.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crawl_core::{
    Context, Cursor, Error, Kind, Page, Pump, Record, Result, Settings, Source, SourceId, Stop, Store,
    Stored, pump,
};

/// So many records are a page.
const PAGE: usize = 1000;

/// A file of lines as a listing. A cursor is the byte at which a page begins.
struct Lines {
    id: SourceId,
    settings: Settings,
    file: Mutex<BufReader<File>>,
}

/// Writes the lines of `file` as the listing `id` of `root`. Done twice with the same lines, it goes on where it stopped.
///
/// # Errors
/// [`Kind::Config`] if the root has a listing of that name which was made of something else; [`Kind::Storage`] if the disk
/// refuses.
pub(crate) fn write(file: File, digest: &str, root: &Path, id: &SourceId) -> Result<()> {
    let settings = Settings::default().with("converted", digest);
    let there = Stored::open(root, id).ok().map(|stored| stored.checkpoint().clone());
    if there.is_some_and(|there| there.pages > 0 && there.settings.as_ref() != Some(&settings)) {
        let what = "there is a listing of that name already, and it was made of something else";
        return Err(Error::new(Kind::Config, what)
            .at(format!("{} {id}", root.display()))
            .advise("name another folder as the output, or another listing; pages are never replaced"));
    }
    let source = Lines { id: id.clone(), settings, file: Mutex::new(BufReader::new(file)) };
    let store = Store::new(root);
    // Whoever calls may already be inside a runtime: the store's waits get one of their own.
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|cause| Error::new(Kind::Storage, "cannot begin").because(cause))?;
        runtime.block_on(pump(&source, &store, Pump::default(), &Stop::new(), |_| {}))
    };
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| Err(Error::new(Kind::Storage, "writing the pages broke off"))).map(drop)
}

impl Source for Lines {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = |cause| Error::new(Kind::Storage, "cannot read a temporary file").because(cause);
        let mut begin = at.as_str().parse().unwrap_or(0);
        file.seek(SeekFrom::Start(begin)).map_err(fault)?;
        let mut records = Vec::with_capacity(PAGE);
        let mut line = Vec::new();
        while records.len() < PAGE {
            line.clear();
            let read = file.read_until(b'\n', &mut line).map_err(fault)?;
            if read == 0 {
                return Ok(Some(Page::new(records, None)));
            }
            begin += read as u64;
            line.pop();
            records.push(Record::parse(std::mem::take(&mut line))?);
        }
        Ok(Some(Page::new(records, Some(Cursor::new(begin.to_string())))))
    }
}
