//! What the model saw of a record, as numbers: vectors of its name and of the fields that the task shows.

use crawl_core::json::Raw;
use static_embedding::{Embedding, Table};

use crate::engine::rules::leaves;
use crate::task::{Field, Task, Values, shown_id};

/// What a record looks like to a head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The vector of the name, and behind it that of the fields; each of length one, or of zeros.
    pub features: Vec<f32>,
    /// Whether the table knows half of the words or more: else the vectors tell nothing.
    pub is_known: bool,
}

impl Seen {
    /// Looks at a record: at its name without the owner, and at the fields that the task shows, cut as the model sees them.
    pub fn of(table: &Table, task: &Task, record: Raw<'_>, id: &str) -> Seen {
        let name = shown_id(id).replace(['-', '_', '.', '/'], " ");
        let (mut vector, mut embedding) = (Embedding::default(), Embedding::default());
        table.embed_into(&name, &mut vector);
        table.embed_into(&fields(task, record), &mut embedding);
        let (known, words) = (vector.known + embedding.known, vector.words + embedding.words);
        let mut features = vector.vector;
        features.extend_from_slice(&embedding.vector);
        Seen { features, is_known: words > 0 && known * 2 >= words }
    }
}

/// How many numbers [`Seen::features`] has.
pub(crate) fn dimension(table: &Table) -> usize {
    2 * table.dimension()
}

fn fields(task: &Task, record: Raw<'_>) -> String {
    let values = Values::new(record, "", &task.fields);
    let mut text = String::new();
    for place in task.shown() {
        let Some(value) = values.field(place) else { continue };
        let Field { limit, .. } = task.fields[place];
        let mut left = limit;
        leaves(value, &mut |leaf| {
            let end = leaf.char_indices().nth(left).map_or(leaf.len(), |(end, _)| end);
            left = left.saturating_sub(leaf.chars().count());
            text.push_str(&leaf[..end]);
            text.push(' ');
        });
    }
    text
}
