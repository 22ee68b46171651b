//! The engines that need no network: words and tags, and a distilled head. They answer where they are sure.

use crawl_core::json::Raw;

use super::Classifier;
use crate::ask::Origin;
use crate::engine::head::Head;
use crate::engine::rules::{self, Ruled};
use crate::task::{Answer, Task};

/// Engines that are asked before a model, in this order.
#[derive(Debug, Default)]
pub(super) struct Local {
    pub(super) rules: bool,
    pub(super) head: Option<Head>,
}

/// What they make of a record.
pub(crate) enum Settled {
    /// One of them is sure.
    Answered(Answer, Box<Origin>),
    /// None of them is; says why the last one is not.
    Unsure(String),
}

impl Classifier {
    /// A classifier that asks nobody but a head.
    pub fn head_alone(task: Task, head: Head, id_field: &str, concurrency: u32) -> Self {
        Classifier::rules_alone(task, id_field, concurrency).without_rules().with_head(head)
    }

    /// Asks a head first (but behind the rules), and the endpoint only where it is unsure.
    pub fn with_head(mut self, head: Head) -> Self {
        self.local.head = Some(head);
        self
    }

    /// The head, if one is asked.
    pub fn head(&self) -> Option<&Head> {
        self.local.head.as_ref()
    }

    pub(crate) fn locally(&self, record: Raw<'_>, id: &str) -> Settled {
        let mut why = "no engine is there to ask".to_owned();
        if self.local.rules {
            match rules::judge(&self.task, record, id) {
                Ruled::Sure(answer) => return Settled::Answered(answer, Box::new(by_rules())),
                Ruled::Unsure(unsure) => why = unsure,
            }
        }
        if let Some(head) = &self.local.head {
            match head.judge(&self.task, record, id) {
                Ok(answer) => return Settled::Answered(answer, Box::new(head.origin())),
                Err(unsure) => why = unsure,
            }
        }
        Settled::Unsure(why)
    }
}

fn by_rules() -> Origin {
    Origin { engine: "rules", cost_usd: Some(0.0), ..Origin::default() }
}
