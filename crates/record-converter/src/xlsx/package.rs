//! The parts of a workbook's ZIP file, and how they name each other.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;

use quick_xml::events::Event;
use zip::ZipArchive;

use super::Fault;
use super::xml::{Xml, attribute};

/// The most relations of a part.
const MAX_RELATIONS: usize = 50_000;

/// An open ZIP file. Parts are found whatever the case of their names and the slant of their slashes.
pub(crate) struct Package {
    archive: ZipArchive<BufReader<File>>,
    places: HashMap<String, usize>,
}

/// What a part says about another.
pub(crate) struct Relation {
    /// The last word of its type, e.g. `worksheet`.
    pub(crate) kind: String,
    /// The name of the other part.
    pub(crate) target: String,
}

impl Package {
    /// Opens a ZIP file.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn open(file: File) -> Result<Self, Fault> {
        let archive = ZipArchive::new(BufReader::with_capacity(256 << 10, file))?;
        let mut places = HashMap::new();
        for place in 0..archive.len() {
            if let Some(Ok(name)) = archive.name_for_index(place) {
                places.entry(plain(&name)).or_insert(place);
            }
        }
        Ok(Package { archive, places })
    }

    /// Whether there is a part or a folder whose name begins so.
    pub(crate) fn has(&self, start: &str) -> bool {
        self.places.keys().any(|name| name.starts_with(start))
    }

    /// Reads a part; `None` if it is not there.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<Xml<'_>>, Fault> {
        let Some(place) = self.places.get(&plain(name)) else { return Ok(None) };
        Xml::new(self.archive.by_index(*place)?).map(Some)
    }

    /// Reads a part as [`Xml::small`].
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn small_part(&mut self, name: &str) -> Result<Option<Xml<'_>>, Fault> {
        let Some(place) = self.places.get(&plain(name)) else { return Ok(None) };
        Xml::small(self.archive.by_index(*place)?).map(Some)
    }

    /// What the part `name` says about others, by the names that it gives them. Empty for the name of the package.
    ///
    /// # Errors
    /// If that is damaged.
    pub(crate) fn relations(&mut self, name: &str) -> Result<HashMap<String, Relation>, Fault> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let mut relations = HashMap::new();
        let mut read = 0;
        let Some(mut xml) = self.small_part(&format!("{folder}/_rels/{file}.rels"))? else {
            return Ok(relations);
        };
        loop {
            match xml.next()? {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    read += 1;
                    if read > MAX_RELATIONS {
                        return Err(format!("more than {MAX_RELATIONS} relations").into());
                    }
                    let get = |name| attribute(&element, name).unwrap_or_default();
                    let kind = get("Type").rsplit('/').next().unwrap_or_default().to_owned();
                    relations.insert(get("Id"), Relation { kind, target: resolve(folder, &get("Target")) });
                }
                Event::Eof => return Ok(relations),
                _ => {}
            }
        }
    }
}

/// The name of a part as it is compared.
fn plain(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_ascii_lowercase()
}

/// The name of the part that `target` means in `folder`.
fn resolve(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let start = if target.starts_with('/') { "" } else { folder };
    let mut steps = Vec::new();
    for step in start.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_from_the_folder_of_the_part() {
        assert_eq!(resolve("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolve("xl", "/xl/a.xml"), "xl/a.xml");
        assert_eq!(resolve("xl", "..\\..\\.\\x\\a.xml"), "x/a.xml");
        assert_eq!(plain("/XL\\Workbook.xml"), "xl/workbook.xml");
    }
}
