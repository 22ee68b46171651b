//! Reading `.xlsx` workbooks as others make them, row by row, in bounded memory.
//!
//! What one cell holds never refuses the whole workbook: a value that cannot be known is [`Value::Unknown`] and is
//! named. Libraries that read cells refuse or skip such cells without a word, so ours are read from the XML.

mod address;
mod dates;
mod escapes;
mod kinds;
mod package;
mod rows;
mod strings;
mod styles;
mod xml;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};
use quick_xml::events::Event;

pub(crate) use address::letters;
pub(crate) use rows::{Row, Rows, Value};

use crate::supply::cannot_open;
use package::Package;
use strings::Strings;
use styles::Styles;
use xml::attribute;

/// The most sheets of a workbook. LibreOffice has the same limit.
pub(crate) const MAX_SHEETS: usize = 10_000;

/// What went wrong inside a workbook.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// An open workbook.
pub(crate) struct Workbook {
    path: PathBuf,
    package: Package,
    sheets: Vec<Sheet>,
    strings: Strings,
    styles: Styles,
    since_1904: bool,
}

/// A sheet with cells.
pub(crate) struct Sheet {
    pub(crate) name: String,
    /// Whether people see it.
    pub(crate) visible: bool,
    part: String,
}

impl Workbook {
    /// Opens a workbook. Temporary files, if any are needed, lie in `folder` or where the system has them.
    ///
    /// # Errors
    /// [`Kind::Config`] if the file cannot be found; [`Kind::Shape`] if it is something else or is damaged;
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn open(path: &Path, folder: Option<&Path>) -> Result<Self> {
        let mut file = File::open(path).map_err(|cause| cannot_open(path, cause))?;
        let read = |cause| Error::io("cannot read the workbook", path, cause);
        let mut package = match file.try_clone().map_err(read).map(Package::open)? {
            Ok(package) => package,
            Err(cause) => {
                let found = kinds::of_file(&mut file).map_err(read)?;
                return Err(other(path, &found).because(cause));
            }
        };
        let Some(main) = main_part(&mut package).map_err(|cause| damaged(path, cause))? else {
            return Err(other(path, &kinds::of_package(&package)));
        };
        Self::read(path, package, &main, folder).map_err(|cause| damaged(path, cause))
    }

    fn read(path: &Path, mut package: Package, main: &str, folder: Option<&Path>) -> Result<Self, Fault> {
        let relations = package.relations(main)?;
        let part = |kind: &str| {
            relations.values().find(|other| other.kind == kind).map(|other| other.target.clone())
        };
        let (styles, strings) = (part("styles"), part("sharedStrings"));
        let styles = styles.and_then(|name| package.small_part(&name).transpose()).transpose()?;
        let styles = styles.map_or_else(|| Ok(Styles::default()), Styles::read)?;
        let strings = strings.and_then(|name| package.part(&name).transpose()).transpose()?;
        let strings = strings.map_or_else(|| Ok(Strings::none()), |xml| Strings::read(xml, folder))?;
        let mut sheets = Vec::new();
        let mut since_1904 = false;
        let mut xml = package.small_part(main)?.ok_or("the list of sheets is missing")?;
        loop {
            match xml.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "workbookPr" => {
                        let flag = attribute(&element, "date1904").unwrap_or_default();
                        since_1904 = matches!(flag.as_str(), "1" | "true" | "on");
                    }
                    "sheet" if sheets.len() == MAX_SHEETS => {
                        return Err(format!("more than {MAX_SHEETS} sheets").into());
                    }
                    "sheet" => {
                        let get = |name| attribute(&element, name).unwrap_or_default();
                        let relation = relations.get(&get("id"));
                        if relation.is_none_or(|relation| relation.kind == "worksheet") {
                            sheets.push(Sheet {
                                name: get("name"),
                                visible: !matches!(get("state").as_str(), "hidden" | "veryHidden"),
                                part: relation.map(|relation| relation.target.clone()).unwrap_or_default(),
                            });
                        }
                    }
                    _ => {}
                },
                Event::Eof => break,
                _ => {}
            }
        }
        drop(xml);
        Ok(Workbook { path: path.to_owned(), package, sheets, strings, styles, since_1904 })
    }

    /// The sheets, in order.
    pub(crate) fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// The rows of sheet `number`, from 0; `None` if the file lacks them.
    ///
    /// # Errors
    /// [`Kind::Shape`] if they cannot be read.
    pub(crate) fn rows(&mut self, number: usize) -> Result<Option<Rows<'_>>> {
        let Some(sheet) = self.sheets.get(number) else { return Ok(None) };
        let xml = self.package.part(&sheet.part).map_err(|cause| damaged(&self.path, cause))?;
        Ok(xml.map(|xml| Rows::new(xml, &mut self.strings, &self.styles, self.since_1904, &self.path)))
    }
}

/// The name of the part with the list of sheets; `None` if the package holds no workbook in XML.
fn main_part(package: &mut Package) -> Result<Option<String>, Fault> {
    let relations = package.relations("")?;
    let named = relations.into_values().find(|relation| relation.kind == "officeDocument");
    let name = named.map_or_else(|| "xl/workbook.xml".to_owned(), |relation| relation.target);
    let Some(mut xml) = package.small_part(&name)? else { return Ok(None) };
    loop {
        match xml.next() {
            Ok(Event::Start(root)) => {
                let is_workbook = root.local_name().as_ref() == "workbook";
                return Ok(is_workbook.then_some(name));
            }
            // A binary workbook or another kind of document.
            Ok(Event::Eof) | Err(_) => return Ok(None),
            Ok(_) => {}
        }
    }
}

fn other(path: &Path, found: &kinds::Found) -> Error {
    Error::new(Kind::Shape, found.0).at(path.display().to_string()).advise(found.1)
}

/// The error for a workbook that cannot be read on: the disk's fault, or the file's.
fn damaged(path: &Path, cause: Fault) -> Error {
    let disk = match cause.downcast_ref::<quick_xml::Error>() {
        Some(quick_xml::Error::Io(cause)) => cause.raw_os_error().is_some(),
        Some(_) => false,
        None => cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.raw_os_error().is_some()),
    };
    if disk {
        return Error::new(Kind::Storage, "cannot read the workbook")
            .at(path.display().to_string())
            .because(cause);
    }
    Error::new(Kind::Shape, "the workbook is damaged")
        .at(path.display().to_string())
        .advise("open it in Excel or LibreOffice, let it be repaired, and save it as .xlsx")
        .because(cause)
}
