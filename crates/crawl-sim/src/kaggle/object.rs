//! What lies at a path of the storage: a file, an archive of files, or an attack.

use std::sync::Arc;

use super::archive::{Content, Entry, Zip, tar_gz};
use super::calendar::END;
use super::dataset::Dataset;
use super::meta;
use super::rope::Rope;
use super::world::{META, World};
use super::{competition, kernel, model};
use crate::dice::hash;
use crate::fault::Fault;
use crate::http::answer::Source;

/// An object of the storage with all that its headers tell.
pub(super) struct Object {
    pub(super) source: Arc<dyn Source>,
    pub(super) length: u64,
    /// Bytes of memory.
    pub(super) weight: usize,
    pub(super) etag: String,
    pub(super) generation: u64,
    /// Seconds since 1970.
    pub(super) modified: i64,
    pub(super) kind: &'static str,
    pub(super) crc32c: u32,
    /// Composite objects have none.
    pub(super) md5: Option<[u8; 16]>,
}

/// What an object is made of.
pub(super) enum Made {
    Rope(Arc<Rope>),
    Table(Arc<meta::Table>),
}

impl Object {
    /// `None` if there is nothing at this path; `changed` is another version under the same name.
    pub(super) fn at(world: &Arc<World>, path: &str, changed: bool) -> Option<Self> {
        let (bucket, rest) = path.strip_prefix('/')?.split_once('/')?;
        let (made, modified) = match bucket {
            "kaggle-data-sets" => dataset(world, rest, changed)?,
            "kaggle-competitions-data" => (competition::object(world, rest, changed)?, END - 90_000),
            "kaggle-models-data" => (model::object(world, rest, changed)?, END - 80_000),
            "kaggle-script-versions" => (kernel::object(world, rest, changed)?, END - 70_000),
            _ => return None,
        };
        Some(Self::of(path, made, modified + i64::from(changed) * 3600))
    }

    pub(super) fn fixed(name: &str, bytes: Arc<Rope>) -> Self {
        Self::of(name, Made::Rope(bytes), END)
    }

    /// Every fifth object has no MD5, as those that were composed from parts.
    fn of(path: &str, made: Made, modified: i64) -> Self {
        let (crc32c, md5, length, weight) = match &made {
            Made::Rope(rope) => (rope.crc32c(), rope.md5(), rope.len(), rope.weight()),
            Made::Table(table) => (table.crc32c, None, table.length, 4 << 10),
        };
        let source: Arc<dyn Source> = match made {
            Made::Rope(rope) => rope,
            Made::Table(table) => table,
        };
        let number = hash(path);
        let kind = if path.ends_with(".json") { "application/json" } else { "application/octet-stream" };
        Self {
            source,
            length,
            weight,
            etag: format!("\"{:016x}{crc32c:08x}{:08x}\"", number, length as u32),
            generation: 1_577_836_800_000_000 + u64::from(crc32c),
            modified,
            kind,
            crc32c,
            md5: md5.filter(|_| !number.is_multiple_of(5)),
        }
    }
}

/// `ID/VERSION/bundle/archive.zip`, `ID/VERSION/compressed/NAME.zip`, `ID/VERSION/files/NAME`.
fn dataset(world: &Arc<World>, path: &str, changed: bool) -> Option<(Made, i64)> {
    let mut parts = path.splitn(4, '/');
    let index = Dataset::index_of(parts.next()?.parse().ok()?)?;
    let version: u64 = parts.next()?.parse().ok()?;
    let (shape, name) = (parts.next()?, parts.next()?);
    let dataset = Dataset::new(world, index);
    if index == META {
        return Some((meta_file(world, shape, name)?, dataset.modified(version)));
    }
    let files = dataset.files();
    let contents = |wanted: Option<&str>| {
        files
            .iter()
            .filter(|file| wanted.is_none_or(|wanted| wanted == file.path))
            .map(|file| (file.path.clone(), dataset.content(file, version)))
            .collect::<Vec<_>>()
    };
    let rope = match shape {
        "bundle" => zip(&contents(None), changed),
        "compressed" => {
            let member = name.strip_suffix(".zip")?;
            let (_, content) = contents(Some(member)).pop()?;
            let base = member.rsplit('/').next().unwrap_or(member);
            zip(&[(base.to_owned(), content)], changed)
        }
        _ => whole(&contents(Some(name)).pop()?.1, changed),
    };
    Some((Made::Rope(rope), dataset.modified(version)))
}

fn meta_file(world: &Arc<World>, shape: &str, name: &str) -> Option<Made> {
    let table = |file: &str| meta::table(world, file.strip_suffix(".csv")?);
    if shape == "files" {
        return Some(Made::Table(table(name)?));
    }
    let file = name.strip_suffix(".zip")?;
    let table = table(file)?;
    let mut bytes = vec![0; usize::try_from(table.length).ok()?];
    table.fill(0, &mut bytes);
    Some(Made::Rope(zip(&[(file.to_owned(), Content::from(bytes))], false)))
}

pub(super) fn zip(files: &[(String, Content)], changed: bool) -> Arc<Rope> {
    let mut zip = Zip::default();
    files.iter().for_each(|(name, content)| zip.file(name, content));
    if changed {
        zip.file("changed.txt", &"a newer version\n".into());
    }
    zip.finish()
}

pub(super) fn whole(content: &Content, changed: bool) -> Arc<Rope> {
    if !changed {
        return content.rope();
    }
    let mut bytes = vec![0; content.size() as usize];
    content.rope().fill(0, &mut bytes);
    bytes.extend_from_slice(b"a newer version\n");
    Rope::of(bytes).finish()
}

/// Makes an archive.
type Make = fn() -> Arc<Rope>;

/// The archive that a fault puts in the place of the right one, under the name by which it is kept.
pub(super) fn attack(fault: &Fault) -> Option<(&'static str, Make)> {
    match fault {
        Fault::ZipBomb => {
            Some(("zip-bomb", || zip(&[("zeros.csv".into(), Content::Packed(1 << 30))], false)))
        }
        Fault::ZipSlip => Some(("zip-slip", zip_slip)),
        Fault::TarLinks => Some(("tar-links", tar_links)),
        _ => None,
    }
}

fn zip_slip() -> Arc<Rope> {
    let mut zip = Zip::default();
    zip.file("good.csv", &"id\n1\n".into());
    for name in
        ["../slipped.csv", "a/../../slipped.csv", "/tmp/slipped.csv", "..\\slipped.csv", "C:\\slipped.csv"]
    {
        zip.file(name, &"out of the folder\n".into());
    }
    zip.link("way-out", "../..");
    zip.file("way-out/slipped.csv", &"through a link\n".into());
    zip.file("Same.csv", &"one\n".into());
    zip.file("same.csv", &"other\n".into());
    zip.file("twice.csv", &"first\n".into());
    zip.file("twice.csv", &"second\n".into());
    zip.file("10:20:30.csv", &"colons\n".into());
    zip.finish()
}

fn tar_links() -> Arc<Rope> {
    Rope::of(tar_gz(&[
        ("good.json", Entry::File(b"{}\n")),
        ("../slipped.bin", Entry::File(b"out\n")),
        ("/tmp/slipped.bin", Entry::File(b"out\n")),
        ("way-out", Entry::Link("../..")),
        ("way-out/slipped.bin", Entry::File(b"through a link\n")),
        ("hard", Entry::HardLink("/etc/passwd")),
        ("device", Entry::Device),
        ("pipe", Entry::Pipe),
        ("folder/", Entry::Folder),
    ]))
    .finish()
}
