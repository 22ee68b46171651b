//! Licences: the Hub's keywords, their SPDX ids, and whether they allow commercial use.
//!
//! This is no legal advice: it sorts by the text of the licence, and conditions such as a limit of users, a list of
//! forbidden uses or an agreement are `conditions`. What is not in the table is unknown.

use std::borrow::Cow;

use crawl_core::json::Raw;

/// Whether commercial use is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commercial {
    /// Yes; attribution, notices or the same licence may be asked for.
    Yes,
    /// No.
    No,
    /// With limits on who may use it or for what.
    Conditions,
    /// The table does not know the licence, or there are several that differ.
    #[default]
    Unknown,
}

impl Commercial {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Commercial::Yes => "yes",
            Commercial::No => "no",
            Commercial::Conditions => "conditions",
            Commercial::Unknown => "unknown",
        }
    }
}

use Commercial::{Conditions, No, Unknown, Yes};

/// The Hub's keyword, the SPDX id, and whether commercial use is allowed. The Hub does not tell versions "only" from "or
/// later"; SPDX reads a bare id as "only".
pub const TABLE: &[(&str, Option<&str>, Commercial)] = &[
    ("apache-2.0", Some("Apache-2.0"), Yes),
    ("mit", Some("MIT"), Yes),
    ("afl-3.0", Some("AFL-3.0"), Yes),
    ("agpl-3.0", Some("AGPL-3.0-only"), Yes),
    ("apple-amlr", None, No),
    ("artistic-2.0", Some("Artistic-2.0"), Yes),
    ("bigcode-openrail-m", None, Conditions),
    ("bigscience-bloom-rail-1.0", None, Conditions),
    ("bigscience-openrail-m", None, Conditions),
    ("bsd-2-clause", Some("BSD-2-Clause"), Yes),
    ("bsd-3-clause", Some("BSD-3-Clause"), Yes),
    ("bsd-3-clause-clear", Some("BSD-3-Clause-Clear"), Yes),
    ("bsl-1.0", Some("BSL-1.0"), Yes),
    ("c-uda", Some("C-UDA-1.0"), Conditions),
    ("cc-by-2.0", Some("CC-BY-2.0"), Yes),
    ("cc-by-2.5", Some("CC-BY-2.5"), Yes),
    ("cc-by-3.0", Some("CC-BY-3.0"), Yes),
    ("cc-by-4.0", Some("CC-BY-4.0"), Yes),
    ("cc-by-nc-2.0", Some("CC-BY-NC-2.0"), No),
    ("cc-by-nc-3.0", Some("CC-BY-NC-3.0"), No),
    ("cc-by-nc-4.0", Some("CC-BY-NC-4.0"), No),
    ("cc-by-nc-nd-3.0", Some("CC-BY-NC-ND-3.0"), No),
    ("cc-by-nc-nd-4.0", Some("CC-BY-NC-ND-4.0"), No),
    ("cc-by-nc-sa-2.0", Some("CC-BY-NC-SA-2.0"), No),
    ("cc-by-nc-sa-3.0", Some("CC-BY-NC-SA-3.0"), No),
    ("cc-by-nc-sa-4.0", Some("CC-BY-NC-SA-4.0"), No),
    ("cc-by-nd-4.0", Some("CC-BY-ND-4.0"), Conditions),
    ("cc-by-sa-3.0", Some("CC-BY-SA-3.0"), Yes),
    ("cc-by-sa-4.0", Some("CC-BY-SA-4.0"), Yes),
    ("cc0-1.0", Some("CC0-1.0"), Yes),
    ("cdla-permissive-1.0", Some("CDLA-Permissive-1.0"), Yes),
    ("cdla-permissive-2.0", Some("CDLA-Permissive-2.0"), Yes),
    ("cdla-sharing-1.0", Some("CDLA-Sharing-1.0"), Yes),
    ("creativeml-openrail-m", None, Conditions),
    ("deepfloyd-if-license", None, No),
    ("ecl-2.0", Some("ECL-2.0"), Yes),
    ("epl-1.0", Some("EPL-1.0"), Yes),
    ("epl-2.0", Some("EPL-2.0"), Yes),
    ("etalab-2.0", Some("etalab-2.0"), Yes),
    ("eupl-1.1", Some("EUPL-1.1"), Yes),
    ("eupl-1.2", Some("EUPL-1.2"), Yes),
    ("fair-noncommercial-research-license", None, No),
    ("gemma", None, Conditions),
    ("gfdl", None, Yes),
    ("gpl-2.0", Some("GPL-2.0-only"), Yes),
    ("gpl-3.0", Some("GPL-3.0-only"), Yes),
    ("isc", Some("ISC"), Yes),
    ("lgpl-2.1", Some("LGPL-2.1-only"), Yes),
    ("lgpl-3.0", Some("LGPL-3.0-only"), Yes),
    ("llama2", None, Conditions),
    ("llama3", None, Conditions),
    ("llama3.1", None, Conditions),
    ("llama3.2", None, Conditions),
    ("llama3.3", None, Conditions),
    ("llama4", None, Conditions),
    ("lppl-1.3c", Some("LPPL-1.3c"), Yes),
    ("mpl-2.0", Some("MPL-2.0"), Yes),
    ("ms-pl", Some("MS-PL"), Yes),
    ("ncsa", Some("NCSA"), Yes),
    ("odbl", Some("ODbL-1.0"), Yes),
    ("odc-by", Some("ODC-By-1.0"), Yes),
    ("ofl-1.1", Some("OFL-1.1"), Yes),
    ("openmdw-1.0", None, Yes),
    ("openmdw-1.1", None, Yes),
    ("openrail", None, Conditions),
    ("openrail++", None, Conditions),
    ("osl-3.0", Some("OSL-3.0"), Yes),
    ("pddl", Some("PDDL-1.0"), Yes),
    ("postgresql", Some("PostgreSQL"), Yes),
    ("unlicense", Some("Unlicense"), Yes),
    ("wtfpl", Some("WTFPL"), Yes),
    ("zlib", Some("Zlib"), Yes),
    // Families, deeds without a version, and `other`: what is allowed is in a text that is not read here.
    ("bsd", None, Yes),
    ("cc", None, Unknown),
    ("gpl", None, Yes),
    ("lgpl", None, Yes),
    ("other", None, Unknown),
    ("unknown", None, Unknown),
];

