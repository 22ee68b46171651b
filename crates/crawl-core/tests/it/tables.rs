//! Sources made of tables, and pictures of folders.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use crawl_core::{
    Context, Cursor, Error, Kind, Missing, Page, Record, Result, Settings, Source, SourceId, Timestamp,
};

/// A listing or a mapping of `pages` pages with three records each, some missing, some dropped, one page empty.
pub(crate) struct Table {
    pub(crate) id: SourceId,
    pub(crate) pages: u64,
    pub(crate) mapping: bool,
    pub(crate) settings: Settings,
    pub(crate) asked: Mutex<BTreeMap<u64, u64>>,
    pub(crate) slow: Duration,
}

impl Table {
    pub(crate) fn listing(pages: u64) -> Self {
        Table {
            id: SourceId::new("test/table").unwrap(),
            pages,
            mapping: false,
            settings: Settings::default().with("pages", pages),
            asked: Mutex::default(),
            slow: Duration::ZERO,
        }
    }

    pub(crate) fn mapping(pages: u64) -> Self {
        Table { mapping: true, ..Table::listing(pages) }
    }

    pub(crate) fn asked(&self) -> BTreeMap<u64, u64> {
        self.asked.lock().unwrap().clone()
    }

    fn number(at: &Cursor) -> u64 {
        if at.is_start() { 1 } else { at.as_str().parse().unwrap() }
    }
}

impl Source for Table {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn after(&self, at: &Cursor) -> Option<Cursor> {
        let number = Table::number(at);
        (self.mapping && number < self.pages).then(|| Cursor::new((number + 1).to_string()))
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let number = Table::number(at);
        *self.asked.lock().unwrap().entry(number).or_default() += 1;
        if !self.slow.is_zero() {
            // Later pages answer sooner: their order must come from the pump.
            tokio::time::sleep(self.slow / u32::try_from(number).unwrap()).await;
        }
        let fetched_at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let record = |row: u64| {
            Record::parse(format!("{{\"id\":\"{number}/{row}\",\"text\":\"é \\n {row}\"}}")).unwrap()
        };
        let mut page =
            Page::new(Vec::new(), (number < self.pages).then(|| Cursor::new((number + 1).to_string())));
        page.fetched_at = fetched_at;
        if number != 3 {
            page.records = (0..3).map(record).collect();
        }
        if number.is_multiple_of(2) {
            let error = Error::new(Kind::Gone, "not there").at("https://example.org/x");
            page.missing.push(Missing::because(format!("{number}/gone"), &error, fetched_at));
            page.dropped.insert("too small".into(), number);
        }
        Ok(Some(page))
    }
}

/// A listing of given rows, a page an element.
pub(crate) struct Given {
    pub(crate) table: Table,
    pub(crate) rows: Vec<Vec<Record>>,
}

impl Source for Given {
    fn id(&self) -> &SourceId {
        &self.table.id
    }

    fn settings(&self) -> Settings {
        self.table.settings.clone()
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let number = Table::number(at);
        let rows = self.rows[usize::try_from(number - 1).unwrap()].clone();
        let more = number < self.rows.len() as u64;
        Ok(Some(Page::new(rows, more.then(|| Cursor::new((number + 1).to_string())))))
    }
}

/// Every file under a folder with its bytes.
pub(crate) fn picture(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// The names of the files that are not the same in both folders.
pub(crate) fn differing(one: &Path, other: &Path) -> Vec<String> {
    let (one, other) = (picture(one), picture(other));
    let names: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).cloned().collect();
    names.into_iter().filter(|name| one.get(name) != other.get(name)).collect()
}
