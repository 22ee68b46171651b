//! A whole export: roots in, samples out, and a sum that adds up.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crawl_core::record::Conversation;
use crawl_core::{Error, Input, Kind, Result, SourceId, Stored};
use sha2::{Digest, Sha256};
use text_hygiene::{Deduper, Like, Mode, Settings};

use super::out::Out;
use super::{Options, Splits, samples};
use crate::hygiene::{clean, text};
use crate::is_gone;

/// What is done with conversations that are like another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copies {
    /// Nobody looks.
    Keep,
    /// `meta.cluster` names the cluster, which goes to one split.
    #[default]
    Tell,
    /// Only the first of a cluster stays.
    Drop,
}

/// What is exported, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Roots of crawls, the oldest first.
    pub roots: Vec<PathBuf>,
    /// A new folder for the samples.
    pub out: PathBuf,
    /// Which samples.
    pub options: Options,
    /// How they are split.
    pub splits: Splits,
    /// What is done with personal data.
    pub pii: Mode,
    /// What is done with copies.
    pub copies: Copies,
    /// A file a topic, and pictures in `imgs`.
    pub old_names: bool,
}

/// What became of all conversations: `read = became samples + left out`.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Conversations that were read.
    pub read: u64,
    /// Samples that were made.
    pub samples: u64,
    /// Conversations that were left out, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Personal data that was found, by kind.
    pub found: BTreeMap<text_hygiene::Kind, u64>,
}

/// Where a conversation stands: input, page, row.
type Place = (usize, u64, usize);

/// Exports.
///
/// # Errors
/// [`Kind::Config`] if a root holds no conversations or the folder is in use; those of reading and writing.
pub fn run(plan: &Plan) -> Result<Report> {
    let inputs = inputs(&plan.roots)?;
    let newest = newest(&inputs)?;
    let clusters = match plan.copies {
        Copies::Keep => HashMap::new(),
        Copies::Tell | Copies::Drop => clusters(&inputs, &newest)?,
    };
    let mut out = Out::new(&plan.out)?;
    let mut report = Report::default();
    each(&inputs, |place, conversation| {
        report.read += 1;
        let made = match conversation {
            None => Err("no conversation"),
            Some(conversation) if newest.get(&key(&conversation)) != Some(&place) => {
                Err("a newer state is there")
            }
            Some(conversation) if is_gone(&conversation) => Err("deleted by the forum"),
            Some(mut conversation) => {
                let cluster = clusters.get(&place);
                conversation.dedup = cluster.map(|(first, _)| serde_json::json!({"cluster": first}));
                if plan.copies == Copies::Drop && cluster.is_some_and(|(_, is_first)| !is_first) {
                    Err("a copy of another one")
                } else {
                    for (kind, count) in clean(&mut conversation, &plan.pii) {
                        *report.found.entry(kind).or_default() += count;
                    }
                    samples(&conversation, &plan.options).map(|samples| (conversation, samples))
                }
            }
        };
        match made {
            Ok((conversation, samples)) => {
                for sample in samples {
                    report.samples += 1;
                    match plan.old_names {
                        true => out.topic(report.samples, &sample, &conversation, &inputs[place.0])?,
                        false => out.write(plan.splits.of(&conversation), &sample)?,
                    }
                }
            }
            Err(reason) => *report.left_out.entry(reason).or_default() += 1,
        }
        Ok(())
    })?;
    out.finish()?;
    Ok(report)
}

/// All conversations of all inputs, in order; `None` for a record that is none.
fn each(inputs: &[Input], mut take: impl FnMut(Place, Option<Conversation>) -> Result<()>) -> Result<()> {
    for (number, input) in inputs.iter().enumerate() {
        for page in 1..=input.pages() {
            for (row, record) in input.page(page)?.into_iter().enumerate() {
                take((number, page, row), record.raw().to::<Conversation>().ok())?;
            }
        }
    }
    Ok(())
}

/// All listings of conversations below these roots.
fn inputs(roots: &[PathBuf]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for root in roots {
        let found = inputs_of(root)?;
        if found.is_empty() {
            return Err(Error::new(Kind::Config, "no conversations lie here")
                .at(root.display().to_string())
                .advise("give the root of `discourse-crawler crawl` or of `kaggle-crawler discussions`"));
        }
        inputs.extend(found);
    }
    Ok(inputs)
}

fn inputs_of(root: &Path) -> Result<Vec<Input>> {
    let ids = Stored::sources(root)?;
    ids.iter().filter(|id| is_talk(id)).map(|id| Input::open(root, id)).collect()
}

/// Listings of conversations, by their names: of forums, and of Kaggle.
fn is_talk(id: &SourceId) -> bool {
    let name = id.as_str();
    (name.starts_with("discourse/") && name.ends_with("/conversations")) || name == "topics"
}

/// Where the last state of each topic stands: some 60 bytes a topic.
fn newest(inputs: &[Input]) -> Result<HashMap<[u8; 16], Place>> {
    let mut newest = HashMap::new();
    each(inputs, |place, conversation| {
        newest.extend(conversation.map(|conversation| (key(&conversation), place)));
        Ok(())
    })?;
    Ok(newest)
}

/// The cluster of each conversation that is like another one, and whether it is the first of it. Some 100 bytes a
/// conversation while they are compared.
fn clusters(inputs: &[Input], newest: &HashMap<[u8; 16], Place>) -> Result<HashMap<Place, (u64, bool)>> {
    let (mut deduper, mut places) = (Deduper::new(Settings::default()), Vec::new());
    each(inputs, |place, conversation| {
        let counts = |conversation: &Conversation| {
            newest.get(&key(conversation)) == Some(&place) && !is_gone(conversation)
        };
        if let Some(conversation) = conversation.filter(counts) {
            deduper.add(places.len() as u64, &text(&conversation));
            places.push(place);
        }
        Ok(())
    })?;
    let place = |id: u64| usize::try_from(id).ok().and_then(|id| places.get(id)).copied();
    let clusters = deduper.finish(|id| -> Result<Option<String>> {
        let Some((number, page, row)) = place(id) else { return Ok(None) };
        let record = inputs[number].page(page)?.into_iter().nth(row);
        let conversation = record.and_then(|record| record.raw().to::<Conversation>().ok());
        Ok(conversation.map(|conversation| text(&conversation)))
    })?;
    let alike = clusters.members.iter().filter(|member| member.like != Like::None);
    Ok(alike
        .filter_map(|member| Some((place(member.id)?, (member.cluster, member.cluster == member.id))))
        .collect())
}

fn key(conversation: &Conversation) -> [u8; 16] {
    let base = conversation.source.base_url.as_ref().or(conversation.source.site.as_ref());
    let hash = Sha256::digest(format!("{base:?} {:?}", conversation.topic.id));
    std::array::from_fn(|at| hash[at])
}