/// The licences that a model names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Licence<'a> {
    /// The keywords, as they are written.
    pub keywords: Vec<Cow<'a, str>>,
    /// The SPDX id, if there is one keyword and it has one.
    pub spdx: Option<&'static str>,
    /// Whether commercial use is allowed; of several licences, what they agree on.
    pub commercial: Commercial,
}

/// The longest keyword, and how many are read.
const LONGEST: usize = 200;
const MOST: usize = 20;

impl<'a> Licence<'a> {
    /// Reads `license` of a card, which may be a text, a list, or an object with a name; else the tags `license:`.
    pub(crate) fn of(card: Option<Raw<'a>>, tags: &[Cow<'a, str>]) -> Option<Licence<'a>> {
        let mut keywords = card.map(crate::card::texts).unwrap_or_default();
        if keywords.is_empty() {
            let own = |tag: &Cow<'a, str>| crate::card::after(tag, "license:");
            keywords = tags.iter().filter_map(own).collect();
        }
        keywords.retain(|word| !word.is_empty() && word.len() <= LONGEST);
        keywords.truncate(MOST);
        if keywords.is_empty() {
            return None;
        }
        let known = |word: &Cow<'_, str>| {
            TABLE
                .iter()
                .find(|(own, _, _)| own.eq_ignore_ascii_case(word))
                .map_or((None, Unknown), |row| (row.1, row.2))
        };
        let (spdx, commercial) = known(&keywords[0]);
        let agreed = keywords.iter().all(|word| known(word).1 == commercial);
        Some(Licence {
            spdx: spdx.filter(|_| keywords.len() == 1),
            commercial: if agreed { commercial } else { Unknown },
            keywords,
        })
    }
}
