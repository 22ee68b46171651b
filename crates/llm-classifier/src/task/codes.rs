//! Codes: names of answers that no text of a record can know.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Filter, Labels, Task, TaskKind, Template};

/// How the two answers of a filter are spelled if not as `true` and `false`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Spelled {
    pub(crate) no: String,
    pub(crate) yes: String,
    /// Which of the two the model is told first.
    pub(crate) yes_first: bool,
}

impl Spelled {
    /// Both, in the order in which the model is told them.
    pub(crate) fn in_order(&self) -> [&str; 2] {
        if self.yes_first { [&self.yes, &self.no] } else { [&self.no, &self.yes] }
    }
}

impl Task {
    /// The same question with codes for the answers, in the other order: an order inside a record that names a label, or says
    /// which one in the list, does not find it. Labels with an `alias` of the task's own keep their names.
    pub fn disguised(&self) -> Self {
        match &self.kind {
            TaskKind::Labels(labels) if labels.labels.iter().any(|label| label.alias.is_some()) => {
                self.clone()
            }
            _ => self.coded('K'),
        }
    }

    /// The same question put in another way again, for records that may hold orders: other codes, in the other order.
    pub fn second_look(&self) -> Self {
        self.coded('M')
    }

    /// The codes come from the prompt: who does not know it exactly cannot know them.
    fn coded(&self, letter: char) -> Self {
        let mut task = self.clone();
        let salt = &self.system.text;
        match &mut task.kind {
            TaskKind::Labels(Labels { labels, order, .. }) => {
                order.reverse();
                let codes = codes(letter, salt, labels.len());
                labels.iter_mut().zip(codes).for_each(|(label, code)| label.alias = Some(code));
            }
            TaskKind::Filter(Filter { spelled, .. }) => {
                let yes_first = spelled.as_ref().is_some_and(|spelled| !spelled.yes_first);
                let mut codes = codes(letter, salt, 2).into_iter();
                *spelled = codes.next().zip(codes.next()).map(|(no, yes)| Spelled { no, yes, yes_first });
            }
        }
        let (words, fields) = (task.words(), task.fields.clone());
        for template in [&mut task.system, &mut task.user] {
            if let Ok(again) = Template::parse(&template.text, &fields, &words) {
                *template = again;
            }
        }
        task
    }

    /// A text of the model with names where it speaks of codes.
    pub(crate) fn decoded(kind: &TaskKind, text: &str) -> String {
        let codes: Vec<(&str, &str)> = match kind {
            TaskKind::Labels(labels) => {
                let coded =
                    labels.labels.iter().filter_map(|label| Some((label.alias.as_deref()?, &*label.name)));
                coded.filter(|(code, _)| is_code(code)).collect()
            }
            TaskKind::Filter(filter) => match &filter.spelled {
                Some(spelled) => vec![(&spelled.no, "false"), (&spelled.yes, "true")],
                None => Vec::new(),
            },
        };
        codes.into_iter().fold(text.to_owned(), |text, (code, name)| text.replace(code, name))
    }
}

/// So many different codes, in order: a code says nothing of its answer's place in the list that is shown.
fn codes(letter: char, salt: &str, count: usize) -> Vec<String> {
    let digits = if count > 500 { 6 } else { 3 };
    let mut codes = BTreeSet::new();
    for number in 0u64.. {
        if codes.len() == count {
            break;
        }
        let digest = Sha256::new()
            .chain_update(salt)
            .chain_update([0, letter as u8])
            .chain_update(number.to_be_bytes())
            .finalize();
        codes.insert(format!("{letter}{}", &data_encoding::HEXLOWER.encode(&digest[..4])[..digits]));
    }
    codes.into_iter().collect()
}

fn is_code(name: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.strip_prefix(['K', 'M']).is_some_and(|rest| matches!(rest.len(), 3 | 6) && rest.bytes().all(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_are_in_order_and_come_from_the_prompt() {
        let of = |letter, salt| codes(letter, salt, 400);
        let first = of('K', "prompt");
        assert!(first.is_sorted() && first.iter().collect::<BTreeSet<_>>().len() == 400);
        assert!(first.iter().all(|code| is_code(code)));
        let shared = |other: &[String]| first.iter().filter(|code| other.contains(code)).count();
        assert_eq!((shared(&of('K', "prompt")), shared(&of('M', "prompt"))), (400, 0));
        assert!(shared(&of('K', "another")) < 100);
    }
}
