//! One repository: its names, and the traits that its tags and its card agree on.

use std::sync::Arc;

use super::change::Altered;
use super::words::{
    FAMILY, FORMATS, GIVEN, LANGUAGES, LIBRARIES, LICENSES, MODALITIES, MODEL_BACK, MODEL_LIBRARIES,
    MODEL_SIZES, MODEL_STEMS, NAME_BACK, NAME_FRONT, OWNER_BACK, OWNER_FRONT, PIPELINES, SIZES, THEMES,
    Theme,
};
use super::world::{HubKind, Stream, World};
use crate::dice::Dice;

/// An owner with a number has up to four repositories, told apart by these endings.
const ENDINGS: [&str; 4] = ["", "-v2", "-clean", "-mini"];

/// A repository, ready to be written.
pub(super) struct Row<'a> {
    pub(super) world: &'a World,
    pub(super) index: u64,
    pub(super) theme: &'static Theme,
    pub(super) topic: &'static str,
    /// Absent on canonical repositories.
    pub(super) owner: Option<String>,
    pub(super) name: String,
    pub(super) traits: Traits,
}

/// What tags and card agree on.
pub(super) struct Traits {
    pub(super) tasks: Vec<&'static str>,
    pub(super) languages: Vec<&'static str>,
    pub(super) license: Option<&'static str>,
    pub(super) size: Option<&'static str>,
    pub(super) format: Option<&'static str>,
    pub(super) modalities: Vec<&'static str>,
    pub(super) libraries: Vec<&'static str>,
    pub(super) arxiv: Option<u64>,
    pub(super) free: Vec<&'static str>,
    pub(super) pipeline: Option<&'static str>,
    /// `false`, `"auto"` or `"manual"` as JSON.
    pub(super) gated: &'static str,
    pub(super) has_card: bool,
}

impl<'a> Row<'a> {
    pub(super) fn new(world: &'a World, index: u64) -> Self {
        let mut dice = world.dice(index, Stream::Name);
        let theme = pick_theme(&mut dice);
        let topic = dice.pick(theme.topics);
        let words = match world.kind {
            HubKind::Datasets => dataset_words(&mut dice, topic),
            HubKind::Models => model_words(&mut dice, topic),
        };
        let number = base36(index);
        let canonical = index.is_multiple_of(12) && index < world.horizon * 6 / 100;
        let (owner, name) = if canonical {
            (None, format!("{}-{number}", words.to_lowercase()))
        } else if dice.per_mille(400) {
            // The number is in the owner, so the same name occurs again and again.
            (Some(person(world, index >> 2)), words + ENDINGS[(index & 3) as usize])
        } else {
            let owner = format!("{}{}", dice.pick_early(&OWNER_FRONT), dice.pick_early(&OWNER_BACK));
            (Some(owner), format!("{words}-{number}"))
        };
        let altered = world.altered(index);
        // In front: what stands behind the last hyphen tells the number.
        let name = if altered.renamed > 0 { format!("moved{}-{name}", altered.renamed) } else { name };
        let traits = Traits::new(world, index, theme).altered(altered);
        Self { world, index, theme, topic, owner, name, traits }
    }

    /// Its name before it was renamed: nobody writes the card anew.
    pub(super) fn first_name(&self) -> &str {
        let renamed = self.world.altered(self.index).renamed > 0;
        self.name.split_once('-').filter(|_| renamed).map_or(&self.name, |(_, name)| name)
    }

    /// Whether requests see it, with a token or without.
    pub(super) fn is_shown(&self, signed: bool) -> bool {
        let altered = self.world.altered(self.index);
        !altered.vanished && (signed || !altered.hidden)
    }

    /// The repository that had this id before it was renamed.
    pub(super) fn find_renamed(world: &'a World, id: &str) -> Option<Self> {
        if world.altered.number == 0 {
            return None;
        }
        let before = World { altered: Arc::default(), ..world.clone() };
        let index = Row::find(&before, id)?.index;
        Some(Row::new(world, index)).filter(|row| row.id() != id)
    }

    /// `owner/name`, or the name alone.
    pub(super) fn id(&self) -> String {
        self.owner.as_ref().map_or_else(|| self.name.clone(), |owner| format!("{owner}/{}", self.name))
    }

    /// The repository with this id, if there is one.
    pub(super) fn find(world: &'a World, id: &str) -> Option<Self> {
        let number = |text: &str| from_base36(text.rsplit_once('-')?.1);
        let name = id.rsplit_once('/').map_or(id, |(_, name)| name);
        let owners = id.split_once('/').and_then(|(owner, _)| number(owner));
        let of_owner =
            owners.into_iter().flat_map(|group| (0..4).map(move |turn| group.saturating_mul(4) + turn));
        let candidates = number(name).into_iter().chain(of_owner);
        let mut rows = candidates.filter(|index| *index < world.count).map(|index| Self::new(world, index));
        rows.find(|row| row.id() == id)
    }

    /// The repository with an owner whose bare name is this: the Hub redirects such legacy names.
    pub(super) fn find_legacy(world: &'a World, name: &str) -> Option<Self> {
        let index = from_base36(name.rsplit_once('-')?.1).filter(|index| *index < world.count)?;
        Some(Self::new(world, index)).filter(|row| row.name == name)
    }

    /// Whether the Hub has closed it.
    pub(super) fn is_disabled(&self) -> bool {
        self.index % 997 == 996
    }

    /// The commit of `main`.
    pub(super) fn sha(&self) -> String {
        let mut dice = self.world.dice(self.index, Stream::Files);
        // A change makes a new commit.
        let change = u64::from(self.index < self.world.touched) + self.world.altered(self.index).touched * 2;
        format!("{:016x}{:016x}{:08x}", dice.next() ^ change, dice.next(), dice.next() as u32)
    }

