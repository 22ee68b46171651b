//! Reading a folder of Hive partitions, ours or that of others.

use std::fs;
use std::path::{Path, PathBuf};

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result};

use super::{NOTHING, VALUE_KEY};
use crate::summary::Summary;
use crate::{cell, parquet};

/// Folders of partitions are nested no deeper.
const DEEPEST: usize = 16;

/// Whether it is a folder of partitions.
pub(crate) fn is_one(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.any(|entry| pair(&entry.path()).is_some())
}

/// The Parquet files of a folder of partitions, in the order of their names. What begins with a dot or `_` is none of them,
/// and no link is followed.
///
/// # Errors
/// [`Kind::Storage`] if a folder cannot be read; [`Kind::Config`] if folders are nested too deep.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    collect(folder, DEEPEST, &mut all)?;
    Ok(all)
}

fn collect(folder: &Path, deep: usize, all: &mut Vec<PathBuf>) -> Result<()> {
    let fault = |cause| Error::io("cannot read the folder", folder, cause);
    if deep == 0 {
        return Err(Error::new(Kind::Config, "its folders are nested too deep")
            .at(folder.display().to_string())
            .advise(format!(
                "name a folder below it, from which its tables are at most {DEEPEST} folders away"
            )));
    }
    let mut entries =
        fs::read_dir(folder).and_then(|all| all.collect::<Result<Vec<_>, _>>()).map_err(fault)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(fault)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".")
            || entry.file_name().as_encoded_bytes().starts_with(b"_")
        {
            continue;
        }
        if kind.is_dir() {
            collect(&path, deep - 1, all)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "parquet") {
            all.push(path);
        }
    }
    Ok(())
}

/// Gives each record of a folder of partitions to `each`, as one line of JSON. Where the files do not have it word for word,
/// what its folders are named by comes behind its own members: as text, but in files of ours as it was.
///
/// # Errors
/// Those of [`files`], of reading Parquet, and of `each`.
pub(crate) fn read(
    folder: &Path,
    summary: &mut Summary,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    for path in files(folder)? {
        let below = path.strip_prefix(folder).unwrap_or(&path);
        let folders = below.parent().into_iter().flat_map(Path::components);
        let mut pairs: Vec<_> = folders.filter_map(|part| pair(Path::new(part.as_os_str()))).collect();
        let table = parquet::Reader::open(&path)?;
        let raw = table.metadata(parquet::RAW_KEY);
        if raw.is_some_and(|raw| table.columns().iter().any(|column| column.name == raw)) {
            parquet::read(&path, summary, &mut each)?;
            continue;
        }
        if let (Some(value), [(_, json)]) = (table.metadata(VALUE_KEY), pairs.as_mut_slice())
            && cell::is_json(value)
        {
            *json = value.to_owned();
        }
        let mut line = String::new();
        parquet::read(&path, summary, |text| {
            let record = Raw::parse(text.as_bytes())?;
            let lacks = |name: &String| record.members().into_iter().flatten().all(|(key, _)| !key.is(name));
            let missing: Vec<_> = pairs.iter().filter(|(name, _)| lacks(name)).collect();
            if missing.is_empty() {
                return each(text);
            }
            line.clear();
            line.push_str(text.trim_end().strip_suffix('}').unwrap_or(text));
            for (name, json) in missing {
                line.push_str(if line.len() > 1 { "," } else { "" });
                line.push_str(&format!("{}:{json}", cell::literal(name)));
            }
            line.push('}');
            each(&line)
        })?;
    }
    Ok(())
}

/// The column and the value, as JSON, that a folder is named by.
fn pair(folder: &Path) -> Option<(String, String)> {
    let (name, value) = folder.file_name()?.to_str()?.split_once('=')?;
    let value = if value == NOTHING { "null".to_owned() } else { cell::literal(&unescaped(value)) };
    Some((unescaped(name), value)).filter(|(name, _)| !name.is_empty())
}

/// `%` and two digits are a byte; what is no text stays as it is.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut left) = (Vec::new(), text);
    while let Some((before, behind)) = left.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        match behind.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                left = &behind[2..];
            }
            None => {
                bytes.push(b'%');
                left = behind;
            }
        }
    }
    bytes.extend_from_slice(left.as_bytes());
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
