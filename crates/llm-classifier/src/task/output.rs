//! The names of the members that a task adds to a record.

use crawl_core::Result;
use serde::Deserialize;
use toml::Spanned;

use super::text::Text;
use super::{Task, TaskKind};

/// The names of the members that are added to a record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The list of label names; empty for a filter.
    #[serde(default)]
    pub names: String,
    /// The list of label numbers; empty for a filter.
    #[serde(default)]
    pub ids: String,
    /// The model's reasoning.
    #[serde(default = "reasoning")]
    pub reasoning: String,
    /// One member for all response fields and the reasoning; without it each is a member of its own.
    #[serde(default)]
    pub object: Option<String>,
    /// The member that tells how the answer was had: model, prompt, tokens, cost, time. Not written if absent.
    #[serde(default)]
    pub answer: Option<String>,
}

fn reasoning() -> String {
    "reasoning".into()
}

/// Checks that no two members have one name, and that those are there that the kind needs.
pub(super) fn check(source: &Text<'_>, output: &Spanned<Output>, task: &Task) -> Result<()> {
    let wrong = |what: &str| Err(source.wrong(output.span().start, "output", what));
    let Output { names, ids, .. } = output.get_ref();
    match task.kind {
        TaskKind::Labels(_) if names.is_empty() || ids.is_empty() => {
            return wrong("a task of kind `labels` needs `names` and `ids`");
        }
        TaskKind::Filter(_) if !names.is_empty() || !ids.is_empty() => {
            return wrong("a task of kind `filter` has no `names` and `ids`");
        }
        _ => {}
    }
    let members = task.members();
    if members.iter().any(|name| name.is_empty()) {
        return wrong("a member needs a name");
    }
    match (1..members.len()).find(|place| members[..*place].contains(&members[*place])) {
        Some(place) => wrong(&format!("two members have the name `{}`", members[place])),
        None => Ok(()),
    }
}
