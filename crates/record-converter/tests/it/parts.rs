//! Workbooks made part by part, to hold what no library writes.

use std::fs::{self, File};
use std::io::Write;

use crawl_core::Result;
use record_converter::{Options, Summary};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::run;

/// A workbook in XML: its sheets, and parts that replace or join the usual ones.
#[derive(Default)]
pub(crate) struct Parts {
    sheets: Vec<(String, String)>,
    extra: Vec<(String, Vec<u8>)>,
}

impl Parts {
    /// A workbook of one sheet `S` with these rows.
    pub(crate) fn sheet(rows: &str) -> Self {
        Parts::default().and_sheet("name=\"S\"", rows)
    }

    /// One more sheet; `attributes` are those in the list of sheets.
    pub(crate) fn and_sheet(mut self, attributes: &str, rows: &str) -> Self {
        self.sheets.push((attributes.to_owned(), rows.to_owned()));
        self
    }

    /// One more part, or another in place of a usual one.
    pub(crate) fn and(mut self, name: &str, part: impl Into<Vec<u8>>) -> Self {
        self.extra.push((name.to_owned(), part.into()));
        self
    }

    /// The table of shared strings.
    pub(crate) fn and_strings(self, items: &str) -> Self {
        self.and("xl/sharedStrings.xml", format!("<sst xmlns=\"{MAIN}\">{items}</sst>"))
    }

    /// Number formats by their code or built-in number; style n, from 1, has the n-th.
    pub(crate) fn and_formats(self, formats: &[&str]) -> Self {
        let (mut own, mut cells) = (String::new(), String::from("<xf numFmtId=\"0\"/>"));
        for (number, format) in formats.iter().enumerate() {
            let id = format.parse().unwrap_or(164 + number);
            if id >= 164 {
                let code = format.replace('"', "&quot;");
                own.push_str(&format!("<numFmt numFmtId=\"{id}\" formatCode=\"{code}\"/>"));
            }
            cells.push_str(&format!("<xf numFmtId=\"{id}\" applyNumberFormat=\"1\"/>"));
        }
        let styles = format!("<numFmts>{own}</numFmts><cellXfs>{cells}</cellXfs>");
        self.and("xl/styles.xml", format!("<styleSheet xmlns=\"{MAIN}\">{styles}</styleSheet>"))
    }

    /// Days are counted from 1904.
    pub(crate) fn since_1904(self) -> Self {
        let list = self.list("<workbookPr date1904=\"1\"/>");
        self.and("xl/workbook.xml", list)
    }

    /// Writes the workbook as `in.xlsx` into a new folder.
    pub(crate) fn save(self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in.xlsx"), self.bytes()).unwrap();
        folder
    }

    /// Converts the workbook; its lines and what was noted.
    pub(crate) fn read(self, options: Options) -> (Vec<String>, Summary) {
        let (lines, summary) = self.try_read(options);
        (lines, summary.unwrap())
    }

    /// As [`Parts::read`], and without lines where that fails.
    pub(crate) fn try_read(self, options: Options) -> (Vec<String>, Result<Summary>) {
        let folder = self.save();
        let summary = run(&folder, "in.xlsx", "out.jsonl", options);
        let text = fs::read_to_string(folder.path().join("out.jsonl")).unwrap_or_default();
        (text.lines().map(str::to_owned).collect(), summary)
    }

    fn list(&self, properties: &str) -> String {
        let sheets = self.sheets.iter().enumerate().map(|(number, (attributes, _))| {
            format!("<sheet {attributes} sheetId=\"{0}\" r:id=\"rId{0}\"/>", number + 1)
        });
        let sheets: String = sheets.collect();
        format!(
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\">{properties}<sheets>{sheets}</sheets></workbook>"
        )
    }

    fn bytes(&self) -> Vec<u8> {
        let relation = |id: &str, kind: &str, target: &str| {
            format!("<Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
        };
        let mut relations =
            relation("s", "styles", "styles.xml") + &relation("t", "sharedStrings", "sharedStrings.xml");
        let mut parts = vec![
            ("[Content_Types].xml".to_owned(), b"<Types/>".to_vec()),
            ("_rels/.rels".to_owned(), related(&relation("r", "officeDocument", "xl/workbook.xml"))),
            ("xl/workbook.xml".to_owned(), self.list("").into_bytes()),
        ];
        for (number, (_, rows)) in (1..).zip(&self.sheets) {
            let target = format!("worksheets/sheet{number}.xml");
            relations += &relation(&format!("rId{number}"), "worksheet", &target);
            let sheet = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
            parts.push((format!("xl/{target}"), sheet.into_bytes()));
        }
        parts.push(("xl/_rels/workbook.xml.rels".to_owned(), related(&relations)));
        parts.retain(|(name, _)| self.extra.iter().all(|(other, _)| other != name));
        parts.extend(self.extra.iter().cloned());
        parts.retain(|(_, part)| !part.is_empty());
        zip(&parts)
    }
}

/// A ZIP file of these parts.
pub(crate) fn zip(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    write(&mut file, parts);
    let mut bytes = Vec::new();
    std::io::Seek::rewind(&mut file).unwrap();
    std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    bytes
}

fn write(file: &mut File, parts: &[(String, Vec<u8>)]) {
    let mut archive = ZipWriter::new(file);
    for (name, part) in parts {
        archive.start_file(name.as_str(), SimpleFileOptions::default().compression_level(Some(1))).unwrap();
        archive.write_all(part).unwrap();
    }
    archive.finish().unwrap();
}

fn related(relations: &str) -> Vec<u8> {
    format!("<Relationships>{relations}</Relationships>").into_bytes()
}

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
