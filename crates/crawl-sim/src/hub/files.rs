//! The files of a repository: a few small ones in git, large ones in LFS. Contents are made when they are asked for.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::gguf::{self, Quant};
use super::row::Row;
use super::text::sentence;
use super::weights::{self, Keeping, Model};
use super::world::{HubKind, Stream};
use crate::dice::{Dice, hash};
use crate::json::{self, Array, Object};

/// Every fiftieth repository has so many small files, for the pages of a tree.
const MANY: u64 = 1200;

/// A larger file has a true header and zeros behind it, and nobody gets so much of it at once.
pub(super) const LARGEST_WHOLE: u64 = 64 << 20;

/// One file of a repository.
pub(super) struct File {
    pub(super) path: String,
    body: Body,
}

enum Body {
    /// In git, as its path says.
    Text,
    /// In LFS: so many bytes of nothing.
    Noise(usize),
    /// In LFS: the safetensors file of this number.
    Shard(u64),
    /// In LFS: a GGUF file of this type.
    Quant(Quant),
}

/// What a file holds: its first bytes, then zeros.
pub(super) struct Content {
    head: Vec<u8>,
    pub(super) size: u64,
    /// Of what is too large to be summed.
    invented: Option<String>,
}

impl File {
    pub(super) fn is_lfs(&self) -> bool {
        !matches!(self.body, Body::Text)
    }

    pub(super) fn content(&self, row: &Row<'_>) -> Content {
        let mut dice = Dice::new(row.world.seed ^ row.index, hash(&self.path));
        let (head, more) = match &self.body {
            Body::Text => (self.text(&mut dice, row), 0),
            Body::Noise(size) => {
                let mut bytes = Vec::with_capacity(size + 8);
                while bytes.len() < *size {
                    bytes.extend_from_slice(&dice.next().to_le_bytes());
                }
                bytes.truncate(*size);
                (bytes, 0)
            }
            Body::Shard(number) => weights::safetensors(&Model::of(row).shard(*number)),
            Body::Quant(quant) => gguf::header(&Model::of(row), *quant),
        };
        let size = head.len() as u64 + more;
        let mut digits = || format!("{:016x}", dice.next());
        let invented = (size > LARGEST_WHOLE).then(|| [digits(), digits(), digits(), digits()].concat());
        Content { head, size, invented }
    }

    fn text(&self, dice: &mut Dice, row: &Row<'_>) -> Vec<u8> {
        match self.path.as_str() {
            ".gitattributes" => b"*.parquet filter=lfs diff=lfs merge=lfs -text\n".to_vec(),
            "README.md" => readme(dice, row).into_bytes(),
            "config.json" => Model::of(row).config(row.index),
            "model.safetensors.index.json" => Model::of(row).index(),
            "adapter_config.json" => b"{\"peft_type\": \"LORA\", \"r\": 8}\n".to_vec(),
            _ => format!("{{\"id\": {}, \"text\": \"line of {}\"}}\n", dice.below(1_000_000), row.topic)
                .into_bytes(),
        }
    }

    /// The blob id in git: of the content, or of the pointer of an LFS file.
    pub(super) fn oid(&self, content: &Content) -> String {
        if self.is_lfs() { git_oid(content.pointer().as_bytes()) } else { git_oid(&content.head) }
    }
}

impl Content {
    /// The bytes from one place to another, the end not included.
    pub(super) fn bytes(&self, from: u64, to: u64) -> Vec<u8> {
        let end = self.head.len() as u64;
        let mut bytes = self.head[from.min(end) as usize..to.min(end) as usize].to_vec();
        bytes.resize((to - from) as usize, 0);
        bytes
    }

    pub(super) fn sha256(&self) -> String {
        let sum = || data_encoding::HEXLOWER.encode(&Sha256::digest(self.bytes(0, self.size)));
        self.invented.clone().unwrap_or_else(sum)
    }

    fn pointer(&self) -> String {
        format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n",
            self.sha256(),
            self.size
        )
    }
}

pub(super) fn all(row: &Row<'_>) -> Vec<File> {
    let mut dice = row.world.dice(row.index, Stream::Files);
    let small = |path: &str| File { path: path.into(), body: Body::Text };
    let size = if row.index % 10 == 3 {
        (3 << 20) + row.index as usize % 1000
    } else {
        2000 + dice.below(60_000) as usize
    };
    let large = |path: &str| File { path: path.into(), body: Body::Noise(size) };
    let mut files = vec![small(".gitattributes"), small("README.md")];
    if row.world.kind == HubKind::Models {
        files.extend(of_model(row));
    } else if row.traits.format.is_some() {
        files.extend([large("data/train-00000-of-00001.parquet"), small("data/test.jsonl")]);
    }
    if row.index % 50 == 7 {
        files.extend((0..MANY).map(|number| small(&format!("shards/part-{number:05}.jsonl"))));
    }
    files
}

fn of_model(row: &Row<'_>) -> Vec<File> {
    let model = Model::of(row);
    let small = |path: &str| File { path: path.into(), body: Body::Text };
    let shards =
        (0..model.shards()).map(|number| File { path: model.shard_name(number), body: Body::Shard(number) });
    match model.keeping {
        Keeping::Gguf => {
            let file = |quant: Quant| {
                let path = format!("{}.{}.gguf", row.name, quant.label);
                File { path, body: Body::Quant(quant) }
            };
            gguf::QUANTS.map(file).into()
        }
        Keeping::Adapter => std::iter::once(small("adapter_config.json")).chain(shards).collect(),
        Keeping::Safetensors => {
            let mut files: Vec<File> = std::iter::once(small("config.json")).chain(shards).collect();
            files.extend((model.shards() > 1).then(|| small("model.safetensors.index.json")));
            files.push(small("tokenizer.json"));
            files
        }
    }
}

/// About what all files take.
pub(super) fn used_storage(row: &Row<'_>) -> u64 {
    let noise = |file: &File| if let Body::Noise(size) = file.body { size as u64 } else { 200 };
    match row.world.kind {
        HubKind::Models => Model::of(row).parameters() * 2 + 4000,
        HubKind::Datasets => all(row).iter().map(noise).sum(),
    }
}

/// `[{"rfilename": ...}]`, with sizes and hashes if `blobs`.
pub(super) fn siblings(out: &mut Vec<u8>, row: &Row<'_>, blobs: bool) {
    let mut siblings = Array::new(out);
    for file in all(row) {
        json::object(siblings.item(), |sibling| {
            sibling.text("rfilename", &file.path);
            if blobs {
                let content = file.content(row);
                sibling.plain("size", content.size);
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
pub(super) fn lfs(object: &mut Object<'_>, hash: &str, content: &Content) {
    object.object("lfs", |lfs| {
        lfs.text(hash, &content.sha256());
        lfs.plain("size", content.size);
        lfs.plain("pointerSize", content.pointer().len());
    });
}

fn git_oid(content: &[u8]) -> String {
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", content.len()));
    hasher.update(content);
    data_encoding::HEXLOWER.encode(&hasher.finalize())
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