    /// Calls `emit` with the prefix and the value of each tag, in the Hub's order.
    pub(super) fn each_tag(&self, mut emit: impl FnMut(&str, &str)) {
        let traits = &self.traits;
        if self.world.kind == HubKind::Models {
            traits.libraries.iter().chain(&traits.pipeline).for_each(|tag| emit("", tag));
            traits.languages.iter().chain(&traits.free).for_each(|tag| emit("", tag));
        } else {
            traits.tasks.iter().for_each(|task| emit("task_categories:", task));
            traits.languages.iter().for_each(|language| emit("language:", language));
        }
        if let Some(license) = traits.license {
            emit("license:", license);
        }
        if self.world.kind == HubKind::Datasets {
            traits.size.iter().for_each(|size| emit("size_categories:", size));
            traits.format.iter().for_each(|format| emit("format:", format));
            traits.modalities.iter().for_each(|modality| emit("modality:", modality));
            traits.libraries.iter().for_each(|library| emit("library:", library));
        }
        if let Some(number) = traits.arxiv {
            let (year, month) = (15 + number % 12, 1 + number / 12 % 12);
            emit("arxiv:", &format!("{year}{month:02}.{:05}", number / 144 % 20_000));
        }
        emit("region:", "us");
        if self.world.kind == HubKind::Datasets {
            traits.free.iter().for_each(|tag| emit("", tag));
        }
    }
}

impl Traits {
    /// After what has happened to it.
    fn altered(mut self, altered: Altered) -> Self {
        if altered.gated {
            self.gated = if self.gated == "false" { "\"manual\"" } else { "false" };
        }
        if altered.licensed {
            self.license = Some(if self.license == Some("mit") { "apache-2.0" } else { "mit" });
        }
        self
    }

    fn new(world: &World, index: u64, theme: &'static Theme) -> Self {
        let mut dice = world.dice(index, Stream::Traits);
        let has_card = !dice.per_mille(350);
        let has_files = dice.per_mille(800);
        let tasks = if has_card { some(&mut dice, theme.tasks, &[500, 200]) } else { Vec::new() };
        let languages = if has_card { some(&mut dice, &LANGUAGES, &[700, 150, 100, 60]) } else { Vec::new() };
        let dataset = world.kind == HubKind::Datasets;
        Self {
            tasks,
            languages,
            license: (has_card && dice.per_mille(800)).then(|| dice.pick_early(&LICENSES)),
            size: (has_files || has_card && dice.per_mille(400)).then(|| dice.pick_early(&SIZES)),
            format: has_files.then(|| dice.pick_early(&FORMATS)),
            modalities: some(&mut dice, &MODALITIES, &[900, 300, 100]),
            libraries: match dataset {
                true => some(&mut dice, &LIBRARIES, &[850, 800, 700, 600, 300]),
                false => some(&mut dice, &MODEL_LIBRARIES, &[900, 300]),
            },
            arxiv: dice.per_mille(90).then(|| dice.next()),
            free: if has_card { some(&mut dice, theme.tags, &[600, 450, 300]) } else { Vec::new() },
            pipeline: (!dataset && dice.per_mille(700)).then(|| dice.pick_early(&PIPELINES)),
            gated: match dice.below(1000) {
                0..30 => "\"auto\"",
                30..45 => "\"manual\"",
                _ => "false",
            },
            has_card,
        }
    }
}

/// Several different ones: a first with the first chance, then a second with the second, and so on.
fn some(dice: &mut Dice, from: &[&'static str], per_mille: &[u64]) -> Vec<&'static str> {
    let mut picked = Vec::new();
    for chance in per_mille {
        if !dice.per_mille(*chance) {
            break;
        }
        let next = dice.pick_early(from);
        if !picked.contains(&next) {
            picked.push(next);
        }
    }
    picked
}

fn pick_theme(dice: &mut Dice) -> &'static Theme {
    let mut left = dice.below(1000);
    for theme in &THEMES {
        if left < theme.per_mille {
            return theme;
        }
        left -= theme.per_mille;
    }
    &THEMES[THEMES.len() - 1]
}

fn person(world: &World, number: u64) -> String {
    let mut dice = world.dice(number, Stream::Oddities);
    let (given, family) = (dice.pick(&GIVEN), dice.pick(&FAMILY));
    format!("{given}{family}-{}", base36(number))
}

fn dataset_words(dice: &mut Dice, topic: &str) -> String {
    let words = match dice.below(4) {
        0 => topic.to_owned(),
        1 => format!("{}-{topic}", dice.pick(&NAME_FRONT)),
        _ => format!("{topic}-{}", dice.pick(&NAME_BACK)),
    };
    match dice.below(5) {
        0 => words.replace('-', "_"),
        1 => words.split('-').map(capital).collect(),
        _ => words,
    }
}

fn model_words(dice: &mut Dice, topic: &str) -> String {
    let (stem, size) = (dice.pick(&MODEL_STEMS), dice.pick(&MODEL_SIZES));
    match dice.below(4) {
        0 => format!("{stem}-{size}-{topic}"),
        1 => format!("{}-{topic}-{}", stem.to_lowercase(), dice.pick(&MODEL_BACK)),
        _ => format!("{stem}{}-{size}-{}", dice.below(5) + 1, dice.pick(&MODEL_BACK)),
    }
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_uppercase() + rest
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

fn from_base36(text: &str) -> Option<u64> {
    let plain =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    u64::from_str_radix(text, 36).ok().filter(|_| plain)
}
