//! What the columns of models mean, and by which formula they are worked out: from the table of `model-facts`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use model_facts::{CATALOGUE, Described};

use crate::mapping::Mapping;

/// What is said of a column of models, by its name in the index.
pub(super) fn of(source: &str, column: &str) -> Option<&'static Described> {
    static KNOWN: OnceLock<BTreeMap<String, &'static Described>> = OnceLock::new();
    let read = || {
        // The mapping says out of which column of the catalogue each is made; a test reads it.
        let Ok(mapping) = Mapping::named("hf-catalogue") else { return BTreeMap::new() };
        let columns = mapping.facets.iter().chain(&mapping.numbers).chain(&mapping.times);
        let described = columns.filter_map(|(name, fields)| {
            let member = fields.all().next()?.member()?;
            Some((name.clone(), CATALOGUE.iter().find(|described| described.name == member)?))
        });
        described.collect()
    };
    KNOWN.get_or_init(read).get(column).copied().filter(|_| source == "hf-models")
}

/// For people who point at a value that was worked out.
pub(super) fn formula(source: &str, column: &str) -> String {
    match of(source, column) {
        Some(described) => {
            format!("derived: {} (from {})", plain(described.meaning), plain(described.source))
        }
        None => "derived: worked out of other fields of the record".to_owned(),
    }
}

/// Without the marks of Markdown.
pub(super) fn plain(text: &str) -> String {
    text.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_columns_tell_their_formula() {
        assert!(formula("hf-models", "bytes_read_per_token").contains("weight_bytes × active_parameters"));
        assert!(of("hf-models", "license").is_some() && of("kaggle-models", "license").is_none());
    }
}
