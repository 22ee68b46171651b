//! What a file is that is no `.xlsx` workbook, and what to do with it.

use std::fs::File;
use std::io::{self, Read, Seek};

use super::package::Package;

/// What was found, and the advice for it.
pub(crate) struct Found(pub(crate) &'static str, pub(crate) &'static str);

const SAVE: &str = "open it in Excel or LibreOffice and save it as .xlsx";
const WORKBOOK: Found = Found("this is no Excel workbook (.xlsx), or it is damaged", SAVE);

/// What a ZIP file without a workbook in XML is.
pub(crate) fn of_package(package: &Package) -> Found {
    if package.has("xl/workbook.bin") {
        Found("this is a binary Excel workbook (.xlsb)", SAVE)
    } else if package.has("content.xml") {
        Found("this is an OpenDocument file (.ods)", SAVE)
    } else if package.has("word/") {
        Found("this is a Word document", "name a workbook")
    } else if package.has("ppt/") {
        Found("this is a PowerPoint presentation", "name a workbook")
    } else if package.has("index/") {
        Found("this is a Numbers document", "export it from Numbers as Excel (.xlsx)")
    } else {
        WORKBOOK
    }
}

/// What a file is that is no ZIP file.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn of_file(file: &mut File) -> io::Result<Found> {
    file.rewind()?;
    let mut start = Vec::new();
    file.take(4096).read_to_end(&mut start)?;
    let text =
        String::from_utf8_lossy(&start).trim_start_matches('\u{FEFF}').trim_start().to_ascii_lowercase();
    Ok(match start.as_slice() {
        [] => Found("the file is empty", "get it again"),
        [b'P', b'K', ..] => Found(
            "the workbook is damaged, mostly because it was cut short",
            "get the file again, or open it in Excel, let it be repaired, and save it",
        ),
        [0xD0, 0xCF, 0x11, 0xE0, ..] if is_encrypted(file)? => Found(
            "the workbook is protected by a password",
            "open it in Excel with the password, take that away (File, Info, Protect Workbook, Encrypt with Password, leave it empty), and save it",
        ),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => {
            Found("this is an old Excel workbook (.xls), or another old Office file", SAVE)
        }
        [0x1F, 0x8B, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..] => Found(
            "this is a compressed file and no workbook",
            "unpack it, or name it .jsonl.gz or .jsonl.zst if it holds JSON lines",
        ),
        [b'%', b'P', b'D', b'F', ..] => Found("this is a PDF file", "name a workbook"),
        _ if text.starts_with('<') => Found("this is a web page or XML under the name of a workbook", SAVE),
        _ if text.starts_with('{') => Found(
            "this is JSON under the name of a workbook",
            "name it .jsonl if it holds a JSON object a line",
        ),
        _ => WORKBOOK,
    })
}

/// Whether the Office container holds an encrypted package: then its directory has an entry of that name.
fn is_encrypted(file: &mut File) -> io::Result<bool> {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    file.rewind()?;
    let mut window = Vec::new();
    loop {
        let kept = window.len().min(name.len() - 1);
        window.drain(..window.len() - kept);
        if file.take(1 << 20).read_to_end(&mut window)? == 0 {
            return Ok(false);
        }
        if window.windows(name.len()).any(|here| here == name) {
            return Ok(true);
        }
    }
}
