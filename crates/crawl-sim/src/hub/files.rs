//! The files of a repository: a few small ones in git, large ones in LFS. Contents are made when they are asked for.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::row::Row;
use super::text::sentence;
use super::world::{HubKind, Stream};
use crate::dice::{Dice, hash};
use crate::json::{self, Array, Object};

/// Every fiftieth repository has so many small files, for the pages of a tree.
const MANY: u64 = 1200;

/// One file of a repository.
pub(super) struct File {
    pub(super) path: String,
    /// Of an LFS file; the others are as long as their text.
    large: Option<usize>,
}

impl File {
    pub(super) fn is_lfs(&self) -> bool {
        self.large.is_some()
    }

    pub(super) fn content(&self, row: &Row<'_>) -> Vec<u8> {
        let mut dice = Dice::new(row.world.seed ^ row.index, hash(&self.path));
        if let Some(size) = self.large {
            let mut bytes = Vec::with_capacity(size + 8);
            while bytes.len() < size {
                bytes.extend_from_slice(&dice.next().to_le_bytes());
            }
            bytes.truncate(size);
            return bytes;
        }
        match self.path.as_str() {
            ".gitattributes" => b"*.parquet filter=lfs diff=lfs merge=lfs -text\n".to_vec(),
            "README.md" => readme(&mut dice, row).into_bytes(),
            "config.json" => {
                b"{\n  \"model_type\": \"tern\",\n  \"hidden_size\": 512,\n  \"num_hidden_layers\": 8\n}\n"
                    .to_vec()
            }
            _ => format!("{{\"id\": {}, \"text\": \"line of {}\"}}\n", dice.below(1_000_000), row.topic)
                .into_bytes(),
        }
    }

    /// The blob id in git: of the content, or of the pointer of an LFS file.
    pub(super) fn oid(&self, content: &[u8]) -> String {
        if self.is_lfs() { git_oid(pointer(content).as_bytes()) } else { git_oid(content) }
    }
}

pub(super) fn all(row: &Row<'_>) -> Vec<File> {
    let mut dice = row.world.dice(row.index, Stream::Files);
    let small = |path: &str| File { path: path.into(), large: None };
    let size = if row.index % 10 == 3 {
        (3 << 20) + row.index as usize % 1000
    } else {
        2000 + dice.below(60_000) as usize
    };
    let large = |path: &str| File { path: path.into(), large: Some(size) };
    let mut files = vec![small(".gitattributes"), small("README.md")];
    if row.world.kind == HubKind::Models {
        files.extend([small("config.json"), large("model.safetensors"), small("tokenizer.json")]);
    } else if row.traits.format.is_some() {
        files.extend([large("data/train-00000-of-00001.parquet"), small("data/test.jsonl")]);
    }
    if row.index % 50 == 7 {
        files.extend((0..MANY).map(|number| small(&format!("shards/part-{number:05}.jsonl"))));
    }
    files
}

pub(super) fn used_storage(row: &Row<'_>) -> usize {
    all(row).iter().map(|file| file.large.unwrap_or(200)).sum()
}

/// `[{"rfilename": ...}]`, with sizes and hashes if `blobs`.
pub(super) fn siblings(out: &mut Vec<u8>, row: &Row<'_>, blobs: bool) {
    let mut siblings = Array::new(out);
    for file in all(row) {
        json::object(siblings.item(), |sibling| {
            sibling.text("rfilename", &file.path);
            if blobs {
                let content = file.content(row);
                sibling.plain("size", content.len());
                sibling.text("blobId", &file.oid(&content));
                if file.is_lfs() {
                    lfs(sibling, "sha256", &content);
                }
            }
        });
    }
    siblings.end();
}

/// `lfs: {HASH: ..., size, pointerSize}`: siblings call the hash `sha256`, trees `oid`.
pub(super) fn lfs(object: &mut Object<'_>, hash: &str, content: &[u8]) {
    object.object("lfs", |lfs| {
        lfs.text(hash, &sha256(content));
        lfs.plain("size", content.len());
        lfs.plain("pointerSize", pointer(content).len());
    });
}

pub(super) fn sha256(content: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(content))
}

fn git_oid(content: &[u8]) -> String {
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", content.len()));
    hasher.update(content);
    data_encoding::HEXLOWER.encode(&hasher.finalize())
}

fn pointer(content: &[u8]) -> String {
    format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n",
        sha256(content),
        content.len()
    )
}

fn readme(dice: &mut Dice, row: &Row<'_>) -> String {
    let mut text = String::from("---\n");
    if let Some(license) = row.traits.license {
        text.push_str(&format!("license: {license}\n"));
    }
    if !row.traits.languages.is_empty() {
        text.push_str("language:\n");
        // Quoted or not, as people do: unquoted `no` is a trap.
        row.traits.languages.iter().for_each(|language| text.push_str(&format!("- {language}\n")));
    }
    text.push_str(&format!("pretty_name: \"{}\"\n---\n\n# {}\n\n", row.name.replace('-', " "), row.name));
    for _ in 0..3 + dice.below(12) {
        sentence(&mut text, dice, row);
    }
    text.push('\n');
    text
}
