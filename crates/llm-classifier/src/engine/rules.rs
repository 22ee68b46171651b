//! The engine `rules`: weighted words and tags from the task file; no key, no network.

use std::collections::BTreeMap;

use crawl_core::json::Raw;

use crate::task::{Answer, Task, TaskKind, Words};

/// What the rules make of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Ruled {
    /// An answer, with the confidence of the rules.
    Sure(Answer),
    /// They found too little, or two answers that are equally good; says which.
    Unsure(String),
}

/// How often a word counts in one record at most: a text that says it forty times is not forty times surer.
const MOST: f64 = 2.0;
/// The id and the name of a thing say more about it than a sentence far down in its description.
const IN_NAME: f64 = 2.0;
/// How much evidence of nothing there is before anything was read.
const DOUBT: f64 = 1.0;

/// Judges a record by the words of a task.
pub fn judge(task: &Task, record: Raw<'_>, id: &str) -> Ruled {
    let text = Text::of(task, record, id);
    match &task.kind {
        TaskKind::Labels(labels) => {
            let scores: Vec<_> = labels.labels.iter().map(|label| text.score(&label.words)).collect();
            judge_labels(task, &scores, labels.most)
        }
        TaskKind::Filter(filter) => judge_filter(task, &text.score(&filter.words)),
    }
}

/// Whether the task gives the rules anything to go by.
pub fn has_words(task: &Task) -> bool {
    match &task.kind {
        TaskKind::Labels(labels) => labels.labels.iter().any(|label| !label.words.is_empty()),
        TaskKind::Filter(filter) => !filter.words.is_empty(),
    }
}

/// What speaks for something, and what against it.
#[derive(Debug, Default)]
struct Score {
    for_it: f64,
    against: f64,
    because: Vec<String>,
}

fn judge_labels(task: &Task, scores: &[Score], most: usize) -> Ruled {
    let net = |place: usize| scores[place].for_it - scores[place].against;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|one, other| net(*other).total_cmp(&net(*one)));
    let best = order.first().map_or(0.0, |place| net(*place));
    if best < task.rules.at_least {
        return Ruled::Unsure(format!("the best score is {best}, {} are needed", task.rules.at_least));
    }
    // Others that are nearly as good are given too, where several may be.
    let near = |place: &usize| net(*place) >= task.rules.at_least && net(*place) >= best * 0.6;
    let mut chosen: Vec<usize> = order.iter().copied().filter(near).take(most).collect();
    let rest = order.iter().map(|place| net(*place).max(0.0)).nth(chosen.len()).unwrap_or(0.0);
    let weakest = chosen.last().map_or(0.0, |place| net(*place));
    let confidence = weakest / (weakest + rest + DOUBT);
    chosen.sort_unstable();
    let because: Vec<_> = chosen.iter().flat_map(|place| scores[*place].because.clone()).collect();
    sure(task, Answer { labels: chosen, ..Answer::default() }, confidence, &because)
}

fn judge_filter(task: &Task, score: &Score) -> Ruled {
    let (more, less) = (score.for_it.max(score.against), score.for_it.min(score.against));
    if more - less < task.rules.at_least {
        return Ruled::Unsure(format!("{} speak for it and {} against", score.for_it, score.against));
    }
    let related = score.for_it > score.against;
    if related && task.response.iter().any(|field| field.name != "confidence") {
        return Ruled::Unsure("the words speak for it, but rules cannot tell the other members".into());
    }
    let confidence = more / (more + less + DOUBT);
    sure(task, Answer { related: Some(related), ..Answer::default() }, confidence, &score.because)
}

fn sure(task: &Task, answer: Answer, confidence: f64, because: &[String]) -> Ruled {
    let confidence = (confidence * 100.0).round() / 100.0;
    if confidence < task.rules.sure_from {
        return Ruled::Unsure(format!("the confidence is {confidence}, {} is sure", task.rules.sure_from));
    }
    let place = task.confidence();
    let value = |at: usize| match Some(at) == place {
        true => serde_json::json!(confidence),
        false => serde_json::Value::Null,
    };
    let mut because = because.to_vec();
    because.dedup();
    because.truncate(8);
    Ruled::Sure(Answer {
        values: (0..task.response.len()).map(value).collect(),
        confidence: Some(confidence),
        reasoning: format!("Rules: {}.", because.join(", ")),
        check_kept: true,
        ..answer
    })
}

/// What a record says, as words with spaces around them.
struct Text {
    name: String,
    body: String,
    tags: Vec<String>,
}

impl Text {
    fn of(task: &Task, record: Raw<'_>, id: &str) -> Self {
        let mut text = Text { name: plain(id), body: String::from(" "), tags: Vec::new() };
        for (key, value) in record.members().into_iter().flatten() {
            let name = key.name();
            if name == "tags" {
                leaves(value, &mut |leaf| text.tags.push(leaf.to_lowercase()));
            } else if name == "pretty_name" {
                leaves(value, &mut |leaf| text.name.push_str(&plain(leaf)));
            } else if task.fields.iter().any(|field| field.name.split('.').next() == Some(&name)) {
                leaves(value, &mut |leaf| text.body.push_str(&plain(leaf)));
            }
        }
        text
    }

    fn score(&self, words: &Words) -> Score {
        let mut score = Score::default();
        for (word, weight) in &words.words {
            let found = word_with_spaces(word);
            let in_name = if self.name.contains(&found) { IN_NAME } else { 0.0 };
            score.add(word, *weight, (in_name + self.body.matches(&found).count() as f64).min(MOST));
        }
        for (tag, weight) in &words.tags {
            let times = f64::from(u8::from(self.tags.iter().any(|found| found == tag)));
            score.add(tag, *weight, times);
        }
        score
    }
}

impl Score {
    fn add(&mut self, word: &str, weight: f64, times: f64) {
        if times > 0.0 {
            let side = if weight > 0.0 { &mut self.for_it } else { &mut self.against };
            *side += weight.abs() * times;
            self.because.push(format!("`{word}` ({weight:+})"));
        }
    }
}

fn word_with_spaces(word: &str) -> String {
    format!(" {} ", word.trim())
}

/// Lower case, everything but letters and digits a space, spaces at both ends, each word with spaces of its own.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 2);
    plain.push(' ');
    for letter in text.chars().take(20_000) {
        if letter.is_alphanumeric() {
            plain.extend(letter.to_lowercase());
        } else if !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    if !plain.ends_with(' ') {
        plain.push(' ');
    }
    plain
}

/// The texts inside a value; of an object the values and, where they differ, the keys.
pub(crate) fn leaves(value: Raw<'_>, hear: &mut dyn FnMut(&str)) {
    if let Some(text) = value.str() {
        hear(&text);
    } else if let Some(elements) = value.elements() {
        elements.for_each(|element| leaves(element, hear));
    } else if let Some(members) = value.members() {
        let mut seen: BTreeMap<String, ()> = BTreeMap::new();
        for (key, value) in members {
            leaves(value, &mut |leaf| {
                if seen.insert(leaf.to_owned(), ()).is_none() {
                    hear(leaf);
                }
            });
            let name = key.name().into_owned();
            if seen.insert(name.clone(), ()).is_none() {
                hear(&name);
            }
        }
    }
}
