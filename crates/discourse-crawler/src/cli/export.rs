//! `export`.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Outcome, grouped, say};
use crawl_core::record::Conversation;
use crawl_core::{Error, Input, SourceId, Stored};
use discourse_crawler::export::{Format, Options, Roles, Speaker, Split, Splits, samples};
use discourse_crawler::hygiene::{self, clean};
use discourse_crawler::is_gone;
use sha2::{Digest, Sha256};
use text_hygiene::{Deduper, Kind, Like, Mode, Settings};

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Roots of crawls, the oldest first: of a topic that several have, the last one counts. Kaggle's discussions are
    /// read too
    #[arg(value_name = "ROOT", required = true)]
    roots: Vec<PathBuf>,
    /// A new folder for train.jsonl, validation.jsonl and test.jsonl
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The form of samples
    #[arg(long, value_enum, default_value_t = Form::Messages)]
    format: Form,
    /// Who is the user and who the assistant
    #[arg(long, value_enum, default_value_t = Who::Asker)]
    roles: Who,
    /// With --format seed: a file a topic, 000000001.json, and the pictures in imgs/, as the old crawler had them
    #[arg(long)]
    old_names: bool,
    /// How speakers are named in the seed's form
    #[arg(long, value_enum, default_value_t = Named::Username)]
    speaker: Named,
    /// Leave out conversations of fewer posts
    #[arg(long, value_name = "N", default_value_t = 2)]
    min_posts: usize,
    /// Leave out answers of fewer likes
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    min_likes: i64,
    /// Only conversations with an accepted answer
    #[arg(long)]
    accepted: bool,
    /// Only conversations that were opened on this day or later
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Only conversations that were opened before this day
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Names become user1, user2, ... in each topic; in quotes and where @ addresses somebody too
    #[arg(long)]
    pseudonyms: bool,
    /// Pictures as parts of messages, where their files are there
    #[arg(long)]
    pictures: bool,
    /// Also what its site (robots.txt, headers) does not want to be used for training: where you have a licence
    #[arg(long)]
    with_refused: bool,
    /// Leave out answers shorter than so many characters
    #[arg(long, value_name = "CHARACTERS", default_value_t = 20)]
    min_chars: usize,
    /// What is done with e-mail addresses, phone numbers, public IP addresses, cards, bank accounts and secrets
    #[arg(long, value_enum, default_value_t = Pii::Report)]
    pii: Pii,
    /// What is done with exact and near copies of a conversation: their cluster is told, or only the first stays
    #[arg(long, value_enum, default_value_t = Copies::Tell)]
    copies: Copies,
    /// So many of a hundred conversations are for validation
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=50))]
    validation: u8,
    /// So many of a hundred conversations are for tests
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=50))]
    test: u8,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Form {
    /// {title, url, conversations}, in the old crawler's text
    Seed,
    /// {messages: [{role, content}], meta}
    Messages,
    /// {id, conversations: [{from, value}], source}
    Sharegpt,
    /// {instruction, input, output, history}
    Alpaca,
    /// {prompt, chosen, rejected}
    Dpo,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Who {
    /// Who opened the topic asks, everybody else answers
    Asker,
    /// The opening post, and the accepted or most liked answer
    Best,
    /// A talk of two people for each last reply
    Chain,
    /// As asker, with the name before each text
    Multi,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Pii {
    /// They are counted, and stay
    Report,
    /// [EMAIL_1]
    Tag,
    /// Values of nobody
    Fake,
    /// A hash with the key in GLEANER_PII_KEY
    Hash,
    /// They are taken out
    Drop,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Copies {
    /// Nobody looks
    Keep,
    /// `meta.cluster` names the cluster; a cluster goes to one split
    Tell,
    /// Only the first of a cluster stays
    Drop,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Named {
    Username,
    Name,
    Both,
    Glued,
}

impl ExportArgs {
    fn options(&self) -> Options {
        Options {
            format: match self.format {
                Form::Seed => Format::Seed,
                Form::Messages => Format::Messages,
                Form::Sharegpt => Format::ShareGpt,
                Form::Alpaca => Format::Alpaca,
                Form::Dpo => Format::Dpo,
            },
            roles: match self.roles {
                Who::Asker => Roles::Asker,
                Who::Best => Roles::Best,
                Who::Chain => Roles::Chain,
                Who::Multi => Roles::Multi,
            },
            speaker: match self.speaker {
                Named::Username => Speaker::Username,
                Named::Name => Speaker::Name,
                Named::Both => Speaker::Both,
                Named::Glued => Speaker::Glued,
            },
            min_posts: self.min_posts,
            min_likes: self.min_likes,
            accepted: self.accepted,
            since: self.from.clone(),
            until: self.to.clone(),
            pseudonyms: self.pseudonyms,
            pictures: self.pictures,
            refused: self.with_refused,
            least: self.min_chars,
        }
    }
}

impl ExportArgs {
    fn mode(&self) -> Result<Mode> {
        Ok(match self.pii {
            Pii::Report => Mode::Report,
            Pii::Tag => Mode::Tag,
            Pii::Fake => Mode::Fake,
            Pii::Drop => Mode::Drop,
            Pii::Hash => Mode::Hash {
                key: crawl_cli::env("GLEANER_PII_KEY")
                    .ok_or_else(|| {
                        Error::new(crawl_core::Kind::Config, "--pii hash wants a key")
                            .advise("set GLEANER_PII_KEY to a long secret, and keep it if equal values shall stay equal")
                    })?
                    .into_bytes(),
            },
        })
    }
}

pub(crate) fn run(arguments: &ExportArgs) -> Result<Outcome> {
    if arguments.old_names && !matches!(arguments.format, Form::Seed) {
        return Err(Error::new(crawl_core::Kind::Config, "--old-names goes with --format seed").into());
    }
    let inputs = inputs(&arguments.roots)?;
    let newest = newest(&inputs)?;
    let options = arguments.options();
    let mode = arguments.mode()?;
    let clusters = match arguments.copies {
        Copies::Keep => HashMap::new(),
        Copies::Tell | Copies::Drop => clusters(&inputs, &newest)?,
    };
    let mut found = BTreeMap::new();
    let splits = Splits { validation: arguments.validation, test: arguments.test };
    let mut out = Out::new(&arguments.out)?;
    let (mut read, mut made, mut left_out) = (0u64, 0u64, BTreeMap::<&str, u64>::new());
    for (number, input) in inputs.iter().enumerate() {
        for page in 1..=input.pages() {
            for (row, record) in (0..).zip(input.page(page)?) {
                read += 1;
                let Ok(mut conversation) = record.raw().to::<Conversation>() else {
                    *left_out.entry("no conversation").or_default() += 1;
                    continue;
                };
                let reason = if newest.get(&key(&conversation)) != Some(&number) {
                    Err("a newer state is there")
                } else if is_gone(&conversation) {
                    Err("deleted by the forum")
                } else if copy(&mut conversation, place(number, page, row), &clusters)
                    && arguments.copies == Copies::Drop
                {
                    Err("a copy of another one")
                } else {
                    for (kind, count) in clean(&mut conversation, &mode) {
                        *found.entry(kind).or_insert(0u64) += count;
                    }
                    samples(&conversation, &options)
                };
                match reason {
                    Ok(samples) => {
                        let split = splits.of(&conversation);
                        for sample in samples {
                            made += 1;
                            match arguments.old_names {
                                true => out.topic(made, &sample, &conversation, input)?,
                                false => out.write(split, &sample)?,
                            }
                        }
                    }
                    Err(reason) => *left_out.entry(reason).or_default() += 1,
                }
            }
        }
    }
    out.finish()?;
    let gone: u64 = left_out.values().sum();
    say(format!(
        "{} conversations read = {} that became {} samples + {} left out",
        grouped(read),
        grouped(read - gone),
        grouped(made),
        grouped(gone)
    ));
    for (kind, count) in &found {
        let done = if arguments.pii == Pii::Report || *kind == Kind::PrivateIp { "found" } else { "changed" };
        say(format!("  {done:<8} {:>10}  {}", grouped(*count), kind.name()));
    }
    for (reason, count) in left_out {
        say(format!("  left out {:>10}  {reason}", grouped(count)));
    }
    Ok(Outcome::Done)
}

/// All listings of conversations below these roots.
fn inputs(roots: &[PathBuf]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for root in roots {
        let before = inputs.len();
        for id in Stored::sources(root)?.iter().filter(|id| is_talk(id)) {
            inputs.push(Input::open(root, id)?);
        }
        if inputs.len() == before {
            return Err(Error::new(crawl_core::Kind::Config, "no conversations lie here")
                .at(root.display().to_string())
                .advise("give the root of `discourse-crawler crawl` or of `kaggle-crawler discussions`")
                .into());
        }
    }
    Ok(inputs)
}

/// Where a conversation stands, as a number.
fn place(input: usize, page: u64, row: u64) -> u64 {
    (input as u64) << 56 | page << 24 | row
}

/// The cluster of each conversation that is like another one: some 90 bytes a conversation while they are compared.
fn clusters(inputs: &[Input], newest: &HashMap<[u8; 16], usize>) -> Result<HashMap<u64, u64>> {
    let mut deduper = Deduper::new(Settings::default());
    for (number, input) in inputs.iter().enumerate() {
        for page in 1..=input.pages() {
            for (row, record) in (0..).zip(input.page(page)?) {
                let Ok(conversation) = record.raw().to::<Conversation>() else { continue };
                if newest.get(&key(&conversation)) == Some(&number) && !is_gone(&conversation) {
                    deduper.add(place(number, page, row), &hygiene::text(&conversation));
                }
            }
        }
    }
    let clusters = deduper.finish(|id| -> Result<Option<String>> {
        let (number, page, row) = (id >> 56, id >> 24 & 0xFFFF_FFFF, id & 0xFF_FFFF);
        let (number, row) = (usize::try_from(number)?, usize::try_from(row)?);
        let Some(input) = inputs.get(number) else { return Ok(None) };
        let record = input.page(page)?.into_iter().nth(row);
        let conversation = record.and_then(|record| record.raw().to::<Conversation>().ok());
        Ok(conversation.map(|conversation| hygiene::text(&conversation)))
    })?;
    let alike = clusters.members.iter().filter(|member| member.like != Like::None);
    Ok(alike.map(|member| (member.id, member.cluster)).collect())
}

/// Tells the cluster of a conversation, and whether another one of it came before.
fn copy(conversation: &mut Conversation, place: u64, clusters: &HashMap<u64, u64>) -> bool {
    let Some(cluster) = clusters.get(&place) else { return false };
    conversation.dedup = Some(serde_json::json!({"cluster": cluster}));
    *cluster != place
}

/// In which input the last state of each topic is: some 40 bytes a topic.
fn newest(inputs: &[Input]) -> Result<HashMap<[u8; 16], usize>> {
    let mut newest = HashMap::new();
    for (number, input) in inputs.iter().enumerate() {
        for page in 1..=input.pages() {
            for record in input.page(page)? {
                if let Ok(conversation) = record.raw().to::<Conversation>() {
                    newest.insert(key(&conversation), number);
                }
            }
        }
    }
    Ok(newest)
}

fn key(conversation: &Conversation) -> [u8; 16] {
    let base = conversation.source.base_url.as_ref().or(conversation.source.site.as_ref());
    let hash = Sha256::digest(format!("{base:?} {:?}", conversation.topic.id));
    std::array::from_fn(|at| hash[at])
}

/// Listings of conversations, by their names.
fn is_talk(id: &SourceId) -> bool {
    let name = id.as_str();
    (name.starts_with("discourse/") && name.ends_with("/conversations")) || name == "topics"
}

/// Files that appear under their names when all is written.
struct Out {
    folder: PathBuf,
    files: BTreeMap<Split, std::io::BufWriter<std::fs::File>>,
}

impl Out {
    fn new(folder: &Path) -> Result<Self> {
        let failed = |cause| Error::io("cannot make the folder", folder, cause);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let used = std::fs::read_dir(folder).map_err(failed)?.next().is_some();
        if used {
            return Err(Error::new(crawl_core::Kind::Config, "the folder for the samples is not empty")
                .at(folder.display().to_string())
                .advise("name a new folder with --out")
                .into());
        }
        Ok(Out { folder: folder.to_owned(), files: BTreeMap::new() })
    }

    fn part(&self, split: Split) -> PathBuf {
        self.folder.join(format!("{}.jsonl.part", split.name()))
    }

    fn write(&mut self, split: Split, sample: &serde_json::Value) -> Result<()> {
        let path = self.part(split);
        let file = match self.files.entry(split) {
            std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let file = std::fs::File::create(&path)
                    .map_err(|cause| Error::io("cannot write the samples", &path, cause))?;
                place.insert(std::io::BufWriter::new(file))
            }
        };
        serde_json::to_writer(&mut *file, sample)?;
        file.write_all(b"\n").map_err(|cause| Error::io("cannot write the samples", &path, cause))?;
        Ok(())
    }

    /// A file of its own for a topic, and its pictures beside it.
    fn topic(
        &self,
        number: u64,
        sample: &serde_json::Value,
        conversation: &Conversation,
        input: &Input,
    ) -> Result<()> {
        let path = self.folder.join(format!("{number:09}.json"));
        std::fs::write(&path, serde_json::to_vec(sample)?)
            .map_err(|cause| Error::io("cannot write the samples", &path, cause))?;
        let Some(root) = input.listings().next().map(Stored::root) else { return Ok(()) };
        for file in
            conversation.posts.iter().flat_map(|post| &post.images).filter_map(|image| image.file.as_deref())
        {
            let from = crawl_core::files::place(root, file)?;
            let to = self.folder.join("imgs").join(file.rsplit('/').next().unwrap_or(file));
            std::fs::create_dir_all(self.folder.join("imgs"))
                .map_err(|cause| Error::io("cannot make the folder", &self.folder, cause))?;
            if !to.exists() && from.is_file() {
                std::fs::copy(&from, &to)
                    .map_err(|cause| Error::io("cannot copy a picture", &from, cause))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        for (split, file) in std::mem::take(&mut self.files) {
            let path = self.part(split);
            let failed = |cause| Error::io("cannot write the samples", &path, cause);
            let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
            file.sync_all().map_err(failed)?;
            let name = self.folder.join(format!("{}.jsonl", split.name()));
            std::fs::rename(&path, &name).map_err(failed)?;
        }
        Ok(())
    }
}
